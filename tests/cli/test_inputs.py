# SPDX-License-Identifier: Apache-2.0
"""What minrnn train reads: files, pipes and folders, of characters or bytes, to train and to validate.

usage: test_inputs.py COMMAND [unittest's arguments]
"""

import os
import random
import re
import subprocess
import threading

import common
from common import FAILED, TINY, WRONG_USE


class Place(common.Workplace):
    def setUp(self):
        super().setUp()
        text = common.text_of(6000).encode()
        self.parts = [self.write(f"part{i}.txt", text[i * 2000 : i * 2000 + 2000]) for i in (0, 1, 2)]

    def on(self, *data, out=None, steps=4):
        """The command that trains on some texts; strings after them are options."""
        given = [part for path in data for part in ("--data", path)]
        return ["train", *given, *TINY, "--steps", steps, "--out", out or self.model, "--overwrite"]

    def resumed(self, command):
        return [*command[:-1], "--resume"]

    def piped(self, name, content):
        """The path of a pipe that gives `content` once."""
        path = self.path(name)
        os.mkfifo(path)

        def write():
            with open(path, "wb") as file:
                file.write(content)

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        return path

    def trains(self, *command, **options):
        shown = self.good(*command, **options)
        return shown, self.read(self.model), self.read(self.state)


class Several(Place):
    def test_eval_judges_files_and_folders_alike(self):
        """Three documents of 2,000 characters; the first of each is nobody's target."""
        self.trains(*self.on(*self.parts))
        os.mkdir(self.path("texts"))
        for path in self.parts:
            os.link(path, self.path("texts/" + os.path.basename(path)))
        judge = ["eval", "--model", self.model]
        given = [part for path in self.parts for part in ("--data", path)]
        several = self.good(*judge, *given)
        self.assertIn("over     5,997 characters", several)
        self.assertEqual(several, self.good(*judge, "--data", self.path("texts")))
        self.assertNotEqual(several, self.good(*judge, *given[2:]))

    def test_files_and_folders_are_the_same_documents(self):
        shown, *several = self.trains(*self.on(*self.parts))
        self.assertIn(f"data     {self.parts[0]} and 2 more, 3 documents: 5,400 characters to train, "
                      "600 to validate, vocabulary ", shown)  # fmt: skip
        os.mkdir(self.path("texts"))
        for path in self.parts:
            os.link(path, self.path("texts/" + os.path.basename(path)))
        shown, *folder = self.trains(*self.on(self.path("texts")))
        self.assertIn(f"data     {self.path('texts')}, 3 documents: 5,400 ", shown)
        self.assertEqual(folder, several)
        _, *other = self.trains(*self.on(*reversed(self.parts)))
        self.assertNotEqual(other, several)

    def test_documents_are_not_one_text(self):
        """Nothing is remembered and nothing predicted across the end of one."""
        text = b"".join(map(self.read, self.parts))
        whole = self.write("whole.txt", text)
        os.mkdir(self.path("texts"))
        for i in range(0, len(text), 50):
            self.write(f"texts/{i:04}", text[i : i + 50])
        _, *one = self.trains(*self.on(whole))
        _, *several = self.trains(*self.on(self.path("texts")))
        self.assertEqual(len(one[0]), len(several[0]))
        self.assertNotEqual(one, several)

    def test_a_document_begins_with_no_memory(self):
        """The same text twice has the loss of that text once: of one window, which holds it all."""
        text = self.write("text.txt", self.read(self.data)[:60])
        losses = {}
        for count in (1, 2):
            for name, data in (("documents", [text] * count),
                               ("one", [self.write("one.txt", self.read(text) * count)])):
                self.good(*self.on(*data, steps=1), "--validation", text, "--batch", 1, "--time",
                          60 * count - 1, "--log", self.log)  # fmt: skip
                losses[name, count] = float(self.read(self.log).split(b"\n")[1].split(b",")[1])
        self.assertEqual(losses["documents", 1], losses["one", 1])
        self.assertLess(abs(losses["documents", 2] - losses["documents", 1]), 1e-5)
        self.assertGreater(abs(losses["one", 2] - losses["documents", 1]), 1e-4)

    def test_a_text_alone_has_no_resets(self):
        """The bits are those of the file, however it is read."""
        _, *expected = self.trains(*self.on(self.data))
        os.mkdir(self.path("texts"))
        os.link(self.data, self.path("texts/a"))
        self.assertEqual(self.trains(*self.on(self.path("texts")))[1:], tuple(expected))
        pipe = self.piped("pipe", self.read(self.data))
        self.assertEqual(self.trains(*self.on(pipe))[1:], tuple(expected))
        with open(self.data, "rb") as file:
            self.assertEqual(self.trains(*self.on("-"), stdin=file)[1:], tuple(expected))

    def test_pipes_beside_files(self):
        _, *expected = self.trains(*self.on(*self.parts))
        pipe = self.piped("pipe", self.read(self.parts[1]))
        with open(self.parts[2], "rb") as file:
            _, *results = self.trains(*self.on(self.parts[0], pipe, "-"), stdin=file)
        self.assertEqual(results, expected)

    def test_resumed(self):
        _, *expected = self.trains(*self.on(*self.parts, steps=6))
        self.good(*self.on(*self.parts, steps=3))
        _, *results = self.trains(*self.resumed(self.on(*self.parts, steps=6)))
        self.assertEqual(results, expected)

    def test_standard_input_is_read_once(self):
        self.bad(WRONG_USE, "once", *self.on("-", "-"))
        self.bad(WRONG_USE, "once", *self.on("-"), "--validation", "-")

    def test_each_is_looked_at(self):
        missing, empty = self.path("missing"), self.write("empty", b"")
        self.bad(FAILED, missing, *self.on(self.data, missing))
        self.bad(FAILED, empty, *self.on(self.data, empty))
        few = [self.write("few", b"to be"), self.write("more", b" or not")]
        self.bad(FAILED, "all of --data is too short: 10 characters", *self.on(*few))

    def test_outputs_are_elsewhere(self):
        os.makedirs(self.path("texts/below"))
        os.link(self.data, self.path("texts/a"))
        os.symlink("texts", self.path("link"))
        texts = self.path("texts")
        for out in ("texts/m", "texts/below/m", "link/m", "texts/../texts/m"):
            with self.subTest(out):
                self.bad(WRONG_USE, "in the folder", *self.on(texts, out=self.path(out)))
                self.bad(WRONG_USE, "in the folder", *self.on(self.path("link")), "--log",
                         self.path(out))  # fmt: skip
                self.bad(WRONG_USE, "in the folder", *self.on(self.data), "--validation", texts,
                         "--log", self.path(out))  # fmt: skip
        self.bad(WRONG_USE, "in the folder", *self.on(".", out="m"), cwd=self.folder)
        for path in (self.parts[1], self.parts[0] + ".state"):
            self.write(path, self.read(self.data))
        self.bad(WRONG_USE, "different", *self.on(self.data, self.parts[1], out=self.parts[1]))
        self.bad(WRONG_USE, "different", *self.on(self.data), "--validation", self.parts[1], "--log",
                 self.parts[1])  # fmt: skip
        self.bad(WRONG_USE, "different", *self.on(self.data), "--validation",
                 self.parts[0] + ".state", "--out", self.parts[0])  # fmt: skip
        with open(self.parts[1], "rb") as file:
            self.bad(WRONG_USE, "different", *self.on("-"), "--log", self.parts[1], stdin=file)
        os.mkdir(self.path("texts-not"))
        self.good(*self.on(texts, out=self.path("texts-not/m")))


