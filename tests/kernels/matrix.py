#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles the programs that the device rules choose, offline: matrix.py PROGRAMS [--quick]

PROGRAMS is the tool of that name beside this file, which says what those are. They are built for
NVIDIA sm_75 (a T4; PTX, then ptxas if there is one), AMD gfx906 and gfx1030, and as SPIR-V for
Intel. Prints a row of CSV for each kernel, specialisation and work-group, and fails on a warning, a
spilled register, private memory, too much local memory, a work-group that cannot run, too little
occupancy of a T4, or SPIR-V that is not valid, needs more than OpenCL 1.2's full profile (doubles,
subgroups, ...) or was asked for fast mathematics. --quick: SPIR-V only, for a GPU and the kinds of
CPUs, and fewer specialisations. Exits with 77 if the compilers are missing.

What is assumed: ptxas is given no bound on the work-group. A driver may derive one from
reqd_work_group_size; up to 256 work-items that changes nothing, because 255 registers fit. If the
driver chooses the work-group (0 x 0 x 0), it is counted as one of 64. Occupancy is the share of the
threads that a multiprocessor can hold, as registers, local memory and work-groups allow."""
import collections
import concurrent.futures
import csv
import itertools
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-unused-function"]
# SPIR-V's numbers of what every device of OpenCL 1.2 has, all told: no doubles, halves, subgroups, atomics of floats or 64 bits.
CAPABILITIES = {4: "Addresses", 5: "Linkage", 6: "Kernel", 7: "Vector16", 11: "Int64", 22: "Int16",
                39: "Int8"}
MOST_LOCAL_BYTES = 32 << 10
LEAST_OCCUPANCY = {"forward": 0.75, "backward": 0.5}  # of scans, on a T4
UNKNOWN_WORK_GROUP = 64
USUAL_STATES = 16  # of a channel of a selective scan
CLC = pathlib.Path("/usr/lib/clc")

# A kernel's machine code: registers of a work-item (AMD: scalar registers of a wave, too), spilled
# registers (NVIDIA: bytes of stores and loads), bytes of private and of local memory.
Usage = collections.namedtuple("Usage", "registers scalars spills private local")

# What `programs` says: a program's kernel, and a work-group it is launched with.
Launch = collections.namedtuple("Launch", "files options kernel work_group local")


class Failure(Exception):
    """A program that did not build, or is not what it must be; the text says why."""


def run(*command):
    result = subprocess.run(list(map(str, command)), text=True, capture_output=True, check=False)
    if result.returncode:
        raise Failure(result.stderr.strip() or f"{command[0]} exits with {result.returncode}")
    return result.stdout + result.stderr


def tool(name):
    return shutil.which(name + "-15") or shutil.which(name)


# ---- what the compilers say ----

def parse_ptxas(text):
    """ptxas -v: kernel name -> usage."""
    usages = {}
    for part in text.split("Compiling entry function '")[1:]:
        memory = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, "
                           r"(\d+) bytes spill loads", part)
        registers = re.search(r"Used (\d+) registers", part)
        local = re.search(r"(\d+) bytes smem", part)
        if not memory or not registers:
            raise Failure("ptxas says nothing of a kernel: " + part)
        stack, stores, loads = map(int, memory.groups())
        usages[part[:part.index("'")]] = Usage(int(registers[1]), 0, stores + loads, stack,
                                               int(local[1]) if local else 0)
    return usages


def parse_amd(assembly):
    """The metadata at the end of AMD's assembly: kernel name -> usage."""
    usages = {}
    kernels = re.search(r"^amdhsa\.kernels:\n((?:  .*\n)*)", assembly, flags=re.MULTILINE)
    for part in re.split(r"^  - ", kernels[1], flags=re.MULTILINE)[1:]:
        value = dict(re.findall(r"^    \.(\w+): +(\S+)$", "    " + part, flags=re.MULTILINE))
        try:
            usages[value["name"]] = Usage(
                int(value["vgpr_count"]), int(value["sgpr_count"]),
                int(value["vgpr_spill_count"]) + int(value["sgpr_spill_count"]),
                int(value["private_segment_fixed_size"]), int(value["group_segment_fixed_size"]))
        except KeyError as missing:
            raise Failure(f"the metadata of a kernel has no {missing}") from missing
    return usages


# ---- occupancy ----

