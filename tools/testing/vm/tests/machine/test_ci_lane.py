# SPDX-License-Identifier: GPL-2.0-only
"""README.md's lines for the CI of others, as they are, from nothing.

They install packages, fetch a kernel and build what a machine boots in a clone of this
repository's last commit: root, or the right to sudo, and a network are needed.
"""

import os
import shutil
import subprocess
import tempfile
import unittest

import readme

SAMPLE = os.path.join(os.environ["O"], "libmshv", "sample")
FAILING = "#!/bin/sh\necho \"option: $1\"\nls /dev/mshv\nexit 7\n"


# What make and the rig would take from here
OURS = ("O", "KERNEL", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MSHV_VM_IMAGES",
        "PYTHONPATH")


def environment():
    """That of a job: nothing of this build's; git may clone from another user's directory."""
    return {**{name: value for name, value in os.environ.items() if name not in OURS},
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*", "MSHV_GIT": readme.TOP}


@unittest.skipUnless(os.path.exists(os.path.join(readme.TOP, ".git")), "this is no clone")
@unittest.skipIf(os.getuid(), "the lines want root")
class CiLane(unittest.TestCase):
    """A job with a VMM beside it that is called my-vmm"""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(dir=os.environ["O"])
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def job(self, lines):
        """The status of a job, what it prints, and what it complains of"""
        done = subprocess.run(["sh", "-c", lines], check=False, cwd=self.directory,
                              env=environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def test_lines(self):
        """A VMM that works, then one that fails, in the same clone"""
        lines = readme.script("A CI lane for your VMM")
        self.assertLessEqual(len(lines.splitlines()), 10)
        vmm = f"{self.directory}/my-vmm"
        shutil.copy(SAMPLE, vmm)
        status, printed, said = self.job(lines)
        self.assertEqual(status, 0, printed + said)
        self.assertEqual(printed.splitlines()[-1], "4", printed + said)

        with open(vmm, "w", encoding="utf-8") as file:
            file.write(FAILING)
        again = "".join(line for line in lines.splitlines(keepends=True)
                        if not line.startswith(("apt-get ", "git ")))
        status, printed, said = self.job(again)
        self.assertEqual(status, 7, printed + said)
        self.assertEqual(printed.splitlines()[-2:], ["option: --selftest", "/dev/mshv"],
                         printed + said)
        self.assertNotIn("names the layer above", printed)


if __name__ == "__main__":
    unittest.main()
