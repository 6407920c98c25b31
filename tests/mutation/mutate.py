#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mutation testing: changes one token at a time and sees whether the project's tests notice.

  mutate.py [--seed N] [--count N] [--within PATTERN...] [--chosen] [--only NAME] [--list]
            [--work FOLDER] [--workers N]

Draws COUNT mutations by SEED, uniformly over the tokens of the folders that suite.py names (sites.py
says which and why not others), adds those of chosen.py, and runs the tests that can
reach each, the cheapest first, until one fails. With --within the draw is over the files alone whose
path matches a pattern, as in --within 'cl/gemm*' 'src/opencl/*', and none is added. What does not compile is not counted, nor what
compiles to the same machine code (another processor's lines, say). Exits with 0 if 95 % are caught
and survivors.md explains every survivor.

Results are appended to FOLDER/results.jsonl; a stopped run goes on where it was. --only repeats one
mutant by its name (as printed), --list runs nothing."""
import argparse
import collections
import fnmatch
import json
import os
import pathlib
import queue
import random
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import chosen
import sites
import suite

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = (".c", ".h", ".cl")
REQUIRED = 0.95

Mutant = collections.namedtuple("Mutant", "name file line before after operator original mutated")


def squeeze(text):
    return " ".join(text.split())


def all_sites(root, within=("*",)):
    found = []
    for folder in sorted(suite.REACH):
        for path in sorted((root / folder).rglob("*")):
            file = path.relative_to(root).as_posix()
            if path.suffix in SOURCES and any(fnmatch.fnmatch(file, one) for one in within):
                found += sites.sites_of(file, path.read_text())
    return found


def changed_lines(original, mutated):
    """The lines that differ, before and after, as one text each: what names a mutant in survivors.md."""
    old, new = original.splitlines(), mutated.splitlines()
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return squeeze("\n".join(old[start:len(old) - end])), squeeze("\n".join(new[start:len(new) - end]))


def random_mutants(root, seed, count, within=("*",)):
    """Every token is as likely as any other, and so is each of its replacements."""
    tokens = collections.defaultdict(list)
    for site in all_sites(root, within):
        tokens[site.file, site.start].append(site)
    draw = random.Random(seed)
    for i, token in enumerate(draw.sample(list(tokens), count)):
        site = draw.choice(tokens[token])
        original = (root / site.file).read_text()
        yield Mutant(f"{seed}.{i}", site.file, sites.line_of(original, site.start), site.before,
                     site.after, site.operator, original, sites.apply(original, site))


def chosen_mutants(root):
    for name, file, old, new in chosen.MUTANTS:
        original = (root / file).read_text()
        if original.count(old) != 1:
            sys.exit(f"mutate.py: chosen mutant {name}: {file} has its text "
                     f"{original.count(old)} times, not once")
        yield Mutant(name, file, sites.line_of(original, original.index(old)), old, new, "chosen",
                     original, original.replace(old, new))


def explanations(path):
    """(file, line before, line after) -> why, from the table of survivors.md."""
    found = {}
    for line in path.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and cells[0].startswith("`"):
            file, before, after = (cell.strip("`").strip().replace("\\|", "|") for cell in cells[:3])
            found[file, squeeze(before), squeeze(after)] = cells[3]
    return found


def describe(mutant):
    before, after = changed_lines(mutant.original, mutant.mutated)
    return (f"{mutant.name}: {mutant.file}:{mutant.line} [{mutant.operator}] "
            f"{squeeze(mutant.before)!r} -> {squeeze(mutant.after)!r}\n    {before}\n    {after}")


def signature(mutant):
    return [mutant.name, mutant.file, *changed_lines(mutant.original, mutant.mutated)]


def run_all(mutants, options, results_file):
    """Judges what results_file does not hold yet; returns the results of all, in order."""
    results = {}
    if results_file.exists() and not options.only:
        for line in results_file.read_text().splitlines():
            result = json.loads(line)
            results[tuple(result["signature"])] = result
    left = queue.Queue()
    for mutant in mutants:
        if tuple(signature(mutant)) not in results:
            left.put(mutant)
    say = suite.Lines()
    if left.qsize():
        work(left, options, results, results_file, say)
    return [results[tuple(signature(mutant))] for mutant in mutants]


def work(left, options, results, results_file, say):
    workers = [suite.Worker(ROOT, options.work / f"worker{i}") for i in range(options.workers)]
    for worker in workers:
        worker.prepare()
    workers[0].measure(say, len(workers))
    for worker in workers:
        worker.adopt(workers[0])
        worker.restore_cache()
    lock = threading.Lock()

    def loop(worker):
        while True:
            try:
                mutant = left.get_nowait()
            except queue.Empty:
                return
            start = time.monotonic()
            outcome = worker.judge(mutant.file, mutant.mutated, suite.ops_of(ROOT, mutant.file))
            result = {"signature": signature(mutant), "folder": suite.folder_of(mutant.file),
                      "line": mutant.line, "operator": mutant.operator, **outcome._asdict(),
                      "seconds": round(time.monotonic() - start, 1)}
            with lock:
                results[tuple(result["signature"])] = result
                if not options.only:
                    with open(results_file, "a") as out:
                        out.write(json.dumps(result) + "\n")
            say(f"{describe(mutant)}\n    {outcome.verdict} {outcome.by} {outcome.detail}, "
                f"{result['seconds']} s")

    threads = [threading.Thread(target=loop, args=[worker]) for worker in workers]
    for thread in threads:
        thread.daemon = True
        thread.start()
    for thread in threads:
        thread.join()


def report(results, known):
    """The table and the survivors; returns whether the run passes."""
    folders = collections.defaultdict(collections.Counter)
    for result in results:
        for folder in (result["folder"], "all"):
            folders[folder][result["verdict"]] += 1
    print(f"\n{'folder':12} {'compile':>7} {'caught':>7} {'survive':>7} {'rate':>7}  not compiled  same code")
    for folder in sorted(folders, key=lambda name: (name == "all", name)):
        count = folders[folder]
        valid = count["caught"] + count["survived"]
        rate = f"{100 * count['caught'] / valid:.1f} %" if valid else "-"
        print(f"{folder:12} {valid:7} {count['caught']:7} {count['survived']:7} {rate:>7}  "
              f"{count['invalid']:12}  {count['same']:9}")
    unexplained = 0
    for result in results:
        if result["verdict"] == "survived":
            name, file, before, after = result["signature"]
            why = known.get((file, before, after))
            unexplained += why is None
            print(f"\nsurvivor {name}: {file}:{result['line']} [{result['operator']}]\n"
                  f"    {before}\n    {after}\n    {why or 'NOT EXPLAINED in survivors.md'}")
    seconds = sorted(result["seconds"] for result in results)
    if seconds:
        print(f"\n{len(seconds)} mutants, median {seconds[len(seconds) // 2]} s, all "
              f"{sum(seconds) / 60:.0f} min of workers; {unexplained} survivors not explained")
    count = folders["all"]
    valid = count["caught"] + count["survived"]
    return valid > 0 and count["caught"] >= REQUIRED * valid and unexplained == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--within", nargs="+", metavar="PATTERN")
    parser.add_argument("--chosen", action="store_true", help="the chosen mutants alone")
    parser.add_argument("--only", help="one mutant, by name")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/mutation")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    options.work = options.work.resolve()
    mutants = [] if options.within else list(chosen_mutants(ROOT))
    if not options.chosen:
        within = options.within or ["*"]
        if not all_sites(ROOT, within):
            parser.error(f"no file that is mutated matches {' '.join(within)}")
        mutants = list(random_mutants(ROOT, options.seed, options.count, within)) + mutants
    if options.only:
        mutants = [mutant for mutant in mutants if mutant.name == options.only]
        options.workers = 1
        if not mutants:
            parser.error(f"no mutant has the name {options.only}")
    if options.list:
        print("\n".join(map(describe, mutants)))
        return 0
    os.nice(5)
    options.work.mkdir(parents=True, exist_ok=True)
    results = run_all(mutants, options, options.work / "results.jsonl")
    return 0 if report(results, explanations(ROOT / "tests/mutation/survivors.md")) else 1


if __name__ == "__main__":
    sys.exit(main())
