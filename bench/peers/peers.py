#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What other libraries take for what `minrnn bench` times.

  peers.py layer|step|generate --list
  peers.py layer|step|generate PEER [--width N] [--time N] [--batch N] [--classes N] [--threads N] [--repeat N]
           [--seconds S]

layer is a recurrent layer, a head and the loss, forward and backward (layer.py); step a step of training of the preset
shakespeare's model, and generate a token of it (language.py). Prints one line of JSON: the peer, the library's version,
its BLAS, the threads, and the median, 10th and 90th percentile of the repeats in milliseconds. Compiling comes before
the clock. Exits with 77 if the library is not there."""

import argparse
import json
import sys
import time

import language
import layer
from cells import library

PEERS = {"layer": layer.PEERS, "step": language.STEPS, "generate": language.TOKENS}


def parse():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description=__doc__)
    parser.add_argument("subject", choices=PEERS)
    parser.add_argument("peer", nargs="?")
    parser.add_argument("--list", action="store_true")
    for name, value in [("width", 64), ("time", 512), ("batch", 64), ("classes", 16),
                        ("threads", 1), ("repeat", 9)]:
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--seconds", type=float, default=60, help="no repeat begins later")
    given = parser.parse_args()
    if not given.list and given.peer not in PEERS[given.subject]:
        parser.error(f"which peer? There are {', '.join(sorted(PEERS[given.subject]))}")
    return given


def blas_of(peer):
    if not peer.startswith("torch"):
        return "Eigen"
    for line in library("torch").__config__.show().splitlines():
        if "BLAS_INFO=" in line:
            return line.split("BLAS_INFO=")[1].split(",")[0]
    return "unknown"


def measure(step, given):
    """Two steps to warm up, the first of which compiles."""
    losses = [step(), step()]
    times = []
    begin = time.perf_counter()
    while len(times) < given.repeat and (not times or time.perf_counter() - begin < given.seconds):
        start = time.perf_counter()
        losses.append(step())
        times.append((time.perf_counter() - start) * 1e3)
    if any(loss != loss for loss in losses):
        sys.exit(f"{given.peer}: the loss is not a number")
    times.sort()
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    return {"median_ms": at(0.5), "p10_ms": at(0.1), "p90_ms": at(0.9), "repeats": len(times)}


def main():
    given = parse()
    if given.list:
        print("\n".join(sorted(PEERS[given.subject])))
        return
    step, module = PEERS[given.subject][given.peer](given)
    row = {"peer": given.peer, "version": module.__version__, "blas": blas_of(given.peer),
           "threads": given.threads, "batch": given.batch, "time": given.time,
           "width": given.width, "classes": given.classes, **measure(step, given)}
    print(json.dumps(row))


if __name__ == "__main__":
    main()
