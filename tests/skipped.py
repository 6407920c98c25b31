#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints which tests of the last run of a build folder were skipped, and their own words on why.

skipped.py BUILD"""

import json
import os
import sys


def main():
    log = os.path.join(sys.argv[1], "meson-logs", "testlog.json")
    with open(log, encoding="utf-8") as file:
        tests = [json.loads(line) for line in file]
    for test in tests:
        if test["result"] == "SKIP":
            said = (test.get("stdout", "") + test.get("stderr", "")).strip().splitlines()
            print("skipped: %s: %s" % (test["name"], said[-1] if said else "no reason given"))


if __name__ == "__main__":
    main()
