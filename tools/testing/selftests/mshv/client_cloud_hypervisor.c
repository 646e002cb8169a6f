// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Cloud Hypervisor asks of /dev/mshv, in its order: properties around
 * initialization, a table of CPUID results for each VP, the state that VPs boot with,
 * string instructions carried out whole, interrupts of a level-triggered line, time
 * that stands still, ioeventfds in all forms.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <tlfs/msr.h>

#include "mshv_test.h"

#define CH_FLAGS	(PT_LAPIC)

/* ---- Creation ---- */

static int create(int dev, uint64_t flags)
{
	static const struct {
		__u32 code;
		__u64 value;
	} properties[] = {
		{ HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION, 1 },
		{ HV_PARTITION_PROPERTY_TIME_FREEZE, 1 },
	};
	/* Its list is masked with what is offered. */
	int partition = partition_create_as_clients(dev, flags, offered_features(dev)), ret, i;

	ret = mshv_initialize_partition(partition);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	for (i = 0; i < ARRAY_SIZE(properties); i++) {
		ret = mshv_set_property(partition, properties[i].code, properties[i].value);
		TEST_ASSERT(!ret, "property 0x%x: %s", properties[i].code, mshv_strerror());
	}
	return partition;
}

TEST(creation_sequence)
{
	static const uint64_t flags[] = {
		CH_FLAGS, CH_FLAGS | BIT(MSHV_PT_BIT_SMT_ENABLED_GUEST),
	};
	int dev = dev_open(), partition, i;
	__u64 value;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		partition = create(dev, flags[i]);
		EXPECT_STATUS(INVALID_PARTITION_STATE,
			      mshv_set_property(partition, HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS,
						0));
		ASSERT_OK(mshv_get_property(partition,
					    HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES, &value));
		EXPECT_NE(0, value);
		EXPECT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0,
					    &value));
		EXPECT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES1,
					    &value));
		EXPECT_OK(mshv_get_property(partition,
					    HV_PARTITION_PROPERTY_PROCESSOR_XSAVE_FEATURES,
					    &value));
		EXPECT_OK(mshv_set_property(partition, HV_PARTITION_PROPERTY_PROCESSORS_PER_SOCKET,
					    2));
		EXPECT_OK(mshv_set_property(partition, HV_PARTITION_PROPERTY_TIME_FREEZE, 0));
		close(partition);
	}
	close(dev);
}

/* `--cpus nested=on` is the default: it says that a guest may have it, where there is any. */
static GUEST_CODE void guest_looks_for_svm(void)
{
	uint32_t r[4];

	guest_cpuid(0x80000001, 0, r);
	GUEST_ASSERT(!(r[2] & BIT(2)));
	GUEST_DONE();
}

TEST(nested_virtualization_may_be_asked_for_and_is_not_there)
{
	__u64 value, nested = TLFS_BIT64(HV_PROC_FEATURE1_NESTED_VIRT_BIT);
	struct test_vm vm;

	vm_init_long(&vm, CH_FLAGS | BIT(MSHV_PT_BIT_NESTED_VIRTUALIZATION), guest_looks_for_svm);
	ASSERT_OK(mshv_get_property(vm.dev, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES1, &value));
	EXPECT_EQ(0, value & nested);
	ASSERT_OK(mshv_get_property(vm.partition, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES1,
				    &value));
	EXPECT_EQ(0, value & nested);
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

/* Up to version 53 the hypervisor is not asked first which synthetic features it has. */
TEST(synthetic_features_that_are_not_there_are_not_given)
{
	static const int wanted[] = {
		HV_SYNTHETIC_FEATURE_HYPERVISOR_PRESENT_BIT, HV_SYNTHETIC_FEATURE_HV1_BIT,
		HV_SYNTHETIC_FEATURE_ACCESS_PARTITION_REFERENCE_COUNTER_BIT,
		HV_SYNTHETIC_FEATURE_ACCESS_SYNIC_REGS_BIT,
		HV_SYNTHETIC_FEATURE_ACCESS_SYNTHETIC_TIMER_REGS_BIT,
		HV_SYNTHETIC_FEATURE_ACCESS_PARTITION_REFERENCE_TSC_BIT,
		HV_SYNTHETIC_FEATURE_ACCESS_FREQUENCY_REGS_BIT,
		HV_SYNTHETIC_FEATURE_ACCESS_INTR_CTRL_REGS_BIT,
		HV_SYNTHETIC_FEATURE_ACCESS_VP_INDEX_BIT,
		HV_SYNTHETIC_FEATURE_ACCESS_HYPERCALL_REGS_BIT,
		HV_SYNTHETIC_FEATURE_ACCESS_GUEST_IDLE_REG_BIT,
		HV_SYNTHETIC_FEATURE_TB_FLUSH_HYPERCALLS_BIT,
		HV_SYNTHETIC_FEATURE_SYNTHETIC_CLUSTER_IPI_BIT,
		HV_SYNTHETIC_FEATURE_DIRECT_SYNTHETIC_TIMERS_BIT,
		HV_SYNTHETIC_FEATURE_ACCESS_VP_REGS_BIT,
	};
	struct hv_partition_property_synthetic_features offered = { 0 };
	int dev = dev_open(), partition, i;
	__u64 value, mask = 0;

	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		mask |= HV_SYNTHETIC_FEATURE(wanted[i]);
	ASSERT_OK(mshv_get_property_ex(dev,
				       HV_PARTITION_PROPERTY_ASSIGNABLE_SYNTHETIC_PROC_FEATURES, 0,
				       &offered, sizeof(offered)));
	partition = mshv_create_partition(dev, CH_FLAGS);
	ASSERT_OK(partition);
	EXPECT_OK(mshv_set_property(partition, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
				    mask));
	ASSERT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
				    &value));
	EXPECT_EQ(mask & offered.bank0, value);
	close(partition);
	close(dev);
}

