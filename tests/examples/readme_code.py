#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the one C program that README.md shows to a file: readme_code.py README.md OUT.c"""
import re
import sys

readme, out = sys.argv[1:]
programs = re.findall(r"^```c\n(.*?)^```", open(readme, encoding="utf-8").read(), re.M | re.S)
if len(programs) != 1:
    sys.exit(f"{readme} shows {len(programs)} C programs instead of one")
with open(out, "w", encoding="utf-8") as file:
    file.write(programs[0])
