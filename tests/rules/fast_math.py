#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library refuses to be compiled with switches that let a compiler assume that there is no NaN,
and says why: fast_math.py SOURCE_ROOT COMPILER..."""

import os
import shutil
import subprocess
import sys

REFUSED = ["-Ofast", "-ffast-math", "-ffinite-math-only", "-O3 -Ofast"]
# What the build itself asks for.
ALLOWED = ["-O3", "-fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd",
           "-Ofast -fno-fast-math"]


def compile_with(compiler, root, switches):
    result = subprocess.run(
        [*compiler, "-std=c17", *switches.split(), "-fsyntax-only", "-I",
         os.path.join(root, "include"), "-I", os.path.join(root, "src"),
         os.path.join(root, "src", "base", "status.c")], text=True, stderr=subprocess.PIPE)
    return result.returncode, result.stderr


def main():
    root = sys.argv[1]
    compilers = [sys.argv[2:]] + [[name] for name in ("gcc", "clang") if shutil.which(name)]
    for compiler in compilers:
        for switches in ALLOWED:
            code, errors = compile_with(compiler, root, switches)
            if code != 0:
                sys.exit(f"{compiler} {switches} is refused:\n{errors}")
        for switches in REFUSED:
            code, errors = compile_with(compiler, root, switches)
            if code == 0 or "must be compiled without -Ofast" not in errors:
                sys.exit(f"{compiler} {switches} is not refused as it should be:\n{errors}")


main()
