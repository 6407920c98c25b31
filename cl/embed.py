#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a C file that holds kernel files as strings: embed.py FOLDER OUTPUT NAME..."""
import pathlib
import sys

ESCAPES = {"\\": "\\\\", '"': '\\"', "\t": "\\t"}


def literal(line: str) -> str:
    return '"' + "".join(ESCAPES.get(c, c) for c in line) + '\\n"'


def main() -> None:
    folder, output, *names = sys.argv[1:]
    parts = ['#include "opencl/source.h"\n\nconst struct cl_source cl_sources[] = {\n']
    for name in names:
        text = (pathlib.Path(folder) / name).read_text(encoding="ascii")
        lines = "\n".join("        " + literal(line) for line in text.splitlines())
        parts.append(f"    {{{literal(name)[:-3]}\",\n{lines}}},\n")
    parts.append("};\n\nconst int cl_source_count = %d;\n" % len(names))
    pathlib.Path(output).write_text("".join(parts), encoding="ascii")


main()
