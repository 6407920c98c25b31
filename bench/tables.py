#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the runs of one of the paper's tables, several at once, and prints the table.

    tables.py table1|table2 FOLDER [--preset NAME] [--mixer LIST] [--layers LIST] [--seeds LIST]
              [--stop-accuracy X] [--workers N] [--device D] [-- OPTION of minrnn train...]

A run trains a mixer with a number of layers and a seed, keeps its best model by validation accuracy,
and is measured on the test split, once. It ends early when its validation accuracy has reached
--stop-accuracy at two evaluations in a row. FOLDER/runs.csv has a row a run; FOLDER/runs has models,
states and logs. A run that is in runs.csv is not repeated; one that was stopped goes on from its last
save. So the same command, given again, goes on with a table."""

import argparse
import concurrent.futures
import csv
import ctypes
import fcntl
import io
import json
import os
import re
import shlex
import signal
import statistics
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = ["mixer", "layers", "seed", "task", "device", "version", "parameters", "steps", "best_step",
           "validation_accuracy", "test_accuracy", "train_seconds", "command"]  # fmt: skip
LAYERS = {"table1": "1,2,3", "table2": ""}  # "": the preset's
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """What ends a table, in a line."""


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


# ---- the program ----


def die_with_parent():
    """On Linux: nothing trains on for a runner that was killed."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except AttributeError:
        pass


class Program:
    """minrnn. What runs holds the folder's lock, so that no other runner begins before it has ended."""

    def __init__(self, given, lock):
        self.given, self.lock = given, lock
        self.running, self.guard, self.stopped = set(), threading.Lock(), False

    def start(self, arguments):
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.given.threads)}
        if self.given.device:
            environment["MINRNN_DEVICE"] = self.given.device
        with self.guard:
            if self.stopped:
                raise Failure("stopped")
            process = subprocess.Popen(
                [self.given.minrnn, *arguments], text=True, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[self.lock],
                preexec_fn=die_with_parent)  # fmt: skip
            self.running.add(process)
        return process

    def run(self, *arguments):
        """Its standard output."""
        process = self.start(arguments)
        shown, errors = process.communicate()
        with self.guard:
            self.running.discard(process)
        if self.stopped:
            raise Failure("stopped; the same command goes on")
        if process.returncode:
            raise Failure(errors.strip() or f"minrnn ended with {process.returncode}")
        return shown

    def stop(self):
        """Ends what runs; training saves first."""
        with self.guard:
            self.stopped = True
            for process in self.running:
                process.terminate()

    def mixers(self):
        return re.search(r"--mixer (\S+)", self.run("train", "--help")).group(1).split("|")


# ---- a run ----


def metadata_of(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length))["__metadata__"]


class Run:
    def __init__(self, given, mixer, layers, seed):
        self.given, self.mixer, self.layers, self.seed = given, mixer, layers, seed
        name = "-".join([mixer, *([f"{layers}-layers"] if layers else []), f"seed-{seed}"])
        self.model = os.path.join(given.folder, "runs", name + ".safetensors")
        self.log = os.path.join(given.folder, "runs", name + ".csv")

    def key(self):
        return self.mixer, self.layers, self.seed

    def options(self):
        given = self.given
        layers = ["--layers", self.layers] if self.layers else []
        stop = ["--stop-accuracy", f"{given.stop_accuracy:g}"] if given.stop_accuracy else []
        return ["--preset", given.preset, "--mixer", self.mixer, *layers, "--seed", self.seed,
                "--keep", "best", *stop, *given.train]  # fmt: skip

    def command(self):
        return shlex.join(["minrnn", "train", *self.options()])

    def train(self, program):
        goes_on = os.path.exists(self.model + ".state")
        return program.run("train", *self.options(), "--out", self.model, "--log", self.log,
                           "--resume" if goes_on else "--overwrite")  # fmt: skip

    def seconds(self, steps):
        """Of its steps, without evaluations and saves, over all the times it went on."""
        config = json.loads(metadata_of(self.model + ".state")["minrnn.trainer"])
        tokens = config["batch"] * config["accumulation"] * config["time"]
        return sum(tokens / float(step["tokens_per_second"]) for step in steps)

    def measure(self, program):
        """Trains what is left, and tests. Returns its row."""
        shown = self.train(program)
        tested = program.run("eval", "--model", self.model, "--split", "test", "--format", "csv")
        steps = read(self.log)
        best = max((step for step in steps if step["validation_accuracy"]),
                   key=lambda step: (float(step["validation_accuracy"]), -int(step["step"])))  # fmt: skip
        return dict(zip(COLUMNS, [
            self.mixer, self.layers, self.seed, metadata_of(self.model)["minrnn.task"],
            re.search(r"^device +(.+)$", shown, re.MULTILINE).group(1),
            metadata_of(self.model)["minrnn.version"],
            re.search(r"([\d,]+) parameters", shown).group(1).replace(",", ""),
            steps[-1]["step"], best["step"], best["validation_accuracy"],
            next(csv.DictReader(tested.splitlines()))["accuracy"], f"{self.seconds(steps):.1f}",
            self.command()]))  # fmt: skip


