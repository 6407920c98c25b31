#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps the table of who may include whom, by reading the #include lines of include, src and cl.

Prints file:line of every violation and exits with 1 if there is one. `includes.py --table` prints the
table as it must stand in CONTRIBUTING.md."""

import pathlib
import re
import sys

# The folders of src from the ground up: what each holds, and which others it may include beside
# itself and <minrnn/...>.
FOLDERS = {
    "base": ("status and error text, allocation, sizes, random numbers, checksums, files, what a file "
             "is if it is not what it should be", []),
    "op": ("the op table: what a backend must compute; devices, tensors, arenas; `op_list.def`, the "
           "one list of ops", ["base"]),
    "cpu": ("the op table in plain C, OpenMP and CBLAS", ["op", "base"]),
    "opencl": ("the op table on OpenCL and CLBlast: devices, program cache, launches; the only "
               "folder that sees `CL/`", ["op", "base"]),
    "layer": ("what a network is made of: `layer.h`, the interface; settings, parameters, dense, norm; "
              "convolution, feed-forward, input, output", ["op", "base"]),
    "mixer": ("one file a sequence mixer, the list of them, and what they share; `standalone.c` is "
              "the mixer in the caller's own model", ["layer", "op", "base"]),
    "network": ("layers stacked: layout, passes, model, batches, loss", ["mixer", "layer", "op", "base"]),
    "train": ("trainer: steps in flight, schedule, records, where a number went wrong",
              ["network", "layer", "op", "base"]),
    "infer": ("sessions, sampling, evaluation", ["network", "layer", "op", "base"]),
    "task": ("what is learnt: `task_list.def`, the one list of tasks; text (files to tokens, "
             "vocabulary, generation), tasks whose sequences are drawn, presets",
             ["infer", "train", "network", "mixer", "layer", "op", "base"]),
    "store": ("model and state files: safetensors, names, settings",
              ["train", "network", "layer", "op", "base"]),
    "check": ("what is known of each op, one file a family: oracle in double precision, error bounds, "
              "cases; the harness behind `minrnn validate` and `tests/checkop`", ["op", "base"]),
    "bench": ("how long ops, layers, steps and tokens take; the profile of ops", ["check", "op", "base"]),
    "cli": ("the command `minrnn`", []),
}
# The one file that names the backends, and lies beside them.
BACKENDS_IN = "src/devices.c"
BACKENDS_MAY = ["cpu", "opencl", "op", "base"]
OPENCL_HEADER = "include/minrnn/opencl.h"

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def violation(file, quote, target):
    """Says what is wrong with `file` including `target`; None if nothing is."""
    parts = file.split("/")
    top = target.split("/")[0]
    if parts[0] == "cl":
        return "kernels include nothing"
    if top in ("CL", "OpenCL") or target == "minrnn/opencl.h" or top.startswith("clblast"):
        if file == OPENCL_HEADER or parts[:2] == ["src", "opencl"]:
            return None
        if file == BACKENDS_IN and target == "minrnn/opencl.h":
            return None
        return "OpenCL is for src/opencl and opencl.h alone"
    if top == "minrnn":
        return None if quote == "<" else "public headers are included as <minrnn/...>"
    if quote == "<":
        return None
    if parts[0] == "include":
        return "public headers include standard and public headers alone"
    folder = file if file == BACKENDS_IN else parts[1]
    if "/" not in target:
        return 'write the folder: "%s/%s"' % (folder, target)
    allowed = BACKENDS_MAY if file == BACKENDS_IN else [folder, *FOLDERS[folder][1]]
    return None if top in allowed else "%s may not include %s" % (folder, top)


def table():
    """The same for people, in CONTRIBUTING.md."""
    rows = ["| folder | what it holds | may include |", "|---|---|---|",
            "| `include/minrnn/` | public headers; each compiles alone, in C17 and C++17; `minrnn.h` "
            "includes all but `opencl.h` | standard headers (`opencl.h`: `CL/cl.h`) |"]
    for folder, (holds, others) in FOLDERS.items():
        rows.append("| `src/%s/` | %s | %s |" % (folder, holds, ", ".join([*others, "include"])))
    rows += ["| `%s` | the one file that names the backends | %s |" % (BACKENDS_IN,
             ", ".join([*BACKENDS_MAY, "include"])),
             "| `cl/` | kernels; `cl/scan/` holds the scan's parts | nothing: sources are "
             "concatenated |",
             "| `tests/`, `bench/` | see below | anything / include |"]
    return "\n".join(rows) + "\n"


def sources(root):
    for top in ("include", "src", "cl"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".c", ".h", ".def", ".cl", ".hpp", ".cpp"):
                yield path


def main():
    if sys.argv[1] == "--table":
        print(table(), end="")
        return 0
    root = pathlib.Path(sys.argv[1]).resolve()
    found = seen = 0
    for path in sources(root):
        file = path.relative_to(root).as_posix()
        parts = file.split("/")
        if parts[0] == "src" and parts[1] not in FOLDERS and file != BACKENDS_IN:
            print("%s:1: folder %s is not in the table" % (file, parts[1]))
            found += 1
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            seen += 1
            wrong = violation(file, *match.groups())
            if wrong:
                print("%s:%d: %s (%s)" % (file, number, wrong, match.group(2)))
                found += 1
    if seen == 0:
        print("no #include line found below %s" % root)
    if table() not in (root / "CONTRIBUTING.md").read_text():
        print("CONTRIBUTING.md:1: its table of folders is not this one (includes.py --table):\n")
        print(table())
        found += 1
    return 1 if found or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
