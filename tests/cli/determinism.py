# SPDX-License-Identifier: Apache-2.0
"""The same training run gives the same bytes: in every fresh process, stopped and resumed or not,
and on the native CPU with any number of threads.

usage: determinism.py COMMAND   the device is MINRNN_DEVICE's; exit code 77: there is no such device

Each run is a process of its own; what is compared is the model, the training state (parameters and
both moments) and the log's losses and gradient norms.
"""

import csv
import os
import random
import subprocess
import sys
import tempfile

STEPS, HALF = 4, 2
ON_CPU = os.environ.get("MINRNN_DEVICE", "cpu") == "cpu"
# On the native CPU, sizes at which work is cut into several pieces: 16384 elements of most ops are
# one. OpenCL drivers on CPUs take long for them, and cut work by other rules.
SIZES = ["--layers", "2", "--accumulation", "2", "--eval-batches", "1"]
SIZES += ["--width", "96", "--batch", "8", "--time", "48"] if ON_CPU else [
    "--width", "32", "--batch", "2", "--time", "24"]  # fmt: skip
SETTINGS = {
    "mingru": ["--dropout", "0.2"],
    "minlstm": ["--mixer", "minlstm", "--normalised", "--candidate", "g", "--scan", "log",
                "--learned-init", "--feed-forward", "geglu", "--dropout", "0.1"],
    "mamba": ["--mixer", "mamba", "--conv", "0", "--feed-forward", "none"],
}  # fmt: skip


def train(command, folder, settings, steps, *more, **environment):
    paths = {name: os.path.join(folder, name) for name in ("model", "log.csv", "data.txt")}
    done = subprocess.run(
        [command, "train", "--data", paths["data.txt"], "--out", paths["model"], "--log",
         paths["log.csv"], *SIZES, *settings, "--schedule-steps", "100", "--warmup", "2",
         "--steps", str(steps), *more],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    if done.returncode:
        if 'no device "' in done.stdout:
            print("skipped:", done.stdout)
            sys.exit(77)
        sys.exit(f"{more} {environment}: exit code {done.returncode}: {done.stdout}")
    results = {}
    for name in ("model", "model.state"):
        with open(os.path.join(folder, name), "rb") as file:
            results[name] = file.read()
    with open(paths["log.csv"], newline="") as file:
        rows = csv.DictReader(file)
        results["log"] = [[row["step"], row["loss"], row["gradient_norm"]] for row in rows]
    assert len(results["log"]) == steps, results["log"]
    return results


def main(command):
    letters = random.Random(1)
    data = "".join(letters.choice("abcdefghij klmnop\n") for _ in range(20000))
    failed = 0

    def run(settings, *parts, **environment):
        """The results of the last of several runs in one folder: (steps, options)."""
        with tempfile.TemporaryDirectory(prefix="minrnn-same-") as folder:
            with open(os.path.join(folder, "data.txt"), "w") as file:
                file.write(data)
            for steps, *more in parts:
                results = train(command, folder, settings, steps, *more, **environment)
        return results

    for name, settings in SETTINGS.items():
        first = run(settings, [STEPS])
        others = {
            "again": run(settings, [STEPS]),
            "resumed": run(settings, [HALF], [STEPS, "--resume"]),
        }
        if ON_CPU:
            # More threads than any machine here has cores, too.
            for threads in ("1", "2", "5", "67"):
                others[f"{threads} threads"] = run(settings, [STEPS], OMP_NUM_THREADS=threads)
        for how, results in others.items():
            different = [part for part in first if results[part] != first[part]]
            failed += bool(different)
            print(f"{name}, {how}: {' and '.join(different) + ' differ' if different else 'same'}")
        # What is compared must depend on what was computed.
        if run([*settings, "--seed", "2"], [STEPS])["model.state"] == first["model.state"]:
            sys.exit(f"{name}: another seed gives the same state")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
