# SPDX-License-Identifier: GPL-2.0-only
"""How a run ended: exit statuses of mshv-vm, and the layer that is to blame."""

import dataclasses
import enum


class Status(enum.IntEnum):
    """Exit statuses of the rig's own; all others are the command's."""

    MODULE = 118  # the module was not loaded or not unloaded
    RIG = 119  # wrong command line, missing file
    QEMU = 120  # QEMU did not start, or died
    ROOT_END = 121  # root ended without a word, did not end, or complained
    ROOT_PANIC = 122
    OPENHV_PANIC = 123
    TIMEOUT = 124
    OPENHV_REFUSAL = 125


# What QEMU's exit status is when openhv ends it by the isa-debug-exit device
QEMU_OPENHV_PANIC = 123
QEMU_OPENHV_REFUSAL = 125


class Progress(enum.IntEnum):
    """How far a run has come; each step names what is at work after it."""

    STARTED = 0
    OPENHV = 1  # openhv has printed something
    ROOT = 2  # the root kernel has printed something
    INIT = 3  # root's user space is up
    MODULE = 4  # the module is loaded, or is not wanted
    COMMAND = 5  # the command is running
    DONE = 6  # the command has ended
    END = 7  # root is about to switch off


EARLY = "(--append earlyprintk=ttyS0,115200 may show more)"
# After each step: the layer at work, and what it has not done
HUNG = {
    Progress.STARTED: ("openhv", "it has printed nothing"),
    Progress.OPENHV: ("openhv", f"it has not started the root kernel {EARLY}"),
    Progress.ROOT: ("root kernel", "it has not reached user space"),
    Progress.INIT: ("module", "loading it has not ended"),
    Progress.MODULE: ("root kernel", "it has not started the command"),
    Progress.COMMAND: ("command", "it has not ended"),
    Progress.DONE: ("module", "unloading it has not ended"),
    Progress.END: ("root kernel", "it has not switched off"),
}
HUNG_WITHOUT_OPENHV = {
    **HUNG,
    Progress.STARTED: ("root kernel", f"it has printed nothing {EARLY}"),
}


@dataclasses.dataclass
class Outcome:
    """The end of a run: the exit status, and, if it is the rig's, why."""

    status: int
    layer: str = ""
    reason: str = ""

    def __bool__(self):
        return bool(self.layer)

    def __str__(self):
        return f"{self.layer}: {self.reason}"
