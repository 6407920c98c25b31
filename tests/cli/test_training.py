# SPDX-License-Identifier: Apache-2.0
"""minrnn train: where it writes, what it replaces, what a resumed run may ask for, and its line on a
terminal.

usage: test_training.py COMMAND [unittest's arguments]
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

import common
from common import FAILED, WRONG_USE

NOBODY = 65534


class Places(common.Workplace):
    """Each output's place is looked at before the work."""

    def outputs(self):
        """Options that let a run write at a path, as model, as state and as log."""
        for what in ("model", "state", "log"):
            with self.subTest(what):
                yield what, self.path(f"of-{what}" + (".state" if what == "state" else ""))

    def writing(self, what, path):
        if what == "log":
            return self.train("--log", path)
        return self.train("--out", path.removesuffix(".state") if what == "state" else path)

    def refused(self, what, path, code=FAILED, part="", **options):
        """Nothing is printed: the device was not even opened."""
        arguments = self.writing(what, path)
        self.bad(code, path, *arguments, **options)
        done = common.run(*arguments, **options)
        self.assertEqual(done.stdout, b"")
        self.assertIn(part, done.stderr.decode())

    def test_folders(self):
        for what, path in self.outputs():
            os.mkdir(path)
            self.refused(what, path, part="directory")

    def test_links(self):
        for what, path in self.outputs():
            os.symlink(path, path)
            self.refused(what, path, part="symbolic links")
            os.remove(path)
            os.mkdir(self.path("folder"))
            os.symlink("folder", path)
            self.refused(what, path, part="directory")
            os.rmdir(self.path("folder"))

    def test_names_too_long(self):
        longest = os.pathconf(self.folder, "PC_NAME_MAX")
        for what, length in [("model", longest + 1), ("log", longest + 1), ("state", longest + 1),
                             ("model", longest), ("state", longest)]:  # fmt: skip
            with self.subTest(what, length=length):
                name = "x" * (length - 6) + ".state" if what == "state" else "x" * length
                done = common.run(*self.writing(what, self.path(name)))
                self.assertEqual((done.returncode, done.stdout), (FAILED, b""))
                self.assertIn(b"too long", done.stderr)
        # Temporary files of a save have the process and a number of up to ten digits in their names.
        digits = len(str(int(self.read("/proc/sys/kernel/pid_max")) - 1))
        nearly = self.path("n" * (longest - len(".state") - len(".-9.tmp") - digits))
        done = common.run(*self.train("--out", nearly))
        self.assertEqual((done.returncode, done.stdout), (FAILED, b""))
        self.good(*self.train("--log", self.path("l" * longest), steps=2))
        fits = self.path("y" * (longest - len(".state") - len(f".-{2**32 - 1}.tmp") - digits))
        self.good(*self.train("--out", fits, "--save-every", 1, steps=12))

    def as_nobody(self):
        return {"preexec_fn": lambda: (os.setgroups([]), os.setgid(NOBODY), os.setuid(NOBODY))}

    @unittest.skipIf(os.getuid(), "only root can make another user's files")
    def test_another_users_files(self):
        nobody = self.as_nobody()
        if common.run("--version", **nobody).returncode:
            self.skipTest("the build's folder is closed to others")
        os.chmod(self.folder, 0o1777)  # as /tmp: of others, files can be written but not replaced
        for what, path in self.outputs():
            for mode, part in [(0o644, "Permission denied"), (0o666, "not permitted")]:
                self.write(path, b"" if what == "log" else b"kept")
                os.chmod(path, mode)
                if what == "log" and mode == 0o666:
                    self.good(*self.writing(what, path), **nobody)
                    for name in (self.model, self.state):
                        os.remove(name)
                else:
                    self.refused(what, path, part=part, **nobody)
        self.assertEqual(self.read(self.path("of-model")), b"kept")

    @unittest.skipIf(os.getuid(), "root alone can open a folder to one user only")
    def test_a_folder_of_another_user(self):
        nobody = self.as_nobody()
        if common.run("--version", **nobody).returncode:
            self.skipTest("the build's folder is closed to others")
        os.chmod(self.folder, 0o755)
        for what, path in self.outputs():
            if what == "log":
                os.mkdir(self.path("open"))
                os.chmod(self.path("open"), 0o777)
                arguments = ["--out", self.path("open/model"), "--log", path]
                self.bad(FAILED, path, *self.train(*arguments), **nobody)
            else:
                self.bad(FAILED, "Permission denied", *self.writing(what, path), **nobody)

    def test_beside_a_device_there_is_no_state(self):
        self.good(*self.train("--out", "/dev/null", steps=1))
        self.assertFalse(os.path.exists("/dev/null.state"))

    def test_what_is_printed_is_no_log(self):
        for what, path in self.outputs():
            with open(path, "wb") as stdout:
                self.bad(WRONG_USE, "different", *self.writing(what, path), stdout=stdout)
            os.remove(path)
        self.write(self.model, b"\0")
        os.symlink(self.model, self.state)
        self.bad(WRONG_USE, "different", *self.train())


