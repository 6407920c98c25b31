# SPDX-License-Identifier: Apache-2.0
"""The log's tokens per second agree with a clock over any ten steps, within 10 %.

usage: test_clock.py COMMAND   the device is MINRNN_DEVICE's; exit code 77: there is no such device

The log is a pipe, and the clock is this process's: when each line arrives. A line comes when its
step is done, or after the evaluation that belongs to it; that lines come one by one is checked too,
or the two would be wrong together.
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
TOKENS = 32 * 128
RUNS = {
    "saves": (["--steps", "36", "--save-every", "12", "--eval-every", "0"], {12, 24}, set()),
    "evaluations": (["--steps", "33", "--save-every", "0", "--eval-every", "11"], set(), {11, 22}),
}


def read_log(path, lines):
    with open(path, "rb", buffering=0) as pipe:
        for line in iter(pipe.readline, b""):
            lines.append((time.monotonic(), line.decode()))


def measure(command, folder, options):
    """(when the run began, [(arrival, tokens per second)] of its steps)"""
    log, lines = os.path.join(folder, "log"), []
    os.mkfifo(log)
    reader = threading.Thread(target=read_log, args=(log, lines), daemon=True)
    reader.start()
    begin = time.monotonic()
    done = subprocess.run(
        [command, "train", "--preset", "small", "--data", os.path.join(folder, "data.txt"),
         "--eval-batches", "1", "--out", os.path.join(folder, "model"), "--overwrite",
         "--log", log, *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        print(done.stdout)
        sys.exit(77 if 'no device "' in done.stdout else 1)
    reader.join()
    os.remove(log)
    return begin, [(when, float(line.split(",")[4])) for when, line in lines[1:]]


def check(name, begin, rows, saved, evaluated):
    """Compares every span that no pause interrupts. Step n is rows[n - 1]."""
    seconds = [TOKENS / rate for _, rate in rows]
    errors = {}
    for first in range(1, len(rows) - SPAN + 1):
        last = first + SPAN  # the steps after `first`, up to `last`
        # A save follows its line, an evaluation comes before it.
        if saved & set(range(first, last)) or evaluated & set(range(first + 1, last + 1)):
            continue
        measured = rows[last - 1][0] - rows[first - 1][0]
        errors[first + 1] = sum(seconds[first:last]) / measured - 1
    gaps = sorted(b[0] - a[0] for a, b in zip(rows, rows[1:]))
    one_by_one = gaps[0] / gaps[len(gaps) // 2]
    first = max(errors, key=lambda step: abs(errors[step]))
    print(f"{name}: {len(errors)} spans, {min(errors.values()):+.1%} to {max(errors.values()):+.1%},"
          f" the worst from step {first}; a step takes {sorted(seconds)[len(rows) // 2] * 1e3:.0f} ms,"
          f" the shortest gap of two lines is {one_by_one:.0%} of the median")
    # With what a device compiles, and no earlier than the run itself.
    whole = seconds[0] <= rows[0][0] - begin
    ends = len(rows) - SPAN + 1 in errors and {step - SPAN + 1 for step in saved} <= errors.keys()
    return (whole and ends and one_by_one >= LEAST
            and all(abs(error) <= TOLERANCE for error in errors.values()))


def main(command):
    failed = []
    with tempfile.TemporaryDirectory(prefix="minrnn-clock-") as folder:
        with open(os.path.join(folder, "data.txt"), "w", encoding="utf-8") as file:
            file.write(common.text_of(60000))
        for name, (options, saved, evaluated) in RUNS.items():
            begin, rows = measure(command, folder, options)
            assert len(rows) == int(options[1]), rows
            if not check(name, begin, rows, saved, evaluated):
                failed.append(name)
                print([f"{when - begin:.3f} {rate:.1f}" for when, rate in rows])
    sys.exit(f"failed: {failed}" if failed else 0)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
