# SPDX-License-Identifier: GPL-2.0-only
"""mshv-vm shell: nothing that it is given is lost, wherever it comes from."""

import os
import pty
import subprocess
import tempfile
import time
import unittest

RIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../mshv-vm")
SHELL = [RIG, "shell", "--no-hypervisor", "--timeout", "60"]


class Shell(unittest.TestCase):
    """A whole session each, on a machine without openhv unless it says otherwise"""

    def run_shell(self, **stdin):
        """Run with the given standard input; return status, standard output and error."""
        done = subprocess.run(SHELL, capture_output=True, text=True, check=False, **stdin)
        return done.returncode, done.stdout, done.stderr

    def test_file(self):
        """A file is run to its end, whose status is the shell's; no prompt, no echo."""
        with tempfile.TemporaryFile() as script:
            script.write(b"echo one\necho two >&2\n(exit 9)\n")
            script.seek(0)
            self.assertEqual(self.run_shell(stdin=script), (9, "one\n", "two\n"))

    def test_pipe(self):
        """So is what comes by a pipe, however much, and an exit ends it before."""
        text = "".join(f"sum=$((sum + {number}))\n" for number in range(20000))
        self.assertEqual(self.run_shell(input=text + "echo $sum; exit 3\n" + "echo no\n" * 50000),
                         (3, f"{sum(range(20000))}\n", ""))

    def run_terminal(self, keys, *options, until=None):
        """Type into a session; return its status and what the terminal shows.

        until says by the process's number whether it is time to type; that is at once if it
        is None.
        """
        pid, terminal = pty.fork()
        if not pid:
            os.execv(RIG, [RIG, "shell", "--timeout", "60", *options])
        end = time.monotonic() + 30
        while until and not until(pid) and time.monotonic() < end:
            time.sleep(0.05)
        os.write(terminal, keys)
        shown = b""
        while True:
            try:
                shown += os.read(terminal, 65536)
            except OSError:  # The other end is closed.
                break
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown

    def test_terminal(self):
        """In a root partition: what is typed before the prompt is there is not lost."""
        status, shown = self.run_terminal(b"ls /dev/mshv && echo x$((6*7))\nexit 5\n")
        self.assertEqual((status, b"x42\r" in shown), (5, True), shown)

    def test_end_by_force(self):
        """Ctrl-A x: at once, however far the machine is, and QEMU is gone."""
        found = []

        def qemu(rig):
            with open(f"/proc/{rig}/task/{rig}/children", encoding="ascii") as file:
                found[:] = [int(word) for word in file.read().split()]
            return found and "qemu" in os.readlink(f"/proc/{found[0]}/exe")

        status, shown = self.run_terminal(b"exit 5\n\x01x", "--no-hypervisor", until=qemu)
        self.assertEqual(status, 130, shown)
        self.assertIn(b"mshv-vm: ended by Ctrl-A x\r\n", shown)
        self.assertFalse(os.path.exists(f"/proc/{found[0]}"))


if __name__ == "__main__":
    unittest.main()
