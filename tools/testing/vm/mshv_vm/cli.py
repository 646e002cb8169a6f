# SPDX-License-Identifier: GPL-2.0-only
"""The command line of mshv-vm."""

import argparse
import io
import os
import re
import shlex
import signal
import sys
import traceback

from . import cpio, disk, grub, initramfs, kernel, rootfs, shell
from .error import RigError
from .machine import Config
from .session import Session
from .signals import handle_unless_ignored
from .status import Outcome, Status

DESCRIPTION = """\
Run a command in a root partition with /dev/mshv: QEMU starts openhv, openhv starts a
stock kernel as its root partition, and that loads mshv_root.ko."""

EPILOG = """\
exit status: that of the command, or
  118  the module was not loaded or not unloaded
  119  wrong command line, or something needed is missing
  120  QEMU did not start, or died
  121  the root kernel ended without a word, did not switch off, or printed a warning
  122  the root kernel panicked
  123  openhv panicked
  124  timeout
  125  openhv refused to boot
  128 + N when signal N ended the rig"""

# The guest that `mshv-vm run` shows, within the root partition, by VMM
GUEST_CONSOLE = "/dev/virtio-ports/guest"
GUEST_DISK = "/dev/disk/by-id/virtio-disk1"
GUEST_COMMAND = {
    "mshv": ["mshv", "run", "--kernel", "/boot/vmlinuz", "--initrd", "/boot/initrd",
             "--memory", "256M", "--cmdline", "console=ttyS0 panic=-1",
             "--serial", GUEST_CONSOLE],
    "qemu": ["/tests/qemu-linux", GUEST_CONSOLE, GUEST_DISK,
             "-kernel", "/boot/vmlinuz", "-initrd", "/boot/initrd",
             "-append", "console=ttyS0 panic=-1 rdinit=/guest-disk"],
}
ROOT_OPTIONS = "console=ttyS0,115200 panic=-1 oops=panic"
DEFAULT_TIMEOUT = {"exec": 300, "run": 300, "shell": 24 * 3600}


class Parser(argparse.ArgumentParser):
    """Wrong command lines end with the rig's own status."""

    def error(self, message):
        print(f"mshv-vm: {message} (mshv-vm --help says more)", file=sys.stderr)
        sys.exit(Status.RIG)


class Interrupted(BaseException):
    """A signal asks us to end."""


def _positive(text):
    value = float(text)
    if not 0 < value < 1e9:
        raise ValueError
    return value


def _count(text):
    value = int(text)
    if not 1 <= value <= 64:
        raise ValueError
    return value


def _level(text):
    if not text.isdecimal():
        raise ValueError
    return text


def _size(text):
    if not re.fullmatch(r"[1-9][0-9]*[KMGT]?", text):
        raise ValueError
    return text


# argparse names the type when it refuses a value.
_positive.__name__ = "number of seconds"
_count.__name__ = "number of processors (1 to 64)"
_level.__name__ = "number of a level"
_size.__name__ = "size (a number and K, M, G or T)"


