# SPDX-License-Identifier: Apache-2.0
"""minrnn bench: lists and ranges, each subject at tiny sizes, the formats, devices that compute wrongly.

usage: test_bench.py COMMAND WRONG_DEVICE [unittest's arguments]

WRONG_DEVICE is a library that makes every validation of "copy" fail; "": this build cannot have one."""

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys

import common
from common import WRONG_USE, FAILED

DEVICE = os.environ.get("MINRNN_DEVICE", "cpu")
WRONG_DEVICE = ""
FEW = ["-r2", "--warm-up", "0"]
ABOUT = ["device", "platform", "driver", "version", "build", "subject"]
TIMES = ["median_ms", "p10_ms", "p90_ms"]
ROOFLINE = ["roofline_ms", "times_roofline", "bandwidth_gb_s", "rate_gflop_s"]
WITH_ROOFLINE = ["gemm", "scan", "layer", "step", "generate"]
LIMITS = ["--bandwidth", "10", "--rate", "50"]  # given: nothing is measured
# Options for a moment's work, the columns that vary, and what is measured.
SUBJECTS = {
    "copy": (["--bytes", "64,1k"], ["bytes"], [*TIMES, "gb_s"]),
    "launch": (["--launches", "1,5"], ["launches"], TIMES),
    "gemm": (["--m", "4", "--n", "2-4*2", "--k", "3", "--transpose", "nn,tt"],
             ["m", "n", "k", "transpose"], [*TIMES, "gflop_s", *ROOFLINE]),
    "scan": (["--scan", "mingru,linear", "--batch", "2", "--time", "5", "--width", "3"],
             ["scan", "pass", "batch", "width", "time"], [*TIMES, "gb_s", *ROOFLINE]),
    "layer": (["--batch", "2", "--time", "3,4", "--width", "4", "--classes", "2"],
              ["mixer", "batch", "width", "time", "classes"],
              [*TIMES, "queued_ms", "tokens_s", "memory_bytes", "parameters", *ROOFLINE]),
    "step": (["--batch", "1", "--time", "4", "--width", "4,8"],
             ["preset", "mixer", "width", "layers", "batch", "time"],
             [*TIMES, "queued_ms", "tokens_s", "memory_bytes", "parameters", *ROOFLINE]),
    "generate": (["--width", "8", "--layers", "1"],
                 ["preset", "mixer", "width", "layers", "batch"],
                 [*TIMES, "tokens_s", "memory_bytes", "parameters", *ROOFLINE]),
    "compile": (["--width", "4", "--layers", "1", "--batch", "1", "--time", "4"],
                ["preset", "mixer", "width", "layers", "batch", "time"], ["cold_s", "cached_s"]),
    "figure1": (["--quick", "--time", "4,8", "--mixer", "mingru,minlstm"],
                ["batch", "classes", "width", "time", "mixer"],
                [*TIMES, "queued_ms", "memory_bytes", "resident_bytes", "parameters",
                 *(f"weights_percent_{alpha}" for alpha in (1, 2, 3, 4)), "speed_up"]),
}  # fmt: skip
ROWS = {"copy": 2, "launch": 2, "gemm": 4, "scan": 4, "layer": None, "step": 2, "generate": 1,
        "compile": 1, "figure1": 4}  # fmt: skip
NAMES = {"device", "platform", "driver", "version", "build", "subject", "transpose", "scan", "pass",
         "mixer", "preset", "note", "op", "sizes"}  # fmt: skip


class Bench(common.Workplace):
    def bench(self, subject, *options, **more):
        limits = LIMITS if subject in WITH_ROOFLINE else []
        return self.good("bench", subject, *FEW, *limits, *options, **more)

    def csv(self, subject, *options, **more):
        text = self.bench(subject, "--format", "csv", *options, **more)
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
        for row in rows:
            self.assertNotIn(None, row)
            self.assertNotIn(None, row.values())
        return rows

    def json(self, subject, *options, **more):
        return json.loads(self.bench(subject, "--format", "json", *options, **more))


