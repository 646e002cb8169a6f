# SPDX-License-Identifier: GPL-2.0-only
"""What goes into an initramfs: busybox, programs with their libraries, modules."""

import gzip
import lzma
import os
import re
import shutil
import subprocess
import tempfile
import zlib

from .error import RigError

# What the root partition's devices need, where it is not built in
DRIVERS = ["virtio_pci", "virtio_console", "virtio_blk", "virtio_net"]
# What guests and other user spaces ask for: taken where the kernel has it
OPTIONAL = ["virtio_mmio", "tun", "squashfs", "overlay"]
_COMPRESSED = {".xz": lzma.open, ".gz": gzip.open}
# Where the loader looks by itself, on Debian and where libraries are in lib64
_LIBRARIES = re.compile(r"(/usr)?/lib(64|/[a-z0-9_]+-linux-gnu)?")


def _run(command):
    """What a program prints; RigError if it fails."""
    # Some of them are not where users of Debian have their programs.
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          env={**os.environ, "PATH": path})
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RigError(f"{command[0]}: {said[-1] if said else f'status {done.returncode}'}")
    return os.fsdecode(done.stdout)


def add_busybox(archive, busybox):
    """Add busybox and a link for each command it knows."""
    with open(busybox, "rb") as file:
        archive.file("bin/busybox", file.read(), 0o755)
    for name in _run([busybox, "--list-full"]).split():
        if name != "bin/busybox":
            archive.symlink(name, "/bin/busybox")


def _is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def shared_libraries(path):
    """The shared libraries and the loader that a program of the host needs."""
    if not os.path.isfile(path) or not _is_elf(path):
        return []
    listing = subprocess.run(["ldd", path], capture_output=True, check=False)
    if listing.returncode:
        return []  # statically linked, or not a program
    text = os.fsdecode(listing.stdout)
    missing = re.findall(r"^\s*(\S.*) => not found", text, re.M)
    if missing:
        raise RigError(f"{path}: shared libraries not found: {' '.join(missing)}")
    return [_plain(name) for name in re.findall(r"^\s*(?:\S.* => )?(\S*/.*) \(0x", text, re.M)]


def _plain(path):
    """The absolute path of a file without "..", which $ORIGIN brings along."""
    if os.path.isabs(path) and os.path.normpath(path) == path:
        return path
    directory, name = os.path.split(path)
    return os.path.join(os.path.realpath(directory), name)


def library_path(libraries):
    """What LD_LIBRARY_PATH has to be for the loader to find libraries where they are.

    On the host it has other ways to them: a cache of more directories, and paths that begin
    where the program was.
    """
    directories = dict.fromkeys(os.path.dirname(library) for library in libraries)
    return ":".join(name for name in directories if not _LIBRARIES.fullmatch(name))


def add_program(archive, source, name, read=None):
    """Add a file or a directory, and the shared libraries its programs need: these are returned.

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
    return sorted(libraries)


def stripped(path):
    """The bytes of a file; of a program or module without its debugging information."""
    with tempfile.NamedTemporaryFile() as copy:
        if _is_elf(path):
            _run(["strip", "--strip-debug", "-o", copy.name, path])
            path = copy.name
        with open(path, "rb") as file:
            return file.read()


def _module_name(path):
    return re.sub(r"\.ko.*", "", os.path.basename(path)).replace("-", "_")


def _index(root, release, name):
    """The lines of one of depmod's files; names in it may be of any bytes."""
    with open(f"{root}/lib/modules/{release}/{name}", "rb") as file:
        return os.fsdecode(file.read()).splitlines()


def _dependencies(root, release):
    """Of each module of an unpacked kernel package: its path and those it needs."""
    pairs = [line.partition(":") for line in _index(root, release, "modules.dep")]
    return {_module_name(path): [path, *needed.split()] for path, _, needed in pairs}


def _builtin(root, release):
    """The names of what is a module elsewhere, but built into this kernel."""
    return {_module_name(path) for path in _index(root, release, "modules.builtin")}


def _install(source, target):
    """Copy a module, decompressed: busybox does not know every format."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    name, ending = os.path.splitext(target)
    if ending in _COMPRESSED:
        try:
            with _COMPRESSED[ending](source) as compressed, open(name, "wb") as file:
                shutil.copyfileobj(compressed, file)
        except (lzma.LZMAError, gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise RigError(f"{source}: {error}") from None
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
        needed = _run(["modinfo", "-F", "depends", file]).strip()
        names = names + [name for name in needed.split(",") if name in dependencies]
    with tempfile.TemporaryDirectory() as stage:
        top = f"lib/modules/{release}"
        os.makedirs(f"{stage}/{top}")
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
        _run(["depmod", "-b", stage, release])
        archive.copy(f"{stage}/{top}", top)
