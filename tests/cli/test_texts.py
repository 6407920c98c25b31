# SPDX-License-Identifier: Apache-2.0
"""Texts of other programs, and files that are none: what minrnn train and eval make of them.

usage: test_texts.py COMMAND [unittest's arguments]
"""

import bz2
import csv
import gzip
import lzma
import os
import random
import struct
import subprocess
import threading

import common
import test_foreign as foreign
from common import FAILED, TINY

MARK = b"\xef\xbb\xbf"
FRENCH = """Longtemps, je me suis couché de bonne heure. Parfois, à peine ma bougie éteinte,
mes yeux se fermaient si vite. L’été, « déjà » près d'un château.
"""
GERMAN = """Als Gregor Samsa eines Morgens aus unruhigen Träumen erwachte, fand er sich in
seinem Bett. Füße, größer, „so“, Öl und Überfluß.
"""
RUSSIAN = """Все счастливые семьи похожи друг на друга, каждая несчастливая семья
несчастлива по-своему. Все смешалось в доме Облонских.
"""
CHINESE = """第一公民说，在我们继续前进之前，请听我说。大家说：你说，你说。
我们都知道凯乌斯是人民的头号敌人，我们要杀了他，然后按照我们自己的价格得到粮食。
"""
TAIWANESE = """第一公民說，在我們繼續前進之前，請聽我說。大家說：你說，你說。
我們都知道凱烏斯是人民的頭號敵人，我們要殺了他，然後按照我們自己的價格得到糧食。
"""
JAPANESE = """吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。
何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。
"""
KOREAN = """모든 국민은 인간으로서의 존엄과 가치를 가지며, 행복을 추구할 권리를 가진다.
국가는 개인이 가지는 불가침의 기본적 인권을 확인하고 이를 보장할 의무를 진다.
"""


def with_capitals(text, every):
    """One letter in so many is a capital."""
    return "".join(c.upper() if i % every == 0 else c for i, c in enumerate(text))


DNA = "".join(random.Random(1).choices("ACGT", k=3000))

# text, Python's name of the encoding, what the message calls it, the charset for iconv
ENCODINGS = [
    (FRENCH, "utf-16", "UTF-16", "UTF-16"),
    (CHINESE, "utf-16", "UTF-16", "UTF-16"),
    (FRENCH, "utf-16-le", "UTF-16 (little-endian)", "UTF-16LE"),
    (FRENCH, "utf-16-be", "UTF-16 (big-endian)", "UTF-16BE"),
    (CHINESE, "utf-16-le", "UTF-16 (little-endian)", "UTF-16LE"),
    (RUSSIAN, "utf-16-be", "UTF-16 (big-endian)", "UTF-16BE"),
    (KOREAN, "utf-32", "UTF-32", "UTF-32"),
    (RUSSIAN, "utf-32-le", "UTF-32 (little-endian)", "UTF-32LE"),
    (JAPANESE, "utf-32-be", "UTF-32 (big-endian)", "UTF-32BE"),
    (FRENCH, "cp1252", "Windows-1252 or Latin-1", "CP1252"),
    (GERMAN, "cp1252", "Windows-1252 or Latin-1", "CP1252"),
    (FRENCH.replace("’", "'"), "latin-1", "Windows-1252 or Latin-1", "CP1252"),
    (RUSSIAN, "cp1251", "Windows-1251, if it is Cyrillic", "CP1251"),
    (RUSSIAN, "koi8-r", "KOI8-R, if it is Cyrillic", "KOI8-R"),
    (with_capitals(RUSSIAN, 3), "cp1251", "Windows-1251, if it is Cyrillic", "CP1251"),
    (with_capitals(RUSSIAN, 3), "koi8-r", "KOI8-R, if it is Cyrillic", "KOI8-R"),
    (with_capitals(RUSSIAN, 2), "cp1251", "encodings of 8 bits", None),
    (with_capitals(RUSSIAN, 2), "koi8-r", "encodings of 8 bits", None),
    (CHINESE, "gb18030", "GB18030", "GB18030"),
    (CHINESE, "gb2312", "GB18030", "GB18030"),
    (TAIWANESE, "big5", "Big5", "BIG5"),
    (JAPANESE, "shift-jis", "Shift-JIS", "CP932"),
    (JAPANESE, "euc-jp", "EUC-JP", "EUC-JP"),
    (KOREAN, "euc-kr", "EUC-KR", "CP949"),
    (RUSSIAN, "cp866", "encodings of 8 bits", None),
    (FRENCH.replace("’", "'"), "cp850", "encodings of 8 bits", None),
    (FRENCH, "mac-roman", "encodings of 8 bits", None),
]


