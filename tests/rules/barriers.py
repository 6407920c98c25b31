# SPDX-License-Identifier: Apache-2.0
"""No work-item returns before a barrier that its work-group still waits at: barriers.py ROOT

Some compilers make wrong code of that even if it is uniform. Reads the functions and macros of cl/,
and finds those that wait, directly or through what they call."""

import pathlib
import re
import sys

DEFINITION = re.compile(r"^(?:#define\s+(\w+)\(|(?:static|__kernel)\b[^;{]*?\b(\w+)\s*\([^;{]*\)\s*\{)", re.MULTILINE)


def bare(text):
    """Without comments and attributes."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    return re.sub(r"__attribute__\s*\(\(.*?\)\)\)", " ", text, flags=re.DOTALL)


def definitions(text):
    """(name, body) of each function and macro."""
    for found in DEFINITION.finditer(text):
        if found[1]:
            end = re.compile(r"(?<!\\)$", re.MULTILINE).search(text, found.end()).start()
        else:
            depth, end = 1, found.end()
            while depth:
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
        yield found[1] or found[2], text[found.end():end]


def calls(body, names):
    return [use.start() for use in re.finditer(r"\b(\w+)\s*\(", body) if use[1] in names]


def offenders(texts):
    texts = [bare(text) for text in texts]
    bodies = [pair for text in texts for pair in definitions(text)]
    # MACRO(name, ...) at the beginning of a line defines what its first argument names.
    bodies += [(made[2], made[1] + "()") for text in texts
               for made in re.finditer(r"^([A-Z_]+)\((\w+)", text, re.MULTILINE)]
    waiting = {"barrier"}
    while True:
        more = {name for name, body in bodies if calls(body, waiting)} - waiting
        if not more:
            break
        waiting |= more
    return [name for name, body in bodies if calls(body, waiting)
            and any(leave.start() < calls(body, waiting)[-1]
                    for leave in re.finditer(r"\breturn\b", body))], waiting


def main():
    files = sorted(pathlib.Path(sys.argv[1], "cl").rglob("*.cl"))
    found, waiting = offenders(file.read_text(encoding="utf-8") for file in files)
    print(len(waiting) - 1, "functions and macros wait at barriers:", *sorted(waiting - {"barrier"}))
    for name in found:
        print(name, "returns before a barrier")
    # Would this notice one, behind a macro too?
    probe = ("#define WAIT() \\\n    barrier(CLK_LOCAL_MEM_FENCE);\n"
             "__kernel void bad(int n) {\n    if (n) {\n        return;\n    }\n    WAIT();\n}\n"
             "__kernel void good(int n) {\n    WAIT();\n    if (n) {\n        return;\n    }\n}\n")
    return bool(found) or offenders([probe])[0] != ["bad"] or len(waiting) < 5


sys.exit(main())
