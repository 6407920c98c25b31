#!/usr/bin/env python3
"""Keeps the table of who may include whom, by reading the #include lines of include, src and cl.

Prints file:line of every violation and exits with 1 where there is one."""

import pathlib
import re
import sys

# What each folder of src may include, itself and <minrnn/...> apart.
ALLOWED = {
    "base": set(),
    "op": {"base"},
    "cpu": {"op", "base"},
    "opencl": {"op", "base"},
    "mixer": {"op", "base"},
    "model": {"mixer", "op", "base"},
    "check": {"op", "mixer", "base"},
    "cli": set(),
}
# The one file that names the backends.
BACKENDS_IN = "src/model/devices.c"
OPENCL_HEADER = "include/minrnn/opencl.h"

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def violation(file, quote, target):
    """Says what is wrong with `file` including `target`; None where nothing is."""
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
    folder = parts[1]
    if "/" not in target:
        return 'write the folder: "%s/%s"' % (folder, target)
    if top == folder or top in ALLOWED[folder]:
        return None
    if file == BACKENDS_IN and top in ("cpu", "opencl"):
        return None
    return "%s may not include %s" % (folder, top)


def sources(root):
    for top in ("include", "src", "cl"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".c", ".h", ".def", ".cl", ".hpp", ".cpp"):
                yield path


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    found = seen = 0
    for path in sources(root):
        file = path.relative_to(root).as_posix()
        parts = file.split("/")
        if parts[0] == "src" and parts[1] not in ALLOWED:
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
    return 1 if found or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