# ---- runs.csv ----


def as_line(values):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


class Rows:
    """The rows there are. A last line without its end is of a runner that was killed, and is dropped."""

    def __init__(self, path):
        self.path, self.guard = path, threading.Lock()
        if os.path.exists(path):
            with open(path, "rb+") as file:
                file.truncate(file.read().rfind(b"\n") + 1)
        if not os.path.exists(path) or os.path.getsize(path) == 0:
            self.append(COLUMNS)
        self.rows = {(row["mixer"], row["layers"], row["seed"]): row for row in read(path)}

    def append(self, values):
        with open(self.path, "a", encoding="utf-8", newline="") as file:
            file.write(as_line(values))
            file.flush()
            os.fsync(file.fileno())

    def add(self, row):
        with self.guard:
            self.append(row.values())
            self.rows[row["mixer"], row["layers"], row["seed"]] = row

    def of(self, run):
        row = self.rows.get(run.key())
        if row and row["command"] != run.command():
            raise Failure(f"{self.path} has another run of this name ({row['command']}); not "
                          f"{run.command()}: use another folder")  # fmt: skip
        return row


# ---- the table ----


def percent(accuracies):
    """Mean and deviation in %, and of how many."""
    values = [100 * value for value in accuracies]
    if not values:
        return "-"
    spread = f" +- {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread} ({len(values)})"


def published(table, mixer, layers):
    for row in read(os.path.join(HERE, "paper_tables.csv")):
        if (row["table"], row["mixer"], row["layers"]) == (table, mixer, layers):
            return row["accuracy"] + (f" +- {row['deviation']}" if row["deviation"] else "")
    return "-"


def print_columns(lines):
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def accuracies(rows, mixer, layers):
    return [float(row["test_accuracy"]) for row in rows if (row["mixer"], row["layers"]) == (mixer, layers)]


def table1(given, rows):
    counts = given.layers or [""]
    lines = [["mixer", *(f"{n} layer{'s' if n != '1' else ''}" for n in counts),
              *(f"paper: {n}" for n in counts)]]  # fmt: skip
    for mixer in given.mixers:
        lines.append([mixer, *(percent(accuracies(rows, mixer, n)) for n in counts),
                      *(published("table1", mixer, n) for n in counts)])  # fmt: skip
    return lines


def table2(given, rows):
    """The paper's rows in their order, then the mixers that it has no number of."""
    paper = [row for row in read(os.path.join(HERE, "paper_tables.csv")) if row["table"] == "table2"]
    lines = [["system", "layers", "paper", "here"]]
    for row in paper:
        there = [one for n in given.layers or [""] for one in accuracies(rows, row["mixer"], n)]
        lines.append([row["system"], row["layers"], published("table2", row["mixer"], row["layers"])
                      if row["mixer"] else row["accuracy"], percent(there)])  # fmt: skip
    for mixer in given.mixers:
        if mixer not in {row["mixer"] for row in paper}:
            there = [one for n in given.layers or [""] for one in accuracies(rows, mixer, n)]
            lines.append([mixer, ",".join(given.layers) or "preset's", "-", percent(there)])
    return lines


