# SPDX-License-Identifier: GPL-2.0-only
"""Which lines of drivers/hv the suites have reached, of what the test machine sent."""

import collections
import json
import os
import re
import subprocess

# The tests themselves; and what tracepoints expand to, which is the kernel's code
SKIP = re.compile(r"(^|/)(tests/.*|trace\.[ch])$")


class Error(Exception):
    """The machine's data, or gcov, is not what it should be."""


def unpack(stream, tree):
    """Put the counts beside the objects they are of; returns their paths."""
    paths = []
    with open(stream, "rb") as file:
        data = file.read()
    at = 0
    while True:
        end = data.find(b"\n", at)
        if end < 0:
            raise Error("the machine has not sent all of its counts")
        name, _, size = data[at:end].decode(errors="replace").rpartition(" ")
        at = end + 1
        if name == "END":
            return paths
        path = os.path.normpath(name)
        if not path.startswith(f"{tree}/") or not size.isdigit() or at + int(size) > len(data):
            raise Error(f"the machine has sent counts of {name!r}")
        with open(path, "wb") as file:
            file.write(data[at:at + int(size)])
        at += int(size)
        paths.append(path)


def gcov(paths, tree):
    """{file: {line: count}}, files named from drivers/hv on."""
    result = subprocess.run(["gcov", "--json-format", "--stdout", *paths], cwd=tree,
                            capture_output=True, text=True, check=False)
    if result.returncode:
        raise Error(f"gcov: {result.stderr.strip()}")
    lines = collections.defaultdict(collections.Counter)
    for document in result.stdout.splitlines():
        for file in json.loads(document)["files"]:
            path = os.path.normpath(os.path.join(tree, file["file"]))
            name = os.path.relpath(path, f"{tree}/drivers/hv")
            if name.startswith("..") or SKIP.search(name):
                continue
            for line in file["lines"]:
                lines[name][line["line_number"]] += line["count"]
    return lines


def ranges(numbers, breaks):
    """"3, 7-9": neighbours are joined across lines that no code is on."""
    text = []
    start = last = None
    for number in numbers:
        if last is not None and not any(last < other < number for other in breaks):
            last = number
            continue
        if last is not None:
            text.append(f"{start}-{last}" if last > start else str(start))
        start = last = number
    if last is not None:
        text.append(f"{start}-{last}" if last > start else str(start))
    return ", ".join(text)


def report(lines, sources):
    """The lines of the report, and the share of all lines that were reached, in percent."""
    strangers = set(sources) - set(lines)
    if strangers:
        raise Error(f"no counts of {' '.join(sorted(strangers))}")
    text = []
    reached = total = 0
    for name, counts in sorted(lines.items()):
        missed = sorted(number for number, count in counts.items() if not count)
        hit = [number for number, count in counts.items() if count]
        reached += len(hit)
        total += len(counts)
        percent = 100 * len(hit) / len(counts)
        text.append(f"{name:24} {percent:5.1f} % of {len(counts):4}"
                    + (f"  not reached: {ranges(missed, hit)}" if missed else ""))
    share = 100 * reached / total if total else 0.0
    text.append(f"{'all':24} {share:5.1f} % of {total:4}")
    return text, share