/* ---- Memory ---- */

static uint8_t guest_page[PAGE_SIZE] __attribute__((aligned(4096)));

static GUEST_CODE void guest_changes_a_page(void)
{
	GUEST_SYNC_ARG(1, *(volatile uint64_t *)guest_page);
	*(volatile uint64_t *)guest_page = 0x1122334455667788;
	GUEST_SYNC_ARG(2, *(volatile uint64_t *)guest_page);
	GUEST_DONE();
}

/* As with --memory shared=on: the guest and whoever has the file see the same. */
TEST(memory_is_that_of_a_memfd)
{
	uint64_t gpa = (uintptr_t)guest_page, value = 0xcafe, *page;
	int fd = memfd_create("guest", MFD_CLOEXEC);
	struct test_vm vm;
	void *map;

	vm_init_long(&vm, PT_LAPIC, guest_changes_a_page);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, vm.mem_size));
	map = mmap(NULL, vm.mem_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	memcpy(map, vm.mem, vm.mem_size);
	ASSERT_OK(mshv_unmap_memory(vm.partition, 0, vm.mem, vm.mem_size));
	munmap(vm.mem, vm.mem_size);
	vm.mem = map;
	ASSERT_OK(mshv_map_memory(vm.partition, 0, map, vm.mem_size, MEM_RWX));

	ASSERT_EQ(8, pwrite(fd, &value, 8, gpa));
	EXPECT_EQ(0xcafe, vm_run_to_sync(&vm, 1));
	EXPECT_EQ(0x1122334455667788, vm_run_to_sync(&vm, 2));
	ASSERT_EQ(8, pread(fd, &value, 8, gpa));
	EXPECT_EQ(0x1122334455667788, value);
	/* Another mapping, as a device's process has */
	page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, gpa);
	ASSERT_NE(MAP_FAILED, (void *)page);
	EXPECT_EQ(0x1122334455667788, *page);
	vm_run_to_done(&vm);
	munmap(page, PAGE_SIZE);
	vm_destroy(&vm);
	close(fd);
}

/* ---- CPUID ---- */

static const uint32_t topology[] = { 0xb, 0x1f, 0x8000001e, 0x80000026 };
static uint32_t guest_results[2][4][2][4];	/* VP, leaf, subleaf, register */

static GUEST_CODE void guest_reads_topology(void)
{
	static const uint32_t leaves[] = { 0xb, 0x1f, 0x8000001e, 0x80000026 };
	uint32_t vp = rdmsr(HV_X64_MSR_VP_INDEX), i;

	for (i = 0; i < 4; i++) {
		guest_cpuid(leaves[i], 0, guest_results[vp][i][0]);
		guest_cpuid(leaves[i], 1, guest_results[vp][i][1]);
	}
	GUEST_DONE();
}

static uint32_t table_value(unsigned int vp, unsigned int leaf, unsigned int subleaf,
			    unsigned int reg)
{
	return 0x10000000 * (vp + 1) + 0x10000 * leaf + 0x100 * subleaf + reg;
}

