#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""matrix.py: what it reads from compilers, what it counts, and that it fails where it must."""
import pathlib
import shutil
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import matrix  # noqa: E402 # pylint: disable=wrong-import-position

PTXAS = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'scan_tile' for 'sm_75'
ptxas info    : Function properties for scan_tile
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 86 registers, used 1 barriers, 2048 bytes smem, 620 bytes cmem[0]
ptxas info    : Compiling entry function 'copy' for 'sm_75'
ptxas info    : Function properties for copy
    48 bytes stack frame, 12 bytes spill stores, 20 bytes spill loads
ptxas info    : Used 255 registers, 400 bytes cmem[0]
"""

AMD = """amdhsa.kernels:
  - .args:
      - .address_space:  global
        .name:           x
        .offset:         0
        .size:           8
        .value_kind:     global_buffer
    .group_segment_fixed_size: 2048
    .kernarg_segment_align: 8
    .name:           scan_tile
    .private_segment_fixed_size: 16
    .sgpr_count:     44
    .sgpr_spill_count: 2
    .vgpr_count:     71
    .vgpr_spill_count: 3
    .wavefront_size: 64
amdhsa.version:
  - 1
  - 1
"""

# More values at once than any device has registers, and more local memory than is allowed.
SPILLING = """
__kernel void spilling(__global float *x, int n) {
    float value[320];
#pragma unroll
    for (int i = 0; i < 320; i++) {
        value[i] = x[i * n];
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
#pragma unroll
    for (int i = 0; i < 320; i++) {
        x[i] = value[319 - i] + value[(i * 7) % 320];
    }
}
"""
LARGE = """
__kernel void large(__global float *x, int n) {
    __local float slots[9000];
    slots[get_local_id(0)] = x[get_global_id(0)];
    barrier(CLK_LOCAL_MEM_FENCE);
    x[get_global_id(0)] = slots[n];
}
"""


def usage(registers, scalars=0, spills=0, private=0, local=0):
    return matrix.Usage(registers, scalars, spills, private, local)


def launch(files="prelude.cl scan/forward.cl scan/serial.cl", kernel="scan_serial", local=0):
    return matrix.Launch(files, "-cl-std=CL1.2 -DHAVE_FMA", kernel, (64, 1, 1), local)


class Parsers(unittest.TestCase):
    def test_ptxas(self):
        self.assertEqual(matrix.parse_ptxas(PTXAS), {"scan_tile": usage(86, local=2048),
                                                     "copy": usage(255, 0, 32, 48)})

    def test_ptxas_without_figures(self):
        with self.assertRaises(matrix.Failure):
            matrix.parse_ptxas(PTXAS.replace("Used 255", "Took 255"))

    def test_amd(self):
        self.assertEqual(matrix.parse_amd(AMD), {"scan_tile": usage(71, 44, 5, 16, 2048)})

    def test_amd_without_figures(self):
        with self.assertRaises(matrix.Failure):
            matrix.parse_amd(AMD.replace(".vgpr_spill_count", ".spills"))

    def test_spirv(self):
        header = [0x07230203, 0x10000, 0, 9, 0]
        module = header + [2 << 16 | 17, 4, 2 << 16 | 17, 10, 3 << 16 | 14, 2, 2, 2 << 16 | 17, 99]
        self.assertEqual(matrix.capabilities_of(struct.pack("<14I", *module)), {4, 10})

    def test_launches(self):
        text = "1\tprelude.cl a.cl\t-cl-std=CL1.2\tf\t64 1 1\t0\n" * 2
        self.assertEqual([len(found) for found in matrix.read_launches(text).values()], [2])

    def test_options(self):
        self.assertEqual(len(matrix.options_of("-cl-std=CL1.2 -DA=1")), 2)
        for wrong in ["-cl-std=CL1.2 -cl-fast-relaxed-math", "-cl-std=CL2.0 -DA", "-DA"]:
            with self.assertRaises(matrix.Failure):
                matrix.options_of(wrong)


class Occupancy(unittest.TestCase):
    """Against what NVIDIA's and AMD's tables say."""

    def test_sm_75(self):
        for registers, items, local, share in [(64, 256, 0, 1), (65, 256, 0, 0.75),
                                               (80, 256, 0, 0.75), (81, 256, 0, 0.5),
                                               (128, 256, 0, 0.5), (255, 64, 0, 0.25),
                                               (32, 32, 0, 0.5), (32, 256, 32 << 10, 0.5),
                                               (128, 1024, 0, 0)]:
            self.assertEqual(matrix.occupancy_sm_75(usage(registers), items, local), share,
                             (registers, items, local))

    def test_gfx906(self):
        for registers, scalars, items, local, share in [(24, 32, 256, 0, 1), (25, 32, 64, 0, 0.9),
                                                        (64, 32, 256, 0, 0.4),
                                                        (24, 100, 256, 0, 0.7),
                                                        (24, 32, 256, 32 << 10, 0.2)]:
            self.assertEqual(matrix.occupancy_gfx906(usage(registers, scalars), items, local),
                             share, (registers, scalars, items, local))

    def test_gfx1030(self):
        for registers, items, local, share in [(64, 256, 0, 1), (71, 256, 0, 0.75),
                                               (64, 64, 0, 1), (256, 256, 0, 0.25)]:
            self.assertEqual(matrix.occupancy_gfx1030(usage(registers), items, local), share,
                             (registers, items, local))


class Faults(unittest.TestCase):
    def test_none(self):
        self.assertEqual(matrix.faults(launch(), "sm_75", usage(40), 0.75), "")

    def test_each(self):
        for of, local, occupancy, word in [(usage(40, spills=1), 0, 1, "spills 1"),
                                           (usage(40, private=4), 0, 1, "private memory 4"),
                                           (usage(40, local=32 << 10), 4, 1, "local memory"),
                                           (usage(40), 0, 0.74, "occupancy"),
                                           (usage(40), 0, float("nan"), "occupancy")]:
            self.assertIn(word, matrix.faults(launch(local=local), "sm_75", of, occupancy))

    def test_backward_and_others(self):
        backward = launch("prelude.cl scan/backward.cl scan/serial.cl")
        self.assertEqual(matrix.faults(backward, "sm_75", usage(40), 0.5), "")
        self.assertIn("occupancy", matrix.faults(backward, "sm_75", usage(40), 0.49))
        other = launch("prelude.cl span.cl memory.cl", "fill")
        self.assertEqual(matrix.faults(other, "sm_75", usage(40), 0.1), "")
        self.assertIn("occupancy", matrix.faults(other, "sm_75", usage(40), 0))

    def test_many_states(self):
        def spilling(states):
            return matrix.faults(launch("prelude.cl selective.cl", "selective_backward")._replace(
                options=f"-cl-std=CL1.2 -DSTATES={states} -DCHUNK=16"), "sm_75", usage(255, spills=8), 0.1)
        self.assertIn("spills 8", spilling(16))
        self.assertEqual(spilling(64), "")


class Live(unittest.TestCase):
    """Kernels that must fail, through the compilers."""

    def fault(self, target, kernel, text):
        kind = matrix.TARGETS[target]
        if kind.missing or not matrix.tool("clang") or (target == "sm_75" and
                                                        not shutil.which("ptxas")):
            self.skipTest(f"no compiler for {target}")
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "1.cl"
            source.write_text(text)
            rows = list(matrix.rows_of(target, source, [launch("prelude.cl x.cl", kernel)],
                                       pathlib.Path(folder) / "p"))
        self.assertEqual(len(rows), 1)
        return rows[0][-1]

    def test_machine_code(self):
        for target in matrix.WHOLE[:3]:
            with self.subTest(target):
                self.assertIn("spills", self.fault(target, "spilling", SPILLING))
                self.assertIn("local memory", self.fault(target, "large", LARGE))

    def test_warning(self):
        text = "__kernel void f(__global float *x) { int unused; x[0] = 1; }"
        for target in matrix.WHOLE:
            with self.subTest(target):
                self.assertIn("unused", self.fault(target, "f", text))

    def test_spirv(self):
        if not matrix.tool("llvm-spirv") or not shutil.which("spirv-val"):
            self.skipTest("no llvm-spirv, or no spirv-val")
        fine = "__kernel void f(__global float *x) { x[0] = 1; }"
        self.assertEqual(self.fault("SPIR-V intel", "f", fine), "")
        self.assertIn("double", self.fault("SPIR-V intel", "f", fine.replace("float", "double")))
        half = "#pragma OPENCL EXTENSION cl_khr_fp16 : enable\n" + fine.replace("float", "half")
        self.assertNotEqual(self.fault("SPIR-V intel", "f", half), "")


if __name__ == "__main__":
    unittest.main()
