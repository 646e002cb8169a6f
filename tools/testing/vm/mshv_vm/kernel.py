# SPDX-License-Identifier: GPL-2.0-only
"""Kernels that can be booted: those made ready by make, or any image file."""

import dataclasses
import os

from .error import RigError

SERIES = ("6.1", "6.12", "7.3")  # those that make can make ready, as KERNEL= in the Makefile


@dataclasses.dataclass
class Kernel:
    """A kernel image and the archive of its modules, if there is one."""

    image: str
    modules: str = ""


def release_of(image):
    """The release that a bzImage says it is, or "" (Documentation/arch/x86/boot.rst)."""
    with open(image, "rb") as file:
        head = file.read(0x8000)
    if head[0x202:0x206] != b"HdrS":
        return ""
    offset = 0x200 + int.from_bytes(head[0x20e:0x210], "little")
    words = head[offset:offset + 256].split(b"\0")[0].split()
    return words[0].decode("ascii", "replace") if words else ""


def prepared(images):
    """The series that are made ready: a dictionary of Kernels."""
    if not os.path.isdir(images):
        raise RigError(f"no images in {images}: make images builds them in the source tree, make "
                       "install installs them, MSHV_VM_IMAGES says where they are")
    found = {}
    for name in sorted(os.listdir(images)):
        image = os.path.join(images, name, "vmlinuz")
        if os.path.exists(image):
            found[name] = Kernel(image, os.path.join(images, name, "modules.cpio"))
    return found


def find(images, name):
    """The kernel of a series, or of a file: whose modules are known if it is of a series."""
    series = prepared(images)
    if name in series:
        return series[name]
    if "/" not in name and not os.path.exists(name):
        known = " ".join(series) or "none"
        if name in SERIES:
            raise RigError(f"no kernel {name}: made ready are: {known}; in the source tree make "
                           f"images KERNEL={name} adds it, and make install installs it")
        raise RigError(f"no kernel {name}: neither a file nor one of those made ready ({known})")
    if not os.path.isfile(name):
        raise RigError(f"no kernel image {name}")
    release = release_of(name)
    for kernel in series.values():
        if release and release_of(kernel.image) == release:
            return Kernel(name, kernel.modules)
    return Kernel(name)
