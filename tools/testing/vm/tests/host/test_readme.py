# SPDX-License-Identifier: GPL-2.0-only
"""README.md names no option, subcommand or target that is not there."""

import contextlib
import glob
import io
import os
import re
import shlex
import unittest

import readme
from mshv_vm import cli

# What ends a command of the shell's, and is not its argument
_SHELL = {"||", "&&", "|", ";", "&"}


def rig_commands():
    """The arguments of each command line of the rig's, without what is the shell's."""
    for line in readme.commands():
        words = shlex.split(line)
        if os.path.basename(words[0]) == "mshv-vm":
            end = next((i for i, word in enumerate(words) if word in _SHELL), len(words))
            yield words[1:end]


def make_words():
    """The targets and variables of each command line of make's."""
    for line in readme.commands():
        words = shlex.split(re.sub(r"\$\(.*?\)", "", line))
        if words[0] == "sudo":
            words = words[1:]
        if words[0] == "make" and "-C" not in words:
            yield words[1:]


class Readme(unittest.TestCase):
    """What is to be typed"""

    def parse(self, words):
        """What the rig makes of a command line, which it must know."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            try:
                return cli._parser("").parse_args(words)  # pylint: disable=protected-access
            except SystemExit as end:
                if end.code or words != ["--help"]:
                    self.fail(f"mshv-vm {shlex.join(words)}: {said.getvalue()}")
        return None

    def test_rig(self):
        """Each command line of mshv-vm is one that it takes."""
        lines = list(rig_commands())
        self.assertGreaterEqual(len(lines), 5)
        for words in lines:
            with self.subTest(words=words):
                self.parse(words)

    def test_make(self):
        """Each target and variable of make is one that `make help` knows, or a rule."""
        text = ""
        for path in [f"{readme.TOP}/Makefile", *glob.glob(f"{readme.TOP}/scripts/make/*.mk")]:
            with open(path, encoding="utf-8") as file:
                text += file.read()
        lines = list(make_words())
        self.assertGreaterEqual(len(lines), 5)
        for words in lines:
            for word in words:
                name, equals, _ = word.partition("=")
                pattern = (rf"\b{re.escape(name)}\b" if equals else
                           rf"^{re.escape(name)}:")
                self.assertRegex(text, re.compile(pattern, re.M), " ".join(words))

    def test_installed(self):
        """A program of somebody else's tree is run by the mshv-vm that is installed."""
        for line in readme.commands():
            if "target/" in line:
                self.assertRegex(line, r"^mshv-vm ")

    def test_other_kernels(self):
        """Where one is named that `make images` does not make ready, that is said, too."""
        part = readme.section("Run your own program there")
        for name in set(re.findall(r"--kernel (\S+?)`", part)) - {"6.12"}:
            self.assertIn(f"`make images KERNEL={name}`", part)

    def test_ci_lane(self):
        """The lines for the CI of others: make images, and one run of mshv-vm"""
        lines = readme.script("A CI lane for your VMM").splitlines()
        self.assertIn("make -C mshv images", lines)
        runs = [line for line in lines if "tools/testing/vm/mshv-vm" in line]
        self.assertEqual(len(runs), 1)
        words = shlex.split(runs[0])
        self.assertEqual(words[0], "mshv/tools/testing/vm/mshv-vm")
        options = self.parse(words[1:words.index("||")])
        self.assertEqual(options.subcommand, "exec")
        self.assertTrue(options.copy)
        self.assertEqual(options.command[0], options.copy[0])
        self.assertEqual(words[words.index("||") + 1], "status=$?")


if __name__ == "__main__":
    unittest.main()
