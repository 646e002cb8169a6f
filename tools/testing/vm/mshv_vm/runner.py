# SPDX-License-Identifier: GPL-2.0-only
"""Run tests, some at a time, print KTAP, count."""

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time

from . import ktap, report
from .machine import die_with_parent
from .status import Status

_RIG_STATUS = min(Status)  # and above: not the command's
_LAST_WORDS_SECONDS = 5
_POLL_SECONDS = 0.02
_PAIR = ("stdout", "stderr")
# Before 8.2, QEMU's emulator may use a map of devices that another processor's thread has just
# replaced, and die of it: no software that runs in it is to blame.
_QEMU_CRASHED = re.compile(rf"mshv-vm: QEMU: ended with signal {signal.SIGSEGV:d}\b")
_QEMU_CRASHES = 3  # in all tests; more are no accident


class _Output:
    """What a test prints, line by line; kept, as KTAP or as comments, until it has ended."""

    def __init__(self, test, log, verbose):
        self.test = test
        self.log = log
        self.verbose = verbose
        self.kept = []
        self.parser = ktap.Parser()
        self.text = []
        self.report = report.Report(test.console_dir)
        self.rest = {}

    def feed(self, source, data):
        """Take bytes of one of the streams."""
        *lines, self.rest[source] = (self.rest.get(source, b"") + data).split(b"\n")
        for line in lines:
            self._line(source, line.decode("utf-8", "replace").rstrip("\r"))

    def close(self):
        """Streams have ended."""
        for source, rest in self.rest.items():
            if rest:
                self._line(source, rest.decode("utf-8", "replace"))
        self.rest = {}

    def _line(self, source, line):
        self.text.append(line)
        self.log.write(line + "\n")
        is_ktap = self.test.ktap and source == "stdout"
        if is_ktap:
            self.parser.line(line)
            self.kept.append(line)
        if self.verbose:
            print(f"# {self.test.name}: {line}", flush=True)
        self.report.line(source, line, hidden=not (self.verbose or is_ktap))


class _Job:
    """A test that is running. What it started ends with it; the rig ends its QEMU by itself."""

    def __init__(self, test, top, log, output):
        self.test = test
        self.log = log
        self.output = output
        self.begin = time.monotonic()
        self.deadline = self.begin + test.timeout
        self.signals = [signal.SIGTERM, signal.SIGKILL]  # still to be sent when it is late
        self.timed_out = False
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            test.command, cwd=top, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, preexec_fn=die_with_parent())
        self.open = {getattr(self.process, name): name for name in _PAIR}

    def read(self, stream):
        """Take what there is of a stream; False if it has ended."""
        data = os.read(stream.fileno(), 65536)
        if data:
            self.output.feed(self.open[stream], data)
        else:
            del self.open[stream]
        return bool(data)

    def wake_up(self):
        """When to look at it again, whether it has printed anything or not."""
        # The end of a process that has closed its streams is not told of.
        return self.deadline if self.open else min(self.deadline, time.monotonic() + _POLL_SECONDS)

    def end(self):
        """Send the next signal, and wait for last words: the rig says how far it came."""
        try:
            os.killpg(self.process.pid, self.signals.pop(0))
        except ProcessLookupError:
            pass
        self.deadline = time.monotonic() + _LAST_WORDS_SECONDS

    def is_over(self):
        """Has it ended, and all been read? Else it is told to end, if its time is up."""
        if not self.open and self.process.poll() is not None:
            return True
        if time.monotonic() < self.deadline:
            return False
        self.timed_out = True
        if not self.signals:
            return True
        self.end()
        return False

    def close(self):
        """Leave nothing behind; return the exit status, or None if it had to be ended."""
        ended = self.process.poll() is not None
        if not ended or self.timed_out:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        self.output.close()
        self.log.close()
        return self.process.returncode if ended and not self.timed_out else None