TEST(each_vp_has_a_table_of_its_own)
{
	struct hv_register_x64_cpuid_result_parameters result = {
		.always_override = 1, .subleaf_specific = 1,
		.result_eax_mask = ~0U, .result_ebx_mask = ~0U,
		.result_ecx_mask = ~0U, .result_edx_mask = ~0U,
	};
	struct mshv_vp vp[2];
	struct test_vm vm;
	int i, leaf, subleaf, reg;

	vm_init_long(&vm, PT_LAPIC, guest_reads_topology);
	vp[0] = vm.vp;
	vm_add_vp(&vm, &vp[1], 1, guest_reads_topology);
	for (i = 0; i < 2; i++) {
		for (leaf = 0; leaf < 4; leaf++) {
			for (subleaf = 0; subleaf < 2; subleaf++) {
				result.eax = topology[leaf];
				result.ecx = subleaf;
				result.result_eax = table_value(i, leaf, subleaf, 0);
				result.result_ebx = table_value(i, leaf, subleaf, 1);
				result.result_ecx = table_value(i, leaf, subleaf, 2);
				result.result_edx = table_value(i, leaf, subleaf, 3);
				ASSERT_OK(mshv_register_cpuid_result(vp[i].fd, i, &result));
			}
		}
	}
	for (i = 0; i < 2; i++) {
		vm.vp = vp[i];
		vm_run_to_done(&vm);
		for (leaf = 0; leaf < 4; leaf++) {
			for (reg = 0; reg < 8; reg++) {
				subleaf = reg / 4;
				EXPECT_EQ(table_value(i, leaf, subleaf, reg % 4),
					  (*vm_guest_variable(&vm, guest_results))
					  [i][leaf][subleaf][reg % 4]) {
					TH_LOG("VP %d, leaf 0x%x.%d", i, topology[leaf], subleaf);
				}
			}
		}
	}
	vm.vp = vp[0];
	mshv_vp_destroy(&vp[1]);
	vm_destroy(&vm);
}

/* ---- The state that a VP boots with ---- */

static GUEST_CODE void guest_reads_boot_msrs(void)
{
	GUEST_ASSERT_EQ(rdmsr(0x174), 0);		/* SYSENTER_CS */
	GUEST_ASSERT_EQ(rdmsr(0xc0000081), 0);		/* STAR */
	GUEST_ASSERT_EQ(rdmsr(0xc0000082), 0);		/* LSTAR */
	GUEST_ASSERT_EQ(rdmsr(0xc0000102), 0);		/* KERNEL_GS_BASE */
	GUEST_ASSERT_EQ(rdmsr(0x2ff), 0x806);		/* MTRR_DEF_TYPE */
	guest_enable_x2apic();
	GUEST_ASSERT_EQ(rdmsr(0x835) & 0x700, 0x700);	/* LINT0: ExtINT */
	GUEST_ASSERT_EQ(rdmsr(0x836) & 0x700, 0x400);	/* LINT1: NMI */
	GUEST_DONE();
}

TEST(boot_state)
{
	static const uint32_t zero[] = {
		HV_X64_REGISTER_SYSENTER_CS, HV_X64_REGISTER_SYSENTER_ESP,
		HV_X64_REGISTER_SYSENTER_EIP, HV_X64_REGISTER_STAR, HV_X64_REGISTER_CSTAR,
		HV_X64_REGISTER_LSTAR, HV_X64_REGISTER_KERNEL_GS_BASE, HV_X64_REGISTER_SFMASK,
	};
	struct hv_register_assoc msrs[ARRAY_SIZE(zero) + 1] = { 0 };
	struct hv_local_interrupt_controller_state *lapic = mem_alloc(PAGE_SIZE);
	int dev = dev_open(), partition = create(dev, CH_FLAGS), i;
	struct test_vm vm;

	vm_init_long_with(&vm, dev, partition, guest_reads_boot_msrs);
	for (i = 0; i < ARRAY_SIZE(zero); i++)
		msrs[i].name = zero[i];
	msrs[i].name = HV_X64_REGISTER_MSR_MTRR_DEF_TYPE;
	msrs[i].value.reg64 = 0x806;
	/* All in one call, each of which must be taken */
	ASSERT_OK(mshv_set_registers(vm.vp.fd, 0, msrs, ARRAY_SIZE(msrs)));
	ASSERT_OK(mshv_get_vp_state(vm.vp.fd, MSHV_VP_STATE_LAPIC, lapic, PAGE_SIZE));
	lapic->apic_lvt_lint0 = 0x700;
	lapic->apic_lvt_lint1 = 0x400;
	ASSERT_OK(mshv_set_vp_state(vm.vp.fd, MSHV_VP_STATE_LAPIC, lapic, PAGE_SIZE));
	ASSERT_OK(mshv_set_property(partition, HV_PARTITION_PROPERTY_TIME_FREEZE, 0));
	vm_run_to_done(&vm);
	vm_destroy(&vm);
	munmap(lapic, PAGE_SIZE);
}

/* What a VP has found in its registers when it began */
static struct {
	uint8_t fxsave[512] __attribute__((aligned(16)));
	uint64_t cr0, cr2, cr3, cr4, cr8, efer;
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gdt, idt;
	uint16_t ldt, task;
} found;

