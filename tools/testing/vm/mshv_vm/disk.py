# SPDX-License-Identifier: GPL-2.0-only
"""A disk that a guest boots from by its BIOS: GRUB, and a partition with a kernel."""

import hashlib
import os
import subprocess
import tempfile

from .error import RigError

_GRUB = "/usr/lib/grub/i386-pc"
_SECTOR = 512
_START = 2048  # the partition's first sector; what is before it is GRUB's
_SLACK = 24 << 20  # for the file system itself, and for what the guest writes
_MODULES = ["biosdisk", "part_msdos", "ext2", "linux", "normal", "serial", "terminal", "echo"]
_MENU = """\
serial --unit=0 --speed=115200
terminal_output serial
set timeout=0
echo "GRUB starts the kernel"
linux /boot/vmlinuz {options}
initrd /boot/initrd
boot
"""


def _run(*command):
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       check=True)
    except FileNotFoundError:
        raise RigError(f"{command[0]} is not installed") from None
    except subprocess.CalledProcessError as error:
        raise RigError(f"{command[0]}: {error.stderr.strip()}") from None


def _write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def _boot_sectors(directory, sectors):
    """What is before the partition: the boot sector with the table, and GRUB right after it."""
    _run("grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub",
         "-o", f"{directory}/core.img", *_MODULES)
    with open(f"{_GRUB}/boot.img", "rb") as file:
        code = file.read(440)
    with open(f"{directory}/core.img", "rb") as file:
        core = file.read()
    if len(core) > (_START - 1) * _SECTOR:
        raise RigError("GRUB does not fit before the first partition")
    # Bootable, Linux; the places by cylinder, head and sector are for nobody.
    entry = (b"\x80\xfe\xff\xff\x83\xfe\xff\xff" + _START.to_bytes(4, "little") +
             sectors.to_bytes(4, "little"))
    table = b"mshv\0\0" + entry + bytes(48) + b"\x55\xaa"
    return (code + table + core).ljust(_START * _SECTOR, b"\0")


def image(kernel, initrd, options):
    """The bytes of the disk. Its boot/sums are the checksums of what else is there."""
    with tempfile.TemporaryDirectory(prefix="mshv-vm.") as directory:
        files = {"boot/vmlinuz": kernel, "boot/initrd": initrd,
                 "boot/grub/grub.cfg": _MENU.format(options=options).encode()}
        for name, data in files.items():
            _write(f"{directory}/tree/{name}", data)
        sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n"
                       for name, data in files.items())
        _write(f"{directory}/tree/boot/sums", sums.encode())
        size = 2 * len(kernel) + len(initrd) + _SLACK
        sectors = size // _SECTOR & ~7
        partition = f"{directory}/partition"
        _write(partition, b"")
        os.truncate(partition, sectors * _SECTOR)
        _run("mke2fs", "-q", "-t", "ext2", "-d", f"{directory}/tree", partition)
        with open(partition, "rb") as file:
            return _boot_sectors(directory, sectors) + file.read()
