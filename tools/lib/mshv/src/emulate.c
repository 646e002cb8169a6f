// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Carrying out the instruction of a port or memory message.
 */
#include <errno.h>
#include <string.h>

#include <mshv/emulate.h>

#include "internal.h"

#define X86_RFLAGS_DF		(1ULL << 10)

/* One exit does no more repetitions than this: a guest must not hold up its VMM. */
#define MAX_REPETITIONS		4096

/* What one emulated instruction needs to know */
struct emulation {
	struct mshv_vp *vp;
	const struct hv_x64_intercept_message_header *header;
	const struct mshv_bus_ops *ops;
	void *context;
	unsigned int mode;		/* 16, 32 or 64 */
	struct mshv_regs regs;
	struct mshv_insn insn;
	/* The access that was intercepted */
	bool access_is_write;
	__u64 gpa_page;
};

static __u64 size_mask(unsigned int size)
{
	return size >= 8 ? ~0ULL : (1ULL << (8 * size)) - 1;
}

static unsigned int code_mode(const struct hv_x64_intercept_message_header *header)
{
	if ((header->execution_state & HV_X64_EXEC_STATE_EFER_LMA) &&
	    (header->cs_segment.attributes & HV_SEGMENT_LONG))
		return 64;
	return header->cs_segment.attributes & HV_SEGMENT_DEFAULT ? 32 : 16;
}

/* The address in this process of guest virtual memory, and how much of it lies in the same page */
static int memory_at(struct emulation *e, __u64 gva, bool write, __u8 **ptr, __u64 *room)
{
	__u64 flags = HV_TRANSLATE_GVA_SET_PAGE_TABLE_BITS, gpa = 0;
	int ret;

	flags |= write ? HV_TRANSLATE_GVA_VALIDATE_WRITE : HV_TRANSLATE_GVA_VALIDATE_READ;
	ret = mshv_translate_gva(e->vp->fd, e->vp->index, gva, flags, &gpa);
	if (ret < 0)
		return ret;
	if (ret > 0)
		return mshv_fail(EFAULT, HV_STATUS_SUCCESS, "emulation",
				 "no translation of 0x%llx: result %d", gva, ret);
	*room = HV_HYP_PAGE_SIZE - (gpa & ~HV_HYP_PAGE_MASK);
	*ptr = e->ops->memory(e->context, gpa, *room);
	return 0;
}

/* Read or write guest virtual memory that may cross a page */
static int copy_memory(struct emulation *e, __u64 gva, void *data, unsigned int size, bool write)
{
	__u8 *bytes = data, *ptr = NULL;
	__u64 room = 0;
	int ret;

	while (size) {
		ret = memory_at(e, gva, write, &ptr, &room);
		if (ret)
			return ret;
		if (!ptr)
			return mshv_fail(EFAULT, HV_STATUS_SUCCESS, "emulation",
					 "no memory at 0x%llx", gva);
		if (room > size)
			room = size;
		if (write)
			memcpy(ptr, bytes, room);
		else
			memcpy(bytes, ptr, room);
		bytes += room;
		gva += room;
		size -= room;
	}
	return 0;
}

/*
 * Decode from the message's bytes; hypervisors may give fewer than the
 * instruction has, or none. Then fetch the rest from the guest's memory.
 */
static int decode(struct emulation *e, const __u8 *bytes, unsigned int count)
{
	__u8 fetched[HV_INTERCEPT_INSN_BYTES];
	__u64 linear = e->header->rip;
	int ret;

	if (count > HV_INTERCEPT_INSN_BYTES)
		count = HV_INTERCEPT_INSN_BYTES;
	if (e->mode != 64)
		linear = (__u32)(linear + e->header->cs_segment.base);

	ret = mshv_decode_insn(bytes, count, e->mode, &e->insn);
	while (ret == -ENODATA && count < HV_INTERCEPT_INSN_BYTES) {
		memcpy(fetched, bytes, count);
		ret = copy_memory(e, linear + count, fetched + count, 1, false);
		if (ret)
			return ret;
		bytes = fetched;
		count++;
		ret = mshv_decode_insn(bytes, count, e->mode, &e->insn);
	}
	if (ret)
		return mshv_fail(-ret, HV_STATUS_SUCCESS, "emulation",
				 "instruction %02x %02x %02x %02x %02x %02x %02x at 0x%llx",
				 count > 0 ? bytes[0] : 0, count > 1 ? bytes[1] : 0,
				 count > 2 ? bytes[2] : 0, count > 3 ? bytes[3] : 0,
				 count > 4 ? bytes[4] : 0, count > 5 ? bytes[5] : 0,
				 count > 6 ? bytes[6] : 0, e->header->rip);
	return 0;
}

static int prepare(struct emulation *e, const __u8 *bytes, unsigned int count)
{
	int ret;

	e->mode = code_mode(e->header);
	ret = mshv_vp_get_regs(e->vp, &e->regs);
	if (ret)
		return ret;
	return decode(e, bytes, count);
}

