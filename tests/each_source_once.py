#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a build's compile_commands.json with each source once: each_source_once.py BUILD FOLDER

Some sources are compiled for several targets, and clang-tidy would read them as often. The last
command is kept: of the processor's levels, the highest."""
import json
import pathlib
import sys

build, folder = map(pathlib.Path, sys.argv[1:])
commands = json.loads((build / "compile_commands.json").read_text())
once = {command["file"]: command for command in commands}
folder.mkdir(parents=True, exist_ok=True)
(folder / "compile_commands.json").write_text(json.dumps(list(once.values())))
