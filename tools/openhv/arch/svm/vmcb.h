/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual machine control block (APM vol. 2, appendix B) and what goes
 * with it: intercepts, exit codes, the permission maps.
 */
#ifndef OPENHV_SVM_VMCB_H
#define OPENHV_SVM_VMCB_H

#include <openhv/types.h>

struct vmcb_seg {
	u16 selector;
	u16 attrib;			/* descriptor bits 40-47 and 52-55 */
	u32 limit;
	u64 base;
};

struct vmcb {
	/* Control area */
	u16 intercept_cr_read;
	u16 intercept_cr_write;
	u16 intercept_dr_read;
	u16 intercept_dr_write;
	u32 intercept_exceptions;
	u32 intercept1;			/* SVM_INTERCEPT1_* */
	u32 intercept2;			/* SVM_INTERCEPT2_* */
	u32 intercept3;
	u8 reserved018[0x24];
	u16 pause_filter_threshold;
	u16 pause_filter_count;
	u64 iopm_base;
	u64 msrpm_base;
	u64 tsc_offset;
	u32 asid;
	u8 tlb_control;
	u8 reserved05d[3];
	u32 int_ctl;
	u32 int_vector;
	u64 int_state;
	u64 exit_code;
	u64 exit_info1;
	u64 exit_info2;
	u64 exit_int_info;
	u64 np_enable;
	u64 avic_bar;
	u64 ghcb_gpa;
	u64 event_inj;
	u64 n_cr3;
	u64 lbr_ctl;
	u32 clean;
	u32 reserved0c4;
	u64 next_rip;
	u8 fetched;
	u8 insn_bytes[15];
	u8 reserved0e0[0x320];
	/* State save area */
	struct vmcb_seg es, cs, ss, ds, fs, gs;
	struct vmcb_seg gdtr, ldtr, idtr, tr;
	u8 reserved4a0[0x2b];
	u8 cpl;
	u32 reserved4cc;
	u64 efer;
	u8 reserved4d8[0x70];
	u64 cr4;
	u64 cr3;
	u64 cr0;
	u64 dr7;
	u64 dr6;
	u64 rflags;
	u64 rip;
	u8 reserved580[0x58];
	u64 rsp;
	u64 s_cet;
	u64 ssp;
	u64 isst_addr;
	u64 rax;
	u64 star;
	u64 lstar;
	u64 cstar;
	u64 sfmask;
	u64 kernel_gs_base;
	u64 sysenter_cs;
	u64 sysenter_esp;
	u64 sysenter_eip;
	u64 cr2;
	u8 reserved648[0x20];
	u64 g_pat;
	u64 dbgctl;
	u64 br_from;
	u64 br_to;
	u64 lastexcpfrom;
	u64 lastexcpto;
	u8 reserved698[0x968];
};
TLFS_ASSERT_SIZE(struct vmcb, 0x1000);
TLFS_ASSERT_OFFSET(struct vmcb, pause_filter_threshold, 0x03c);
TLFS_ASSERT_OFFSET(struct vmcb, iopm_base, 0x040);
TLFS_ASSERT_OFFSET(struct vmcb, asid, 0x058);
TLFS_ASSERT_OFFSET(struct vmcb, int_ctl, 0x060);
TLFS_ASSERT_OFFSET(struct vmcb, exit_code, 0x070);
TLFS_ASSERT_OFFSET(struct vmcb, np_enable, 0x090);
TLFS_ASSERT_OFFSET(struct vmcb, event_inj, 0x0a8);
TLFS_ASSERT_OFFSET(struct vmcb, n_cr3, 0x0b0);
TLFS_ASSERT_OFFSET(struct vmcb, next_rip, 0x0c8);
TLFS_ASSERT_OFFSET(struct vmcb, es, 0x400);
TLFS_ASSERT_OFFSET(struct vmcb, tr, 0x490);
TLFS_ASSERT_OFFSET(struct vmcb, cpl, 0x4cb);
TLFS_ASSERT_OFFSET(struct vmcb, efer, 0x4d0);
TLFS_ASSERT_OFFSET(struct vmcb, cr4, 0x548);
TLFS_ASSERT_OFFSET(struct vmcb, rip, 0x578);
TLFS_ASSERT_OFFSET(struct vmcb, rsp, 0x5d8);
TLFS_ASSERT_OFFSET(struct vmcb, rax, 0x5f8);
TLFS_ASSERT_OFFSET(struct vmcb, star, 0x600);
TLFS_ASSERT_OFFSET(struct vmcb, cr2, 0x640);
TLFS_ASSERT_OFFSET(struct vmcb, g_pat, 0x668);

/* intercept1 (offset 0x00c) */
#define SVM_INTERCEPT1_INTR		BIT(0)
#define SVM_INTERCEPT1_NMI		BIT(1)
#define SVM_INTERCEPT1_INIT		BIT(3)
#define SVM_INTERCEPT1_VINTR		BIT(4)
#define SVM_INTERCEPT1_RDPMC		BIT(15)
#define SVM_INTERCEPT1_CPUID		BIT(18)
#define SVM_INTERCEPT1_RSM		BIT(19)
#define SVM_INTERCEPT1_IRET		BIT(20)
#define SVM_INTERCEPT1_SWINT		BIT(21)
#define SVM_INTERCEPT1_INVD		BIT(22)
#define SVM_INTERCEPT1_HLT		BIT(24)
#define SVM_INTERCEPT1_INVLPGA		BIT(26)
#define SVM_INTERCEPT1_IOIO		BIT(27)
#define SVM_INTERCEPT1_MSR		BIT(28)
#define SVM_INTERCEPT1_TASK_SWITCH	BIT(29)
#define SVM_INTERCEPT1_SHUTDOWN		BIT(31)

