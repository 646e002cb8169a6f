# SPDX-License-Identifier: GPL-2.0-only
"""What is installed beside the module: whom its device belongs to."""

import os
import re
import unittest

PACKAGING = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                         *[os.pardir] * 5, "drivers", "hv", "packaging")


def lines(name):
    """The lines of a file that are no comments."""
    with open(os.path.join(PACKAGING, name)) as file:
        return [line for line in file.read().splitlines() if line and not line.startswith("#")]


class Packaging(unittest.TestCase):
    def test_device_is_the_groups(self):
        """The group that the udev rule gives the device to is one that is made."""
        rule = [line for line in lines("70-mshv.rules.in") if 'KERNEL=="mshv"' in line]
        self.assertEqual(1, len(rule))
        group = re.search(r'GROUP="(\w+)"', rule[0])[1]
        self.assertIn('MODE="0660"', rule[0])
        self.assertIn(["g", group, "-"], [line.split() for line in lines("mshv.sysusers")])


if __name__ == "__main__":
    unittest.main()
