# SPDX-License-Identifier: Apache-2.0
"""Kernels know their place along dimensions 1 and 2 by get_global_id alone: positions.py ROOT

A range of more work-groups than a device has goes out in parts (src/opencl/range.c). What a kernel
asks about groups and sizes is then its part's."""

import pathlib
import re
import sys

OF_A_PART = re.compile(r"\b(?:get_group_id\s*\(\s*(?!0\s*\))|get_(?:global_size|num_groups)\s*\(\s*(?!0\s*\))"
                       r"|get_global_offset\s*\()[^)]*\)")


def offenders(text):
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    return [found[0] for found in OF_A_PART.finditer(text)]


def main():
    files = sorted(pathlib.Path(sys.argv[1], "cl").rglob("*.cl"))
    found = [(file, call) for file in files for call in offenders(file.read_text(encoding="utf-8"))]
    for file, call in found:
        print("%s: %s is of a part of the range" % (file, call))
    # Would this notice one?
    probe = "x = get_group_id(0) + get_group_id( 1 ) + get_global_size(2) + get_global_id(1) + get_num_groups(d);"
    return bool(found) or len(files) < 10 or len(offenders(probe)) != 3


sys.exit(main())
