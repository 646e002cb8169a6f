# SPDX-License-Identifier: GPL-2.0-only
"""Read KTAP (Documentation/dev-tools/ktap.rst of Linux) and count what it says.

A test that has subtests counts by them; what is missing or contradicts itself
counts as a failure, so that a program that dies half way cannot pass.
"""

import dataclasses
import re

_VERSION = re.compile(r"K?TAP version 1\d*$")
_PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*SKIP\b(.*))?$", re.I)
_RESULT = re.compile(r"(not )?ok\b ?(\d*)(?: ?- ?| )?([^#]*)(?:#\s*(\w+)\s*(.*))?$")


@dataclasses.dataclass
class Counts:
    """Results, each with its name and those of the tests it is part of; skipped ones with the
    reason: "test: part # reason"."""

    passed: list = dataclasses.field(default_factory=list)
    failed: list = dataclasses.field(default_factory=list)
    skipped: list = dataclasses.field(default_factory=list)

    def add(self, other, prefix=""):
        """Take over the results of a part."""
        for name in ("passed", "failed", "skipped"):
            getattr(self, name).extend(prefix + entry for entry in getattr(other, name))

    def __len__(self):
        return len(self.passed) + len(self.failed) + len(self.skipped)


class _Level:
    """The tests at one depth of nesting."""

    def __init__(self, indent):
        self.indent = indent
        self.planned = None
        self.seen = 0
        self.counts = Counts()

    def finish(self):
        if self.planned is None:
            # KUnit prints none for the parameters of a test, which it has not counted
            # before: the result that comes after them is what must be there.
            if not self.indent or not self.seen:
                self.counts.failed.append("(no plan)")
        elif self.planned != self.seen:
            self.counts.failed.append(f"({self.planned} tests planned, {self.seen} seen)")
        return self.counts


class Parser:
    """Takes lines one by one; close() returns the counts."""

    def __init__(self):
        self.levels = []
        self.pending = Counts()  # finished subtests, of the result line to come
        self.total = Counts()

    def _leave(self, indent):
        """Finish the levels that are nested deeper than indent."""
        while self.levels and self.levels[-1].indent > indent:
            level = self.levels.pop()
            # What was pending here never got a result line of its own.
            self._orphans(level)
            self.pending = level.finish()

    def _orphans(self, level):
        if len(self.pending):
            level.counts.add(self.pending)
            level.counts.failed.append("(subtests without a result)")
            self.pending = Counts()

    def _enter(self, indent):
        self._leave(indent)
        if self.levels and self.levels[-1].indent == indent:
            # A second report after the first
            level = self.levels.pop()
            self._orphans(level)
            if self.levels:
                self.pending.add(level.finish())
            else:
                self.total.add(level.finish())
        self.levels.append(_Level(indent))

    def _result(self, level, failed, number, name, directive, reason):
        level.seen += 1
        name = name.strip() or f"test {level.seen}"
        if number and int(number) != level.seen:
            level.counts.failed.append(f"{name} (number {number}, {level.seen} expected)")
        parts, self.pending = self.pending, Counts()
        level.counts.add(parts, f"{name}: ")
        if failed and not parts.failed:
            level.counts.failed.append(name)
        elif not failed and parts.failed:
            pass  # the parts say it already
        elif not len(parts):
            if (directive or "").upper() == "SKIP":
                level.counts.skipped.append(f"{name} # {reason}")
            else:
                level.counts.passed.append(name)

    def line(self, text):
        """Take one line."""
        stripped = text.strip()
        indent = len(text) - len(text.lstrip())
        if _VERSION.match(stripped):
            self._enter(indent)
            return
        if not self.levels:
            return
        found = _PLAN.match(stripped) or _RESULT.match(stripped)
        if stripped.startswith("Bail out!"):
            self.levels[-1].counts.failed.append(stripped)
        elif found and indent <= self.levels[-1].indent:
            self._leave(indent)
            if not self.levels or self.levels[-1].indent != indent:
                return
            level = self.levels[-1]
            if found.re is _PLAN:
                self._plan(level, int(found[1]), found[2])
            else:
                self._result(level, *found.groups())

    def _plan(self, level, number, skip):
        level.planned = number
        if number == 0 and skip is not None:
            level.counts.skipped.append(f"all # {skip.strip()}")

    def close(self):
        """No more lines: what is open now ends here."""
        self._leave(-1)
        self.total.add(self.pending)
        if not len(self.total):
            self.total.failed.append("(no results)")
        return self.total


def parse(text):
    """The counts of a whole report."""
    parser = Parser()
    for line in text.splitlines():
        parser.line(line)
    return parser.close()