static GUEST_CODE void guest_shows_its_registers(void)
{
	asm volatile("fxsave64 %0" : "=m"(found.fxsave));
	asm volatile("mov %%cr0, %0" : "=r"(found.cr0));
	asm volatile("mov %%cr2, %0" : "=r"(found.cr2));
	asm volatile("mov %%cr3, %0" : "=r"(found.cr3));
	asm volatile("mov %%cr4, %0" : "=r"(found.cr4));
	asm volatile("mov %%cr8, %0" : "=r"(found.cr8));
	asm volatile("sgdt %0" : "=m"(found.gdt));
	asm volatile("sidt %0" : "=m"(found.idt));
	asm volatile("sldt %0" : "=m"(found.ldt));
	asm volatile("str %0" : "=m"(found.task));
	found.efer = rdmsr(0xc0000080);
	GUEST_DONE();
}

#define FPU_REGISTERS	26	/* XMM0 to 15, MMX0 to 7, two of control and status */

/* A call for all of the FPU. The order is that of the area of FXSAVE, from the end of it. */
static void set_fpu(const struct mshv_vp *vp)
{
	struct hv_register_assoc regs[FPU_REGISTERS] = { 0 };
	int i, ret;

	for (i = 0; i < FPU_REGISTERS; i++)
		regs[i].name = HV_X64_REGISTER_XMM0 + i;
	for (i = 0; i < 16; i++)
		regs[i].value.reg128 = (struct hv_u128){ 0x1111 * (i + 1), 0x2222 * (i + 1) };
	for (i = 0; i < 8; i++)
		regs[16 + i].value.reg128 = (struct hv_u128){ BIT(63) | (i + 1), 0x3ff0 + i };
	regs[24].value.fp_control_status.fp_control = 0x27f;
	regs[24].value.fp_control_status.fp_tag = 0xff;
	regs[25].value.xmm_control_status.xmm_status_control = 0x9fc0;
	ret = mshv_set_registers(vp->fd, vp->index, regs, FPU_REGISTERS);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
}

static bool fpu_is_set(const uint8_t *area)
{
	uint32_t mxcsr;
	uint16_t fcw;
	uint64_t *r;
	int i;

	memcpy(&fcw, area, 2);
	memcpy(&mxcsr, area + 24, 4);
	for (i = 0; i < 8; i++) {
		r = (uint64_t *)(area + 32 + 16 * i);
		if (r[0] != (BIT(63) | (i + 1)) || (uint16_t)r[1] != 0x3ff0 + i)
			return false;
	}
	for (i = 0; i < 16; i++) {
		r = (uint64_t *)(area + 160 + 16 * i);
		if (r[0] != 0x1111 * (i + 1) || r[1] != 0x2222 * (i + 1))
			return false;
	}
	return fcw == 0x27f && mxcsr == 0x9fc0;
}

/*
 * set_regs(), set_sregs() and set_fpu(), as often as not by the register page: general
 * registers and segments there, what is no register of the page's in one call, and the
 * FPU in another one. What they set is what a VP boots from.
 */
