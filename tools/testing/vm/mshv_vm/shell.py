# SPDX-License-Identifier: GPL-2.0-only
"""A session that the user sits in front of."""

import shutil
import sys
import termios
import tty

from .session import Session

_ESCAPE = b"\x01"  # Ctrl-A, as in QEMU


class Killed(Exception):
    """The user wants the machine gone."""


class ShellSession(Session):
    """Connects our terminal with one in the root partition; Ctrl-A x ends the machine."""

    def __init__(self, config, timeout, log_dir=None):
        super().__init__(config, timeout, log_dir=log_dir)
        self.escaped = False

    def watch_more(self):
        self.watch(self.machine.channels["terminal"], self._from_root)
        self.watch(sys.stdin.fileno(), self._to_root)

    def _from_root(self, data):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()

    def _to_root(self, data):
        keys = b""
        for key in (data[i:i + 1] for i in range(len(data))):
            if self.escaped:
                self.escaped = False
                if key in (b"x", b"X"):
                    raise Killed
                keys += key
            elif key == _ESCAPE:
                self.escaped = True
            else:
                keys += key
        self.machine.channels["terminal"].sendall(keys)

    def run(self):
        if not sys.stdin.isatty():
            return super().run()
        before = termios.tcgetattr(sys.stdin)
        tty.setraw(sys.stdin)
        try:
            return super().run()
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def size():
    """Rows and columns of our terminal."""
    columns, rows = shutil.get_terminal_size()
    return rows, columns
