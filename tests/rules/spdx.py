#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every source names its licence in its first line (its second, after #!), and every C file then says
what it is.

    spdx.py SOURCE_ROOT

Prints file:line of every source that does not, and exits with 1 if there is one."""

import pathlib
import sys

LICENCE = "SPDX-License-Identifier: Apache-2.0"
FOLDERS = ("bench", "cl", "docs", "include", "src", "tests")
SUFFIXES = {".c", ".cl", ".cpp", ".def", ".h", ".hpp", ".py", ".sh"}
NAMES = {"Doxyfile", "meson.build", "meson.options", "meson_options.txt"}
# Inputs of tests, not sources.
DATA = ("tests/fuzz/corpus", "tests/fuzz/regressions", "tests/golden/data", "tests/unit/store/data")


def sources(root):
    paths = [path for path in root.iterdir() if path.name in NAMES]
    for folder in FOLDERS:
        paths += (root / folder).rglob("*")
    for path in sorted(paths):
        name = path.relative_to(root).as_posix()
        if path.is_file() and (path.suffix in SUFFIXES or path.name in NAMES) and \
                not name.startswith(DATA):
            yield name, path


def wrong(name, lines):
    """(line, what is wrong with it), or None."""
    first = 1 if lines and lines[0].startswith("#!") else 0
    opens = "/* " if name.endswith((".c", ".cl", ".cpp", ".def", ".h", ".hpp")) else "# "
    expected = opens + LICENCE + (" */" if opens == "/* " else "")
    if lines[first:first + 1] != [expected]:
        return first + 1, "no line " + expected
    if name.endswith(".c") and not "".join(lines[1:2]).startswith("/* "):
        return 2, "no comment that says what this file is"
    return None


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    found = seen = 0
    for name, path in sources(root):
        seen += 1
        complaint = wrong(name, path.read_text(encoding="utf-8").splitlines())
        if complaint:
            print("%s:%d: %s" % (name, *complaint))
            found += 1
    if seen == 0:
        print("no source found below %s" % root)
    return 1 if found or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
