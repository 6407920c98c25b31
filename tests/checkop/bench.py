#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""checkop --bench times what it found right: bench.py CHECKOP [OP...], all ops if none is named.

Each op's row is followed by one row for each size, with a time and a rate that numbers can have and
that grow out of each other: bytes or operations in time."""

import re
import subprocess
import sys

OP = re.compile(r"^(\w+) +\d+ +\S+ +\S+ +(ok|FAILED) ")
TIME = re.compile(r"^ +(\d+\.\d+) ms +(\d+\.\d) (GB|GFLOP)/s  (\S.*)$")
UNITS = {"gemm": "GFLOP", "fill": "GB"}
MOST = {"GB": 10000.0, "GFLOP": 1000000.0}  # beyond any CPU's memory and arithmetic


def timed(text):
    """{op: [(ms, rate, unit, shape)]}"""
    ops, op = {}, None
    for line in text.splitlines():
        row, time = OP.match(line), TIME.match(line)
        if row:
            op = row.group(1)
            ops[op] = []
        elif time and op:
            ops[op].append((float(time.group(1)), float(time.group(2)), time.group(3), time.group(4)))
    return ops


def main():
    checkop, wanted = sys.argv[1], sys.argv[2:]
    for op in wanted or [None]:
        command = [checkop, "--device", "cpu", "--small", "--bench"] + (["--op", op] if op else [])
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        sys.stdout.write(result.stdout)
        if result.returncode != 0:
            sys.exit("%s: exit status %d\n%s" % (" ".join(command), result.returncode, result.stderr))
        ops = timed(result.stdout)
        if op and list(ops) != [op] or len(ops) < 1:
            sys.exit("asked for %s, timed %s" % (op or "all", list(ops)))
        for name, rows in ops.items():
            if not rows or len({row[3] for row in rows}) != len(rows):
                sys.exit("%s: not timed, or a shape twice: %s" % (name, rows))
            for ms, rate, unit, shape in rows:
                if not (0 < ms < 60000 and 0 < rate < MOST[unit]):
                    sys.exit("%s: %s: %g ms, %g %s/s" % (name, shape, ms, rate, unit))
                if UNITS.get(name, unit) != unit:
                    sys.exit("%s is counted in %s" % (name, unit))
    unknown = subprocess.run([checkop, "--device", "cpu", "--bench", "--op", "no_such_op"],
                             capture_output=True, text=True, check=False)
    if unknown.returncode == 0:
        sys.exit("an op that there is not is timed")


main()