static void boots_from(struct __test_metadata *_metadata, bool by_page)
{
	static const __u32 segments[] = {
		HV_X64_REGISTER_ES, HV_X64_REGISTER_CS, HV_X64_REGISTER_SS, HV_X64_REGISTER_DS,
		HV_X64_REGISTER_FS, HV_X64_REGISTER_GS,
	};
	/* In its order */
	struct hv_register_assoc others[] = {
		{ .name = HV_X64_REGISTER_TR, .value.segment = {
			.base = 0x6000, .limit = 0x67, .selector = 0x18, .attributes = 0x8b } },
		{ .name = HV_X64_REGISTER_LDTR, .value.segment = {
			.base = 0x7000, .limit = 0x1f, .selector = 0x28, .attributes = 0x82 } },
		{ .name = HV_X64_REGISTER_GDTR },
		{ .name = HV_X64_REGISTER_IDTR,
		  .value.table = { .base = 0x5000, .limit = 0x7ff } },
		{ .name = HV_X64_REGISTER_CR2, .value.reg64 = 0x123456789000 },
		{ .name = HV_X64_REGISTER_APIC_BASE },
		{ .name = HV_X64_REGISTER_INTERMEDIATE_CR0 },
		{ .name = HV_X64_REGISTER_INTERMEDIATE_CR3 },
		{ .name = HV_X64_REGISTER_INTERMEDIATE_CR4 },
		{ .name = HV_X64_REGISTER_CR8, .value.reg64 = 5 },
		{ .name = HV_X64_REGISTER_EFER },
		{ .name = HV_REGISTER_PENDING_INTERRUPTION },
	}, regs[6];
	union hv_register_value values[6], model[ARRAY_SIZE(others)];
	const __typeof__(found) *seen;
	__u32 names[ARRAY_SIZE(others)], i;
	struct mshv_regs general;
	struct mshv_vp vp, first;
	struct test_vm vm;

	/* VP 0 is the model, and does not run. */
	vm_init_long(&vm, PT_LAPIC, guest_shows_its_registers);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		names[i] = others[i].name;
	ASSERT_OK(mshv_vp_get_regs(&vm.vp, &general));
	ASSERT_OK(mshv_get_registers(vm.vp.fd, 0, segments, values, 6));
	ASSERT_OK(mshv_get_registers(vm.vp.fd, 0, names, model, ARRAY_SIZE(others)));
	others[2].value = model[2];
	others[6].value = model[6];
	others[7].value = model[7];
	others[8].value.reg64 = model[8].reg64 | 0x600;		/* OSFXSR, OSXMMEXCPT */
	others[10].value = model[10];

	ASSERT_OK(mshv_vp_init(&vp, vm.partition, 1));
	ASSERT_OK(mshv_vp_get_register(&vp, HV_X64_REGISTER_APIC_BASE, &others[5].value.reg64));
	ASSERT_OK(mshv_vp_set_register(&vp, HV_REGISTER_INTERNAL_ACTIVITY_STATE, 0));
	if (by_page) {
		ASSERT_NE(NULL, vp.page);
		ASSERT_EQ(1, vp.page->isvalid);
		memcpy(vp.page->gp_registers, general.gpr, sizeof(general.gpr));
		vp.page->rip = general.rip;
		vp.page->rflags = general.rflags;
		for (i = 0; i < 6; i++)
			(&vp.page->es)[i] = values[i].segment;
		vp.page->dirty = HV_REGISTER_PAGE_DIRTY_GENERAL | HV_REGISTER_PAGE_DIRTY_IP |
				 HV_REGISTER_PAGE_DIRTY_FLAGS | HV_REGISTER_PAGE_DIRTY_SEGMENT;
	} else {
		for (i = 0; i < 6; i++)
			regs[i] = (struct hv_register_assoc){ .name = segments[i],
							      .value = values[i] };
		ASSERT_OK(mshv_set_registers(vp.fd, 1, regs, 6));
		vp.page = NULL;
		ASSERT_OK(mshv_vp_set_regs(&vp, &general));
	}
	ASSERT_OK(mshv_set_registers(vp.fd, 1, others, ARRAY_SIZE(others)));
	set_fpu(&vp);

	/* All of it is told again, */
	ASSERT_OK(mshv_get_registers(vp.fd, 1, names, model, ARRAY_SIZE(others)));
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		if (others[i].name == HV_X64_REGISTER_EFER ||
		    others[i].name == HV_X64_REGISTER_GDTR ||
		    others[i].name == HV_X64_REGISTER_IDTR)
			continue;		/* LMA; and the pad */
		EXPECT_EQ(0, memcmp(&others[i].value, &model[i], sizeof(model[i]))) {
			TH_LOG("register 0x%x", names[i]);
		}
	}
	/* and found by the guest. */
	first = vm.vp;
	vm.vp = vp;
	vm_run_to_done(&vm);
	vm.vp = first;
	seen = vm_guest_variable(&vm, found);
	EXPECT_EQ(others[2].value.table.base, seen->gdt.base);
	EXPECT_EQ(others[2].value.table.limit, seen->gdt.limit);
	EXPECT_EQ(0x5000, seen->idt.base);
	EXPECT_EQ(0x7ff, seen->idt.limit);
	EXPECT_EQ(0x18, seen->task);
	EXPECT_EQ(0x28, seen->ldt);
	EXPECT_EQ(0x123456789000, seen->cr2);
	EXPECT_EQ(others[6].value.reg64, seen->cr0);
	EXPECT_EQ(others[7].value.reg64, seen->cr3);
	EXPECT_EQ(others[8].value.reg64, seen->cr4);
	EXPECT_EQ(5, seen->cr8);
	EXPECT_EQ(0x500, seen->efer);
	EXPECT_TRUE(fpu_is_set(seen->fxsave));
	mshv_vp_destroy(&vp);
	vm_destroy(&vm);
}

TEST(vp_boots_from_what_is_set_by_hypercalls)
{
	boots_from(_metadata, false);
}

TEST(vp_boots_from_what_is_set_in_the_register_page)
{
	boots_from(_metadata, true);
}

/* ---- String instructions ---- */

#define STRING_LENGTH	37

static uint16_t guest_buffer[STRING_LENGTH];

