# SPDX-License-Identifier: Apache-2.0
"""What the drawings share: gnuplot's quotes, colours, and both kinds of picture."""

import subprocess

COLOURS = {"mingru": "#1f77b4", "minlstm": "#d62728", "gru": "#17becf", "lstm": "#ff7f0e",
           "mamba": "#7f7f7f"}  # fmt: skip
OTHERS = ["#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#bcbd22"]


def quote(text):
    return "'" + text.replace("'", "''").replace("\n", " ") + "'"


def data(name, points):
    """gnuplot reads the data that are in the script."""
    return [f"${name} << end", *(f"{x} {y:.9g}" for x, y in points), "end"]


def draw(path, size, script):
    """Writes path.svg and path.png, and prints their names. False if gnuplot failed, which has said why."""
    for kind, terminal in [("svg", f"svg size {size} dynamic background rgb 'white' font 'sans,11'"),
                           ("png", f"pngcairo size {size} font 'sans,10'")]:  # fmt: skip
        output = f"{path}.{kind}"
        done = subprocess.run(["gnuplot"], text=True, check=False, input=(
            f"set terminal {terminal}\nset output {quote(output)}\n{script}"))  # fmt: skip
        if done.returncode:
            return False
        print(output)
    return True
