# SPDX-License-Identifier: GPL-2.0-only
"""What README.md tells its readers to type."""

import os
import re
import textwrap

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 5))


def text():
    """All of it."""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
        return file.read()


def section(title):
    """The lines below a heading, up to the next one of its kind."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text(), re.M | re.S)
    if not found:
        raise AssertionError(f"README.md has no section {title}")
    return found[1]


def script(title):
    """The lines of a section that are to be typed."""
    lines = [line for line in section(title).splitlines(keepends=True) if line.startswith("    ")]
    return textwrap.dedent("".join(lines))


def commands():
    """Every command that begins with the rig or with make, in a line, from all of README.md."""
    whole = text().replace("\\\n", " ")
    found = re.findall(r"^ {4,}(.*)$", whole, re.M)
    # In running text a command may go over the end of a line.
    found += [" ".join(words.split()) for words in re.findall(r"`([^`]*)`", whole)]
    return [re.sub(r"\s+", " ", line).strip() for line in found
            if re.match(r"\s*(sudo )?(\S*/)?(mshv-vm|make) ", line)]
