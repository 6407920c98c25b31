# SPDX-License-Identifier: Apache-2.0
"""Models of other programs, and files that are none: what minrnn generate and eval make of them.

usage: test_foreign.py COMMAND [unittest's arguments]
"""

import gzip
import io
import json
import os
import pickle
import random
import struct
import tarfile
import zipfile

import common
from common import FAILED, WRONG_USE

WIDTH, INNER, VOCAB = 8, 12, 256


def byte_model(seed=1):
    """The tensors of a minGRULM of bytes, as minGRU-pytorch names them: {name: (shape, floats)}."""
    draw = random.Random(seed)

    def tensor(*shape):
        count = 1
        for size in shape:
            count *= size
        return list(shape), [draw.gauss(0, 0.7) for _ in range(count)]

    tensors = {"token_emb.weight": tensor(VOCAB, WIDTH)}
    for layer in ("layers.0.", "layers.1."):
        tensors[layer + "1.gamma"] = tensor(WIDTH)
        tensors[layer + "2.to_hidden_and_gate.weight"] = tensor(2 * INNER, WIDTH)
        tensors[layer + "2.to_out.weight"] = tensor(WIDTH, INNER)
        tensors[layer + "3.gamma"] = tensor(WIDTH)
        tensors[layer + "4.0.weight"] = tensor(4 * WIDTH, WIDTH)
        tensors[layer + "4.0.bias"] = tensor(4 * WIDTH)
        tensors[layer + "4.2.weight"] = tensor(WIDTH, 4 * WIDTH)
        tensors[layer + "4.2.bias"] = tensor(WIDTH)
    tensors["norm.gamma"] = tensor(WIDTH)
    tensors["to_logits.weight"] = tensor(VOCAB, WIDTH)
    return tensors


def safetensors(tensors, metadata=None, **more):
    header, data = dict(more), b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (shape, values) in tensors.items():
        blob = struct.pack("<%df" % len(values), *values)
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [len(data), len(data) + len(blob)]}
        data += blob
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def prefixed(tensors, prefix):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def without(tensors, *names):
    return {name: tensor for name, tensor in tensors.items() if name not in names}


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return file.getvalue()


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.safetensors"))
    return file.getvalue()


class Foreign(common.Workplace):
    def bytes_of(self, model, *more, prompt="a", length=40):
        done = common.run("generate", "--model", model, "--prompt", prompt, "--length", length,
                          "--temperature", 0, *more)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def put(self, content, name="foreign.safetensors"):
        return self.write(name, content)


class ByteModels(Foreign):
    def test_bytes_are_generated_and_judged(self):
        model = self.put(safetensors(byte_model()))
        text = self.bytes_of(model)
        self.assertEqual(len(text), 1 + 40 + 1)
        self.assertEqual(self.bytes_of(model, "--device", "cpu"), text)
        shown = self.good("eval", "--model", model, "--data", self.data)
        self.assertRegex(shown, r"loss +\d+\.\d+ nats, \d+\.\d+ bits per byte\n")
        self.assertIn("over     1,999 bytes in windows of 256", shown)
        # Bytes that are no UTF-8 are a text too, as data and as a prompt.
        data = self.write("any", bytes(range(256)) * 2)
        self.assertIn("over     511 bytes", self.good("eval", "--model", model, "--data", data))
        prompt = self.write("prompt", b"\0\xff\xc3\0")
        done = common.run("generate", "--model", model, "--prompt-file", prompt, "--length", 5)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout[:4], b"\0\xff\xc3\0")
        self.assertEqual(len(done.stdout), 4 + 5 + 1)

    def test_a_nul_in_the_prompt_counts(self):
        model = self.put(safetensors(byte_model()))
        texts = set()
        for prompt in (b"a\0", b"a", b"a\0b", b"\0"):
            path = self.write("prompt", prompt)
            done = common.run("generate", "--model", model, "--prompt-file", path, "--length", 200,
                              "--temperature", 5)
            self.assertEqual(done.stdout[: len(prompt)], prompt)
            texts.add(done.stdout[len(prompt) :])
        self.assertEqual(len(texts), 4)

    def test_plain_generate(self):
        model = self.put(safetensors(byte_model()))
        after_newline = self.bytes_of(model, prompt="\n")
        done = common.run("generate", "--model", model, "--length", 40, "--temperature", 0)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(b"\n" + done.stdout, after_newline)


