# SPDX-License-Identifier: GPL-2.0-only
"""Parts of the rig that need no machine."""

import contextlib
import gzip
import io
import json
import lzma
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest
from unittest import mock

from mshv_vm import (accel, cli, console, cpio, disk, initramfs, kernel, machine, qmp, rootfs,
                     session, signals, status, testlist)
from mshv_vm.error import RigError


def write(directory, name, data):
    """A file with the given text or bytes; returns its path."""
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return path


class Accel(unittest.TestCase):
    """accel.why_not_kvm(): only nested SVM will do."""

    def why_not(self, flags, nested):
        """Ask on a pretended host, which has a device that can be opened."""
        with tempfile.TemporaryDirectory() as top:
            cpuinfo = write(top, "cpuinfo", f"processor\t: 0\nflags\t\t: fpu {flags} sse\n")
            parameter = write(top, "nested", nested) if nested else top + "/none"
            return accel.why_not_kvm(cpuinfo, parameter, write(top, "kvm", ""))

    def test_good(self):
        """Both forms of a boolean parameter count."""
        self.assertIsNone(self.why_not("svm npt", "1\n"))
        self.assertIsNone(self.why_not("svm npt", "Y\n"))

    def test_no_svm(self):
        """An Intel processor, or a guest without the flag."""
        self.assertIn("no SVM", self.why_not("vmx", "1\n"))

    def test_not_nested(self):
        """The module is loaded without nesting, or not at all."""
        self.assertIn("nested", self.why_not("svm", "0\n"))
        self.assertIn("nested", self.why_not("svm", ""))

    def test_no_device(self):
        """No right to use the device."""
        with tempfile.TemporaryDirectory() as top:
            cpuinfo = write(top, "cpuinfo", "flags : svm\n")
            nested = write(top, "nested", "1\n")
            self.assertIn("/none", accel.why_not_kvm(cpuinfo, nested, "/none"))


class CommandLine(unittest.TestCase):
    """cli.main(): what cannot be meant is refused, by one line, before anything is looked for."""

    def test_refused(self):
        """Each line names the option."""
        for words, named in (
                ("exec --no-hypervisor --sched core -- true", "--sched"),
                ("exec --no-hypervisor --boot grub-bios --compat 2 -- true",
                 "--boot and --compat"),
                ("exec --no-hypervisor --openhv loglevel=debug -- true", "--openhv"),
                ("run --no-hypervisor", "--no-hypervisor"), ("run --no-module", "--no-module"),
                ("exec --memory 0 -- true", "--memory"), ("exec --memory 2X -- true", "--memory"),
                ("exec --cpus 65 -- true", "--cpus"), ("exec --timeout 0 -- true", "--timeout"),
                ("exec --compat old -- true", "--compat"), ("exec", "COMMAND"),
                ("exec --tcg-thread many -- true", "--tcg-thread"),
                ("exec --accel kvm --tcg-thread single -- true", "--tcg-thread"),
                ("exec --accel kvm --icount 1 -- true", "--icount"),
                ("exec --icount 1 --tcg-thread multi -- true", "--icount"),
                ("shell ls", "ls"), ("boot", "SUBCOMMAND")):
            said = io.StringIO()
            with self.subTest(words), contextlib.redirect_stderr(said):
                try:
                    result = cli.main("/nowhere", words.split())
                except SystemExit as end:
                    result = end.code
                self.assertEqual(result, 119)
                self.assertRegex(said.getvalue(), rf"\Amshv-vm: .*{named}.*\n\Z")

    @staticmethod
    def qemu(*options):
        """The part of QEMU's command line that is about processors, in one line."""
        parsed = cli._parser("")  # pylint: disable=protected-access
        chosen = parsed.parse_args(["exec", *options, "--", "true"])
        config = machine.Config("kernel", b"", openhv="" if chosen.no_hypervisor else "openhv.elf",
                                cpus=chosen.cpus, accel=chosen.accel,
                                tcg_thread=chosen.tcg_thread, icount=chosen.icount or "")
        command = machine.Machine(config)._processors()  # pylint: disable=protected-access
        return " ".join(command)

    def test_defaults(self):
        """Without an option all processors run at once, and one more is openhv's."""
        self.assertIn("-accel tcg,thread=multi", self.qemu())
        self.assertIn("-smp 3", self.qemu())
        self.assertNotIn("-icount", self.qemu())

    def test_without_openhv(self):
        """Nobody mends the emulator's races where openhv is not there."""
        self.assertIn("-accel tcg,thread=single", self.qemu("--no-hypervisor"))
        self.assertIn("-smp 2", self.qemu("--no-hypervisor"))

    def test_threads(self):
        """What is compared may be given the same, whatever its default."""
        for other in ((), ("--no-hypervisor",)):
            for how in ("single", "multi"):
                self.assertIn(f"-accel tcg,thread={how} ",
                              self.qemu("--tcg-thread", how, *other))

    def test_any_bytes(self):
        """An argument that is not UTF-8 is passed on as it is."""
        parsed = cli._parser("").parse_args(  # pylint: disable=protected-access
            ["exec", "--", "ls", os.fsdecode(b"a\xffb c")])
        self.assertEqual(b"exec ls 'a\xffb c'\n",
                         cli._job(parsed, []))  # pylint: disable=protected-access

    def test_own_mistake(self):
        """Whatever the rig dies of, its status is not to be taken for the command's."""
        said = io.StringIO()
        with mock.patch.object(cli, "_session", side_effect=IndexError("why")), \
                contextlib.redirect_stderr(said):
            self.assertEqual(119, cli.main("/nowhere", ["exec", "--", "true"]))
        self.assertRegex(said.getvalue(), r"Traceback(?s:.*)\nmshv-vm: .*IndexError\('why'\)\n\Z")

    def test_icount(self):
        """What is counted is run by one thread."""
        self.assertIn("-icount shift=0,sleep=off", self.qemu("--icount", "0"))
        self.assertNotIn("thread=multi", self.qemu("--icount", "0"))


