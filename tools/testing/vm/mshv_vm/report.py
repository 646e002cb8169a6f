# SPDX-License-Identifier: GPL-2.0-only
"""Why a test failed, in as many lines as tell it: a CI log is all that its reader has."""

import collections
import os
import re

from .console import prefixed
from .trouble import PANIC, TROUBLE

_OWN_LINES = 100  # of what the test printed last
_TAIL_LINES = 30  # of each console
_BEFORE, _AFTER = 3, 40  # lines around the first that tells of trouble
_DIAGNOSTICS = 4  # comments before a result
_CONSOLES = ("openhv", "root", "guest")
# Linux numbers what it dies of: [#1]
_DEATH = re.compile(r"\[#1\]|openhv: (ERROR|PANIC)")
_KERNEL_RIP = "RIP: 0010:"
_RIG_LINE = re.compile(r"mshv-vm: (?!\w+: (last lines|printed nothing))")
_CONSOLE_LINE = re.compile(rf"mshv-vm: \w+: last lines:|({'|'.join(_CONSOLES)}) *\| ")
_ERROR = re.compile(r"error:|Error\b|^FAIL: ")
_ERRORS = 3  # of what is neither KTAP nor the rig
_NOT_OK = re.compile(r"\s*not ok\b")


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _first_trouble(lines):
    return next((number for number, line in enumerate(lines)
                 if any(words.search(line) for words in (_DEATH, PANIC, TROUBLE))), None)


class Report:
    """Takes what a test prints; says what of it matters if the test has failed."""

    def __init__(self, console_dir=None):
        """console_dir is where the rig writes the consoles, if the test has any."""
        self.console_dir = console_dir
        self.rig = []  # what the rig itself says
        self.own = collections.deque(maxlen=_OWN_LINES)
        self.comments = collections.deque(maxlen=_DIAGNOSTICS)
        self.first_failure = []  # the first result that is "not ok", and the comments before it

    def line(self, source, text, hidden):
        """One line of "stdout" or "stderr"; hidden, if it has not been shown yet."""
        if source == "stderr" and self.console_dir and _CONSOLE_LINE.match(text):
            return  # The consoles' logs have it, and more.
        if source == "stderr" and _RIG_LINE.match(text):
            self.rig.append(text)
        elif hidden:
            self.own.append(text)
        if source == "stdout":
            self._result(text)

    def _result(self, text):
        if text.lstrip().startswith("#"):
            self.comments.append(text.strip())
        elif _NOT_OK.match(text) and not self.first_failure:
            self.first_failure = [*self.comments, text.strip()]
        else:
            self.comments.clear()

    def _consoles(self):
        """Of each console that has printed anything: its name and its lines."""
        for name in _CONSOLES if self.console_dir else ():
            lines = _read(os.path.join(self.console_dir, f"{name}.log"))
            if lines:
                yield name, lines

    def details(self):
        """All that helps to find out why, as lines."""
        yield from self.own
        yield from self.rig
        for name, lines in self._consoles():
            yield f"{name}: where it went wrong, and its last lines:"
            yield from (prefixed(name, line) for line in _telling(lines))

    def cause(self):
        """The first cause, in a few lines."""
        lines = [line for line in self.rig[:1] if line] or self.first_failure[-_DIAGNOSTICS:]
        for name, console in self._consoles():
            first = _first_trouble(console)
            if first is not None:
                lines = lines + [prefixed(name, line) for line in console[first:first + 3]]
                where = next((line for line in console[first + 3:] if _KERNEL_RIP in line), None)
                lines += [prefixed(name, where)] if where else []
        if lines:
            return lines
        return [line for line in self.own if _ERROR.search(line)][:_ERRORS] or list(self.own)[-1:]


def _telling(lines):
    """The lines around the first trouble, and the last ones; "..." for what is left out."""
    first = _first_trouble(lines)
    wanted = set(range(max(0, len(lines) - _TAIL_LINES), len(lines)))
    if first is not None:
        wanted |= set(range(max(0, first - _BEFORE), min(len(lines), first + _AFTER)))
    before = -1
    for number in sorted(wanted):
        if number != before + 1:
            yield "..."
        yield lines[number]
        before = number