static GUEST_CODE void guest_moves_strings(void)
{
	uint64_t rdi = (uintptr_t)guest_buffer, rcx = STRING_LENGTH, rsi;

	asm volatile("rep insw" : "+D"(rdi), "+c"(rcx) : "d"(0x1f0) : "memory");
	GUEST_ASSERT_EQ(rcx, 0);
	GUEST_ASSERT_EQ(rdi, (uintptr_t)(guest_buffer + STRING_LENGTH));
	/* And back, from the last to the first */
	rsi = (uintptr_t)(guest_buffer + STRING_LENGTH - 1);
	rcx = STRING_LENGTH;
	asm volatile("std; rep outsw; cld" : "+S"(rsi), "+c"(rcx) : "d"(0x1f0) : "memory");
	GUEST_ASSERT_EQ(rcx, 0);
	GUEST_ASSERT_EQ(rsi, (uintptr_t)guest_buffer - 2);
	GUEST_DONE();
}

/*
 * Carry a whole REP INSW or OUTSW out from its message: memory by TRANSLATE, then RCX,
 * the index register and RIP in one call. data is what the device gives or takes.
 */
static void carry_out_string(struct test_vm *vm, uint16_t *data)
{
	const struct hv_x64_io_port_intercept_message *io = mshv_msg_io(&vm->vp.msg);
	bool write = io->header.intercept_access_type == HV_INTERCEPT_ACCESS_WRITE;
	int64_t step = io->header.rflags & 0x400 ? -2 : 2;
	uint64_t index = write ? io->rsi : io->rdi, i;
	struct hv_register_assoc regs[] = {
		{ .name = HV_X64_REGISTER_RCX },
		{ .name = write ? HV_X64_REGISTER_RSI : HV_X64_REGISTER_RDI },
		{ .name = HV_X64_REGISTER_RIP,
		  .value.reg64 = io->header.rip + mshv_msg_insn_length(&io->header) },
	};
	uint16_t *memory;
	__u64 gpa;
	int ret;

	for (i = 0; i < io->rcx; i++, index += step) {
		ret = mshv_translate_gva(vm->partition, 0, index,
					 write ? HV_TRANSLATE_GVA_VALIDATE_READ :
						 HV_TRANSLATE_GVA_VALIDATE_WRITE, &gpa);
		TEST_ASSERT(!ret, "%s", mshv_strerror());
		memory = vm_guest_address(vm, gpa, 2);
		if (write)
			data[i] = *memory;
		else
			*memory = data[i];
	}
	regs[1].value.reg64 = index;
	ret = mshv_set_registers(vm->vp.fd, 0, regs, ARRAY_SIZE(regs));
	TEST_ASSERT(!ret, "%s", mshv_strerror());
}

TEST(string_instructions_are_carried_out_whole)
{
	const struct hv_x64_io_port_intercept_message *io;
	uint16_t in[STRING_LENGTH], out[STRING_LENGTH];
	struct test_vm vm;
	int i;

	vm_init_long(&vm, PT_LAPIC, guest_moves_strings);
	io = mshv_msg_io(&vm.vp.msg);
	for (i = 0; i < STRING_LENGTH; i++)
		in[i] = 0xa000 + i;
	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(2 | HV_X64_IO_PORT_STRING_OP | HV_X64_IO_PORT_REP_PREFIX, io->access_info);
	EXPECT_EQ(HV_INTERCEPT_ACCESS_READ, io->header.intercept_access_type);
	ASSERT_EQ(STRING_LENGTH, io->rcx);
	carry_out_string(&vm, in);
	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(HV_INTERCEPT_ACCESS_WRITE, io->header.intercept_access_type);
	ASSERT_EQ(STRING_LENGTH, io->rcx);
	carry_out_string(&vm, out);
	vm_run_to_done(&vm);
	for (i = 0; i < STRING_LENGTH; i++) {
		EXPECT_EQ(in[STRING_LENGTH - 1 - i], out[i]) TH_LOG("word %d", i);
	}
	vm_destroy(&vm);
}

/* rep out %al, %dx; rep in %dx, %al: the prefix means nothing there. It has no code for that. */
static const uint8_t rep_without_string[] = { 0xf3, 0xee, 0xf3, 0xec, 0xf4 /* hlt */ };