def _parser(images):
    parser = Parser(prog="mshv-vm", description=DESCRIPTION, epilog=EPILOG,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    kinds = {
        "exec": "run a command in the root partition and exit with its status",
        "run": "boot a Linux guest by a VMM, show all consoles, exit with the VMM's status",
        "shell": "a prompt in the root partition (Ctrl-A x ends it by force); without a "
                 "terminal, a shell that reads its commands from standard input",
    }
    for name, text in kinds.items():
        sub = commands.add_parser(name, help=text, description=text, epilog=EPILOG,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
        _add_options(sub, name, images)
    return parser


def _add_options(sub, name, images):
    sub.add_argument("--kernel", default="6.12", metavar="SERIES|IMAGE",
                     help=f"the root kernel: {', '.join(kernel.SERIES)} or an image file (default: "
                          "6.12)")
    sub.add_argument("--modules", default="", metavar="DIR",
                     help="where the modules of IMAGE are, as lib/modules/RELEASE, mshv_root.ko "
                          "among them")
    sub.add_argument("--cpus", type=_count, default=2, metavar="N",
                     help="processors of the root partition (default: 2)")
    sub.add_argument("--memory", type=_size, default="2G", metavar="SIZE",
                     help="memory of the machine (default: 2G)")
    sub.add_argument("--timeout", type=_positive, default=DEFAULT_TIMEOUT[name], metavar="S",
                     help=f"seconds until it all ends (default: {DEFAULT_TIMEOUT[name]})")
    sub.add_argument("--accel", choices=["tcg", "kvm"], default="tcg",
                     help="tcg needs no virtualization hardware; kvm needs nested SVM")
    sub.add_argument("--cpu", default="", metavar="MODEL", help="QEMU's processor model")
    sub.add_argument("--tcg-thread", choices=["single", "multi"], default="",
                     help="threads of QEMU's emulator: one that runs all processors in turn, or "
                          "one for each (default: multi; single with --no-hypervisor)")
    sub.add_argument("--icount", type=_level, metavar="SHIFT",
                     help="time is instructions, of 2^SHIFT ns each, and the TSC counts them (tcg)")
    sub.add_argument("--no-hypervisor", action="store_true",
                     help="boot the kernel on the bare machine; no module is loaded")
    sub.add_argument("--root", default="initramfs", metavar="WHAT",
                     help="root's user space: initramfs (busybox, the default), trixie (Debian 13 "
                          "with QEMU), or the directory or squashfs image of another")
    sub.add_argument("--disk", action="append", default=[], metavar="WHAT",
                     help="a disk more: debian, from which guests boot Debian 13, or what a raw or "
                          "qcow2 FILE holds; what is written to it is forgotten; may be given more "
                          "than once")
    sub.add_argument("--boot", choices=["qemu", *grub.LOADERS], default="qemu",
                     help="who loads openhv: QEMU, or GRUB by multiboot2 (default: qemu)")
    sub.add_argument("--no-module", action="store_true", help="do not load mshv_root.ko")
    sub.add_argument("--in-tree", action="store_true",
                     help="load the kernel's own mshv_root.ko instead, if it has one (7.3)")
    sub.add_argument("--sched", choices=["root", "core"],
                     help="who schedules guests: the root partition or openhv (default: root)")
    sub.add_argument("--compat", type=_level, metavar="LEVEL",
                     help="the age of Microsoft's hypervisor that openhv is to be like")
    sub.add_argument("--openhv", default="", metavar="OPTIONS",
                     help="more options for openhv, separated by spaces")
    sub.add_argument("--append", default="", metavar="PARAMETERS",
                     help="more parameters for the root kernel")
    sub.add_argument("--copy", action="append", default=[], metavar="FILE[:NAME]",
                     help="put a file or directory, with the libraries its programs need, into "
                          "/root, or to the absolute path NAME; may be given more than once")
    sub.add_argument("--log-dir", default="", metavar="DIR", help="write the consoles there")
    sub.add_argument("--images", default=images, metavar="DIR", help=argparse.SUPPRESS)
    if name == "exec":
        sub.add_argument("-v", "--verbose", action="store_true",
                         help="show the consoles on standard error while they print")
        sub.add_argument("--tail", action="store_true",
                         help="show the last lines of the consoles if the command fails, too")
        sub.add_argument("command", nargs="+", metavar="COMMAND", help="what to run, after --")
    elif name == "run":
        sub.add_argument("--vmm", choices=list(GUEST_COMMAND), default="mshv",
                         help="the VMM: `mshv run`, or Debian's QEMU, with --root trixie "
                              "(default: mshv)")
        sub.add_argument("command", nargs="*", metavar="OPTION",
                         help="more options for the VMM, after --")


def _copy(archive, request, other_root):
    """Add what a --copy names; return the shared libraries that it takes from the host."""
    source, _, name = request.partition(":")
    if not os.path.exists(source):
        raise RigError(f"--copy: no such file: {source}")
    if name and not name.startswith("/"):
        raise RigError(f"--copy: {name} is not an absolute path")
    name = name or "/root/" + os.path.basename(os.path.abspath(source))
    if other_root:
        # Our libraries are not to be mixed with those that are there.
        archive.copy(source, "mshv-vm/copies" + name)
        return []
    # A link is followed, as by cp: what it leads to is not there.
    return initramfs.add_program(archive, os.path.realpath(source), name)


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise RigError(f"{path}: {error.strerror}: run make images first") from None


def _vmm(options):
    return getattr(options, "vmm", "")


def _job(options, libraries):
    """What root's shell runs, as bytes: whatever is in arguments is theirs."""
    path = initramfs.library_path(libraries)
    export = f"export LD_LIBRARY_PATH={shlex.quote(path)}\n" if path else ""
    if options.subcommand == "shell":
        words = ["sh", "-l"]
    elif options.subcommand == "run":
        words = GUEST_COMMAND[options.vmm] + options.command
    else:
        words = options.command
    return os.fsencode(f"{export}exec {shlex.join(words)}\n")


def _initramfs(options, chosen, ports):
    """All archives that the kernel unpacks, one after the other."""
    rows, columns = shell.size()
    module = "no" if options.no_module or options.no_hypervisor else (
        "in-tree" if options.in_tree else "yes")
    other_root = options.root != "initramfs"
    out = io.BytesIO()
    archive = cpio.Archive(out)
    archive.file("mshv-vm/config", f"wanted_ports={len(ports)} rows={rows} columns={columns} "
                                   f"load_module={module} "
                                   f"root={'disk' if other_root else 'initramfs'}\n".encode())
    # What guests boot
    archive.file("boot/vmlinuz", _read(chosen.image))
    initrd = _read(os.path.join(options.images, "guest.cpio"))
    archive.file("boot/initrd", initrd + (_read(chosen.modules) if chosen.modules else b""))
    libraries = []
    for request in options.copy:
        libraries += _copy(archive, request, other_root)
    archive.file("mshv-vm/job", _job(options, libraries))
    archive.close()
    return b"".join([_read(os.path.join(options.images, "base.cpio")),
                     _modules(options, chosen, module != "no"), out.getvalue()])


def _modules(options, chosen, wanted):
    """The archive of the kernel's modules, with mshv_root if it is wanted."""
    if not options.modules:
        if wanted and not chosen.modules:
            raise RigError(f"{chosen.image}: where is its mshv_root.ko? --modules DIR says it, "
                           "--no-module does without")
        return _read(chosen.modules) if chosen.modules else b""
    release = kernel.release_of(chosen.image)
    if not os.path.isdir(os.path.join(options.modules, "lib/modules", release or "?")):
        raise RigError(f"--modules: {options.modules} has no lib/modules/{release or 'RELEASE'}")
    out = io.BytesIO()
    archive = cpio.Archive(out)
    names = [*initramfs.DRIVERS, "mshv_root"] if wanted else initramfs.DRIVERS
    initramfs.add_modules(archive, options.modules, release, names, [])
    archive.close()
    return out.getvalue()


def _openhv_options(options):
    words = ["console=com2", f"sched={options.sched or 'root'}"]
    if options.compat:
        words.append(f"compat={options.compat}")
    return " ".join([*words, options.openhv]).strip()


def _check(options):
    """Refuse what contradicts itself."""
    if options.no_hypervisor:
        wanted = [name for name, value in (
            ("--boot", options.boot != "qemu"), ("--sched", options.sched),
            ("--compat", options.compat), ("--openhv", options.openhv)) if value]
        if wanted:
            raise RigError(f"--no-hypervisor: there is no hypervisor for {' and '.join(wanted)}")
    if options.icount and options.accel != "tcg":
        raise RigError("--icount: only QEMU's emulator counts instructions")
    if options.tcg_thread and options.accel != "tcg":
        raise RigError("--tcg-thread: only QEMU's emulator has these threads")
    if options.icount and options.tcg_thread == "multi":
        raise RigError("--icount: one thread counts, not --tcg-thread multi")
    if options.subcommand == "run" and (options.no_hypervisor or options.no_module):
        given = "--no-hypervisor" if options.no_hypervisor else "--no-module"
        raise RigError(f"run {given}: guests need the hypervisor and the module")


def _config(options):
    _check(options)
    chosen = kernel.find(options.images, options.kernel)
    openhv = ""
    if not options.no_hypervisor:
        openhv = os.path.join(options.images, "openhv.elf")
        if not os.path.exists(openhv):
            raise RigError(f"{openhv}: no such file: run make images first")
    shell_wanted = options.subcommand == "shell"
    config = Config(kernel=chosen.image, openhv=openhv,
                    openhv_options=_openhv_options(options), boot=options.boot,
                    kernel_options=f"{ROOT_OPTIONS} {options.append}".strip(),
                    cpus=options.cpus, memory=options.memory, accel=options.accel,
                    cpu=options.cpu, tcg_thread=options.tcg_thread, icount=options.icount or "",
                    root=rootfs.image(options.images, options.root),
                    disks=[disk.Disk.find(options.images, name) for name in options.disk],
                    terminal=shell_wanted and shell.is_terminal(),
                    stdin=shell_wanted and not shell.is_terminal())
    config.initramfs = _initramfs(options, chosen, config.ports())
    config.check_memory()
    return config


def _session(options):
    config = _config(options)
    if options.log_dir:
        os.makedirs(options.log_dir, exist_ok=True)
    if options.subcommand == "shell":
        return shell.session(config, options.timeout, options.log_dir)
    if options.subcommand == "run":
        return Session(config, options.timeout, sys.stdout, options.log_dir, prefix_output=True)
    live = sys.stderr if options.verbose else None
    return Session(config, options.timeout, live, options.log_dir)


def _open_standard_streams():
    """One that is closed is not to become the number of another file."""
    for fd, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(fd, mode))


def _words(error):
    """An error in words, without Python's decoration."""
    if isinstance(error, BrokenPipeError):
        # What is not written yet never will be.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return "standard output: nobody reads it any more"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _end(number, _frame):
    raise Interrupted(number)


def main(images, arguments=None):
    """Run what the command line says; images is where make put what is booted."""
    _open_standard_streams()
    options = _parser(images).parse_args(arguments)
    if _vmm(options) == "qemu":
        options.root = "trixie"
        options.disk.insert(0, "debian")
    handle_unless_ignored(_end, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    session = None
    try:
        session = _session(options)
        outcome = session.run()
        if outcome:
            session.explain(outcome)
        elif outcome.status and options.subcommand == "run":
            print(f"mshv-vm: guest: the VMM ended with status {outcome.status}",
                  file=sys.stderr)
        elif outcome.status and getattr(options, "tail", False):
            session.show_tails()
    except (RigError, OSError) as error:
        print(f"mshv-vm: {_words(error)}", file=sys.stderr)
        outcome = Outcome(Status.RIG)
    except shell.Killed:
        print("\r\nmshv-vm: ended by Ctrl-A x", file=sys.stderr)
        outcome = Outcome(128 + signal.SIGINT)
    except Interrupted as interruption:
        number = interruption.args[0]
        reached = ": ".join(session.at_work()) if session else "nothing is started"
        print(f"mshv-vm: ended by {signal.Signals(number).name}: {reached}", file=sys.stderr)
        outcome = Outcome(128 + number)
    except Exception as error:  # pylint: disable=broad-exception-caught
        # Python's own status of it would be taken for the command's.
        traceback.print_exc()
        print(f"mshv-vm: a mistake of its own: {error!r}", file=sys.stderr)
        outcome = Outcome(Status.RIG)
    return outcome.status