class WrongUse(Bench):
    def test_subjects(self):
        self.bad(WRONG_USE, "what?", "bench")
        self.bad(WRONG_USE, "no subject 'fly'", "bench", "fly")
        self.bad(WRONG_USE, "no subject '--device'", "bench", "--device", "cpu")
        self.bad(WRONG_USE, "unknown option --bogus", "bench", "copy", "--bogus")
        self.bad(WRONG_USE, "unexpected argument '-x'", "bench", "copy", "-x")
        self.bad(WRONG_USE, "unexpected argument '-'", "bench", "copy", "-")
        self.bad(WRONG_USE, "unknown option --preset", "bench", "layer", "--preset", "small")
        self.bad(WRONG_USE, "--repetitions needs a value", "bench", "copy", "-r")

    def test_lists(self):
        for text in ["", "0", "4-", "4-2", "2-8*1", "2-8+0", "1,,2", "x", "-1", "1e3", "1-1000",
                     "99999999999999999999"]:  # fmt: skip
            with self.subTest(text):
                self.bad(WRONG_USE, f"--time '{text}'", "bench", "layer", f"--time={text}")
        for text in ["", "nosuch", "mingru,", "mingru,nosuch", "MINGRU"]:
            with self.subTest(text):
                self.bad(WRONG_USE, "must be some of mingru", "bench", "layer", f"--mixer={text}")
        self.bad(WRONG_USE, "--bytes '3'", "bench", "copy", "--bytes", "3")

    def test_values(self):
        for options in [["-r", "0"], ["-r", "x"], ["-r0"], ["--warm-up", "-1"],
                        ["--format", "xml"], ["--device="]]:  # fmt: skip
            with self.subTest(options):
                self.bad(WRONG_USE, "", "bench", "copy", *options)
        self.bad(WRONG_USE, "repetitions", "bench", "copy", "-r", "9999999999")
        self.bad(FAILED, "nosuchdevice", "bench", "copy", "--device", "nosuchdevice")
        self.bad(WRONG_USE, "must be 1 or more", "bench", "layer", "--batch", "9G")

    def test_help(self):
        shown = self.good("bench", "--help")
        for subject in SUBJECTS:
            self.assertRegex(shown, rf"\n  {subject} +\S")
            options = self.good("bench", subject, "--help")
            self.assertIn("\n  --repetitions, -r N ", options)
            self.assertLessEqual(max(map(len, options.splitlines())), 100)
        self.assertIn("(default 128,256,512,1024,2048,4096)", self.good("bench", "scan", "--help"))
        self.assertIn("mingru, minlstm", self.good("bench", "layer", "--help"))


class Formats(Bench):
    def test_csv_and_json_agree(self):
        for subject, (options, axes, measures) in SUBJECTS.items():
            with self.subTest(subject):
                columns = [*ABOUT, *axes, *measures, "note"]
                rows = self.csv(subject, *options)
                records = self.json(subject, *options)
                self.assertEqual(len(rows), len(records))
                if ROWS[subject]:
                    self.assertEqual(len(rows), ROWS[subject])
                for row, record in zip(rows, records):
                    self.assertEqual(list(row), columns)
                    self.assertEqual(list(record), columns)
                    for name in [*ABOUT, *axes]:
                        self.assertEqual(row[name], str(record[name]), name)
                    self.check_record(record)

    def check_record(self, record):
        self.assertTrue(record["device"] and record["driver"] and record["version"])
        self.assertRegex(record["build"], "^[0-9a-f]{16}$")
        for name, value in record.items():
            if name in NAMES:
                self.assertIsInstance(value, str, name)
            elif name not in ("speed_up", "cold_s", "cached_s"):
                self.assertGreater(value, 0, name)
        if "median_ms" in record:
            self.assertLessEqual(record["p10_ms"], record["median_ms"])
            self.assertLessEqual(record["median_ms"], record["p90_ms"])

    def test_table(self):
        for subject, (options, axes, measures) in SUBJECTS.items():
            with self.subTest(subject):
                lines = self.bench(subject, *options).splitlines()
                self.assertTrue(lines[0].startswith("device   cpu ("))
                if subject in WITH_ROOFLINE:
                    self.assertEqual(lines.pop(1),
                                     "limits   bandwidth 10 GB/s, products 50 GFLOP/s")
                self.assertTrue(lines[1].startswith(f"bench    {subject}; 2 repetitions; minrnn"))
                self.assertLessEqual(max(map(len, lines)), 100)
                self.assertFalse([line for line in lines if line.endswith(" ")])
                if subject == "figure1":
                    self.assertRegex(lines.pop(3), "^weights  mingru 33.33, 22.22, 16.67, 13.33 % of "
                                     "gru; minlstm 37.5, 25, 18.75, 15 % of lstm$")  # fmt: skip
                rows = self.csv(subject, *options)
                self.assertEqual(len(lines), len(rows) + (4 if "sizes    " in lines[2] else 3))
                self.assertEqual(len({line.find("  note") for line in lines} - {-1}), 1)

    def test_one_value_stands_above_the_table(self):
        lines = self.bench("layer", "--mixer", "mingru", "--batch", "2", "--time", "3,4", "--width",
                           "4").splitlines()  # fmt: skip
        self.assertEqual(lines[3], "sizes    mixer mingru, batch 2, width 4, classes 16")
        self.assertEqual(lines[4].split()[:2], ["time", "ms"])
        self.assertEqual([line.split()[0] for line in lines[5:]], ["3", "4"])

    def test_markdown(self):
        lines = self.bench("copy", "--bytes", "64,1k", "--format", "markdown").splitlines()
        table = lines[lines.index("") + 1 :]
        self.assertEqual(table[0], "| bytes | ms | p10 | p90 | GB/s | note |")
        self.assertEqual(table[1], "|--:|--:|--:|--:|--:|---|")
        self.assertEqual(len(table), 4)
        self.assertEqual({line.count("|") for line in table}, {7})


