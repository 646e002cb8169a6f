# SPDX-License-Identifier: GPL-2.0-only
"""The list of tests: a section each, multiplied by its kernels, processors and schedulers.

Keys of a section:
  host      a command to run on the host, in the top directory; or
  run       a command to run in the root partition, by its shell; or
  rig       a whole command line of mshv-vm, without its name
  kernel    the kernels to run it on            (default: 6.12; with run)
  cpus      numbers of processors to run it on  (default: 2; with run)
  sched     the schedulers to run it under      (default: root; with run)
  long-kernel, long-cpus, long-sched
            the same for "check --long", which leaves out what is run without it
  options   more options for mshv-vm            (with run)
  timeout   seconds until it counts as hung
  status    the exit status that is expected    (default: 0)
  output    regular expressions, one a line, that what it prints must match
  ktap      yes: what it prints is KTAP, and each result counts
  long      yes: it takes long, and is run by "check --long" alone
In host, rig and options @NAME@ stands for the variable NAME, which the caller gives; in run
@KERNEL@, @CPUS@ and @SCHED@ stand for what it runs on.

The section [skips] is no test: its "allowed" are regular expressions, one a line. A skipped result
that none of them matches, as "test: part # reason", is a failure.
"""

import configparser
import dataclasses
import itertools
import os
import re
import shlex

from .error import RigError

_KINDS = ("host", "run", "rig")
_RIG_SECONDS = 30
_MACHINE = {"kernel": "6.12", "cpus": "2", "sched": "root"}
_LONG_MACHINE = {"long-" + key for key in _MACHINE}
_RUN_ONLY = {*_MACHINE, *_LONG_MACHINE, "options"}
_KEYS = {*_KINDS, *_RUN_ONLY, "timeout", "status", "output", "ktap", "long"}


@dataclasses.dataclass
class Test:
    """One test: a command of the host, and what is expected of it."""

    name: str
    command: list
    timeout: float
    status: int = 0
    output: tuple = ()
    ktap: bool = False
    skips: tuple = ()  # regular expressions: what may be skipped
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
    if "long" in section and _LONG_MACHINE & set(section):
        raise RigError(f"[{name}]: all of it is long")
    if "timeout" not in section:
        raise RigError(f"[{name}]: needs a timeout")
    return kinds[0]


def _patterns(text):
    patterns = tuple(line for line in text.split("\n") if line)
    for pattern in patterns:
        re.compile(pattern)
    return patterns


def _expand(name, section, skips, rig, log_dir, variables):
    kind = _check(name, section)
    timeout = section.getfloat("timeout")
    expected = {
        "status": section.getint("status", 0),
        "output": _patterns(section.get("output", "")),
        "ktap": section.getboolean("ktap", False),
        "long": section.getboolean("long", False),
        "skips": skips,
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


def _machine_kinds(section, prefix=""):
    """The kinds of machine that a section names."""
    return list(itertools.product(*(
        section.get(prefix + key, section.get(key, default)).split()
        for key, default in _MACHINE.items())))


def _machines(name, section, rig, log_dir, variables, expected):
    """A test for each kind of machine that a section names."""
    kinds = _machine_kinds(section)
    yield from _tests(name, section, kinds, rig, log_dir, variables, expected)
    long_kinds = [kind for kind in _machine_kinds(section, "long-") if kind not in kinds]
    if _LONG_MACHINE & set(section) and not long_kinds:
        raise RigError(f"[{name}]: {' '.join(sorted(_LONG_MACHINE & set(section)))} adds none")
    yield from _tests(name, section, long_kinds, rig, log_dir, variables,
                      {**expected, "long": True})


def _tests(name, section, kinds, rig, log_dir, variables, expected):
    """A test for each of the kinds of machine."""
    timeout = section.getfloat("timeout")
    options = shlex.split(_substitute(section.get("options", ""), variables))
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


def _skips(parser):
    """Take the section [skips], if there is one, from the others."""
    if not parser.has_section("skips"):
        return ()
    section = parser["skips"]
    if set(section) != {"allowed"}:
        raise RigError("[skips]: has allowed, and nothing else")
    patterns = _patterns(section["allowed"])
    parser.remove_section("skips")
    return patterns


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
        skips = _skips(parser)
        return [test for name in parser.sections()
                for test in _expand(name, parser[name], skips, rig, log_dir, variables)]
    except (configparser.Error, re.error, ValueError) as error:
        raise RigError(f"{path}: {error}") from None