class Manual(unittest.TestCase):
    """The manual page has what the command line has, and nothing else."""

    def setUp(self):
        here = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(here, "../../mshv-vm.1"), encoding="utf-8") as file:
            self.page = file.read().replace("\\-", "-")

    def test_options(self):
        """Each option of each subcommand, in a heading of its own"""
        shown = set()
        for subcommand in ("exec", "run", "shell"):
            said = io.StringIO()
            with contextlib.redirect_stdout(said), self.assertRaises(SystemExit):
                cli.main("/nowhere", [subcommand, "--help"])
            shown |= set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", said.getvalue(), re.M))
        options = self.page[self.page.index(".SH OPTIONS"):self.page.index(".SH EXIT STATUS")]
        headings = re.findall(r"^\.TP\n(.*)$", options, re.M)
        self.assertEqual(shown - {"--help"},
                         {name for line in headings for name in re.findall(r"--[\w-]+", line)})

    def test_needed(self):
        """What is not there with QEMU and Python, by the option that wants it"""
        notes = self.page[self.page.index(".SH NOTES"):self.page.index(".SH SEE ALSO")]
        for option, program in (("copy", "ldd"), ("modules", "depmod"), ("root", "gensquashfs"),
                                ("boot", "grub-mkrescue")):
            self.assertRegex(notes, rf"--{option}\b[^;]*\b{program}\b")

    def test_statuses(self):
        """Each status of the rig's, there and in the help"""
        found = re.findall(r"^\.TP\n(\d+)$", self.page, re.M)
        self.assertEqual(found, [str(int(value)) for value in status.Status])
        self.assertEqual(found, re.findall(r"^  (\d+)  ", cli.EPILOG, re.M))


class Signals(unittest.TestCase):
    """signals.handle_unless_ignored()"""

    def test_ignored_stays_ignored(self):
        """As nohup wants it; others are handled."""
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        self.addCleanup(signal.signal, signal.SIGUSR1, signal.getsignal(signal.SIGUSR1))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        caught = []
        signals.handle_unless_ignored(lambda number, _: caught.append(number),
                                      signal.SIGHUP, signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGUSR1)
        self.assertEqual([signal.SIGUSR1], caught)

    def test_nohup(self):
        """The rig has nothing else that handles them."""
        with mock.patch.object(cli, "_session", side_effect=self.hang_up):
            self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
            for number in (signal.SIGINT, signal.SIGTERM):
                self.addCleanup(signal.signal, number, signal.getsignal(number))
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                self.assertEqual(119, cli.main("/nowhere", ["exec", "--", "true"]))
            self.assertEqual("mshv-vm: went on\n", said.getvalue())

    @staticmethod
    def hang_up(_options):
        """Send ourselves what is ignored."""
        os.kill(os.getpid(), signal.SIGHUP)
        raise RigError("went on")


