# SPDX-License-Identifier: GPL-2.0-only
"""The KTAP reader: what counts, and that nothing broken passes."""

import textwrap
import unittest

from mshv_vm import ktap


def parse(text):
    """Counts of an indented literal."""
    return ktap.parse(textwrap.dedent(text))


class Ktap(unittest.TestCase):
    """ktap.parse()"""

    def check(self, text, passed, failed, skipped=0):
        """Compare numbers, and say the names when they differ."""
        counts = parse(text)
        self.assertEqual((len(counts.passed), len(counts.failed), len(counts.skipped)),
                         (passed, failed, skipped), counts)
        return counts

    def test_flat(self):
        """Plain results, with and without a dash."""
        counts = self.check("""\
            KTAP version 1
            1..3
            ok 1 - one
            not ok 2 two
            ok 3 three # SKIP no such device
            """, 1, 1, 1)
        self.assertEqual(counts.passed + counts.failed + counts.skipped,
                         ["one", "two", "three # no such device"])

    def test_nested_counts_leaves(self):
        """A test with subtests is not counted itself."""
        counts = self.check("""\
            KTAP version 1
            1..2
              KTAP version 1
              1..2
              ok 1 a
              not ok 2 b
            not ok 1 first
            ok 2 second
            """, 2, 1)
        self.assertEqual(counts.failed, ["first: b"])

    def test_three_levels(self):
        """Names are joined over all levels."""
        counts = self.check("""\
            KTAP version 1
            1..1
              KTAP version 1
              1..1
                TAP version 13
                1..1
                ok 1 leaf
              ok 1 middle
            ok 1 top
            """, 1, 0)
        self.assertEqual(counts.passed, ["top: middle: leaf"])

    def test_parent_fails_alone(self):
        """A parent that fails though its parts passed is a failure."""
        self.check("""\
            KTAP version 1
            1..1
              KTAP version 1
              1..1
              ok 1 leaf
            not ok 1 top
            """, 1, 1)

    def test_too_few(self):
        """A program that dies half way fails."""
        self.check("KTAP version 1\n1..3\nok 1 a\n", 1, 1)

    def test_no_plan(self):
        """Results without a plan fail."""
        self.check("TAP version 13\nok 1 a\n", 1, 1)

    def test_dies_in_subtest(self):
        """A nested report without its result line fails."""
        self.check("""\
            KTAP version 1
            1..1
              KTAP version 1
              1..2
              ok 1 a
            """, 1, 3)

    def test_wrong_number(self):
        """A result that is out of sequence fails."""
        self.check("KTAP version 1\n1..2\nok 1 a\nok 3 b\n", 2, 1)

    def test_empty(self):
        """No results at all fail."""
        self.check("", 0, 1)
        self.check("Segmentation fault\n", 0, 1)

    def test_bail_out(self):
        """Bail out fails."""
        self.check("TAP version 13\n1..1\nBail out! no device\n", 0, 2)

    def test_skip_all(self):
        """A plan of no tests with a reason is one skipped test."""
        counts = self.check("TAP version 13\n1..0 # SKIP no /dev/mshv\n", 0, 0, 1)
        self.assertEqual(counts.skipped, ["all # no /dev/mshv"])

    def test_noise(self):
        """What is no KTAP between the lines does not matter."""
        self.check("""\
            booting
            KTAP version 1
            # a comment
            1..1
            okay then
            ok 1 a
            # Totals: pass:1 fail:0
            """, 1, 0)

    def test_two_reports(self):
        """One report after another: both count."""
        self.check("TAP version 13\n1..1\nok 1 a\nTAP version 13\n1..1\nnot ok 1 b\n", 1, 1)
