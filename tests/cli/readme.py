# SPDX-License-Identifier: Apache-2.0
"""README.md against what there is: the table of commands, options, exit codes, and its shell lines,
which are run word by word.

    readme.py MINRNN SOURCE_ROOT [CC]

With CC, instead: what README.md says of building, installing to a folder of one's own and the C example,
and a build without what tests need."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

MINRNN = ROOT = CC = ""
README = ""
# Options of other programs that README.md names.
OTHERS = {"--no-install": "bench/quickstart.sh", "--cflags": "pkg-config", "--libs": "pkg-config",
          "--prefix": "meson", "--libdir": "meson", "--accuracy": "bench/plot.sh"}
FAST = "--width 8 --layers 1 --batch 2 --time 8 --steps 3"


def output(*arguments):
    return subprocess.run([MINRNN, *arguments], capture_output=True, text=True, check=True).stdout


def commands():
    return re.findall(r"^  ([a-z]+) +\S", output("--help"), re.M)


def options(*command):
    """Those of its subjects, if a command has such, among them."""
    text = output(*command, "--help")
    found = set(re.findall(r"^  (--[a-z-]+)", text, re.M))
    if " SUBJECT " in text:
        for subject in re.findall(r"^  ([a-z0-9]+) +\S", text, re.M):
            found |= options(*command, subject)
    return found


def blocks():
    return re.findall(r"^```sh\n(.*?)^```$", README, re.M | re.S)


def block_with(words):
    found = [block for block in blocks() if words in block]
    assert len(found) == 1, (words, found)
    return found[0]


class Said(unittest.TestCase):
    def test_table_of_commands(self):
        rows = re.findall(r"^\| `minrnn ([a-z]+)` \| .+ \|$", README, re.M)
        self.assertEqual(rows, commands())

    def test_options_of_the_table(self):
        for command, text in re.findall(r"^\| `minrnn ([a-z]+)` \| (.+) \|$", README, re.M):
            named = set(re.findall(r"--[a-z][a-z-]*", text))
            self.assertLessEqual(named, options(command), command)

    def test_options_elsewhere(self):
        """Behind a command its own, else some command's."""
        every = set().union(*map(options, commands()))
        seen = 0
        for line in README.splitlines():
            lines = re.findall(r"`([^`]+)`", line) if "`" in line else [line]
            for text in lines:
                command = re.search(r"minrnn ([a-z]+)\b", text)
                for name in re.findall(r"(?<![\w-])--[a-z][a-z-]*", text.split(" #")[0]):
                    if name in OTHERS:
                        continue
                    known = options(command[1]) if command and command[1] in commands() else every
                    self.assertIn(name, known, line)
                    seen += 1
        self.assertGreater(seen, 10)

    def test_help_and_device(self):
        self.assertIn("All take `--help`, and all but `devices` take `--device`.", README)
        for command in commands():
            self.assertIn("--help", options(command))
            self.assertEqual("--device" in options(command), command != "devices")

    def test_exit_codes(self):
        """README.md says what the usage says; which is so (for signals, see test_runs.py)."""
        said = r"The exit code is (0, 1 if [^,]*, 2 if [^,]*, 128 \+ N if signal N ended the run)\."
        usage = " ".join(output("--help").split())
        self.assertEqual(re.search(said, " ".join(README.split()))[1], re.search(said, usage)[1])
        for code, arguments in [(0, ["devices"]), (1, ["eval", "--model", "/none", "--data", "/none"]),
                                (2, ["eval"]), (2, ["fly"]), (2, [])]:
            done = subprocess.run([MINRNN, *arguments], capture_output=True, check=False)
            self.assertEqual(done.returncode, code, done.stderr)


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="minrnn readme ")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def sh(self, text, **environment):
        done = subprocess.run(["sh", "-eu", "-c", text], cwd=self.folder, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={**os.environ, **environment})
        self.assertEqual(done.returncode, 0, done.stdout[-3000:])
        return done.stdout

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_every_block_is_known(self):
        """A new one is run here, or by the test that is named."""
        known = ["bench/quickstart.sh ", "minrnn devices ", "-o example && ./example text.txt\n",
                 "sudo ldconfig", "$HOME/.local", "minrnn validate --device NAME",
                 "bench/tables.sh table1"]  # the last: test_tables.py
        self.assertEqual(len(blocks()), len(known))
        for block in blocks():
            self.assertTrue(any(words in block for words in known), block)

    def test_two_commands(self):
        for line in block_with("bench/quickstart.sh ").splitlines():
            self.assertTrue(os.access(os.path.join(ROOT, line.split()[0]), os.X_OK), line)

    def commands_in_path(self, words):
        """The program as `minrnn`, with more words behind its command."""
        os.makedirs(os.path.join(self.folder, "bin"), exist_ok=True)
        path = self.write("bin/minrnn", '#!/bin/sh\n[ "$1" != %s ] || set -- "$@" %s\nexec "%s" "$@"\n'
                          % (words.split()[0], " ".join(words.split()[1:]), MINRNN))
        os.chmod(path, 0o755)
        return {"PATH": os.path.dirname(path) + ":" + os.environ["PATH"], "MINRNN_DEVICE": "cpu"}

    def test_first_commands(self):
        self.write("text.txt", "To be, or not to be, that is the question.\n" * 40)
        said = self.sh(block_with("minrnn devices "), **self.commands_in_path("train " + FAST))
        self.assertIn("To be", said)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "my.safetensors")))

    def test_validate(self):
        line = block_with("minrnn validate --device NAME").replace("NAME", "cpu")
        said = self.sh(line, **self.commands_in_path("validate --op copy"))
        self.assertIn("verdict  pass", said)
        line = re.search(r"`(minrnn validate --device NAME --op OP --case 17 --seed 1)`", README)[1]
        said = self.sh(line.replace("NAME", "cpu").replace("OP", "gemm"),
                       **self.commands_in_path("devices"))
        self.assertIn("#17", said)


