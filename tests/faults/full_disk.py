# SPDX-License-Identifier: Apache-2.0
"""A disk that is full after every so many bytes of a file (RLIMIT_FSIZE), while a run goes on from a
saved state: it ends with one line that says so, and nothing it found is lost. Resumed with room, it
comes to the same model, state and log as a run that always had it.

full_disk.py MINRNN
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

OPTIONS = ["--device", "cpu", "--width", "8", "--layers", "1", "--batch", "2", "--time", "8",
           "--schedule-steps", "6", "--save-every", "2", "--eval-every", "0", "--eval-batches", "1"]
# libomp announces itself in shared memory, which the limit holds for, and ends the process.
RUNTIME_FAILS = "OMP: System error"


def run(program, folder, steps, limit=None):
    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    command = [program, "train", "--data", os.path.join(folder, "..", "text"), "--steps",
               str(steps), "--out", os.path.join(folder, "model"), "--log",
               os.path.join(folder, "log")] + OPTIONS
    if os.path.exists(os.path.join(folder, "model.state")):
        command.append("--resume")
    # stderr is a pipe, which no limit holds for.
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          preexec_fn=limited if limit is not None else None)


def must(result):
    if result.returncode != 0:
        sys.exit("exit code %d: %s" % (result.returncode, result.stderr))


def content(folder):
    """Model and state as they are, the log without its speeds."""
    result = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            result[name] = file.read()
    lines = [line.split(b",") for line in result["log"].split(b"\n")]
    result["log"] = [line[:4] + line[5:] for line in lines]
    return result


def check(program, old, folder, limit, expected):
    """Whether the limit was met."""
    shutil.copytree(old, folder)
    result = run(program, folder, 6, limit)
    if RUNTIME_FAILS in result.stderr:
        print("skipped: the OpenMP runtime of this build (libomp) itself needs to write a file")
        sys.exit(77)
    if result.returncode not in (0, 1):
        sys.exit("limit %d: exit code %d: %s" % (limit, result.returncode, result.stderr))
    if result.returncode == 1:
        # Progress goes before it, a line a report.
        last = result.stderr.rstrip("\n").split("\n")[-1]
        if "File too large" not in last or folder not in last:
            sys.exit("limit %d: %s" % (limit, result.stderr))
        strays = set(os.listdir(folder)) - {"model", "model.state", "log"}
        if strays:
            sys.exit("limit %d: left %s" % (limit, strays))
        must(run(program, folder, 6))
    found = content(folder)
    if found != expected:
        sys.exit("limit %d: other %s" % (limit, [n for n in found if found[n] != expected.get(n)]))
    return result.returncode == 1


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, "text"), "w", encoding="utf-8") as file:
            file.write("The quick brown fox jumps over the lazy dog. " * 20)
        old = os.path.join(root, "old")
        os.mkdir(old)
        must(run(program, old, 2))
        whole = os.path.join(root, "whole")
        shutil.copytree(old, whole)
        must(run(program, whole, 6))
        expected = content(whole)
        sizes = {name: os.path.getsize(os.path.join(whole, name)) for name in os.listdir(whole)}
        # Every few bytes of the log, and what matters of the larger files.
        limits = set(range(0, sizes["log"] + 16, 16))
        for name in ("model", "model.state"):
            limits |= {sizes[name] * i // 8 for i in range(8)} | {sizes[name] - 1, sizes[name]}
        met = sum(check(program, old, os.path.join(root, "limit%d" % limit), limit, expected)
                  for limit in sorted(limits))
        print("%d limits, of which %d were met" % (len(limits), met))
        if met < len(limits) // 2:
            sys.exit("too few")


if __name__ == "__main__":
    main()
