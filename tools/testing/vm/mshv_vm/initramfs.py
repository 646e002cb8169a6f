# SPDX-License-Identifier: GPL-2.0-only
"""What goes into an initramfs: busybox, programs with their libraries, modules."""

import gzip
import lzma
import os
import re
import shutil
import subprocess
import tempfile

from .error import RigError

# What the root partition's devices need, where it is not built in
DRIVERS = ["virtio_pci", "virtio_console", "virtio_blk", "virtio_net"]
# What guests and other user spaces ask for: taken where the kernel has it
OPTIONAL = ["virtio_mmio", "tun", "squashfs", "overlay"]
_COMPRESSED = {".xz": lzma.open, ".gz": gzip.open}


def add_busybox(archive, busybox):
    """Add busybox and a link for each command it knows."""
    with open(busybox, "rb") as file:
        archive.file("bin/busybox", file.read(), 0o755)
    names = subprocess.run([busybox, "--list-full"], check=True, capture_output=True, text=True)
    for name in names.stdout.split():
        if name != "bin/busybox":
            archive.symlink(name, "/bin/busybox")


def _is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def shared_libraries(path):
    """The shared libraries and the loader that a program of the host needs."""
    if not os.path.isfile(path) or not _is_elf(path):
        return []
    listing = subprocess.run(["ldd", path], capture_output=True, text=True)
    if listing.returncode:
        return []  # statically linked, or not a program
    missing = re.findall(r"^\s*(\S+) => not found", listing.stdout, re.M)
    if missing:
        raise RigError(f"{path}: shared libraries not found: {' '.join(missing)}")
    return re.findall(r"^\s*(?:\S+ => )?(/\S+) \(0x", listing.stdout, re.M)


def add_program(archive, source, name, read=None):
    """Add a file or a directory, and the shared libraries its programs need.

    read, if given, takes a path and returns the bytes to put into the archive.
    """
    archive.copy(source, name, read)
    files = [source]
    if os.path.isdir(source):
        files = [os.path.join(top, file) for top, _, names in os.walk(source) for file in names]
    libraries = set()
    for file in files:
        libraries.update(shared_libraries(file))
    for library in sorted(libraries):
        with open(library, "rb") as file:
            archive.file(library, file.read(), 0o755)


def stripped(path):
    """The bytes of a file; of a program or module without its debugging information."""
    with tempfile.NamedTemporaryFile() as copy:
        if _is_elf(path):
            subprocess.run(["strip", "--strip-debug", "-o", copy.name, path], check=True)
            path = copy.name
        with open(path, "rb") as file:
            return file.read()


def _module_name(path):
    return re.sub(r"\.ko.*", "", os.path.basename(path)).replace("-", "_")


def _dependencies(root, release):
    """Of each module of an unpacked kernel package: its path and those it needs."""
    with open(f"{root}/lib/modules/{release}/modules.dep", encoding="ascii") as file:
        pairs = [line.split(":") for line in file]
    return {_module_name(path): [path, *needed.split()] for path, needed in pairs}


def _builtin(root, release):
    """The names of what is a module elsewhere, but built into this kernel."""
    with open(f"{root}/lib/modules/{release}/modules.builtin", encoding="ascii") as file:
        return {_module_name(path.strip()) for path in file}


def _install(source, target):
    """Copy a module, decompressed: busybox does not know every format."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    name, ending = os.path.splitext(target)
    if ending in _COMPRESSED:
        with _COMPRESSED[ending](source) as compressed, open(name, "wb") as file:
            shutil.copyfileobj(compressed, file)
    elif ending == ".ko":
        shutil.copyfile(source, target)
    else:
        raise RigError(f"{source}: is compressed in a way that the rig does not know")


def add_modules(archive, root, release, names, extra):
    """Add modules of an unpacked kernel package, by name, with those they need.

    Those that are built in need no adding; those in OPTIONAL are added without asking.
    root is the top of the unpacked package; extra are module files of others, which go
    to the "updates" directory, with the stock modules that they need. If the kernel has
    a module of the same name, that one is added too, and left alone by whoever asks by
    name.
    """
    dependencies = _dependencies(root, release)
    names = [*names, *(name for name in OPTIONAL if name in dependencies)]
    names = [name for name in names if name not in _builtin(root, release)]
    names += [_module_name(file) for file in extra if _module_name(file) in dependencies]
    for file in extra:
        needed = subprocess.run(["modinfo", "-F", "depends", file], check=True,
                                capture_output=True, text=True).stdout.strip()
        names = names + [name for name in needed.split(",") if name in dependencies]
    with tempfile.TemporaryDirectory() as stage:
        top = f"lib/modules/{release}"
        for name in names:
            if name not in dependencies:
                raise RigError(f"kernel {release} has no module {name}")
            for path in dependencies[name]:
                _install(f"{root}/{top}/{path}", f"{stage}/{top}/{path}")
        for file in extra:
            target = f"{stage}/{top}/updates/{os.path.basename(file)}"
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as out:
                out.write(stripped(file))
        for index in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
            shutil.copyfile(f"{root}/{top}/{index}", f"{stage}/{top}/{index}")
        subprocess.run(["depmod", "-b", stage, release], check=True)
        archive.copy(f"{stage}/{top}", top)