class Disks(unittest.TestCase):
    """disk.Disk, and what QEMU is told of it"""

    def test_formats(self):
        """What an image is says the image, and an empty file is one of no bytes."""
        with tempfile.TemporaryDirectory() as top:
            found = [disk.Disk.find(top, write(top, "disk", data))
                     for data in (b"QFI\xfb\0\0\0\3", b"\xeb\x63\x90", b"")]
            write(top, "debian.qcow2", b"QFI\xfb")
            found.append(disk.Disk.find(top, "debian"))
        for one in found:
            os.close(one.fd)
        self.assertEqual([one.format for one in found], ["qcow2", "raw", "raw", "qcow2"])

    def test_missing(self):
        """Who has not made it is told how; a directory is none."""
        for name, why in (("debian", "debian.qcow2: .*: run make debian first$"),
                          ("/none", "^--disk: /none: No such file or directory$"),
                          ("/", "^--disk: /: Is a directory$")):
            with self.assertRaisesRegex(RigError, why):
                disk.Disk.find("/nowhere", name)

    def test_files_stay_as_they_are(self):
        """Each is a disk of its own, by number, and QEMU keeps to itself what is written."""
        config = machine.Config("kernel", disks=[disk.Disk(3, "raw"), disk.Disk(4, "qcow2")])
        words = machine.Machine(config)._disks()  # pylint: disable=protected-access
        drives = [word for word in words if word.startswith("file=")]
        self.assertEqual(["raw", "qcow2"], [re.search("format=(\\w+)", word)[1] for word in drives])
        self.assertTrue(all("snapshot=on" in word.split(",") for word in drives))
        self.assertEqual(["serial=disk1", "serial=disk2"],
                         [word.split(",")[-1] for word in words if word.startswith("virtio-blk")])


class Memory(unittest.TestCase):
    """machine.Config.check_memory()"""

    def check(self, memory, size):
        """With an initramfs of as many bytes"""
        machine.Config(kernel="", initramfs=b"x" * size, memory=memory).check_memory()

    def test_memory(self):
        """The initramfs counts twice, a large one three times; QEMU's units count."""
        for memory in ("96", "96M", "98304K", "1G", "1T"):
            self.check(memory, 9 << 20)
        for memory in ("95M", "98303K", "1"):
            with self.assertRaisesRegex(RigError, "96M"):
                self.check(memory, 9 << 20)
        with self.assertRaisesRegex(RigError, "98M"):
            self.check("96M", (9 << 20) + 1)
        self.check("227M", 56 << 20)
        with self.assertRaisesRegex(RigError, "227M"):
            self.check("226M", 56 << 20)

    def test_crash_kernel(self):
        """What is reserved for it is not there for the first one."""
        config = machine.Config(kernel="", memory="128M", kernel_options="a crashkernel=64M b")
        with self.assertRaisesRegex(RigError, "142M"):
            config.check_memory()
        config.memory = "142M"
        config.check_memory()


class Panic(unittest.TestCase):
    """session.Session: a panic is the end, but for what a crash kernel does then."""

    def after(self, options, *lines):
        """The panic that counts, and the seconds left of 300, after these lines of the kernel's."""
        begun = time.monotonic()
        watched = session.Session(machine.Config(kernel="", kernel_options=options), 300)
        watched.deadline = watched.end = begun + 300
        for line in lines:
            watched._root(line.encode() + b"\n")
        return watched.panic, 5 * round((watched.deadline - time.monotonic()) / 5)

    def test_panic(self):
        """Without one it is the end, whatever is said then."""
        words = "Kernel panic - not syncing: why"
        self.assertEqual(("", 300), self.after("", "Linux version 6"))
        self.assertEqual(("why", 15), self.after("", words, "Linux version 6"))
        self.assertEqual(("why", 60), self.after("crashkernel=9M", "Linux version 6", words))

    def test_crash_kernel(self):
        """It goes on from there, and may panic itself."""
        words = ("Linux version 6", "Kernel panic - not syncing: why", "Linux version 6")
        self.assertEqual(("", 300), self.after("crashkernel=9M", *words))
        self.assertEqual(("again", 60), self.after("crashkernel=9M", *words,
                                                   "Kernel panic - not syncing: again"))


