# SPDX-License-Identifier: Apache-2.0
"""minrnn bench report: every part, nothing personal, what fails; bench/report.sh and the table of reports.

usage: test_report.py COMMAND SOURCE_ROOT WRONG_DEVICE FAILING_PART [unittest's arguments]

The last two are libraries that make every validation of "copy", or every generation, fail; "": this build cannot have
one."""

import csv
import os
import pwd
import re
import resource
import shutil
import signal
import subprocess
import sys
import unittest

import common
from common import WRONG_USE, FAILED

ROOT = WRONG_DEVICE = FAILING_PART = ""
PARTS = ["device", "validate", "copy", "gemm", "launch", "figure1", "step", "generate", "compile", "profile"]
FILES = sorted([*(part + ".csv" for part in PARTS), "report.md"])
# Long enough that nothing is left out on a busy machine.
QUICK = ["--quick", "--minutes", "4"]
PERSON = {"HOME": "/home/somebody", "USER": "somebody", "LOGNAME": "somebody", "USERNAME": "somebody"}


class Report(common.Workplace):
    def report(self, *options, out="report", environment=None, **more):
        variables = {"MINRNN_CACHE": self.path("cache"), **PERSON, **(environment or {})}
        return common.run("bench", "report", "--out", self.path(out), *options, environment=variables,
                          **more)

    def content(self, *names):
        with open(self.path(os.path.join(*names)), encoding="utf-8", newline="") as file:
            return file.read()

    def rows(self, part, folder="report"):
        return list(csv.DictReader(self.content(folder, part + ".csv").splitlines(), strict=True))

    def sections(self, folder="report"):
        """What report.md says of each part."""
        found = re.split(r"^#### (\w+): .*\n", self.content(folder, "report.md"), flags=re.M)
        return dict(zip(found[1::2], found[2::2]))

    def check_tables(self, parts, folder="report"):
        """Each part's rows are in report.md, too."""
        for part in parts:
            lines = [line for line in self.sections(folder)[part].splitlines() if line.startswith("|")]
            self.assertGreater(len(lines), 2, part)
            self.assertEqual(len(lines) - 2, len(self.rows(part, folder)), part)

    def check_nothing_personal(self, folder):
        for name in os.listdir(self.path(folder)):
            text = self.content(folder, name)
            for word in ["somebody", os.uname().nodename, pwd.getpwuid(os.getuid()).pw_name,
                         os.path.basename(self.folder)]:  # fmt: skip
                self.assertNotRegex(text, rf"\b{re.escape(word)}\b", name)
            if name.endswith((".csv", ".md")):
                self.assertNotRegex(text, r"(^|[^\w<.)\]])/\w+/", name)