def compressed(command):
    return subprocess.run(command, input=common.text_of().encode(), stdout=subprocess.PIPE,
                          check=True).stdout


BINARIES = [
    (gzip.compress(b"to be " * 500), "compressed with gzip", "gunzip < "),
    (bz2.compress(b"to be " * 500), "compressed with bzip2", "bzip2 -d < "),
    (lzma.compress(b"to be " * 500), "compressed with xz", "xz -d < "),
    (b"\x28\xb5\x2f\xfd\x04\x58" + bytes(90), "compressed with zstd", "zstd -d < "),
    (b"\x04\x22\x4d\x18\x64\x40" + bytes(90), "compressed with lz4", "lz4 -d < "),
    (foreign.zipped("book.txt"), "a zip archive", "unzip "),
    (foreign.zipped("[Content_Types].xml", "word/document.xml"), "office document", "plain text"),
    (foreign.zipped("archive/data.pkl"), "PyTorch", ""),
    (foreign.tarred(), "tar archive", "tar -xf "),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(50), "a PDF", "pdftotext"),
    (b"PAR1\x15\x04\x15" + bytes(50), "Parquet", "read_parquet"),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(50), "an image (PNG)", ""),
    (b"\x7fELF\2\1\1" + bytes(60), "a program", ""),
    (bytes(5000), "filled with zeros", "again"),
    (foreign.safetensors(foreign.byte_model()), "a safetensors file", "--model"),
    (bytes(random.Random(3).choices(range(256), k=4000)), "binary data", ""),
]


class Texts(common.Workplace):
    def evaluated(self, data, *more, **options):
        """The loss and over how many, of the model that is there."""
        shown = self.good("eval", "--model", self.model, "--data", data, *more, **options)
        return float(shown.split("loss ")[1].split()[0]), shown.split("over ")[1].split()[0]

    def refused(self, part, content, name="text.txt"):
        path = self.write(name, content)
        return self.bad(FAILED, part, "train", "--data", path, *TINY, "--out", self.path("m"))

    def known(self, text):
        """Trains on a text, so that it is what the model knows."""
        self.data = self.write("data.txt", text.encode())
        return self.trained(steps=1)


class Encodings(Texts):
    def test_they_are_named_with_the_call_of_iconv(self):
        for text, codec, name, charset in ENCODINGS:
            for times in (1, 30):
                with self.subTest(codec=codec, times=times):
                    content = (text * times).encode(codec)
                    said = self.refused("looks like " if charset else "one of the", content)
                    self.assertIn(name, said)
                    path = self.path("text.txt")
                    if charset:
                        call = f"iconv -f {charset} -t UTF-8 {path} > utf8.txt"
                        self.assertIn(call, said)
                        self.assertEqual(content.decode(charset), text * times)
                    else:
                        self.assertNotIn("iconv", said)
                    self.assertIn("--tokens bytes", said)

    def test_the_place_is_named(self):
        content = b"to be\n" * 1000 + b"or n\xf6t" + b"\nto be" * 1000
        self.assertIn("line 1001: byte 6004 (0xF6)", self.refused("text.txt", content))
        self.assertIn("line 1001: byte 6007 (0xF6)", self.refused("text.txt", MARK + content))
        content = b"to be\n" * 100000 + b"or n\0t"
        self.assertIn("line 100001: byte 600004 is a NUL", self.refused("binary data", content))

    def test_damaged_text(self):
        text = (CHINESE * 30).encode()
        for content in (text[:500] + b"\xff" + text[500:], text[:-2], text + b"\xed\xa0\x80"):
            self.assertIn("iconv -cf UTF-8 -t UTF-8 ", self.refused("damaged", content))

    def test_a_name_is_quoted(self):
        said = self.refused("CP1252", "caf\xe9 au lait".encode("latin-1"), "my text's.txt")
        self.assertIn(f"'{self.folder}/my text'\\''s.txt' > utf8.txt", said)

    def test_a_model_that_knows_characters_takes_no_bytes(self):
        self.trained()
        path = self.write("latin.txt", b"to b\xe9")
        said = self.bad(FAILED, "CP1252", "eval", "--model", self.model, "--data", path)
        self.assertNotIn("--tokens", said)
        # Before a character that it does not have.
        path = self.write("latin.txt", "XYZ to bé".encode("utf-16"))
        self.bad(FAILED, "UTF-16", "eval", "--model", self.model, "--data", path)
        path = self.write("text.gz", gzip.compress(b"to be"))
        self.bad(FAILED, "gunzip", "eval", "--model", self.model, "--data", path)

    def test_a_mark_is_dropped(self):
        for text in ("to be or not to be " * 20, "x", CHINESE, "to\ufeff be or not" * 20):
            plain, marked = (self.write(n, m + text.encode()) for n, m in [("a", b""), ("b", MARK)])
            if len(text) < 2:
                self.bad(FAILED, "too short", "train", "--data", marked, *TINY)
                continue
            shown = [
                self.good("train", "--data", path, *TINY, "--steps", 1, "--overwrite", "--out",
                          self.path("m" + n))
                for path, n in ((plain, "a"), (marked, "b"))
            ]
            self.assertEqual(shown[0].split("characters")[0].split(": ")[1],
                             shown[1].split("characters")[0].split(": ")[1])
            self.assertEqual(self.read(self.path("ma")), self.read(self.path("mb")))