/* Linear address of an offset in a segment; in 64-bit mode only FS and GS have a base. */
static int linear_address(struct emulation *e, __u32 segment, __u64 offset, __u64 *linear)
{
	struct hv_x64_segment_register reg;
	int ret;

	*linear = offset;
	if (e->mode == 64 && segment != HV_X64_REGISTER_FS && segment != HV_X64_REGISTER_GS)
		return 0;
	ret = mshv_vp_get_segment(e->vp, segment, &reg);
	if (ret)
		return ret;
	*linear = reg.base + offset;
	if (e->mode != 64)
		*linear = (__u32)*linear;
	return 0;
}

static __u64 masked(const struct emulation *e, __u64 value)
{
	return value & size_mask(e->insn.address_size);
}

/* Registers that an address-sized operation changes: 32 bits clear the upper half. */
static void set_address_register(struct emulation *e, enum mshv_gpr reg, __u64 value)
{
	__u64 *gpr = &e->regs.gpr[reg];

	if (e->insn.address_size == 2)
		*gpr = (*gpr & ~0xFFFFULL) | (value & 0xFFFF);
	else
		*gpr = masked(e, value);
}

static void advance(struct emulation *e, enum mshv_gpr reg)
{
	__s64 step = e->regs.rflags & X86_RFLAGS_DF ? -(__s64)e->insn.size : e->insn.size;

	set_address_register(e, reg, e->regs.gpr[reg] + step);
}

/* One operand: that which was intercepted is in the message's page, the other is memory. */
static int access_operand(struct emulation *e, __u64 linear, bool intercepted, bool write,
			  __u64 *value)
{
	unsigned int size = e->insn.size;
	__u64 offset = linear & ~HV_HYP_PAGE_MASK, gpa = e->gpa_page | offset;

	if (!intercepted)
		return copy_memory(e, linear, value, size, write);
	if (offset + size > HV_HYP_PAGE_SIZE)
		return mshv_fail(EOPNOTSUPP, HV_STATUS_SUCCESS, "emulation",
				 "device access across pages at 0x%llx", gpa);
	if (write)
		e->ops->mmio_write(e->context, gpa, size, *value & size_mask(size));
	else
		*value = e->ops->mmio_read(e->context, gpa, size) & size_mask(size);
	return 0;
}

static void load_register(struct emulation *e, __u64 value)
{
	const struct mshv_insn *insn = &e->insn;
	__u64 *gpr = &e->regs.gpr[insn->reg];
	unsigned int shift = 64 - 8 * insn->size;

	if (insn->sign_extend)
		value = (__s64)(value << shift) >> shift;
	if (insn->high_byte)
		*gpr = (*gpr & ~0xFF00ULL) | (value & 0xFF) << 8;
	else if (insn->reg_size < 4)
		*gpr = (*gpr & ~size_mask(insn->reg_size)) | (value & size_mask(insn->reg_size));
	else
		*gpr = value & size_mask(insn->reg_size);
}

static __u64 stored_value(const struct emulation *e)
{
	if (e->insn.reg == MSHV_INSN_NONE)
		return e->insn.immediate;
	return e->regs.gpr[e->insn.reg] >> (e->insn.high_byte ? 8 : 0);
}

static int do_move(struct emulation *e)
{
	bool write = e->insn.op == MSHV_INSN_STORE;
	__u64 linear, value = write ? stored_value(e) : 0;
	int ret;

	ret = linear_address(e, e->insn.segment, mshv_insn_offset(&e->insn, &e->regs), &linear);
	if (!ret)
		ret = access_operand(e, linear, true, write, &value);
	if (!ret && !write)
		load_register(e, value);
	return ret;
}

static int do_string_move(struct emulation *e)
{
	__u64 linear, value = e->regs.gpr[MSHV_RAX];
	int ret;

	if (e->insn.op == MSHV_INSN_MOVS) {
		ret = linear_address(e, e->insn.segment, masked(e, e->regs.gpr[MSHV_RSI]), &linear);
		if (!ret)
			ret = access_operand(e, linear, !e->access_is_write, false, &value);
		if (ret)
			return ret;
	}
	ret = linear_address(e, HV_X64_REGISTER_ES, masked(e, e->regs.gpr[MSHV_RDI]), &linear);
	if (!ret)
		ret = access_operand(e, linear, e->access_is_write, true, &value);
	if (ret)
		return ret;
	if (e->insn.op == MSHV_INSN_MOVS)
		advance(e, MSHV_RSI);
	advance(e, MSHV_RDI);
	return 0;
}

