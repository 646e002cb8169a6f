# SPDX-License-Identifier: GPL-2.0-only
"""Exit statuses that take a broken part: each layer's own, and a line that names it."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

RIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../mshv-vm")
OPENHV = os.path.join(os.environ["O"], "openhv", "openhv.debug")
IMAGES = os.environ.get("MSHV_VM_IMAGES", os.path.join(os.environ["O"], "images"))
UD2 = b"\x0f\x0b"


def offset_in_image(symbol):
    """Where a function of openhv is in openhv.elf, which has no symbols."""
    names = subprocess.run(["nm", OPENHV], check=True, capture_output=True, text=True).stdout
    address = int(re.search(rf"^(\w+) T {symbol}$", names, re.M)[1], 16)
    headers = subprocess.run(["readelf", "-lW", f"{IMAGES}/openhv.elf"], check=True,
                             capture_output=True, text=True).stdout
    for offset, start, size in re.findall(r"^ *LOAD +(\w+) (\w+) \w+ (\w+)", headers, re.M):
        if int(start, 16) <= address < int(start, 16) + int(size, 16):
            return int(offset, 16) + address - int(start, 16)
    raise AssertionError(f"{symbol} is not loaded")


def run(*options, command, images=IMAGES):
    """The status of mshv-vm exec and what it says for itself."""
    done = subprocess.run([RIG, "exec", "--timeout", "60", *options, "--", *command], check=False,
                          env={**os.environ, "MSHV_VM_IMAGES": images}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    return done.returncode, done.stderr


class Statuses(unittest.TestCase):
    """mshv-vm exec"""

    def test_openhv_panic(self):
        """A hypercall that openhv dies of"""
        with tempfile.TemporaryDirectory() as images:
            for name in os.listdir(IMAGES):
                os.symlink(os.path.join(os.path.abspath(IMAGES), name), f"{images}/{name}")
            os.unlink(f"{images}/openhv.elf")
            shutil.copy(f"{IMAGES}/openhv.elf", images)
            with open(f"{images}/openhv.elf", "r+b") as file:
                file.seek(offset_in_image("hvc_create_partition"))
                file.write(UD2)
            status, said = run(command=["mshv", "run", "--kernel", "/boot/vmlinuz"],
                               images=images)
        self.assertEqual(status, 123, said)
        self.assertRegex(said, r"(?m)^mshv-vm: openhv: panic: .*#UD invalid opcode")

    def test_module(self):
        """A module that is not loaded"""
        status, said = run("--append", "module_blacklist=mshv_root", command=["true"])
        self.assertEqual(status, 118, said)
        self.assertRegex(said, r"(?m)^mshv-vm: module: not loaded: .*mshv_root")

    def test_little_memory(self):
        """As little memory as the rig says is needed is enough."""
        status, said = run("--memory", "1", command=["true"])
        self.assertEqual(status, 119, said)
        needed = re.fullmatch(r"mshv-vm: --memory 1 is too little: .* takes (\d+M)\n", said)[1]
        status, said = run("--memory", needed, command=["mshv", "info"])
        self.assertEqual(status, 0, said)


if __name__ == "__main__":
    unittest.main()
