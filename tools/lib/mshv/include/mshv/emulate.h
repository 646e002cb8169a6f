/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * From a message to a device access: decoding and carrying out the
 * instructions with which a guest reaches what is not memory.
 *
 * That is every port instruction, and of the instructions on memory those that
 * operating systems use on device registers: MOV in all its forms, MOVZX,
 * MOVSX, MOVSXD, MOVNTI, STOS and MOVS.
 */
#ifndef MSHV_EMULATE_H
#define MSHV_EMULATE_H

#include <stdbool.h>

#include <mshv/vp.h>

#ifdef __cplusplus
extern "C" {
#endif

enum mshv_insn_op {
	MSHV_INSN_LOAD,		/* memory to register */
	MSHV_INSN_STORE,	/* register or immediate to memory */
	MSHV_INSN_STOS,		/* RAX to ES:RDI */
	MSHV_INSN_MOVS,		/* segment:RSI to ES:RDI */
	MSHV_INSN_INS,		/* port DX to ES:RDI */
	MSHV_INSN_OUTS,		/* segment:RSI to port DX */
};

/* For @reg, @base and @index of struct mshv_insn: there is none. */
#define MSHV_INSN_NONE		0xFF

/**
 * struct mshv_insn - a decoded instruction
 * @op: enum mshv_insn_op
 * @length: bytes of the instruction
 * @size: bytes of the memory (or port) access
 * @address_size: bytes of an effective address: 2, 4 or 8
 * @reg: register of LOAD and STORE, or MSHV_INSN_NONE for an immediate
 * @high_byte: @reg is AH, CH, DH or BH
 * @reg_size: LOAD: bytes of the register that change (4 clears the upper half)
 * @sign_extend: LOAD: extend with the sign
 * @rep: REP prefix on a string instruction
 * @rip_relative: the displacement counts from the next instruction
 * @base: base register or MSHV_INSN_NONE
 * @index: index register or MSHV_INSN_NONE
 * @scale: factor of the index: 1, 2, 4 or 8
 * @segment: HV_X64_REGISTER_ES to HV_X64_REGISTER_GS
 * @displacement: sign-extended
 * @immediate: STORE without @reg: the value, sign-extended
 */
struct mshv_insn {
	__u8 op;
	__u8 length;
	__u8 size;
	__u8 address_size;
	__u8 reg;
	bool high_byte;
	__u8 reg_size;
	bool sign_extend;
	bool rep;
	bool rip_relative;
	__u8 base;
	__u8 index;
	__u8 scale;
	__u32 segment;
	__s64 displacement;
	__u64 immediate;
};

/**
 * mshv_decode_insn() - decode one instruction
 * @bytes: its bytes
 * @count: how many there are; reads no further
 * @mode: default operand mode of the code segment: 16, 32 or 64
 * @insn: what to fill in
 *
 * Return: 0, -ENODATA if the instruction needs more bytes, -EOPNOTSUPP if it is
 * not one of those above.
 */
int mshv_decode_insn(const __u8 *bytes, size_t count, unsigned int mode, struct mshv_insn *insn);

/**
 * mshv_insn_offset() - effective address of an instruction's memory operand
 * @insn: a decoded LOAD or STORE
 * @regs: the registers before the instruction
 *
 * Return: the offset in @insn's segment.
 */
__u64 mshv_insn_offset(const struct mshv_insn *insn, const struct mshv_regs *regs);

/**
 * struct mshv_bus_ops - how an emulated instruction reaches devices and memory
 * @port_read: read @size bytes (1, 2, 4) of a port
 * @port_write: write them
 * @mmio_read: read @size bytes (1, 2, 4, 8) that are not memory
 * @mmio_write: write them
 * @memory: address in this process of @size bytes of guest memory, which lie in
 *	one page, or NULL if there is no memory
 *
 * Where no device answers, reads return all ones and writes have no effect.
 */
struct mshv_bus_ops {
	__u32 (*port_read)(void *context, __u16 port, unsigned int size);
	void (*port_write)(void *context, __u16 port, unsigned int size, __u32 value);
	__u64 (*mmio_read)(void *context, __u64 gpa, unsigned int size);
	void (*mmio_write)(void *context, __u64 gpa, unsigned int size, __u64 value);
	void *(*memory)(void *context, __u64 gpa, __u64 size);
};

/**
 * mshv_emulate_io() - carry out a port instruction and go past it
 * @vp: the VP; its last message is HVMSG_X64_IO_PORT_INTERCEPT
 * @ops: the devices
 * @context: passed on to @ops
 *
 * Return: 0 or a negative errno.
 */
int mshv_emulate_io(struct mshv_vp *vp, const struct mshv_bus_ops *ops, void *context);

/**
 * mshv_emulate_mmio() - carry out an instruction on memory and go past it
 * @vp: the VP; its last message is HVMSG_UNMAPPED_GPA or HVMSG_GPA_INTERCEPT
 * @ops: the devices
 * @context: passed on to @ops
 *
 * Return: 0, -EOPNOTSUPP for an instruction that is not emulated, or another
 * negative errno.
 */
int mshv_emulate_mmio(struct mshv_vp *vp, const struct mshv_bus_ops *ops, void *context);

#ifdef __cplusplus
}
#endif

#endif /* MSHV_EMULATE_H */
