// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypercall interface: core/hypercall.c and the table of calls.
 */
#include <asm/cpu.h>
#include <openhv/features.h>
#include <openhv/hypercall.h>
#include <openhv/info_page.h>
#include <openhv/options.h>
#include <openhv/run.h>
#include <tlfs/cpuid.h>
#include <tlfs/guest.h>
#include <tlfs/memory.h>
#include <tlfs/msr.h>
#include <tlfs/partition.h>
#include <tlfs/system.h>
#include <tlfs/vp.h>
#include "test.h"

static u64 raw(u64 control, u64 in, u64 out)
{
	return hypercall_run(lp_self(), root_vp(), control, in, out);
}

/* --- The table ---------------------------------------------------------------------- */

TEST_BARE(table_is_sorted_and_complete)
{
	u32 i;

	for (i = 0; i < hvcall_table_size; i++) {
		const struct hvcall_desc *d = &hvcall_table[i];

		CONTEXT("code %x", d->code);
		if (i)
			EXPECT_LT(hvcall_table[i - 1].code, d->code);
		EXPECT_NE(NULL, d->handler);
		EXPECT_LE(d->in_size, PAGE_SIZE);
		EXPECT_LE(d->out_size, PAGE_SIZE);
		/* Elements and batches belong to rep calls. */
		if (!(d->flags & HVC_REP))
			EXPECT_EQ(0, d->in_element | d->out_element | (d->flags & HVC_BATCH));
	}
}

TEST_ON_MACHINE(codes_that_are_not_there_are_said_to_be_so)
{
	u32 code, i = 0;

	for (code = 0; code <= 0xFFFF; code++) {
		if (i < hvcall_table_size && hvcall_table[i].code == code) {
			i++;
			continue;
		}
		CONTEXT("code %x", code);
		ASSERT_EQ(HV_STATUS_INVALID_HYPERCALL_CODE, raw(code, 0, 0));
		/* Whatever else may be wrong with the call */
		ASSERT_EQ(HV_STATUS_INVALID_HYPERCALL_CODE, raw(code | ~0xFFFFUL, 1, 1));
	}
}

/* --- The control word ------------------------------------------------------------------ */

TEST_ON_MACHINE(reserved_bits_of_the_control_word_are_refused)
{
	static const u8 bits[] = { 27, 28, 29, 30, 31, 44, 45, 46, 47, 60, 61, 62, 63 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		CONTEXT("bit %u", bits[i]);
		EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT,
			  raw(HVCALL_GET_PARTITION_ID | 1UL << bits[i], 0, HV_OUT));
	}
	EXPECT_EQ(0, raw(HVCALL_GET_PARTITION_ID, 0, HV_OUT));
}

TEST_ON_MACHINE(every_call_checks_its_control_word)
{
	u32 i;

	for (i = 0; i < hvcall_table_size; i++) {
		const struct hvcall_desc *d = &hvcall_table[i];
		u64 rep = 1UL << HV_HYPERCALL_REP_COUNT_SHIFT;
		u64 bad[6];
		u32 n = 0, j;

		bad[n++] = d->code | HV_HYPERCALL_NESTED | (d->flags & HVC_REP ? rep : 0);
		if (d->flags & HVC_REP) {
			bad[n++] = d->code;
			bad[n++] = hv_reps(d->code, 1, 1);
			bad[n++] = hv_reps(d->code, 5, 7);
			bad[n++] = d->code | rep | HV_HYPERCALL_FAST;
		} else {
			bad[n++] = d->code | rep;
			bad[n++] = hv_reps(d->code, 0, 1);
			if (d->out_size || d->in_size > 16)
				bad[n++] = d->code | HV_HYPERCALL_FAST;
		}
		if (!(d->flags & HVC_VAR))
			bad[n++] = hv_var(d->code, 1) | (d->flags & HVC_REP ? rep : 0);
		for (j = 0; j < n; j++) {
			CONTEXT("control word %llx", (unsigned long long)bad[j]);
			EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT, raw(bad[j], HV_IN, HV_OUT));
		}
	}
}

TEST_ON_MACHINE(fast_calls_pass_16_bytes_in_registers)
{
	u64 id = child_create(CHILD_FLAGS);

	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, hv_fast(HVCALL_FINALIZE_PARTITION, id + 1, 0));
	EXPECT_EQ(0, hv_fast(HVCALL_FINALIZE_PARTITION, id, 0));
	/* The second register is the second half of the input. */
	EXPECT_EQ(HV_STATUS_INVALID_PORT_ID, hv_fast(HVCALL_DELETE_PORT, HV_PARTITION_ID_SELF, 77));
	EXPECT_EQ(0, hv_fast(HVCALL_NOTIFY_LONG_SPIN_WAIT, ~0UL, ~0UL));
}

