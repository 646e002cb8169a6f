# SPDX-License-Identifier: GPL-2.0-only
"""What the top-level Makefile's parts are to do, as far as that is seen without doing it."""

import os
import re
import subprocess
import tempfile
import unittest

import readme


def prerequisites(target, build):
    """Those of a target, with the build directory that is given."""
    rules = subprocess.run(["make", "-C", readme.TOP, "-pq", f"O={build}", "help"], check=False,
                           stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    return re.search(rf"^{target}:(.*)$", rules, re.M)[1].split()


class Install(unittest.TestCase):
    """make install"""

    def test_kernels(self):
        """It builds what a machine needs, and what was made ready before; nothing else."""
        with tempfile.TemporaryDirectory() as build:
            self.assertEqual(["images", "install-rules"], prerequisites("install", build))
            modules = f"{build}/images/6.1/modules.cpio"
            os.makedirs(os.path.dirname(modules))
            with open(modules, "w", encoding="ascii"):
                pass
            self.assertEqual(["images", modules, "install-rules"],
                             prerequisites("install", build))


class Bench(unittest.TestCase):
    """make bench-exit, make bench-boot"""

    def test_same_emulator(self):
        """Whatever is compared with another machine has as many threads of the emulator."""
        with open(f"{readme.TOP}/scripts/make/run.mk", encoding="utf-8") as file:
            text = re.sub(r"\\\n\s*", "", file.read())
        text = text.replace("$(BENCH_BOOT)", re.search(r"^BENCH_BOOT = (.*)$", text, re.M)[1])
        runs = re.findall(r"\$\(MSHV_VM\) exec [^;\n]* -- \./(?:port-exit|guest-boot) .*", text)
        self.assertEqual(4, len(runs))
        for run in runs:
            self.assertIn(" $(MACHINE) ", run)
            self.assertIn(" $(THREADS) ", run)


if __name__ == "__main__":
    unittest.main()