/* intercept2 (offset 0x010) */
#define SVM_INTERCEPT2_VMRUN		BIT(0)
#define SVM_INTERCEPT2_VMMCALL		BIT(1)
#define SVM_INTERCEPT2_VMLOAD		BIT(2)
#define SVM_INTERCEPT2_VMSAVE		BIT(3)
#define SVM_INTERCEPT2_STGI		BIT(4)
#define SVM_INTERCEPT2_CLGI		BIT(5)
#define SVM_INTERCEPT2_SKINIT		BIT(6)
#define SVM_INTERCEPT2_ICEBP		BIT(8)
#define SVM_INTERCEPT2_WBINVD		BIT(9)
#define SVM_INTERCEPT2_MONITOR		BIT(10)
#define SVM_INTERCEPT2_MWAIT		BIT(11)
#define SVM_INTERCEPT2_MWAIT_ARMED	BIT(12)
#define SVM_INTERCEPT2_XSETBV		BIT(13)

#define SVM_TLB_FLUSH_ALL		1

/* int_ctl */
#define SVM_V_TPR_MASK			0x0FU
#define SVM_V_IRQ			BIT(8)
#define SVM_V_INTR_PRIO_SHIFT		16
#define SVM_V_INTR_PRIO_MASK		(0xFU << 16)
#define SVM_V_IGN_TPR			BIT(20)
#define SVM_V_INTR_MASKING		BIT(24)

#define SVM_INT_STATE_SHADOW		BIT(0)

/* event_inj, exit_int_info */
#define SVM_EVENT_VECTOR_MASK		0xFFUL
#define SVM_EVENT_TYPE_SHIFT		8
#define SVM_EVENT_TYPE_MASK		(7UL << 8)
#define SVM_EVENT_TYPE_INTR		0
#define SVM_EVENT_TYPE_NMI		2
#define SVM_EVENT_TYPE_EXCEPTION	3
#define SVM_EVENT_TYPE_SOFT		4
#define SVM_EVENT_ERROR_VALID		BIT(11)
#define SVM_EVENT_VALID			BIT(31)

/* Exit codes (APM vol. 2, appendix C) */
#define SVM_EXIT_CR_WRITE0		0x010
#define SVM_EXIT_DR_READ0		0x020
#define SVM_EXIT_DR_WRITE0		0x030
#define SVM_EXIT_EXCEPTION0		0x040
#define SVM_EXIT_INTR			0x060
#define SVM_EXIT_NMI			0x061
#define SVM_EXIT_INIT			0x063
#define SVM_EXIT_VINTR			0x064
#define SVM_EXIT_RDPMC			0x06f
#define SVM_EXIT_CPUID			0x072
#define SVM_EXIT_RSM			0x073
#define SVM_EXIT_IRET			0x074
#define SVM_EXIT_SWINT			0x075
#define SVM_EXIT_INVD			0x076
#define SVM_EXIT_HLT			0x078
#define SVM_EXIT_INVLPGA		0x07a
#define SVM_EXIT_IOIO			0x07b
#define SVM_EXIT_MSR			0x07c
#define SVM_EXIT_TASK_SWITCH		0x07d
#define SVM_EXIT_SHUTDOWN		0x07f
#define SVM_EXIT_VMRUN			0x080
#define SVM_EXIT_VMMCALL		0x081
#define SVM_EXIT_SKINIT			0x086
#define SVM_EXIT_ICEBP			0x088
#define SVM_EXIT_WBINVD			0x089
#define SVM_EXIT_MONITOR		0x08a
#define SVM_EXIT_MWAIT			0x08b
#define SVM_EXIT_MWAIT_ARMED		0x08c
#define SVM_EXIT_XSETBV			0x08d
#define SVM_EXIT_NPF			0x400
#define SVM_EXIT_INVALID		0xFFFFFFFFFFFFFFFFULL
/* The same, as an implementation that keeps 32 bits of it writes it */
#define SVM_EXIT_INVALID32		0x00000000FFFFFFFFULL

/* exit_info1 of an I/O exit */
#define SVM_IOIO_IN			BIT(0)
#define SVM_IOIO_STRING			BIT(2)
#define SVM_IOIO_REP			BIT(3)
#define SVM_IOIO_SIZE_SHIFT		4
#define SVM_IOIO_SIZE_MASK		(7UL << 4)
#define SVM_IOIO_PORT_SHIFT		16

/* exit_info1 of a nested page fault, beside the PF_* bits */
#define SVM_NPF_FINAL			BIT(32)
#define SVM_NPF_WALK			BIT(33)

/* Sizes of the permission maps, in bytes */
#define SVM_IOPM_SIZE			(3 * PAGE_SIZE)
#define SVM_MSRPM_SIZE			(2 * PAGE_SIZE)

#endif /* OPENHV_SVM_VMCB_H */