/* --- Blocks ------------------------------------------------------------------------------- */

TEST_ON_MACHINE(parameters_are_aligned)
{
	u32 i;

	for (i = 1; i < 8; i++) {
		EXPECT_EQ(HV_STATUS_INVALID_ALIGNMENT,
			  raw(HVCALL_GET_SYSTEM_PROPERTY, HV_IN + i, HV_OUT));
		EXPECT_EQ(HV_STATUS_INVALID_ALIGNMENT,
			  raw(HVCALL_GET_PARTITION_ID, 0, HV_OUT + i));
	}
	EXPECT_EQ(0, raw(HVCALL_GET_PARTITION_ID, 0, HV_OUT + 8));
}

TEST_ON_MACHINE(parameters_do_not_cross_a_page)
{
	struct hv_input_get_system_property *in = phys_to_virt(HV_IN + PAGE_SIZE - 16);
	u64 *out = phys_to_virt(HV_OUT + PAGE_SIZE - 8);

	*in = (struct hv_input_get_system_property){
		.property_id = HV_SYSTEM_PROPERTY_SCHEDULER_TYPE,
	};
	EXPECT_EQ(0, raw(HVCALL_GET_SYSTEM_PROPERTY, HV_IN + PAGE_SIZE - 16,
			 HV_OUT + PAGE_SIZE - 8));
	EXPECT_EQ(HV_SCHEDULER_TYPE_ROOT, *out);
	EXPECT_EQ(HV_STATUS_INVALID_ALIGNMENT,
		  raw(HVCALL_GET_SYSTEM_PROPERTY, HV_IN + PAGE_SIZE - 8, HV_OUT));
	/* Output of 32 bytes */
	EXPECT_EQ(HV_STATUS_INVALID_ALIGNMENT,
		  raw(HVCALL_GET_LOGICAL_PROCESSOR_RUN_TIME, HV_IN, HV_OUT + PAGE_SIZE - 24));
	EXPECT_EQ(0, raw(HVCALL_GET_LOGICAL_PROCESSOR_RUN_TIME, HV_IN, HV_OUT + PAGE_SIZE - 32));
}

TEST_ON_MACHINE(blocks_have_to_be_in_the_callers_memory)
{
	const u64 bad[] = {
		HOST_OWN_HIDDEN, HOST_DEVICE, APIC_DEFAULT_BASE, 1UL << 45, ~0UL << 12,
		HOST_LOW_END,
	};
	u64 read_only = virt_to_phys(openhv_info);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		CONTEXT("address %llx", (unsigned long long)bad[i]);
		EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
			  raw(HVCALL_GET_SYSTEM_PROPERTY, bad[i], HV_OUT));
		EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, raw(HVCALL_GET_PARTITION_ID, 0, bad[i]));
	}
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, raw(HVCALL_GET_PARTITION_ID, 0, read_only));
}

TEST_ON_MACHINE(output_that_cannot_be_written_means_nothing_is_done)
{
	struct hv_input_create_partition in = { .flags = CHILD_FLAGS };
	u64 free;

	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 1));
	free = root_partition.pool.free;
	memcpy(phys_to_virt(HV_IN), &in, sizeof(in));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  raw(HVCALL_CREATE_PARTITION, HV_IN, HOST_OWN_HIDDEN));
	EXPECT_EQ(free, root_partition.pool.free);
	EXPECT_EQ(0, partition_children());
}

TEST_ON_MACHINE(addresses_that_are_not_used_are_not_looked_at)
{
	struct hv_input_partition_id *in = phys_to_virt(HV_IN);

	EXPECT_EQ(0, raw(HVCALL_GET_PARTITION_ID, ~0UL, HV_OUT));
	EXPECT_EQ(root_partition.id, *(u64 *)phys_to_virt(HV_OUT));
	in->partition_id = child_create(CHILD_FLAGS);
	EXPECT_EQ(0, raw(HVCALL_FINALIZE_PARTITION, HV_IN, ~0UL));
}