class Command(Report):
    def test_every_part(self):
        done = self.report(*QUICK)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(os.listdir(self.path("report"))), FILES)
        self.assertEqual(done.stdout.decode(), self.content("report", "report.md"))
        self.assertEqual(list(self.sections()), PARTS)
        said = done.stderr.decode().splitlines()
        for number, part in enumerate(PARTS):
            self.assertTrue(said[number].startswith(f"minrnn: report: {part}, part {number + 1} of 10"))
        self.assertEqual(said[10:], [f"minrnn: report: {self.path('report')}/report.md is what to send"])
        self.check_tables(PARTS[2:])
        self.check_device()
        self.check_measured()
        self.check_nothing_personal("report")
        self.assertLess(len(done.stdout), 60000)  # what an issue takes

    def check_device(self):
        (row,) = self.rows("device")
        self.assertEqual((row["device"], row["platform"], row["kind"]), ("cpu", "native", "native"))
        self.assertRegex(row["compiler"], r"^(gcc|clang) \d+\.")
        self.assertRegex(row["commit"], r"^([0-9a-f]{12}(-dirty)?|unknown|v.*)$")
        self.check_commit(row["commit"])
        self.assertRegex(row["date"], r"^\d{4}-\d\d-\d\d$")
        self.assertEqual(int(row["cores"]), os.sysconf("SC_NPROCESSORS_ONLN"))
        for name in ["driver", "version", "build", "system", "processor"]:
            self.assertIn(f"- {name}: {row[name]}\n", self.sections()["device"])
        self.assertIn("- memory: ", self.sections()["device"])

    def check_commit(self, built):
        """A tree without changes is not called dirty, if the command was built of it as it is now."""
        git = ["git", "-C", ROOT]
        if shutil.which("git") and os.path.exists(os.path.join(ROOT, ".git")):
            said = subprocess.run([*git, "describe", "--always", "--dirty", "--abbrev=12"],
                                  stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
            if built.startswith(said):
                self.assertEqual(built, said)

    def check_measured(self):
        checks = self.rows("validate")
        self.assertEqual({row["failures"] for row in checks}, {"0"})
        for name in ["one tiny case each", "tiny shapes"]:
            ops = sum(row["pass"] == name for row in checks)
            self.assertGreater(ops, 20)
            self.assertIn(f"- {name}: pass, {ops} of {ops} ops pass", self.sections()["validate"])
        self.assertEqual({row["cases"] for row in checks if row["pass"] == "one tiny case each"}, {"1"})
        figure = self.rows("figure1")
        self.assertEqual({row["time"] for row in figure} >= {"32", "64", "128"}, True)
        self.assertTrue({"mingru", "minlstm", "gru", "lstm"} <= {row["mixer"] for row in figure})
        for part in PARTS[2:8]:
            for row in self.rows(part):
                self.assertEqual(row["note"], "", row)
                self.assertGreater(float(row["median_ms"]), 0)
                self.assertGreaterEqual(int(row["runs"]), 3)
        self.assertTrue({"gemm", "adamw"} <= {row["op"] for row in self.rows("profile")})
        self.assertEqual({row["preset"] for row in self.rows("profile")}, {"small"})
        self.assertNotIn("left out", self.content("report", "report.md"))

    def test_no_time(self):
        """What no longer fits is named, and no failure."""
        done = self.report("--quick", "--minutes", "0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(list(self.sections()), PARTS)
        self.assertIn("- one tiny case each: pass", self.sections()["validate"])
        self.assertIn("- tiny shapes: left out, no time left\n", self.sections()["validate"])
        for part in PARTS[2:9]:
            self.assertEqual({row["note"] for row in self.rows(part)}, {"no time left"})
        for part in PARTS[2:]:
            self.assertRegex(self.sections()[part], r"\nleft out: \d+, no time left\n")

    def test_a_row_that_would_take_too_long(self):
        """A step of shakespeare takes more than its share of a few seconds, and lengths stop growing."""
        done = self.report("--minutes", "0.1")
        self.assertEqual(done.returncode, 0, done.stderr)
        notes = {row["preset"]: row["note"] for row in self.rows("step")}
        self.assertEqual(notes["shakespeare"], "no time left")
        self.assertNotIn(" | 0 |", self.sections()["step"])
        left_out = set()
        for row in self.rows("figure1"):
            self.assertTrue(row["mixer"] not in left_out or row["note"], row)
            left_out |= {row["mixer"]} if row["note"] else set()

    def test_help(self):
        self.assertRegex(self.good("bench", "--help"), r"\n  report +\S")
        shown = self.good("bench", "report", "--help")
        for option in ["device", "out", "minutes", "quick"]:
            self.assertIn(f"\n  --{option} ", shown)
        self.assertLessEqual(max(map(len, shown.splitlines())), 100)

    def test_wrong_use(self):
        self.bad(WRONG_USE, "--minutes 'x'", "bench", "report", "--minutes", "x")
        self.bad(WRONG_USE, "unknown option --format", "bench", "report", "--format", "csv")
        self.bad(WRONG_USE, "--out", "bench", "report", "--out=")


class Failures(Report):
    def test_what_is_there_stays(self):
        os.mkdir(self.path("kept"))
        self.write("kept/copy.csv", b"as it was")
        for out in ["kept", "data.txt"]:
            error = self.bad(FAILED, "is there already", "bench", "report", "--out", self.path(out))
            self.assertIn(self.path(out), error)
        self.assertEqual(self.content("kept", "copy.csv"), "as it was")
        self.assertEqual(os.listdir(self.path("kept")), ["copy.csv"])
        self.bad(FAILED, "cannot make", "bench", "report", "--out", self.path("nosuch/report"))

    def test_no_device(self):
        self.bad(FAILED, "nosuchdevice", "bench", "report", "--device", "nosuchdevice", "--out",
                 self.path("report"))  # fmt: skip
        self.assertFalse(os.path.exists(self.path("report")))

    def test_full_disk(self):
        """One line says which file, and what was measured before is there, on standard output at the least."""
        met = set()
        for limit in [0, 200, 1500, 3500]:
            with self.subTest(limit):
                out = f"report {limit}"
                done = self.report(*QUICK, out=out, preexec_fn=lambda: limit_files(limit))
                said = [line for line in done.stderr.decode().splitlines()
                        if not re.match(r"minrnn: report: \w+, part ", line)
                        and "the verdict is not kept" not in line]  # fmt: skip
                self.assertEqual(done.returncode, FAILED)
                self.assertEqual(len(said), 1, said)
                name = re.fullmatch(rf"minrnn: cannot write {re.escape(self.path(out))}/(\S+): File too large",
                                    said[0])[1]  # fmt: skip
                met.add(name)
                shown = re.findall(r"^#### (\w+)", done.stdout.decode(), flags=re.M)
                self.assertEqual(shown, PARTS[: len(shown)])
                if name != "report.md":
                    self.assertEqual(shown[-1] + ".csv", name)
                for part in shown[:-1]:
                    self.assertGreater(len(self.rows(part, out)), 0)
        self.assertEqual(met, {"device.csv", "validate.csv"})

    def test_a_part_that_fails(self):
        """The others are there; of why, only what names no file."""
        if not FAILING_PART:
            self.skipTest("no library can be loaded before this build's")
        done = self.report(*QUICK, environment={"LD_PRELOAD": FAILING_PART})
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b"cannot read /home/somebody/key: no such thing\n", done.stderr)
        self.assertIn(b"minrnn: report: 1 of 10 parts failed\n", done.stderr)
        self.assertIn("**failed**: cannot read ... no such thing\n", self.sections()["generate"])
        self.assertEqual(sorted(os.listdir(self.path("report"))), FILES)
        self.check_tables(part for part in PARTS[2:] if part != "generate")
        self.check_nothing_personal("report")

    def test_no_place_to_compile(self):
        """A failure that is the command's own."""
        done = self.report(*QUICK, environment={"TMPDIR": self.path("nosuch")})
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("**failed**: standard error says why\n", self.sections()["compile"])
        self.check_tables(part for part in PARTS[2:] if part != "compile")
        self.check_nothing_personal("report")

    def test_a_device_that_computes_wrongly(self):
        """It is not timed, and the report says what is wrong."""
        if not WRONG_DEVICE:
            self.skipTest("no library can be loaded before this build's")
        done = self.report(*QUICK, environment={"LD_PRELOAD": WRONG_DEVICE})
        self.assertEqual(done.returncode, FAILED)
        self.assertEqual(done.stderr.decode().splitlines()[-1],
                         "minrnn: report: 1 of 1 ops compute wrongly on this device, which is not timed: copy")
        self.assertEqual(sorted(os.listdir(self.path("report"))),
                         ["device.csv", "report.md", "validate.csv"])
        self.assertIn("**copy is wrong**, 1 of 1 cases: y is not x\n", self.sections()["validate"])
        self.assertIn("- one tiny case each: FAIL, 0 of 1 ops pass", self.sections()["validate"])
        self.assertEqual(self.rows("validate")[0]["failures"], "1")


def limit_files(size):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


class Scripts(Report):
    """What bench/report.sh adds, in a folder of results of this test's own."""

    def script(self, *arguments, **environment):
        os.makedirs(self.path("results"), exist_ok=True)
        with open(self.path("results/README.md"), "w", encoding="utf-8") as file:
            file.write("before\n<!-- results.py -->\n<!-- end of results.py -->\nafter\n")
        build = os.path.dirname(os.path.dirname(os.path.dirname(common.COMMAND)))
        return subprocess.run(
            [os.path.join(ROOT, "bench", "report.sh"), *arguments], text=True, capture_output=True,
            check=False, timeout=800,
            env={**os.environ, "BUILD": build, "RESULTS": self.path("results"),
                 "MINRNN_CACHE": self.path("cache"), **environment})  # fmt: skip

    def check_results(self, name, done):
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        folder = os.path.join("results", name)
        self.assertEqual(sorted(os.listdir(self.path("results"))), ["README.md", name])
        drawn = ["figure1.svg"] if shutil.which("gnuplot") else []
        self.assertEqual(sorted(os.listdir(self.path(folder))), sorted(FILES + drawn))
        self.check_nothing_personal(folder)
        self.assertIn(f"]({name}/report.md)", self.content("results", "README.md"))


class Script(Scripts):
    def test_report(self):
        self.check_results("this-one", self.script("this-one", "--device", "cpu", *QUICK))
        text = self.content("results", "this-one", "report.md")
        self.assertNotIn("left out", text)
        self.assertNotIn("#### predicted", text)  # the native CPU launches nothing
        again = self.script("this-one", "--device", "cpu", "--quick", "--minutes", "0")
        self.check_results("this-one", again)
        self.assertIn("left out", self.content("results", "this-one", "report.md"))

    def test_name(self):
        self.check_results("cpu", self.script("--device", "cpu", "--quick", "--minutes", "0"))

    def test_failure(self):
        """What was there stays, and nothing is left."""
        os.makedirs(self.path("results/mine"))
        self.write("results/mine/device.csv", b"device\n")
        done = self.script("mine", "--device", "nosuchdevice")
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("nosuchdevice", done.stderr)
        self.assertEqual(self.content("results", "mine", "device.csv"), "device\n")
        self.assertEqual(sorted(os.listdir(self.path("results"))), ["README.md", "mine"])


class Table(Scripts):
    def results(self, *options):
        return subprocess.run(
            [sys.executable, os.path.join(ROOT, "bench", "results.py"), self.path("results"), *options],
            text=True, capture_output=True, check=False)  # fmt: skip

    def put(self, name, **parts):
        os.makedirs(self.path(os.path.join("results", name)), exist_ok=True)
        for part, lines in parts.items():
            self.write(os.path.join("results", name, part + ".csv"), "\n".join(lines).encode() + b"\n")

    def test_table(self):
        os.mkdir(self.path("results"))
        self.put("b", device=["device,platform,driver,commit,date", "T4,NVIDIA CUDA,535,abc,2026-01-31"],
                 validate=["op,failures", "a,0", "b,0", "a,0"],
                 copy=["bytes,gb_s", "64,900", "1024,235.4", "4096,"],
                 gemm=["m,gflop_s", "1024,4170", "8192,3900"],
                 launch=["launches,median_ms", "1,0.02", "1000,5"],
                 figure1=["mixer,width,time,median_ms", "mingru,64,512,0.8251", "mingru,64,4096,",
                          "minlstm,64,512,1.04", "mingru,128,512,9"],
                 step=["preset,tokens_s", "small,1234567", "shakespeare,"])  # fmt: skip
        self.put("a", device=["device,platform,driver,commit,date", "x|y,native,AVX2,abc,2026-01-30"],
                 validate=["op,failures", "a,0", "b,1"])  # fmt: skip
        self.put("no report")
        self.write("results/README.md", b"before\n<!-- results.py -->\nold\n<!-- end of results.py -->\nafter\n")
        self.assertEqual(self.results("--check").returncode, 1)
        self.assertEqual(self.results().returncode, 0)
        self.assertEqual(self.results("--check").returncode, 0)
        lines = self.content("results", "README.md").splitlines()
        self.assertEqual((lines[0], lines[-1]), ("before", "after"))
        found = [line for line in lines if line.startswith("| [")]
        self.assertEqual(found, [
            "| [x y](a/report.md), native | AVX2 | abc, 2026-01-30 | 1 ops wrong |" + " - |" * 11,
            "| [T4](b/report.md), NVIDIA CUDA | 535 | abc, 2026-01-31 | 2 ops right | 235 | 4,170 | 5 | 0.825 | - "
            "| 1.04 | - | 1,234,567 | - | - | - |"])  # fmt: skip
        self.write("results/b/copy.csv", b"bytes,gb_s\n1024,236\n")
        done = self.results("--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("another table", done.stderr)

    def test_no_place(self):
        os.mkdir(self.path("results"))
        self.write("results/README.md", b"nothing\n")
        done = self.results()
        self.assertEqual(done.returncode, 1)
        self.assertIn("no place", done.stderr)
        self.assertEqual(self.content("results", "README.md"), "nothing\n")


class OnPocl(Scripts):
    def test_predicted_beside_measured(self):
        done = self.script("pocl", *QUICK)
        if done.returncode == FAILED and "no device" in done.stderr:
            sys.exit(77)
        self.check_results("pocl", done)
        self.assertEqual(self.rows("device", "results/pocl")[0]["kind"], "CPU")
        self.check_tables(PARTS[2:9], "results/pocl")
        text = self.content("results", "pocl", "report.md")
        predicted = text.split("\n#### predicted: a step of small")[1]
        self.assertIn("measured limits: bandwidth_gb_s ", predicted)
        self.assertRegex(predicted, r"\nmeasured: [\d.]+ ms a step, op by op, [\d.]+ times the prediction\n")
        self.assertRegex(predicted, r"\n  measured / predicted +[\d.]+ +\d+% of the step +(OUTSIDE  )?gemm m ")


if __name__ == "__main__":
    ROOT = os.path.abspath(sys.argv.pop(2))
    WRONG_DEVICE, FAILING_PART = (path and os.path.abspath(path) for path in (sys.argv.pop(2), sys.argv.pop(2)))
    common.main()
