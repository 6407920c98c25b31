#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The mutator itself: one token changes, and only where it may; what was chosen by hand is there."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import mutate
import sites

C = r'''
#include "a+b.h"
#ifndef BLOCK
#define BLOCK 8
#endif
/* 1 + 1 */
#define TWICE(x) (2 * (x))
int f(const struct thing *p, int n, int m) { // 3 + 3
    char text[256] = "4 + 4";
    if (!p || n < -1) {
        return fail(BAD, "n is %d", n + 5);
    }
    PREFETCH(p + 6);
#pragma unroll
    for (int i = 0; i < n; i++) {
        n += (int)-m * p->x[i];
    }
    q = g(n, m) + min(n, 0x1fu);
    return mem_alloc(2, sizeof *q);
}
'''

# Every change of C, in order: before, all that replaces it, what follows it.
EXPECTED = [
    ("2", "3 1 0", " * (x)"), ("*", "+ - /", " (x))"), ("!", "", "p ||"), ("||", "&&", " n <"),
    ("<", "<= >= > ==", " -1"), ("-", "", "1)"), ("1", "2 0", ") {"), ("0", "1", "; i <"),
    ("<", "<= >= > ==", " n; i"), ("++", "--", ") {"), ("+=", "-= =", " (int)"), ("-", "", "m *"),
    ("*", "+ - /", " p->x"), ("n", "m", ", m) +"), ("+", "- * /", " min"), ("min", "max", "(n, 0x"),
    ("0x1fu", "0x20u 0x1eu 0x0u", ");"), ("2", "1 0", ", sizeof"),
]


def check_operators():
    found = sites.sites_of("f.c", C)
    expected = [(before, after, follows) for before, replacements, follows in EXPECTED
                for after in replacements.split() or [""]]
    assert [(site.before, site.after) for site in found] == [row[:2] for row in expected], found
    for site, (before, after, follows) in zip(found, expected):
        assert C[site.start:].startswith(before + follows), (site, follows)
        mutated = sites.apply(C, site)
        assert mutated[:site.start] == C[:site.start]
        assert mutated.endswith(C[site.end:])
        assert mutated[site.start:len(mutated) - len(C[site.end:])] == (after or " ")


def check_tree(root):
    """One token of the real sources changes; the draw is the same again; another seed differs."""
    mutants = list(mutate.random_mutants(root, 1, 200))
    again = list(mutate.random_mutants(root, 1, 200))
    assert mutants == again
    assert [m[1:] for m in mutants] != [m[1:] for m in mutate.random_mutants(root, 2, 200)]
    for mutant in mutants:
        old, new = (sites.tokenize(text) for text in (mutant.original, mutant.mutated))
        texts = [[token.text for token in tokens] for tokens in (old, new)]
        same = sum(a == b for a, b in zip(*texts)) if len(old) == len(new) else None
        assert same == len(old) - 1 if mutant.after else len(new) == len(old) - 1, mutant.name
    found = mutate.all_sites(root)
    for folder in mutate.suite.REACH:
        assert sum(site.file.startswith(folder + "/") for site in found) > 100, folder


def check_chosen(root):
    chosen = list(mutate.chosen_mutants(root)) # exits where a text is not there once
    assert len(chosen) >= 20
    assert len({mutant.name for mutant in chosen}) == len(chosen)
    assert all(mutant.mutated != mutant.original for mutant in chosen)


def check_survivors(root):
    """What is explained is still the code."""
    for file, before, _ in mutate.explanations(root / "tests/mutation/survivors.md"):
        assert before in mutate.squeeze((root / file).read_text()), f"{file}: {before}"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    check_operators()
    check_tree(root)
    check_chosen(root)
    check_survivors(root)


main()
