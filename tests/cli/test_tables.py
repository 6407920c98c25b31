# SPDX-License-Identifier: Apache-2.0
"""bench/tables.sh and bench/plot.sh: what is trained, that a table goes on after its runner was killed,
and what is drawn.

usage: test_tables.py COMMAND SOURCE_ROOT [unittest's arguments]"""

import csv
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
import unittest

import common

ROOT = ""
TINY = ["--", "--length", "6", "--items", "1", "--symbols", "4", "--held-out", "40", "--width", "16",
        "--batch", "32", "--eval-every", "10", "--save-every", "10"]  # fmt: skip
TIMED = ["device", "train_seconds"]


class Tables(common.Workplace):
    def command(self, *arguments):
        return [os.path.join(ROOT, "bench", "tables.sh"), *arguments]

    def environment(self):
        return {**os.environ, "MINRNN": common.COMMAND, "MINRNN_DEVICE": "cpu"}

    def table(self, *arguments):
        return subprocess.run(self.command(*arguments), cwd=self.folder, env=self.environment(),
                              text=True, capture_output=True, check=False, timeout=200)  # fmt: skip

    def good_table(self, *arguments):
        done = self.table(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def rows(self, folder):
        with open(self.path(folder + "/runs.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            for name in TIMED:
                self.assertTrue(row.pop(name))
        return sorted(rows, key=lambda row: (row["mixer"], row["layers"], row["seed"]))

    def test_table1(self):
        options = ["--mixer", "mingru,lstm", "--layers", "1,2", "--seeds", "1,2", *TINY, "--steps", "40"]
        done = self.good_table("table1", "a folder", *options)
        rows = self.rows("a folder")
        self.assertEqual([(row["mixer"], row["layers"], row["seed"]) for row in rows],
                         [(mixer, layers, seed) for mixer in ("lstm", "mingru") for layers in "12"
                          for seed in "12"])  # fmt: skip
        for row in rows:
            self.assertEqual(row["task"], "copy held_out=40 held_out_seed=1 length=6 items=1 symbols=4 "
                                          "variant=release")  # fmt: skip
            self.assertIn(f"--mixer {row['mixer']} --layers {row['layers']} --seed {row['seed']} "
                          "--keep best", row["command"])  # fmt: skip
            self.assertLessEqual(int(row["best_step"]), int(row["steps"]))
        self.assertEqual(done.stderr.count("\n"), len(rows))
        own = [100 * float(row["test_accuracy"]) for row in rows
               if (row["mixer"], row["layers"]) == ("mingru", "2")]  # fmt: skip
        (line,) = re.findall("^mingru .*$", done.stdout, re.MULTILINE)
        cells = re.split("  +", line)
        self.assertEqual(cells[2], f"{statistics.mean(own):.1f} +- {statistics.stdev(own):.1f} (2)")
        self.assertEqual(cells[3:], ["37.0 +- 2.3", "96.8 +- 3.2"])
        self.assertIn("length=6 items=1", done.stdout)
        again = self.good_table("table1", "a folder", *options)
        self.assertEqual((again.stdout, again.stderr), (done.stdout, ""))

    def test_table2_has_what_the_paper_has_and_all_mixers(self):
        done = self.good_table("table2", "t", "--seeds", "1", *TINY, "--layers", "1", "--steps", "10")
        for part in [r"H3 block, S6 +2 +99\.7 +-", r"minGRU +3 +99\.5 \+- 0\.2 +\d+\.\d \(1\)",
                     r"\nlstm +1|\nlstm +preset"]:  # fmt: skip
            self.assertRegex(done.stdout, part)

    def test_killed_at_random_the_table_is_the_same(self):
        options = ["--mixer", "mingru,minlstm", "--layers", "2", "--seeds", "1,2", "--stop-accuracy", "0",
                   *TINY, "--steps", "600"]  # fmt: skip
        self.good_table("table1", "whole", *options)
        draw = random.Random(os.getpid())
        kills = 0
        while kills < 30:
            runner = subprocess.Popen(self.command("table1", "killed", *options), cwd=self.folder,
                                      env=self.environment(), stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE)  # fmt: skip
            try:
                _, errors = runner.communicate(timeout=draw.uniform(0.1, 0.9))
                self.assertEqual(runner.returncode, 0, errors)
                break
            except subprocess.TimeoutExpired:
                runner.send_signal(draw.choice([signal.SIGKILL, signal.SIGTERM]))
                runner.communicate()
                common.clean_up_after_kill()
                kills += 1
        self.good_table("table1", "killed", *options)
        self.assertGreater(kills, 0)
        self.assertEqual(self.rows("killed"), self.rows("whole"))

    def test_goes_on_where_it_was(self):
        """A run that was stopped is resumed, and half a row is not taken for one."""
        options = ["table1", "t", "--mixer", "mingru", "--layers", "1", "--seeds", "1", "--stop-accuracy",
                   "0", *TINY, "--steps", "4000"]  # fmt: skip
        log, state = (self.path("t/runs/mingru-1-layers-seed-1" + end)
                      for end in (".csv", ".safetensors.state"))  # fmt: skip
        runner = subprocess.Popen(self.command(*options), cwd=self.folder, env=self.environment(),
                                  stderr=subprocess.PIPE)  # fmt: skip
        while not os.path.exists(state):
            time.sleep(0.01)
        runner.terminate()
        self.assertIn(b"the same command goes on", runner.communicate()[1])
        with open(log, encoding="utf-8") as file:
            header, first, *rest = file.read().splitlines()
        self.assertLess(len(rest), 3999)
        first = first.split(",")
        first[4] = "12345.0"  # its speed
        with open(log, "w", encoding="utf-8") as file:
            file.write("\n".join([header, ",".join(first), *rest, ""]))
        with open(self.path("t/runs.csv"), "a", encoding="utf-8") as file:
            file.write("mingru,1,1,copy held_out=40")
        self.good_table(*options)
        self.assertEqual([row["steps"] for row in self.rows("t")], ["4000"])
        with open(log, encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual((len(lines), lines[1].split(",")[4]), (4001, "12345.0"))

    def test_wrong_use(self):
        self.good_table("table1", "t", "--mixer", "mingru", "--layers", "1", "--seeds", "1", *TINY,
                        "--steps", "10")  # fmt: skip
        for part, arguments in [
            ("another run of this name", ["t", "--mixer", "mingru", "--layers", "1", "--seeds", "1", *TINY,
                                          "--steps", "20"]),
            ("--mixer", ["u", "--mixer", "juggle", *TINY]),
            ("--widht", ["u", *TINY, "--widht", "3"]),
        ]:  # fmt: skip
            done = self.table("table1", *arguments)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
            self.assertIn(part, done.stderr)
        missing = subprocess.run(self.command("table1", "v"), cwd=self.folder, text=True, check=False,
                                 capture_output=True, env={**os.environ, "MINRNN": "/no/minrnn"})  # fmt: skip
        self.assertEqual(missing.stderr, "tables.sh: /no/minrnn: No such file or directory\n")
        options = ["table1", "long", "--stop-accuracy", "0", *TINY, "--steps", "1000000"]
        runner = subprocess.Popen(self.command(*options),
                                  cwd=self.folder, env=self.environment(), stderr=subprocess.PIPE)  # fmt: skip
        while not os.path.exists(self.path("long/runs.csv")):
            time.sleep(0.05)
        done = self.table(*options)
        self.assertIn("in use by another runner", done.stderr)
        runner.terminate()
        self.assertIn(b"the same command goes on", runner.communicate()[1])


@unittest.skipUnless(shutil.which("gnuplot"), "no gnuplot")
class Plot(common.Workplace):
    def plot(self, *arguments):
        return subprocess.run([os.path.join(ROOT, "bench", "plot.sh"), *arguments], cwd=self.folder,
                              text=True, capture_output=True, check=False, timeout=60)  # fmt: skip

    def write_log(self, name, rows, columns="step,loss,validation_loss,validation_accuracy"):
        return self.write(name, "\n".join([columns, *rows, ""]).encode())

    def test_curves(self):
        one = self.write_log("it's one.csv", [f"{i},{3 - i / 100:.3f},{i % 10 == 0 and 2.5 or ''},"
                                        f"{i % 10 == 0 and i / 200 or ''}" for i in range(1, 201)])
        two = self.write_log("two.csv", ["1,2.5,,", "2,2,1.9,0.4"])
        done = self.plot("curves", "--title", "a 'title'", one, two)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "curves.svg\ncurves.png\n")
        drawing = self.read(self.path("curves.svg")).decode()
        for text in ["it's one, training", "it's one, validation", "two, training", "a 'title'", "loss, nats"]:
            self.assertIn(text, drawing.replace("&#39;", "'"))
        self.assertTrue(self.read(self.path("curves.png")).startswith(b"\x89PNG"))
        self.assertEqual(self.plot("accuracy", "--accuracy", one, two).returncode, 0)
        drawing = self.read(self.path("accuracy.svg")).decode()
        self.assertIn("right, %", drawing)
        self.assertNotIn("training", drawing)

    def test_what_is_no_log(self):
        for part, arguments in [("is not a log", [self.data]), ("No such file", ["missing.csv"]),
                                ("no log has an evaluation", [self.write_log("a.csv", ["1,2,,"]), "--accuracy"]),
                                ("is not a log", [self.write_log("b.csv", [])])]:  # fmt: skip
            done = self.plot("curves", *arguments)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
            self.assertIn(part, done.stderr)


if __name__ == "__main__":
    ROOT = os.path.abspath(sys.argv.pop(2))
    common.main()
