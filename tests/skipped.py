#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints which tests of the last run of a build folder were skipped, and their own words on why.

skipped.py BUILD"""

import json
import pathlib
import sys


def main():
    # A test setup has a log of its own: testlog-long.json.
    logs = pathlib.Path(sys.argv[1], "meson-logs").glob("testlog*.json")
    newest = max(logs, key=lambda log: log.stat().st_mtime)
    tests = [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]
    for test in tests:
        if test["result"] == "SKIP":
            said = (test.get("stdout", "") + test.get("stderr", "")).strip().splitlines()
            print("skipped: %s: %s" % (test["name"], said[-1] if said else "no reason given"))


if __name__ == "__main__":
    main()
