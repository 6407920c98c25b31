#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a training step should take on a device that need not be here: a model on paper.

  predict.py TRACE [--device NAME] preset NAME [--batch N]
  predict.py TRACE [--device NAME] layer [--mixer NAME] [--width N] [--time N] [--batch N] [--classes N]
  predict.py ... --rules
  predict.py ... --check FILE
  predict.py TRACE --measured FOLDER --check FOLDER/profile.csv preset NAME

TRACE is build/tests/kernels/trace, which runs the real step on a described device and says what is
launched. devices.csv has the devices' numbers, each with its source; --set bandwidth_gb_s=10 gives one
another value, so that a device that is here can be described by what was measured. An op takes

  launches * launch_us + max(bytes / bandwidth, operations / (rate * fill), trips * latency * waves)

bytes count every tensor once; fill is the share of the multiprocessors that have a work-group; trips are the
dependent steps of a work-item, each a latency; waves are how often all resident work-groups change.
Nothing is fitted to a result. It prints the sum, and the three largest ops with the term that binds.

--rules exits with 1 if an op over 5 % of the step, and not bound by the time of a launch, has fewer work-groups
than half the multiprocessors; or if a launch has more than 65,535 in its second or third dimension, which NVIDIA's
drivers do not take.

--measured FOLDER takes what a device that is here reaches at most from FOLDER/copy.csv, gemm.csv and launch.csv,
what these subjects of minrnn bench print with --format csv. FOLDER/device.csv, which minrnn bench report
writes beside them, has the number of its units, and says which of the devices it is like, unless --device does.

--check FILE compares with measured times, what minrnn bench step (or layer) prints with --profile --format csv: it
prints measured / predicted for each op over 5 % of the step, as predicted or as measured, and exits with
1 if one is outside 0.6 to 1.7.

What is printed is predicted. It is no measurement."""

import argparse
import collections
import csv
import math
import os
import re
import signal
import subprocess
import sys

Launch = collections.namedtuple("Launch", "kernel options global_ local")
Op = collections.namedtuple("Op", "name sizes bytes operations launches")
Row = collections.namedtuple("Row", "op seconds binds")

LOWEST, HIGHEST = 0.6, 1.7  # measured / predicted


def devices():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "devices.csv")
    with open(path, encoding="utf-8") as file:
        return {row["device"]: row for row in csv.DictReader(file)}


def rows_of(folder, name):
    path = os.path.join(folder, name + ".csv")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def largest(rows, size, value):
    """The row of the largest size that has a value."""
    found = [row for row in rows if row[value]]
    return max(found, key=lambda row: int(row[size])) if found else None


def limits(folder, like):
    """What a device reached at most, by the names of devices.csv. A copy that fits into a cache tells of the
    cache: the largest one counts. So it is with launches, of which many hide the wait. Of units, as many make a
    multiprocessor as on the device that it is like."""
    found = {}
    copy = largest(rows_of(folder, "copy"), "bytes", "gb_s")
    launch = largest(rows_of(folder, "launch"), "launches", "median_ms")
    products = [float(row["gflop_s"]) for row in rows_of(folder, "gemm") if row["gflop_s"]]
    if copy:
        found["bandwidth_gb_s"] = float(copy["gb_s"])
    if products:
        found["gemm_tflop_s"] = 1e-3 * max(products)
    if launch:
        found["launch_us"] = 1e3 * float(launch["median_ms"]) / int(launch["launches"])
    for device in rows_of(folder, "device"):
        units, multiprocessors = int(like["compute_units"]), int(like["multiprocessors"])
        found["compute_units"] = int(device["units"])
        found["multiprocessors"] = max(1, int(device["units"]) * (multiprocessors or 1) // (units or 1))
    return found


def alike(folder):
    """Which of devices.csv a measured device is like: the ways that are taken on it, and latencies."""
    for device in rows_of(folder, "device"):
        if device["kind"] == "native":
            return None
        about = device["platform"] + " " + device["device"]
        makers = {"AMD": "rx6900xt", "Radeon": "rx6900xt", "Intel": "a770"}
        maker = [name for word, name in makers.items() if word in about]
        return "cpu" if device["kind"] in ("CPU", "emulator") else (maker or ["t4"])[0]
    return "cpu"


def read_trace(text):
    """The ops of the step; what comes before it is its making."""
    ops = []
    for line in text.splitlines():
        words = line.split("\t")
        if words[0] == "step":
            ops = []
        elif words[0] == "op":
            ops.append(Op(words[1], words[2], int(words[3]) + int(words[4]), float(words[5]), []))
        elif words[0] == "launch" and ops:
            sizes = [int(word) for word in words[3:]]
            ops[-1].launches.append(Launch(words[1], dict(re.findall(r"-D(\w+)=(\d+)", words[2])),
                                           sizes[:3], sizes[3:]))
    return ops


def size_of(op, name):
    found = re.search(r"\b%s (\S+)" % name, op.sizes)
    return float(found[1]) if found else 0


def is_walk(op):
    """Whether the op's launches wait for each other along time: products and cells of GRU and LSTM."""
    return op.name.startswith("recurrent_")


