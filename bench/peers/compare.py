#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""minrnn beside its peers, in one run.

  compare.py MINRNN [layer|step|generate] [--python PYTHON] [--peer NAME,...] [--device NAME,...]
             [--mixer NAME,...] [--width N,...] [--time N,...] [--batch N] [--repeat N] [--csv FILE]

MINRNN is the command; PYTHON has PyTorch or JAX (without it, the one that runs this). A layer is what `minrnn bench
layer` times; a step is one of training, and generate a token, of the preset shakespeare. Each peer runs with one thread
and with as many as there are cores, and the faster counts. Nothing else should run meanwhile. For each width and time
it prints the median in milliseconds: minrnn's, then the peers' with the threads that were faster, and how many times as
long as each of minrnn's rows that is. --csv FILE gets the same rows with versions and percentiles. A peer that is not
installed, or cannot run, is said on standard error and left out."""

import argparse
import csv
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys

PEERS = pathlib.Path(__file__).with_name("peers.py")
# Whatever says how a BLAS runs would hold for one side alone.
FOREIGN = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in FOREIGN}


# Sizes, classes and repeats. A token has no time.
SUBJECTS = {
    "layer": {"width": "64", "time": "512", "batch": "64", "classes": "16", "repeat": "9"},
    "step": {"width": "384", "time": "256", "batch": "64", "classes": "65", "repeat": "5"},
    "generate": {"width": "384", "time": "1", "batch": "1", "classes": "65", "repeat": "300"},
}


def words(text):
    return text.split(",")


def parse():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description=__doc__)
    parser.add_argument("minrnn")
    parser.add_argument("subject", nargs="?", choices=SUBJECTS, default="layer")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--peer", type=words)
    for name, value in [("device", "cpu"), ("mixer", "mingru"), ("width", None), ("time", None)]:
        parser.add_argument("--" + name, type=words, default=value and words(value))
    for name in "batch", "repeat", "csv":
        parser.add_argument("--" + name)
    given = parser.parse_args()
    standard = SUBJECTS[given.subject]
    given.classes = standard["classes"]
    given.width = given.width or [standard["width"]]
    given.time = given.time or [standard["time"]]
    given.batch = given.batch or standard["batch"]
    given.repeat = given.repeat or standard["repeat"]
    return given


def run_peer(given, peer, width, time, threads):
    """The peer's line; None if its library is not there, or if it cannot run this."""
    done = subprocess.run([given.python, PEERS, given.subject, peer, "--width", width, "--time", time,
                           "--batch", given.batch, "--classes", given.classes, "--repeat", given.repeat,
                           "--threads", str(threads)], env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode == 0:
        return json.loads(done.stdout.strip().splitlines()[-1])
    last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    print(f"{peer}, {threads} threads: {last}", file=sys.stderr)
    return None


def fastest(given, peer, width, time):
    rows = []
    for threads in sorted({1, os.cpu_count() or 1}):
        row = run_peer(given, peer, width, time, threads)
        if row is None:
            break
        rows.append(row)
    return min(rows, key=lambda row: row["median_ms"], default=None)


def run_minrnn(given, device, mixer, width, time):
    sizes = ["--width", width, "--batch", given.batch, "--repetitions", given.repeat]
    sizes += [] if given.subject == "generate" else ["--time", time]
    sizes += [] if given.subject == "layer" else ["--preset", "shakespeare"]
    done = subprocess.run([given.minrnn, "bench", given.subject, "--device", device, "--mixer", mixer, *sizes,
                           "--no-validate", "--format", "csv"], env=ENVIRONMENT,
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr.strip())
    row = next(csv.DictReader(io.StringIO(done.stdout)))
    return {"peer": f"minrnn {device} {mixer}", "version": row["version"], "blas": row["driver"],
            "threads": "all", "batch": given.batch, "time": time, "width": width,
            "classes": given.classes, "median_ms": float(row["median_ms"]),
            "p10_ms": float(row["p10_ms"]), "p90_ms": float(row["p90_ms"])}


def show(own, others):
    for row in own:
        print(f"  {row['peer']:28} {row['median_ms']:10.2f} ms")
    for row in sorted(others, key=lambda row: row["median_ms"]):
        times = ", ".join(f"{row['median_ms'] / mine['median_ms']:.2f}" for mine in own)
        print(f"  {row['peer']:28} {row['median_ms']:10.2f} ms  {times}  ({row['threads']} threads)",
              flush=True)


def main():
    given = parse()
    for program in given.minrnn, given.python:
        if not shutil.which(program):
            sys.exit(f"compare.py: cannot run {program}")
    listed = subprocess.run([sys.executable, PEERS, given.subject, "--list"], capture_output=True, text=True,
                            check=True).stdout.split()
    unknown = set(given.peer or []) - set(listed)
    if unknown:
        sys.exit(f"compare.py: no peer {', '.join(sorted(unknown))}; there are {', '.join(listed)}")
    rows = []
    for width in given.width:
        for time in given.time:
            print(f"batch {given.batch}, time {time}, width {width}", flush=True)
            own = [run_minrnn(given, device, mixer, width, time)
                   for device in given.device for mixer in given.mixer]
            found = [fastest(given, peer, width, time) for peer in given.peer or listed]
            others = [row for row in found if row]
            show(own, others)
            rows += own + others
    if given.csv:
        with open(given.csv, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
