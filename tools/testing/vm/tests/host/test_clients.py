# SPDX-License-Identifier: GPL-2.0-only
"""The tests of other programs in the root partition fail when those do: here with fakes."""

import os
import subprocess
import sys
import tempfile
import unittest

from mshv_vm import ktap

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT_TESTS = f"{HERE}/../root"
LARGE = "ioctls::vm::tests::test_get_dirty_log_8G"
REFUSED = "ioctls::device::tests::test_create_device"

# In place of QEMU: it says what a guest says, and hangs or dies as $HANGS says, once each start.
# A signal wakes it from a "lost" one, as it wakes a processor's thread, and it goes on.
QEMU = """\
import os, signal, sys, threading, time

if "--version" in sys.argv:
    sys.exit(0)
[chardev] = [word for word in sys.argv if word.startswith("file,id=console")]
files = [pair.split("=")[1] for pair in chardev.split(",")[2:]]
with open(os.environ["STARTS"], "a+", encoding="utf-8") as starts:
    starts.seek(0)
    number = len(starts.read())
    starts.write(".")
how = os.environ["HANGS"].split()[number]
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])

def write(*lines):
    for name in files:
        with open(name, "a", encoding="utf-8") as file:
            file.write("".join(line + "\\r\\n" for line in lines))

def locked(wake):
    lock = threading.Lock()
    lock.acquire()
    if wake:
        threading.Thread(target=lambda: signal.sigwait([signal.SIGUSR1]) and lock.release()).start()
    lock.acquire()

if how == "lost":
    locked(True)
if how == "stuck":
    write("Booting")
    locked(False)
if how.startswith("second"):
    write(*["reboot: Restarting system"] * ("reset" in how), *["guest: x"] * how.endswith("late"))
    print("invalid intercept access type: execute", file=sys.stderr)
    sys.exit(1)
write(*(f"guest: {words}: works" for words in (
    "two processors", "reading the disk", "writing the disk", "the network",
    "the kernel has no complaints", "the disk after a reboot",
    "the kernel has no complaints after a reboot")))
if how == "silent":
    time.sleep(1000)
if how == "locked-up":
    locked(False)
write("reboot: Power down")
if how == "stays":
    time.sleep(1000)
if how == "locked":
    locked(False)
if how == "busy":
    threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
    locked(False)
sys.exit(1 if how == "fails" else 0)
"""

# In place of a crate's tests: what it has is in the file beside it, a line each as Rust says it.
PROGRAM = """\
#!/bin/sh
[ "$2" != %s ] || {
	echo "Cannot create MSHV device: Error(25)"
	echo "test $2 ... FAILED"
	exit 101
}
case $* in
*--list*) sed -n 's/^test \\(.*\\) \\.\\.\\. .*/\\1: test/p' "$0.tests" ;;
*) cat "$0.tests" ;;
esac
""" % REFUSED


def write(name, data):
    """Write a program."""
    with open(name, "w", encoding="utf-8") as file:
        file.write(data)
    os.chmod(name, 0o755)