def trips_of(op, launch):
    """Dependent steps of one work-item, by what its kernel walks along."""
    option = lambda name: int(launch.options.get(name, 1))
    if is_walk(op):
        gates = 4 if size_of(op, "cell") == 2 else 3
        along = size_of(op, "width") * (gates if op.name == "recurrent_backward" else 1)
        return size_of(op, "time") * (along / option("SLAB") + 1)
    if launch.kernel == "scan_tile":
        return size_of(op, "time") / (option("ROWS") * option("BLOCK"))
    if launch.kernel.startswith("scan_"):
        chunks = launch.global_[2] if launch.kernel != "scan_carry" else 1
        return size_of(op, "time") / option("BLOCK") / max(chunks, 1)
    if launch.kernel == "selective_forward":
        return size_of(op, "time") / max(launch.global_[2], 1)
    if launch.kernel == "selective_backward":
        # A chunk is walked once more but for its last steps, and each step's states from the last stash.
        stride, chunk = option("STRIDE"), option("CHUNK")
        walks = 1 + (stride - 1) / 2 + (chunk - stride) / chunk
        return size_of(op, "time") / max(launch.global_[2], 1) * walks
    if launch.kernel == "gemm_group":
        steps = size_of(op, "rows" if op.name == "dense_gradients" else "k")
        segments = launch.global_[2] / max(size_of(op, "count"), 1)
        return steps / segments / option("SLAB")
    if launch.kernel == "column_sum":
        blocks = launch.global_[1] // launch.local[1]
        return size_of(op, "rows") / blocks / option("SLICES") / option("IN_FLIGHT")
    if launch.kernel == "embed_backward":
        return size_of(op, "rows") / launch.global_[1] / option("IN_FLIGHT")
    return 1


