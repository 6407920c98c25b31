#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that were compiled against other versions of the library give the same results with it.

    other_versions.py PROGRAM.c INCLUDE_DIR LIBRARY SANITIZERS COMPILER...

An older version's headers are today's without the last members of every struct that can grow, a
newer one's have one more at each end. The program checks itself that no byte behind a struct is
written. SANITIZERS is Meson's b_sanitize."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from structs import NEVER_GROWS

PROGRAM, INCLUDE, LIBRARY, SANITIZERS = sys.argv[1:5]
COMPILER = sys.argv[5:]

# How many of a struct's last members an older one lacks: as many as it takes to make it shorter.
LACKS = {
    "minrnn_batch": 1, "minrnn_bench_config": 1, "minrnn_bench_info": 1, "minrnn_check_config": 2, "minrnn_device_info": 1, "minrnn_memory": 1,
    "minrnn_mixer_tensors": 1, "minrnn_model_config": 2, "minrnn_parameter_info": 1,
    "minrnn_sampling": 1, "minrnn_score": 1, "minrnn_scan_config": 3, "minrnn_scan_tensors": 1,
    "minrnn_step_record": 1, "minrnn_timing": 1, "minrnn_trainer_config": 1,
    "minrnn_tune_config": 1, "minrnn_verdict": 2,
}


def fail(text):
    print(text)
    sys.exit(1)


def older(name, body):
    members = re.findall(r"[^;]*;", re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL))
    return "".join(members[:-LACKS[name]]) + "\n"


def newer(_, body):
    return body + "\n    int64_t later[3];\n"


def write_headers(folder, change):
    """Changes the body of every struct that begins with its size."""
    shutil.copytree(INCLUDE, folder)
    found = set()

    def replace(match):
        name, body = match.groups()
        if name in NEVER_GROWS or not body.lstrip().startswith("size_t size;"):
            return match.group(0)
        found.add(name)
        return "typedef struct %s {%s} %s;" % (name, change(name, body), name)

    for header in os.listdir(os.path.join(folder, "minrnn")):
        path = os.path.join(folder, "minrnn", header)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"typedef struct (\w+) \{(.*?)\n\} \1;", replace, text,
                              flags=re.DOTALL))
    if found != set(LACKS):
        fail("structs that begin with their size, and those known here: %s"
             % sorted(found ^ set(LACKS)))


def build(program, include):
    sanitize = [] if SANITIZERS == "none" else ["-fsanitize=" + SANITIZERS]
    subprocess.run(COMPILER + sanitize + ["-std=c17", "-Wall", "-Wextra", "-Werror", "-g",
                   "-I", include, PROGRAM, "-o", program, LIBRARY,
                   "-Wl,-rpath," + os.path.dirname(os.path.abspath(LIBRARY))], check=True)


def run(program, *arguments):
    result = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        fail("%s: exit code %d\n%s" % (os.path.basename(program), result.returncode,
                                       result.stderr))
    return result.stdout


def sizes(program):
    return {name: int(size) for name, size in
            (line.split() for line in run(program, "sizes").splitlines())}


def main():
    with tempfile.TemporaryDirectory(prefix="minrnn abi ") as work:
        os.environ["MINRNN_CACHE"] = os.path.join(work, "cache")
        os.environ.pop("LD_LIBRARY_PATH", None)
        now = os.path.join(work, "now")
        build(now, INCLUDE)
        expected, today = run(now), sizes(now)
        for name, change in [("older", older), ("newer", newer)]:
            program = os.path.join(work, name)
            write_headers(program + " headers", change)
            build(program, program + " headers")
            then = sizes(program)
            for struct in LACKS:
                if not (then[struct] < today[struct] if change is older else
                        then[struct] > today[struct]):
                    fail("%s is as long as it was: %d bytes" % (struct, then[struct]))
            if run(program) != expected:
                fail("another version's program gives other results: " + name)
        print("%d structs, %d lines of results" % (len(LACKS), len(expected.splitlines())))


main()