class NotTexts(Texts):
    def test_what_is_no_text_is_named(self):
        for content, name, remedy in BINARIES:
            with self.subTest(name):
                self.assertIn(remedy, self.refused(name, content))

    def test_pointers(self):
        for content, remedy in [
            (foreign.LFS, "git lfs pull"),
            (b"/annex/objects/SHA256E-s11--ab.txt\n", "git annex get"),
            (b"outs:\n- md5: a304afb96060aad90176268345e10355\n  path: a.txt\n", "dvc pull"),
        ]:
            with self.subTest(remedy):
                self.refused(remedy, content)

    def test_own_files(self):
        self.trained()
        for path in (self.model, self.state):
            self.bad(FAILED, "a model that minrnn saved", "train", "--data", path, *TINY, "--out",
                     self.path("m"))

    def test_text_that_only_looks_like_one(self):
        """Any UTF-8 is a text, whatever it begins with."""
        for text in ("<!DOCTYPE html><html>" * 5, '{"a": 1}' * 9, "GIF89a is a format. " * 5,
                     "PK means Phil Katz. " * 5, "version 1 of the text. " * 5,
                     "outs:\n- and ins, and more. " * 5, "ID3 tags are of audio. " * 5):
            with self.subTest(text):
                self.known(text)


class Sources(Texts):
    def test_standard_input(self):
        self.trained()
        expected = self.evaluated(self.data)
        with open(self.data, "rb") as file:
            self.assertEqual(self.evaluated("-", stdin=file), expected)
        reader, writer = os.pipe()
        content = self.read(self.data)
        thread = threading.Thread(target=lambda: (os.write(writer, content), os.close(writer)))
        thread.start()
        with os.fdopen(reader, "rb") as file:
            self.assertEqual(self.evaluated("-", stdin=file), expected)
        thread.join()
        self.bad(FAILED, "standard input: the file is empty", "eval", "--model", self.model,
                 "--data", "-")
        marked = self.write("marked", MARK + b"to b\xe9")
        with open(marked, "rb") as file:
            said = self.bad(FAILED, "standard input, line 1: byte 7 (0xE9)", "eval", "--model",
                            self.model, "--data", "-", stdin=file)
        self.assertTrue(said.endswith(": iconv -f CP1252 -t UTF-8\n"), said)

    def test_pipes_train(self):
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        text = common.text_of(200000).encode()
        plain = self.write("plain.txt", text)

        def write():
            with open(pipe, "wb") as file:
                file.write(text)

        thread = threading.Thread(target=write)
        thread.start()
        self.good("train", "--data", pipe, *TINY, "--steps", 2, "--out", self.path("piped"))
        thread.join()
        self.good("train", "--data", plain, *TINY, "--steps", 2, "--out", self.path("read"))
        self.assertEqual(self.read(self.path("piped")), self.read(self.path("read")))

    def test_devices(self):
        for path, part in [("/dev/null", "is empty"), ("/dev/zero", "zeros"),
                           ("/dev/urandom", "binary data")]:
            with self.subTest(path):
                self.bad(FAILED, part, "train", "--data", path, *TINY, "--out", self.path("m"))

    def test_a_folder_is_documents(self):
        """A document begins with no memory, and nothing is predicted across two of them."""
        self.trained("--rate", "3e-2", steps=40)
        words = ["to be or not to be", "question the to", "that is the question\n"]
        os.makedirs(self.path("texts/b"))
        for name, word in zip(("texts/a.txt", "texts/b/c.txt", "texts/z.txt"), words):
            self.write(name, word.encode())
        self.write("texts/.hidden", b"\0")
        self.write("texts/empty", b"")
        loss, over = self.evaluated(self.path("texts"), "--time", 32)
        alone = [self.evaluated(self.write("one", word.encode()), "--time", 32) for word in words]
        count = sum(len(word) - 1 for word in words)
        self.assertEqual(int(over), count)
        self.assertAlmostEqual(loss, sum(l * int(n) for l, n in alone) / count, 5)
        together, over = self.evaluated(self.write("one", "".join(words).encode()), "--time", 32)
        self.assertEqual(int(over), sum(map(len, words)) - 1)
        self.assertNotAlmostEqual(loss, together, 3)
        self.good("train", "--data", self.path("texts"), *TINY, "--steps", 2, "--out",
                  self.path("m"))

    def test_training_resets_too(self):
        """A step on the one window of the training split has the loss that eval finds."""
        os.mkdir(self.path("texts"))
        for name, word in (("a", "to be"), ("b", " or not"), ("c", " to be, ..")):
            self.write("texts/" + name, word.encode())
        log, folder = self.log, self.path("texts")
        self.good("train", "--data", folder, "--width", 16, "--layers", 2, "--batch", 2, "--time", 18,
                  "--rate", 0, "--warmup", 0, "--steps", 1, "--out", self.model, "--log", log)
        with open(log, newline="") as file:
            (row,) = csv.DictReader(file)
        loss, over = self.evaluated(folder, "--split", "train", "--time", 18)
        self.assertEqual(over, "16")
        self.assertAlmostEqual(float(row["loss"]), loss, 5)

    def test_folders_that_are_none(self):
        os.mkdir(self.path("texts"))
        self.bad(FAILED, "without a file", "train", "--data", self.path("texts"), *TINY)
        self.write("texts/a", b"to be or not to be, that is the question")
        self.write("texts/b.gz", gzip.compress(b"to be"))
        said = self.bad(FAILED, "gzip", "train", "--data", self.path("texts"), *TINY)
        self.assertIn("texts/b.gz is compressed", said)