class Cpio(unittest.TestCase):
    """cpio.Archive, read back by the rules of initramfs buffer-format."""

    @staticmethod
    def entries(data):
        """Name, mode and data of each entry."""
        position = 0
        found = []
        while True:
            head = data[position:position + 110]
            assert head[:6] == b"070701", head
            fields = [int(head[i:i + 8], 16) for i in range(6, 110, 8)]
            mode, size, length = fields[1], fields[6], fields[11]
            name = os.fsdecode(data[position + 110:position + 110 + length - 1])
            start = (position + 110 + length + 3) & ~3
            if name == "TRAILER!!!":
                return found
            found.append((name, mode, data[start:start + size]))
            position = (start + size + 3) & ~3

    def test_entries(self):
        """Parents come before children, once; lengths are padded."""
        out = io.BytesIO()
        archive = cpio.Archive(out)
        archive.file("a/b/c", b"12345", 0o755)
        archive.file("/a/d", b"")
        archive.symlink("a/e", "/a/d")
        archive.close()
        self.assertEqual(self.entries(out.getvalue()), [
            ("a", 0o40755, b""), ("a/b", 0o40755, b""), ("a/b/c", 0o100755, b"12345"),
            ("a/d", 0o100644, b""), ("a/e", 0o120777, b"/a/d")])
        self.assertEqual(len(out.getvalue()) % 4, 0)

    def test_copy(self):
        """A directory with all it holds, in a fixed order."""
        with tempfile.TemporaryDirectory() as top:
            write(top, "z", "last")
            write(top, "m/n", "inner")
            os.symlink("z", top + "/l")
            out = io.BytesIO()
            archive = cpio.Archive(out)
            archive.copy(top, "here")
            archive.close()
        self.assertEqual([(name, data) for name, _, data in self.entries(out.getvalue())],
                         [("here", b""), ("here/l", b"z"), ("here/m", b""),
                          ("here/m/n", b"inner"), ("here/z", b"last")])

    def test_special_file(self):
        """What cannot be copied is an error, not left out."""
        with self.assertRaises(OSError):
            cpio.Archive(io.BytesIO()).copy("/dev/null", "null")


class Libraries(unittest.TestCase):
    """initramfs.shared_libraries()"""

    def test_dynamic(self):
        """The loader is among them."""
        found = initramfs.shared_libraries("/bin/bash")
        self.assertTrue(any("libc.so" in name for name in found), found)
        self.assertTrue(any("ld-linux" in name for name in found), found)

    def test_script(self):
        """Scripts need none."""
        with tempfile.TemporaryDirectory() as top:
            self.assertEqual(initramfs.shared_libraries(write(top, "s", "#!/bin/sh\n")), [])

    def test_elsewhere(self):
        """One that is found from where the program is: its own path, and LD_LIBRARY_PATH."""
        with tempfile.TemporaryDirectory() as top:
            write(top, "one.c", "int one(void) { return 1; }\n")
            write(top, "main.c", "int one(void); int main(void) { return one(); }\n")
            os.mkdir(f"{top}/a lib")
            os.mkdir(f"{top}/bin")
            library, program = f"{top}/a lib/libone.so", f"{top}/bin/program"
            subprocess.run(["gcc", "-shared", "-Wl,-soname,libone.so", "-o", library,
                            f"{top}/one.c"], check=True)
            subprocess.run(["gcc", "-o", program, f"{top}/main.c", library,
                            "-Wl,-rpath,$ORIGIN/../a lib"], check=True)
            archive = cpio.Archive(io.BytesIO())
            found = cli._copy(archive, program, False)  # pylint: disable=protected-access
            self.assertIn(library, found)
            self.assertEqual(f"{top}/a lib", initramfs.library_path(found))
            parsed = cli._parser("").parse_args(  # pylint: disable=protected-access
                ["exec", "--", "./program"])
            self.assertEqual(f"export LD_LIBRARY_PATH='{top}/a lib'\nexec ./program\n".encode(),
                             cli._job(parsed, found))  # pylint: disable=protected-access

    def test_where_the_loader_looks(self):
        """What it finds by itself needs no variable."""
        self.assertEqual("", initramfs.library_path([
            "/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/libx.so", "/lib64/ld-linux-x86-64.so.2",
            "/usr/lib/x86_64-linux-gnu/libz.so.1"]))
        self.assertEqual("/usr/local/lib:/usr/lib/x86_64-linux-gnu/pulseaudio",
                         initramfs.library_path([
                             "/usr/local/lib/libx.so", "/lib/x86_64-linux-gnu/libc.so.6",
                             "/usr/local/lib/liby.so",
                             "/usr/lib/x86_64-linux-gnu/pulseaudio/libp.so"]))


