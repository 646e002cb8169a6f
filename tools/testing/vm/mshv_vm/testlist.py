# SPDX-License-Identifier: GPL-2.0-only
"""The list of tests: a section each, multiplied by its kernels and processors.

Keys of a section:
  host      a command to run on the host, in the top directory; or
  run       a command to run in the root partition, by its shell; or
  rig       a whole command line of mshv-vm, without its name
  kernel    the kernels to run it on            (default: 6.12; with run)
  cpus      numbers of processors to run it on  (default: 2; with run)
  sched     the schedulers to run it under      (default: root; with run)
  options   more options for mshv-vm            (with run)
  timeout   seconds until it counts as hung
  status    the exit status that is expected    (default: 0)
  output    regular expressions, one a line, that what it prints must match
  ktap      yes: what it prints is KTAP, and each result counts
  long      yes: it takes long, and is run by "check --long" alone
In host, rig and options @NAME@ stands for the variable NAME, which the caller gives; in run
@KERNEL@, @CPUS@ and @SCHED@ stand for what it runs on.
"""

import configparser
import dataclasses
import itertools
import os
import re
import shlex

from .error import RigError

_KEYS = {"host", "run", "rig", "kernel", "cpus", "sched", "options", "timeout", "status",
         "output", "ktap", "long"}
_KINDS = ("host", "run", "rig")
_RIG_SECONDS = 30
_RUN_ONLY = {"kernel", "cpus", "sched", "options"}


@dataclasses.dataclass
class Test:
    """One test: a command of the host, and what is expected of it."""

    name: str
    command: list
    timeout: float
    status: int = 0
    output: tuple = ()
    ktap: bool = False
    long: bool = False
    console_dir: str = ""  # where the rig writes the machine's consoles


def _substitute(text, variables):
    def value(found):
        if found[1] not in variables:
            raise RigError(f"no value for @{found[1]}@")
        return variables[found[1]]
    return re.sub(r"@(\w+)@", value, text)


def _check(name, section):
    unknown = set(section) - _KEYS
    if unknown:
        raise RigError(f"[{name}]: unknown key {' '.join(sorted(unknown))}")
    kinds = [kind for kind in _KINDS if kind in section]
    if len(kinds) != 1:
        raise RigError(f"[{name}]: needs one of {', '.join(_KINDS)}")
    if kinds[0] != "run" and _RUN_ONLY & set(section):
        raise RigError(f"[{name}]: {' '.join(sorted(_RUN_ONLY & set(section)))} only go with run")
    if "timeout" not in section:
        raise RigError(f"[{name}]: needs a timeout")
    for pattern in section.get("output", "").split("\n"):
        re.compile(pattern)
    return kinds[0]


def _expand(name, section, rig, log_dir, variables):
    kind = _check(name, section)
    timeout = section.getfloat("timeout")
    expected = {
        "status": section.getint("status", 0),
        "output": tuple(line for line in section.get("output", "").split("\n") if line),
        "ktap": section.getboolean("ktap", False),
        "long": section.getboolean("long", False),
    }
    if kind == "host":
        command = ["bash", "-c", _substitute(section["host"], variables)]
        yield Test(name, command, timeout, **expected)
        return
    if kind == "rig":
        subcommand, *words = shlex.split(_substitute(section["rig"], variables))
        consoles = os.path.join(log_dir, name)
        yield Test(name, [rig, subcommand, "--log-dir", consoles, *words], timeout,
                   console_dir=consoles, **expected)
        return
    yield from _machines(name, section, rig, log_dir, variables, expected)


def _machines(name, section, rig, log_dir, variables, expected):
    """A test for each kind of machine that a section names."""
    timeout = section.getfloat("timeout")
    options = shlex.split(_substitute(section.get("options", ""), variables))
    kinds = itertools.product(section.get("kernel", "6.12").split(),
                              section.get("cpus", "2").split(),
                              section.get("sched", "root").split())
    for kernel, cpus, sched in kinds:
        full_name = f"{name}.{kernel}.{cpus}cpu" + ("" if sched == "root" else f".{sched}")
        consoles = os.path.join(log_dir, full_name)
        # The default one does not go with --no-hypervisor.
        scheduler = [] if sched == "root" else ["--sched", sched]
        command = [rig, "exec", "--kernel", kernel, "--cpus", cpus, *scheduler,
                   "--timeout", f"{timeout:g}", "--log-dir", consoles, *options, "--", "sh", "-c",
                   _substitute(section["run"], {"KERNEL": kernel, "CPUS": cpus, "SCHED": sched})]
        # The rig has a timeout of its own; the one here is for a rig that hangs.
        yield Test(full_name, command, timeout + _RIG_SECONDS, console_dir=consoles, **expected)


def read(path, rig, log_dir, variables):
    """All tests of a list, in its order.

    rig is the path of mshv-vm, log_dir the directory for consoles, variables the
    values of the list's variables.
    """
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",),
                                       comment_prefixes=("#",), default_section="")
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
        return [test for name in parser.sections()
                for test in _expand(name, parser[name], rig, log_dir, variables)]
    except (configparser.Error, re.error, ValueError) as error:
        raise RigError(f"{path}: {error}") from None