class Runner:
    """Runs tests and keeps the counts."""

    def __init__(self, top, log_dir, verbose=False, jobs=1):
        """Of jobs tests that run at a time each prints what it has to say when it has ended."""
        self.top = top
        self.log_dir = log_dir
        self.verbose = verbose
        self.jobs = jobs
        self.total = ktap.Counts()
        self.causes = {}  # of each test that failed: lines
        self.crashes = 0  # of QEMU
        self.number = 0
        os.makedirs(log_dir, exist_ok=True)

    def run(self, tests):
        """Run all; False if any failed."""
        print("KTAP version 1")
        print(f"1..{len(tests)}", flush=True)
        waiting = list(tests)
        running = []
        with selectors.DefaultSelector() as selector:
            try:
                while waiting or running:
                    while waiting and len(running) < self.jobs:
                        self._start(waiting.pop(0), selector, running)
                    self._read(selector, min(job.wake_up() for job in running))
                    for job in [job for job in running if job.is_over()]:
                        again = not self._finish(job, selector)
                        running.remove(job)
                        if again:
                            waiting.insert(0, job.test)
            finally:
                self._interrupt(running)
        return not self.total.failed

    def _log(self, test):
        return os.path.join(self.log_dir, f"{test.name}.log")

    def _start(self, test, selector, running):
        print(f"# {test.name}: begins", flush=True)
        if test.console_dir:  # It is not to be explained by what another run has left.
            shutil.rmtree(test.console_dir, ignore_errors=True)
        log = open(self._log(test), "w", 1, "utf-8")  # pylint: disable=consider-using-with
        job = _Job(test, self.top, log, _Output(test, log, self.verbose))
        running.append(job)
        for stream in job.open:
            selector.register(stream, selectors.EVENT_READ, job)

    @staticmethod
    def _read(selector, deadline):
        """Take what the tests print, until the deadline at most."""
        for key, _ in selector.select(max(0, deadline - time.monotonic())):
            if not key.data.read(key.fileobj):
                selector.unregister(key.fileobj)

    @staticmethod
    def _interrupt(running):
        """End what still runs, all at once, and say how far it has come."""
        for job in running:
            job.end()
        for job in running:
            try:
                job.process.wait(max(0, job.deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            job.close()
            print(f"# {job.test.name}: ended after {time.monotonic() - job.begin:.1f} s; so far:")
            for line in job.output.kept:
                print(f"  # {line}", flush=True)

    def _crashed(self, job):
        """QEMU itself has died: keep what there is to look into. False: that is too often."""
        self.crashes += 1
        if self.crashes > _QEMU_CRASHES:
            return False
        name = f"{job.test.name}.crashed-{self.crashes}"
        print(f"# {job.test.name}: QEMU crashed by itself: once more; see {name}.log")
        for line in job.output.report.details():
            print(f"  # {line}", flush=True)
        os.rename(self._log(job.test), os.path.join(self.log_dir, f"{name}.log"))
        if job.test.console_dir and os.path.isdir(job.test.console_dir):
            kept = os.path.join(os.path.dirname(job.test.console_dir), name)
            shutil.rmtree(kept, ignore_errors=True)
            os.rename(job.test.console_dir, kept)
        return True

    def _finish(self, job, selector):
        """Print and count what has come of a test; False if it has to run again."""
        for stream in job.open:
            selector.unregister(stream)
        seconds = time.monotonic() - job.begin
        name = job.test.name
        status = job.close()
        if status == Status.QEMU and any(map(_QEMU_CRASHED.match, job.output.text)) and \
                self._crashed(job):
            return False
        counts, problems = self._judge(job.test, job.output, status)
        print(f"# {name}")
        for line in job.output.kept:
            print(f"  {line}")
        if counts.failed:
            for line in job.output.report.details():
                print(f"  # {line}")
        for problem in problems:
            print(f"  # {name}: {problem}")
        self.number += 1
        self.total.add(counts)
        verdict = "not ok" if counts.failed else "ok"
        skip = " # SKIP" if counts.skipped and not (counts.passed or counts.failed) else ""
        print(f"# {name}: {seconds:.1f} s")
        print(f"{verdict} {self.number} {name}{skip}", flush=True)
        return True

    def _judge(self, test, output, status):
        """The results, and what is wrong besides."""
        counts = ktap.Counts()
        if test.ktap:
            counts.add(output.parser.close(), f"{test.name}: ")
        problems = [f"skipped, which no line of [skips] allows: {entry}" for entry in counts.skipped
                    if not any(re.search(pattern, entry) for pattern in test.skips)]
        if status is None:
            problems.append(f"did not end within {test.timeout:g} s")
        elif status != test.status and (status >= _RIG_STATUS or not counts.failed):
            problems.append(f"ended with status {status}, expected {test.status}")
        text = "\n".join(output.text)
        problems += [f"what it printed does not match: {pattern}" for pattern in test.output
                     if not re.search(pattern, text, re.M)]
        if problems and not counts.failed:
            counts.failed.append(test.name)
        elif not problems and not test.ktap:
            counts.passed.append(test.name)
        if counts.failed:
            self.causes[test.name] = [*counts.failed, *problems, *output.report.cause()]
        return counts, problems

    def summary(self):
        """The last line says it all; what failed, and why, is before it, as logs get cut."""
        for name, lines in self.causes.items():
            print(f"# failed: {name}")
            for line in lines:
                print(f"#   {line}")
        if self.crashes:
            print(f"# QEMU crashed by itself {self.crashes} times")
        if self.total.skipped:
            print(f"# {len(self.total.skipped)} skipped")
        print(f"{len(self.total.passed)} passed, {len(self.total.failed)} failed")
        sys.stdout.flush()
