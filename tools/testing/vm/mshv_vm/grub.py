# SPDX-License-Identifier: GPL-2.0-only
"""A CD from which GRUB starts openhv by multiboot2, from a BIOS or from UEFI."""

import os
import shlex
import shutil
import subprocess
import tempfile

from .error import RigError

LOADERS = ("grub-bios", "grub-uefi")
_FIRMWARE = "/usr/share/ovmf/OVMF.fd"


def firmware(loader):
    """QEMU's arguments for the firmware that starts GRUB."""
    if loader != "grub-uefi":
        return []
    if not os.path.exists(_FIRMWARE):
        raise RigError(f"no {_FIRMWARE} (Debian package: ovmf)")
    return ["-bios", _FIRMWARE]


def _menu(openhv_options, kernel_options):
    def words(options):
        return " ".join(shlex.quote(word) for word in options.split())

    return "\n".join([
        "set timeout=0",
        "menuentry openhv {",
        f"    multiboot2 /boot/openhv.elf {words(openhv_options)}",
        f"    module2 /boot/vmlinuz {words(kernel_options)}",
        "    module2 /boot/initrd.img",
        "}", ""])


def image(config):
    """The CD's contents."""
    if not shutil.which("grub-mkrescue"):
        raise RigError("grub-mkrescue is not installed (Debian package: grub-common)")
    with tempfile.TemporaryDirectory(prefix="mshv-vm.") as directory:
        boot = f"{directory}/tree/boot"
        os.makedirs(f"{boot}/grub")
        shutil.copy(config.openhv, f"{boot}/openhv.elf")
        shutil.copy(config.kernel, f"{boot}/vmlinuz")
        with open(f"{boot}/initrd.img", "wb") as file:
            file.write(config.initramfs)
        with open(f"{boot}/grub/grub.cfg", "wb") as file:
            file.write(os.fsencode(_menu(config.openhv_options, config.kernel_options)))
        made = subprocess.run(["grub-mkrescue", "-o", f"{directory}/cd.iso", f"{directory}/tree"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if made.returncode:
            said = made.stdout.decode("utf-8", "replace").strip().splitlines()
            raise RigError(f"grub-mkrescue: {said[-1] if said else made.returncode}")
        with open(f"{directory}/cd.iso", "rb") as file:
            return file.read()
