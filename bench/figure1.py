#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what `minrnn bench figure1 --format csv` printed: time, speed-up and memory over the length.

    figure1.py CSV FOLDER [--date DATE]

Writes FOLDER/figure1.svg and FOLDER/figure1.png with gnuplot. The paper's points (paper_figure1.csv) are
dotted. All axes are logarithmic. The date is that of the CSV, unless it is given."""

import argparse
import csv
import os
import sys
import time

from drawing import COLOURS, OTHERS, data, draw, quote

HERE = os.path.dirname(os.path.abspath(__file__))
DASHES = [1, 2, 4, 5]  # gnuplot's, one a width; 3 is the paper's
MIB = 1 << 20


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def values(rows, name):
    """All values of a column, in the order of their first rows."""
    return list(dict.fromkeys(row[name] for row in rows))


def points(rows, column, scale=1.0):
    """(length, value) of the rows that have one."""
    return [(int(row["time"]), float(row[column]) * scale) for row in rows if row[column]]


class Series:
    def __init__(self, title, colour, dash, paper=False):
        self.title, self.colour, self.dash, self.paper = title, colour, dash, paper
        self.time, self.speed_up, self.memory = [], [], []


def colour_of(mixer, mixers):
    others = [name for name in mixers if name not in COLOURS]
    return COLOURS.get(mixer) or OTHERS[others.index(mixer) % len(OTHERS)]


def measured(rows):
    """A series for each device, mixer and width; the title says what there is more than one of."""
    devices, widths, mixers = (values(rows, name) for name in ("device", "width", "mixer"))
    for device in devices:
        for width in widths:
            for mixer in mixers:
                own = [row for row in rows if (row["device"], row["width"], row["mixer"]) ==
                       (device, width, mixer)]  # fmt: skip
                title = mixer + (f", width {width}" if len(widths) > 1 else "")
                title += f", {device}" if len(devices) > 1 else ""
                dash = DASHES[widths.index(width) % len(DASHES)]
                series = Series(title, colour_of(mixer, mixers), dash)
                series.time = points(own, "median_ms")
                series.speed_up = points(own, "speed_up")
                series.memory = points(own, "memory_bytes", 1 / MIB)
                yield series


def published():
    rows = read(os.path.join(HERE, "paper_figure1.csv"))
    for mixer in values(rows, "mixer"):
        own = [row for row in rows if row["mixer"] == mixer]
        series = Series(f"{mixer}, paper, T4", colour_of(mixer, []), 3, paper=True)
        series.time = points(own, "ms")
        series.speed_up = points(own, "speed_up")
        yield series


def heading(rows, date):
    first = rows[0]
    devices = values(rows, "device")
    settings = [f"{name} {' and '.join(values(rows, name))}" for name in ("width", "batch", "classes")]
    about = f"{first['driver']}, " if len(devices) == 1 else ""
    return (f"{' and '.join(devices)}: forward, loss, backward ({', '.join(settings)})\n"
            f"{about}minrnn {first['version']}, {date}")


def panel(title, unit, series, part):
    """A plot of those series that have the part."""
    there = [one for one in series if getattr(one, part)]
    lines = [f"set title {quote(title)}", f"set ylabel {quote(unit)}"]
    if not there:
        return lines + ["unset logscale", "unset key", "set label 1 'nothing to compare with' at graph "
                        "0.5,0.5 center", "plot [1:2][1:2] NaN notitle", "unset label 1",
                        "set logscale xy", "set key"]  # fmt: skip
    plots = []
    for number, one in enumerate(there):
        name = f"${part}{number}"
        lines += data(name[1:], getattr(one, part))
        shape = 6 if one.paper else 7
        plots.append(f"{name} using 1:2 with linespoints lc rgb '{one.colour}' dt {one.dash} "
                     f"lw 2 pt {shape} ps 0.8 title {quote(one.title)}")
    return lines + ["plot " + ", ".join(plots)]


MOST_TICS = 7  # that have room for their numbers


def tics(lengths):
    """Powers of 2 or 4, the longest among them."""
    step = 2 if max(lengths) / min(lengths) < 2**MOST_TICS else 4
    marks = [max(lengths)]
    while marks[0] / step >= min(lengths):
        marks.insert(0, marks[0] / step)
    return "set xtics (" + ", ".join(f"{mark:.6g}" for mark in marks) + ")"


def script(rows, date):
    series = [*measured(rows), *published()]
    lengths = [length for one in series for length, _ in one.time]
    shortest, longest = min(lengths) / 1.15, max(lengths) * 1.15
    title, below = heading(rows, date).split("\n")
    return "\n".join([
        "set multiplot layout 1,3 margins 0.06,0.985,0.33,0.83 spacing 0.075,0.1",
        f"set label 2 {quote(title)} at screen 0.5,0.965 center font ',14' noenhanced",
        f"set label 3 {quote(below)} at screen 0.5,0.92 center noenhanced",
        "set label 4 'medians of steps that were waited for; planned memory; dotted: the "
        "paper''s numbers, whose width is not stated' at screen 0.5,0.025 center noenhanced",
        "set logscale xy",
        "set logscale x 2",
        "set xlabel 'length T'",
        tics(lengths),
        "set grid",
        "set key at graph 0,-0.2 left top vertical maxrows 5 reverse Left samplen 2 font ',9' noenhanced",
        f"set xrange [{shortest}:{longest}]",
        *panel("time of a step", "milliseconds", series, "time"),
        "unset label 2; unset label 3; unset label 4",
        *panel("speed-up against the cell that it simplifies", "times", series, "speed_up"),
        *panel("memory of a step", "MiB", series, "memory"),
        "unset multiplot", ""])  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv")
    parser.add_argument("folder")
    parser.add_argument("--date")
    given = parser.parse_args()
    rows = read(given.csv)
    if not rows:
        print(f"figure1.py: {given.csv} has no rows", file=sys.stderr)
        return 1
    written = time.gmtime(os.stat(given.csv).st_mtime)
    drawing = script(rows, given.date or time.strftime("%Y-%m-%d", written))
    return 0 if draw(os.path.join(given.folder, "figure1"), "1500,620", drawing) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        sys.exit(f"figure1.py: {error.filename}: {error.strerror}")
