# SPDX-License-Identifier: GPL-2.0-only
"""mshv-vm --kernel with a kernel that make has not prepared, and --modules."""

import glob
import os
import shutil
import subprocess
import tempfile
import unittest

RIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../mshv-vm")
BUILD = os.path.abspath(os.environ["O"])
KERNEL = os.path.join(BUILD, "kernels/6.12/image")
MODULE = os.path.join(BUILD, "modules/6.12/drivers/hv/mshv_root.ko")


class OwnKernel(unittest.TestCase):
    """The stock kernel, as if it were another: its prepared modules are out of sight."""

    def setUp(self):
        self.top = tempfile.TemporaryDirectory()
        self.addCleanup(self.top.cleanup)
        self.images = os.path.join(self.top.name, "images")
        os.mkdir(self.images)
        for name in ("base.cpio", "guest.cpio", "openhv.elf"):
            os.symlink(os.path.join(BUILD, "images", name), os.path.join(self.images, name))
        self.image, = glob.glob(f"{KERNEL}/boot/vmlinuz-*")

    def run_rig(self, *options):
        """Status, output and what the rig says"""
        done = subprocess.run([RIG, "exec", "--timeout", "60", "--kernel", self.image, *options,
                               "--", "ls", "/dev/mshv"], env={**os.environ,
                                                              "MSHV_VM_IMAGES": self.images},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout, done.stderr

    def test_modules(self):
        """They are taken from where modules_install has put them, if all are there."""
        release, = os.listdir(f"{KERNEL}/lib/modules")
        target = os.path.join(self.top.name, "lib/modules", release)
        shutil.copytree(f"{KERNEL}/lib/modules/{release}", target, copy_function=os.symlink)
        status, _, said = self.run_rig("--modules", self.top.name)
        self.assertEqual((status, said),
                         (119, f"mshv-vm: kernel {release} has no module mshv_root\n"))
        for index in glob.glob(f"{target}/modules.*"):  # depmod is to write them anew.
            source = os.readlink(index)
            os.unlink(index)
            shutil.copy(source, index)
        os.mkdir(f"{target}/updates")
        shutil.copy(MODULE, f"{target}/updates")
        subprocess.run(["depmod", "-b", self.top.name, release], check=True,
                       env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        self.assertEqual(self.run_rig("--modules", self.top.name), (0, "/dev/mshv\n", ""))

    def test_none(self):
        """Without them the user is told what is missed: the module, or a port."""
        status, _, said = self.run_rig()
        self.assertEqual(status, 119, said)
        self.assertRegex(said, r"\Amshv-vm: .*vmlinuz.* mshv_root.ko.*--modules.*\n\Z")
        status, _, said = self.run_rig("--no-module", "--append",
                                       "initcall_blacklist=virtio_console_init")
        self.assertEqual(status, 121, said)
        self.assertRegex(said, r"\Amshv-vm: root kernel: switched off .*virtio_console")


if __name__ == "__main__":
    unittest.main()
