#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library never prints, exits or aborts: none of its objects calls what does.

    quiet.py LIBMINRNN_PARTS.a"""

import subprocess
import sys

LOUD = {"printf", "vprintf", "puts", "putchar", "putc", "perror", "psignal", "stdout", "stderr",
        "__printf_chk", "__vprintf_chk", "exit", "_exit", "_Exit", "quick_exit", "abort", "raise",
        "__assert_fail", "err", "errx", "warn", "warnx", "syslog"}
# The library calls this one: a listing without it is not the library's.
CALLED = "vsnprintf"


def calls(archive):
    """(object, symbol) of every symbol that an object takes from elsewhere."""
    listing = subprocess.run(["nm", "-A", "--undefined-only", archive], check=True,
                             capture_output=True, text=True).stdout
    for line in listing.splitlines():
        *head, symbol = line.split()
        yield head[0].rsplit(":", 2)[-2] if head else "?", symbol.split("@")[0]


def main():
    found = list(calls(sys.argv[1]))
    if not any(CALLED in symbol for _, symbol in found):
        sys.exit("%s: nothing in it calls %s, which the library does" % (sys.argv[1], CALLED))
    loud = [(file, symbol) for file, symbol in found if symbol in LOUD]
    for file, symbol in loud:
        print("%s: calls %s" % (file, symbol))
    return 1 if loud else 0


if __name__ == "__main__":
    sys.exit(main())
