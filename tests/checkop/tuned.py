#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the ops with every value that `minrnn tune` may give a constant: tuned.py CHECKOP [NAME...]

The constants are those of src/opencl/tuning.def, or those NAMEd. Each is set by itself, on PoCL (which
OCL_ICD_VENDORS names) as a CPU or a GPU, whichever the constant is for, and the ops whose time it
decides run the small cases. CLBlast's way (2 of the ..._way constants) is checked by a test of its own.
Exits with 77 without PoCL."""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r'^TUNING\((\w+), (ANY|CPUS|GPUS), "([\w ]+)",\s*([^;]*?)\)$', re.MULTILINE | re.DOTALL)
RULES = {"ANY": ["cpu", "gpu,units=40"], "CPUS": ["cpu"], "GPUS": ["gpu,units=40"]}


def rows():
    """(name, rules, ops, values) of each constant; its standard is checked everywhere else."""
    for name, devices, ops, numbers in ROW.findall((ROOT / "src/opencl/tuning.def").read_text()):
        standard, *values = [eval(number, {}) for number in numbers.split(",")]  # 32 << 20
        others = [value for value in values if value != standard]
        yield name, RULES[devices], ops.split(), [] if name.endswith("_way") else others


def check(checkop, rules, op):
    done = subprocess.run([checkop, "--device", "opencl", "--small", "--rules", rules, "--op", op],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(f"{rules}, {op}: exit code {done.returncode}\n{done.stdout}")
    return done.returncode == 0


def main(checkop, *names):
    if not os.path.exists(os.environ["OCL_ICD_VENDORS"]):
        print(os.environ["OCL_ICD_VENDORS"], "is not installed")
        return 77
    constants = list(rows())
    unknown = set(names) - {name for name, *_ in constants}
    if unknown or len(constants) != (ROOT / "src/opencl/tuning.def").read_text().count("TUNING(") - 1:
        print("no constant", *unknown, "or a row of tuning.def that is not understood")
        return 1
    runs = [(f"{rule},{name}={value}", op) for name, rules, ops, values in constants
            if not names or name in names for rule in rules for value in values for op in ops]
    good = [check(checkop, *run) for run in runs]
    print(f"{len(good)} runs, {good.count(False)} failed")
    return 0 if all(good) and good else 1


sys.exit(main(*sys.argv[1:]))
