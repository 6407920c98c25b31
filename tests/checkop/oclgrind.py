#!/usr/bin/env python3
"""Runs a program under Oclgrind and fails where it fails or Oclgrind has anything to say.

oclgrind.py OCLGRIND [OCLGRIND_OPTION...] -- PROGRAM ARGUMENT...

Oclgrind's own exit status is the program's, so its log is what tells. Kernels are built without
optimisation: Oclgrind does not know all that LLVM makes of them otherwise."""

import os
import subprocess
import sys
import tempfile


def main():
    split = sys.argv.index("--")
    tool, program = sys.argv[1:split], sys.argv[split + 1:]
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        result = subprocess.run(tool + ["--build-options", "-cl-opt-disable", "--log", log]
                                + program)
        said = ""
        if os.path.exists(log):
            with open(log, encoding="utf-8", errors="replace") as file:
                said = file.read()
    if said.strip():
        print(said[:20000])
    return result.returncode or (1 if said.strip() else 0)


if __name__ == "__main__":
    sys.exit(main())