class Installed(Run):
    """From the sources, without this build."""

    def setUp(self):
        super().setUp()
        for name in os.listdir(ROOT):
            source, copy = os.path.join(ROOT, name), os.path.join(self.folder, name)
            if os.path.isfile(source):
                shutil.copy(source, copy)
            elif not name.startswith((".", "build")):
                shutil.copytree(source, copy)
        program = re.search(r"^## From C\n\n```c\n(.*?)^```$", README, re.M | re.S)[1]
        self.write("example.c", program)
        self.write("text.txt", "To be, or not to be, that is the question.\n" * 99)

    def test_home(self):
        home = os.path.join(self.folder, "home folder")
        os.mkdir(home)
        # Looked for in the old PATH, where this script is not: it would else call itself for ever.
        self.write("cc", '#!/bin/sh\nPATH=%s exec %s "$@"\n' % (shlex.quote(os.environ["PATH"]), CC))
        os.chmod(os.path.join(self.folder, "cc"), 0o755)
        # pkg-config's words, cut at spaces, cannot say such a folder to a shell: a link to it can.
        link = tempfile.mktemp(prefix="minrnn-home-")
        os.symlink(home, link)
        self.addCleanup(os.remove, link)
        path = os.path.dirname(os.path.join(self.folder, "cc")) + ":" + os.environ["PATH"]
        said = self.sh(block_with("$HOME/.local") + "cd / && minrnn --version && minrnn devices\n",
                       HOME=link, PATH=path, LD_LIBRARY_PATH="", PKG_CONFIG_PATH="", DESTDIR="")
        self.assertIn("loss after 100 steps: ", said)
        self.assertRegex(said, r"minrnn \d+\.\d+\.\d+\n")
        self.assertTrue(os.path.exists(os.path.join(home, ".local/bin/minrnn")))

    def test_without_what_tests_need(self):
        self.write("cmocka.pc", "Name: cmocka\nDescription: broken\nVersion: 1\nRequires: none-such\n")
        self.write("native", "[binaries]\ncmake = ['false']\n")
        setup = "meson setup --native-file native build"
        said = self.sh(setup, PKG_CONFIG_PATH=self.folder)
        self.assertRegex(said, r"\n *tests *: NO\n")
        self.sh(setup + "false -Dtests=false", PKG_CONFIG_PATH=self.folder)
        done = subprocess.run(setup.split() + ["-Dtests=true", "--wipe"], cwd=self.folder, check=False,
                              env={**os.environ, "PKG_CONFIG_PATH": self.folder}, capture_output=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"cmocka", done.stdout)


if __name__ == "__main__":
    MINRNN, ROOT = (os.path.abspath(path) for path in sys.argv[1:3])
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as readme:
        README = readme.read()
    CC = sys.argv[3] if len(sys.argv) > 3 else ""
    names = ["Installed.test_home", "Installed.test_without_what_tests_need"] if CC else ["Said", "Run"]
    unittest.main(argv=[sys.argv[0], *names], verbosity=2)
