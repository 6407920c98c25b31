# SPDX-License-Identifier: Apache-2.0
"""One worker: a copy of the tree with a build and caches of its own, and the project's tests in it."""
import ctypes
import filecmp
import fnmatch
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections import namedtuple
from concurrent import futures

CONFIGURATION = ["-Doptimization=1", "-Ddebug=false", "-Dc_args=-Werror=incompatible-pointer-types "
                 "-Werror=int-conversion -Werror=implicit-function-declaration"]
ADDRESS_SPACE = 24 << 30  # bytes; a mutated size must not take the machine down
FILE_BYTES = 1 << 30
CPU_FLOOR, CPU_FACTOR = 20, 4  # s, and times the unmutated run: more CPU time is an endless loop
PR_SET_PDEATHSIG = 1
STALLED = 45  # s in which a test uses no CPU time: a deadlock, however busy the machine is

# Which tests can reach a folder's code, by suite or name; the cheapest runs first. The rules and
# the consumers read sources and headers, not behaviour.
OPENCL_TESTS = ["pocl", "rusticl", "no_icd", "drivers", "kernels compile", "checkop oclgrind*",
                "checkop intel", "fuzz-cache"]
HOST_TESTS = ["cpu", "host", "check", "cli", "faults", "examples", "interop", "golden", "unit",
              "fuzz"]
MODEL_FOLDERS = ["layer", "mixer", "network", "train", "infer", "store", "task"]
REACH = {
    "cl": OPENCL_TESTS,
    "src/opencl": OPENCL_TESTS,
    "src/cpu": ["cpu", "checkop cpu", "check", "cli", "example-readme"],
    **{"src/" + folder: HOST_TESTS for folder in MODEL_FOLDERS},
}
# What goes by the clock fails beside other work.
TIMED_TESTS = ["clock-*"]
# Of the slow suite, these alone.
SLOW_TESTS = ["checkop oclgrind races", "checkop rusticl as *", "checkop pocl in parts",
              "kernels compile"]
LOOKED_AT = ["checkop cpu", "checkop rusticl", "checkop pocl"]
FAILED = re.compile(rb"^(\[  FAILED  \]|not ok |.*  FAILED  )", re.MULTILINE)
CHECKED_OP = re.compile(r"^(\w+) +\d+ +([\d.]+) .* ok ", re.MULTILINE)  # and its seconds
SKIPPED = 77

# verdict: caught, survived; or no mutant: invalid does not compile, same is the same machine code
Outcome = namedtuple("Outcome", "verdict by detail")


def folder_of(file):
    return next(folder for folder in REACH if file.startswith(folder + "/"))


def copy_tree(root, target):
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], cwd=root, capture_output=True, check=True)
    names = {name for name in listed.stdout.decode().split("\0") if (root / name).is_file()}
    for old in target.rglob("*"):
        if old.is_file() and old.relative_to(target).as_posix() not in names:
            old.unlink()
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        # What is the same already keeps its time, and its objects.
        if not (target / name).exists() or not filecmp.cmp(root / name, target / name, False):
            shutil.copy(root / name, target / name)


def limit(cpu_seconds):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))


class Progress:
    """Whether the processes of a session still use CPU time."""
    def __init__(self, session):
        self.session, self.used = session, -1
        self.checked = self.moved = time.monotonic()

    def stalled(self):
        now = time.monotonic()
        if now - self.checked > 5:
            self.checked, used = now, self.cpu_ticks()
            if used != self.used:
                self.used, self.moved = used, now
        return now - self.moved > STALLED

    def cpu_ticks(self):
        total = 0
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self.session:
                total += sum(map(int, fields[11:15]))
        return total


