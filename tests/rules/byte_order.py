#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reader of safetensors files refuses to be compiled for a big-endian machine, and says why:
byte_order.py SOURCE_ROOT COMPILER..."""

import os
import subprocess
import sys


def compile_for(order):
    root, compiler = sys.argv[1], sys.argv[2:]
    result = subprocess.run(
        [*compiler, "-std=c17", "-fsyntax-only", "-I", os.path.join(root, "include"), "-I",
         os.path.join(root, "src"), "-U__BYTE_ORDER__", f"-D__BYTE_ORDER__={order}",
         os.path.join(root, "src", "store", "safetensors.c")],
        text=True, stderr=subprocess.PIPE)
    return result.returncode, result.stderr


def main():
    code, errors = compile_for("__ORDER_LITTLE_ENDIAN__")
    if code != 0:
        sys.exit("it does not compile for a little-endian machine:\n" + errors)
    code, errors = compile_for("__ORDER_BIG_ENDIAN__")
    if code == 0 or "little-endian, and so must the host be" not in errors:
        sys.exit("for a big-endian machine it is not refused as it should be:\n" + errors)


main()
