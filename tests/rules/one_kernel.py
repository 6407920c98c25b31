# SPDX-License-Identifier: Apache-2.0
"""Each kernel of cl/ stands between #ifdef KERNEL_ with its own name and #endif: one_kernel.py ROOT

A program defines the one that it is built for, and so has one kernel (src/opencl/launch.h)."""

import pathlib
import re
import sys

CONDITION = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b[ \t]*(.*?)[ \t]*$", re.MULTILINE)
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)\(.*\b(?:__)?kernel\b", re.MULTILINE)


def bare(text):
    """Without comments and attributes, and each directive on one line."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL).replace("\\\n", " ")
    return re.sub(r"__attribute__\s*\(\(.*?\)\)\)", " ", text, flags=re.DOTALL)


def kernels(text):
    """(name, place) of each: written out, or MACRO(name) if the macro says __kernel."""
    macros = [found[1] for found in MACRO.finditer(text)]
    heads = r"(?:__)?kernel\b[^;{(]*?\b(\w+)\s*\(" + "".join(rf"|{name}\((\w+)" for name in macros)
    for found in re.finditer(rf"^(?:{heads})", text, re.MULTILINE):
        yield next(name for name in found.groups() if name), found.start()
    # What is not at the beginning of a line would not be seen.
    for found in re.finditer(r"^[^#\n]+?\b(?:__)?kernel\b", text, re.MULTILINE):
        yield "?", found.start()


def guards(text, place):
    """The kernels without whose definition there is nothing at a place."""
    stack = []
    for found in CONDITION.finditer(text, 0, place):
        if found[1] == "endif":
            stack.pop()
        elif found[1] in ("else", "elif"):
            stack[-1] = ""
        else:
            stack.append(found[2] if found[1] == "ifdef" else "")
    return [name.removeprefix("KERNEL_") for name in stack if name.startswith("KERNEL_")]


def offenders(text):
    text = bare(text)
    found = list(kernels(text))
    return [name for name, place in found if guards(text, place) != [name]], len(found)


PROBE = """
#ifdef KERNEL_good
/* __kernel void in_words( */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
good(int n) {
#if 1
#endif
}
#endif
__kernel void bare(int n) {}
#ifdef KERNEL_other
kernel void another(int n) {}
#else
__kernel void other(int n) {}
#endif
#ifndef KERNEL_negated
__kernel void negated(int n) {}
#endif
#define MADE(name) \\
    __kernel void name(int n)
#ifdef KERNEL_made
MADE(made) {}
MADE(made_too) {}
#ifdef KERNEL_inner
__kernel void inner(int n) {}
#endif
  __kernel void indented(int n) {}
#endif
"""


def main():
    files = sorted(pathlib.Path(sys.argv[1], "cl").rglob("*.cl"))
    count = failures = 0
    for file in files:
        found, here = offenders(file.read_text(encoding="utf-8"))
        count += here
        failures += len(found)
        for name in found:
            print(f"{file}: {name} is not between #ifdef KERNEL_{name} and #endif alone")
    print(count, "kernels")
    # Would this notice them?
    wrong = ["bare", "another", "other", "negated", "made_too", "inner", "?"]
    return bool(failures) or count < 40 or offenders(PROBE) != (wrong, 9)


sys.exit(main())
