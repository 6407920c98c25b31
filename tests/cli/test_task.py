# SPDX-License-Identifier: Apache-2.0
"""Tasks that draw their sequences, in every command that meets one; and what goes by evaluations: the
best model, and a run that ends when it is good enough.

usage: test_task.py COMMAND [unittest's arguments]
"""

import csv
import io
import json
import os
import re

import common
from common import WRONG_USE

# One item among six positions, which is learnt at once.
COPY = [
    "--task", "copy", "--length", "6", "--items", "1", "--symbols", "4", "--held-out", "40",
    "--conv", "0", "--feed-forward", "none", "--width", "16", "--layers", "2", "--batch", "32",
    "--rate", "1e-2", "--schedule", "constant", "--warmup", "0", "--eval-every", "10",
]  # fmt: skip


class Task(common.Workplace):
    def copy(self, *more, steps=20):
        return ["train", *COPY, "--out", self.model, "--log", self.log, "--steps", steps, *more]

    def rows(self):
        with open(self.log, newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            row.pop("tokens_per_second")
        return rows

    def eval(self, *more):
        shown = self.good("eval", "--model", self.model, "--format", "csv", *more)
        (row,) = csv.DictReader(io.StringIO(shown))
        return row

    def test_learns_and_says_so(self):
        shown = self.good(*self.copy(steps=200))
        self.assertIn("task     copy: sequences of 7 positions, 1 of them with a target; 40 to "
                      "validate\n", shown)  # fmt: skip
        self.assertRegex(shown, r"validation \d+\.\d\d % right")
        self.assertRegex(shown, r"\nloss     \S+ at step 200, validation 100.00 % right \(best 100.00 %")
        evaluated = [row for row in self.rows() if row["validation_accuracy"]]
        self.assertEqual([int(row["step"]) for row in evaluated], list(range(10, 201, 10)))
        self.assertEqual(evaluated[-1]["validation_accuracy"], "1")
        shown = self.good("eval", "--model", self.model, "--split", "test")
        self.assertIn("right    100.00 %\n", shown)
        self.assertIn("over     40 targets of the test split in windows of 7\n", shown)

    def test_eval_has_a_format(self):
        self.good(*self.copy())
        row = self.eval("--split", "validation")
        self.assertEqual((row["device"], row["task"], row["split"], row["targets"]),
                         ("cpu", "copy", "validation", "40"))  # fmt: skip
        self.assertEqual(float(row["accuracy"]), float(self.rows()[-1]["validation_accuracy"]))
        self.assertAlmostEqual(float(row["loss"]), float(self.rows()[-1]["validation_loss"]), 5)
        self.assertEqual(self.eval()["targets"], "80")
        self.assertEqual(self.eval("--batch", "7")["accuracy"], self.eval()["accuracy"])
        shown = self.good("eval", "--model", self.model, "--format", "json")
        self.assertEqual(json.loads(shown)[0]["targets"], 80)

    def test_of_text_too(self):
        self.trained("--log", self.log, "--eval-every", "2")
        row = self.eval("--data", self.data, "--split", "validation")
        self.assertEqual((row["task"], row["targets"]), ("text", "199"))
        self.assertAlmostEqual(float(row["accuracy"]), float(self.rows()[-1]["validation_accuracy"]), 1)

    def best_of(self, rows, column, better):
        values = [(float(row[column]), int(row["step"])) for row in rows if row[column]]
        return better(values, key=lambda value: (value[0], -value[1] if better is max else value[1]))

    def test_keeps_the_best(self):
        """The model is the one that the best evaluation saw; the state is that of the last step."""
        for seed in range(1, 20):  # a rate that is too high: some run ends worse than it was
            options = ["--keep", "best", "--rate", "2", "--clip", "0", "--seed", seed]
            self.good(*self.copy(*options, "--overwrite", steps=60))
            accuracy, step = self.best_of(self.rows(), "validation_accuracy", max)
            if accuracy != float(self.rows()[-1]["validation_accuracy"]):
                break
        self.assertLess(step, 60)
        self.assertEqual(float(self.eval("--split", "validation")["accuracy"]), accuracy)
        model = self.read(self.model)
        for path in (self.model, self.state, self.log):
            os.remove(path)
        self.good(*self.copy(*options, steps=step))
        self.assertEqual(self.read(self.model), model)

    def test_keeps_the_best_of_text(self):
        self.trained("--log", self.log, "--keep", "best", "--rate", "1", "--clip", "0",
                     "--eval-every", "1", steps=6)  # fmt: skip
        loss, step = self.best_of(self.rows(), "validation_loss", min)
        self.assertLess(step, 6, "the last one is the best: the test shows nothing")
        shown = self.eval("--data", self.data, "--split", "validation", "--time", "16")
        self.assertAlmostEqual(float(shown["loss"]), loss, 4)

    def test_without_an_evaluation_the_last_is_kept(self):
        self.good(*self.copy("--keep", "best", "--eval-every", "0", "--save-every", "5", steps=10))
        self.assertIn("accuracy", self.eval())

    def test_resumed_is_the_same_as_not_stopped(self):
        """The best so far, and how long enough has held, are in the state."""
        options = ["--keep", "best", "--stop-accuracy", "0.9"]
        self.good(*self.copy(*options, steps=400))
        model, state, rows = self.read(self.model), self.read(self.state), self.rows()
        end = int(rows[-1]["step"])
        accuracies = [float(row["validation_accuracy"]) for row in rows if row["validation_accuracy"]]
        self.assertLess(end, 400)
        self.assertTrue(min(accuracies[-2:]) >= 0.9)
        self.assertFalse(any(min(pair) >= 0.9 for pair in zip(accuracies[:-2], accuracies[1:-1])))
        for stop in (end - 20, end - 10, end):
            for path in (self.model, self.state, self.log):
                os.remove(path)
            self.good(*self.copy(*options, steps=stop))
            shown = self.good(*self.copy(*options, "--resume", steps=400))
            self.assertIn("reached  90 % right", shown)
            self.assertEqual(self.rows(), rows)
            self.assertEqual(self.read(self.model), model)
            self.assertEqual(self.read(self.state), state)

    def test_resume_keeps_the_task(self):
        self.good(*self.copy(steps=2))
        resume = ["train", "--out", self.model, "--resume", "--steps"]
        self.assertIn("resumed  at step 2", self.good(*resume, 3))
        self.bad(WRONG_USE, "--items is 1", *resume, 4, "--task", "copy", "--items", 2)
        self.bad(WRONG_USE, "--task is copy", *resume, 4, "--task", "text")
        self.bad(WRONG_USE, "--data and --validation are for text", *resume, 4, "--data", self.data)
        self.bad(WRONG_USE, "--sample-every prints text", *resume, 5, "--sample-every", 1)
        self.trained()
        self.bad(WRONG_USE, "needs --data", *resume, 5)

    def test_a_log_without_accuracy_goes_on_as_it_began(self):
        self.trained("--log", self.log, "--eval-every", "2")
        with open(self.log) as file:
            lines = [line.rsplit(",", 1)[0] for line in file.read().splitlines()]
        with open(self.log, "w") as file:
            file.write("\n".join(lines) + "\n")
        self.good(*self.train("--resume", "--log", self.log, "--eval-every", "2", steps=6))
        with open(self.log) as file:
            header, *rows = file.read().splitlines()
        self.assertTrue(header.endswith(",validation_loss"))
        self.assertEqual([row.count(",") for row in rows], [header.count(",")] * 6)
        self.assertTrue(rows[-1].split(",")[-1])

    def test_samples(self):
        shown = self.trained("--sample-every", "2", steps=5)
        found = re.findall(r"sample   at step (\d+):\n(.+?)\n(?=step|sample|trained)", shown, re.DOTALL)
        self.assertEqual([step for step, _ in found], ["2", "4"])
        self.assertTrue(all(len(text) >= 200 and set(text) <= set(common.text_of())
                            for _, text in found), found)  # fmt: skip
        before = self.read(self.model)
        self.trained(steps=5)
        self.assertEqual(self.read(self.model), before)  # nothing else changes

    def test_presets(self):
        shown = self.good("train", "--preset", "copy-small", "--steps", 1, "--batch", 2,
                          "--held-out", 4, "--out", self.model)  # fmt: skip
        self.assertIn("task     copy: ", shown)
        for mixer in ["minlstm", "gru", "lstm"]:
            shown = self.good("train", "--preset", "copy-small", "--mixer", mixer, "--steps", 1,
                              "--batch", 2, "--held-out", 4, "--out", self.model, "--overwrite")  # fmt: skip
            self.assertIn(f"model    {mixer}, 3 layers", shown)

    def test_wrong_use(self):
        self.bad(WRONG_USE, "--data and --validation are for text", *self.copy("--data", self.data))
        self.bad(WRONG_USE, "sequences of copy have 7 positions", *self.copy("--time", "9"))
        self.bad(WRONG_USE, "7 items do not fit", *self.copy("--items", "7"))
        self.bad(WRONG_USE, "--symbols", *self.copy("--symbols", "2"))
        self.bad(WRONG_USE, "--sample-every prints text", *self.copy("--sample-every", "1"))
        self.bad(WRONG_USE, "--length", "train", "--data", self.data, "--out", self.model, "--length", "9")
        self.bad(WRONG_USE, "--task", "train", "--task", "juggle", "--out", self.model)
        self.bad(WRONG_USE, "a share, 0 to 1, not 95", *self.copy("--stop-accuracy", "95"))
        self.good(*self.copy(steps=1))
        self.bad(WRONG_USE, "--data is for text", "eval", "--model", self.model, "--data", self.data)
        self.bad(common.FAILED, "has no end", "eval", "--model", self.model, "--split", "train")
        self.bad(common.FAILED, "vocabulary", "generate", "--model", self.model)
        self.trained()
        self.bad(WRONG_USE, "a model of text needs --data", "eval", "--model", self.model)
        self.bad(common.FAILED, "no test split", "eval", "--model", self.model, "--data", self.data,
                 "--split", "test")  # fmt: skip


if __name__ == "__main__":
    common.main()
