#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of all reports: a row for each folder in bench/results, from its CSV files.

    results.py [FOLDER] [--check]

Writes it into FOLDER/README.md, between the two comments that are there for it. --check writes nothing, and exits
with 1 if README.md has another table."""

import csv
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BEGIN, END = "<!-- results.py -->\n", "<!-- end of results.py -->\n"
MIXERS, LENGTHS, WIDTH = ["mingru", "minlstm"], ["512", "4096"], "64"
PRESETS = ["small", "shakespeare"]


def rows_of(folder, name):
    path = os.path.join(folder, name + ".csv")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def digits(value):
    """Three that count."""
    number = float(value)
    shown = f"{number:.3g}"
    return f"{number:,.0f}" if "e" in shown or number >= 1000 else shown


def value_of(rows, column, **wanted):
    """That of the last row that has the wanted values and this one; "-" if there is none."""
    found = [row[column] for row in rows
             if row[column] and all(row.get(name, value) == value for name, value in wanted.items())]
    return digits(found[-1]) if found else "-"


def launch_us(rows):
    found = [1e3 * float(row["median_ms"]) / int(row["launches"]) for row in rows if row["median_ms"]]
    return digits(found[-1]) if found else "-"


def verdict(rows):
    if not rows:
        return "-"
    wrong = {row["op"] for row in rows if row["failures"] != "0"}
    return f"{len(wrong)} ops wrong" if wrong else f"{len({row['op'] for row in rows})} ops right"


HEADINGS = ["device", "driver", "minrnn, date", "validated", "copy GB/s", "gemm GFLOP/s", "launch us",
            *[f"{mixer} {time}, ms" for mixer in MIXERS for time in LENGTHS],
            *[f"{preset}, tokens/s" for preset in PRESETS], "generate, tokens/s", "programs, s"]


def cells(folder, name):
    device = rows_of(folder, "device")[0]
    figure, step = rows_of(folder, "figure1"), rows_of(folder, "step")
    gemm = sorted(rows_of(folder, "gemm"), key=lambda row: float(row["gflop_s"] or 0))
    return [f"[{device['device'].replace('|', ' ')}]({name}/report.md), {device['platform']}",
            device["driver"].replace("|", " "), f"{device['commit']}, {device['date']}",
            verdict(rows_of(folder, "validate")), value_of(rows_of(folder, "copy"), "gb_s"),
            value_of(gemm, "gflop_s"), launch_us(rows_of(folder, "launch")),
            *[value_of(figure, "median_ms", mixer=mixer, time=time, width=WIDTH)
              for mixer in MIXERS for time in LENGTHS],
            *[value_of(step, "tokens_s", preset=preset) for preset in PRESETS],
            value_of(rows_of(folder, "generate"), "tokens_s", preset=PRESETS[0]),
            value_of(rows_of(folder, "compile"), "cold_s")]  # fmt: skip


def table(folder):
    lines = [HEADINGS, ["---"] * 4 + ["--:"] * (len(HEADINGS) - 4)]
    for name in sorted(os.listdir(folder)):
        if rows_of(os.path.join(folder, name), "device"):
            lines.append(cells(os.path.join(folder, name), name))
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def main():
    words = [word for word in sys.argv[1:] if word != "--check"]
    folder = words[0] if words else os.path.join(HERE, "results")
    path = os.path.join(folder, "README.md")
    text = BEGIN + END
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"results.py: {path} has no place for the table: {BEGIN.strip()} and {END.strip()}")
    before, rest = text.split(BEGIN)
    whole = before + BEGIN + "\n" + table(folder) + "\n" + END + rest.split(END)[1]
    if "--check" in sys.argv:
        if whole != text:
            sys.exit(f"results.py: {path} has another table than the folders beside it: run results.py")
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(whole)


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"results.py: {error.filename}: {error.strerror}")
