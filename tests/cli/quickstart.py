# SPDX-License-Identifier: Apache-2.0
"""bench/quickstart.sh on texts of every kind, without one, and on copying, with a build that is there and a few small steps: it
ends well, twice, or says before the training what is wrong with the text.

    quickstart.py MINRNN SOURCE_ROOT"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

MINRNN = ROOT = ""
SMALL = ["--", "--width", "8", "--layers", "1", "--batch", "2", "--time", "8", "--steps", "2"]


def lines(alphabet, end="\n", count=60, width=40):
    draw = random.Random(1)
    return "".join("".join(draw.choice(alphabet) for _ in range(width)) + end for _ in range(count))


CHINESE = "".join(map(chr, range(0x4E00, 0x4E40)))
GOOD = {
    "plain": lines("abcdef gh"),
    "chinese": lines(CHINESE),
    "chinese in one line": lines(CHINESE, end=""),
    "one line": lines("ACGT", end=""),
    "crlf": lines("abc ", end="\r\n"),
    "cr alone": lines("abc ", end="\r"),
    "blank lines first": "\n\n\n" + lines("abc"),
    "byte order mark": "\ufeff" + lines("abcä"),
    "four bytes a character": lines("😀😁😂🤣"),
    "combining": lines("e\u0301a\u0308"),
    "short lines": lines("ab", width=1, count=500),
    "options": "--help\n" + lines("ab-"),
    "quotes": "\"$(false)\" '`\\n %s\n" + lines("ab"),
    "spaces": lines(" "),
    "tabs": "\t" + lines("ab\t"),
    "newlines alone": "\n" * 1000,
    "no newline at the end": lines("abc")[:-1],
}
BAD = {
    "empty": b"",
    "one character": b"a",
    "short": b"to be or",
    "binary": bytes(range(256)) * 20,
    "one byte in the wrong place": lines("abc").encode() + b"\xff",
}


class Quickstart(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="minrnn quickstart ")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for name in ["bench", "bin", "build/quickstart/src/cli", "src", "include", "cl"]:
            os.makedirs(self.path(name))
        for name in ["bench/quickstart.sh", "bench/packages.sh"]:
            shutil.copy(os.path.join(ROOT, name), self.path(name))
        os.symlink(MINRNN, self.path("build/quickstart/src/cli/minrnn"))
        meson = self.text("bin/meson", b"#!/bin/sh\n[ $1 = compile ]\n")  # the build is there
        os.chmod(meson, 0o755)

    def path(self, name):
        return os.path.join(self.folder, name)

    def text(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def run_it(self, *arguments):
        variables = {**os.environ, "MINRNN_DEVICE": "cpu",
                     "PATH": self.path("bin") + ":" + os.environ["PATH"]}
        return subprocess.run(["sh", self.path("bench/quickstart.sh"), "--no-install", *arguments],
                              env=variables, capture_output=True, check=False)

    def test_good_texts(self):
        for name, content in GOOD.items():
            with self.subTest(name):
                text = self.text(name + ".txt", content.encode())
                done = self.run_it(text, *SMALL)
                self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout)
                written = done.stdout.decode().split(".state\n")[1].split("\nThe model is ")[0]
                self.assertTrue(set(written) <= set(content) | {"\n"}, written)
                self.assertGreaterEqual(len(written), 400)
        again = self.run_it(text, *SMALL)
        self.assertEqual((again.returncode, again.stderr), (0, b""), again.stdout)

    def test_bad_texts(self):
        for name, content in BAD.items():
            with self.subTest(name):
                done = self.run_it(self.text(name + ".txt", content), *SMALL)
                self.assertNotEqual(done.returncode, 0)
                self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)
                self.assertIn(name.encode(), done.stderr)
                self.assertNotIn(b"\nstep ", done.stdout)
                self.assertFalse(os.path.exists(self.path("build/quickstart/small.safetensors")))

    def test_without_a_network(self):
        """No text at hand and none to be had: the project's own. A network that answers nothing."""
        for name in ["README.md", "CONTRIBUTING.md", "src/a.c", "include/a.h", "cl/a.cl"]:
            self.text(name, lines("abcdef {}").encode())
        for name in ["curl", "wget"]:
            os.chmod(self.text("bin/" + name, b"#!/bin/sh\nexit 6\n"), 0o755)
        done = self.run_it(*SMALL)
        self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout)
        self.assertIn(b"the text is this project's own", done.stdout)
        self.assertIn(b"src and 4 more, 5 documents", done.stdout)
        written = done.stdout.decode().split(".state\n")[1].split("\nThe model is ")[0]
        self.assertGreaterEqual(len(written), 400)

    def test_copy(self):
        done = self.run_it("copy", "--", "--width", "8", "--layers", "1", "--batch", "2", "--steps", "2",
                           "--held-out", "8")  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout)
        self.assertRegex(done.stdout, rb"the model named \d+\.\d\d % of the tokens hidden in noise")
        self.assertTrue(os.path.exists(self.path("build/quickstart/copy.safetensors")))

    def test_wrong_use(self):
        text = self.text("text", GOOD["plain"].encode())
        for arguments, part in [(["--fast", text], b"unknown option --fast"),
                                ([self.path("missing.txt")], b"cannot read the text"),
                                ([text, text], b"one text")]:
            done = self.run_it(*arguments)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(part, done.stderr)
        self.assertIn(b"[TEXT|copy] [-- OPTION...]", self.run_it("--help").stdout)


if __name__ == "__main__":
    MINRNN, ROOT = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
