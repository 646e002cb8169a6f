# SPDX-License-Identifier: GPL-2.0-only
"""Another user space for the root partition, as an image that QEMU makes a disk of."""

import os
import shutil
import subprocess
import tempfile

from .error import RigError

_MAGIC = b"hsqs"  # of squashfs
NAMED = ("trixie",)


def _pack(directory):
    """An unnamed file with an image of a directory."""
    if not shutil.which("gensquashfs"):
        raise RigError("gensquashfs is not installed (Debian package: squashfs-tools-ng)")
    with tempfile.TemporaryDirectory(prefix="mshv-vm.") as temporary:
        name = f"{temporary}/root.squashfs"
        # Who reads it is emulated: what is quickly decompressed is best.
        packed = subprocess.run(["gensquashfs", "--quiet", "--all-root", "--compressor", "lz4",
                                 "--pack-dir", directory, name],
                                stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if packed.returncode:
            said = packed.stderr.decode("utf-8", "replace").strip().splitlines()
            raise RigError(f"gensquashfs: {said[-1] if said else packed.returncode}")
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC)


def image(images, name):
    """A descriptor of the image of what --root names, or -1 for the initramfs."""
    if name == "initramfs":
        return -1
    if os.path.isdir(name):
        return _pack(name)
    file = os.path.join(images, f"{name}.squashfs") if name in NAMED else name
    try:
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        hint = f": run make {name} first" if name in NAMED else ""
        raise RigError(f"--root: {file}: {error.strerror}{hint}") from None
    if os.pread(fd, len(_MAGIC), 0) != _MAGIC:
        os.close(fd)
        raise RigError(f"--root: {name} is neither a directory nor a squashfs image")
    return fd