class Overwriting(common.Workplace):
    def again(self, *more, steps=4):
        return ["train", "--data", self.data, *common.TINY, "--out", self.model, "--log", self.log,
                "--steps", steps, *more]  # fmt: skip

    def refused(self, path, *more):
        error = self.bad(WRONG_USE, path, *self.again(*more))
        self.assertIn("--overwrite", error)
        self.assertIn("--resume", error)

    def test_an_earlier_run_is_not_replaced(self):
        self.good(*self.again())
        self.refused(self.model)
        before = self.files()
        for path in (self.model, self.state, self.log):
            for name in before:
                if self.path(name) not in (path, self.data):
                    os.remove(self.path(name))
            self.refused(path)
            for name, content in before.items():
                self.write(name, content)

    def test_before_anything_else_is_looked_at(self):
        self.good(*self.again())
        self.refused(self.model, "--data", self.path("missing"))
        self.refused(self.model, "--device", "nosuchdevice")

    def test_any_file_counts(self):
        for path in (self.model, self.state, self.log):
            with self.subTest(path):
                self.write(path, b"\0")
                self.refused(path)
                os.remove(path)
                self.write("target", b"what a link points to")
                os.symlink("target", path)
                self.refused(path)
                os.remove(path)

    def test_empty_and_special_files_do_not(self):
        for path in (self.model, self.state, self.log):
            self.write(path, b"")
        self.good(*self.again())
        self.good(*self.again("--out", "/dev/null", "--log", "/dev/null"))

    def test_overwritten(self):
        self.good(*self.again())
        first = self.files()
        self.good(*self.again("--overwrite", "--seed", 2, steps=3))
        now = self.files()
        self.assertTrue(all(now[name] != first[name] for name in first if name != "data.txt"))
        self.assertEqual(len(now["log.csv"].splitlines()), 1 + 3)

    def test_overwriting_is_no_resuming(self):
        self.good(*self.again())
        self.bad(WRONG_USE, "give one", *self.again("--resume", "--overwrite", steps=5))
        self.good(*self.again("--resume", steps=5))

    def test_a_log_is_begun_by_a_resumed_run(self):
        self.good(*self.again())
        for content in (None, b""):
            with self.subTest(content):
                os.remove(self.log)
                if content is not None:
                    self.write(self.log, content)
                self.good(*self.again("--resume", steps=6))
                self.assertTrue(self.read(self.log).startswith(b"step,"))


class Resuming(common.Workplace):
    def test_a_preset_is_a_wish_like_others(self):
        paper = ["--preset", "shakespeare", "--width", 16, "--layers", 1, "--batch", 2, "--time", 8]
        begin = ["train", "--data", self.data, "--out", self.model, "--eval-batches", 1]
        self.good(*begin, *paper, "--steps", 1)
        resume = [*begin, "--resume", "--steps", 2]
        self.bad(WRONG_USE, "--width is 16", *resume, "--preset", "small")
        small = ["--preset", "small", *paper[2:]]
        self.bad(WRONG_USE, "--dropout is 0.2", *resume, *small)
        self.bad(WRONG_USE, "--dropout is 0.2", *resume, *small[2:], "--preset=small")
        self.good(*resume, *paper)
        self.good(*resume)

    def test_defaults_that_contradict(self):
        """A value that is given counts, even if it is the default."""
        others = {
            "tokens": "bytes", "mixer": "minlstm", "width": 16, "layers": 1, "expansion": 1, "conv": 3,
            "feed-forward": "geglu", "feed-forward-factor": 1, "dropout": 0.1, "candidate": "g",
            "scan": "log", "forget-offset": 1, "batch": 2, "time": 8, "accumulation": 2,
            "rate": 0.01, "min-rate": 0.001, "warmup": 3, "schedule": "constant", "weight-decay": 0, "clip": 0, "seed": 7,
            "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-7,
        }  # fmt: skip
        shown = self.good("train", "--help")
        settings = re.findall(r"^  --(\S+)", shown[shown.index("\n  --tokens") :], re.M)
        flags = ["conv-pointwise", "learned-init", "normalised", "bias", "project", "help"]
        of_others = ["reset-gate", "states", "taps", "rank", "dt-min", "dt-max"]  # that a minLSTM does not have
        self.assertEqual(sorted(settings), sorted([*others, *flags, *of_others]))
        given = [part for name, value in others.items() for part in (f"--{name}", value)]
        options = ["train", "--data", self.data, "--out", self.model, "--eval-batches", 1]
        self.good(*options, *given, "--steps", 1)
        self.good(*options, *given, "--steps", 2, "--resume")
        for name in others:
            with self.subTest(name):
                row = re.search(rf"\n  --{name} [^\n]*(\n {{20}}[^\n]*)?", shown)[0]
                default = re.search(r"\(default (.*)\)", row)[1]
                self.assertNotEqual(default, str(others[name]))
                self.bad(WRONG_USE, f"--{name} is", *options, "--resume", f"--{name}", default)
        for name in flags[:-1]:
            self.bad(WRONG_USE, f"--{name} is off", *options, "--resume", f"--{name}")