TEST(rep_is_told_of_string_instructions_only)
{
	const struct hv_x64_io_port_intercept_message *io;
	const __u64 device = 0x55;
	struct test_vm vm;
	__u64 value = 0;
	int i;

	vm_init_real(&vm, 0, rep_without_string, sizeof(rep_without_string));
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RDX, 0x80));
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RCX, 3));
	io = mshv_msg_io(&vm.vp.msg);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
		EXPECT_EQ(0x80, io->port_number);
		EXPECT_EQ(1, io->access_info) TH_LOG("one byte, no string, no REP");
		EXPECT_EQ(i ? HV_INTERCEPT_ACCESS_READ : HV_INTERCEPT_ACCESS_WRITE,
			  io->header.intercept_access_type);
		EXPECT_EQ(2, mshv_msg_insn_length(&io->header));
		EXPECT_EQ(0xf3, io->instruction_bytes[0]);
		ASSERT_OK(mshv_vp_complete(&vm.vp, i ? &device : NULL));
	}
	/* Once each, and RCX was not counted down. */
	EXPECT_EQ(HVMSG_X64_HALT, vm_run(&vm));
	EXPECT_OK(mshv_vp_get_register(&vm.vp, HV_X64_REGISTER_RCX, &value));
	EXPECT_EQ(3, value);
	EXPECT_OK(mshv_vp_get_register(&vm.vp, HV_X64_REGISTER_RAX, &value));
	EXPECT_EQ(device, value);
	vm_destroy(&vm);
}

/* ---- A level-triggered line ---- */

#define LINE_GSI	5

/* An IOAPIC in the VMM: the line is injected again at each EOI while it is asserted. */
TEST(line_is_injected_again_at_its_eoi)
{
	/* MSI: level (bit 15), assert (bit 14), fixed */
	const struct mshv_user_irq_entry route = {
		.gsi = LINE_GSI, .address_lo = 0xfee00000, .data = 0xc000 | GUEST_VECTOR,
	};
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), eois = 0;
	struct test_vm vm;
	__u64 one = 1;

	vm_init_long(&vm, PT_LAPIC, guest_waits);
	vm_run_to_sync(&vm, 1);
	ASSERT_OK(mshv_set_msi_routing(vm.partition, &route, 1));
	ASSERT_OK(mshv_assign_irqfd(vm.partition, fd, LINE_GSI, -1));
	ASSERT_EQ(8, write(fd, &one, 8));
	/* The guest gets to its next sync before the next interrupt, or after it. */
	while (eois < 3) {
		if (vm_run(&vm) != HVMSG_X64_APIC_EOI) {
			ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm.vp.msg.header.message_type);
			vm_complete(&vm);
			continue;
		}
		EXPECT_EQ(GUEST_VECTOR, mshv_msg_eoi(&vm.vp.msg)->interrupt_vector);
		if (++eois < 3) {
			ASSERT_EQ(8, write(fd, &one, 8));
		}
	}
	EXPECT_EQ(3, vm_run_to_sync(&vm, 2));
	close(fd);
	vm_destroy(&vm);
}

/* ---- Time ---- */

static GUEST_CODE void guest_reads_time(void)
{
	for (;;)
		GUEST_SYNC_ARG(1, rdmsr(HV_X64_MSR_TIME_REF_COUNT));
}

TEST(time_stands_still_while_the_machine_is_paused)
{
	int dev = dev_open(), partition = create(dev, CH_FLAGS);
	__u64 time = 0, later = 0;
	struct test_vm vm;
	uint64_t seen;

	vm_init_long_with(&vm, dev, partition, guest_reads_time);
	ASSERT_OK(mshv_set_property(partition, HV_PARTITION_PROPERTY_TIME_FREEZE, 0));
	vm_run_to_sync(&vm, 1);
	ASSERT_OK(mshv_set_property(partition, HV_PARTITION_PROPERTY_TIME_FREEZE, 1));
	ASSERT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_REFERENCE_TIME, &time));
	usleep(20000);
	ASSERT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_REFERENCE_TIME, &later));
	EXPECT_EQ(time, later);
	/* As after a migration: the time of elsewhere, far from this one */
	time += 5000000000000ULL;
	ASSERT_OK(mshv_set_property(partition, HV_PARTITION_PROPERTY_REFERENCE_TIME, time));
	usleep(20000);
	ASSERT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_REFERENCE_TIME, &later));
	EXPECT_EQ(time, later);
	ASSERT_OK(mshv_set_property(partition, HV_PARTITION_PROPERTY_TIME_FREEZE, 0));
	seen = vm_run_to_sync(&vm, 1);
	EXPECT_LE(time, seen);
	EXPECT_GE(time + 100000000, seen) TH_LOG("10 s later than it was set to");
	EXPECT_LT(seen, vm_run_to_sync(&vm, 1));
	vm_destroy(&vm);
}

