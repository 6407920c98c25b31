# SPDX-License-Identifier: Apache-2.0
"""The minrnn command: what it does with good input, and with every kind of bad input.

usage: test_cli.py COMMAND [unittest's arguments]

Wrong use and failures are each checked for the exit code, for exactly one line on standard error,
and for leaving every file that was there as it was.
"""

import csv
import json
import math
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

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


class WrongUse(Workplace):
    def test_commands_and_options(self):
        for arguments, part in [
            ([], "which command"),
            (["fly"], "no command 'fly'"),
            (["train"], "--data"),
            (["train", "--bogus"], "unknown option --bogus"),
            (["train", "--data"], "--data needs a value"),
            (["train", "--data="], "--data: the value is empty"),
            (["train", "extra"], "unexpected argument 'extra'"),
            (["train", "--resume=yes"], "takes no value"),
            (["eval"], "--model"),
            (["generate"], "--model"),
            (["devices", "--all"], "unknown option"),
            (["validate", "--op", "nosuchop"], "nosuchop"),
        ]:
            with self.subTest(arguments):
                self.bad(WRONG_USE, part, *arguments)

    def test_values(self):
        for name, value in [
            ("mixer", "transformer"),
            ("preset", "huge"),
            ("task", "chess"),
            ("schedule", "linear"),
            ("candidate", "h"),
            ("steps", "0"),
            ("steps", "-1"),
            ("steps", "ten"),
            ("steps", "1e3"),
            ("steps", ""),
            ("steps", "99999999999999999999"),
            ("width", "0"),
            ("layers", "-2"),
            ("batch", "0"),
            ("time", "0"),
            ("accumulation", "0"),
            ("eval-every", "-1"),
            ("rate", "-1"),
            ("rate", "nan"),
            ("rate", "inf"),
            ("rate", "fast"),
            ("dropout", "1.5"),
            ("dropout", "1"),
            ("expansion", "0"),
            ("seed", "-1"),
            ("seed", "18446744073709551616"),
            ("device", ""),
        ]:
            with self.subTest(name=name, value=value):
                self.bad(WRONG_USE, "", *self.train(f"--{name}", value))

    def test_sizes_that_no_device_has(self):
        for name, value in [("width", 10**12), ("batch", 10**15), ("layers", 2**62)]:
            with self.subTest(name=name):
                before = self.files()
                done = run(*self.train(f"--{name}", value))
                self.assertIn(done.returncode, (FAILED, WRONG_USE))
                self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)
                self.assertEqual(before, self.files())

    def test_log_scan_needs_a_positive_candidate(self):
        self.bad(WRONG_USE, "--candidate g", *self.train("--scan", "log"))
        self.bad(
            WRONG_USE, "--candidate g", *self.train("--scan", "log", "--candidate", "plain")
        )

    def test_outputs_must_be_apart(self):
        self.bad(WRONG_USE, "different", "train", "--data", self.data, "--out", self.data)
        self.bad(WRONG_USE, "different", *self.train("--log", self.data))
        self.bad(WRONG_USE, "different", *self.train("--log", self.model))
        self.bad(WRONG_USE, "different", *self.train("--log", self.model + ".state"))
        self.bad(WRONG_USE, "different", *self.train("--out", self.path("new"), "--log",
                                                     self.path("./new.state")))
        self.write("text.state", self.read(self.data))
        self.bad(WRONG_USE, "different", "train", "--data", self.path("text.state"), "--out",
                 self.path("text"))

    def test_devices(self):
        self.bad(FAILED, "nosuchdevice", *self.train("--device", "nosuchdevice"))
        self.bad(FAILED, "99", *self.train("--device", "99"))
        self.bad(FAILED, "nosuchdevice", "validate", "--device", "nosuchdevice")
        variables = {"MINRNN_DEVICE": "nosuchdevice"}
        self.bad(FAILED, "nosuchdevice", *self.train(), environment=variables)

    def test_no_opencl_at_all(self):
        os.mkdir(self.path("empty"))
        variables = {"OCL_ICD_VENDORS": self.path("empty"), "MINRNN_DEVICE": ""}
        self.bad(FAILED, "opencl", *self.train("--device", "opencl"), environment=variables)
        listed = self.good("devices", environment=variables)
        self.assertEqual(len(listed.splitlines()), 2, listed)
        self.assertIn("*     0  cpu", listed)
        self.assertIn("device   cpu", self.good(*self.train(steps=1), environment=variables))


