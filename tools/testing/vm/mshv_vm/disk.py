# SPDX-License-Identifier: GPL-2.0-only
"""Disks of the machine that have the contents of files, for guests of the root partition."""

import dataclasses
import os

from .error import RigError

_QCOW2 = b"QFI\xfb"
NAMED = ("debian",)


@dataclasses.dataclass
class Disk:
    """The descriptor of an image, and its format as QEMU calls it."""

    fd: int
    format: str

    @classmethod
    def find(cls, images, name):
        """The image of what --disk names."""
        file = os.path.join(images, f"{name}.qcow2") if name in NAMED else name
        try:
            fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
            magic = os.pread(fd, len(_QCOW2), 0)
        except OSError as error:
            hint = f": run make {name} first" if name in NAMED else ""
            raise RigError(f"--disk: {file}: {error.strerror}{hint}") from None
        return cls(fd, "qcow2" if magic == _QCOW2 else "raw")