/* As it saves and restores two VPs, one after the other */
TEST(tsc_of_all_vps_is_that_of_one_moment)
{
	struct mshv_vp vp[2];
	__u64 tsc[2] = { 0 };
	struct test_vm vm;
	int round, i;

	vm_init_long(&vm, PT_LAPIC, guest_reads_time);
	vp[0] = vm.vp;
	vm_add_vp(&vm, &vp[1], 1, guest_reads_time);
	for (round = 0; round < 2; round++) {
		ASSERT_OK(mshv_set_property(vm.partition, HV_PARTITION_PROPERTY_TIME_FREEZE, 1));
		for (i = 0; i < 2; i++) {
			usleep(20000);
			ASSERT_OK(mshv_vp_get_register(&vp[i], HV_X64_REGISTER_TSC, &tsc[i]));
		}
		EXPECT_EQ(tsc[0], tsc[1]);
		for (i = 0; i < 2; i++) {
			usleep(20000);
			ASSERT_OK(mshv_vp_set_register(&vp[i], HV_X64_REGISTER_TSC, 1 << 20));
		}
		ASSERT_OK(mshv_set_property(vm.partition, HV_PARTITION_PROPERTY_TIME_FREEZE, 0));
	}
	mshv_vp_destroy(&vp[1]);
	vm_destroy(&vm);
}

/* ---- ioeventfds ---- */

#define DEVICE_GPA	0xd0000000ULL

static GUEST_CODE void guest_rings(void)
{
	for (;;) {
		*(volatile uint64_t *)DEVICE_GPA = 0x1122334455667788;
		*(volatile uint32_t *)(DEVICE_GPA + 8) = 0xcafe;
		*(volatile uint16_t *)(DEVICE_GPA + 16) = 7;
		GUEST_SYNC(1);
	}
}

TEST(ioeventfd_forms)
{
	static const struct {
		__u64 gpa, match;
		uint32_t length;
		bool datamatch;
	} forms[] = {
		{ DEVICE_GPA, 0x1122334455667788, 8, true },
		{ DEVICE_GPA + 8, 0xcafe, 4, true },
		{ DEVICE_GPA + 16, 0, 0, false },
	};
	struct test_vm vm;
	int fds[3], i, round;
	uint64_t count;

	vm_init_long(&vm, PT_LAPIC, guest_rings);
	/* Twice: what was taken away can come again. */
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 3; i++) {
			fds[i] = eventfd(0, EFD_CLOEXEC);
			ASSERT_OK(mshv_assign_ioeventfd(vm.partition, fds[i], forms[i].gpa,
							forms[i].length, forms[i].datamatch ?
							&forms[i].match : NULL));
		}
		vm_run_to_sync(&vm, 1);
		for (i = 0; i < 3; i++) {
			ASSERT_EQ(8, read(fds[i], &count, 8));
			EXPECT_EQ(1, count);
			ASSERT_OK(mshv_deassign_ioeventfd(vm.partition, fds[i], forms[i].gpa,
							  forms[i].length, forms[i].datamatch ?
							  &forms[i].match : NULL));
			close(fds[i]);
		}
	}
	EXPECT_EQ(HVMSG_UNMAPPED_GPA, vm_run(&vm));
	vm_destroy(&vm);
}

/* As KVM has it: one that waits for a value is not found without that value. */
TEST(ioeventfd_is_deassigned_with_its_value_or_without_one)
{
	const __u64 match = 0xcafe, other = 0xcaff, wide = 0x1122334455667788;
	int fd = eventfd(0, EFD_CLOEXEC);
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_rings);
	ASSERT_OK(mshv_assign_ioeventfd(vm.partition, fd, DEVICE_GPA + 8, 4, &match));
	EXPECT_EQ(-ENOENT, mshv_deassign_ioeventfd(vm.partition, fd, DEVICE_GPA + 8, 4, &other));
	EXPECT_OK(mshv_deassign_ioeventfd(vm.partition, fd, DEVICE_GPA + 8, 4, &match));
	EXPECT_EQ(-ENOENT, mshv_deassign_ioeventfd(vm.partition, fd, DEVICE_GPA + 8, 4, &match));
	/* Cloud Hypervisor says neither the value nor the length, be it 32 bits or 64. */
	ASSERT_OK(mshv_assign_ioeventfd(vm.partition, fd, DEVICE_GPA + 8, 4, &match));
	ASSERT_OK(mshv_assign_ioeventfd(vm.partition, fd, DEVICE_GPA, 8, &wide));
	EXPECT_OK(mshv_deassign_ioeventfd(vm.partition, fd, DEVICE_GPA + 8, 0, NULL));
	EXPECT_EQ(-ENOENT, mshv_deassign_ioeventfd(vm.partition, fd, DEVICE_GPA + 8, 0, NULL));
	EXPECT_OK(mshv_deassign_ioeventfd(vm.partition, fd, DEVICE_GPA, 0, NULL));
	EXPECT_EQ(-ENOENT, mshv_deassign_ioeventfd(vm.partition, fd, DEVICE_GPA, 0, NULL));
	/* Gone they are: the guest's write is the VMM's. */
	EXPECT_EQ(HVMSG_UNMAPPED_GPA, vm_run(&vm));
	EXPECT_EQ(DEVICE_GPA, mshv_msg_memory(&vm.vp.msg)->guest_physical_address);
	close(fd);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
