# SPDX-License-Identifier: Apache-2.0
"""A run of minrnn train: what it writes and says, how it is stopped, and how it goes on.

usage: test_runs.py COMMAND [unittest's arguments]
"""

import csv
import math
import os
import pty
import signal
import subprocess
import time

import common
from common import WRONG_USE


class Training(common.Workplace):
    def rows(self):
        with open(self.log, newline="") as file:
            return list(csv.DictReader(file))

    def without_speed(self):
        rows = self.rows()
        for row in rows:
            self.assertGreaterEqual(float(row.pop("tokens_per_second")), 0)
        return rows

    def test_resumed_is_the_same_as_not_stopped(self):
        for options in [
            ["--dropout", "0.2", "--accumulation", "2"],
            ["--mixer", "minlstm", "--normalised", "--candidate", "g", "--scan", "log",
             "--learned-init", "--forget-offset", "1", "--feed-forward", "geglu", "--conv", "0"],
        ]:  # fmt: skip
            with self.subTest(options):
                options += ["--log", self.log, "--eval-every", "10"]
                self.good(*self.train(*options, steps=40))
                model, state, rows = self.read(self.model), self.read(self.state), self.without_speed()
                for path in (self.model, self.state, self.log):
                    os.remove(path)
                self.good(*self.train(*options, steps=20))
                self.assertNotEqual(self.read(self.model), model)
                self.good(*self.train(*options, "--resume", steps=40))
                self.assertEqual(self.read(self.model), model)
                self.assertEqual(self.read(self.state), state)
                self.assertEqual(self.without_speed(), rows)
                self.assertEqual([int(row["step"]) for row in rows], list(range(1, 41)))
                evaluated = [int(row["step"]) for row in rows if row["validation_loss"]]
                self.assertEqual(evaluated, [10, 20, 30, 40])

    def test_resume_needs_no_settings_and_refuses_others(self):
        self.trained("--dropout", "0.1")
        resume = ["train", "--data", self.data, "--out", self.model, "--resume", "--steps"]
        self.bad(WRONG_USE, "--width", *resume, 6, "--width", 32)
        self.bad(WRONG_USE, "--seed", *resume, 6, "--seed", 2)
        self.bad(WRONG_USE, "--width", *resume, 6, "--preset", "shakespeare")
        self.assertIn("resumed  at step 4", self.good(*resume, 6))
        self.assertIn("resumed  at step 6", self.good(*resume, 8, "--schedule-steps", 80))
        before = self.read(self.model)
        self.good(*resume, 8)
        self.assertEqual(self.read(self.model), before)

    def test_a_log_is_cut_to_the_step_resumed(self):
        self.trained("--log", self.log)
        with open(self.log, "a") as file:
            file.write("5,1,1,1,1,\n6,1,1,1,1,\n7,1,1")  # as a run leaves it that was killed
        self.good(*self.train("--resume", "--log", self.log, steps=8))
        self.assertEqual([int(row["step"]) for row in self.rows()], list(range(1, 9)))
        self.assertTrue(all(row["loss"] != "1" for row in self.rows()))

    def test_learns(self):
        self.trained("--log", self.log, "--rate", "1e-2", steps=40)
        rows = self.rows()
        self.assertLess(abs(float(rows[0]["loss"]) - math.log(len(set(common.text_of())))), 1)
        self.assertLess(float(rows[-1]["loss"]), float(rows[0]["loss"]) - 0.3)
        self.assertAlmostEqual(float(rows[0]["rate"]), 1e-2 / 5, 6)
        self.assertTrue(all(float(row["gradient_norm"]) > 0 for row in rows))

    def test_a_preset_lies_under_the_other_options(self):
        shown = self.good(
            "train", "--data", self.data, "--width", 16, "--preset", "shakespeare",
            "--batch", 2, "--time", 8, "--steps", 1, "--out", self.model,
        )  # fmt: skip
        self.assertIn("3 layers of width 16", shown)

    def test_what_is_said(self):
        shown = self.trained("--log", self.log, "--eval-every", "2")
        for part in [
            "device   cpu (native, ",
            "1,800 characters to train, 200 to validate, vocabulary ",
            "mingru, 1 layer of width 16, ",
            "memory   ",
            "step 2/4  loss ",
            "  validation ",
            " tokens/s  0:0",
            "trained  4 steps, 256 tokens in 0:0",
            "best ",
            self.model + ", " + self.state + ", " + self.log,
        ]:
            self.assertIn(part, shown)
        size = r"\d+\.\d [KM]iB"
        self.assertRegex(shown, rf"\nmemory   {size} on the device, {size} of it activations, the "
                                rf"largest buffer {size}; {size} for batches and saves\n")  # fmt: skip
        self.assertNotIn("\r", shown)

    def test_one_line_is_redrawn_on_a_terminal(self):
        reader, writer = pty.openpty()
        process = subprocess.Popen(
            [common.COMMAND, *map(str, self.train("--eval-every", "0", steps=1000000))],
            stdout=writer, stderr=subprocess.PIPE, env={**os.environ, "MINRNN_DEVICE": "cpu"},
        )  # fmt: skip
        os.close(writer)
        shown = b""
        asked = False
        while True:
            try:
                piece = os.read(reader, 4096)
            except OSError:  # the other end was closed
                break
            if not piece:
                break
            shown += piece
            if not asked and shown.count(b"\rstep") > 2:
                process.send_signal(signal.SIGINT)
                asked = True
        os.close(reader)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()
        self.assertEqual(process.wait(60), 128 + signal.SIGINT)
        self.assertIn(b"\033[K\rstep", shown)

    def test_a_stopped_run_can_be_resumed(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                arguments = self.train("--log", self.log, "--eval-every", "0", steps=1000000)
                process = subprocess.Popen(
                    [common.COMMAND, *map(str, arguments)],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    env={**os.environ, "MINRNN_DEVICE": "cpu"},
                )  # fmt: skip
                while not process.stdout.readline().startswith(b"step"):
                    self.assertIsNone(process.poll())
                process.send_signal(number)
                shown, error = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 128 + number)
                self.assertEqual(error, b"")
                self.assertIn(b"stopped  by signal", shown)
                done = len(self.rows())
                more = self.train("--resume", "--log", self.log, steps=done + 2)
                self.assertIn(f"resumed  at step {done}\n", self.good(*more))
                self.assertEqual(
                    [int(row["step"]) for row in self.rows()], list(range(1, done + 3))
                )

    def test_a_killed_run_leaves_whole_files(self):
        arguments = self.train("--save-every", "1", "--eval-every", "0", steps=1000000)
        process = subprocess.Popen(
            [common.COMMAND, *map(str, arguments)],
            stdout=subprocess.DEVNULL, env={**os.environ, "MINRNN_DEVICE": "cpu"},
        )  # fmt: skip
        while not os.path.exists(self.model):
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        time.sleep(0.2)
        process.kill()
        process.wait()
        common.clean_up_after_kill()
        self.good("generate", "--model", self.model, "--length", 3)
        self.good("train", "--data", self.data, "--out", self.model, "--resume", "--steps", 1)


if __name__ == "__main__":
    common.main()
