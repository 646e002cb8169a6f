/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libmshv: a VP with its mapped pages, its registers and its last message.
 */
#ifndef MSHV_VP_H
#define MSHV_VP_H

#include <mshv/mshv.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers of the general registers, in the order of the register page */
enum mshv_gpr {
	MSHV_RAX, MSHV_RCX, MSHV_RDX, MSHV_RBX, MSHV_RSP, MSHV_RBP, MSHV_RSI, MSHV_RDI,
	MSHV_R8, MSHV_R9, MSHV_R10, MSHV_R11, MSHV_R12, MSHV_R13, MSHV_R14, MSHV_R15,
	MSHV_GPR_COUNT,
};

/**
 * struct mshv_vp - a VP
 * @fd: its file descriptor
 * @index: its index
 * @page: its register page, or NULL if the driver has none for it
 * @msg: the message of the last mshv_vp_run()
 */
struct mshv_vp {
	int fd;
	__u32 index;
	struct hv_vp_register_page *page;
	struct hv_message msg;
};

/**
 * struct mshv_regs - the registers that an instruction works on
 * @gpr: general registers, by enum mshv_gpr
 * @rip: instruction pointer
 * @rflags: flags
 */
struct mshv_regs {
	__u64 gpr[MSHV_GPR_COUNT];
	__u64 rip;
	__u64 rflags;
};

/**
 * mshv_vp_init() - create a VP and map its pages
 * @vp: what to fill in
 * @partition: file descriptor of the partition
 * @index: index of the new VP
 *
 * Return: 0 or a negative errno.
 */
int mshv_vp_init(struct mshv_vp *vp, int partition, __u32 index);

/**
 * mshv_vp_destroy() - unmap the pages of a VP and close it
 * @vp: the VP
 */
void mshv_vp_destroy(struct mshv_vp *vp);

/**
 * mshv_vp_run() - run a VP until it needs something
 * @vp: the VP; its @msg is the message that stopped it
 *
 * Return: 0, -EINTR after a signal (run it again), or another negative errno.
 */
int mshv_vp_run(struct mshv_vp *vp);

/**
 * mshv_vp_get_regs() - general registers, RIP and RFLAGS of a stopped VP
 * @vp: the VP
 * @regs: where they go
 *
 * Costs no hypercall while the register page is valid.
 *
 * Return: 0 or a negative errno.
 */
int mshv_vp_get_regs(struct mshv_vp *vp, struct mshv_regs *regs);

/**
 * mshv_vp_set_regs() - set general registers, RIP and RFLAGS of a stopped VP
 * @vp: the VP
 * @regs: their values
 *
 * Costs no hypercall while the register page is valid.
 *
 * Return: 0 or a negative errno.
 */
int mshv_vp_set_regs(struct mshv_vp *vp, const struct mshv_regs *regs);

/**
 * mshv_vp_get_segment() - a segment register of a stopped VP
 * @vp: the VP
 * @name: HV_X64_REGISTER_ES to HV_X64_REGISTER_GS
 * @segment: where it goes
 *
 * Return: 0 or a negative errno.
 */
int mshv_vp_get_segment(struct mshv_vp *vp, __u32 name, struct hv_x64_segment_register *segment);

/**
 * mshv_vp_complete() - go past the intercepted instruction
 * @vp: the VP, stopped by a port, CPUID, MSR, HLT or hypercall message
 * @rax: new value of RAX, or NULL to leave it
 *
 * Return: 0 or a negative errno.
 */
int mshv_vp_complete(struct mshv_vp *vp, const __u64 *rax);

/**
 * mshv_vp_get_register() - one 64-bit register
 * @vp: the VP
 * @name: HV_REGISTER_* or HV_X64_REGISTER_*
 * @value: where it goes
 *
 * Return: 0 or a negative errno.
 */
int mshv_vp_get_register(struct mshv_vp *vp, __u32 name, __u64 *value);

