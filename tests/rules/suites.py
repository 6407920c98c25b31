# SPDX-License-Identifier: Apache-2.0
"""Which tests run when: plain `meson test` nothing that takes long, --setup long nothing slow,
--suite slow what is, --setup all everything.

    suites.py BUILD"""

import json
import subprocess
import sys

BUILD = sys.argv[1]


def listed(*options):
    text = subprocess.run(["meson", "test", "-C", BUILD, "--no-rebuild", "--list", *options],
                          capture_output=True, text=True, check=True).stdout
    return {line.split(" / ")[-1] for line in text.splitlines() if " / " in line}


def main():
    text = subprocess.run(["meson", "introspect", "--tests", BUILD], capture_output=True, text=True,
                          check=True).stdout
    suites = {test["name"]: {suite.split(":")[-1] for suite in test["suite"]}
              for test in json.loads(text)}
    every = set(suites)
    slow, lengthy, rusticl = ({name for name in suites if suite in suites[name]}
                              for suite in ("slow", "long", "rusticl"))
    failed = False
    for options, expected in [([], every - slow - lengthy - rusticl),
                              (["--setup", "long"], every - slow),
                              (["--suite", "slow"], slow),
                              (["--setup", "all"], every)]:
        different = listed(*options) ^ expected
        failed |= bool(different)
        print("meson test", *options, "lists", len(expected), "tests", "; not so:" if different else "",
              *sorted(different))
    return failed or not slow or not lengthy


sys.exit(main())