class Modules(unittest.TestCase):
    """initramfs.add_modules(), of a kernel that is none"""

    RELEASE = "6.6.6"

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.top = directory.name
        for index in ("dep", "builtin", "builtin.modinfo", "order"):
            self.write(f"modules.{index}", "")

    def write(self, name, data):
        """A file of the kernel's modules"""
        write(self.top, f"lib/modules/{self.RELEASE}/{name}", data)

    def names(self, *modules):
        """What is in the archive"""
        out = io.BytesIO()
        archive = cpio.Archive(out)
        initramfs.add_modules(archive, self.top, self.RELEASE, modules, [])
        archive.close()
        return [name for name, _, _ in Cpio.entries(out.getvalue())]

    def test_path(self):
        """depmod is found where Debian has it, by users who do not have that in their PATH."""
        with mock.patch.dict(os.environ, {"PATH": "/usr/bin:/bin"}):
            self.assertIn(f"lib/modules/{self.RELEASE}/modules.dep.bin", self.names())

    def test_depmod_fails(self):
        """What it says is why."""
        depmod = os.path.join(self.top, "bin/depmod")
        write(self.top, "bin/depmod", "#!/bin/sh\necho so >&2\necho no room >&2\nexit 1\n")
        os.chmod(depmod, 0o755)
        with mock.patch.dict(os.environ, {"PATH": f"{self.top}/bin:/usr/bin:/bin"}), \
                self.assertRaisesRegex(RigError, "^depmod: no room$"):
            self.names()

    def test_broken(self):
        """A module that cannot be decompressed is named."""
        whole = {"xz": lzma.compress(b"x" * 99), "gz": gzip.compress(b"x" * 99)}
        for ending, data in whole.items():
            self.write("modules.dep", f"kernel/a.ko.{ending}:\n")
            cut = data[:len(data) // 2]
            for broken in (b"nonsense", cut, cut + b"\xff" * 40):
                self.write(f"kernel/a.ko.{ending}", broken)
                with self.subTest(broken), self.assertRaisesRegex(RigError, rf"/a\.ko\.{ending}: "):
                    self.names("a")

    def test_any_bytes(self):
        """A name that is not UTF-8 is taken as it is; a line that is none harms nobody."""
        name = b"kernel/\xff/a.ko"
        self.write("modules.dep", name + b":\nnonsense\n")
        self.write(os.fsdecode(name), "")
        with contextlib.suppress(RigError):  # of depmod, which wants a module
            self.assertIn(f"lib/modules/{self.RELEASE}/{os.fsdecode(name)}", self.names("a"))


class Kernels(unittest.TestCase):
    """kernel.find() and the release in an image."""

    @staticmethod
    def image(release):
        """As much of a bzImage as says its release."""
        head = bytearray(0x400)
        head[0x202:0x206] = b"HdrS"
        head[0x20e:0x210] = (0x100).to_bytes(2, "little")
        head[0x300:0x300 + len(release)] = release.encode()
        return bytes(head)

    def test_find(self):
        """By series, by file; a file of a known release has that release's modules."""
        with tempfile.TemporaryDirectory() as top:
            write(top, "6.1/vmlinuz", self.image("6.1.0-1 (x) #1"))
            self.assertEqual(kernel.find(top, "6.1").modules, f"{top}/6.1/modules.cpio")
            same = write(top, "same", self.image("6.1.0-1 (y) #2"))
            self.assertEqual(kernel.find(top, same),
                             kernel.Kernel(same, f"{top}/6.1/modules.cpio"))
            other = write(top, "other", self.image("6.2.0 (y)"))
            self.assertEqual(kernel.find(top, other), kernel.Kernel(other))
            noise = write(top, "noise", b"\0" * 10)
            self.assertEqual(kernel.find(top, noise), kernel.Kernel(noise))
            for missing in ("6.7", top + "/none", top):
                with self.assertRaises(RigError):
                    kernel.find(top, missing)

    def test_not_made_ready(self):
        """One that make knows: how; the rig and make know the same ones."""
        with tempfile.TemporaryDirectory() as top:
            write(top, "6.12/vmlinuz", self.image("6.12.0-1 (x) #1"))
            with self.assertRaisesRegex(RigError, r"no kernel 6\.1: .*\b6\.12; "
                                                  r".*\bmake images KERNEL=6\.1\b"):
                kernel.find(top, "6.1")
            with self.assertRaisesRegex(RigError, r"^no kernel 6\.7: neither [^=]*$"):
                kernel.find(top, "6.7")
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 5,
                               "Makefile"), encoding="utf-8") as file:
            known = re.findall(r"^(?:STOCK|BUILT)_KERNELS := (.*)$", file.read(), re.M)
        self.assertEqual(list(kernel.SERIES), " ".join(known).split())

    def test_nothing_built(self):
        """The user is told to build."""
        with self.assertRaisesRegex(RigError, "make"):
            kernel.find("/nowhere", "6.12")


