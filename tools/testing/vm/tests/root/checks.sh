# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# What more than one test checks; for ktap.sh's check.

# No line of the kernel's about the hypervisor or the driver is about a failure.
# (Linux's own driver logs each ioctl that it does not know: ours has one more.)
no_failed_hypercalls()
{
	! dmesg | grep -vE 'module verification failed|Invalid ioctl' |
		grep -iE '(hyper-?v|hv_|mshv).*(fail|error|invalid)'
}

guest_boots()
{
	mshv run --kernel /boot/vmlinuz --initrd /boot/initrd --memory 256M \
		--cmdline "console=ttyS0 quiet panic=-1" </dev/null | tee /tmp/guest | tail -n 20
	grep -q 'guest: user space reached' /tmp/guest
}

# Only ours has a parameter for that.
driver_is_ours()
{
	[ -e /sys/module/mshv_root/parameters/memory ]
}