class Defaults(Texts):
    def test_generate_without_a_prompt(self):
        """Whatever the text, plain generate begins with what the model knows."""
        for text in (CHINESE * 20, DNA, "a", "ab" * 50, "one line of words " * 10, "🎭🎪" * 40):
            if len(text) < 20:
                continue
            with self.subTest(text[:10]):
                self.known(text)
                shown = self.good("generate", "--model", self.model, "--length", 30)
                self.assertEqual(len(shown), 31)
                self.assertTrue(set(shown[:-1]) <= set(text))

    def test_the_newline_is_not_printed(self):
        self.trained()
        shown = self.good("generate", "--model", self.model, "--length", 30)
        self.assertEqual(
            self.good("generate", "--model", self.model, "--length", 30, "--prompt", "\n"),
            "\n" + shown)

    def test_eval_judges_the_whole_file(self):
        self.trained()
        loss, over = self.evaluated(self.data)
        self.assertEqual(over, "1,999")
        self.assertEqual(self.evaluated(self.data, "--split", "all"), (loss, over))
        parts = [self.evaluated(self.data, "--split", split) for split in ("train", "validation")]
        self.assertEqual([over for _, over in parts], ["1,799", "199"])
        self.assertTrue(min(parts)[0] < loss < max(parts)[0])
        two = self.write("two.txt", b"to")
        self.assertEqual(self.evaluated(two)[1], "1")
        self.bad(FAILED, "too short", "eval", "--model", self.model, "--data", two, "--split",
                 "validation")


if __name__ == "__main__":
    common.main()
