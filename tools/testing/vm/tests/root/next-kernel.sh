# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# For tests that start another kernel, which is to go on with the test: its user space.

# next_initramfs COMMAND MODULE: as /tmp/next, of what this one is in, with another command
# for its shell; MODULE is what init's load_module says. Left out are the selftests, which
# are large.
next_initramfs()
{
	mkdir -p /tmp/next.d/mshv-vm &&
		echo "$1" >/tmp/next.d/mshv-vm/job &&
		sed "s/load_module=[a-z-]*/load_module=$2/" /mshv-vm/config >/tmp/next.d/mshv-vm/config &&
		(cd / && find . -xdev -path ./selftests -prune -o -print | cpio -o -H newc) >/tmp/next &&
		(cd /tmp/next.d && find . | cpio -o -H newc) >>/tmp/next
}