TEST_ON_MACHINE(input_larger_than_a_page_is_refused)
{
	/* 16 bytes and 127 registers of 32 fill a page, as does output for 256. */
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT,
		  raw(hv_reps(HVCALL_SET_VP_REGISTERS, 128, 0), HV_IN, 0));
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT,
		  raw(hv_reps(HVCALL_GET_VP_REGISTERS, 257, 0), HV_IN, HV_OUT));
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT,
		  raw(hv_reps(HVCALL_DEPOSIT_MEMORY, 512, 0), HV_IN, 0));
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT,
		  raw(hv_reps(HVCALL_MAP_GPA_PAGES, 510, 0), HV_IN, 0));
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT,
		  raw(hv_reps(HVCALL_WITHDRAW_MEMORY, 513, 0), HV_IN, HV_OUT));
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT,
		  raw(hv_var(HVCALL_GET_VP_STATE, 1023), HV_IN, HV_OUT));
}

TEST_ON_MACHINE(input_and_output_may_be_the_same_page)
{
	struct hv_input_get_system_property in = {
		.property_id = HV_SYSTEM_PROPERTY_SCHEDULER_TYPE,
	};

	memcpy(phys_to_virt(HV_IN), &in, sizeof(in));
	EXPECT_EQ(0, raw(HVCALL_GET_SYSTEM_PROPERTY, HV_IN, HV_IN));
	EXPECT_EQ(HV_SCHEDULER_TYPE_ROOT, *(u64 *)phys_to_virt(HV_IN));
}

/* --- Repetitions ------------------------------------------------------------------------------ */

TEST_ON_MACHINE(rep_call_tells_how_far_it_came)
{
	struct hv_input_get_vp_registers in = { .partition_id = HV_PARTITION_ID_SELF };
	u32 names[] = { HV_REGISTER_VP_INDEX, HV_X64_REGISTER_RIP, 0xDEAD, HV_X64_REGISTER_RIP };
	union hv_register_value out[4];
	u64 result;

	root_vp()->vcpu.rip = 0x1234;
	result = hv_rep(HVCALL_GET_VP_REGISTERS, 4, &in, sizeof(in), names, sizeof(names), out,
			sizeof(out));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(result));
	EXPECT_EQ(2, hv_completed(result));
	EXPECT_EQ(0x1234, out[1].reg64);
	/* What was not completed is not written. */
	EXPECT_EQ(0xAAAAAAAAAAAAAAAAUL, out[2].reg64);
	EXPECT_EQ(0xAAAAAAAAAAAAAAAAUL, out[3].reg64);
}

TEST_ON_MACHINE(rep_call_goes_on_where_it_was)
{
	struct {
		struct hv_input_get_vp_registers header;
		u32 names[4];
	} in = {
		.header.partition_id = HV_PARTITION_ID_SELF,
		.names = { 0xDEAD, HV_X64_REGISTER_RIP, HV_REGISTER_VP_INDEX, HV_X64_REGISTER_RCX },
	};
	union hv_register_value out[4];
	u64 result;

	root_vp()->vcpu.rip = 0x1234;
	root_vp()->vcpu.gpr[GPR_RCX] = 0x5678;
	result = hv_call(hv_reps(HVCALL_GET_VP_REGISTERS, 4, 1), &in, sizeof(in), out, sizeof(out));
	EXPECT_EQ(0, hv_status(result));
	EXPECT_EQ(4, hv_completed(result));
	/* Elements are counted from the first one of the call, on both sides. */
	EXPECT_EQ(0xAAAAAAAAAAAAAAAAUL, out[0].reg64);
	EXPECT_EQ(0x1234, out[1].reg64);
	EXPECT_EQ(0, out[2].reg64);
	EXPECT_EQ(0x5678, out[3].reg64);
}

TEST_ON_MACHINE(failure_before_the_first_repetition_completes_what_was_done_before)
{
	u64 result = raw(hv_reps(HVCALL_GET_VP_REGISTERS, 8, 3), HOST_OWN_HIDDEN, HV_OUT);

	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(result));
	EXPECT_EQ(3, hv_completed(result));
	result = raw(hv_reps(HVCALL_GET_VP_REGISTERS, 8, 3), HV_IN, HV_OUT + 1);
	EXPECT_EQ(HV_STATUS_INVALID_ALIGNMENT, hv_status(result));
	EXPECT_EQ(3, hv_completed(result));
}

TEST_ON_MACHINE(simple_call_completes_no_repetitions)
{
	EXPECT_EQ(0, hv_completed(raw(HVCALL_GET_PARTITION_ID, 0, HV_OUT)));
	EXPECT_EQ(0, hv_completed(raw(HVCALL_CREATE_PARTITION, HV_IN, 1)));
}

