# SPDX-License-Identifier: Apache-2.0
"""What the command makes of drivers that are broken, foreign or without a device, and that the tests
load no driver that they do not name, whatever else the machine has.

    test_drivers.py MINRNN BUILD SANITIZERS LEAKING ABORTING DEVICELESS

The last three are the libraries of driver.c."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

MINRNN = BUILD = SANITIZERS = ""
LIBRARIES = {}
VENDORS = "/etc/OpenCL/vendors"
POCL = VENDORS + "/pocl.icd"

# Some of every kind: those that list devices, that open the CPU alone, that name a driver.
TESTS = ["cli-results", "cli-use", "devices", "no_icd", "status", "limits", "test_verdict",
         "fuzz-command", "mixer-cpu", "example-scan-cpu", "consumer-plain", "opencl_share",
         "example-opencl-sharing-pocl"]


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="minrnn-drivers-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def icd(self, name, content):
        with open(os.path.join(self.folder, name + ".icd"), "wb") as file:
            file.write(content)

    def driver(self, kind):
        self.icd(kind, LIBRARIES[kind].encode() + b"\n")

    def broken(self):
        """What a loader passes over."""
        self.icd("missing", b"/nonexistent/libdriver.so\n")
        self.icd("empty", b"")
        self.icd("garbage", bytes(range(1, 256)))  # a NUL first crashes ocl-icd 2.3.1
        self.icd("text", __file__.encode() + b"\n")
        self.icd("foreign", b"libm.so.6\n")  # a library that is no driver
        os.mkdir(os.path.join(self.folder, "folder.icd"))

    def minrnn(self, *arguments, **environment):
        """A variable that is None is not set."""
        variables = {**os.environ, "MINRNN_DEVICE": "", "OCL_ICD_VENDORS": self.folder, **environment}
        return subprocess.run(
            [MINRNN, *arguments], capture_output=True, text=True, check=False,
            env={name: value for name, value in variables.items() if value is not None})

    def listed(self, **environment):
        """The rows of the table, and what stands below it."""
        done = self.minrnn("devices", **environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        rows = [line for line in lines[1:] if line[2:7].strip().isdigit()]
        return rows, lines[1 + len(rows):]


class Listed(Folder):
    def test_broken_ones_are_passed_over(self):
        self.broken()
        rows, below = self.listed()
        self.assertEqual((len(rows), below), (1, []))
        self.assertIn("*     0  cpu ", rows[0])
        if os.path.exists(POCL):
            shutil.copy(POCL, self.folder)
            rows, below = self.listed()
            self.assertEqual(below, [])
            self.assertIn("Portable Computing Language", rows[1])

    def test_platforms_without_a_device(self):
        self.broken()
        self.driver("deviceless")
        pocl = "Portable Computing Language"
        for platform, environment, advice in [
            ("Deviceless", {}, "has no device: its driver finds no hardware that it can use"),
            (pocl, {}, "has no device: it needs a writable cache folder ("),
            (pocl, {"POCL_DEVICES": "cuda"}, "and POCL_DEVICES must name a device that is here"),
            ("rusticl", {}, "has no device: it needs RUSTICL_ENABLE ("),
            ("rusticl", {"RUSTICL_ENABLE": "none"}, "RUSTICL_ENABLE names no driver with a device"),
            ("NVIDIA CUDA", {}, "nvidia-smi"),
            ("NVIDIA CUDA", {"CUDA_VISIBLE_DEVICES": "9"}, "CUDA_VISIBLE_DEVICES may hide it"),
            ("AMD Accelerated Parallel Processing", {}, "/dev/kfd"),
            ("Intel(R) OpenCL Graphics", {}, "/dev/dri"),
            ("Clover", {}, "rusticl"),
            ("", {}, "its driver finds no hardware"),
            ("Failing", {"DRIVER_CODE": "-6"}, "fails: clGetDeviceIDs: CL_OUT_OF_HOST_MEMORY (-6)"),
            ("Old", {"DRIVER_DEVICE": "OpenCL 1.1 none"}, "no device that can be used"),
        ]:
            with self.subTest(platform=platform, environment=environment):
                environment = {"POCL_DEVICES": None, "RUSTICL_ENABLE": None,
                               "CUDA_VISIBLE_DEVICES": None, "DRIVER_PLATFORM": platform, **environment}
                rows, below = self.listed(**environment)
                self.assertEqual((len(rows), len(below)), (1, 1), below)
                self.assertTrue(below[0].startswith(platform or "an OpenCL platform"), below)
                self.assertIn(advice, below[0])
                if "DRIVER_CODE" in environment:
                    continue
                for name in ["opencl", "1", platform.upper() or "opencl"]:
                    done = self.minrnn("validate", "--device", name, **environment)
                    self.assertEqual((done.returncode, done.stdout), (1, ""))
                    self.assertTrue(done.stderr.startswith('minrnn: no device "%s"' % name))
                    self.assertTrue(done.stderr.endswith(below[0] + "\n"), done.stderr)

    def test_versions_that_are_used(self):
        self.driver("deviceless")
        for version, used in [("OpenCL 1.1", 0), ("OpenCL 1.2", 1), ("OpenCL 2.0", 1),
                              ("OpenCL 3.0", 1), ("CUDA 9.2", 0)]:
            with self.subTest(version=version):
                rows, below = self.listed(DRIVER_DEVICE=version + " made", DRIVER_PLATFORM="Made")
                self.assertEqual((len(rows), len(below)), (1 + used, 1 - used), below)

    @unittest.skipUnless(os.path.exists(POCL), "PoCL is not installed")
    def test_pocl_without_a_cache_folder(self):
        for variables in [{"POCL_CACHE_DIR": "/proc/none"},
                          {"POCL_CACHE_DIR": None, "XDG_CACHE_HOME": "/proc/none"},
                          {"POCL_CACHE_DIR": os.path.abspath(__file__) + "/below"}]:
            rows, below = self.listed(OCL_ICD_VENDORS=POCL, **variables)
            self.assertEqual(len(rows), 1)
            self.assertIn("it needs a writable cache folder", below[0])

    def test_one_that_ends_the_process(self):
        """Nothing in the process can survive that, but `cpu` loads no driver."""
        self.driver("aborting")
        self.assertEqual(self.minrnn("devices").returncode, -signal.SIGABRT)
        done = self.minrnn("validate", "--device", "cpu", "--op", "copy", "--case", "1")
        self.assertEqual(done.returncode, 0, done.stderr)


def own_folder_of_mounts():
    """The command that gives what it runs mounts of its own; None without the right to that."""
    for command in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        probe = [*command, "mount", "--bind", "/tmp", VENDORS]
        if shutil.which("unshare") and subprocess.run(probe, capture_output=True).returncode == 0:
            return command
    return None


class Tests(Folder):
    def test_load_no_driver_of_the_machine(self):
        if not os.path.isdir(VENDORS):
            self.skipTest("there is no " + VENDORS)
        unshare = own_folder_of_mounts()
        if not unshare:
            self.skipTest("no right to mounts of one's own")
        for name in os.listdir(VENDORS):
            shutil.copy(os.path.join(VENDORS, name), self.folder)
        self.broken()
        self.driver("leaking")
        in_folder = [*unshare, "sh", "-c", 'mount --bind "$0" %s && exec "$@"' % VENDORS,
                     self.folder]
        plain = {name: value for name, value in os.environ.items() if name != "OCL_ICD_VENDORS"}
        options = {"env": plain, "capture_output": True, "text": True, "check": False}
        if "address" in SANITIZERS:  # the leak is one, though a thread's storage may still show it
            leaks = {**plain, "LSAN_OPTIONS": plain.get("LSAN_OPTIONS", "") + ":use_tls=0"}
            done = subprocess.run([*in_folder, MINRNN, "devices"], **{**options, "env": leaks})
            self.assertNotEqual(done.returncode, 0)
        self.driver("aborting")
        listing = subprocess.run([*in_folder, MINRNN, "devices"], **options)
        self.assertEqual(listing.returncode, -signal.SIGABRT)
        done = subprocess.run([*in_folder, "meson", "test", "-C", BUILD, "--no-rebuild", "--logbase",
                               "drivers", "--print-errorlogs", *TESTS], **options)
        self.assertEqual(done.returncode, 0, done.stdout[-5000:] + done.stderr)
        self.assertIn("%d/%d " % (len(TESTS), len(TESTS)), done.stdout)

    def test_name_the_driver_of_their_suite(self):
        """Without, they would have no device, and be skipped."""
        listed = subprocess.run(["meson", "introspect", "--tests", BUILD], capture_output=True,
                                check=True)
        named = 0
        for test in json.loads(listed.stdout):
            suites = {suite.split(":")[-1] for suite in test["suite"]}
            by_name = any(part.endswith("on_device.py") for part in test["cmd"])
            for suite in suites & {"pocl", "rusticl"} if not by_name else ():
                self.assertEqual(test["env"].get("OCL_ICD_VENDORS"),
                                 "%s/%s.icd" % (VENDORS, suite), test["name"])
                named += 1
        self.assertGreater(named, 10)


if __name__ == "__main__":
    MINRNN, BUILD, SANITIZERS, *paths = sys.argv[1:7]
    MINRNN = os.path.abspath(MINRNN)
    LIBRARIES = {kind: os.path.abspath(path)
                 for kind, path in zip(["leaking", "aborting", "deviceless"], paths)}
    unittest.main(argv=[sys.argv[0], *sys.argv[7:]], verbosity=2)
