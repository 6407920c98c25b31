#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything public is documented: each header, function, type, member, enumerator and macro.

    documented.py SOURCE_ROOT

Doxygen with docs/Doxyfile reads the headers and names what lacks a comment, and whatever else it
complains of. It is silent on enumerators, on enumerations without a name, and on everything in a
header that does not say what it is: these are found in its XML. Prints file:line of each, and exits
with 1 if there is one, with 77 if there is no doxygen. The rule itself is tried too: if all
comments of the headers are made plain, it must miss each."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HEADERS = "include/minrnn"
# What is put behind the Doxyfile: its words win.
OPTIONS = "\nOUTPUT_DIRECTORY = out\nGENERATE_HTML = NO\nGENERATE_XML = YES\nXML_PROGRAMLISTING = NO\n"


def is_silent(element):
    """Whether it has no description."""
    return not any("".join(element.find(kind).itertext()).strip()
                   for kind in ("briefdescription", "detaileddescription"))


def silent_in_xml(work, header):
    """(line, what) of what doxygen does not name: the header itself, enumerators, enumerations without
    a name."""
    name = header.replace("_", "__").replace(".", "_8")
    file = ElementTree.parse(work / "out/xml" / (name + ".xml")).find("compounddef")
    if is_silent(file):
        yield 1, "The header is not documented."
    for enumeration in file.iterfind("sectiondef/memberdef[@kind='enum']"):
        line = int(enumeration.find("location").get("line"))
        if is_silent(enumeration) and not enumeration.findtext("name").isidentifier():
            yield line, "Enumeration without a name is not documented."
        for value in enumeration.iterfind("enumvalue"):
            if is_silent(value):
                yield line, "Enumerator %s is not documented." % value.findtext("name")


def findings(root, change):
    """What is found of the headers of `root`, each changed by change(name, text)."""
    with tempfile.TemporaryDirectory(prefix="minrnn documented ") as folder:
        work = pathlib.Path(folder).resolve()
        headers = sorted(path.name for path in (root / HEADERS).glob("*.h"))
        (work / HEADERS).mkdir(parents=True)
        for name in headers:
            text = (root / HEADERS / name).read_text(encoding="utf-8")
            (work / HEADERS / name).write_text(change(name, text), encoding="utf-8")
        settings = (root / "docs/Doxyfile").read_text(encoding="utf-8") + OPTIONS
        done = subprocess.run(["doxygen", "-"], input=settings, cwd=work, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        found = done.stderr.replace(str(work) + "/", "").splitlines()
        if done.returncode and not found:
            found = ["doxygen exits with %d" % done.returncode]
        for name in headers:
            found += ["%s/%s:%d: %s" % (HEADERS, name, *silent)
                      for silent in silent_in_xml(work, name)]
        return found if headers else ["no header found below %s" % (root / HEADERS)]


# ---- whether it finds what it should ----

COMMENT = re.compile(r"/\*\*<? (?!@)")


def plain(_, text):
    return COMMENT.sub("/* ", text)


def check_itself(root):
    """What is wrong with the rule, or None."""
    texts = [path.read_text(encoding="utf-8") for path in (root / HEADERS).glob("*.h")]
    removed = sum(len(COMMENT.findall(text)) for text in texts)
    found = findings(root, plain)
    missing = [line for line in found if line.endswith(" is not documented.")]
    if len(missing) != removed or removed == 0:
        return ("of %d comments that are made plain, %d are missed: is there one that documents "
                "nothing, or that this rule does not see?" % (removed, len(missing)))
    found = findings(root, lambda name, text: text.replace("/** @file", "/*")
                     if name == "batch.h" else text)
    expected = HEADERS + "/batch.h:1: The header is not documented."
    return None if expected in found else "batch.h says nothing of itself, which is not found"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    if not shutil.which("doxygen"):
        print("skipped: no doxygen")
        return 77
    found = findings(root, lambda _, text: text)
    wrong = "\n".join(found) if found else check_itself(root)
    if wrong:
        print(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
