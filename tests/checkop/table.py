#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints ops x devices: every op of the list and its worst error / bound on each device.

table.py BUILD [--device NAME]... [CHECKOP_ARGUMENT...]

BUILD is a build folder. A device that is not there, or does not do what its name says, is named
with the reason. Oclgrind gets small shapes. Exits with 1 if an op failed anywhere."""

import csv
import os
import sys
import time

sys.dont_write_bytecode = True  # nothing is left beside the sources
import on_device  # noqa: E402


COLUMNS = ["cpu", "pocl-loopvec", "pocl-cbs", "rusticl", "oclgrind", "intel"]


class Column:
    """One device: `head` names what really ran, `rows` holds checkop's, by op."""

    def __init__(self, device, checkop, arguments):
        begin = time.monotonic()
        small = [] if device not in on_device.OCLGRIND or "--small" in arguments else ["--small"]
        run = on_device.run(device, checkop, [*arguments, *small, "--format", "csv"],
                            accept_other=True, capture=True)
        self.head = run.ran or device
        self.rows = {row["op"]: row for row in csv.DictReader(run.output.splitlines())}
        self.failed = run.code not in (0, on_device.SKIP) or (run.ran and not self.rows)
        left_out = sum(int(row["left_out"]) for row in self.rows.values())
        notes = [] if run.ran == device else ["asked for " + device] if run.ran else ["not run"]
        notes += [run.reason] if run.reason else []
        notes += ["small shapes"] if small else []
        notes += ["%d cases skipped: no time left" % left_out] if left_out else []
        notes += ["FAILED, exit code %d" % run.code] if self.failed else []
        notes += ["%.0f s" % (time.monotonic() - begin)] if run.ran else []
        self.notes = "%s: %s" % (self.head, "; ".join(notes))

    def cell(self, op):
        row = self.rows.get(op)
        if not row:
            return "missing" if self.failed else "-"
        return ("FAIL " if int(row["failures"]) else "") + "%.3g" % float(row["worst"])


def main():
    arguments = sys.argv[1:]
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    checkop = os.path.abspath(os.path.join(arguments.pop(0), "tests/checkop/checkop"))
    devices = []
    while "--device" in arguments[:-1]:
        at = arguments.index("--device")
        devices.append(arguments[at + 1])
        del arguments[at:at + 2]
    unknown = [device for device in devices if device not in on_device.DEVICES]
    if unknown or not os.path.exists(checkop):
        print("table.py: there is no " + (", ".join(unknown) or checkop), file=sys.stderr)
        return 2
    columns = [Column(device, checkop, arguments) for device in devices or COLUMNS]
    ops = list(dict.fromkeys(op for column in columns for op in column.rows))
    width = max(len(op) for op in [*ops, "op"])
    widths = [max(len(column.head), 10) for column in columns]
    print("worst error / bound; 1 or less passes")
    print("  ".join(["op".ljust(width)] + [c.head.rjust(w) for c, w in zip(columns, widths)]))
    for op in ops:
        print("  ".join([op.ljust(width)] + [c.cell(op).rjust(w) for c, w in zip(columns, widths)]))
    print("\n".join(column.notes for column in columns))
    for column in columns:
        for op, row in column.rows.items():
            if int(row["failures"]):
                print("%s %s: %s of %s cases fail; the first is %s: %s" % (
                    column.head, op, row["failures"], row["cases"], row["worst_case"],
                    row["failure"]))
    return 1 if not ops or any(column.failed for column in columns) else 0


if __name__ == "__main__":
    sys.exit(main())
