# SPDX-License-Identifier: GPL-2.0-only
"""One run: boot the machine, watch everything it says, say how it ended."""

import os
import re
import selectors
import sys
import time

from .console import Console
from .machine import Machine
from .qmp import Monitor
from .status import (HUNG, HUNG_WITHOUT_OPENHV, QEMU_OPENHV_PANIC, QEMU_OPENHV_REFUSAL, Outcome,
                     Progress, Status)
from .trouble import PANIC, TROUBLE

_POWER_OFF_SECONDS = 15  # for root to switch off once it has said that it will
_CRASH_KERNEL_SECONDS = 60  # for the kernel that a panic starts, if there is one, to say so
_READ_BYTES = 65536


class Session:
    """The rig's side of one machine."""

    def __init__(self, config, timeout, live=None, log_dir=None, prefix_output=False):
        """live is the stream that consoles are shown on while they print, or None."""
        self.machine = Machine(config)
        self.timeout = timeout
        self.progress = Progress.STARTED
        self.status = None  # the command's
        self.panic = self.trouble = self.module_failure = self.root_failure = ""
        self.root_words = ""  # what root's first process has to say without a port
        self.openhv_lines = []
        names = [name for name in ("openhv", "root", "guest")
                 if name != "openhv" or config.openhv]
        self.consoles = {name: Console(name, live, log_dir) for name in names}
        self.control = Console("control")
        self.output = Console("mshv", sys.stdout) if prefix_output else None
        self.errors = b""  # what QEMU itself printed
        self.selector = selectors.DefaultSelector()
        self.monitor = None
        self.deadline = self.end = None
        self.crash_kernel = "crashkernel=" in config.kernel_options

    def watch(self, file, handler):
        """Call handler with the bytes that can be read from a file, until it ends."""
        self.selector.register(file, selectors.EVENT_READ, handler)

    def _start(self):
        machine = self.machine
        machine.start(machine.command())
        self.monitor = Monitor(machine.channels["monitor"])
        handlers = {"monitor": self.monitor.feed, "control": self._control, "root": self._root,
                    "guest": self.consoles["guest"].feed, "openhv": self._openhv,
                    "stdout": lambda data: self._pass_on(data, sys.stdout),
                    "stderr": lambda data: self._pass_on(data, sys.stderr)}
        for name, channel in machine.channels.items():
            if name in handlers:
                self.watch(channel, handlers[name])
        self.watch_more()
        self.watch(machine.process.stderr, self._qemu_error)
        self.watch(machine.pidfd, None)

    def watch_more(self):
        """For sessions that have more to watch."""

    def _reach(self, progress):
        self.progress = max(self.progress, progress)

    def _openhv(self, data):
        if "openhv" in self.consoles:
            self._reach(Progress.OPENHV)
            self.openhv_lines += self.consoles["openhv"].feed(data)

    def _root(self, data):
        for line in self.consoles["root"].feed(data):
            self._root_line(line)

    def _root_line(self, line):
        if "Linux version" in line:
            self._reach(Progress.ROOT)
            if self.panic and self.crash_kernel:
                # Which was the idea: what becomes of it now is the crash kernel's to say.
                self.panic = ""
                self.deadline = self.end
        found = PANIC.search(line)
        if found and not self.panic:
            self.panic = found[1]
            self._end_within(_CRASH_KERNEL_SECONDS if self.crash_kernel else _POWER_OFF_SECONDS)
        if line.startswith("mshv-vm: "):
            self.root_words = ": " + line.removeprefix("mshv-vm: ")
        found = TROUBLE.search(line)
        if found and not self.trouble:
            self.trouble = found[1]

    def _control(self, data):
        for line in self.control.feed(data):
            word, _, rest = line.partition(" ")
            if word == "init":
                self._reach(Progress.INIT)
            elif word == "module":
                self._reach(Progress.MODULE)
                self._module("not loaded", rest)
            elif word == "unload":
                self._module("not unloaded", rest)
            elif word == "root":
                self.root_failure = rest
            elif word == "start":
                self._reach(Progress.COMMAND)
            elif word == "exit":
                self._reach(Progress.DONE)
                self.status = int(rest)
            elif word == "end":
                self._reach(Progress.END)
                self._end_within(_POWER_OFF_SECONDS)

    def _end_within(self, seconds):
        self.deadline = min(self.deadline, time.monotonic() + seconds)

    def _module(self, failure, result):
        if result != "ok":
            self.module_failure = f"{failure}: {result.removeprefix('failed ')}"

    def _pass_on(self, data, stream):
        if self.output:
            self.output.feed(data)
        else:
            stream.buffer.write(data)
            stream.flush()

    def _qemu_error(self, data):
        self.errors += data

    def _handle(self, timeout):
        """Wait for something to happen and deal with it; False when QEMU has ended."""
        alive = True
        for key, _ in self.selector.select(timeout):
            if key.data is None:
                alive = False
                continue
            try:
                data = os.read(key.fd, _READ_BYTES)
            except OSError:
                data = b""
            if data:
                key.data(data)
            else:
                self.selector.unregister(key.fileobj)
        return alive

    def _drain(self):
        """Take what QEMU sent before it ended."""
        self.selector.unregister(self.machine.pidfd)
        while self.selector.get_map() and self.selector.select(0):
            self._handle(0)

    def run(self):
        """Boot, watch until the end, and return the Outcome. Raises RigError."""
        try:
            self._start()
            self.deadline = self.end = time.monotonic() + self.timeout
            while self._handle(max(0, self.deadline - time.monotonic())):
                if time.monotonic() >= self.deadline:
                    return self._hung()
            self._drain()
            return self._ended(self.machine.process.wait())
        finally:
            self.machine.kill()
            for console in (*self.consoles.values(), self.output):
                if console:
                    console.close()

    def _hung(self):
        if self.panic:
            return Outcome(Status.ROOT_PANIC, "root kernel", f"panic: {self.panic}")
        if self.progress == Progress.END:
            return Outcome(Status.ROOT_END, "root kernel",
                           f"it has not switched off within {_POWER_OFF_SECONDS} s")
        self._find_processors()
        layer, reason = self.at_work()
        return Outcome(Status.TIMEOUT, layer, f"timeout after {self.timeout:g} s: {reason}")

    def at_work(self):
        """The layer that is at work, and what it has not done yet."""
        reasons = HUNG if self.machine.config.openhv else HUNG_WITHOUT_OPENHV
        layer, reason = reasons[self.progress]
        if self.progress == Progress.COMMAND and self.consoles["guest"].lines:
            layer = "guest"
        return layer, reason

    def _find_processors(self):
        """Where a machine that hangs does so."""
        self.monitor.ask_registers()
        end = time.monotonic() + 2
        while self.monitor.registers is None and time.monotonic() < end:
            if not self._handle(0.2):
                return

    def _ended(self, qemu_status):
        outcome = self._ended_badly(qemu_status)
        if outcome:
            return outcome
        if self.trouble and not self.status:
            return Outcome(Status.ROOT_END, "root kernel", f"it complained: {self.trouble}")
        return Outcome(self.status)

    def _ended_badly(self, qemu_status):
        said = self.errors.decode("utf-8", "replace").strip().splitlines()
        if self.machine.config.openhv and qemu_status == QEMU_OPENHV_PANIC:
            return Outcome(Status.OPENHV_PANIC, "openhv", self._openhv_reason("panic"))
        if self.machine.config.openhv and qemu_status == QEMU_OPENHV_REFUSAL:
            return Outcome(Status.OPENHV_REFUSAL, "openhv", self._openhv_reason("refused to boot"))
        if qemu_status:
            how = f"signal {-qemu_status}" if qemu_status < 0 else f"status {qemu_status}"
            return Outcome(Status.QEMU, "QEMU", f"ended with {how}: {said[-1] if said else ''}")
        if self.panic:
            return Outcome(Status.ROOT_PANIC, "root kernel", f"panic: {self.panic}")
        if self.module_failure and not self.status:
            return Outcome(Status.MODULE, "module", self.module_failure)
        if self.root_failure:
            return Outcome(Status.RIG, "root file system", self.root_failure)
        if self.status is None:
            how = {"guest-reset": "reset the machine", "guest-shutdown": "switched off"}.get(
                self.monitor.shutdown_reason, "ended")
            return Outcome(Status.ROOT_END, "root kernel",
                           f"{how} before the command had ended "
                           f"({self.progress.name.lower()}){self.root_words}")
        return None

    def _openhv_reason(self, what):
        """openhv's own words, if it has any."""
        words = [line for line in self.openhv_lines if line.strip()]
        telling = [line for line in words if re.search(r"panic|refus|error", line, re.I)]
        last = telling or words[-1:]
        return f"{what}: {last[0].strip()}" if last else what

    def explain(self, outcome):
        """Print what is known of a run that ended badly."""
        print(f"mshv-vm: {outcome}", file=sys.stderr)
        for line in self.monitor.processors() if self.monitor else []:
            print(f"mshv-vm: {line}", file=sys.stderr)
        for line in self.errors.decode("utf-8", "replace").splitlines():
            if "TCG doesn't support requested feature" not in line:
                print(f"mshv-vm: QEMU: {line}", file=sys.stderr)
        self.show_tails()

    def show_tails(self):
        """Print the last lines of each console."""
        for console in self.consoles.values():
            if console.name != "guest" or console.lines:
                console.show_tail()