class Roots(unittest.TestCase):
    """rootfs.image()."""

    def test_initramfs(self):
        """It needs no image."""
        self.assertEqual(rootfs.image("/nowhere", "initramfs"), -1)

    def test_image(self):
        """An image is taken as it is, by its path or by the name it was made ready under."""
        with tempfile.TemporaryDirectory() as top:
            path = write(top, "trixie.squashfs", b"hsqs and so on")
            for name in ("trixie", path):
                fd = rootfs.image(top, name)
                self.assertEqual(os.read(fd, 20), b"hsqs and so on")
                os.close(fd)

    def test_directory(self):
        """A directory becomes an image."""
        with tempfile.TemporaryDirectory() as top:
            write(top, "etc/name", "x")
            fd = rootfs.image("/nowhere", top)
            self.assertEqual(os.read(fd, 4), b"hsqs")
            os.close(fd)

    def test_mistakes(self):
        """Each says what to do."""
        with tempfile.TemporaryDirectory() as top:
            with self.assertRaisesRegex(RigError, "run make trixie first"):
                rootfs.image(top, "trixie")
            with self.assertRaisesRegex(RigError, "neither a directory nor a squashfs image"):
                rootfs.image(top, write(top, "x", "#!/bin/sh"))
            with self.assertRaisesRegex(RigError, "No such file"):
                rootfs.image(top, top + "/none")


class Consoles(unittest.TestCase):
    """console.Console"""

    def test_lines(self):
        """Lines come whole, without what upsets a terminal."""
        one = console.Console("root")
        self.assertEqual(one.feed(b"ab"), [])
        self.assertEqual(one.feed(b"c\r\n\x1b[2Jd\x07e\nf"), ["abc", "de"])
        self.assertEqual(one.close(), ["f"])
        self.assertEqual(list(one.lines), ["abc", "de", "f"])

    def test_shown(self):
        """Each line is shown with its console's name, without colour in a file."""
        stream = io.StringIO()
        console.Console("guest", stream).feed(b"hello\n")
        self.assertEqual(stream.getvalue(), "guest  | hello\n")


class Monitor(unittest.TestCase):
    """qmp.Monitor"""

    def test_conversation(self):
        """Greeting, event, registers, in pieces."""
        sent = []

        class Connection:
            """Keeps what is sent."""
            @staticmethod
            def sendall(data):
                """As of a socket."""
                sent.append(json.loads(data))

        monitor = qmp.Monitor(Connection)
        monitor.feed(b'{"QMP": {}}\r\n{"event": "SHUTDOWN", "data"')
        monitor.feed(b': {"reason": "guest-reset"}}\r\n')
        self.assertEqual(monitor.shutdown_reason, "guest-reset")
        monitor.ask_registers()
        registers = ("\r\nCPU#0\r\nRAX=0 RBX=0\r\nRIP=000000000000fff0 RFL=00000002 [-------] "
                     "CPL=0 II=0 A20=1 SMM=0 HLT=1\r\n")
        monitor.feed(json.dumps({"return": registers,
                                 "id": "human-monitor-command"}).encode() + b"\n")
        self.assertEqual(monitor.processors(),
                         ["CPU 0: RIP=000000000000fff0 RFL=00000002 CPL=0 halted"])
        self.assertEqual([one["execute"] for one in sent],
                         ["qmp_capabilities", "human-monitor-command"])