def print_table(given, rows):
    if rows:
        tasks = ", ".join(sorted({row["task"] for row in rows}))
        devices = ", ".join(sorted({row["device"] for row in rows}))
        seconds = sum(float(row["train_seconds"]) for row in rows)
        print(f"\nSelective copying, accuracy on the test split in %: mean +- standard deviation (seeds).\n"
              f"Scale: {tasks}; at most {max(int(row['steps']) for row in rows)} steps were needed.\n"
              f"The paper's: length 4096, 16 items, 400,000 steps.\n"
              f"{devices}; minrnn {rows[0]['version']}; {seconds / 3600:.2f} hours of training in all.\n")
    print_columns({"table1": table1, "table2": table2}[given.table](given, rows))


# ---- all runs ----


def lock_folder(folder):
    """A lock that ends with the last process that has it open."""
    lock = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    for _ in range(50):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            time.sleep(0.2)
    raise Failure(f"{folder} is in use by another runner")


def measure(program, rows, run):
    row = run.measure(program)
    rows.add(row)
    print(f"{run.mixer:8} layers {run.layers or '-'} seed {run.seed}: validation "
          f"{100 * float(row['validation_accuracy']):.2f} %, test {100 * float(row['test_accuracy']):.2f} % "
          f"after {row['steps']} steps, {float(row['train_seconds']):.0f} s",
          file=sys.stderr)  # fmt: skip


def train_all(program, rows, runs):
    """The first failure stops the others, which save."""
    failures = []
    with concurrent.futures.ThreadPoolExecutor(program.given.workers) as pool:
        left = [pool.submit(measure, program, rows, run) for run in runs if not rows.of(run)]
        for done in concurrent.futures.as_completed(left):
            if done.exception():
                failures.append(done.exception())
                program.stop()
    if failures:
        raise failures[0]


def names(text):
    return [part for part in text.split(",") if part]


def parse(arguments):
    own, train = arguments, []
    if "--" in arguments:
        own, train = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    parser = argparse.ArgumentParser(prog="tables.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("table", choices=sorted(LAYERS))
    parser.add_argument("folder")
    parser.add_argument("--preset", default="copy-small")
    parser.add_argument("--mixer", type=names, help="mixers (default: all)", dest="mixers")
    parser.add_argument("--layers", type=names, help="numbers of layers")
    parser.add_argument("--seeds", type=names, default=["1", "2", "3"])
    parser.add_argument("--stop-accuracy", type=float, default=0.995, help="0: train to the end")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="runs at once")
    parser.add_argument("--device", help="as minrnn devices names it")
    given = parser.parse_args(own)
    given.train = train
    given.minrnn = os.environ.get("MINRNN", os.path.join(HERE, "..", "build", "src", "cli", "minrnn"))
    given.workers = max(1, given.workers)
    given.threads = max(1, os.cpu_count() // given.workers)
    given.layers = names(LAYERS[given.table]) if given.layers is None else given.layers
    return given


def main(arguments):
    given = parse(arguments)
    os.makedirs(os.path.join(given.folder, "runs"), exist_ok=True)
    lock = lock_folder(given.folder)
    program = Program(given, lock)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: program.stop())
    given.mixers = given.mixers or program.mixers()
    rows = Rows(os.path.join(given.folder, "runs.csv"))
    runs = [Run(given, mixer, layers, seed) for seed in given.seeds for mixer in given.mixers
            for layers in given.layers or [""]]  # fmt: skip
    train_all(program, rows, runs)
    wanted = {run.key() for run in runs}
    print_table(given, [row for key, row in rows.rows.items() if key in wanted])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as error:
        sys.exit(f"tables.sh: {error}")
    except OSError as error:
        sys.exit(f"tables.sh: {error.filename}: {error.strerror}")
