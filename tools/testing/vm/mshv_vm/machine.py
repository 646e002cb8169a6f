# SPDX-License-Identifier: GPL-2.0-only
"""The QEMU that a run happens in: its command line, and its process."""

import ctypes
import dataclasses
import os
import re
import shutil
import signal
import socket
import subprocess

from . import accel, grub
from .error import RigError

QEMU = "qemu-system-x86_64"
PR_SET_PDEATHSIG = 1  # linux/prctl.h
DISK_BYTES = 64 << 20
# Where each console of the machine goes
SERIAL_LINES = ("root", "openhv")
_UNITS = {"": 20, "K": 10, "M": 20, "G": 30, "T": 40}  # powers of two, as QEMU's -m has them
# What the kernel and openhv need beside the initramfs, while they boot and while it is
# unpacked; found by trying, on both kernels
_BASE_MIB = 76
_UNPACK_MIB = 54
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclasses.dataclass
class Config:
    """A machine, as the user wants it."""

    kernel: str
    initramfs: bytes = b""
    openhv: str = ""  # the image, or "" for none
    openhv_options: str = ""
    boot: str = "qemu"  # who loads openhv: QEMU itself, or one of grub.LOADERS
    kernel_options: str = ""
    cpus: int = 2
    memory: str = "2G"
    accel: str = "tcg"
    cpu: str = ""
    tcg_thread: str = ""  # single or multi: threads of QEMU's emulator; "": what is best
    icount: str = ""  # an instruction takes 2 to the power of this in ns; "": real time
    root: int = -1  # the file system image of root's user space, or none
    disks: list = dataclasses.field(default_factory=list)  # disk.Disk, for guests
    terminal: bool = False  # hvc0 takes the place of the command's ports
    stdin: bool = False  # the command has a port to read from

    def ports(self):
        """The names of the virtio-serial ports."""
        ports = ["control", "guest"]
        if not self.terminal:
            ports += ["stdout", "stderr"]
            if self.stdin:
                ports.append("stdin")
        return ports

    def check_memory(self):
        """Raise RigError if the kernel cannot come up in as little memory as there is.

        With less it dies in one of many ways, and with very little in silence. The
        initramfs is unpacked into a file system that may take half of the memory that
        there is beside it; a sixteenth more is for what the kernel needs to know of the
        memory itself. What is reserved for a crash kernel is not there.
        """
        size = int(self.memory.rstrip("KMGT")) << _UNITS[self.memory.lstrip("0123456789")]
        initramfs = _mib(len(self.initramfs))
        needed = max(_BASE_MIB + 2 * initramfs, _UNPACK_MIB + 3 * initramfs)
        needed += self.cpus + initramfs // 16
        reserved = re.search(r"\bcrashkernel=(\d+)([KMGkmg]?)(?![\w-])", self.kernel_options)
        if reserved:
            needed += _mib(int(reserved[1]) << (_UNITS[reserved[2].upper()] if reserved[2] else 0))
        if size >> 20 < needed:
            raise RigError(f"--memory {self.memory} is too little: with an initramfs of "
                           f"{initramfs} MiB it takes {needed}M")


def _mib(size):
    return -(-size >> 20)


