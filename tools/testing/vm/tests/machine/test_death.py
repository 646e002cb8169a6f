# SPDX-License-Identifier: GPL-2.0-only
"""However the rig ends, its QEMU ends too."""

import os
import signal
import subprocess
import time
import unittest

RIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../mshv-vm")


def children(pid):
    """The processes that a process has started."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def alive(pid):
    """True unless the process is gone, or only waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_for(condition, seconds=20):
    """The first true value of a condition."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def ignore_nothing():
    """Whoever runs the tests in the background may ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Death(unittest.TestCase):
    """A signal to the rig while the machine runs"""

    def end_by(self, number):
        """Start a machine, send the signal; return the rig's exit status and what it says."""
        with subprocess.Popen([RIG, "exec", "--no-hypervisor", "--timeout", "60", "--",
                               "sleep", "1000"], stderr=subprocess.PIPE,
                              preexec_fn=ignore_nothing) as rig:
            qemu, = wait_for(lambda: children(rig.pid))
            # Past the preparations, so that it is QEMU
            wait_for(lambda: "qemu" in os.readlink(f"/proc/{qemu}/exe"))
            rig.send_signal(number)
            said = rig.communicate(timeout=60)[1].decode()
            wait_for(lambda: not alive(qemu))
            return rig.returncode, said

    def test_interrupt(self):
        """Ctrl-C"""
        status, said = self.end_by(signal.SIGINT)
        self.assertEqual(status, 128 + signal.SIGINT)
        self.assertRegex(said, r"\Amshv-vm: ended by SIGINT: root kernel: .*\n\Z")

    def test_terminate(self):
        """SIGTERM"""
        status, said = self.end_by(signal.SIGTERM)
        self.assertEqual(status, 128 + signal.SIGTERM)
        self.assertRegex(said, r"\Amshv-vm: ended by SIGTERM: root kernel: .*\n\Z")

    def test_kill(self):
        """SIGKILL, which the rig does not see"""
        self.assertEqual(self.end_by(signal.SIGKILL)[0], -signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