class Validation(Place):
    def loss_of(self, shown):
        return float(re.search(r"\nloss .*validation (\S+) ", shown)[1])

    def test_a_file_validates_and_all_of_the_data_trains(self):
        train, other = self.parts[:2]
        shown, *_ = self.trains(*self.on(train), "--validation", other)
        self.assertIn(f"data     {train}: 2,000 characters to train, vocabulary ", shown)
        self.assertIn(f"\nagainst  {other}: 2,000 characters to validate\n", shown)
        measured = self.good("eval", "--model", self.model, "--data", other, "--time", 16)
        self.assertAlmostEqual(float(measured.split("loss ")[1].split()[0]), self.loss_of(shown), 3)
        shown = self.good(*self.on(train), "--validation", self.parts[2])
        self.assertNotIn(f"validation {self.loss_of(shown)}", measured)

    def test_the_end_of_the_data_trains_too(self):
        """With what follows changed in the last tenth alone, other parameters come out."""
        text = self.read(self.data)
        changed = self.write("changed.txt", text[:1850] + text[1851:1990] + text[1850:1851] + text[1990:])
        apart = ["--validation", self.parts[1]]
        self.assertEqual(self.trains(*self.on(self.data))[1], self.trains(*self.on(changed))[1])
        steps = 20
        one = self.trains(*self.on(self.data, steps=steps), *apart)[1]
        self.assertNotEqual(one, self.trains(*self.on(changed, steps=steps), *apart)[1])

    def test_pipes_and_folders(self):
        shown, *expected = self.trains(*self.on(self.data), "--validation", self.parts[1],
                                       "--validation", self.parts[2])  # fmt: skip
        self.assertIn(f"against  {self.parts[1]} and 1 more, 2 documents: 4,000 characters", shown)
        os.mkdir(self.path("texts"))
        for path in self.parts[1:]:
            os.link(path, self.path("texts/" + os.path.basename(path)))
        again = self.good(*self.on(self.data), "--validation", self.path("texts"))
        self.assertEqual(self.loss_of(again), self.loss_of(shown))
        pipe = self.piped("pipe", self.read(self.parts[1]))
        with open(self.parts[2], "rb") as file:
            again, *results = self.trains(*self.on(self.data), "--validation", pipe, "--validation",
                                          "-", stdin=file)  # fmt: skip
        self.assertEqual(self.loss_of(again), self.loss_of(shown))
        self.assertEqual(results, expected)

    def test_characters_that_the_data_does_not_have(self):
        strange = self.write("strange.txt", "to be or not to bé".encode())
        said = self.bad(FAILED, "U+00E9", *self.on(self.data), "--validation", strange)
        self.assertIn(strange, said)
        self.good(*self.on(self.data), "--validation", strange, "--tokens", "bytes")
        self.bad(FAILED, "missing", *self.on(self.data), "--validation", self.path("missing"))

    def test_resumed(self):
        apart = ["--validation", self.parts[1]]
        _, *expected = self.trains(*self.on(self.data, steps=6), *apart)
        self.good(*self.on(self.data, steps=3), *apart)
        _, *results = self.trains(*self.resumed(self.on(self.data, steps=6)), *apart)
        self.assertEqual(results, expected)