class TestList(unittest.TestCase):
    """testlist.read()"""

    def read(self, text, **variables):
        """A list in a file of its own."""
        with tempfile.TemporaryDirectory() as top:
            return testlist.read(write(top, "list", text), "RIG", "LOGS", variables)

    def test_matrix(self):
        """Each kernel with each number of processors, with a name of its own."""
        tests = self.read("[a]\nrun = x @CPUS@\nkernel = 6.1 6.12\ncpus = 1 2\ntimeout = 9\n")
        self.assertEqual([test.name for test in tests],
                         ["a.6.1.1cpu", "a.6.1.2cpu", "a.6.12.1cpu", "a.6.12.2cpu"])
        self.assertEqual(tests[1].command, [
            "RIG", "exec", "--kernel", "6.1", "--cpus", "2", "--timeout", "9",
            "--log-dir", "LOGS/a.6.1.2cpu", "--", "sh", "-c", "x 2"])
        tests = self.read("[a]\nrun = x\nsched = root core\ntimeout = 9\n")
        self.assertEqual([test.name for test in tests], ["a.6.12.2cpu", "a.6.12.2cpu.core"])
        self.assertNotIn("--sched", tests[0].command)
        self.assertEqual(tests[1].command[6:8], ["--sched", "core"])
        self.assertGreater(tests[1].timeout, 9)
        test, = self.read("[a]\nrun = x\noptions = --copy '@O@/a b'\ntimeout = 9\n", O="/o")
        self.assertEqual(test.command[-6:], ["--copy", "/o/a b", "--", "sh", "-c", "x"])

    def test_long_matrix(self):
        """What a check that takes long has besides: only what the other has not."""
        tests = self.read("[a]\nrun = x\nlong-kernel = 6.1 6.12\nlong-sched = root core\n"
                          "timeout = 9\n")
        self.assertEqual([(test.name, test.long) for test in tests], [
            ("a.6.12.2cpu", False), ("a.6.1.2cpu", True), ("a.6.1.2cpu.core", True),
            ("a.6.12.2cpu.core", True)])
        self.assertEqual(tests[2].command[3:8], ["6.1", "--cpus", "2", "--sched", "core"])

    def test_skips(self):
        """What may be skipped is the same for all tests."""
        tests = self.read("[a]\nrun = x\ntimeout = 9\n"
                          "[skips]\nallowed =\n\t^a: b #\n\tc$\n[d]\nhost = x\ntimeout = 9\n")
        self.assertEqual([(test.name, test.skips) for test in tests],
                         [(name, ("^a: b #", "c$")) for name in ("a.6.12.2cpu", "d")])

    def test_expectations(self):
        """Status, output and kind."""
        test, = self.read("[a]\nrig = exec -- 'a b' @V@\ntimeout = 1\nstatus = 124\n"
                          "output = ^one$\n\t^two:$\nktap = yes\n", V="v")
        self.assertEqual((test.command, test.status, test.output, test.ktap),
                         (["RIG", "exec", "--log-dir", "LOGS/a", "--", "a b", "v"], 124,
                          ("^one$", "^two:$"), True))

    def test_mistakes(self):
        """Each is an error, none is passed over."""
        for text in ("[a]\ntimeout = 1\n", "[a]\nrun = x\n",
                     "[a]\nrun = x\nhost = y\ntimeout = 1\n",
                     "[a]\nrun = x\ntimeout = 1\ncolour = red\n", "[a]\nrun = x\ntimeout = soon\n",
                     "[a]\nhost = x\ncpus = 2\ntimeout = 1\n", "[a]\nhost = @NO@\ntimeout = 1\n",
                     "[a]\nrun = x\ntimeout = 1\noutput = (\n", "nonsense\n",
                     "[a]\nhost = x\nlong-cpus = 2\ntimeout = 1\n",
                     "[a]\nrun = x\nlong = yes\nlong-cpus = 1\ntimeout = 1\n",
                     "[a]\nrun = x\nlong-cpus = 2\ntimeout = 1\n",
                     "[skips]\nallowed = (\n", "[skips]\ntimeout = 1\n",
                     "[a]\nrun = x\ntimeout = 1\n[a]\nrun = y\ntimeout = 1\n"):
            with self.subTest(text=text), self.assertRaises(RigError):
                self.read(text)
