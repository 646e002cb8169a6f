// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The ioctls of a partition.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

int mshv_initialize_partition(int partition)
{
	if (ioctl(partition, MSHV_INITIALIZE_PARTITION) < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_INITIALIZE_PARTITION", "%s", "");
	return 0;
}

int mshv_create_vp(int partition, __u32 vp_index)
{
	struct mshv_create_vp args = { .vp_index = vp_index };
	int fd = ioctl(partition, MSHV_CREATE_VP, &args);

	if (fd < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_CREATE_VP", "VP %u", vp_index);
	return fd;
}

static int set_guest_memory(int partition, __u64 gpa, void *addr, __u64 size, __u8 flags)
{
	struct mshv_user_mem_region args = {
		.size = size,
		.guest_pfn = gpa / MSHV_HV_PAGE_SIZE,
		.userspace_addr = (unsigned long)addr,
		.flags = flags,
	};
	const char *what = flags & (1 << MSHV_SET_MEM_BIT_UNMAP) ? "unmap" : "map";

	/* The ioctl takes a page number: the rest of the address would be lost. */
	if (gpa % MSHV_HV_PAGE_SIZE)
		return mshv_fail(EINVAL, HV_STATUS_SUCCESS, "MSHV_SET_GUEST_MEMORY",
				 "%s unaligned 0x%llx", what, gpa);
	if (ioctl(partition, MSHV_SET_GUEST_MEMORY, &args) < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_SET_GUEST_MEMORY",
				 "%s 0x%llx bytes at 0x%llx", what, size, gpa);
	return 0;
}

int mshv_map_memory(int partition, __u64 gpa, void *addr, __u64 size, __u8 flags)
{
	return set_guest_memory(partition, gpa, addr, size, flags);
}

int mshv_unmap_memory(int partition, __u64 gpa, void *addr, __u64 size)
{
	return set_guest_memory(partition, gpa, addr, size, 1 << MSHV_SET_MEM_BIT_UNMAP);
}

int mshv_assign_irqfd(int partition, int fd, __u32 gsi, int resamplefd)
{
	struct mshv_user_irqfd args = {
		.fd = fd,
		.resamplefd = resamplefd < 0 ? 0 : resamplefd,
		.gsi = gsi,
		.flags = resamplefd < 0 ? 0 : 1 << MSHV_IRQFD_BIT_RESAMPLE,
	};

	if (ioctl(partition, MSHV_IRQFD, &args) < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_IRQFD", "assign GSI %u", gsi);
	return 0;
}

int mshv_deassign_irqfd(int partition, int fd, __u32 gsi)
{
	struct mshv_user_irqfd args = {
		.fd = fd,
		.gsi = gsi,
		.flags = 1 << MSHV_IRQFD_BIT_DEASSIGN,
	};

	if (ioctl(partition, MSHV_IRQFD, &args) < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_IRQFD", "deassign GSI %u", gsi);
	return 0;
}

static int ioeventfd(int partition, int fd, __u64 gpa, __u32 len, const __u64 *datamatch,
		     __u32 flags)
{
	struct mshv_user_ioeventfd args = {
		.datamatch = datamatch ? *datamatch : 0,
		.addr = gpa,
		.len = len,
		.fd = fd,
		.flags = flags | (datamatch ? 1 << MSHV_IOEVENTFD_BIT_DATAMATCH : 0),
	};

	if (ioctl(partition, MSHV_IOEVENTFD, &args) < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_IOEVENTFD",
				 "%s %u bytes at 0x%llx", flags ? "deassign" : "assign", len, gpa);
	return 0;
}

int mshv_assign_ioeventfd(int partition, int fd, __u64 gpa, __u32 len, const __u64 *datamatch)
{
	return ioeventfd(partition, fd, gpa, len, datamatch, 0);
}

int mshv_deassign_ioeventfd(int partition, int fd, __u64 gpa, __u32 len, const __u64 *datamatch)
{
	return ioeventfd(partition, fd, gpa, len, datamatch, 1 << MSHV_IOEVENTFD_BIT_DEASSIGN);
}

int mshv_set_msi_routing(int partition, const struct mshv_user_irq_entry *entries, __u32 nr)
{
	struct mshv_user_irq_table *table;
	int ret = 0;

	table = calloc(1, sizeof(*table) + (size_t)nr * sizeof(*entries));
	if (!table)
		return mshv_fail(ENOMEM, HV_STATUS_SUCCESS, "calloc", "%u routes", nr);
	table->nr = nr;
	if (nr)
		memcpy(table->entries, entries, (size_t)nr * sizeof(*entries));

	if (ioctl(partition, MSHV_SET_MSI_ROUTING, table) < 0)
		ret = mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_SET_MSI_ROUTING", "%u routes",
				nr);
	free(table);
	return ret;
}

long mshv_get_access_bitmap(int partition, __u8 type, __u8 op, __u64 gpa, __u64 pages,
			    void *bitmap)
{
	struct mshv_gpap_access_bitmap args = {
		.access_type = type,
		.access_op = op,
		.page_count = pages,
		.gpap_base = gpa / MSHV_HV_PAGE_SIZE,
		.bitmap_ptr = (unsigned long)bitmap,
	};

	if (ioctl(partition, MSHV_GET_GPAP_ACCESS_BITMAP, &args) < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_GET_GPAP_ACCESS_BITMAP",
				 "%llu pages at 0x%llx", pages, gpa);
	return (long)args.page_count;
}
