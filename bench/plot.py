#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws learning curves from logs of minrnn train.

    plot.py NAME [--accuracy] [--title TEXT] LOG...

Writes NAME.svg and NAME.png. A curve is called as its file. The training loss is a mean over the steps
around each point, as many as a hundredth of the run has."""

import argparse
import csv
import os
import sys

from drawing import COLOURS, OTHERS, data, draw, quote

PALETTE = [*list(COLOURS.values())[:2], *OTHERS, *list(COLOURS.values())[2:]]
POINTS = 100  # of a training curve


class NoLog(Exception):
    pass


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"step", "loss", "validation_loss"} <= rows[0].keys():
        raise NoLog(f"{path} is not a log of minrnn train, or has no steps")
    return rows


def training(rows):
    run = max(1, len(rows) // POINTS)
    for begin in range(0, len(rows), run):
        part = rows[begin : begin + run]
        yield int(part[-1]["step"]), sum(float(row["loss"]) for row in part) / len(part)


def validation(rows, column, scale=1):
    return [(int(row["step"]), scale * float(row[column])) for row in rows if row.get(column)]


def names_of(paths):
    """The files' names, with their folders if two are the same."""
    names = [os.path.splitext(os.path.basename(path))[0] for path in paths]
    return names if len(set(names)) == len(names) else paths


def script(given, logs):
    lines, plots = [], []
    for number, (name, rows) in enumerate(logs):
        colour = PALETTE[number % len(PALETTE)]
        if given.accuracy:
            evaluated = validation(rows, "validation_accuracy", 100)
        else:
            evaluated = validation(rows, "validation_loss")
            lines += data(f"training{number}", training(rows))
            plots.append(f"$training{number} using 1:2 with lines lc rgb '{colour}' lw 1 "
                         f"title {quote(name + ', training')}")  # fmt: skip
        if evaluated:
            lines += data(f"validation{number}", evaluated)
            title = name if given.accuracy else name + ", validation"
            plots.append(f"$validation{number} using 1:2 with linespoints lc rgb '{colour}' lw 2 pt 7 "
                         f"ps 0.5 title {quote(title)}")  # fmt: skip
    if not plots:
        raise NoLog("no log has an evaluation")
    return "\n".join([
        f"set title {quote(given.title)} noenhanced" if given.title else "",
        "set xlabel 'step' offset 0,0.5", "set grid", "set key below noenhanced",
        "set ylabel 'right, %'\nset yrange [0:100]" if given.accuracy
        else "set ylabel 'loss, nats'", *lines, "plot " + ", ".join(plots), ""])  # fmt: skip


def main():
    parser = argparse.ArgumentParser(prog="plot.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("name")
    parser.add_argument("--accuracy", action="store_true")
    parser.add_argument("--title", default="")
    parser.add_argument("logs", nargs="+", metavar="log")
    given = parser.parse_args()
    logs = list(zip(names_of(given.logs), map(read, given.logs)))
    return 0 if draw(given.name, "900,500", script(given, logs)) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NoLog as error:
        sys.exit(f"plot.sh: {error}")
    except OSError as error:
        sys.exit(f"plot.sh: {error.filename}: {error.strerror}")