def run(directory, command, **variables):
    """What a test's KTAP counts, with the programs in a directory before all others."""
    environment = {**os.environ, **variables, "PATH": f"{directory}:{os.environ['PATH']}"}
    done = subprocess.run(command, env=environment, text=True, check=False, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return ktap.parse(done.stdout), done


class Qemu(unittest.TestCase):
    """/tests/qemu, with seconds that are short"""

    def guest(self, hangs, limit=20):
        """The results, and how often QEMU was started."""
        with tempfile.TemporaryDirectory() as directory:
            write(f"{directory}/qemu-system-x86_64", f"#!{sys.executable}\n{QEMU}")
            write(f"{directory}/sleep", "#!/bin/sh\nexec /bin/sleep 0.02\n")
            starts = f"{directory}/starts"
            counts, done = run(directory, [f"{ROOT_TESTS}/qemu", str(limit), "/dev/null", "kernel"],
                               HANGS=hangs, STARTS=starts)
            self.assertEqual(done.returncode != 0, bool(counts.failed), done.stdout)
            return counts, os.path.getsize(starts), done.stdout

    def test_good(self):
        counts, starts, _ = self.guest("no")
        self.assertEqual((len(counts.passed), counts.failed, starts), (10, [], 1))

    def test_not_ended(self):
        """A guest that was not switched off, whatever it said, is no success, nor repeated."""
        for how in ("stays", "busy", "fails"):
            with self.subTest(how):
                counts, starts, out = self.guest(how)
                self.assertEqual(counts.failed, ["by -kernel: QEMU ends with the guest"], out)
                self.assertEqual(starts, 1)

    def test_guest_hangs(self):
        counts, starts, out = self.guest("silent", limit=4)
        self.assertEqual(counts.failed, ["by -kernel: the guest switches off",
                                         "by -kernel: QEMU ends with the guest"], out)
        self.assertEqual(starts, 1)

    def test_own_hang(self):
        """One of QEMU's own is repeated, and said; a second one counts."""
        for how, limit in (("locked", 20), ("locked-up", 4), ("stuck", 8)):
            with self.subTest(how):
                counts, starts, out = self.guest(f"{how} no", limit)
                self.assertEqual((counts.failed, starts), ([], 2), out)
                self.assertIn("# QEMU is killed: it hangs by itself\n", out)
                self.assertIn("# QEMU failed by itself 1 times\n", out)
        counts, starts, out = self.guest("locked locked no")
        self.assertEqual(starts, 2)
        self.assertIn("by -kernel: QEMU ends with the guest", counts.failed, out)

    def test_second_processor(self):
        """One that QEMU has started by a reset is repeated, not one that ran astray before."""
        counts, starts, out = self.guest("second-reset no")
        self.assertEqual((counts.failed, starts), ([], 2), out)
        self.assertIn("# QEMU failed by itself 1 times\n", out)
        for how in ("second", "second-reset-late", "second-reset second-reset no",
                    "second-reset locked no"):
            with self.subTest(how):
                counts, starts, out = self.guest(how)
                self.assertEqual(starts, how.count(" ") or 1)
                self.assertIn("by -kernel: QEMU ends with the guest", counts.failed, out)

    def test_lost_signal(self):
        counts, starts, out = self.guest("lost")
        self.assertEqual((counts.failed, starts), ([], 1), out)
        self.assertIn("# QEMU failed by itself 1 times\n", out)


class Crates(unittest.TestCase):
    """/tests/crates"""

    GOOD = {"mshv-bindings": 14, "mshv-ioctls": 37}

    def results(self, change):
        """The counts for all tests of the release, after a change to what a program prints."""
        with tempfile.TemporaryDirectory() as directory:
            for program, number in self.GOOD.items():
                names = [f"a::test_{i}" for i in range(number)]
                if program == "mshv-ioctls":
                    names[0] = LARGE
                lines = change(program, [f"test {name} ... ok" for name in names])
                if lines is None:
                    continue
                write(f"{directory}/{program}", PROGRAM)
                write(f"{directory}/{program}.tests", "".join(line + "\n" for line in lines))
            counts, done = run(directory, [f"{ROOT_TESTS}/crates", "10", directory])
            self.assertEqual(done.returncode != 0, bool(counts.failed), done.stdout)
            return counts

    def test_good(self):
        counts = self.results(lambda program, lines: lines)
        self.assertEqual((len(counts.passed), counts.failed), (2 * sum(self.GOOD.values()) + 1, []))

    def test_missing(self):
        """Of either: no program, no tests, one test less, one that is passed over."""
        changes = (lambda lines: None, lambda lines: [], lambda lines: lines[:-1],
                   lambda lines: lines[:-1] + ["test a::last ... ignored"])
        for victim in self.GOOD:
            for number, change in enumerate(changes):
                with self.subTest(victim, change=number):
                    counts = self.results(
                        lambda program, lines: change(lines) if program == victim else lines)
                    self.assertIn(f"{victim}, first", counts.failed)
                    self.assertIn(f"{victim}, second, eight at a time", counts.failed)

    def test_large(self):
        """Another test in its place is not enough."""
        counts = self.results(lambda _, lines: [line.replace(LARGE, "a::b") for line in lines])
        self.assertEqual(counts.failed,
                         ["mshv-ioctls, first", "mshv-ioctls, second, eight at a time"])


if __name__ == "__main__":
    unittest.main()
