# SPDX-License-Identifier: GPL-2.0-only
"""Consoles: lines out of bytes, shown with a prefix, kept for later."""

import collections
import os
import re
import sys

# Escape sequences and control characters, which would upset the terminal
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b.|[\x00-\x08\x0b-\x1f\x7f]")
_COLOURS = {"openhv": 35, "root": 36, "guest": 32, "mshv": 33}
_WIDTH = max(len(name) for name in _COLOURS)
TAIL_LINES = 40


def prefixed(name, line, stream=None):
    """A line as it is shown: which console it is from, in colour if stream is a terminal."""
    prefix = f"{name:{_WIDTH}} |"
    if stream and stream.isatty() and "NO_COLOR" not in os.environ and name in _COLOURS:
        prefix = f"\x1b[{_COLOURS[name]}m{prefix}\x1b[0m"
    return f"{prefix} {line}"


class Console:
    """One console: shows each line on a stream, if given, and writes a log, if given."""

    def __init__(self, name, stream=None, log_dir=None):
        self.name = name
        self.stream = stream
        self.lines = collections.deque(maxlen=TAIL_LINES)
        self.partial = ""
        self.log = None
        if log_dir:
            path = os.path.join(log_dir, f"{name}.log")
            self.log = open(path, "w", encoding="utf-8")  # pylint: disable=consider-using-with

    def feed(self, data):
        """Take bytes; return the lines that they complete."""
        *lines, self.partial = (self.partial + data.decode("utf-8", "replace")).split("\n")
        return [self._line(line) for line in lines]

    def _line(self, text):
        text = _CONTROL.sub("", text.rstrip("\r"))
        self.lines.append(text)
        if self.stream:
            print(prefixed(self.name, text, self.stream), file=self.stream, flush=True)
        if self.log:
            self.log.write(text + "\n")
            self.log.flush()
        return text

    def close(self):
        """No more bytes will come: what is left is a line too."""
        lines = []
        if self.partial:
            lines = [self._line(self.partial)]
            self.partial = ""
        if self.log:
            self.log.close()
            self.log = None
        return lines

    def show_tail(self, stream=sys.stderr):
        """The last lines, for whoever has to find out what went wrong."""
        if not self.lines:
            print(f"mshv-vm: {self.name}: printed nothing", file=stream)
            return
        print(f"mshv-vm: {self.name}: last lines:", file=stream)
        for line in self.lines:
            print(prefixed(self.name, line, stream), file=stream)