class Worker:
    def __init__(self, root, home):
        self.root, self.home = root, home
        self.tree, self.build = home / "tree", home / "build"
        self.cache, self.warm = home / "cache", home / "warm"
        self.baseline_file = home / "baseline.json"
        self.baseline = {}

    # ---- the tree ----

    def prepare(self):
        """The tree as it is now, built; caches and measured times of an earlier run are kept."""
        copy_tree(self.root, self.tree)
        if not (self.build / "build.ninja").exists():
            self.home.mkdir(parents=True, exist_ok=True)
            subprocess.run(["meson", "setup", self.build, self.tree, *CONFIGURATION], check=True,
                           stdout=subprocess.DEVNULL)
        self.ninja([], check=True)
        self.library = next(target["filename"][0] for target in self.meson("--targets")
                            if target["type"] == "shared library")
        self.code = self.machine_code()
        self.tests = self.introspect()
        if self.baseline_file.exists():
            self.baseline = json.loads(self.baseline_file.read_text())

    def ninja(self, targets, check=False):
        return subprocess.run(["ninja", "-C", self.build, *targets], check=check,
                              capture_output=True, text=True)

    def machine_code(self):
        """Of the whole library, without the names of what is static."""
        stripped = self.home / "stripped"
        subprocess.run(["strip", "--strip-all", "--remove-section=.note.gnu.build-id",
                        "--remove-section=.minrnn_build", "-o", stripped, self.library], check=True)
        return hashlib.sha256(stripped.read_bytes()).digest()

    def meson(self, what):
        text = subprocess.run(["meson", "introspect", what, self.build], check=True,
                              capture_output=True, text=True).stdout
        return json.loads(text)

    def introspect(self):
        files = {target["id"]: [os.path.relpath(name, self.build) for name in target["filename"]]
                 for target in self.meson("--targets")}
        tests = {}
        for test in self.meson("--tests"):
            suites = [suite.split(":")[-1] for suite in test["suite"]]
            matches = lambda patterns: any(fnmatch.fnmatch(word, pattern) for pattern in patterns
                                           for word in [test["name"], *suites])
            if matches(TIMED_TESTS) or "slow" in suites and not matches(SLOW_TESTS):
                continue
            test["reaches"] = {folder for folder in REACH if matches(REACH[folder])}
            if {"pocl", "rusticl"} & set(suites):
                test["reaches"].discard("src/cpu")
            if "rusticl" in suites or "checkop" in suites:
                # What calls the op table has met PoCL already; checkop calls the table itself.
                test["reaches"] -= {"src/" + folder for folder in MODEL_FOLDERS}
            test["targets"] = [name for one in test["depends"] for name in files.get(one, [])]
            tests["/".join([test["suite"][0].split(":")[0], test["name"]])] = test
        return tests

    # ---- the caches ----

    def contents(self, folder):
        found = {}
        for path in folder.rglob("*"):
            if path.is_file():
                stat = path.stat()
                found[path.relative_to(folder)] = (stat.st_size, stat.st_mtime_ns)
        return found

    def restore_cache(self):
        """As it was after the unmutated run, for a mutant may leave anything."""
        kept, now = self.contents(self.warm), self.contents(self.cache)
        for name in now:
            if name not in kept:
                (self.cache / name).unlink()
        for name, seen in kept.items():
            if now.get(name) != seen:
                (self.cache / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.warm / name, self.cache / name)
        shutil.rmtree(self.home / "tmp", ignore_errors=True)
        (self.home / "tmp").mkdir()

    def keep_cache(self):
        shutil.rmtree(self.warm, ignore_errors=True)
        shutil.copytree(self.cache, self.warm)

    # ---- tests ----

    def environment(self, test):
        own = {key: value for key, value in os.environ.items() if not key.startswith("MINRNN_")}
        own.update(OMP_WAIT_POLICY="passive", XDG_CACHE_HOME=str(self.cache),
                   TMPDIR=str(self.home / "tmp"), OCL_ICD_VENDORS=str(self.tree / "tests"))
        own.update(test["env"])
        return own

    def run_test(self, name, more=(), cost=None):
        """(exit status or what ended it, output, CPU seconds); stops at the first failure printed."""
        test = self.tests[name]
        cpu_seconds = 3600 if cost is None else int(CPU_FLOOR + CPU_FACTOR * cost)
        (self.home / "tmp").mkdir(exist_ok=True)
        self.cache.mkdir(exist_ok=True)
        log = self.home / f"{name.replace('/', ' ')}.log"
        before = time.monotonic()
        with open(log, "wb") as out:
            process = subprocess.Popen(
                [*test["cmd"], *more], stdout=out, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, cwd=test["workdir"] or self.build,
                env=self.environment(test), start_new_session=True,
                preexec_fn=lambda: limit(cpu_seconds))
        usage, result, seen = None, None, 0
        progress = Progress(process.pid)
        while result is None:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                result = os.waitstatus_to_exitcode(status)
                process.returncode = result
                break
            size = log.stat().st_size
            if size != seen:
                seen = size
                if FAILED.search(log.read_bytes()):
                    result = "failed"
            if time.monotonic() - before > test["timeout"] or progress.stalled():
                result = "time out"
            time.sleep(0.02)
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if process.returncode is None:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        text = log.read_bytes()[-200000:].decode(errors="replace")
        return result, text, usage.ru_utime + usage.ru_stime if usage else 0.0

    def measure(self, say, threads):
        """Runs every test on the unmutated tree for its cost. If it has OpenCL programs, twice: they
        have to be built the first time, and from then on if a kernel was changed. None: skipped."""
        missing = [name for name, test in self.tests.items()
                   if test["reaches"] and name not in self.baseline]
        if not missing:
            return
        shutil.rmtree(self.cache, ignore_errors=True)
        if self.warm.exists():
            shutil.copytree(self.warm, self.cache)
        baseline = dict(self.baseline)

        def measure_one(name):
            result, text, cpu = self.run_test(name)
            say(f"unmutated: {name}: {result}, {cpu:.1f} s of CPU time")
            baseline[name] = cpu if result == 0 else None
            if result == 0:
                baseline.update((f"{name} {op}", float(seconds))
                                for op, seconds in CHECKED_OP.findall(text))
                builds = "cl" in self.tests[name]["reaches"]
                baseline[f"{name} again"] = self.run_test(name)[2] if builds else cpu
            return None if result in (0, SKIPPED) else f"{name}: {result}\n{text[-3000:]}"

        with futures.ThreadPoolExecutor(threads) as pool:
            failures = list(filter(None, pool.map(measure_one, missing)))
        if failures:
            raise SystemExit("without a mutation fails " + "\n".join(failures))
        self.keep_cache()
        self.baseline = baseline
        self.baseline_file.write_text(json.dumps(baseline, indent=1))

    def adopt(self, other):
        """Takes caches and times from a worker that has measured."""
        self.baseline = other.baseline
        if not self.warm.exists():
            shutil.copytree(other.warm, self.warm)

    # ---- one mutant ----

    def judge(self, file, mutated, ops):
        path = self.tree / file
        original = path.read_text()
        path.write_text(mutated)
        try:
            return self.run_suite(file, ops)
        finally:
            path.write_text(original)
            self.restore_cache()

    def run_suite(self, file, ops):
        reached = [name for name, test in self.tests.items()
                   if self.baseline.get(name) is not None and folder_of(file) in test["reaches"]]
        again = "" if file.startswith("cl/") else " again"
        reached.sort(key=lambda name: self.baseline.get(name + again, self.baseline[name]))
        built = self.ninja([os.path.relpath(self.library, self.build)])
        if built.returncode:
            return Outcome("invalid", "compiler", first_error(built.stdout))
        if self.machine_code() == self.code:
            return Outcome("same", "compiler", "the same machine code")
        for name, more in [*self.looks(reached, ops), *((name, ()) for name in reached)]:
            built = self.ninja(self.tests[name]["targets"])
            if built.returncode:
                return Outcome("invalid", "compiler", first_error(built.stdout))
            cost = self.baseline[" ".join([name, *more[1:]])]
            result, text, _ = self.run_test(name, more, cost)
            if result in (0, SKIPPED):
                continue
            if file.startswith("cl/") and is_build_failure(name, text):
                return Outcome("invalid", name, first_error(text))
            return Outcome("caught", name, f"{result}: {first_failure(text)}")
        return Outcome("survived", "", f"{len(reached)} tests passed")

    def looks(self, reached, ops):
        """checkop's ops that the file serves come first: the same cases that the whole runs."""
        found = [(name, ("--op", op)) for name in reached for op in ops
                 if self.tests[name]["name"] in LOOKED_AT and f"{name} {op}" in self.baseline]
        return sorted(found, key=lambda look: self.baseline[f"{look[0]} {look[1][1]}"])


def is_build_failure(name, text):
    if name.endswith("kernels compile"):
        return "error:" in text and "[-Werror" not in text
    return "clBuildProgram failed" in text


def first_error(text):
    return next((line.strip() for line in text.splitlines() if "error:" in line), "")[:200]


def first_failure(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [line for line in lines if re.search(r"FAILED|not ok|rror|differ|assert", line)]
    return (found or lines[-1:] or [""])[0][:160]


def ops_of(root, file):
    """The ops that a source serves: those it defines, or those of what names the kernel file."""
    if file.startswith(("cl/scan/", "src/cpu/scan/", "src/opencl/scan")):
        return ["scan_forward", "scan_backward"]
    ops = ["gemm"] if "/gemm" in file else []
    text = (root / file).read_text()
    sources = [text]
    if file.startswith("cl/"):
        mention = f'"{file[3:]}"'
        sources = [path.read_text() for path in sorted((root / "src/opencl").glob("*.c"))
                   if mention in path.read_text()]
    for source in sources:
        ops += re.findall(r"^const struct (\w+)_op ", source, re.MULTILINE)
    return list(dict.fromkeys(ops))


class Lines:
    """Lines from several threads, one at a time."""
    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, line):
        with self.lock:
            print(line, flush=True)
