// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * /dev/mshv itself: opening it, and why it may not be there.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <tlfs/cpuid.h>

#include "internal.h"

int mshv_open(const char *path)
{
	int fd;

	if (!path)
		path = MSHV_DEVICE;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "open", "%s", path);
	return fd;
}

/* What the hypervisor under us is, as far as /dev/mshv is concerned */
static const char *explain_absence(void)
{
	unsigned int eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) ||
	    !(ecx & HV_X64_CPUID_1_ECX_HYPERVISOR_PRESENT))
		return "this machine runs without a hypervisor, so it is no root partition";

	__cpuid(HV_CPUID_VENDOR_AND_MAX_FUNCTIONS, eax, ebx, ecx, edx);
	if (ebx != HV_CPUID_VENDOR_EBX || ecx != HV_CPUID_VENDOR_ECX ||
	    edx != HV_CPUID_VENDOR_EDX || eax < HV_CPUID_FEATURES)
		return "the hypervisor has no Hyper-V interface, so this is no root partition";

	__cpuid(HV_CPUID_FEATURES, eax, ebx, ecx, edx);
	if (!(ebx & HV_CREATE_PARTITIONS))
		return "this is a guest of the hypervisor, not its root partition";

	return "this is a root partition, but the module is not loaded (modprobe mshv_root)";
}

const char *mshv_explain(const char *path, int error)
{
	static __thread char text[256];

	if (!path)
		path = MSHV_DEVICE;
	switch (error < 0 ? -error : error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		snprintf(text, sizeof(text), "no %s: %s", path, explain_absence());
		break;
	case EACCES:
	case EPERM:
		snprintf(text, sizeof(text),
			 "no permission to open %s: be root or join the group that owns it", path);
		break;
	default:
		snprintf(text, sizeof(text), "cannot open %s: %s", path,
			 strerror(error < 0 ? -error : error));
	}
	return text;
}

int mshv_create_partition(int dev, __u64 flags)
{
	struct mshv_create_partition args = { .pt_flags = flags };
	int fd = ioctl(dev, MSHV_CREATE_PARTITION, &args);

	if (fd < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_CREATE_PARTITION", "flags 0x%llx",
				 flags);
	return fd;
}

int mshv_create_partition_v2(int dev, const struct mshv_create_partition_v2 *args)
{
	int fd = ioctl(dev, MSHV_CREATE_PARTITION, args);

	if (fd < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_CREATE_PARTITION", "flags 0x%llx",
				 args->pt_flags);
	return fd;
}