class Subjects(Bench):
    def test_gemm_of_a_preset(self):
        rows = self.csv("gemm", "--preset", "small", "-r", "1")
        self.assertGreater(len(rows), 6)
        # Two layers of width 128, expansion 2, a feed-forward of 4: 32 x 128 tokens.
        forward = [row for row in rows if (row["m"], row["transpose"]) == ("4096", "nt")]
        self.assertIn(("512", "128"), [(row["n"], row["k"]) for row in forward])
        self.assertTrue(all(int(row["calls"]) > 0 for row in rows))
        lines = self.bench("gemm", "--preset", "small", "-r", "1", "--warm-up", "0").splitlines()
        self.assertEqual(lines[3].split()[:6], ["m", "n", "k", "transpose", "calls", "ms"])
        self.assertEqual(len(lines), len(rows) + 4)

    def test_rates(self):
        (row,) = self.json("copy", "--bytes", "4k")
        self.assertAlmostEqual(row["gb_s"] * row["median_ms"] * 1e6, 8192, places=2)
        (row,) = self.json("gemm", "--m", "8", "--n", "4", "--k", "2")
        self.assertAlmostEqual(row["gflop_s"] * row["median_ms"] * 1e6, 128, places=4)
        (row,) = self.json("layer", "--mixer", "mingru", "--batch", "2", "--time", "5", "--width",
                           "4")  # fmt: skip
        self.assertAlmostEqual(row["tokens_s"] * row["median_ms"] / 1e3, 10, places=5)
        # Two gates of 4 x 4 with biases, a head of 16 x 4.
        self.assertEqual(row["parameters"], 2 * (16 + 4) + 64)

    def check_roofline(self, row, bytes, operations):
        """Against the limits that are given."""
        least = max(bytes / 10e9, operations / 50e9) * 1e3
        self.assertAlmostEqual(row["roofline_ms"] / least, 1, places=6)
        self.assertAlmostEqual(row["times_roofline"] * least / row["median_ms"], 1, places=6)
        self.assertEqual((row["bandwidth_gb_s"], row["rate_gflop_s"]), (10, 50))

    def test_roofline_of_an_op(self):
        """The bytes bind at first; with k = 512 the operations do."""
        for k in 2, 512:
            (row,) = self.json("gemm", "--m", "64", "--n", "32", "--k", k)
            self.check_roofline(row, 4 * (64 * k + k * 32 + 64 * 32), 2 * 64 * 32 * k)
        (row,) = self.json("scan", "--scan", "linear", "--pass", "forward", "--batch", "2",
                           "--time", "5", "--width", "3")  # fmt: skip
        self.check_roofline(row, 3 * 4 * 2 * 5 * 3, 0)

    def test_roofline_of_a_run_is_that_of_its_ops(self):
        for options in [("step", "--batch", "2", "--time", "8", "--width", "16"),
                        ("layer", "--mixer", "gru", "--batch", "2", "--time", "8")]:  # fmt: skip
            (row,) = self.json(*options)
            ops = self.json(*options, "--profile")
            self.assertAlmostEqual(sum(op["calls"] * op["roofline_ms"] for op in ops) /
                                   row["roofline_ms"], 1, places=6)  # fmt: skip
            for op in ops:
                self.assertAlmostEqual(op["times_roofline"] * op["roofline_ms"] / op["median_ms"],
                                       1, places=6)  # fmt: skip
        self.assertIn("recurrent_forward", {op["op"] for op in ops})

    def test_roofline_that_is_measured(self):
        """Both limits, one that is given, and none."""
        product = ["--m", "8", "--n", "8", "--k", "8", "--no-validate", "--bandwidth", "0"]
        (row,) = self.json("gemm", *product, "--rate", "0")
        for limit in ROOFLINE[2:]:
            self.assertTrue(0.01 < row[limit] < 1e5, row)
        (row,) = self.json("gemm", *product, "--rate", "7")
        self.assertEqual(row["rate_gflop_s"], 7)
        self.assertTrue(0.01 < row["bandwidth_gb_s"] < 1e5, row)
        (row,) = self.json("gemm", *product, "--no-roofline")
        self.assertEqual({*ROOFLINE} & {*row}, set())
        self.assertNotIn("limits", self.bench("gemm", *product, "--no-roofline"))
        self.bad(WRONG_USE, "--rate '-1'", "bench", "gemm", "--rate", "-1")

    def test_step_shows_what_the_preset_has(self):
        for presets in ["small", "small,small"]:
            rows = self.csv("step", "--preset", presets, "--time", "2", "--batch", "1")
            self.assertEqual(len(rows), presets.count("small"))
            for row in rows:
                self.assertEqual((row["mixer"], row["width"], row["layers"], row["time"]),
                                 ("mingru", "128", "2", "2"))  # fmt: skip

    def test_profile(self):
        rows = self.json("step", "--profile", "--time", "4", "--batch", "1", "--width", "4")
        self.assertAlmostEqual(sum(row["share"] for row in rows), 1, places=6)
        self.assertEqual({"adamw", "gemm", "scan_forward"} - {row["op"] for row in rows}, set())
        self.assertEqual(rows, sorted(rows, key=lambda row: -row["share"]))
        self.assertEqual({row["calls"] for row in rows if row["op"] == "scan_forward"}, {2})
        rows = self.json("layer", "--profile", "--time", "4", "--batch", "1", "--width", "4",
                         "--mixer", "mingru")  # fmt: skip
        self.assertNotIn("adamw", {row["op"] for row in rows})

    def test_compile_leaves_nothing(self):
        os.mkdir(self.path("temporary"))
        variables = {"TMPDIR": self.path("temporary"), "MINRNN_CACHE": self.path("cache")}
        options = SUBJECTS["compile"][0]
        self.csv("compile", "--no-validate", *options, environment=variables)
        self.assertEqual(os.listdir(self.path("temporary")), [])
        self.assertFalse(os.path.exists(self.path("cache")))
        variables["TMPDIR"] = self.path("nosuch")
        self.bad(FAILED, "nosuch", "bench", "compile", "--no-validate", *options,
                 environment=variables)  # fmt: skip

    def test_what_the_readme_shows(self):
        """bench/README.md: the table's subjects, and its commands' options."""
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        with open(os.path.join(root, "bench", "README.md"), encoding="utf-8") as file:
            text = file.read()
        rows = re.findall(r"^\| `([a-z0-9]+)` \|", text, re.M)
        self.assertEqual(rows[: len(SUBJECTS)], list(SUBJECTS))
        shown = re.findall(r"^minrnn bench ([a-z0-9]+) (.*)$", text, re.M)
        self.assertGreater(len(shown), 2)
        for subject, options in shown:
            help_text = self.good("bench", subject, "--help")
            for option in re.findall(r"--[a-z-]+", options):
                self.assertIn(f"\n  {option}", help_text)

    def test_what_does_not_fit(self):
        rows = self.csv("layer", "--mixer", "mingru", "--time", "4,64M", "--batch", "8", "--width",
                        "1k", "--classes", "2")  # fmt: skip
        self.assertEqual([row["note"] for row in rows], ["", "does not fit"])
        self.assertEqual([row["median_ms"] == "" for row in rows], [False, True])
        lines = self.bench("copy", "--bytes", "1G-9000000G*9000000").splitlines()[-1].split()
        self.assertEqual(lines[1:], ["-", "-", "-", "-", "does", "not", "fit"])
        record = self.json("copy", "--bytes", "9000000G")[0]
        self.assertIsNone(record["median_ms"])

    def test_a_terminal_sees_what_is_checked(self):
        terminal, end = pty.openpty()
        done = subprocess.run([common.COMMAND, "bench", "copy", "--bytes", "64", *FEW],
                              stderr=end, stdout=subprocess.PIPE, check=False, timeout=100,
                              env={**os.environ, "MINRNN_DEVICE": "cpu",
                                   "MINRNN_CACHE": self.path("cache")})  # fmt: skip
        self.assertEqual(done.returncode, 0)
        self.assertEqual(os.read(terminal, 1000), b"\rchecking copy ...\x1b[K\r\x1b[K")
        os.close(terminal)
        os.close(end)

    def test_several_devices(self):
        rows = self.csv("copy", "--bytes", "64,128", "--device", "cpu", "--device", "0")
        self.assertEqual([row["bytes"] for row in rows], ["64", "64", "128", "128"])
        rows = self.csv("copy", "--bytes", "64", "--device", "all")
        self.assertEqual([row["device"] for row in rows], ["cpu"])
        table = self.bench("copy", "--bytes", "64", "--device", "cpu", "--device", "0")
        self.assertEqual([line[:3] for line in table.splitlines()[-2:]], ["cpu", "cpu"])

    def test_speed_up(self):
        """minX is compared with X, if there is one: of the same length and device alone."""
        every = self.json("figure1", "--quick", "--time", "4,8", "--device=cpu", "--device=0")
        for rows in every[::2], every[1::2]:
            self.check_speed_up(rows)

    def test_lengths_of_figure1(self):
        """minX alone goes on to the longest; --time alone, or --quick, sets all."""
        options = ["--quick", "--no-validate", "--mixer", "mingru,gru"]
        lengths = lambda rows: [(row["mixer"], row["time"]) for row in rows]
        rows = self.json("figure1", *options, "--time", "4,8", "--longest", "40")
        self.assertEqual(lengths(rows), [("mingru", 4), ("gru", 4), ("mingru", 8), ("gru", 8),
                                         ("mingru", 16), ("mingru", 32)])  # fmt: skip
        self.assertIsNone(rows[4]["speed_up"])
        for more in [["--time", "4"], ["--time", "4", "--longest", "7"]]:
            self.assertEqual(lengths(self.json("figure1", *options, *more)),
                             [("mingru", 4), ("gru", 4)])  # fmt: skip
        self.assertIn("(default 65536)", self.good("bench", "figure1", "--help"))

    def test_figure1_leaves_out_what_takes_long(self):
        """By what a length took before; 0 allows everything."""
        options = ["--no-validate", "--mixer", "mingru", "--batch", "1", "--width", "4",
                   "--time", "64,128,1M"]  # fmt: skip
        rows = self.json("figure1", *options, "--limit", "1e-9")
        self.assertEqual([row["note"] for row in rows], ["", *["would take too long"] * 2])
        self.assertEqual([row["median_ms"] is None for row in rows], [False, True, True])
        rows = self.json("figure1", *options[:-1], "64,128", "--limit", "0")
        self.assertEqual([row["note"] for row in rows], ["", ""])
        for row in rows:
            self.assertTrue(4e6 < row["resident_bytes"] < 1e9, row)  # the program alone is MiB
        rows = self.json("figure1", *options[:-1], "64,128", "--limit", "100")
        self.assertEqual([row["note"] for row in rows], ["", ""])

    def test_weights_of_figure1(self):
        """The paper, section 3: minGRU's share of GRU's parameters, minLSTM's of LSTM's."""
        rows = self.json("figure1", "--quick", "--no-validate", "--time", "4")
        shares = {row["mixer"]: [row[f"weights_percent_{alpha}"] for alpha in (1, 2, 3, 4)]
                  for row in rows}  # fmt: skip
        for mixer, right in [("mingru", [100 / 3, 200 / 9, 100 / 6, 40 / 3]),
                             ("minlstm", [37.5, 25, 18.75, 15])]:  # fmt: skip
            for share, percent in zip(shares[mixer], right):
                self.assertAlmostEqual(share, percent, places=6)
        self.assertEqual(shares["gru"] + shares["lstm"], [None] * 8)

    def check_speed_up(self, rows):
        times = {(row["time"], row["mixer"]): row["median_ms"] for row in rows}
        self.assertEqual(len(times), len(rows))
        for row in rows:
            base = times.get((row["time"], row["mixer"].removeprefix("min")))
            if row["mixer"].startswith("min") and base:
                self.assertAlmostEqual(row["speed_up"], base / row["median_ms"], places=5)
            else:
                self.assertIsNone(row["speed_up"])


