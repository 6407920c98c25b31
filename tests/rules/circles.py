#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No two files of src/ call each other, directly or round about: read off the symbols of the objects.

circles.py ARCHIVE    (the static library with every object of the library)

Objects built once for each instruction level count as one. A circle is printed as its files."""

import re
import subprocess
import sys

LEVELS = re.compile(r"_(baseline|x86_64_v3|x86_64_v4)$")


def symbols(archive):
    """{object: (defined, undefined)}"""
    lines = subprocess.run(["nm", "--format=posix", "--print-file-name", archive], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    found = {}
    for line in lines:
        match = re.match(r"[^\[]*\[([^\]]+)\]: (\S+) (\S)", line)
        if not match:
            continue
        file = re.sub(r".*/|\.o$", "", match[1])
        defined, undefined = found.setdefault(file, (set(), set()))
        name = LEVELS.sub("", match[2])
        if match[3] in "Uw":
            undefined.add(name)
        elif match[3].isupper():
            defined.add(name)
    return found


def calls(found):
    """{file: files that it refers to}"""
    home = {name: file for file, (defined, _) in found.items() for name in defined}
    return {file: {home[name] for name in undefined if name in home} - {file}
            for file, (_, undefined) in found.items()}


def circles(graph):
    """Tarjan's strongly connected components of more than one file."""
    index, low, stack, on, result = {}, {}, [], set(), []

    def visit(file):
        index[file] = low[file] = len(index)
        stack.append(file)
        on.add(file)
        for other in graph[file]:
            if other not in index:
                visit(other)
                low[file] = min(low[file], low[other])
            elif other in on:
                low[file] = min(low[file], index[other])
        if low[file] == index[file]:
            component = []
            while not component or component[-1] != file:
                component.append(stack.pop())
                on.remove(component[-1])
            if len(component) > 1:
                result.append(sorted(component))

    for file in sorted(graph):
        if file not in index:
            visit(file)
    return result


def main():
    # The finder itself, on a graph with one circle round about.
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    graph = calls(symbols(sys.argv[1]))
    if sum(map(len, graph.values())) < len(graph):
        sys.exit("%s: too few calls were found for a library" % sys.argv[1])
    found = circles(graph)
    for circle in found:
        print("these files call each other: " + ", ".join(circle))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