class BadFiles(Workplace):
    def test_texts(self):
        self.trained()
        long_line = b"to be or not to be that is " * 2
        texts = [
            (self.path("missing.txt"), "missing.txt"),
            (self.write("empty.txt", b""), "empty"),
            (self.write("one.txt", b"t"), "too short"),
            (self.write("nul.txt", long_line + b"\0" + long_line), "byte 54 is a NUL"),
            (self.write("latin.txt", long_line + b"\xe9t\xe9"), "byte 54 (0xE9)"),
        ]
        again = [*TINY, "--out", self.model, "--overwrite"]
        for path, part in texts:
            with self.subTest(path):
                self.bad(FAILED, part, "train", "--data", path, *again)
                self.bad(FAILED, part, "eval", "--model", self.model, "--data", path)
        short = self.write("short.txt", long_line)
        self.bad(FAILED, "too short", "train", "--data", short, *again, "--time", 128)
        line = self.write("line.txt", b"to be\n")
        self.bad(FAILED, "too short", "train", "--data", line, *again)
        other = self.write("other.txt", "naïve".encode() * 9)
        self.bad(FAILED, "U+00EF", "eval", "--model", self.model, "--data", other)

    def damaged(self, content):
        """A file's content in ways that no reader may accept."""
        header = struct.unpack("<Q", content[:8])[0]

        def flipped(place, bit):
            return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]

        yield "empty", b""
        yield "seven bytes", content[:7]
        yield "half a header", content[: 8 + header // 2]
        yield "header alone", content[: 8 + header]
        yield "last byte missing", content[:-1]
        yield "a byte too many", content + b"\0"
        yield "oversized header", struct.pack("<Q", len(content) * 2) + content[8:]
        yield "huge header", struct.pack("<Q", 2**63 + 5) + content[8:]
        yield "no header", struct.pack("<Q", 0) + content[8:]
        yield "bit in the length", flipped(1, 2)
        yield "bit in the first brace", flipped(8, 3)
        yield "bit in the first number", flipped(8 + header, 7)
        yield "bit in the last number", flipped(len(content) - 1, 0)
        yield "a text", text_of().encode()

    def test_models(self):
        self.trained()
        content = self.read(self.model)
        broken = self.path("broken.safetensors")
        for name, damaged in self.damaged(content):
            with self.subTest(name):
                self.write("broken.safetensors", damaged)
                self.bad(FAILED, "", "generate", "--model", broken, "--length", 3)
                self.bad(FAILED, "", "eval", "--model", broken, "--data", self.data)
        self.bad(FAILED, "missing", "generate", "--model", self.path("missing"))

    def test_states(self):
        self.trained("--log", self.log)
        for name, damaged in self.damaged(self.read(self.state)):
            with self.subTest(name):
                self.write("model.safetensors.state", damaged)
                self.bad(FAILED, "", *self.train("--resume", "--log", self.log))
        os.remove(self.state)
        self.bad(FAILED, ".state", *self.train("--resume", "--log", self.log))
        self.write("model.safetensors.state", self.read(self.model))
        self.bad(FAILED, "", *self.train("--resume", "--log", self.log))

    def test_prompts(self):
        self.trained()
        self.bad(FAILED, "'X' (U+0058)", "generate", "--model", self.model, "--prompt", "toX")
        self.bad(FAILED, "U+0009", "generate", "--model", self.model, "--prompt", "to\tbe")
        self.bad(WRONG_USE, "prompt", "generate", "--model", self.model, "--prompt", "")
        done = run("generate", "--model", self.model, "--prompt", "toX")
        self.assertEqual(done.stdout, b"")

    def test_places_that_cannot_be_written(self):
        missing = self.path("no/such/folder/model.safetensors")
        for out in [missing, self.folder, "/proc/model.safetensors"]:
            with self.subTest(out):
                self.bad(FAILED, out, "train", "--data", self.data, *TINY, "--out", out)
                self.bad(FAILED, out, *self.train("--log", out))
        self.trained("--log", self.log)
        self.bad(FAILED, missing, *self.train("--resume", "--out", missing))
        self.bad(FAILED, missing, *self.train("--resume", "--log", missing))

    def test_a_failed_start_leaves_old_results(self):
        self.trained("--log", self.log)
        self.bad(FAILED, "nosuchdevice", *self.train("--log", self.log, "--device", "nosuchdevice"))
        empty = self.write("empty.txt", b"")
        self.bad(FAILED, "empty", *self.train("--log", self.log, "--data", empty))

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_full_disks(self):
        full = ["train", "--data", self.data, *TINY, "--steps", 2, "--out", "/dev/full"]
        self.bad(FAILED, "/dev/full", *full)
        self.assertFalse(os.path.exists("/dev/full.state"))
        self.bad(FAILED, "/dev/full", *self.train("--log", "/dev/full"))
        self.trained()
        for arguments in [
            ["generate", "--model", self.model, "--length", 30],
            ["eval", "--model", self.model, "--data", self.data],
            ["devices"],
            ["train", "--help"],
            ["--help"],
            ["--version"],
        ]:
            with self.subTest(arguments), open("/dev/full", "wb") as stdout:
                self.bad(FAILED, "standard output", *arguments, stdout=stdout)

    def test_a_log_of_something_else_is_left_alone(self):
        self.trained()
        other = self.write("other.csv", b"name,price\napple,3\n")
        self.bad(FAILED, "not a log", *self.train("--resume", "--log", other))

    def header(self, path):
        content = self.read(path)
        return json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])

    def test_numbers_that_are_not_finite(self):
        """The run ends with exit code 1 and one line; the last good save stays, to the byte."""
        # A warm-up to a rate that no parameter bears: the first step is good, and saved.
        rates = ["--rate", "3e38", "--clip", "0", "--warmup", "1000"]
        begun = self.train(*rates, "--save-every", "1", steps=9)
        files = [os.path.basename(path) for path in (self.model, self.state)]
        lost = r"minrnn: the loss of step 2 is .*--check-numbers.*the last save stands"
        op = r"minrnn: step 2, forward, layer 1 of 1, \w+ \(layers\.0\.[\w.]+\): \w+ wrote .*stands"
        self.assertRegex(self.bad(FAILED, "step 2", *begun, changes=files), lost)
        self.assertEqual(self.header(self.state)["__metadata__"]["minrnn.step"], "1")
        self.assertRegex(self.bad(FAILED, "step 2", *begun, "--check-numbers"), op)
        for arguments, said in [
            (["--save-every", "0"], lost),
            (["--save-every", "1"], lost),
            (["--save-every", "1", "--check-numbers"], op),
        ]:
            with self.subTest(arguments):
                resumed = self.train(*rates, "--resume", *arguments, steps=9)
                self.assertRegex(self.bad(FAILED, "step 2", *resumed), said)

    def test_a_model_that_is_not_finite(self):
        self.trained()
        content = self.read(self.model)
        length = struct.unpack("<Q", content[:8])[0]
        header = self.header(self.model)
        header["__metadata__"]["minrnn.checksum"] = "none"
        text = json.dumps(header).encode()
        begin, end = header["norm.weight"]["data_offsets"]
        data = content[8 + length :]
        data = data[:begin] + struct.pack("<f", math.nan) * ((end - begin) // 4) + data[end:]
        broken = self.write("nan.safetensors", struct.pack("<Q", len(text)) + text + data)
        self.bad(FAILED, "the logit of token 0 is", "generate", "--model", broken, "--length", 3)
        self.bad(FAILED, "the loss is", "eval", "--model", broken, "--data", self.data)


class Training(Workplace):
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
        self.assertLess(abs(float(rows[0]["loss"]) - math.log(len(set(text_of())))), 1)
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
        self.assertNotIn("\r", shown)

    def test_one_line_is_redrawn_on_a_terminal(self):
        reader, writer = pty.openpty()
        process = subprocess.Popen(
            [COMMAND, *map(str, self.train("--eval-every", "0", steps=1000000))],
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
                    [COMMAND, *map(str, arguments)],
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
            [COMMAND, *map(str, arguments)],
            stdout=subprocess.DEVNULL, env={**os.environ, "MINRNN_DEVICE": "cpu"},
        )  # fmt: skip
        while not os.path.exists(self.model):
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        time.sleep(0.2)
        process.kill()
        process.wait()
        self.good("generate", "--model", self.model, "--length", 3)
        self.good("train", "--data", self.data, "--out", self.model, "--resume", "--steps", 1)


class Results(Workplace):
    def test_eval_agrees_with_training(self):
        shown = self.trained()
        validation = shown.split("validation ")[-1].split()[0]
        measured = self.good(
            "eval", "--model", self.model, "--data", self.data, "--time", 16, "--batch", 4,
            "--split", "validation",
        )  # fmt: skip
        loss, bits = (float(measured.split("loss ")[1].split()[i]) for i in (0, 2))
        self.assertAlmostEqual(loss, float(validation), 3)
        self.assertAlmostEqual(bits, loss / math.log(2), 4)
        self.assertIn("199 characters of the validation split", measured)
        train = self.good("eval", "--model", self.model, "--data", self.data, "--split", "train")
        self.assertIn("1,799 characters of the train split", train)

    def test_generated_text(self):
        self.trained()
        known = set(text_of())
        options = ["generate", "--model", self.model, "--prompt", "to be", "--length", 40]
        first = self.good(*options)
        self.assertTrue(first.startswith("to be") and first.endswith("\n"))
        self.assertEqual(len(first), 5 + 40 + 1)
        self.assertTrue(set(first) <= known)
        self.assertEqual(self.good(*options), first)
        self.assertNotEqual(self.good(*options, "--seed", 2), first)
        likeliest = self.good(*options, "--temperature", 0)
        self.assertEqual(self.good(*options, "--temperature", 0, "--seed", 5), likeliest)
        self.assertEqual(self.good(*options, "--top-k", 1), likeliest)

    def test_devices(self):
        shown = self.good("devices").splitlines()
        self.assertIn("index", shown[0])
        self.assertRegex(shown[1], r"^[* ]     0  cpu +native ")
        self.assertEqual(sum(line.startswith("*") for line in shown), 1)

    def test_validate_gives_a_verdict(self):
        shown = self.good("validate", "--op", "embed_forward")
        self.assertRegex(shown, r"\nembed_forward +[1-9]\d* +\S+  pass")
        self.assertIn("verdict  pass: 1 of 1 ops pass", shown)
        self.assertRegex(shown, r"\nminrnn   \d+\.\d+\.\d+, seed 1, selection, 100 s at most\n")
        self.bad(FAILED, "no case", "validate", "--op", "copy", "--case", 1000)

    def test_validate_keeps_its_verdict(self):
        with tempfile.TemporaryDirectory() as cache:
            variables = {"MINRNN_CACHE": cache}
            self.assertRegex(self.good("devices", environment=variables), r"\n. +0  cpu .* no  ")
            self.good("validate", "--op", "copy", environment=variables)
            self.assertEqual(os.listdir(cache), [])
            self.good("validate", "--small", environment=variables)
            shown = self.good("devices", environment=variables)
            self.assertRegex(shown, r"\n. +0  cpu .* ok \d{4}-\d\d-\d\d, small  ")
            heading, row = shown.splitlines()[:2]
            self.assertEqual(row.find("x86") if "x86" in row else row.find("baseline"),
                             heading.find("driver"))
            # Time for the first cases of each op alone; then what says less, which changes nothing.
            cut = self.good("validate", "--seconds", "0.001", environment=variables)
            self.assertRegex(cut, r"verdict  pass: .* \d+ left out for want of time\n$")
            self.assertRegex(self.good("devices", environment=variables),
                             r" ok \d{4}-\d\d-\d\d, part  ")
            less = self.good("validate", "--small", environment=variables)
            self.assertRegex(less, r"\nkept     what is known stays.* ok \d{4}-\d\d-\d\d, part\n$")
            self.assertRegex(self.good("devices", environment=variables),
                             r" ok \d{4}-\d\d-\d\d, part  ")
            kept = os.path.join(cache, os.listdir(cache)[0])
            with open(kept, encoding="utf-8") as file:
                text = file.read()
            with open(kept, "w", encoding="utf-8") as file:
                file.write(text.replace("failures 0\nfailed ", "failures 1\nfailed gemm"))
            shown = self.good("devices", environment=variables)
            self.assertRegex(shown, r"\n. +0  cpu .* FAILED \d{4}-\d\d-\d\d, part  ")
            told = run("validate", "--op", "copy", environment=variables)
            self.assertEqual(told.returncode, 0)
            self.assertRegex(told.stderr.decode(), r"^minrnn: warning: .* 1 of \d+ ops .*: gemm\n$")

    def test_help(self):
        self.assertRegex(self.good("--version"), r"^minrnn \d+\.\d+\.\d+\n$")
        everything = self.good("--help")
        for command, options in {
            "devices": [],
            "train": ["data", "task", "preset", "mixer", "device", "steps", "seed", "out", "log",
                      "resume", "width", "layers", "scan", "candidate", "schedule-steps",
                      "check-numbers"],
            "eval": ["model", "data", "device", "split"],
            "generate": ["model", "prompt", "length", "temperature", "top-k", "seed", "device"],
            "validate": ["op", "seed", "thorough", "device"],
        }.items():  # fmt: skip
            self.assertIn(f"\n  {command} ", everything)
            shown = self.good(command, "--help")
            for option in options:
                self.assertIn(f"\n  --{option}", shown)
            self.assertNotIn("mingru (default)", shown)
        self.assertIn("(default mingru)", self.good("train", "--mixer", "minlstm", "--help"))


if __name__ == "__main__":
    COMMAND = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
