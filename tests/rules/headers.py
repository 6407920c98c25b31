#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles each public header alone: headers.py INCLUDE_DIR STANDARD COMPILER... -- HEADER...

STANDARD is c17 or c++17. Exits with 1 if a header does not compile without a warning."""

import subprocess
import sys


def main():
    include, standard = sys.argv[1:3]
    split = sys.argv.index("--")
    compiler, headers = sys.argv[3:split], sys.argv[split + 1:]
    language = "c++" if standard.startswith("c++") else "c"
    failed = 0
    for header in headers:
        # Twice: the second must be empty.
        source = 2 * ("#include <minrnn/%s>\n" % header)
        command = compiler + ["-x", language, "-std=" + standard, "-I", include, "-Wall",
                              "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-"]
        result = subprocess.run(command, input=source, text=True, stderr=subprocess.PIPE)
        if result.returncode != 0:
            print("minrnn/%s does not compile alone in %s:\n%s" % (header, standard, result.stderr))
            failed += 1
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
