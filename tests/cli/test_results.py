# SPDX-License-Identifier: Apache-2.0
"""What minrnn eval, generate, devices and validate print.

usage: test_results.py COMMAND [unittest's arguments]
"""

import math
import os
import tempfile

import common
from common import FAILED


class Results(common.Workplace):
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
        known = set(common.text_of())
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
        self.assertRegex(shown, r"\nlongest  \d+\.\d{3} ms: embed_forward #[1-9]\d* ")
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
            self.assertRegex(cut, r"verdict  pass: .* \d+ skipped: no time left\n$")
            self.assertRegex(self.good("devices", environment=variables),
                             r" ok \d{4}-\d\d-\d\d, part  ")
            less = self.good("validate", "--small", environment=variables)
            self.assertRegex(less, r"\nkept     the earlier verdict.* ok \d{4}-\d\d-\d\d, part\n$")
            self.assertRegex(self.good("devices", environment=variables),
                             r" ok \d{4}-\d\d-\d\d, part  ")
            kept = os.path.join(cache, os.listdir(cache)[0])
            with open(kept, encoding="utf-8") as file:
                text = file.read()
            with open(kept, "w", encoding="utf-8") as file:
                file.write(text.replace("failures 0\nfailed ", "failures 1\nfailed gemm"))
            shown = self.good("devices", environment=variables)
            self.assertRegex(shown, r"\n. +0  cpu .* FAILED \d{4}-\d\d-\d\d, part  ")
            told = common.run("validate", "--op", "copy", environment=variables)
            self.assertEqual(told.returncode, 0)
            self.assertRegex(told.stderr.decode(), r"^minrnn: warning: .* 1 of \d+ ops .*: gemm\n$")


if __name__ == "__main__":
    common.main()
