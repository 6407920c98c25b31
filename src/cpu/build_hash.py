#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a C file with a hash of what the CPU backend's machine code is made of: its sources and the
headers they use, the compiler, the flags. No path is in it: the same build elsewhere has the same.

    build_hash.py OUTPUT DEPFILE ROOT COMPILER... -- FLAG..."""
import hashlib
import pathlib
import subprocess
import sys

FOLDERS = ["include/minrnn", "src/base", "src/cpu", "src/cpu/recurrent", "src/cpu/scan", "src/op"]
SUFFIXES = {".c", ".h", ".def"}


def sources(root: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path for folder in FOLDERS for path in (root / folder).iterdir()
                  if path.suffix in SUFFIXES and (path.suffix != ".c" or folder.startswith("src/cpu")))


def main() -> None:
    output, depfile, folder, *words = sys.argv[1:]
    root = pathlib.Path(folder)
    compiler, flags = words[:words.index("--")], words[words.index("--") + 1:]
    version = subprocess.run([*compiler, "--version"], check=True, capture_output=True, text=True)
    parts = [version.stdout.splitlines()[0], *(flag for flag in flags if "/" not in flag)]
    for path in sources(root):
        parts += [path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    pathlib.Path(output).write_text(
        '#include "cpu/build.h"\n\nCPU_BUILD_SECTION const uint64_t cpu_build = '
        f"0x{digest}u;\n", encoding="ascii")
    used = " ".join(str(path).replace(" ", "\\ ") for path in sources(root))
    pathlib.Path(depfile).write_text(f"{output}: {used}\n", encoding="utf-8")


main()
