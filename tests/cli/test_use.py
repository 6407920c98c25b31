# SPDX-License-Identifier: Apache-2.0
"""The command line: wrong commands, options and values are refused, and --help says what there is.

usage: test_use.py COMMAND [unittest's arguments]
"""

import os

import common
from common import FAILED, WRONG_USE


class WrongUse(common.Workplace):
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
            (["tune", "--seconds", "-1", "--device", "cpu"], "--seconds"),
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
                done = common.run(*self.train(f"--{name}", value))
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
        self.bad(FAILED, "no constants to tune", "tune", "--device", "cpu")
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


class Help(common.Workplace):
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
            "tune": ["only", "seconds", "dry-run", "forget", "device"],
        }.items():  # fmt: skip
            self.assertIn(f"\n  {command} ", everything)
            shown = self.good(command, "--help")
            for option in options:
                self.assertIn(f"\n  --{option}", shown)
            self.assertNotIn("mingru (default)", shown)
        self.assertIn("(default mingru)", self.good("train", "--mixer", "minlstm", "--help"))


if __name__ == "__main__":
    common.main()