int mshv_emulate_mmio(struct mshv_vp *vp, const struct mshv_bus_ops *ops, void *context)
{
	const struct hv_x64_memory_intercept_message *msg = mshv_msg_memory(&vp->msg);
	struct emulation e = {
		.vp = vp,
		.header = &msg->header,
		.ops = ops,
		.context = context,
		.access_is_write = msg->header.intercept_access_type == HV_INTERCEPT_ACCESS_WRITE,
		.gpa_page = msg->guest_physical_address & HV_HYP_PAGE_MASK,
	};
	bool done = true;
	int ret;

	/* Without a translation it was the guest's page tables that are not in memory. */
	if (!(msg->memory_access_info & HV_X64_MEMORY_ACCESS_GVA_GPA_VALID))
		return mshv_fail(EFAULT, HV_STATUS_SUCCESS, "emulation",
				 "page table at 0x%llx, where there is no memory",
				 msg->guest_physical_address);
	if (msg->header.intercept_access_type == HV_INTERCEPT_ACCESS_EXECUTE)
		return mshv_fail(EFAULT, HV_STATUS_SUCCESS, "emulation",
				 "instruction fetch at 0x%llx, where there is no memory",
				 msg->guest_physical_address);
	ret = prepare(&e, msg->instruction_bytes, msg->instruction_byte_count);
	if (ret)
		return ret;

	switch (e.insn.op) {
	case MSHV_INSN_LOAD:
	case MSHV_INSN_STORE:
		ret = do_move(&e);
		break;
	case MSHV_INSN_STOS:
	case MSHV_INSN_MOVS:
		/* One repetition an exit: the next may be on memory again. */
		if (e.insn.rep && !masked(&e, e.regs.gpr[MSHV_RCX]))
			break;
		ret = do_string_move(&e);
		if (!ret && e.insn.rep) {
			set_address_register(&e, MSHV_RCX, e.regs.gpr[MSHV_RCX] - 1);
			done = !masked(&e, e.regs.gpr[MSHV_RCX]);
		}
		break;
	default:
		ret = mshv_fail(EOPNOTSUPP, HV_STATUS_SUCCESS, "emulation",
				"string port instruction on device memory at 0x%llx",
				msg->guest_physical_address);
	}
	if (ret)
		return ret;
	if (done)
		e.regs.rip += e.insn.length;
	return mshv_vp_set_regs(vp, &e.regs);
}

static int do_string_io(struct emulation *e, __u16 port)
{
	bool in = e->insn.op == MSHV_INSN_INS;
	__u32 segment = in ? HV_X64_REGISTER_ES : e->insn.segment;
	enum mshv_gpr reg = in ? MSHV_RDI : MSHV_RSI;
	unsigned int done = 0;
	__u64 linear;
	__u32 value;
	int ret;

	while (!e->insn.rep || masked(e, e->regs.gpr[MSHV_RCX])) {
		if (done++ == MAX_REPETITIONS)
			return mshv_vp_set_regs(e->vp, &e->regs);

		ret = linear_address(e, segment, masked(e, e->regs.gpr[reg]), &linear);
		if (ret)
			return ret;
		if (in) {
			value = e->ops->port_read(e->context, port, e->insn.size);
			ret = copy_memory(e, linear, &value, e->insn.size, true);
		} else {
			value = 0;
			ret = copy_memory(e, linear, &value, e->insn.size, false);
			if (!ret)
				e->ops->port_write(e->context, port, e->insn.size, value);
		}
		if (ret)
			return ret;
		advance(e, reg);
		if (!e->insn.rep)
			break;
		set_address_register(e, MSHV_RCX, e->regs.gpr[MSHV_RCX] - 1);
	}
	e->regs.rip += e->insn.length;
	return mshv_vp_set_regs(e->vp, &e->regs);
}

static int string_io(struct mshv_vp *vp, const struct mshv_bus_ops *ops, void *context)
{
	const struct hv_x64_io_port_intercept_message *msg = mshv_msg_io(&vp->msg);
	struct emulation e = {
		.vp = vp,
		.header = &msg->header,
		.ops = ops,
		.context = context,
	};
	int ret;

	ret = prepare(&e, msg->instruction_bytes, msg->instruction_byte_count);
	if (ret)
		return ret;
	if (e.insn.op != MSHV_INSN_INS && e.insn.op != MSHV_INSN_OUTS)
		return mshv_fail(EIO, HV_STATUS_SUCCESS, "emulation",
				 "port message for another instruction at 0x%llx", msg->header.rip);
	return do_string_io(&e, msg->port_number);
}

int mshv_emulate_io(struct mshv_vp *vp, const struct mshv_bus_ops *ops, void *context)
{
	const struct hv_x64_io_port_intercept_message *msg = mshv_msg_io(&vp->msg);
	unsigned int size = msg->access_info & HV_X64_IO_PORT_ACCESS_SIZE_MASK;
	__u64 rax;

	if (msg->access_info & HV_X64_IO_PORT_STRING_OP)
		return string_io(vp, ops, context);
	if (size != 1 && size != 2 && size != 4)
		return mshv_fail(EIO, HV_STATUS_SUCCESS, "emulation", "port access of %u bytes",
				 size);

	if (msg->header.intercept_access_type == HV_INTERCEPT_ACCESS_WRITE) {
		ops->port_write(context, msg->port_number, size, msg->rax & size_mask(size));
		return mshv_vp_complete(vp, NULL);
	}
	rax = ops->port_read(context, msg->port_number, size) & size_mask(size);
	/* A 32-bit register write clears the upper half, the others leave the rest alone. */
	if (size < 4)
		rax |= msg->rax & ~size_mask(size);
	return mshv_vp_complete(vp, &rax);
}