def groups_of(launch):
    return math.prod(max(1, whole // part) for whole, part in zip(launch.global_, launch.local))


def predict(op, device):
    number = lambda name: float(device[name])
    units = number("multiprocessors")
    launched = len(op.launches) * number("launch_us") * 1e-6
    if not op.launches:
        return Row(op, 0.0, "nothing")
    # The first launch does the work, and a second pass adds up what it left. A walk sets its state first, and
    # then its products are most of the work. A kernel of the op's own name does most of it.
    products = [launch for launch in op.launches if is_walk(op) and launch.kernel.startswith("gemm")]
    own = [launch for launch in op.launches if launch.kernel == op.name]
    main = (products or own or op.launches)[0]
    groups = groups_of(main)
    items = math.prod(main.local)
    resident = units * number("groups_a_multiprocessor") * max(1, 256 // items)
    terms = {
        "bytes": op.bytes / (number("bandwidth_gb_s") * 1e9),
        "operations": op.operations / (number("gemm_tflop_s") * 1e12 * min(1, groups / units)),
        "trips": trips_of(op, main) * number("latency_us") * 1e-6 * math.ceil(groups / resident),
    }
    binds = max(terms, key=terms.get)
    return Row(op, launched + terms[binds], binds if terms[binds] >= launched else "launches")


def show(rows, tokens, device):
    total = sum(row.seconds for row in rows)
    launches = sum(len(row.op.launches) for row in rows)
    print(f"predicted for {device['device']}: {total * 1e3:.2f} ms a step, {launches} launches, "
          f"{sum(row.op.bytes for row in rows) / 1e6:.0f} MB, "
          f"{sum(row.op.operations for row in rows) / 1e9:.1f} GFLOP, "
          f"{tokens / total:,.0f} tokens/s")
    binding = collections.Counter()
    for row in rows:
        binding[row.binds] += row.seconds
    print("bound by " + ", ".join(f"{name} {seconds / total:.0%}"
                                  for name, seconds in binding.most_common()))
    for row in sorted(rows, key=lambda row: -row.seconds)[:3]:
        print(f"  {row.seconds * 1e3:8.3f} ms  {row.binds:10}  {row.op.name} {row.op.sizes}")


def broken_rules(rows, device):
    total, units = sum(row.seconds for row in rows), float(device["multiprocessors"])
    broken = []
    for row in rows:
        for launch in row.op.launches[:1]:
            counts = row.seconds > 0.05 * total and row.binds != "launches"
            if counts and groups_of(launch) < units / 2:
                broken.append(f"{groups_of(launch)} work-groups on {units:.0f} multiprocessors: "
                              f"{launch.kernel}, {row.op.name} {row.op.sizes}")
        for launch in row.op.launches:
            if max(whole // part for whole, part in
                   zip(launch.global_[1:], launch.local[1:])) > 65535:
                broken.append(f"more than 65,535 groups: {launch.kernel} {launch.global_}, "
                              f"{row.op.name} {row.op.sizes}")
    return broken


def batch_of(path, preset):
    """The batch of a preset's measured step; "0", the preset's own, if it does not say."""
    with open(path, encoding="utf-8") as file:
        found = [row["batch"] for row in csv.DictReader(file) if row.get("preset") == preset]
    return found[0] if found else "0"


def check(rows, path, preset):
    """Compares the ops that take over 5 % of the step as predicted or as measured, each by name and
    sizes and all its calls together. Returns how many are outside."""
    predicted, calls = collections.Counter(), collections.Counter()
    for row in rows:
        key = f"{row.op.name} {row.op.sizes}"
        predicted[key] += row.seconds
        calls[key] += 1
    with open(path, encoding="utf-8") as file:
        once = {f"{row['op']} {row['sizes']}": 1e-3 * float(row["median_ms"])
                for row in csv.DictReader(file) if row.get("preset", preset) in (preset, "")}
    missing = [key for key in predicted if key not in once]
    if missing:
        print("  not measured: " + ", ".join(missing))
        return len(missing)
    measured = collections.Counter({key: once[key] * calls[key] for key in predicted})
    print(f"measured: {measured.total() * 1e3:.2f} ms a step, op by op, "
          f"{measured.total() / predicted.total():.2f} times the prediction")
    outside = 0
    for key, seconds in measured.most_common():
        if max(seconds / measured.total(), predicted[key] / predicted.total()) < 0.05:
            continue
        ratio = seconds / predicted[key]
        good = LOWEST <= ratio <= HIGHEST
        outside += not good
        print(f"  measured / predicted {ratio:5.2f}  {seconds / measured.total():4.0%} of the step  "
              f"{'' if good else 'OUTSIDE  '}{key}")
    return outside


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader may have seen enough
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description=__doc__)
    parser.add_argument("trace")
    parser.add_argument("--device")
    parser.add_argument("--measured", metavar="FOLDER")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--rules", action="store_true")
    parser.add_argument("--check", metavar="FILE")
    parser.add_argument("--all", action="store_true", help="every op, not the largest three alone")
    kinds = parser.add_subparsers(dest="kind", required=True)
    preset = kinds.add_parser("preset")
    preset.add_argument("name")
    preset.add_argument("--batch", help="default: that of --check, else the preset's own")
    layer = kinds.add_parser("layer")
    for option, value in [("mixer", "mingru"), ("width", "64"), ("time", "512"), ("batch", "64"),
                          ("classes", "16")]:
        layer.add_argument("--" + option, default=value)
    given = parser.parse_args()
    name = given.device or (alike(given.measured) if given.measured else "t4")
    if name is None:
        parser.error("the native CPU launches nothing: only OpenCL devices are predicted")
    if name not in devices():
        parser.error(f"no device {name}; there are {', '.join(devices())}")
    device = devices()[name]
    measured = limits(given.measured, device) if given.measured else {}
    if given.measured and not {"bandwidth_gb_s", "gemm_tflop_s", "launch_us"} <= set(measured):
        parser.error(f"{given.measured} lacks a measured copy.csv, gemm.csv or launch.csv")
    device.update({key: f"{value:.5g}" for key, value in measured.items()})
    for pair in given.set:
        name, _, value = pair.partition("=")
        if name not in device or not value:
            parser.error(f"--set {pair}: it takes NAME=VALUE, NAME being one of {', '.join(device)}")
        device[name] = value
    if given.kind == "preset" and not given.batch:
        given.batch = batch_of(given.check, given.name) if given.check else "0"
    words = (["preset", given.name, given.batch] if given.kind == "preset" else
             ["layer", given.mixer, given.width, given.time, given.batch, given.classes])
    try:
        traced = subprocess.run([given.trace, device["trace"], device["compute_units"], *words],
                                capture_output=True, text=True)
    except OSError as error:
        parser.error(f"cannot run {given.trace}: {error.strerror}")
    if traced.returncode:
        parser.error(traced.stderr.strip())
    text = traced.stdout
    tokens = int(re.search(r"^step\t(\d+)", text, re.MULTILINE)[1])
    if measured:
        print("measured limits: " + ", ".join(f"{key} {device[key]}" for key in measured))
    rows = [predict(op, device) for op in read_trace(text)]
    show(rows, tokens, device)
    if given.all:
        for row in rows:
            print(f"  {row.seconds * 1e3:8.3f} ms  {row.binds:10}  {row.op.name} {row.op.sizes}")
    broken = broken_rules(rows, device) if given.rules else []
    for rule in broken:
        print("  " + rule)
    return bool(broken or given.check and check(rows, given.check, getattr(given, "name", "")))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        sys.exit(f"predict.py: {error.filename}: {error.strerror}")
