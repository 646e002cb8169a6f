# SPDX-License-Identifier: GPL-2.0-only
"""What runs the machine: QEMU's own emulation, or KVM where it can nest."""

import os
import sys

from .error import RigError


def _read(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def why_not_kvm(cpuinfo="/proc/cpuinfo", nested="/sys/module/kvm_amd/parameters/nested",
                device="/dev/kvm"):
    """Why KVM cannot run openhv here: a reason, or None if it can.

    openhv needs SVM, which KVM offers to its guests only on AMD processors and
    only with nesting switched on. That /dev/kvm is there says neither.
    """
    flags = [line.split(":", 1)[1].split() for line in _read(cpuinfo).splitlines()
             if line.startswith("flags")]
    if not flags or "svm" not in flags[0]:
        return "the processor has no SVM (no svm flag in /proc/cpuinfo)"
    if _read(nested).strip() not in ("1", "Y"):
        return f"nested virtualization is off ({nested})"
    if not os.access(device, os.R_OK | os.W_OK):
        return f"no access to {device}"
    return None


def check(accel):
    """Raise RigError if the wanted kind of acceleration cannot be had."""
    if accel == "kvm":
        reason = why_not_kvm()
        if reason:
            raise RigError(f"kvm cannot be used: {reason}; use tcg")


if __name__ == "__main__":
    try:
        check(sys.argv[1])
    except RigError as error:
        sys.exit(f"mshv-vm: {error}")