/**
 * mshv_vp_set_register() - set one 64-bit register
 * @vp: the VP
 * @name: HV_REGISTER_* or HV_X64_REGISTER_*
 * @value: its value
 *
 * Return: 0 or a negative errno.
 */
int mshv_vp_set_register(struct mshv_vp *vp, __u32 name, __u64 value);

/**
 * mshv_vp_setup_real_mode() - start in real mode with all segments at 0
 * @vp: the VP, never run
 * @ip: where it starts, below 64 KiB
 * @sp: its stack pointer
 *
 * Return: 0 or a negative errno.
 */
int mshv_vp_setup_real_mode(struct mshv_vp *vp, __u16 ip, __u16 sp);

/* Room that mshv_write_boot_tables() needs: a GDT and tables that map 4 GiB */
#define MSHV_BOOT_TABLES_SIZE	(7 * 4096)
/* Selectors in its GDT; the values are the Linux boot protocol's. */
#define MSHV_BOOT_CS		0x10
#define MSHV_BOOT_DS		0x18
#define MSHV_BOOT_TR		0x20

/**
 * mshv_write_boot_tables() - GDT and page tables for a start in 64-bit mode
 * @mem: MSHV_BOOT_TABLES_SIZE bytes of the guest's memory, in this process
 * @gpa: their guest physical address, a multiple of 4096
 *
 * The first 4 GiB are mapped one to one, by 2 MiB pages.
 */
void mshv_write_boot_tables(void *mem, __u64 gpa);

/**
 * mshv_vp_setup_long_mode() - start in 64-bit mode with flat segments
 * @vp: the VP, never run
 * @tables: guest physical address given to mshv_write_boot_tables()
 * @regs: its general registers, RIP and RFLAGS
 *
 * Return: 0 or a negative errno.
 */
int mshv_vp_setup_long_mode(struct mshv_vp *vp, __u64 tables, const struct mshv_regs *regs);

/* What a message is about */

/**
 * mshv_msg_io() - a port intercept
 * @msg: a message of type HVMSG_X64_IO_PORT_INTERCEPT
 *
 * Return: its payload.
 */
static inline const struct hv_x64_io_port_intercept_message *
mshv_msg_io(const struct hv_message *msg)
{
	return (const struct hv_x64_io_port_intercept_message *)msg->u.payload;
}

/**
 * mshv_msg_memory() - a memory intercept
 * @msg: a message of type HVMSG_UNMAPPED_GPA or HVMSG_GPA_INTERCEPT
 *
 * Return: its payload.
 */
static inline const struct hv_x64_memory_intercept_message *
mshv_msg_memory(const struct hv_message *msg)
{
	return (const struct hv_x64_memory_intercept_message *)msg->u.payload;
}

/**
 * mshv_msg_header() - the header that most intercepts begin with
 * @msg: a message of any intercept type but HVMSG_X64_APIC_EOI
 *
 * Return: the header.
 */
static inline const struct hv_x64_intercept_message_header *
mshv_msg_header(const struct hv_message *msg)
{
	return (const struct hv_x64_intercept_message_header *)msg->u.payload;
}

/**
 * mshv_msg_eoi() - an end of interrupt
 * @msg: a message of type HVMSG_X64_APIC_EOI
 *
 * Return: its payload.
 */
static inline const struct hv_x64_apic_eoi_message *mshv_msg_eoi(const struct hv_message *msg)
{
	return (const struct hv_x64_apic_eoi_message *)msg->u.payload;
}

/**
 * mshv_msg_insn_length() - length of the intercepted instruction
 * @header: the message's header
 *
 * Return: bytes; 0 for memory intercepts of hypervisors that do not know it.
 */
static inline unsigned int
mshv_msg_insn_length(const struct hv_x64_intercept_message_header *header)
{
	return header->instruction_length_and_cr8 & HV_INTERCEPT_INSN_LENGTH_MASK;
}

#ifdef __cplusplus
}
#endif

#endif /* MSHV_VP_H */
