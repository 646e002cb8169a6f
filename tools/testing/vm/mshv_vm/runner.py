# SPDX-License-Identifier: GPL-2.0-only
"""Run tests one after the other, print KTAP, count."""

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

class _Output:
    """What a test prints, line by line: passed on as KTAP or as comments."""

    def __init__(self, test, log, verbose):
        self.test = test
        self.log = log
        self.verbose = verbose
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
            print(f"  {line}", flush=True)
        elif self.verbose:
            print(f"  # {line}", flush=True)
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


class Runner:
    """Runs tests and keeps the counts."""

    def __init__(self, top, log_dir, verbose=False):
        self.top = top
        self.log_dir = log_dir
        self.verbose = verbose
        self.total = ktap.Counts()
        self.causes = {}  # of each test that failed: lines
        os.makedirs(log_dir, exist_ok=True)

    def run(self, tests):
        """Run all; False if any failed."""
        print("KTAP version 1")
        print(f"1..{len(tests)}")
        for number, test in enumerate(tests, 1):
            print(f"# {test.name}", flush=True)
            begin = time.monotonic()
            counts = self._run_one(test)
            self.total.add(counts)
            verdict = "not ok" if counts.failed else "ok"
            skip = " # SKIP" if counts.skipped and not (counts.passed or counts.failed) else ""
            print(f"# {test.name}: {time.monotonic() - begin:.1f} s")
            print(f"{verdict} {number} {test.name}{skip}", flush=True)
        return not self.total.failed

    def _run_one(self, test):
        if test.console_dir:  # It is not to be explained by what another run has left.
            shutil.rmtree(test.console_dir, ignore_errors=True)
        with open(os.path.join(self.log_dir, f"{test.name}.log"), "w", encoding="utf-8") as log:
            output = _Output(test, log, self.verbose)
            status = self._execute(test, output)
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
            for line in output.report.details():
                print(f"  # {line}")
            self.causes[test.name] = [*counts.failed, *problems, *output.report.cause()]
        for problem in problems:
            print(f"  # {test.name}: {problem}")
        return counts

    def _execute(self, test, output):
        """Run the command; return its exit status, or None if it had to be ended."""
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            test.command, cwd=self.top, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, preexec_fn=die_with_parent())
        try:
            if self._read_all(process, output, time.monotonic() + test.timeout):
                return process.wait()
            _end(process)
            # What the rig says of how far it came
            self._read_all(process, output, time.monotonic() + _LAST_WORDS_SECONDS)
            return None
        finally:
            _end(process)
            process.stdout.close()
            process.stderr.close()
            output.close()

    @staticmethod
    def _read_all(process, output, deadline):
        """Take what a process prints until it ends; False if it does not in time."""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, "stdout")
            selector.register(process.stderr, selectors.EVENT_READ, "stderr")
            while selector.get_map():
                ready = selector.select(max(0, deadline - time.monotonic()))
                if not ready and time.monotonic() >= deadline:
                    return False
                for key, _ in ready:
                    data = os.read(key.fd, 65536)
                    if data:
                        output.feed(key.data, data)
                    else:
                        selector.unregister(key.fileobj)
        return True

    def summary(self):
        """The last line says it all; what failed, and why, is before it, as logs get cut."""
        for name, lines in self.causes.items():
            print(f"# failed: {name}")
            for line in lines:
                print(f"#   {line}")
        if self.total.skipped:
            print(f"# {len(self.total.skipped)} skipped")
        print(f"{len(self.total.passed)} passed, {len(self.total.failed)} failed")
        sys.stdout.flush()