/* --- Rights --------------------------------------------------------------------------------- */

/* A child with memory at 0, in which it has pages for a hypercall */
static struct vp *caller(u64 synthetic)
{
	struct partition *p = child_with(CHILD_POOL, synthetic);

	map_ram(p, 0, 16);
	return child_vp(p, 0);
}

TEST_ON_MACHINE(child_may_not_do_what_is_roots)
{
	struct vp *vp = caller(assignable_synthetic_features);
	u32 i, own = 0;

	for (i = 0; i < hvcall_table_size; i++) {
		const struct hvcall_desc *d = &hvcall_table[i];
		u64 result = hypercall_run(lp_self(), vp, d->code | (d->flags & HVC_REP ?
					   1UL << HV_HYPERCALL_REP_COUNT_SHIFT : 0), 0, 0x1000);

		CONTEXT("code %x", d->code);
		if (d->flags & HVC_ROOT || d->code == HVCALL_GET_PARTITION_ID)
			EXPECT_EQ(HV_STATUS_ACCESS_DENIED, result);
		else
			own++;
	}
	EXPECT_EQ(10, own);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(privileges_are_wanted_of_root_too)
{
	root_partition.privileges &= ~((u64)HV_ACCESS_PARTITION_ID << 32);
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, raw(HVCALL_GET_PARTITION_ID, 0, HV_OUT));
	root_partition.privileges &= ~((u64)HV_CREATE_PARTITIONS << 32);
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, raw(HVCALL_CREATE_PARTITION, HV_IN, HV_OUT));
	root_partition.privileges &= ~((u64)HV_CPU_MANAGEMENT << 32);
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, raw(HVCALL_ADD_LOGICAL_PROCESSOR, HV_IN, HV_OUT));
}

TEST_ON_MACHINE(child_names_only_itself)
{
	struct vp *vp = caller(assignable_synthetic_features);
	struct hvcall c = { .lp = lp_self(), .vp = vp };
	struct partition *p, *other = child_new();

	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, hvc_partition(&c, other->id, &p));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, hvc_partition(&c, root_partition.id, &p));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, hvc_partition(&c, 0, &p));
	EXPECT_EQ(0, hvc_partition(&c, HV_PARTITION_ID_SELF, &p));
	EXPECT_EQ(vp->partition, p);
	partition_put(p);
	EXPECT_EQ(0, hvc_partition(&c, vp->partition->id, &p));
	partition_put(p);
	child_gone(other);
	child_gone(vp->partition);
}

/* --- From the registers of a guest ---------------------------------------------------------- */

static void enable_hypercalls(struct vp *vp)
{
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_GUEST_OS_ID, 0x8100000000000000));
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_HYPERCALL, (5 << HV_MSR_PAGE_PFN_SHIFT) |
			       HV_MSR_PAGE_ENABLE));
}

static void long_mode(struct vp *vp)
{
	struct host_vmcb *vmcb = vp->vcpu.arch.vmcb;

	vmcb->cr[0] = CR0_PE | CR0_PG;
	vmcb->efer = EFER_LME | EFER_LMA;
	vmcb->seg[SEG_CS].attributes = 0xA09B;
}