class Wrong(Bench):
    def setUp(self):
        super().setUp()
        if not WRONG_DEVICE:
            self.skipTest("no library can be loaded before this build's")

    def wrong(self, *options):
        variables = {"LD_PRELOAD": WRONG_DEVICE, "MINRNN_CACHE": self.path("cache")}
        return common.run("bench", *options, *FEW, environment=variables)

    def test_no_number(self):
        done = self.wrong("copy", "--bytes", "64,128", "--format", "csv")
        self.assertEqual(done.returncode, FAILED)
        self.assertEqual(len(done.stdout.splitlines()), 1, done.stdout)
        self.assertEqual(done.stderr.decode(),
                         "minrnn: bench: cpu computes copy wrongly, and is not timed: y is not x\n")

    def test_each_device_is_judged(self):
        """Once, and the others go on."""
        done = self.wrong("copy", "--bytes", "64,128", "--device", "cpu", "--device", "0")
        self.assertEqual(done.returncode, FAILED)
        self.assertEqual(done.stderr.decode().count("computes copy wrongly"), 2)

    def test_other_ops_are_timed(self):
        product = ["gemm", "--m", "2", "--n", "2", "--k", "2", "--format", "csv"]
        done = self.wrong(*product, *LIMITS)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(len(done.stdout.splitlines()), 2)
        # A copy that is wrong says nothing of the bandwidth.
        done = self.wrong(*product)
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (FAILED, 1))

    def test_a_kept_verdict_is_taken(self):
        self.good("validate", "--small", environment={"MINRNN_CACHE": self.path("cache")})
        done = self.wrong("copy", "--bytes", "64", "--format", "csv")
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_not_asked(self):
        done = self.wrong("copy", "--bytes", "64", "--format", "csv", "--no-validate")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(done.stdout.splitlines()), 2)


