#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the binary interface with that of the soname's first release, libminrnn.abi here.

    abidiff.py INCLUDE_DIR LIBRARY COMPILER...
    abidiff.py --renew INCLUDE_DIR LIBRARY COMPILER...

What is compared is what the public headers declare, and the soname: a library of empty functions is
made of them, so that neither build options nor the library's own types play a part. Allowed are new
functions, new values at the end of an enumeration, and new members at the end of the structs that
grow, behind all bytes that were there. Everything else breaks programs.

--renew writes the stored file: before a release that gives the library another soname, and until
0.1.0 is released with every change that this test finds. Needs Debian's abigail-tools, x86-64 and
OpenCL's headers; exits with 77 without them."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

from structs import NEVER_GROWS

BASELINE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libminrnn.abi")
# The library's own to make: programs know them by pointers alone.
GROW_WITHOUT_SIZE = {"minrnn_check_result", "minrnn_product", "minrnn_profile_row", "minrnn_setting"}


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


# ---- today's interface ----

def stub(include):
    """C that defines every function the headers declare."""
    folder = os.path.join(include, "minrnn")
    names = sorted(name for name in os.listdir(folder) if name.endswith(".h"))
    lines = ["#include <minrnn/%s>" % name for name in names]
    for name in names:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
        for declaration in re.findall(r"^MINRNN_API ([^;{]*);", text, flags=re.MULTILINE):
            lines.append(declaration + " { __builtin_trap(); }")
    return "\n".join(lines) + "\n"


def soname_of(library):
    text = subprocess.run(["readelf", "-d", library], capture_output=True, text=True,
                          check=True).stdout
    return re.search(r"\(SONAME\).*\[(.*)\]", text).group(1)


def describe(include, library, compiler, work):
    """Writes the interface to a file."""
    path, stub_library = os.path.join(work, "today.abi"), os.path.join(work, "stub.so")
    with open(os.path.join(work, "stub.c"), "w", encoding="utf-8") as file:
        file.write(stub(include))
    subprocess.run(compiler + ["-std=c17", "-g", "-O0", "-fPIC", "-shared", "-nostdlib",
                               "-Wl,-soname," + soname_of(library), "-I", os.path.abspath(include),
                               "stub.c", "-o", stub_library], cwd=work, check=True)
    subprocess.run(["abidw", "--no-show-locs", "--no-corpus-path", "--no-comp-dir-path",
                    "--no-elf-needed", "--out-file", path, stub_library], check=True)
    return path


# ---- comparing ----

def structs(tree):
    return {struct.get("name"): struct for struct in tree.iter("class-decl")
            if struct.get("size-in-bits")}


def grows(struct):
    name, members = struct.get("name"), struct.findall("data-member")
    sized = members and members[0].find("var-decl").get("name") == "size"
    return name in GROW_WITHOUT_SIZE or (sized and name not in NEVER_GROWS)


def cut(struct, before):
    """Takes out the members that were appended; None, or what is wrong with them."""
    members = struct.findall("data-member")
    size = before.get("size-in-bits")
    for member in members[len(before.findall("data-member")):]:
        if int(member.get("layout-offset-in-bits")) < int(size):
            return "%s.%s lies in what older programs have as padding" % (
                struct.get("name"), member.find("var-decl").get("name"))
        struct.remove(member)
    struct.set("size-in-bits", size)
    return None


def compare(before, after, work):
    """What is not allowed, in words, or ""."""
    before_structs, tree = structs(ElementTree.parse(before)), ElementTree.parse(after)
    for name, struct in structs(tree).items():
        old = before_structs.get(name)
        if old is not None and grows(struct) and \
                len(struct.findall("data-member")) > len(old.findall("data-member")):
            wrong = cut(struct, old)
            if wrong:
                return wrong
    shortened = os.path.join(work, "shortened.abi")
    tree.write(shortened)
    result = subprocess.run(["abidiff", "--no-added-syms", before, shortened],
                            capture_output=True, text=True, check=False)
    return result.stdout + result.stderr if result.returncode else ""


# ---- whether it sees what it should ----

def change(source, work, edit):
    """A copy of an interface with one thing changed."""
    path, tree = os.path.join(work, "changed.abi"), ElementTree.parse(source)
    edit(tree)
    tree.write(path)
    return path


def shorten(by):
    """minrnn_batch without its last member; the struct is `by` bits shorter."""
    def edit(tree):
        struct = structs(tree)["minrnn_batch"]
        struct.remove(struct.findall("data-member")[-1])
        struct.set("size-in-bits", str(int(struct.get("size-in-bits")) - by))
    return edit


def swap(tree):
    members = structs(tree)["minrnn_step_record"].findall("data-member")
    members[2].find("var-decl").set("name", "rate")
    members[4].find("var-decl").set("name", "loss")


def renumber(tree):
    for value in tree.iter("enumerator"):
        if value.get("name") == "MINRNN_IO_ERROR":
            value.set("value", "42")


def forget_value(tree):
    for enumeration in tree.iter("enum-decl"):
        for value in enumeration.findall("enumerator"):
            if value.get("name") == "MINRNN_NOT_FINITE":
                enumeration.remove(value)


def more_parameters(tree):
    for function in tree.iter("function-decl"):
        if function.get("name") == "minrnn_buffer_create":
            function.insert(0, function.find("parameter"))


def check_itself(today, work):
    for edit, allowed in [(shorten(64), True), (shorten(0), False), (swap, False),
                          (renumber, False), (forget_value, True), (more_parameters, False)]:
        wrong = compare(change(today, work, edit), today, work)
        if bool(wrong) == allowed:
            print("a change is judged wrongly: %s\n%s" % (edit.__qualname__, wrong))
            return False
    return True


def main():
    arguments = sys.argv[1:]
    renew = arguments[0] == "--renew"
    include, library, *compiler = arguments[renew:]
    if not (shutil.which("abidw") and shutil.which("abidiff")):
        skip("no abidw and abidiff (Debian: abigail-tools)")
    if platform.machine() != "x86_64":
        skip("the stored interface is that of x86-64")
    test = subprocess.run(compiler + ["-x", "c", "-fsyntax-only", "-"], text=True,
                          input="#include <CL/cl.h>\n", stderr=subprocess.DEVNULL, check=False)
    if test.returncode:
        skip("no OpenCL headers")
    with tempfile.TemporaryDirectory() as work:
        today = describe(include, library, compiler, work)
        if renew:
            shutil.copy(today, BASELINE)
            return 0
        if not check_itself(today, work):
            return 1
        wrong = compare(BASELINE, today, work)
        print(wrong or "%d structs, as they were" % len(structs(ElementTree.parse(BASELINE))))
        return 1 if wrong else 0


sys.exit(main())
