# SPDX-License-Identifier: Apache-2.0
"""What the tests of the minrnn command share: running it, and a folder for each test.

Wrong use and failures are each checked for the exit code, for exactly one line on standard error,
and for leaving every file that was there as it was.
"""

import os
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from killed import clean_up as clean_up_after_kill

COMMAND = ""
TINY = [
    "--width", "16", "--layers", "1", "--batch", "4", "--time", "16", "--warmup", "5",
    "--schedule-steps", "40", "--rate", "1e-2",
]  # fmt: skip
FAILED, WRONG_USE = 1, 2

# nohup, or a shell that puts tests into the background, ignores some of these, and programs would
# inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def run(*arguments, environment=None, **options):
    """Runs the command on the native CPU unless --device says otherwise."""
    variables = {**os.environ, "MINRNN_DEVICE": "cpu", **(environment or {})}
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        stderr=subprocess.PIPE,
        env=variables,
        timeout=120,
        **options,
    )


def text_of(characters=2000):
    words = ["to", "be", "or", "not", "that", "is", "the", "question", "whether", "nobler"]
    text = ""
    state = 1
    while len(text) < characters:
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        text += words[state >> 16 & 7] + (" " if state >> 20 & 7 else "\n")
    return text[:characters]


class Workplace(unittest.TestCase):
    """Each test has a folder of its own, with a text to learn from."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="minrnn-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.data = self.write("data.txt", text_of().encode())
        self.model = self.path("model.safetensors")
        self.state = self.model + ".state"
        self.log = self.path("log.csv")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()

    def files(self):
        return {
            name: self.read(self.path(name))
            for name in os.listdir(self.folder)
            if os.path.isfile(self.path(name))
        }

    def good(self, *arguments, **options):
        done = run(*arguments, **options)
        self.assertEqual(done.returncode, 0, (arguments, done.stderr))
        self.assertEqual(done.stderr, b"", arguments)
        return done.stdout.decode() if done.stdout is not None else None

    def bad(self, code, part, *arguments, changes=(), **options):
        """Fails with `code` and one line that holds `part`; only the files `changes` may differ."""
        before = self.files()
        done = run(*arguments, **options)
        error = done.stderr.decode()
        self.assertEqual(done.returncode, code, (arguments, error))
        self.assertEqual(error.count("\n"), 1, (arguments, error))
        self.assertTrue(error.startswith("minrnn: ") and error.endswith("\n"), error)
        self.assertIn(part, error)
        after = self.files()
        for name in changes:
            before.pop(name, None)
            after.pop(name, None)
        self.assertEqual(before.keys(), after.keys(), arguments)
        for name, content in before.items():
            self.assertEqual(content, after[name], (arguments, name))
        return error

    def train(self, *more, steps=20):
        options = more if "--resume" in more else ["--overwrite", *more]
        return ["train", "--data", self.data, *TINY, "--out", self.model, "--steps", steps, *options]

    def trained(self, *more, steps=4):
        """Trains a model for the tests that need one."""
        return self.good(*self.train(*more, steps=steps))


def main():
    global COMMAND
    COMMAND = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
