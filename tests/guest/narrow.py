# SPDX-License-Identifier: Apache-2.0
"""On a 32-bit machine sizes past SIZE_MAX are out of memory: the parts that need no other library are
built for 32-bit Arm and run under qemu.

narrow.py SOURCE_ROOT
"""

import glob
import shutil
import subprocess
import sys
import tempfile

COMPILER, EMULATOR = "arm-linux-gnueabihf-gcc", "qemu-arm"


def main():
    root = sys.argv[1]
    for tool in (COMPILER, EMULATOR):
        if not shutil.which(tool):
            print("skipped: there is no " + tool)
            sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        sources = [path for part in ("base", "op", "cpu", "cpu/scan")
                   for path in glob.glob(f"{root}/src/{part}/*.c")]
        subprocess.run(
            [COMPILER, "-std=c17", "-O1", "-Werror=conversion", "-D_FILE_OFFSET_BITS=64",
             "-D_POSIX_C_SOURCE=200809L", "-DCPU_LEVEL=baseline", f"-I{root}/include",
             f"-I{root}/src", f"-I{root}/tests/guest/narrow", *sources,
             f"{root}/src/devices.c", f"{root}/tests/guest/narrow/narrow.c", "-lm", "-pthread",
             "-static", "-o", folder + "/narrow"], check=True)
        result = subprocess.run([EMULATOR, folder + "/narrow"], text=True, stdout=subprocess.PIPE,
                                timeout=120)
        print(result.stdout, end="")
        sys.exit(result.returncode)


main()
