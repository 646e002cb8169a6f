// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions: decoded in each mode; and as the cause of an access to the APIC
 * page, to a doorbell, to nothing.
 */
#include <asm/x86.h>
#include <openhv/decode.h>
#include <openhv/run.h>
#include <tlfs/synic.h>
#include "fuzz.h"

#include <string.h>

static void decode(struct fuzz *f)
{
	static const u32 modes[] = { 2, 4, 8 };
	u32 size = min(f->size, (size_t)16), i;
	struct insn insn;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!insn_decode(&insn, f->data, size, modes[i]))
			continue;
		if (!insn.length || insn.length > size || insn.length > 15)
			host_fail("an instruction of %u bytes is %u long", size, insn.length);
		if (insn.mod > 3 || insn.reg > 15 || insn.rm > 15 || insn.index > 15 ||
		    insn.base > 15 || insn.scale > 3 || insn.map > 3)
			host_fail("a field is out of range");
		if ((insn.op_size != 2 && insn.op_size != 4 && insn.op_size != 8) ||
		    (insn.addr_size != 2 && insn.addr_size != 4 && insn.addr_size != 8))
			host_fail("sizes %u, %u", insn.op_size, insn.addr_size);
		if (modes[i] != 8 && (insn.rex || insn.op_size == 8))
			host_fail("REX outside of 64-bit code");
	}
}

/* A port of root's that the child rings by storing to 0x5000 and the like */
static void doorbell(struct partition *p, u32 flags)
{
	struct hv_input_create_port port = {
		.port_partition_id = HV_PARTITION_ID_SELF, .port_id = 1,
		.connection_partition_id = p->id,
		.port_info = { .port_type = HV_PORT_TYPE_DOORBELL,
			       .doorbell_port_info = { .target_sint = 5 } },
	};
	struct hv_input_connect_port connect = {
		.connection_partition_id = p->id, .connection_id = 1,
		.port_partition_id = HV_PARTITION_ID_SELF, .port_id = 1,
		.connection_info = { .port_type = HV_PORT_TYPE_DOORBELL,
			.doorbell_connection_info = { .gpa = 0x100000, .flags = flags } },
	};

	hv(HVCALL_CREATE_PORT, &port, sizeof(port), NULL, 0);
	hv(HVCALL_CONNECT_PORT, &connect, sizeof(connect), NULL, 0);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct partition *p;
	struct fuzz f;
	struct vp *vp;
	u32 i;

	fuzz_begin(&f, data, size);
	decode(&f);
	p = fuzz_child(1);
	vp = fuzz_vp(p, 0);
	vcpu_sync(lp_self(), &vp->vcpu);
	doorbell(p, fuzz8(&f));
	fuzz_mode(&f, vp);
	for (i = 0; i < GPR_COUNT; i++)
		vp->vcpu.gpr[i] = fuzz_number(&f);
	for (i = 0; i < 4 && f.size; i++) {
		u8 how = fuzz8(&f);
		u64 code = fuzz16(&f) % (FUZZ_GUEST_PAGES * PAGE_SIZE - 16);

		vp->vcpu.exit = (struct vcpu_exit){ .reason = VCPU_EXIT_NPT_FAULT };
		vp->vcpu.exit.npt.gpa = how & 1 ? APIC_DEFAULT_BASE + (fuzz16(&f) & 4095) :
					how & 2 ? 0x100000 + (fuzz8(&f) & 31) : fuzz_number(&f);
		vp->vcpu.exit.npt.flags = how >> 2 & 15;
		fuzz_bytes(&f, fuzz_guest() + code, 15);
		if (how & 0x40)
			vp->vcpu.rip = code;
		vp_handle_exit(lp_self(), vp);
		vp->intercept_suspend = false;
	}
	fuzz_end();
	return 0;
}