class Bytes(Place):
    def setUp(self):
        super().setUp()
        self.binary = self.write("binary", bytes(random.Random(1).choices(range(256), k=3000)))

    def test_any_file_trains(self):
        shown = self.good(*self.on(self.binary), "--tokens", "bytes")
        self.assertIn("2,700 bytes to train, 300 to validate, vocabulary 256\n", shown)
        measured = self.good("eval", "--model", self.model, "--data", self.binary)
        self.assertIn("2,999 bytes in windows", measured)
        done = subprocess.run(
            [common.COMMAND, "generate", "--device", "cpu", "--model", self.model, "--prompt",
             "é", "--length", "50"],
            stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        self.assertTrue(done.stdout.startswith("é".encode()))

    def test_characters_are_the_default(self):
        self.bad(FAILED, "--tokens bytes", *self.on(self.write("b", b"to be\xff or not" * 9)))
        _, *expected = self.trains(*self.on(self.data))
        self.assertEqual(self.trains(*self.on(self.data), "--tokens", "characters")[1:],
                         tuple(expected))  # fmt: skip
        self.bad(WRONG_USE, "characters|bytes", *self.on(self.data), "--tokens", "words")

    def test_a_resumed_run_keeps_them(self):
        for kept, other, data in [("bytes", "characters", self.binary),
                                  ("characters", "bytes", self.data)]:  # fmt: skip
            with self.subTest(kept):
                self.good(*self.on(data), "--tokens", kept)
                more = self.resumed(self.on(data, steps=6))
                self.bad(WRONG_USE, f"--tokens is {kept} in", *more, "--tokens", other)
                self.good(*more, "--tokens", kept)
                self.assertIn(kept + " to train", self.good(*more))

    def test_too_short(self):
        short = self.write("short", b"\0" * 9)
        self.bad(FAILED, "8 bytes to train", *self.on(short), "--tokens", "bytes")


if __name__ == "__main__":
    common.main()
