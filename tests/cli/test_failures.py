# SPDX-License-Identifier: Apache-2.0
"""Failures: files that are damaged or missing, places that cannot be written, and numbers that are
not finite.

usage: test_failures.py COMMAND [unittest's arguments]
"""

import json
import math
import os
import struct
import unittest

import common
from common import FAILED, TINY, WRONG_USE


class BadFiles(common.Workplace):
    def test_texts(self):
        self.trained()
        long_line = b"to be or not to be that is " * 2
        texts = [
            (self.path("missing.txt"), "missing.txt"),
            (self.write("empty.txt", b""), "empty"),
            (self.write("one.txt", b"t"), "too short"),
            (self.write("nul.txt", long_line + b"\0" + long_line), "byte 54 is a NUL"),
            (self.write("latin.txt", long_line + b"\xe9t\xe9"), "byte 54 (0xE9)"),
        ]
        again = [*TINY, "--out", self.model, "--overwrite"]
        for path, part in texts:
            with self.subTest(path):
                self.bad(FAILED, part, "train", "--data", path, *again)
                self.bad(FAILED, part, "eval", "--model", self.model, "--data", path)
        short = self.write("short.txt", long_line)
        self.bad(FAILED, "too short", "train", "--data", short, *again, "--time", 128)
        line = self.write("line.txt", b"to be\n")
        self.bad(FAILED, "too short", "train", "--data", line, *again)
        other = self.write("other.txt", "naïve".encode() * 9)
        self.bad(FAILED, "U+00EF", "eval", "--model", self.model, "--data", other)

    def damaged(self, content):
        """A file's content in ways that no reader may accept."""
        header = struct.unpack("<Q", content[:8])[0]

        def flipped(place, bit):
            return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]

        yield "empty", b""
        yield "seven bytes", content[:7]
        yield "half a header", content[: 8 + header // 2]
        yield "header alone", content[: 8 + header]
        yield "last byte missing", content[:-1]
        yield "a byte too many", content + b"\0"
        yield "oversized header", struct.pack("<Q", len(content) * 2) + content[8:]
        yield "huge header", struct.pack("<Q", 2**63 + 5) + content[8:]
        yield "no header", struct.pack("<Q", 0) + content[8:]
        yield "bit in the length", flipped(1, 2)
        yield "bit in the first brace", flipped(8, 3)
        yield "bit in the first number", flipped(8 + header, 7)
        yield "bit in the last number", flipped(len(content) - 1, 0)
        yield "a text", common.text_of().encode()

    def test_models(self):
        self.trained()
        content = self.read(self.model)
        broken = self.path("broken.safetensors")
        for name, damaged in self.damaged(content):
            with self.subTest(name):
                self.write("broken.safetensors", damaged)
                self.bad(FAILED, "", "generate", "--model", broken, "--length", 3)
                self.bad(FAILED, "", "eval", "--model", broken, "--data", self.data)
        self.bad(FAILED, "missing", "generate", "--model", self.path("missing"))

    def test_states(self):
        self.trained("--log", self.log)
        for name, damaged in self.damaged(self.read(self.state)):
            with self.subTest(name):
                self.write("model.safetensors.state", damaged)
                self.bad(FAILED, "", *self.train("--resume", "--log", self.log))
        os.remove(self.state)
        self.bad(FAILED, ".state", *self.train("--resume", "--log", self.log))
        self.write("model.safetensors.state", self.read(self.model))
        self.bad(FAILED, "", *self.train("--resume", "--log", self.log))

    def test_prompts(self):
        self.trained()
        self.bad(FAILED, "'X' (U+0058)", "generate", "--model", self.model, "--prompt", "toX")
        self.bad(FAILED, "U+0009", "generate", "--model", self.model, "--prompt", "to\tbe")
        self.bad(WRONG_USE, "prompt", "generate", "--model", self.model, "--prompt", "")
        done = common.run("generate", "--model", self.model, "--prompt", "toX")
        self.assertEqual(done.stdout, b"")

    def test_places_that_cannot_be_written(self):
        missing = self.path("no/such/folder/model.safetensors")
        for out in [missing, self.folder, "/proc/model.safetensors"]:
            with self.subTest(out):
                self.bad(FAILED, out, "train", "--data", self.data, *TINY, "--out", out)
                self.bad(FAILED, out, *self.train("--log", out))
        self.trained("--log", self.log)
        self.bad(FAILED, missing, *self.train("--resume", "--out", missing))
        self.bad(FAILED, missing, *self.train("--resume", "--log", missing))

    def test_a_failed_start_leaves_old_results(self):
        self.trained("--log", self.log)
        self.bad(FAILED, "nosuchdevice", *self.train("--log", self.log, "--device", "nosuchdevice"))
        empty = self.write("empty.txt", b"")
        self.bad(FAILED, "empty", *self.train("--log", self.log, "--data", empty))

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_full_disks(self):
        full = ["train", "--data", self.data, *TINY, "--steps", 2, "--out", "/dev/full"]
        self.bad(FAILED, "/dev/full", *full)
        self.assertFalse(os.path.exists("/dev/full.state"))
        self.bad(FAILED, "/dev/full", *self.train("--log", "/dev/full"))
        self.trained()
        for arguments in [
            ["generate", "--model", self.model, "--length", 30],
            ["eval", "--model", self.model, "--data", self.data],
            ["devices"],
            ["train", "--help"],
            ["--help"],
            ["--version"],
        ]:
            with self.subTest(arguments), open("/dev/full", "wb") as stdout:
                self.bad(FAILED, "standard output", *arguments, stdout=stdout)

    def test_a_log_of_something_else_is_left_alone(self):
        self.trained()
        other = self.write("other.csv", b"name,price\napple,3\n")
        self.bad(FAILED, "not a log", *self.train("--resume", "--log", other))

    def header(self, path):
        content = self.read(path)
        return json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])

    def test_numbers_that_are_not_finite(self):
        """The run ends with exit code 1 and one line; the last good save stays, to the byte."""
        # A warm-up to a rate that no parameter bears: the first step is good, and saved.
        rates = ["--rate", "3e38", "--clip", "0", "--warmup", "1000"]
        begun = self.train(*rates, "--save-every", "1", steps=9)
        files = [os.path.basename(path) for path in (self.model, self.state)]
        lost = r"minrnn: the loss of step 2 is .*--check-numbers.*the last save stands"
        op = r"minrnn: step 2, forward, layer 1 of 1, \w+ \(layers\.0\.[\w.]+\): \w+ wrote .*stands"
        self.assertRegex(self.bad(FAILED, "step 2", *begun, changes=files), lost)
        self.assertEqual(self.header(self.state)["__metadata__"]["minrnn.step"], "1")
        self.assertRegex(self.bad(FAILED, "step 2", *begun, "--check-numbers"), op)
        for arguments, said in [
            (["--save-every", "0"], lost),
            (["--save-every", "1"], lost),
            (["--save-every", "1", "--check-numbers"], op),
        ]:
            with self.subTest(arguments):
                resumed = self.train(*rates, "--resume", *arguments, steps=9)
                self.assertRegex(self.bad(FAILED, "step 2", *resumed), said)

    def test_a_model_that_is_not_finite(self):
        self.trained()
        content = self.read(self.model)
        length = struct.unpack("<Q", content[:8])[0]
        header = self.header(self.model)
        header["__metadata__"]["minrnn.checksum"] = "none"
        text = json.dumps(header).encode()
        begin, end = header["norm.weight"]["data_offsets"]
        data = content[8 + length :]
        data = data[:begin] + struct.pack("<f", math.nan) * ((end - begin) // 4) + data[end:]
        broken = self.write("nan.safetensors", struct.pack("<Q", len(text)) + text + data)
        self.bad(FAILED, "the logit of token 0 is", "generate", "--model", broken, "--length", 3)
        self.bad(FAILED, "the loss is", "eval", "--model", broken, "--data", self.data)


if __name__ == "__main__":
    common.main()
