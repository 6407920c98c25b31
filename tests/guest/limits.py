# SPDX-License-Identifier: Apache-2.0
"""`minrnn train` under a limit on what it would take: address space, threads, a share of the
processors. It ends by itself, without a signal, with exit code 0 or with 1 and one line;
and what it computes is what it computes without a limit.

limits.py MINRNN KIND    (address-space, threads, quota)
"""

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time

SECONDS = 120  # a run takes one or two; after that it hangs
TEXT = "".join("%d little words and %d more, to be or not\n" % (i, i * i) for i in range(200))
# Large enough for the work to be shared out.
OPTIONS = ["--width", "64", "--layers", "1", "--batch", "16", "--time", "64", "--steps", "3",
           "--eval-every", "0", "--eval-batches", "1"]
SKIPPED = 77


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED)


class Runs:
    """Training runs in a folder of their own, on two processors, as OpenBLAS makes a thread for each
    when it is loaded."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.processors = sorted(os.sched_getaffinity(0))[:2]
        with open(folder + "/text", "w", encoding="utf-8") as file:
            file.write(TEXT)

    def start(self, arguments, prepare=None, environment=None):
        def prepared():
            os.sched_setaffinity(0, self.processors)
            if prepare:
                prepare()
        return subprocess.Popen([self.program, *arguments], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, preexec_fn=prepared,
                                env={**os.environ, **(environment or {})})

    def train(self, device, prepare=None, environment=None):
        """(exit code, last line of stderr, model or None)"""
        model = self.folder + "/model"
        for path in (model, model + ".state"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        process = self.start(["train", "--device", device, "--data", self.folder + "/text", "--out",
                              model, *OPTIONS], prepare, environment)
        try:
            _, errors = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return "it hung", "", None
        lines = [line for line in errors.splitlines() if line.startswith("minrnn: ")]
        content = None
        if os.path.exists(model):
            with open(model, "rb") as file:
                content = file.read()
        if process.returncode == 1 and len(lines) != 1:
            return "exit code 1 without one line", errors, content
        return process.returncode, lines[-1] if lines else "", content


def judge(name, result, expected, codes):
    code, line, model = result
    print(f"{name}: {code} {line}")
    if code not in codes or (code == 0 and model != expected):
        sys.exit(f"{name}: exit code {code}, {line or 'another model than without a limit'}")


def address_space(runs):
    def limited(megabytes):
        size = megabytes * 1000 * 1000
        return lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))
    _, _, expected = runs.train("cpu")
    for megabytes in (100, 200, *range(300, 1001, 100)):
        for device in ("cpu", "auto"):
            result = runs.train(device, limited(megabytes))
            # OpenBLAS: its own thread and the one that trains have a buffer of 128 MiB each.
            judge(f"ulimit -v {megabytes} MB, {device}", result, expected,
                  (0,) if megabytes >= 600 else (0, 1))
        code, line, _ = runs.train("opencl", limited(megabytes))
        print(f"ulimit -v {megabytes} MB, opencl: {code} {line}")
        if code not in (0, 1):
            sys.exit(f"OpenCL with {megabytes} MB of address space: {code} {line}")


# ---- control groups that a test may make ----


def group_folder(controller, file):
    """A new control group: version 1, or 2 if the top hands the controller on."""
    for top in ("/sys/fs/cgroup/" + controller, "/sys/fs/cgroup"):
        folder = f"{top}/minrnn-test-{os.getpid()}"
        with contextlib.suppress(OSError):
            os.mkdir(folder)
            if os.path.exists(f"{folder}/{file}") and os.access(f"{folder}/{file}", os.W_OK):
                return folder
            os.rmdir(folder)
    return None


@contextlib.contextmanager
def group(controller, files):
    folder = group_folder(controller, next(iter(files)))
    if folder:
        try:
            for name, value in files.items():
                with open(f"{folder}/{name}", "w", encoding="ascii") as file:
                    file.write(value)
            yield folder
        finally:
            for _ in range(100):  # until the last process is gone
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
                    break
                time.sleep(0.05)
    else:
        yield None


def enter(folder):
    def prepare():
        with open(folder + "/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
    return prepare


def threads(runs):
    tried = False
    _, _, expected = runs.train("cpu")
    # 2: the process and the thread that OpenBLAS makes when it is loaded, without which it ends it.
    for most in (2, 3, 4, 5, 8):
        with group("pids", {"pids.max": str(most)}) as folder:
            if not folder:
                break
            tried = True
            for wanted in ("2", "7"):
                for device in ("cpu", "auto"):
                    judge(f"pids.max {most}, {wanted} threads, {device}",
                          runs.train(device, enter(folder), {"OMP_NUM_THREADS": wanted}), expected,
                          (0,))
            code, line, _ = runs.train("opencl", enter(folder))
            print(f"pids.max {most}, opencl: {code} {line}")
            if code not in (0, 1):
                sys.exit(f"OpenCL with pids.max {most}: {code} {line}")
    if not tried:
        # A stack that does not fit stands for a thread that cannot be made.
        judge("OMP_STACKSIZE", runs.train("cpu", None, {"OMP_STACKSIZE": "900000G",
                                                         "OMP_NUM_THREADS": "2"}), expected, (0,))
        print("no control group for threads can be made here: tried with a stack alone")


def units(runs, prepare, environment=None):
    output, _ = runs.start(["devices"], prepare, environment).communicate(timeout=SECONDS)
    for line in output.splitlines():
        words = line.replace("*", " ").split()
        if words[:2] == ["0", "cpu"]:
            return int(words[4])
    sys.exit("no line of the CPU in:\n" + output)


def quota(runs):
    version1 = {"cpu.cfs_quota_us": "100000", "cpu.cfs_period_us": "100000"}
    for files in (version1, {"cpu.max": "100000 100000"}):
        with group("cpu", files) as folder:
            if not folder:
                continue
            whole, granted = units(runs, None), units(runs, enter(folder))
            asked = units(runs, enter(folder), {"OMP_NUM_THREADS": "2"})
            print(f"threads: {whole} without a quota, {granted} with 1 CPU, {asked} when asked for 2")
            if whole != len(runs.processors) or granted != 1 or asked != 2:
                sys.exit("they should be all, 1 and 2")
            return
    skip("no control group with a CPU quota can be made here")


def main():
    kinds = {"address-space": address_space, "threads": threads, "quota": quota}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_STACKSIZE"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as folder:
        kinds[sys.argv[2]](Runs(sys.argv[1], folder))


main()
