# SPDX-License-Identifier: GPL-2.0-only
"""What is said of a test that has failed: the runner's output is all that a CI log keeps."""

import contextlib
import io
import os
import signal
import tempfile
import unittest

from mshv_vm import runner, testlist

PANIC = """\
[    0.100000] Speculative Return Stack Overflow: WARNING: See https://docs.kernel.org/
[    1.000000] before
[    1.100000] int3: 0000 [#1] PREEMPT SMP NOPTI
[    1.100001] CPU: 1 PID: 0 Comm: swapper/1
[    1.100002] Hardware name: QEMU
[    1.100003] RIP: 0010:native_sched_clock+0x1/0x90
[    1.100004] RIP: 0033:0x401000
[    1.200000] Kernel panic - not syncing: Fatal exception in interrupt
"""


class Failures(unittest.TestCase):
    """runner.Runner with tests that fail, each a script that stands for the rig"""

    def setUp(self):
        self.top = tempfile.TemporaryDirectory()
        self.addCleanup(self.top.cleanup)

    def run_tests(self, *tests):
        """Run (name, script, more of Test) each; return all that is printed."""
        made = [testlist.Test(name, ["sh", "-c", script], 10,
                              console_dir=os.path.join(self.top.name, name), **more)
                for name, script, more in tests]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            run = runner.Runner(self.top.name, self.top.name)
            run.run(made)
            run.summary()
        return printed.getvalue()

    def console(self, test, name, text):
        """Commands that leave a console's log."""
        path = os.path.join(self.top.name, test)
        return f"mkdir -p {path}; cat >{path}/{name}.log <<'END'\n{text}END\n"

    def test_panic(self):
        """The layer, the panic with where it was, and what came last on each console"""
        late = "".join(f"late {number}\n" for number in range(200))
        script = (self.console("a", "root", "early\n" * 100 + PANIC + late) +
                  self.console("a", "openhv", "openhv: one\nopenhv: last\n") +
                  "echo 'mshv-vm: root kernel: panic: Fatal exception in interrupt' >&2\n"
                  "echo 'mshv-vm: CPU 1: RIP=0000000000000001' >&2\n"
                  "echo 'mshv-vm: root: last lines:' >&2; echo 'root   | late 199' >&2; exit 122")
        printed = self.run_tests(("a", script, {"ktap": True}))
        details, summary = printed.split("not ok 1 a\n")
        for line in ("mshv-vm: CPU 1: RIP=0000000000000001", "root   | [    1.000000] before",
                     "root   | late 170", "openhv | openhv: last",
                     "a: ended with status 122, expected 0"):
            self.assertIn(f"  # {line}\n", details)
        self.assertEqual(details.count("root   | late 199\n"), 1)
        self.assertNotIn("root   | late 100\n", details)
        self.assertEqual(summary.splitlines(), [
            "# failed: a", "#   a: (no results)", "#   ended with status 122, expected 0",
            "#   mshv-vm: root kernel: panic: Fatal exception in interrupt",
            "#   root   | [    1.100000] int3: 0000 [#1] PREEMPT SMP NOPTI",
            "#   root   | [    1.100001] CPU: 1 PID: 0 Comm: swapper/1",
            "#   root   | [    1.100002] Hardware name: QEMU",
            "#   root   | [    1.100003] RIP: 0010:native_sched_clock+0x1/0x90",
            "0 passed, 1 failed"])

    def test_result(self):
        """Of a result that is not ok: the comments before it, and no others"""
        script = ("printf 'KTAP version 1\\n1..3\\n# fine\\nok 1 x\\n# y.c:12: Expected 1\\n"
                  "not ok 2 y\\n# z.c:9: Expected 2\\nnot ok 3 z\\n'; exit 1")
        printed = self.run_tests(("a", script, {"ktap": True}),
                                 ("b", "echo hello; exit 3", {}), ("c", "true", {}),
                                 ("d", "echo 'x.c:1: error: no y' >&2; echo end; exit 2", {}))
        self.assertEqual(printed.splitlines()[-14:], [
            "# failed: a", "#   a: y", "#   a: z", "#   # y.c:12: Expected 1", "#   not ok 2 y",
            "# failed: b", "#   b", "#   ended with status 3, expected 0", "#   hello",
            "# failed: d", "#   d", "#   ended with status 2, expected 0",
            "#   x.c:1: error: no y", "2 passed, 4 failed"])

    def test_skipped(self):
        """Only what may be skipped is; the name that counts is the whole one."""
        script = "printf 'KTAP version 1\\n1..2\\nok 1 x # SKIP no y\\nok 2 z\\n'"
        printed = self.run_tests(("a", script, {"ktap": True, "skips": ("^a: x # no y$",)}),
                                 ("b", script, {"ktap": True, "skips": ("^a: x # no y$",)}))
        self.assertEqual(printed.splitlines()[-5:], [
            "# failed: b", "#   b", "#   skipped, which no line of [skips] allows: b: x # no y",
            "# 2 skipped", "2 passed, 1 failed"])

    def test_hang(self):
        """Of one that has to be ended: what it says when it is"""
        test = testlist.Test("a", ["sh", "-c", "trap 'echo mshv-vm: guest: late >&2; exit' TERM; "
                                               "echo begin; sleep 20 & wait"], 3)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            run = runner.Runner(self.top.name, self.top.name)
            run.run([test])
            run.summary()
        self.assertEqual(printed.getvalue().splitlines()[-4:], [
            "#   a", "#   did not end within 3 s", "#   mshv-vm: guest: late",
            "0 passed, 1 failed"])

    def test_old_consoles(self):
        """What another run has left explains nothing."""
        script = self.console("a", "root", PANIC)
        self.run_tests(("a", script + "exit 1", {}))
        self.assertNotIn("int3", self.run_tests(("a", "exit 1", {})))

    def run_jobs(self, jobs, *scripts):
        """Run scripts as tests a, b, ..., some at a time; return what is printed, as lines."""
        made = [testlist.Test(name, ["sh", "-c", script], 10, ktap="KTAP" in script)
                for name, script in zip("abcdefgh", scripts)]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            run = runner.Runner(self.top.name, self.top.name, jobs=jobs)
            run.run(made)
            run.summary()
        return printed.getvalue().splitlines()

    def test_two_at_a_time(self):
        """Two that wait for each other end; what each prints is together, numbered as it ends"""
        fifo = os.path.join(self.top.name, "fifo")
        os.mkfifo(fifo)
        first = f"printf 'KTAP version 1\n1..1\n'; read word <{fifo}; sleep 1; echo ok 1 $word"
        lines = self.run_jobs(2, first, f"echo word >{fifo}", "sleep 5; exit 1")
        lines = [line for line in lines if not line.endswith((" s", ": begins"))]
        self.assertEqual(lines, [
            "KTAP version 1", "1..3", "# b", "ok 1 b", "# a", "  KTAP version 1", "  1..1",
            "  ok 1 word", "ok 2 a", "# c", "  # c: ended with status 1, expected 0", "not ok 3 c",
            "# failed: c", "#   c", "#   ended with status 1, expected 0", "2 passed, 1 failed"])

    def test_crash_of_qemu(self):
        """A test runs again if QEMU has crashed by itself, and three times at most are forgiven"""
        flag = os.path.join(self.top.name, "flag")
        words = "echo 'mshv-vm: QEMU: ended with signal 11: x' >&2; exit 120"
        script = (f"printf 'KTAP version 1\n1..2\nok 1 x\n'; test -e {flag} || "
                  f"{{ touch {flag}; {words}; }}; echo ok 2 y")
        for jobs in (1, 2):
            with self.subTest(jobs=jobs):
                if os.path.exists(flag):
                    os.remove(flag)
                lines = self.run_jobs(jobs, script, "true")
                self.assertIn("  # mshv-vm: QEMU: ended with signal 11: x", lines)
                self.assertEqual(lines.count("  1..2"), 1)
                with open(os.path.join(self.top.name, "a.crashed-1.log"), encoding="utf-8") as log:
                    self.assertIn("\nok 1 x\n", log.read())
                self.assertEqual(lines[-2:],
                                 ["# QEMU crashed by itself 1 times", "3 passed, 0 failed"])
        lines = self.run_jobs(1, words)
        self.assertEqual(sum("once more" in line for line in lines), 3)
        self.assertEqual(lines[-2:], ["# QEMU crashed by itself 4 times", "0 passed, 1 failed"])
        lines = self.run_jobs(1, words.replace("11", "6"))
        self.assertFalse(any("once more" in line for line in lines))

    def test_streams_that_close_early(self):
        """A test that closes its streams and goes on has its time limit, and holds up no other"""
        made = [testlist.Test("a", ["sh", "-c", "exec >&- 2>&-; sleep 1; exit 3"], 10, status=3),
                testlist.Test("b", ["sh", "-c", "exec >&- 2>&-; exec sleep 20"], 0.5),
                testlist.Test("c", ["sh", "-c", "trap '' TERM; sleep 20; sleep 20"], 0.5)]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            run = runner.Runner(self.top.name, self.top.name, jobs=3)
            run.run(made)
            run.summary()
        self.assertEqual(printed.getvalue().splitlines()[-5:], [
            "#   did not end within 0.5 s", "# failed: c", "#   c",
            "#   did not end within 0.5 s", "1 passed, 2 failed"])

    def test_interrupted(self):
        """What runs is ended, and what it has said is shown"""
        script = "trap 'exit 1' TERM; printf 'KTAP version 1\\n1..1\\n# so far\\n'; sleep 20 & wait"
        test = testlist.Test("a", ["sh", "-c", script], 10, ktap=True)
        printed = io.StringIO()

        def interrupt(_number, _frame):
            raise SystemExit(1)

        before = signal.signal(signal.SIGALRM, interrupt)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        signal.alarm(5)
        with contextlib.redirect_stdout(printed), self.assertRaises(SystemExit):
            runner.Runner(self.top.name, self.top.name).run([test])
        self.assertEqual(printed.getvalue().splitlines()[-1], "  # # so far")


if __name__ == "__main__":
    unittest.main()
