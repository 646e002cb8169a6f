# SPDX-License-Identifier: GPL-2.0-only
"""Run tests, some at a time, print KTAP, count."""

import functools
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
_PAIR = ("stdout", "stderr")
# Before 8.2, QEMU's emulator may use a map of devices that another processor's thread has just
# replaced, and die of it: no software that runs in it is to blame.
_QEMU_CRASHED = re.compile(rf"mshv-vm: QEMU: ended with signal {signal.SIGSEGV:d}\b")
_QEMU_CRASHES = 3  # in all tests; more are no accident


class _Output:
    """What a test prints, line by line: passed on as KTAP or as comments."""

    def __init__(self, test, log, verbose, at_once):
        self.test = test
        self.log = log
        self.verbose = verbose
        self.kept = []
        self.show = functools.partial(print, flush=True) if at_once else self.kept.append
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
        shown = self.verbose or (self.test.ktap and source == "stdout")
        if self.test.ktap and source == "stdout":
            self.parser.line(line)
            self.show(f"  {line}")
        elif self.verbose:
            self.show(f"  # {line}")
        self.report.line(source, line, hidden=not shown)


def _end(process):
    """End a process of ours and what it started; the rig ends its QEMU by itself."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            pass


class _Job:
    """A test that is running."""

    def __init__(self, test, top, log, output):
        self.test = test
        self.log = log
        self.output = output
        self.begin = time.monotonic()
        self.deadline = self.begin + test.timeout
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

    def is_over(self):
        """Has all been read? Ends the process if its time is up, and waits for its last words."""
        if self.open and time.monotonic() >= self.deadline:
            if self.timed_out:
                return True
            _end(self.process)
            # What the rig says of how far it came
            self.deadline = time.monotonic() + _LAST_WORDS_SECONDS
            self.timed_out = True
        return not self.open

    def close(self):
        """Leave nothing behind; return the exit status, or None if it had to be ended."""
        status = None if self.timed_out or self.open else self.process.wait()
        _end(self.process)
        self.process.stdout.close()
        self.process.stderr.close()
        self.output.close()
        self.log.close()
        return status


class Runner:
    """Runs tests and keeps the counts."""

    def __init__(self, top, log_dir, verbose=False, jobs=1):
        """Of jobs tests that run at a time each prints when it has ended; one alone, at once."""
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
                        running.append(self._start(waiting.pop(0), selector))
                    self._read(selector, min(job.deadline for job in running))
                    for job in [job for job in running if job.is_over()]:
                        running.remove(job)
                        if not self._finish(job, selector):
                            waiting.insert(0, job.test)
            finally:
                for job in running:
                    job.close()
        return not self.total.failed

    def _start(self, test, selector):
        if test.console_dir:  # It is not to be explained by what another run has left.
            shutil.rmtree(test.console_dir, ignore_errors=True)
        if self.jobs == 1:
            print(f"# {test.name}", flush=True)
        log = open(  # pylint: disable=consider-using-with
            os.path.join(self.log_dir, f"{test.name}.log"), "w", 1, "utf-8")
        job = _Job(test, self.top, log, _Output(test, log, self.verbose, self.jobs == 1))
        for stream in job.open:
            selector.register(stream, selectors.EVENT_READ, job)
        return job

    @staticmethod
    def _read(selector, deadline):
        """Take what the tests print, until the deadline at most."""
        for key, _ in selector.select(max(0, deadline - time.monotonic())):
            if not key.data.read(key.fileobj):
                selector.unregister(key.fileobj)

    def _finish(self, job, selector):
        """Print and count what has come of a test; False if it has to run again."""
        for stream in job.open:
            selector.unregister(stream)
        seconds = time.monotonic() - job.begin
        name = job.test.name
        status = job.close()
        if status == Status.QEMU and any(map(_QEMU_CRASHED.match, job.output.text)):
            self.crashes += 1
            if self.crashes <= _QEMU_CRASHES:
                print(f"# {name}: QEMU crashed by itself after {seconds:.1f} s: once more")
                for line in job.output.report.details():
                    print(f"  # {line}", flush=True)
                return False
        counts, problems = self._judge(job.test, job.output, status)
        if self.jobs > 1:
            print(f"# {name}")
            for line in job.output.kept:
                print(line)
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
        problems = []
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
