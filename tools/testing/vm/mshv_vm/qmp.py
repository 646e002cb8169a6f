# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's monitor: why it shuts down, and where its processors are when it hangs."""

import json
import re


class Monitor:
    """One end of a QMP connection; its owner feeds it what arrives."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = b""
        self.shutdown_reason = ""
        self.registers = None

    def _send(self, command, **arguments):
        request = {"execute": command, "id": command}
        if arguments:
            request["arguments"] = arguments
        try:
            self.connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            pass  # QEMU is gone, which its owner sees by itself

    def feed(self, data):
        """Take bytes and act on the messages that they complete."""
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            if not line.strip():
                continue
            message = json.loads(line)
            if "QMP" in message:
                self._send("qmp_capabilities")
            elif message.get("event") == "SHUTDOWN":
                self.shutdown_reason = message["data"].get("reason", "")
            elif message.get("id") == "human-monitor-command":
                self.registers = message.get("return", "")

    def ask_registers(self):
        """Ask for all processors' registers; they come by feed()."""
        self.registers = None
        self._send("human-monitor-command", **{"command-line": "info registers -a"})

    def processors(self):
        """One line a processor: where it is, and whether it is halted."""
        lines = []
        for part in re.split(r"^CPU#", self.registers or "", flags=re.M)[1:]:
            number = part.split()[0]
            where = re.search(r"([RE]IP=\S+) ([RE]FL=\S+).*?CPL=(\d).*?HLT=(\d)", part)
            if where:
                halted = " halted" if where[4] == "1" else ""
                lines.append(f"CPU {number}: {where[1]} {where[2]} CPL={where[3]}{halted}")
        return lines