def ceil_to(value, unit):
    return -(-value // unit) * unit


def groups_that_fit(waves, waves_by_registers, most_groups, local, local_bytes):
    """Work-groups of so many waves that a multiprocessor holds at once."""
    by_local = local_bytes // local if local else most_groups
    return min(most_groups, waves_by_registers // waves, by_local)


def occupancy_sm_75(usage, work_items, local):
    """Four parts of 16 K registers and 8 warps, registers in units of 256 a warp; 16 work-groups."""
    warps = -(-work_items // 32)
    by_registers = 4 * min(8, 16384 // ceil_to(32 * max(usage.registers, 1), 256))
    return warps * groups_that_fit(warps, by_registers, 16, ceil_to(local, 256), 64 << 10) / 32


def occupancy_gfx906(usage, work_items, local):
    """A compute unit: 4 SIMDs of 10 waves of 64, 256 vector registers in units of 4 and 800 scalar
    ones in units of 16; 16 work-groups if they have more than one wave."""
    waves = -(-work_items // 64)
    each = min(10, 256 // ceil_to(max(usage.registers, 1), 4),
               800 // ceil_to(max(usage.scalars, 1), 16))
    groups = groups_that_fit(waves, 4 * each, 16 if waves > 1 else 40, local, 64 << 10)
    return waves * groups / 40


def occupancy_gfx1030(usage, work_items, local):
    """A work-group processor: 4 SIMDs of 16 waves of 32, 1024 vector registers in units of 16;
    scalar ones never run out; 32 work-groups if they have more than one wave."""
    waves = -(-work_items // 32)
    each = min(16, 1024 // ceil_to(max(usage.registers, 1), 16))
    groups = groups_that_fit(waves, 4 * each, 32 if waves > 1 else 64, local, 128 << 10)
    return waves * groups / 64


# ---- the targets ----

def clang(source, options, output, *arguments):
    return run(tool("clang"), "-x", "cl", *options, *WARNINGS, *arguments, "-o", output, source)


def library(name):
    return ["-Xclang", "-mlink-builtin-bitcode", "-Xclang", CLC / name]


def build_sm_75(source, options, stem):
    ptx = stem.with_suffix(".ptx")
    clang(source, options, ptx, "-target", "nvptx64-unknown-nvidiacl", "-march=sm_75", "-O3", "-S",
          *library("nvptx64--nvidiacl.bc"))
    if not shutil.which("ptxas"):
        return {}
    return parse_ptxas(run("ptxas", "-v", "-arch=sm_75", ptx, "-o", stem.with_suffix(".cubin")))


def build_amd(processor):
    def build(source, options, stem):
        assembly = stem.with_suffix(".s")
        clang(source, options, assembly, "-target", "amdgcn-unknown-amdhsa", "-mcpu=" + processor,
              "-nogpulib", "-O3", "-S", *library("amdgcn--amdhsa.bc"))
        return parse_amd(assembly.read_text())
    return build


def build_spirv(source, options, stem):
    """Unoptimised, as such modules are handed over: the driver does that. No usage is known."""
    bitcode, module = stem.with_suffix(".bc"), stem.with_suffix(".spv")
    clang(source, options, bitcode, "-target", "spir64", "-Xclang", "-cl-ext=-all", "-O0", "-c",
          "-emit-llvm")
    if not tool("llvm-spirv") or not shutil.which("spirv-val"):
        return {}
    run(tool("llvm-spirv"), "--spirv-max-version=1.0", bitcode, "-o", module)
    run("spirv-val", "--target-env", "opencl1.2", module)
    beyond = capabilities_of(module.read_bytes()) - set(CAPABILITIES)
    if beyond:
        raise Failure(f"the module needs the capabilities {sorted(beyond)}")
    return {}


def capabilities_of(module):
    """The operands of a SPIR-V module's leading OpCapability instructions (17), two words each."""
    words = [word for word, in struct.iter_unpack("<I", module)][5:]
    operands = itertools.takewhile(lambda pair: pair[0] == 2 << 16 | 17, zip(words[::2], words[1::2]))
    return {operand for _, operand in operands}


Target = collections.namedtuple("Target", "device build occupancy missing")


def missing(bitcode):
    """What machine code needs and is not here: a library, and the compiler of its version."""
    compiler = [] if shutil.which("clang-15") else ["clang-15"]
    return compiler + ([] if (CLC / bitcode).exists() else [str(CLC / bitcode)])


TARGETS = {
    "sm_75": Target("t4", build_sm_75, occupancy_sm_75, missing("nvptx64--nvidiacl.bc")),
    "gfx906": Target("gfx906", build_amd("gfx906"), occupancy_gfx906,
                     missing("amdgcn--amdhsa.bc")),
    "gfx1030": Target("gfx1030", build_amd("gfx1030"), occupancy_gfx1030,
                      missing("amdgcn--amdhsa.bc")),
    "SPIR-V intel": Target("intel", build_spirv, None, []),
    "SPIR-V cpu": Target("cpu", build_spirv, None, []),
    "SPIR-V scalar": Target("scalar", build_spirv, None, []),
}
QUICK = ["SPIR-V intel", "SPIR-V cpu", "SPIR-V scalar"]
WHOLE = ["sm_75", "gfx906", "gfx1030", "SPIR-V intel"]


# ---- the matrix ----

def read_launches(text):
    """What `programs` prints: (number of the source, options) -> launches."""
    programs = collections.defaultdict(list)
    for line in text.splitlines():
        number, files, options, kernel, group, local = line.split("\t")
        programs[number, options].append(
            Launch(files, options, kernel, tuple(map(int, group.split())), int(local)))
    return programs


def has_many_states(launch):
    """Whether a selective scan has more states than models do: no registers hold them all."""
    found = re.search(r"-DSTATES=(\d+)", launch.options)
    return found is not None and int(found[1]) > USUAL_STATES


def faults(launch, target, usage, occupancy):
    """What is wrong with a kernel's machine code."""
    found = []
    if (usage.spills or usage.private) and not has_many_states(launch):
        found.append(f"spills {usage.spills}, private memory {usage.private}")
    if usage.local + launch.local > MOST_LOCAL_BYTES:
        found.append(f"local memory past {MOST_LOCAL_BYTES}")
    least = 0.0
    if target == "sm_75" and launch.kernel.startswith("scan_"):
        least = LEAST_OCCUPANCY["forward" if "scan/forward.cl" in launch.files else "backward"]
    if not occupancy >= least or occupancy == 0:
        found.append(f"occupancy below {least:.0%}")
    return "; ".join(found)


def options_of(text):
    """A program's options: nothing but the language and definitions."""
    options = text.split()
    others = {option for option in options if not option.startswith("-D")} - {"-cl-std=CL1.2"}
    if others or "-cl-std=CL1.2" not in options:
        raise Failure("options that must not be, or no -cl-std=CL1.2: " + text)
    return options


def rows_of(target, source, launches, stem):
    """Builds a program; its rows of the table, what is wrong last."""
    kind = TARGETS[target]
    first = launches[0]
    files = " ".join(name.removesuffix(".cl") for name in first.files.split()[1:])
    options = " ".join(word.removeprefix("-D") for word in first.options.split()[1:]
                       if not word.startswith("-DKERNEL_"))
    try:
        usages = kind.build(source, options_of(first.options), stem)
        if usages and set(usages) != {first.kernel}:
            raise Failure(f"the program's kernels are {sorted(usages)}")
        for launch in launches:
            group = "x".join(map(str, launch.work_group))
            head = [target, launch.kernel, files, options, group]
            if not usages:
                yield head + [""] * 5 + [""]
                continue
            usage = usages[launch.kernel]
            items = UNKNOWN_WORK_GROUP
            if any(launch.work_group):
                items = max(launch.work_group[0], 1) * max(launch.work_group[1], 1) * max(
                    launch.work_group[2], 1)
            local = usage.local + launch.local
            occupancy = kind.occupancy(usage, items, local)
            yield head + [usage.registers, usage.spills, usage.private, local,
                          f"{occupancy:.0%}", faults(launch, target, usage, occupancy)]
    except Failure as failure:
        yield [target, first.kernel, files, options, ""] + [""] * 5 + [str(failure)]


HEADER = ["target", "kernel", "files", "options", "work-group", "registers", "spills",
          "private bytes", "local bytes", "occupancy", "fault"]


def matrix(programs, targets, arguments, scratch, write):
    """All rows of the table; returns how many there were, and how many had faults."""
    count = failures = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = []
        for target in targets:
            folder = scratch / target.replace(" ", "_")
            folder.mkdir()
            listing = run(programs, TARGETS[target].device, folder, *arguments)
            for place, ((number, _), launches) in enumerate(read_launches(listing).items()):
                jobs.append(pool.submit(lambda *a: list(rows_of(*a)), target,
                                        folder / f"{number}.cl", launches, folder / f"p{place}"))
        for job in jobs:
            for row in job.result():
                write(row)
                count += 1
                failures += row[-1] != ""
    return count, failures


def main():
    programs, quick = sys.argv[1], "--quick" in sys.argv[2:]
    wanted = QUICK if quick else WHOLE
    targets = [target for target in wanted if not TARGETS[target].missing]
    if not tool("clang"):
        print("skipped: no clang")
        return 77
    notes = [f"{target} left out: no {' or '.join(TARGETS[target].missing)}"
             for target in wanted if TARGETS[target].missing]
    if not shutil.which("ptxas") and not quick:
        notes.append("sm_75 to PTX only: no ptxas")
    if not tool("llvm-spirv") or not shutil.which("spirv-val"):
        notes.append("SPIR-V only to LLVM's form: no llvm-spirv, or no spirv-val")
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(HEADER)
    with tempfile.TemporaryDirectory() as scratch:
        count, failures = matrix(programs, targets, [] if quick else ["--all"],
                                 pathlib.Path(scratch), table.writerow)
    for note in notes:
        print(note)
    print(f"{count} rows, {failures} failed")
    return 1 if failures or not count else 0


if __name__ == "__main__":
    sys.exit(main())