class OnDevice(Bench):
    """A few on the device that the environment names."""

    def there(self, subject, *options):
        variables = {"MINRNN_DEVICE": DEVICE}
        done = common.run("bench", subject, "--format", "json", *FEW, *options,
                          environment=variables)
        if done.returncode == FAILED and b"no device" in done.stderr:
            sys.exit(77)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_copy(self):
        (row,) = self.there("copy", "--bytes", "4k")
        self.assertGreater(row["gb_s"], 0)

    def test_layer(self):
        (row,) = self.there("layer", "--mixer", "mingru", "--batch", "2", "--time", "8", "--width",
                            "8", "--no-validate")  # fmt: skip
        self.assertGreater(row["queued_ms"], 0)
        self.assertGreater(row["times_roofline"], 0)
        self.assertGreater(row["bandwidth_gb_s"], 0.01)

    def test_compile(self):
        (row,) = self.there("compile", "--width", "4", "--layers", "1", "--batch", "1", "--time",
                            "4", "--no-validate")  # fmt: skip
        if row["platform"] == "native":
            self.assertLess(row["cold_s"], 1)
        else:
            self.assertLess(2 * row["cached_s"], row["cold_s"])


if __name__ == "__main__":
    WRONG_DEVICE = sys.argv.pop(2)
    WRONG_DEVICE = WRONG_DEVICE and os.path.abspath(WRONG_DEVICE)
    common.main()
