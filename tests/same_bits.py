#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether two builds of the command compute the same: trains with both and compares every parameter
and every moment, bit for bit.

  same_bits.py OLD NEW [TEXT] [--quick]

OLD and NEW are `minrnn` programs. Without TEXT a made-up one is used. Devices are the native CPU and
the OpenCL device that OCL_ICD_VENDORS gives. --quick leaves out the large preset. Exits with 1 if
anything differs. For changes that must not change what is computed."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile

SMALL = ["--preset", "small", "--steps", "20"]
RUNS = {
    "small, 20 steps": SMALL,
    "minLSTM, normalised, g, log, 20 steps": [
        *SMALL, "--mixer", "minlstm", "--normalised", "--candidate", "g", "--scan", "log",
        "--learned-init", "--forget-offset", "2", "--dropout", "0.1", "--feed-forward", "geglu",
        "--conv-pointwise", "--accumulation", "2", "--batch", "8"],
    "shakespeare, 3 steps": ["--preset", "shakespeare", "--steps", "3"],
}
TEXT = "".join("%d little words and %d more, to be or not\n" % (i, i * i) for i in range(4000))


def tensors(path):
    """{name: bytes} of a safetensors file."""
    data = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    return {name: (entry["shape"], data[8 + length + entry["data_offsets"][0]:
                                        8 + length + entry["data_offsets"][1]])
            for name, entry in header.items()}


def train(program, device, text, options, out):
    subprocess.run([program, "train", "--device", device, "--data", text, "--out", out,
                    "--eval-every", "0", "--eval-batches", "1", *options], check=True,
                   stdout=subprocess.DEVNULL)
    return tensors(out + ".state")


def main():
    quick = "--quick" in sys.argv
    given = [argument for argument in sys.argv[1:] if argument != "--quick"]
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        text = folder + "/text"
        pathlib.Path(text).write_text(TEXT)
        text = given[2] if len(given) > 2 else text
        for device in ("cpu", "opencl"):
            for name, options in RUNS.items():
                if quick and "shakespeare" in name:
                    continue
                old = train(given[0], device, text, options, folder + "/old")
                new = train(given[1], device, text, options, folder + "/new")
                wrong = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
                different += len(wrong)
                print("%-6s  %-40s  %d tensors, %s" % (
                    device, name, len(old),
                    "identical" if not wrong else "DIFFERENT: " + ", ".join(wrong[:4])), flush=True)
                for path in pathlib.Path(folder).glob("???*"):
                    if path.name.startswith(("old", "new")):
                        path.unlink()
    return 1 if different else 0


sys.exit(main())
