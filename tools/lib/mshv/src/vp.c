// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A VP: its ioctls, its mapped pages, and its registers by whichever way is
 * cheaper: the register page while the hypervisor says it is valid, a
 * hypercall otherwise.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mshv/vp.h>

#include "internal.h"

int mshv_run_vp(int vp, struct hv_message *msg)
{
	if (ioctl(vp, MSHV_RUN_VP, msg) < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_RUN_VP", "%s", "");
	return 0;
}

int mshv_cancel_vp(int vp, __u32 flags)
{
	int ret = ioctl(vp, MSHV_CANCEL_VP, (unsigned long)flags);

	if (ret < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_CANCEL_VP", "flags 0x%x", flags);
	return ret;
}

long mshv_get_vp_state(int vp, __u8 type, void *buf, __u32 size)
{
	struct mshv_get_set_vp_state args = {
		.type = type,
		.buf_sz = size,
		.buf_ptr = (unsigned long)buf,
	};

	if (ioctl(vp, MSHV_GET_VP_STATE, &args) < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_GET_VP_STATE", "type %u, %u bytes",
				 type, args.buf_sz);
	return args.buf_sz;
}

int mshv_set_vp_state(int vp, __u8 type, const void *buf, __u32 size)
{
	struct mshv_get_set_vp_state args = {
		.type = type,
		.buf_sz = size,
		.buf_ptr = (unsigned long)buf,
	};

	if (ioctl(vp, MSHV_SET_VP_STATE, &args) < 0)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "MSHV_SET_VP_STATE", "type %u, %u bytes",
				 type, args.buf_sz);
	return 0;
}

int mshv_vp_init(struct mshv_vp *vp, int partition, __u32 index)
{
	void *page;

	memset(vp, 0, sizeof(*vp));
	vp->index = index;
	vp->fd = mshv_create_vp(partition, index);
	if (vp->fd < 0)
		return vp->fd;

	/* Without a register page everything still works, by hypercalls. */
	page = mmap(NULL, MSHV_HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vp->fd,
		    MSHV_VP_MMAP_OFFSET_REGISTERS * MSHV_HV_PAGE_SIZE);
	if (page != MAP_FAILED)
		vp->page = page;
	return 0;
}

void mshv_vp_destroy(struct mshv_vp *vp)
{
	if (vp->page)
		munmap(vp->page, MSHV_HV_PAGE_SIZE);
	if (vp->fd >= 0)
		close(vp->fd);
	vp->page = NULL;
	vp->fd = -1;
}

int mshv_vp_run(struct mshv_vp *vp)
{
	return mshv_run_vp(vp->fd, &vp->msg);
}

static bool page_is_valid(const struct mshv_vp *vp)
{
	return vp->page && vp->page->isvalid && vp->page->version == HV_VP_REGISTER_PAGE_VERSION_1;
}

/* Where a register lies in the register page, or NULL if it is not one that can be written there */
static __u64 *page_register(const struct mshv_vp *vp, __u32 name, __u32 *dirty)
{
	if (!page_is_valid(vp))
		return NULL;
	if (name >= HV_X64_REGISTER_RAX && name <= HV_X64_REGISTER_R15) {
		*dirty = HV_REGISTER_PAGE_DIRTY_GENERAL;
		return &vp->page->gp_registers[name - HV_X64_REGISTER_RAX];
	}
	if (name == HV_X64_REGISTER_RIP) {
		*dirty = HV_REGISTER_PAGE_DIRTY_IP;
		return &vp->page->rip;
	}
	if (name == HV_X64_REGISTER_RFLAGS) {
		*dirty = HV_REGISTER_PAGE_DIRTY_FLAGS;
		return &vp->page->rflags;
	}
	return NULL;
}

int mshv_vp_get_register(struct mshv_vp *vp, __u32 name, __u64 *value)
{
	union hv_register_value v;
	__u64 *reg;
	__u32 dirty;
	int ret;

	reg = page_register(vp, name, &dirty);
	if (reg) {
		*value = *reg;
		return 0;
	}
	ret = mshv_get_registers(vp->fd, vp->index, &name, &v, 1);
	if (!ret)
		*value = v.reg64;
	return ret;
}

int mshv_vp_set_register(struct mshv_vp *vp, __u32 name, __u64 value)
{
	struct hv_register_assoc assoc = { .name = name, .value.reg64 = value };
	__u64 *reg;
	__u32 dirty;

	reg = page_register(vp, name, &dirty);
	if (reg) {
		*reg = value;
		vp->page->dirty |= dirty;
		return 0;
	}
	return mshv_set_registers(vp->fd, vp->index, &assoc, 1);
}

/* RAX to R15, RIP and RFLAGS have consecutive names. */
#define REGS_COUNT	(MSHV_GPR_COUNT + 2)

int mshv_vp_get_regs(struct mshv_vp *vp, struct mshv_regs *regs)
{
	union hv_register_value values[REGS_COUNT];
	__u32 names[REGS_COUNT];
	int i, ret;

	if (page_is_valid(vp)) {
		for (i = 0; i < MSHV_GPR_COUNT; i++)
			regs->gpr[i] = vp->page->gp_registers[i];
		regs->rip = vp->page->rip;
		regs->rflags = vp->page->rflags;
		return 0;
	}

	for (i = 0; i < REGS_COUNT; i++)
		names[i] = HV_X64_REGISTER_RAX + i;
	ret = mshv_get_registers(vp->fd, vp->index, names, values, REGS_COUNT);
	if (ret)
		return ret;
	for (i = 0; i < MSHV_GPR_COUNT; i++)
		regs->gpr[i] = values[i].reg64;
	regs->rip = values[MSHV_GPR_COUNT].reg64;
	regs->rflags = values[MSHV_GPR_COUNT + 1].reg64;
	return 0;
}

int mshv_vp_set_regs(struct mshv_vp *vp, const struct mshv_regs *regs)
{
	struct hv_register_assoc assoc[REGS_COUNT] = { 0 };
	int i;

	if (page_is_valid(vp)) {
		for (i = 0; i < MSHV_GPR_COUNT; i++)
			vp->page->gp_registers[i] = regs->gpr[i];
		vp->page->rip = regs->rip;
		vp->page->rflags = regs->rflags;
		vp->page->dirty |= HV_REGISTER_PAGE_DIRTY_GENERAL | HV_REGISTER_PAGE_DIRTY_IP |
				   HV_REGISTER_PAGE_DIRTY_FLAGS;
		return 0;
	}

	for (i = 0; i < REGS_COUNT; i++)
		assoc[i].name = HV_X64_REGISTER_RAX + i;
	for (i = 0; i < MSHV_GPR_COUNT; i++)
		assoc[i].value.reg64 = regs->gpr[i];
	assoc[MSHV_GPR_COUNT].value.reg64 = regs->rip;
	assoc[MSHV_GPR_COUNT + 1].value.reg64 = regs->rflags;
	return mshv_set_registers(vp->fd, vp->index, assoc, REGS_COUNT);
}

int mshv_vp_get_segment(struct mshv_vp *vp, __u32 name, struct hv_x64_segment_register *segment)
{
	union hv_register_value value;
	int ret;

	if (name < HV_X64_REGISTER_ES || name > HV_X64_REGISTER_GS)
		return mshv_fail(EINVAL, HV_STATUS_SUCCESS, "mshv_vp_get_segment",
				 "register 0x%x", name);
	if (page_is_valid(vp)) {
		/* The page has the segments in the order of their names. */
		memcpy(segment, (const char *)vp->page +
				offsetof(struct hv_vp_register_page, es) +
				(name - HV_X64_REGISTER_ES) * sizeof(*segment), sizeof(*segment));
		return 0;
	}
	ret = mshv_get_registers(vp->fd, vp->index, &name, &value, 1);
	if (!ret)
		*segment = value.segment;
	return ret;
}

int mshv_vp_complete(struct mshv_vp *vp, const __u64 *rax)
{
	const struct hv_x64_intercept_message_header *header = mshv_msg_header(&vp->msg);
	__u64 rip = header->rip + mshv_msg_insn_length(header);
	struct hv_register_assoc assoc[2] = {
		{ .name = HV_X64_REGISTER_RIP, .value.reg64 = rip },
		{ .name = HV_X64_REGISTER_RAX, .value.reg64 = rax ? *rax : 0 },
	};

	/* Outside 64-bit mode RIP wraps at 4 GiB. */
	if (!(header->cs_segment.attributes & HV_SEGMENT_LONG))
		rip = (__u32)rip;

	if (page_is_valid(vp)) {
		vp->page->rip = rip;
		vp->page->dirty |= HV_REGISTER_PAGE_DIRTY_IP;
		if (rax) {
			vp->page->gp_registers[MSHV_RAX] = *rax;
			vp->page->dirty |= HV_REGISTER_PAGE_DIRTY_GENERAL;
		}
		return 0;
	}
	assoc[0].value.reg64 = rip;
	return mshv_set_registers(vp->fd, vp->index, assoc, rax ? 2 : 1);
}
