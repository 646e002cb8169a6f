# SPDX-License-Identifier: GPL-2.0-only
"""Signals that ask a program to end."""

import signal


def handle_unless_ignored(handler, *numbers):
    """Set a handler for signals, but for those that whoever started us wants ignored.

    nohup does that, and a shell for what runs in the background.
    """
    for number in numbers:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)