class Names(Foreign):
    def test_prefixes(self):
        tensors = byte_model()
        expected = self.bytes_of(self.put(safetensors(tensors)))
        for prefix in ["_orig_mod.", "module.", "model.", "net.", "_forward_module.",
                       "module._orig_mod.", "_orig_mod.module.", "student.lm.", "ema_model.net.",
                       "0."]:
            with self.subTest(prefix):
                self.assertEqual(
                    self.bytes_of(self.put(safetensors(prefixed(tensors, prefix)))), expected)

    def test_prefixes_must_be_of_all(self):
        tensors = byte_model()
        mixed = {**prefixed(tensors, "module."), "steps": ([1], [3.0])}
        self.bad(FAILED, "neither minrnn's nor", "generate", "--model",
                 self.put(safetensors(mixed)))
        self.bad(FAILED, "neither minrnn's nor", "generate", "--model",
                 self.put(safetensors({"layers.0.2.to_hidden_and_gate.weight": ([4, 2], [0.0] * 8)})))

    def test_tied_weights(self):
        tensors = byte_model()
        embed, head = "token_emb.weight", "to_logits.weight"
        tensors[head] = tensors[embed]
        expected = self.bytes_of(self.put(safetensors(tensors)))
        different = self.bytes_of(self.put(safetensors(byte_model())))
        self.assertNotEqual(expected, different)
        for prefix in ("", "_orig_mod.", "module.model."):
            for kept, dropped in ((embed, head), (head, embed)):
                with self.subTest(prefix=prefix, kept=kept):
                    content = safetensors(
                        prefixed(without(tensors, dropped), prefix),
                        {prefix + dropped: prefix + kept, "format": "pt"})
                    self.assertEqual(self.bytes_of(self.put(content)), expected)
        # As other programs leave the head out, without a word.
        self.assertEqual(self.bytes_of(self.put(safetensors(without(tensors, head)))), expected)
        self.assertEqual(
            self.bytes_of(self.put(safetensors(without(tensors, head), {"format": "pt"}))), expected)
        # A layer that is another.
        twice = byte_model()
        names = [name for name in twice if name.startswith("layers.1.")]
        for name in names:
            twice[name] = twice[name.replace(".1.", ".0.", 1)]
        shared = safetensors(without(twice, *names),
                             {name: name.replace(".1.", ".0.", 1) for name in names})
        self.assertEqual(self.bytes_of(self.put(shared)),
                         self.bytes_of(self.put(safetensors(twice), "whole.safetensors")))

    def test_no_tensor_stands_for_a_model_without_end(self):
        tensors = byte_model()
        one = without(tensors, *[name for name in tensors if name.startswith("layers.1.")])
        for layers, good in ((64, True), (65, False)):
            more = {name.replace(".0.", f".{layer}.", 1): name for layer in range(1, layers)
                    for name in one if name.startswith("layers.0.")}
            path = self.put(safetensors(one, more))
            if good:
                self.assertEqual(len(self.bytes_of(path, length=3)), 5)
            else:
                self.bad(FAILED, "more than 64", "generate", "--model", path)

    def test_weights_that_are_missing(self):
        tensors = byte_model()
        for names, metadata in [
            (["token_emb.weight"], None),
            (["token_emb.weight"], {"token_emb.weight": "nothing"}),
            (["token_emb.weight"], {"token_emb.weight": "token_emb.weight"}),
            (["token_emb.weight"], {"token_emb.weight": "norm.gamma"}),
            (["token_emb.weight", "to_logits.weight"], None),
            (["norm.gamma"], {"norm.gamma": "to_logits.weight"}),
            (["layers.1.4.2.bias"], {"layers.1.4.2.bias": "layers.0.4.0.bias"}),
        ]:
            with self.subTest(names=names, metadata=metadata):
                content = safetensors(without(tensors, *names), metadata)
                self.bad(FAILED, "foreign.safetensors", "generate", "--model", self.put(content))

    def test_metadata_that_is_none(self):
        tensors = byte_model()
        expected = self.bytes_of(self.put(safetensors(tensors)))
        for none in (None, {}, {"format": "pt"}):
            self.assertEqual(
                self.bytes_of(self.put(safetensors(tensors, __metadata__=none))), expected)
        for wrong in (1, "x", [], {"a": None}, {"a": 1}, True):
            with self.subTest(wrong):
                self.bad(FAILED, "__metadata__", "generate", "--model",
                         self.put(safetensors(tensors, __metadata__=wrong)))


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 171440\n"
INDEX = json.dumps({"metadata": {"total_size": 12}, "weight_map": {
    "token_emb.weight": "model-00001-of-00002.safetensors"}}, indent=2).encode()
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
NOT_MODELS = {
    "empty": (b"", "is empty"),
    "git-lfs": (LFS, "git lfs pull"),
    "git-annex": (b"/annex/objects/SHA256E-s11--ab.safetensors\n", "git annex get"),
    "dvc": (b"outs:\n- md5: a304afb96060aad90176268345e10355\n  size: 11\n  path: m\n", "dvc pull"),
    "torch zip": (zipped("archive/data.pkl", "archive/data/0"), "torch.load"),
    "torch zip, another name": (zipped("model/data.pkl"), "PyTorch"),
    "torch script": (zipped("script/data/0", "script/data.pkl"), "PyTorch"),
    "torch legacy": (LEGACY + b"\0" * 100, "torch.load"),
    "pickle 2": (pickle.dumps({"a": [1.0]}, 2), "pickle"),
    "pickle 4": (pickle.dumps({"a": [1.0] * 30}, 4), "pickle"),
    "pickle 5": (pickle.dumps([b"x" * 100], 5), "pickle"),
    "index": (INDEX, "weight_map"),
    "config": (json.dumps({"hidden_size": 32, "vocab_size": 256}).encode(), "JSON"),
    "JSON array": (b'\n[1, 2, 3, "four", "five", "six"]', "JSON"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
    "npy": (b"\x93NUMPY\1\0v\0{'descr': '<f4'}", "NumPy array"),
    "npz": (zipped("token_emb.weight.npy", "b.npy"), "numpy.load"),
    "keras": (zipped("metadata.json", "config.json"), "Keras"),
    "GGUF": (b"GGUF\3\0\0\0" + bytes(100), "GGUF"),
    "GGML": (b"tjgg\3\0\0\0" + bytes(100), "GGML"),
    "ONNX": (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:" + bytes(100), "ONNX"),
    "TFLite": (b"\x1c\0\0\0TFL3" + bytes(100), "TensorFlow Lite"),
    "gzip": (gzip.compress(b"x" * 1000), "gunzip"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04\x58" + bytes(50), "zstd -d"),
    "xz": (b"\xfd7zXZ\0\0\4" + bytes(50), "xz -d"),
    "bzip2": (b"BZh91AY&SY" + bytes(50), "bzip2 -d"),
    "zip": (zipped("model.safetensors"), "unzip"),
    "tar": (tarred(), "tar -xf"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(50), "7z x"),
    "page": (b"<!DOCTYPE html>\n<html><head><title>404</title></head></html>", "web page"),
    "page, small": (b"\n  <html lang=en><body>Not found</body></html>", "web page"),
    "XML": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "server's error"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(50), "PDF"),
    "text": (b"Entry not found", "plain text"),
    "text, long": ("naïve text \u2603 ".encode() * 1000, "plain text"),
    "zeros": (bytes(10000), "unfinished download"),
    "random": (bytes(random.Random(2).choices(range(128, 256), k=1000)), "not a valid"),
}


class NotModels(Foreign):
    def test_what_is_no_model_is_named(self):
        for name, (content, part) in NOT_MODELS.items():
            with self.subTest(name):
                self.bad(FAILED, part, "generate", "--model", self.put(content))
                self.bad(FAILED, part, "eval", "--model", self.put(content), "--data", self.data)

    def test_a_download_that_was_cut(self):
        content = safetensors(byte_model())
        for bytes_there in (4, 9, 300, 2000, len(content) // 2, len(content) - 1):
            with self.subTest(bytes_there):
                said = self.bad(FAILED, "foreign.safetensors", "generate", "--model",
                                self.put(content[:bytes_there]))
                self.assertTrue(bytes_there < 9 or "cut short" in said, said)

    def test_a_folder(self):
        self.bad(FAILED, "a folder", "generate", "--model", self.folder)

    def test_names_are_quoted_for_a_shell(self):
        for name, quoted in [("a model.gz", "'{}a model.gz'"), ("it's", "'{}it'\\''s'"),
                             ("plain.gz", "{}plain.gz"), ("a;b", "'{}a;b'")]:
            path = self.put(gzip.compress(b"x"), name)
            expected = "gunzip < " + quoted.format(self.folder + "/") + " > unpacked\n"
            self.assertTrue(
                self.bad(FAILED, "gzip", "generate", "--model", path).endswith(expected), name)

    def test_the_shards_become_one(self):
        """The command that is shown for an index, as far as it can be run here."""
        said = self.bad(FAILED, "index", "generate", "--model",
                        self.put(INDEX, "model.safetensors.index.json"))
        command = said.split('python3 -c "')[1].split('"')[0]
        compile(command, "the command", "exec")


class Prompts(Foreign):
    def setUp(self):
        super().setUp()
        self.trained()
        self.generate = ["generate", "--model", self.model, "--length", 60, "--seed", 3]

    def test_from_a_file(self):
        expected = self.good(*self.generate, "--prompt", "to be\nor")
        for content in (b"to be\nor", b"\xef\xbb\xbfto be\nor"):
            path = self.write("prompt.txt", content)
            self.assertEqual(self.good(*self.generate, "--prompt-file", path), expected)
            with open(path, "rb") as file:
                done = common.run(*self.generate, "--prompt-file", "-", stdin=file)
            self.assertEqual(done.stdout.decode(), expected)
        # Exactly the file's text: the last newline too.
        path = self.write("prompt.txt", b"to be\n")
        self.assertTrue(self.good(*self.generate, "--prompt-file", path).startswith("to be\n"))
        long = common.text_of(10000)
        path = self.write("long.txt", long.encode())
        self.assertTrue(self.good(*self.generate, "--prompt-file", path).startswith(long))
        for empty in (b"", b"\xef\xbb\xbf"):
            path = self.write("empty.txt", empty)
            self.assertEqual(self.good(*self.generate, "--prompt-file", path),
                             self.good(*self.generate))

    def test_bad_files(self):
        path = self.write("prompt.txt", b"toX")
        self.bad(WRONG_USE, "not both", *self.generate, "--prompt", "a", "--prompt-file", path)
        self.bad(FAILED, path + ": ", *self.generate, "--prompt-file", path)
        self.bad(FAILED, "'X' (U+0058)", *self.generate, "--prompt-file", path)
        self.bad(FAILED, "missing", *self.generate, "--prompt-file", self.path("missing"))
        self.bad(FAILED, "directory", *self.generate, "--prompt-file", self.folder)
        path = self.write("prompt.txt", "to be or".encode("utf-16"))
        self.bad(FAILED, "UTF-16", *self.generate, "--prompt-file", path)
        path = self.write("prompt.txt", b"to\0be")
        self.bad(FAILED, "NUL", *self.generate, "--prompt-file", path)

    def test_stop(self):
        prompt = "to be"
        text = self.good(*self.generate, "--prompt", prompt)[:-1]
        for stop in (text[20:21], text[20:23], text[20:30], text[len(prompt) : len(prompt) + 2],
                     text[-1:], text):
            place = text.find(stop, len(prompt))
            expected = text if place < 0 else text[:place]
            with self.subTest(stop):
                self.assertEqual(
                    self.good(*self.generate, "--prompt", prompt, "--stop", stop), expected + "\n")
        # What only begins like it is given in the end.
        self.assertEqual(
            self.good(*self.generate, "--prompt", prompt, "--stop", text[-3:] + "?"), text + "\n")
        self.bad(WRONG_USE, "empty", *self.generate, "--stop", "")

    def test_stop_of_several_bytes(self):
        model = self.put(safetensors(byte_model()))
        text = self.bytes_of(model, length=200)[1:-1]
        found = 0
        for at in range(0, 190, 7):
            stop = text[at : at + 3]
            if b"\0" in stop:
                continue
            done = common.run("generate", "--model", model, "--prompt", "a", "--length", 200,
                              "--temperature", 0, "--stop", os.fsdecode(stop))
            self.assertEqual(done.stdout, b"a" + text[: text.find(stop)] + b"\n")
            found += 1
        self.assertGreater(found, 5)


if __name__ == "__main__":
    common.main()
