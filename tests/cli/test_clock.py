# SPDX-License-Identifier: Apache-2.0
"""The log's tokens per second agree with a clock over any ten steps, within 10 %.

usage: test_clock.py COMMAND   the device is MINRNN_DEVICE's; exit code 77: there is no such device

The last rows of a run are among them, and steps that end together share their time. The log is a
pipe, and the clock is this process's: when each line arrives. A line comes when its step is done, or
after the evaluation that belongs to it; that lines come one by one is checked too, or the two would
be wrong together.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time

import common

SPAN, TOLERANCE = 10, 0.1
LEAST = 0.2  # of the median: no step is as fast as lines that come at once
STEPS, BATCH, TIME = 40, 8, 64


class Run:
    """Options, and after which steps the run saves and evaluates. At the end it does both: then one
    batch is not long beside ten steps."""

    def __init__(self, options, saved=(), evaluated=(), steps=STEPS, batch=BATCH):
        self.options = ["--steps", str(steps), "--batch", str(batch), "--time", str(TIME), *options]
        self.tokens = batch * TIME
        self.saved, self.evaluated = set(saved), set(evaluated)


RUNS = {
    "saves": Run(["--save-every", "14", "--eval-every", "0", "--eval-batches", "1"], saved=[14, 28]),
    "evaluations": Run(["--save-every", "0", "--eval-every", "13", "--eval-batches", "20"],
                       evaluated=[13, 26, 39, STEPS]),
}  # fmt: skip
# Steps so short that a device may do two before anyone looks: few may seem to take nothing, above all
# of those that a pause or the run's end waits for.
ENDS = range(20, 401, 20)
SHORT = Run(["--save-every", "0", "--eval-every", "20", "--eval-batches", "1", "--layers", "1",
             "--width", "16"], steps=400, batch=1)  # fmt: skip
SHORTEST = 0.05  # of the median
FEW, FEW_ENDS = 0.05, 0.25  # of all steps, of the last before each pause


def read_log(path, lines):
    with open(path, "rb", buffering=0) as pipe:
        for line in iter(pipe.readline, b""):
            lines.append((time.monotonic(), line.decode()))


def measure(command, folder, run):
    """(when the run began, [(arrival, seconds that the log has)] of its steps)"""
    log, lines = os.path.join(folder, "log"), []
    os.mkfifo(log)
    reader = threading.Thread(target=read_log, args=(log, lines), daemon=True)
    reader.start()
    begin = time.monotonic()
    done = subprocess.run(
        [command, "train", "--preset", "small", "--data", os.path.join(folder, "data.txt"),
         "--out", os.path.join(folder, "model"), "--overwrite", "--log", log, *run.options],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        print(done.stdout)
        sys.exit(77 if 'no device "' in done.stdout else 1)
    reader.join()
    os.remove(log)
    rates = [(when, float(line.split(",")[4])) for when, line in lines[1:]]
    return begin, [(when, run.tokens / rate if rate > 0 else 0.0) for when, rate in rates]


def spans(rows, run):
    """(step, what the log says over what was measured) of every span of steps, from that step on,
    that no pause interrupts. Step n is rows[n - 1]."""
    for first in range(1, len(rows) - SPAN + 1):
        last = first + SPAN  # the steps after `first`, up to `last`
        # A save follows its line, an evaluation comes before it.
        if run.saved & set(range(first, last)) or run.evaluated & set(range(first + 1, last + 1)):
            continue
        measured = rows[last - 1][0] - rows[first - 1][0]
        yield first + 1, sum(seconds for _, seconds in rows[first:last]) / measured - 1


def check(name, begin, rows, run):
    errors = dict(spans(rows, run))
    seconds = [taken for _, taken in rows]
    gaps = sorted(b[0] - a[0] for a, b in zip(rows, rows[1:]))
    one_by_one = gaps[0] / gaps[len(gaps) // 2]
    worst = max(errors, key=lambda step: abs(errors[step]))
    print(f"{name}: {len(errors)} spans, {min(errors.values()):+.1%} to {max(errors.values()):+.1%},"
          f" the worst from step {worst}; a step takes {sorted(seconds)[STEPS // 2] * 1e3:.0f} ms,"
          f" the shortest gap of two lines is {one_by_one:.0%} of the median")
    # With what a device compiles, and no earlier than the run itself.
    whole = seconds[0] <= rows[0][0] - begin
    ends = {step - SPAN + 1 for step in run.saved} <= errors.keys()
    ends = ends and (run.evaluated or STEPS - SPAN + 1 in errors)
    return (whole and ends and one_by_one >= LEAST
            and all(abs(error) <= TOLERANCE for error in errors.values()))


def check_short(begin, rows):
    """Lines may come in heaps here, but each has a time, and together they are no longer than the run."""
    seconds = [taken for _, taken in rows]
    least = SHORTEST * sorted(seconds)[len(rows) // 2]
    short = sum(taken < least for taken in seconds)
    ends = sum(seconds[step - 1] < least for step in ENDS)
    share = sum(seconds) / (rows[-1][0] - begin)
    print(f"short steps: {short} of {len(rows)} took next to nothing, and {ends} of the {len(ENDS)} "
          f"last; all together {share:.0%} of the run")
    return short <= FEW * len(rows) and ends <= FEW_ENDS * len(ENDS) and share <= 1


def main(command):
    failed = []
    with tempfile.TemporaryDirectory(prefix="minrnn-clock-") as folder:
        with open(os.path.join(folder, "data.txt"), "w", encoding="utf-8") as file:
            file.write(common.text_of(60000))
        for name, run in RUNS.items():
            begin, rows = measure(command, folder, run)
            assert len(rows) == STEPS, rows
            if not check(name, begin, rows, run):
                failed.append(name)
                print([f"{when - begin:.3f} {seconds:.4f}" for when, seconds in rows])
        if not check_short(*measure(command, folder, SHORT)):
            failed.append("short steps")
    sys.exit(f"failed: {failed}" if failed else 0)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
