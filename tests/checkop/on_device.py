#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs checkop on one device of the matrix, or says why that cannot be.

on_device.py DEVICE CHECKOP [ARGUMENT...]

Exits with checkop's status, with 77 if the device is not there, with 1 if Oclgrind has
anything to say. checkop's --device is set here."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
VENDORS = "/etc/OpenCL/vendors/"
# A folder without .icd files: a device's environment names its driver, and no other is loaded.
NO_DRIVERS = {"OCL_ICD_VENDORS": os.path.dirname(os.path.abspath(__file__)), "OCL_ICD_FILENAMES": ""}
POCL_REFUSES = "Unknown work group generation method"


def pocl(method):
    return {"OCL_ICD_VENDORS": VENDORS + "pocl.icd", "POCL_WORK_GROUP_METHOD": method}


# Each device's environment. INTEL_OPENCL_ICD names the .icd file or the library of Intel's runtime
# for CPUs.
DEVICES = {
    "cpu": {},
    "pocl-loopvec": pocl("loopvec"),
    # In half the time, for PoCL does not optimise; what the library keeps on disk does not say so.
    "pocl-unoptimised": {**pocl("loopvec"), "MINRNN_CACHE": "",
                         "POCL_EXTRA_BUILD_FLAGS": "-cl-opt-disable"},
    "pocl-cbs": pocl("cbs"),
    "pocl-workitemloops": pocl("workitemloops"),
    # Its threads then take denormals for zeros, as GPUs may; what the library keeps on disk does not say.
    "pocl-flushed": {"OCL_ICD_VENDORS": VENDORS + "pocl.icd", "MINRNN_CACHE": "",
                     "POCL_EXTRA_BUILD_FLAGS": "-cl-denorms-are-zero"},
    "rusticl": {"OCL_ICD_VENDORS": VENDORS + "rusticl.icd", "RUSTICL_ENABLE": "llvmpipe"},
    "oclgrind": {},
    "oclgrind-races": {},
    "oclgrind-uninitialised": {},
    "intel": {},
}
# Oclgrind looks for one kind of fault at a time, accesses outside of memory always.
OCLGRIND = {
    "oclgrind": [],
    "oclgrind-races": ["--data-races"],
    "oclgrind-uninitialised": ["--uninitialized"],
}


def intel_library():
    """The library of Intel's runtime, by INTEL_OPENCL_ICD or installed; None if there is none."""
    named = os.environ.get("INTEL_OPENCL_ICD")
    installed = sorted(glob.glob(VENDORS + "intel*cpu*.icd")) + [VENDORS + "intel64.icd"]
    for path in [named] if named else installed:
        if path.endswith(".icd") and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                path = file.read().strip()
        if os.path.exists(path):
            return path
    return None


def missing(device):
    """Why the device cannot be used here, before anything is run; None if nothing speaks
    against it."""
    vendors = DEVICES[device].get("OCL_ICD_VENDORS")
    if vendors and not os.path.exists(vendors):
        return vendors + " is not installed"
    if device in OCLGRIND and not shutil.which("oclgrind"):
        return "oclgrind is not installed"
    if device == "intel" and not intel_library():
        return "no Intel runtime for CPUs: set INTEL_OPENCL_ICD to its .icd file or libintelocl.so"
    return None


def refused(device, checkop, environment):
    """Why the device does something else than asked; None if it does not."""
    method = DEVICES[device].get("POCL_WORK_GROUP_METHOD")
    if not method:
        return None
    tried = subprocess.run([checkop, "--device", "opencl", "--op", "fill", "--case", "1"],
                           env={**environment, "MINRNN_CACHE": "", "POCL_KERNEL_CACHE": "0"},
                           capture_output=True, text=True, errors="replace", check=False)
    if POCL_REFUSES not in tried.stderr:
        return None
    version = re.search(r"Portable Computing Language, (\S+);", tried.stdout)
    return 'PoCL %s has no work-group method "%s" and takes its own choice' % (
        version.group(1) if version else "", method)


class Run:
    """What became of a run: `reason` says why there is none, or why it was of the device `ran` and
    not of the one asked for."""

    def __init__(self, device, code, output="", reason=None):
        self.ran, self.code, self.output, self.reason = device, code, output, reason


def run(device, checkop, arguments, accept_other=False, capture=False):
    """Runs checkop on a device. If PoCL refuses the method that the device's name says, it is
    skipped, or with `accept_other` run with the method that it takes."""
    # Threads that spin while they wait would take the cores of whatever else runs.
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ, **NO_DRIVERS, **DEVICES[device]}
    if "--rules" in arguments:
        environment["MINRNN_CACHE"] = ""  # programs that nobody will want again
    reason = missing(device)
    if reason:
        return Run(None, SKIP, reason=reason)
    reason = refused(device, checkop, environment)
    if reason and not accept_other:
        return Run(None, SKIP, reason=reason)
    name = "cpu" if device == "cpu" else "oclgrind" if device in OCLGRIND else "opencl"
    command = [checkop, "--device", name, *arguments]
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        if device in OCLGRIND:
            # Kernels are built without optimisation: Oclgrind does not know all that LLVM makes of
            # them otherwise. Its exit status is the program's, so its log is what tells.
            command = ["oclgrind", "--build-options", "-cl-opt-disable", "--log", log,
                       *OCLGRIND[device], *command]
        if device == "intel":
            # The loader takes files alone, and by the ending .icd.
            environment["OCL_ICD_VENDORS"] = os.path.join(folder, "intel.icd")
            with open(environment["OCL_ICD_VENDORS"], "w", encoding="utf-8") as file:
                file.write(intel_library() + "\n")
        result = subprocess.run(command, env=environment, text=True, errors="replace", check=False,
                                stdout=subprocess.PIPE if capture else None)
        said = ""
        if os.path.exists(log):
            with open(log, encoding="utf-8", errors="replace") as file:
                said = file.read().strip()
    if said:
        print(said[:20000], file=sys.stderr)
    return Run("pocl-auto" if reason else device, result.returncode or (1 if said else 0),
               result.stdout or "", reason)


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in DEVICES:
        print(__doc__ + "\nDEVICE is one of " + ", ".join(DEVICES), file=sys.stderr)
        return 2
    result = run(sys.argv[1], sys.argv[2], sys.argv[3:])
    if result.reason:
        print("skipped: " + result.reason)
    return result.code


if __name__ == "__main__":
    sys.exit(main())
