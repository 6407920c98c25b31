# SPDX-License-Identifier: Apache-2.0
"""The hash of the CPU backend's build: the same for the same sources, compiler and flags wherever they
are, another for any other; and it is made again if a file that the backend is compiled from changes.

    build_hash.py SOURCE_ROOT COMPILER..."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT, COMPILER = pathlib.Path(), []
FLAGS = ["-O3", "x86_64_v3"]


class BuildHash(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="minrnn hash ")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.tree = self.copy("tree")

    def copy(self, name):
        for part in ["src/cpu", "src/op", "src/base", "include/minrnn"]:
            shutil.copytree(ROOT / part, self.folder / name / part)
        return self.folder / name

    def hash(self, tree=None, compiler=None, flags=FLAGS):
        script = (tree or self.tree) / "src/cpu/build_hash.py"
        out = self.folder / "out.c"
        subprocess.run([sys.executable, script, out, self.folder / "out.d", tree or self.tree,
                        *(compiler or COMPILER), "--", *flags], check=True)
        return re.search(r"cpu_build = (0x[0-9a-f]{16})u;", out.read_text())[1]

    def test_same(self):
        first = self.hash()
        self.assertEqual(self.hash(), first)
        self.assertEqual(self.hash(self.copy("other tree")), first)
        self.assertEqual(self.hash(flags=[*FLAGS, "-I/some/where"]), first)
        (self.tree / "src/cpu/meson.build").write_text("other")
        self.assertEqual(self.hash(), first)

    def test_other(self):
        seen = [self.hash(), self.hash(flags=["-O2", "x86_64_v3"]), self.hash(flags=["-O3"])]
        other = self.folder / "cc"
        other.write_text("#!/bin/sh\necho another compiler 1.0\n")
        other.chmod(0o755)
        seen.append(self.hash(compiler=[str(other)]))
        for name in ["src/cpu/gemm.c", "src/cpu/scan/run.c", "src/cpu/scan/mingru.h",
                     "src/cpu/vector_math.h", "src/op/op_list.def", "src/op/scan_kinds.def",
                     "src/op/op.h", "src/base/philox.h", "include/minrnn/scan.h"]:
            with open(self.tree / name, "a", encoding="utf-8") as file:
                file.write(" ")
            seen.append(self.hash())
        self.assertEqual(len(set(seen)), len(seen))

    def test_made_again_for_every_file_compiled(self):
        self.hash()
        listed = (self.folder / "out.d").read_text().replace("\\ ", " ")
        used = set()
        for source in sorted((ROOT / "src/cpu").rglob("*.c")):
            made = subprocess.run([*COMPILER, "-MM", "-MG", "-DCPU_LEVEL=baseline", "-Isrc",
                                   "-Iinclude", source.relative_to(ROOT)], cwd=ROOT, check=True,
                                  capture_output=True, text=True).stdout
            used |= set(re.findall(r"(?:src|include)/\S+", made))
        self.assertGreater(len(used), 20)
        for name in sorted(used):
            self.assertIn(f"{self.tree}/{name}", listed)


if __name__ == "__main__":
    ROOT, COMPILER = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    unittest.main(argv=sys.argv[:1], verbosity=2)