TEST_ON_MACHINE(hypercall_of_a_64_bit_guest)
{
	struct vp *vp = caller(assignable_synthetic_features);
	struct vcpu *v = &vp->vcpu;

	enable_hypercalls(vp);
	long_mode(vp);
	v->exit.insn_len = 3;
	v->rip = 0x1000;
	v->gpr[GPR_RCX] = HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST;
	v->gpr[GPR_RDX] = 1;
	v->gpr[GPR_RAX] = 0xDEAD;
	hypercall_handle(lp_self(), vp);
	EXPECT_EQ(0, v->gpr[GPR_RAX]);
	EXPECT_EQ(0x1003, v->rip);
	v->gpr[GPR_RCX] = 0x7FFF;
	hypercall_handle(lp_self(), vp);
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_CODE, v->gpr[GPR_RAX]);
	EXPECT_EQ(1, v->gpr[GPR_RDX]);
	EXPECT_EQ(0x1006, v->rip);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(hypercall_of_a_32_bit_guest)
{
	struct vp *vp = caller(assignable_synthetic_features);
	struct vcpu *v = &vp->vcpu;
	struct hv_input_send_ipi *in = gpamap_page(&vp->partition->gpamap, 3, GPA_WRITE);

	enable_hypercalls(vp);
	v->arch.vmcb->cr[0] = CR0_PE;
	v->exit.insn_len = 3;
	*in = (struct hv_input_send_ipi){ .vector = 0x41, .cpu_mask = 1 };
	/* EDX:EAX the control word, EBX:ECX the input, EDI:ESI the output */
	v->gpr[GPR_RAX] = 0xFFFFFFFF00000000 | HVCALL_SEND_IPI;
	v->gpr[GPR_RDX] = 0xFFFFFFFF00000000;
	v->gpr[GPR_RBX] = 0xFFFFFFFF00000000;
	v->gpr[GPR_RCX] = 0xFFFFFFFF00003000;
	hypercall_handle(lp_self(), vp);
	EXPECT_EQ(0, v->gpr[GPR_RAX]);
	EXPECT_EQ(0, v->gpr[GPR_RDX]);
	EXPECT_TRUE(bitmap_test(vp->apic.irr, 0x41));
	/* A rep call's result has its count in EDX. */
	v->gpr[GPR_RAX] = HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST;
	v->gpr[GPR_RDX] = 2;
	in->vector = 0;
	memset(in, 0, 64);
	hypercall_handle(lp_self(), vp);
	EXPECT_EQ(0, v->gpr[GPR_RAX]);
	EXPECT_EQ(2, v->gpr[GPR_RDX]);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(hypercall_without_the_right_to_it_is_an_invalid_opcode)
{
	struct vp *vp = caller(assignable_synthetic_features);
	struct host_vmcb *vmcb = vp->vcpu.arch.vmcb;
	u64 rip = vp->vcpu.rip;

	/* No hypercall page */
	hypercall_handle(lp_self(), vp);
	EXPECT_TRUE(vmcb->injection.valid);
	EXPECT_EQ(X86_TRAP_UD, vmcb->injection.vector);
	EXPECT_EQ(rip, vp->vcpu.rip);
	/* User mode */
	vmcb->injection.valid = false;
	enable_hypercalls(vp);
	long_mode(vp);
	vmcb->seg[SEG_SS].attributes |= 3 << HV_SEGMENT_DPL_SHIFT;
	hypercall_handle(lp_self(), vp);
	EXPECT_TRUE(vmcb->injection.valid);
	EXPECT_EQ(X86_TRAP_UD, vmcb->injection.vector);
	EXPECT_EQ(rip, vp->vcpu.rip);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(hypercall_page_has_the_code_that_calls)
{
	struct vp *vp = caller(assignable_synthetic_features);
	u8 code[8];

	enable_hypercalls(vp);
	ASSERT_TRUE(gpa_read(&vp->partition->gpamap, 5 << PAGE_SHIFT, code, sizeof(code)));
	/* VMMCALL, then RET */
	EXPECT_EQ(0x0F, code[4]);
	EXPECT_EQ(0x01, code[5]);
	EXPECT_EQ(0xD9, code[6]);
	EXPECT_EQ(0xC3, code[7]);
	EXPECT_FALSE(gpa_write(&vp->partition->gpamap, 5 << PAGE_SHIFT, code, 1));
	child_gone(vp->partition);
}

/* --- Which memory is missing ---------------------------------------------------------------- */

TEST_ON_MACHINE(missing_memory_has_one_status_unless_asked_for_more)
{
	struct hv_input_create_partition in = { .flags = CHILD_FLAGS };
	struct hv_input_create_vp vp = {};
	struct partition *p;

	withdraw(HV_PARTITION_ID_SELF);
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY,
		  hv(HVCALL_CREATE_PARTITION, &in, sizeof(in), NULL, 0));
	options.compat = COMPAT_STATUSES;
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_ROOT_MEMORY,
		  hv(HVCALL_CREATE_PARTITION, &in, sizeof(in), NULL, 0));
	p = child_new();
	withdraw(p->id);
	vp.partition_id = p->id;
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_CONTIGUOUS_MEMORY,
		  hv(HVCALL_CREATE_VP, &vp, sizeof(vp), NULL, 0));
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY, map_pages(p, 0, ram_pages(1), 1, MAP_RWX));
	options.compat = COMPAT_PARENT_STATS;
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY, hv(HVCALL_CREATE_VP, &vp, sizeof(vp), NULL, 0));
	child_gone(p);
}

TEST_HARNESS_MAIN
