# SPDX-License-Identifier: Apache-2.0
"""bench/figure1.sh: measures, and draws what was measured. Skipped (77) without gnuplot.

usage: test_figure1.py COMMAND SOURCE_ROOT [unittest's arguments]"""

import csv
import os
import re
import shutil
import subprocess
import sys

import common

ROOT = ""
PANELS = ["time of a step", "speed-up against the cell that it simplifies", "memory of a step"]


class Figure1(common.Workplace):
    def figure(self, *arguments, **environment):
        return subprocess.run(
            [os.path.join(ROOT, "bench", "figure1.sh"), *arguments], cwd=self.folder, text=True,
            capture_output=True, check=False, timeout=200,
            env={**os.environ, "MINRNN": common.COMMAND, "MINRNN_DEVICE": "cpu", **environment},
        )  # fmt: skip

    def content(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def test_measures_and_draws(self):
        done = self.figure("a folder", "--quick", "-r", "2", "--width", "4,8", "--no-validate")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = list(csv.DictReader(self.content("a folder/figure1.csv").splitlines()))
        self.assertEqual({row["time"] for row in rows}, {"32", "64", "128"})
        drawing = self.content("a folder/figure1.svg")
        for text in [*PANELS, "width 4 and 8, batch 8, classes 16", "mingru, paper, T4",
                     "minlstm, width 8", "cpu: forward"]:  # fmt: skip
            self.assertIn(text, drawing)
        self.assertRegex(drawing, r"minrnn \d+\.\d+\.\d+, \d{4}-\d\d-\d\d<")
        picture = self.read(self.path("a folder/figure1.png"))
        self.assertTrue(picture.startswith(b"\x89PNG") and len(picture) > 10000)
        self.assertEqual(sorted(os.listdir(self.path("a folder"))),
                         ["figure1.csv", "figure1.png", "figure1.svg"])  # fmt: skip

    def draw(self, rows):
        path = self.write("some.csv", "\n".join(rows).encode() + b"\n")
        return subprocess.run(
            [sys.executable, os.path.join(ROOT, "bench", "figure1.py"), path, self.folder, "--date",
             "2026-01-31"], text=True, capture_output=True, check=False)  # fmt: skip

    def test_what_was_measured_is_drawn(self):
        """Two devices, one with a quote; a row that did not fit is left out of its line."""
        head = ("device,driver,version,batch,classes,width,time,mixer,median_ms,memory_bytes,"
                "speed_up")  # fmt: skip
        done = self.draw([head, "a'b,1,0.1,64,16,64,128,new,10,1048576,2",
                          "a'b,1,0.1,64,16,64,256,new,,,", "a'b,1,0.1,64,16,64,512,new,40,4194304,4",
                          "c,1,0.1,64,16,64,128,new,20,1048576,"])  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        drawing = self.content("figure1.svg")
        for text in ["new, c", "2026-01-31"]:
            self.assertIn(text, drawing)
        self.assertTrue(re.search(r"new, a('|&apos;|&#39;)b", drawing))

    def test_there_is_no_file(self):
        """What reads measurements says in a line which file is not there."""
        none = self.path("none")
        for script, *words in [("figure1.py", none, self.folder), ("results.py", none),
                               ("predict.py", "--check", none, "trace", "preset", "small")]:
            with self.subTest(script=script):
                done = subprocess.run(
                    [sys.executable, os.path.join(ROOT, "bench", script), *words],
                    text=True, capture_output=True, check=False)  # fmt: skip
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertEqual(done.stderr, f"{script}: {none}: No such file or directory\n")

    def marks(self, lengths):
        """The numbers below the first panel, from the shortest length on."""
        head = ("device,driver,version,batch,classes,width,time,mixer,median_ms,memory_bytes,"
                "speed_up")  # fmt: skip
        done = self.draw([head, *(f"c,1,0.1,64,16,64,{length},mingru,{length},{length << 20},2"
                                  for length in lengths)])  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        panel = self.content("figure1.svg").split("length T")[0]
        shown = re.findall(r"> *(\d+)</text>|> *(\d+)</tspan>", panel)
        numbers = [int(a or b) for a, b in shown]
        return [number for number in numbers if number & (number - 1) == 0 and number >= 64]

    def test_lengths_have_room(self):
        """Few are all marked, and of many each second one, up to the longest."""
        self.assertEqual(self.marks([128 << i for i in range(6)]), [128 << i for i in range(6)])
        self.assertEqual(self.marks([128 << i for i in range(10)]),
                         [256, 1024, 4096, 16384, 65536])  # fmt: skip

    def test_nothing_to_draw(self):
        done = self.draw(["device,time"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no rows", done.stderr)

    def test_wrong_use(self):
        for arguments in [[], ["--quick"]]:
            done = self.figure(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn("usage", done.stderr)

    def test_a_failure_leaves_the_figure(self):
        kept = os.path.join(self.folder, "figure1.csv")
        self.write("figure1.csv", b"as it was")
        done = self.figure(self.folder, "--time", "x")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(self.read(kept), b"as it was")
        self.assertFalse([name for name in os.listdir(self.folder) if name.endswith(".part")])


if __name__ == "__main__":
    ROOT = os.path.abspath(sys.argv.pop(2))
    if not shutil.which("gnuplot"):
        print("skipped: no gnuplot")
        sys.exit(77)
    common.main()
