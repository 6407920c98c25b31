# SPDX-License-Identifier: Apache-2.0
"""What comes from outside while minrnn runs: signals, readers that go away, descriptors that the
caller closed. No work is lost and no file is written into that was not named.

usage: test_signals.py COMMAND [unittest's arguments]
"""

import csv
import fcntl
import os
import pty
import signal
import subprocess
import termios
import time

import common

ENDLESS = 10**9
CPU = {**os.environ, "MINRNN_DEVICE": "cpu"}


class Place(common.Workplace):
    def start(self, *arguments, **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(
            [common.COMMAND, *map(str, arguments)], env=CPU, **options
        )
        for stream in (process.stdout, process.stderr):
            if stream:
                self.addCleanup(stream.close)
        self.addCleanup(process.kill)
        return process

    def wait_for_step(self, process):
        while not process.stdout.readline().startswith(b"step"):
            self.assertIsNone(process.poll())

    def rows(self):
        with open(self.log, newline="") as file:
            return list(csv.reader(file))[1:]

    def results(self):
        """Model, state and the log without its speeds."""
        log = [row[:4] + row[5:] for row in self.rows()]
        return self.read(self.model), self.read(self.state), log

    def logged(self, *more, steps=20):
        return self.train("--log", self.log, "--save-every", 5, "--eval-every", 10, *more, steps=steps)

    def undisturbed(self):
        self.good(*self.logged())
        results = self.results()
        for path in (self.model, self.state, self.log):
            os.remove(path)
        return results


class Descriptors(Place):
    def closed(self, descriptors, *arguments):
        return self.start(
            *arguments, preexec_fn=lambda: [os.close(number) for number in descriptors]
        )

    def test_closed_by_the_caller(self):
        expected = self.undisturbed()
        for descriptors in [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]:
            with self.subTest(descriptors):
                process = self.closed(descriptors, *self.logged(steps=10))
                shown, error = process.communicate(timeout=60)
                self.assertEqual((process.returncode, error), (0, b""))
                self.assertEqual(shown == b"", 1 in descriptors)
                process = self.closed(descriptors, *self.logged("--resume"))
                self.assertEqual(process.communicate(timeout=60)[1], b"")
                self.assertEqual(process.returncode, 0)
                self.assertEqual(self.results(), expected)

    def test_of_other_commands(self):
        self.trained()
        before = self.files()
        for arguments, code in [
            (["generate", "--model", self.model, "--length", 20], 0),
            (["eval", "--model", self.model, "--data", self.data], 0),
            (["devices"], 0),
            (["--help"], 0),
            (["generate", "--model", self.path("missing")], common.FAILED),
            (["fly"], common.WRONG_USE),
        ]:
            for descriptors in [(1,), (2,), (0, 1, 2)]:
                with self.subTest(arguments, descriptors=descriptors):
                    process = self.closed(descriptors, *arguments)
                    shown, error = process.communicate(timeout=60)
                    self.assertEqual(process.returncode, code, error)
                    self.assertEqual(error != b"", code != 0 and 2 not in descriptors)
                    self.assertEqual(self.files(), before)


class Stopping(Place):
    def test_each_signal_saves(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                process = self.start(*self.logged("--eval-every", 0, steps=ENDLESS))
                self.wait_for_step(process)
                process.send_signal(number)
                shown, error = process.communicate(timeout=60)
                self.assertEqual((process.returncode, error), (128 + number, b""))
                self.assertIn(f"by signal {int(number)} at step".encode(), shown)
                done = len(self.rows())
                resumed = self.good(*self.logged("--resume", steps=done + 2))
                self.assertIn(f"resumed  at step {done}\n", resumed)
                self.assertEqual([int(row[0]) for row in self.rows()], list(range(1, done + 3)))

    def test_during_an_evaluation(self):
        self.write("data.txt", common.text_of(400000).encode())
        sizes = ["--batch", 1, "--time", 8]
        for number in (signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                often = ["--eval-every", 1, "--save-every", 0]
                process = self.start(*self.logged(*sizes, *often, steps=ENDLESS))
                self.wait_for_step(process)
                time.sleep(0.05)
                process.send_signal(number)
                process.communicate(timeout=60)
                self.assertEqual(process.returncode, 128 + number)
                rows = self.rows()
                self.assertEqual(rows[-1][5], "")  # that evaluation was not finished
                self.assertTrue(all(row[5] for row in rows[:-1]))
                few = ["--resume", "--eval-batches", 1]
                self.good(*self.logged(*sizes, *few, steps=len(rows) + 1))

    def test_before_the_first_step(self):
        """Nothing was done yet: the process ends, and what was there stays."""
        self.trained("--log", self.log)
        before = self.files()
        os.mkfifo(self.path("fifo"))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                process = self.start(*self.logged("--data", self.path("fifo")))
                with open(self.path("fifo"), "wb"):  # it reads, and gets nothing
                    process.send_signal(number)
                    process.communicate(timeout=60)
                self.assertEqual(process.returncode, -number)
        self.assertEqual(self.files(), before)

    def test_ignored_by_the_caller(self):
        expected = self.undisturbed()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                os.mkfifo(self.path("fifo"))
                process = self.start(
                    *self.train("--log", self.path("fifo"), "--save-every", 5),
                    preexec_fn=lambda: signal.signal(number, signal.SIG_IGN),
                )
                with open(self.path("fifo"), "rb") as file:
                    file.readline()  # it is about to begin
                    process.send_signal(number)
                    process.send_signal(number)
                    log = file.read()
                self.assertEqual(process.communicate(timeout=60)[1], b"")
                self.assertEqual(process.returncode, 0)
                self.assertEqual(log.count(b"\n"), 20)
                self.assertEqual(self.read(self.model), expected[0])
                os.remove(self.path("fifo"))

    def test_in_a_script(self):
        """A shell ignores SIGINT for what runs beside it; nohup ignores SIGHUP."""
        for prefix, sent in (("", "INT"), ("nohup ", "HUP")):
            with self.subTest(prefix):
                script = (
                    f'shown=$1 saved=$2; shift 2; {prefix}"$@" > "$shown" & run=$!\n'
                    'while [ ! -s "$saved" ]; do sleep 0.05; done\n'
                    f"kill -{sent} $run; sleep 0.2; kill -TERM $run; wait $run"
                )
                done = subprocess.run(
                    ["sh", "-c", script, "sh", self.path("shown"), self.state, common.COMMAND,
                     *map(str, self.logged(steps=ENDLESS))],
                    env=CPU, stdin=subprocess.DEVNULL, timeout=60, stderr=subprocess.DEVNULL,
                )  # fmt: skip
                os.remove(self.state)
                self.assertEqual(done.returncode, 128 + signal.SIGTERM)
                self.assertIn(b"stopped  by signal 15", self.read(self.path("shown")))

    def saving(self, first):
        """A run that was asked to stop, and saves into a pipe that nobody reads yet."""
        fifo = self.path("fifo")
        if not os.path.exists(fifo):
            os.mkfifo(fifo)
        process = self.start(*self.train("--out", fifo, "--eval-every", 0, "--save-every", 0,
                                         steps=ENDLESS))
        self.wait_for_step(process)
        process.send_signal(first)
        time.sleep(0.3)
        self.assertIsNone(process.poll())
        return process, fifo

    def test_a_second_signal_ends_at_once(self):
        for first in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for second in (signal.SIGINT, signal.SIGTERM):
                with self.subTest(first, second=second):
                    process, _ = self.saving(first)
                    process.send_signal(second)
                    self.assertEqual(process.wait(10), 128 + second)

    def test_a_terminal_that_goes_away_may_send_several(self):
        for first in (signal.SIGHUP, signal.SIGTERM):
            with self.subTest(first):
                process, fifo = self.saving(first)
                process.send_signal(signal.SIGHUP)
                process.send_signal(signal.SIGHUP)
                with open(fifo, "rb") as file:
                    model = file.read()
                self.assertEqual(process.communicate(timeout=60)[1], b"")
                self.assertEqual(process.returncode, 128 + first)
                self.write("whole", model)
                self.good("generate", "--model", self.path("whole"), "--length", 3)


class Readers(Place):
    def test_a_reader_of_output_that_goes_away(self):
        expected = self.undisturbed()
        for lines, how in [(3, "output"), (0, "output"), (3, "output and error"), (0, "error")]:
            with self.subTest(how, lines=lines):
                reader, writer = os.pipe()
                process = self.start(
                    *self.logged("--eval-every", 1),
                    stdout=subprocess.DEVNULL if how == "error" else writer,
                    stderr=subprocess.PIPE if how == "output" else writer,
                )
                os.close(writer)
                with open(reader, "rb", buffering=0) as file:
                    for _ in range(lines):
                        file.readline()
                error = process.communicate(timeout=60)[1]
                self.assertEqual((process.returncode, error or b""), (0, b""))
                self.assertEqual(self.results()[:2], expected[:2])
                self.assertEqual(len(self.rows()), 20)

    def test_failures_are_still_told(self):
        """The reader has gone and there is work that failed: the exit code says so."""
        reader, writer = os.pipe()
        process = self.start(*self.train("--data", self.path("missing")), stdout=writer)
        os.close(writer)
        os.close(reader)
        self.assertIn(b"missing", process.communicate(timeout=60)[1])
        self.assertEqual(process.returncode, common.FAILED)

    def test_a_full_disk_is_told_after_the_work(self):
        with open("/dev/full", "wb") as full:
            process = self.start(*self.logged(), stdout=full)
            self.assertIn(b"standard output", process.communicate(timeout=60)[1])
        self.assertEqual(process.returncode, common.FAILED)
        self.good("generate", "--model", self.model, "--length", 3)

    def test_a_reader_of_the_log_that_goes_away(self):
        expected = self.undisturbed()
        os.mkfifo(self.path("fifo"))
        process = self.start(*self.train("--log", self.path("fifo"), "--save-every", 5))
        with open(self.path("fifo"), "rb", buffering=0) as file:
            file.readline()
        self.assertEqual(process.communicate(timeout=60)[1], b"")
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.read(self.model), expected[0])

    def on_terminal(self, ignores):
        """A run in a session of its own whose terminal is closed after a few lines."""
        reader, writer = pty.openpty()

        def enter():
            if ignores:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
            os.setsid()
            fcntl.ioctl(1, termios.TIOCSCTTY, 0)

        process = self.start(
            *self.logged("--eval-every", 50, steps=500 if ignores else ENDLESS),
            stdin=writer, stdout=writer, stderr=writer, preexec_fn=enter,
        )  # fmt: skip
        os.close(writer)
        shown = b""
        while b"validation" not in shown:
            shown += os.read(reader, 100)
        os.close(reader)
        return process.wait(60)

    def test_a_terminal_that_is_closed(self):
        self.assertEqual(self.on_terminal(ignores=True), 0)
        self.assertEqual(len(self.rows()), 500)
        self.assertEqual(self.on_terminal(ignores=False), 128 + signal.SIGHUP)
        self.good(*self.logged("--resume", steps=len(self.rows()) + 1))

    def test_other_commands_end_quietly(self):
        self.trained()
        process = self.start("generate", "--model", self.model, "--length", ENDLESS)
        process.stdout.read(10)
        process.stdout.close()
        self.assertEqual(process.wait(60), -signal.SIGPIPE)
        self.assertEqual(process.stderr.read(), b"")


if __name__ == "__main__":
    common.main()