class Terminal(common.Workplace):
    def drawn(self, columns, later=None, every=0, **environment):
        """The lines of a run on a terminal of a width, which is changed after a while, in two parts;
        `every` so many steps one stays."""
        reader, writer = pty.openpty()

        def resize(to):
            fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("4H", 24, to, 0, 0))

        resize(columns)
        process = subprocess.Popen(
            [common.COMMAND, *map(str, self.train("--eval-every", every, steps=1000000))],
            stdout=writer, stderr=subprocess.PIPE,
            env={**os.environ, "MINRNN_DEVICE": "cpu", **environment},
        )  # fmt: skip
        parts = [b"", b""]
        part = 0
        asked = False
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 60
        while process.poll() is None:
            self.assertLess(time.monotonic(), deadline, parts)
            if not select.select([reader], [], [], 0.1)[0]:
                continue
            parts[part] += os.read(reader, 4096)
            enough = parts[part].count(b"\033[K\r\n" if every else b"\033[K\rstep") > 1
            if enough and part == 0 and later:
                resize(later)
                part = 1
                os.read(reader, 65536)  # may have been drawn before
            elif enough and not asked:
                process.send_signal(signal.SIGINT)
                asked = True
        os.close(writer)
        os.close(reader)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()
        return [re.findall(r"\r(step[^\r\n\033]*)", part.decode()) for part in parts]

    def shown(self, columns, **environment):
        """Lines that are redrawn and lines that stay."""
        return [line for every in (0, 20) for line in self.drawn(columns, every=every, **environment)[0]]

    def test_a_line_never_wraps(self):
        whole = r"step \d+/1000000  loss \d\.\d{4}(  validation \d\.\d{4})?  [\d,]+ tokens/s  [\d:]+ left"
        for columns, part in [
            (200, whole),
            (80, whole),
            (53, r"step \d+/1000000  (loss|validation) "),
            (40, r"step \d+/1000000  (loss|validation) "),
            (20, r"step \d+/1000000$"),
            (10, r"step \d+/?1?0*$"),
            (6, r"step $"),
        ]:
            with self.subTest(columns):
                lines = self.shown(columns)
                self.assertGreater(len(lines), 2)
                self.assertLess(max(map(len, lines)), columns)
                for line in lines:
                    self.assertRegex(line, part)

    def test_where_the_width_comes_from(self):
        for columns, variable, most in [(0, "30", 30), (100, "30", 30), (30, "100", 30),
                                        (0, "x", 80), (0, "-5", 80), (30, "", 30)]:  # fmt: skip
            with self.subTest(columns, variable=variable):
                lines = self.shown(columns, COLUMNS=variable)
                self.assertLess(max(map(len, lines)), most)
                self.assertGreater(max(map(len, lines)), most - 30)

    def test_a_terminal_that_is_resized(self):
        wide, narrow = self.drawn(120, later=25)
        self.assertGreater(max(map(len, wide)), 50)
        self.assertLess(max(map(len, narrow)), 25)
        narrow, wide = self.drawn(25, later=120)
        self.assertLess(max(map(len, narrow)), 25)
        self.assertGreater(max(map(len, wide)), 50)


if __name__ == "__main__":
    common.main()