def memory_file(name, data=b""):
    """An unnamed file in memory, which is gone when its last user is."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    with open(fd, "wb", closefd=False) as file:
        file.write(data)
    return fd


def die_with_parent(number=signal.SIGTERM):
    """For preexec_fn: the new process gets a signal when we die, however we die."""
    parent = os.getpid()

    def prepare():
        _LIBC.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _escape(text):
    """QEMU takes a doubled comma for a comma."""
    return text.replace(",", ",,")


class Machine:
    """A QEMU process and the sockets that its consoles are connected to."""

    def __init__(self, config):
        self.config = config
        self.channels = {}  # name: our end of the socket
        self.process = None
        self.pidfd = -1
        self._theirs = []  # descriptors that QEMU inherits

    def _connect(self, name):
        ours, theirs = socket.socketpair()
        self.channels[name] = ours
        self._theirs.append(theirs.detach())
        return ["-chardev", f"socket,id={name},fd={self._theirs[-1]}"]

    def _inherit(self, fd):
        self._theirs.append(fd)
        return fd

    def _inherit_path(self, fd):
        """A name that QEMU can open: in a list of modules no path may hold a space."""
        return f"/proc/self/fd/{self._inherit(fd)}"

    def _boot_grub(self):
        disc = self._inherit_path(memory_file("cd", grub.image(self.config)))
        drive = f"file={disc},format=raw,if=none,id=cd,media=cdrom,readonly=on,file.locking=off"
        return [*grub.firmware(self.config.boot), "-drive", drive,
                "-device", "ide-cd,drive=cd,bootindex=0",
                "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]

    def _boot(self):
        config = self.config
        if config.boot in grub.LOADERS:
            return self._boot_grub()
        initramfs = self._inherit_path(memory_file("initramfs", config.initramfs))
        kernel = self._inherit_path(os.open(config.kernel, os.O_RDONLY | os.O_CLOEXEC))
        if not config.openhv:
            return ["-kernel", kernel, "-initrd", initramfs, "-append", config.kernel_options]
        modules = f"{kernel} {_escape(config.kernel_options)},{initramfs}"
        return ["-kernel", config.openhv, "-append", config.openhv_options, "-initrd", modules,
                "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]

    def _processors(self):
        config = self.config
        cpu = config.cpu or ("host" if config.accel == "kvm" else "EPYC,+svm,+npt")
        # Under QEMU's own emulation openhv keeps the first processor for itself.
        spare = 1 if config.openhv and config.accel == "tcg" else 0
        how = config.accel
        counting = []
        if config.icount:
            # One thread runs all processors in turn, or nothing could be counted.
            counting = ["-icount", f"shift={config.icount},sleep=off"]
        elif config.accel == "tcg":
            # Threads that translate while another one patches the code may keep an INT3 that
            # is gone. openhv mends that, see core/softint.c; where it is not there, one thread
            # runs all processors in turn.
            how = "tcg,thread=" + (config.tcg_thread or ("multi" if config.openhv else "single"))
        return ["-accel", how, "-cpu", cpu, "-smp", str(config.cpus + spare), "-m", config.memory,
                *counting]

    def _consoles(self):
        arguments = []
        for name in SERIAL_LINES:
            arguments += [*self._connect(name), "-serial", f"chardev:{name}"]
        arguments += ["-device", "virtio-serial-pci"]
        if self.config.terminal:
            arguments += [*self._connect("terminal"), "-device", "virtconsole,chardev=terminal"]
        for name in self.config.ports():
            arguments += [*self._connect(name),
                          "-device", f"virtserialport,chardev={name},name={name}"]
        return [*arguments, *self._connect("monitor"), "-mon", "chardev=monitor,mode=control"]

    def _root(self):
        """The file system of root's user space, if it is not the initramfs."""
        if self.config.root < 0:
            return []
        file = self._inherit_path(self.config.root)
        return ["-drive", f"file={file},format=raw,if=none,id=root,readonly=on,file.locking=off",
                "-device", "virtio-blk-pci,drive=root,serial=root"]

    def _disks(self):
        """Those with the contents of files, which stay as they are."""
        arguments = []
        for number, disk in enumerate(self.config.disks, 1):
            file = self._inherit_path(disk.fd)
            arguments += ["-drive", f"file={file},format={disk.format},if=none,id=disk{number},"
                                    "snapshot=on",
                          "-device", f"virtio-blk-pci,drive=disk{number},serial=disk{number}"]
        return arguments

    def _devices(self):
        disk = memory_file("disk")
        os.truncate(disk, DISK_BYTES)
        drive = f"file={self._inherit_path(disk)},format=raw,if=none,id=disk,file.locking=off"
        return ["-drive", drive,
                "-device", "virtio-blk-pci,drive=disk",
                *self._root(),
                *self._disks(),
                "-netdev", "user,id=network,restrict=on",
                "-device", "virtio-net-pci,netdev=network,romfile="]

    def command(self):
        """QEMU's command line."""
        return [QEMU, "-machine", "q35", "-nodefaults", "-no-user-config", "-display", "none",
                "-no-reboot", *self._processors(), *self._consoles(), *self._devices(),
                *self._boot()]

    def start(self, command):
        """Start QEMU; it dies with us, however we die."""
        accel.check(self.config.accel)
        if not shutil.which(QEMU):
            raise RigError(f"{QEMU} is not installed (Debian package: qemu-system-x86)")
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            pass_fds=self._theirs, start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL))
        self.pidfd = os.pidfd_open(self.process.pid)
        self.close_theirs()

    def close_theirs(self):
        """Our copies of what QEMU inherits."""
        for fd in self._theirs:
            os.close(fd)
        self._theirs.clear()

    def kill(self):
        """End QEMU, if it is still there, and wait for it."""
        self.close_theirs()
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
        for channel in self.channels.values():
            channel.close()
