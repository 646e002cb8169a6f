# SPDX-License-Identifier: GPL-2.0-only
"""mshv-vm shell: nothing that it is given is lost, wherever it comes from."""

import os
import pty
import subprocess
import tempfile
import unittest

RIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../mshv-vm")
SHELL = [RIG, "shell", "--no-hypervisor", "--timeout", "60"]


class Shell(unittest.TestCase):
    """A whole session each, on a machine without openhv"""

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

    def test_terminal(self):
        """What is typed before the prompt is there is not lost."""
        pid, terminal = pty.fork()
        if not pid:
            os.execv(RIG, SHELL)
        os.write(terminal, b"echo x$((6*7))\nexit 5\n")
        shown = b""
        while True:
            try:
                shown += os.read(terminal, 65536)
            except OSError:  # The other end is closed.
                break
        os.close(terminal)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.assertEqual((status, b"x42\r" in shown), (5, True), shown)


if __name__ == "__main__":
    unittest.main()
