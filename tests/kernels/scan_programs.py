#!/usr/bin/env python3
"""Compiles every scan program offline: scan_programs.py CL_FOLDER [--gpus]

Alone: each composition of operator, cell, pass and run, with warnings as errors. With --gpus: the
GPUs' specialisations to machine code for NVIDIA (ptxas) and AMD, none of which may spill registers to memory;
how many they take is printed. Exits with 77 where the compilers are missing."""
import itertools
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

OPTIONAL = ["RESET", "INIT", "LENGTHS", "H0", "H_LAST", "DH_LAST", "DB", "DH0", "DINIT"]
EVERYTHING = [f"-DHAS_{name}" for name in OPTIONAL]
CLC = {
    "nvidia": pathlib.Path("/usr/lib/clc/nvptx64--nvidiacl.bc"),
    "amd": pathlib.Path("/usr/lib/clc/amdgcn--amdhsa.bc"),
}


def programs():
    """Files and options of every program that scan.c can ask for, the optional tensors aside."""
    for direction, log, cell, run in itertools.product(
            ["forward", "backward"], [False, True], ["linear", "mingru", "minlstm"],
            ["serial", "tile", "chunk"]):
        operator = "log_affine" if log and direction == "forward" else "affine"
        parts = ["math", operator, "lane", cell, direction, run]
        candidates = [True] if log else [False] if cell == "linear" else [False, True]
        for g, normalised in itertools.product(candidates, [False, True][:1 + (cell == "minlstm")]):
            yield parts, (["-DLOG_INPUTS"] * log + ["-DCANDIDATE_G"] * g +
                          ["-DNORMALISED"] * normalised)


def compose(folder, parts):
    names = ["prelude.cl"] + [f"scan/{part}.cl" for part in parts]
    return "".join(f'#line 1 "{name}"\n{(folder / name).read_text()}' for name in names)


def clang(compiler, source, arguments):
    command = [compiler, "-x", "cl", "-cl-std=CL1.2", "-Xclang", "-finclude-default-header",
               "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-unused-function",
               *arguments, "-"]
    return subprocess.run(command, input=source, text=True, capture_output=True, check=False)


def check_syntax(compiler, source, options):
    for extra in [[], [*EVERYTHING, "-DVECTOR=16", "-DVECTORS=4", "-DAHEAD=8", "-DNONTEMPORAL"],
                  [*EVERYTHING, "-DREVERSED", "-DCARRIED_FROM=1", "-DCARRY_ON", "-DBLOCK=8"]]:
        yield clang(compiler, source, ["-target", "spir64", "-fsyntax-only", *options, *extra])


def build_gpu(compiler, gpu, source, options, scratch):
    """Machine code: kernel name -> registers, and the bytes that spilled."""
    target = {"nvidia": ["-target", "nvptx64-unknown-nvidiacl", "-march=sm_75"],
              "amd": ["-target", "amdgcn-amd-amdhsa", "-mcpu=gfx906", "-nogpulib"]}[gpu]
    assembly = scratch / "program.s"
    result = clang(compiler, source,
                   [*target, "-O3", "-Xclang", "-mlink-builtin-bitcode", "-Xclang",
                    str(CLC[gpu]), "-DHAVE_FMA", "-DBLOCK=8", *options, *EVERYTHING, "-S", "-o",
                    str(assembly), "-Wno-error"])
    if result.returncode:
        return result.stderr, None
    if gpu == "amd":
        text = assembly.read_text()
        kernels = re.findall(r"\.name: +(scan_\w+)", text)
        registers = re.findall(r"\.vgpr_count: +(\d+)", text)
        spilled = sum(map(int, re.findall(r"\.vgpr_spill_count: +(\d+)", text)))
        return dict(zip(kernels, registers)), spilled
    ptxas = subprocess.run(["ptxas", "-v", "-arch=sm_75", str(assembly), "-o",
                            str(scratch / "program.cubin")], text=True, capture_output=True,
                           check=False)
    if ptxas.returncode:
        return ptxas.stderr, None
    kernels = re.findall(r"entry function '(scan_\w+)'", ptxas.stderr)
    registers = re.findall(r"Used (\d+) registers", ptxas.stderr)
    return dict(zip(kernels, registers)), sum(
        map(int, re.findall(r"(\d+) bytes spill", ptxas.stderr)))


def main():
    folder, on_gpus = pathlib.Path(sys.argv[1]), "--gpus" in sys.argv[2:]
    compiler = shutil.which("clang-15") or shutil.which("clang")
    gpus = [gpu for gpu in CLC if CLC[gpu].exists() and (gpu == "amd" or shutil.which("ptxas"))]
    if not compiler or (on_gpus and not gpus):
        print("skipped: no clang, or neither libclc nor ptxas")
        return 77
    count = failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        for parts, options in programs():
            source = compose(folder, parts)
            label = " ".join(parts[1:] + options)
            if on_gpus:
                for gpu in gpus:
                    built, spilled = build_gpu(compiler, gpu, source, options, pathlib.Path(scratch))
                    print(f"{gpu}: {label}: {built}" + (f", {spilled} spilled" if spilled else ""))
                    count += 1
                    failures += spilled != 0 or not built
                continue
            for result in check_syntax(compiler, source, options):
                count += 1
                if result.returncode:
                    failures += 1
                    print(f"{label}:\n{result.stderr}")
    print(f"{count} programs, {failures} failed")
    return 1 if failures or not count else 0


sys.exit(main())
