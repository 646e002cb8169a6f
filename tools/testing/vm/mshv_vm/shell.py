# SPDX-License-Identifier: GPL-2.0-only
"""Sessions with a shell: one that a user sits in front of, one that is fed by a pipe."""

import contextlib
import os
import shutil
import socket
import sys
import termios
import threading
import tty

from .session import Session
from .status import Progress

_STDIN = 0
_ESCAPE = b"\x01"  # Ctrl-A, as in QEMU
_READ_BYTES = 65536


class Killed(Exception):
    """The user wants the machine gone."""


class TerminalSession(Session):
    """Connects our terminal with one in the root partition; Ctrl-A x ends the machine."""

    def __init__(self, config, timeout, log_dir=None):
        super().__init__(config, timeout, log_dir=log_dir)
        self.escaped = False
        self.early = b""  # what was typed before there was anyone to read it

    def watch_more(self):
        self.watch(self.machine.channels["terminal"], self._from_root)
        self.watch(_STDIN, self._to_root)

    def _reach(self, progress):
        super()._reach(progress)
        if self.progress >= Progress.COMMAND and self.early:
            with contextlib.suppress(OSError):  # QEMU is gone, which we shall see.
                self.machine.channels["terminal"].sendall(self.early)
            self.early = b""

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
        self.early += keys
        self._reach(self.progress)

    def run(self):
        before = termios.tcgetattr(_STDIN)
        tty.setraw(_STDIN, termios.TCSANOW)  # What is typed already is not lost.
        try:
            return super().run()
        finally:
            termios.tcsetattr(_STDIN, termios.TCSADRAIN, before)


class ScriptSession(Session):
    """The shell reads what is no terminal, to its end, and is gone with it."""

    def watch_more(self):
        # A file cannot be polled, and a thread need not be: QEMU takes from the
        # socket what the shell reads, and no more.
        threading.Thread(target=self._feed, args=[self.machine.channels["stdin"]],
                         daemon=True).start()

    @staticmethod
    def _feed(channel):
        try:
            while data := _read(_STDIN):
                channel.sendall(data)
            channel.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The shell has ended before its input.


def _read(fd):
    try:
        return os.read(fd, _READ_BYTES)
    except OSError as error:
        print(f"mshv-vm: standard input: {error.strerror}", file=sys.stderr)
        return b""


def is_terminal():
    """True if somebody sits in front of standard input."""
    return os.isatty(_STDIN)


def session(config, timeout, log_dir=None):
    """The kind of session that goes with config."""
    kind = TerminalSession if config.terminal else ScriptSession
    return kind(config, timeout, log_dir=log_dir)


def size():
    """Rows and columns of our terminal."""
    columns, rows = shutil.get_terminal_size()
    return rows, columns
