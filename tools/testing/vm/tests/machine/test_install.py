# SPDX-License-Identifier: GPL-2.0-only
"""What make install installs works by itself, for a user who may write nowhere."""

import os
import subprocess
import tempfile
import unittest

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 5))
NOBODY = 65534


def tree(top):
    """All files below a directory, with what would change if they did."""
    found = {}
    for directory, _, names in os.walk(top):
        for name in [".", *names]:
            status = os.lstat(os.path.join(directory, name))
            found[os.path.join(directory, name)] = (status.st_mtime_ns, status.st_size)
    return found


class Installed(unittest.TestCase):
    """make install with DESTDIR and a prefix, then mshv-vm as another user"""

    def setUp(self):
        self.top = tempfile.TemporaryDirectory()
        self.addCleanup(self.top.cleanup)
        os.chmod(self.top.name, 0o755)
        subprocess.run(["make", "-s", "-C", TOP, "install", f"DESTDIR={self.top.name}",
                        "PREFIX=/opt/mshv", f"O={os.environ['O']}"], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.prefix = f"{self.top.name}/opt/mshv"

    def run_rig(self, *arguments):
        """Run the installed mshv-vm, as nobody if we may, from where nobody may write."""
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if not os.getuid() else {}
        done = subprocess.run([f"{self.prefix}/bin/mshv-vm", *arguments], cwd="/", check=False,
                              env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, **user)
        return done.returncode, done.stdout, done.stderr

    def test_run(self):
        """A program is brought along and run, and no file is left anywhere near."""
        before = tree(self.top.name)
        self.assertEqual(self.run_rig("exec", "--timeout", "60", "--copy", "/bin/bash", "--",
                                      "./bash", "-c", "ls /dev/mshv; echo two >&2; exit 7"),
                         (7, "/dev/mshv\n", "two\n"))
        self.assertEqual(tree(self.top.name), before)
        self.assertIn(f"{self.prefix}/share/man/man1/mshv-vm.1", before)
        # Without what it boots it says where that comes from.
        os.rename(f"{self.prefix}/lib/mshv-vm/images", f"{self.prefix}/gone")
        status, _, said = self.run_rig("exec", "--", "true")
        self.assertEqual(status, 119)
        self.assertRegex(said, r"\Amshv-vm: no images in \S+: .*make install.*\n\Z")


if __name__ == "__main__":
    unittest.main()
