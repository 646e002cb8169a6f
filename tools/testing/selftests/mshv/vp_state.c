// SPDX-License-Identifier: GPL-2.0-only
/*
 * VP state: local APIC, XSAVE area, SynIC pages and synthetic timers are read,
 * written back, and read again the same.
 */
#include "mshv_test.h"

#define BUF_SIZE	(2 * PAGE_SIZE)

FIXTURE(vp) {
	struct test_vm vm;
	uint8_t *buf;
};

FIXTURE_SETUP(vp)
{
	vm_init(&self->vm, PT_LAPIC, 16 * PAGE_SIZE);
	self->buf = mem_alloc(BUF_SIZE);
}

FIXTURE_TEARDOWN(vp)
{
	vm_destroy(&self->vm);
}

static int state_ioctl(struct test_vm *vm, unsigned long request, unsigned int type, void *buf,
		       uint32_t *size)
{
	struct mshv_get_set_vp_state args = {
		.type = type, .buf_sz = *size, .buf_ptr = (uintptr_t)buf,
	};
	int ret = ioctl(vm->vp.fd, request, &args);

	*size = args.buf_sz;
	return ret;
}

TEST_F(vp, every_component_makes_a_round_trip)
{
	uint8_t *again = mem_alloc(BUF_SIZE), *written = mem_alloc(BUF_SIZE);
	unsigned int type;
	uint32_t size;

	for (type = 0; type < MSHV_VP_STATE_COUNT; type++) {
		memset(self->buf, 0xa5, BUF_SIZE);
		memset(again, 0xa5, BUF_SIZE);
		size = BUF_SIZE;
		ASSERT_EQ(0, state_ioctl(&self->vm, MSHV_GET_VP_STATE, type, self->buf, &size)) {
			TH_LOG("get %u: %s", type, strerror(errno));
		}
		EXPECT_LT(0, size);
		EXPECT_GE(4096, size);
		memcpy(written, self->buf, BUF_SIZE);
		size = BUF_SIZE;
		ASSERT_EQ(0, state_ioctl(&self->vm, MSHV_SET_VP_STATE, type, written, &size)) {
			TH_LOG("set %u: %s", type, strerror(errno));
		}
		EXPECT_EQ(0, memcmp(written, self->buf, BUF_SIZE));
		size = BUF_SIZE;
		ASSERT_EQ(0, state_ioctl(&self->vm, MSHV_GET_VP_STATE, type, again, &size));
		EXPECT_EQ(0, memcmp(self->buf, again, size)) TH_LOG("component %u", type);
	}
}

TEST_F(vp, local_apic_of_a_new_vp)
{
	struct hv_local_interrupt_controller_state *lapic = (void *)self->buf;
	int i;

	/* The driver counts in pages; the state is in the first bytes. */
	ASSERT_LE(sizeof(*lapic), mshv_get_vp_state(self->vm.vp.fd, MSHV_VP_STATE_LAPIC, lapic,
						    PAGE_SIZE));
	EXPECT_EQ(0, lapic->apic_id);
	EXPECT_EQ(0xff, lapic->apic_spurious & 0x1ff) TH_LOG("software-disabled");
	EXPECT_EQ(0x10000, lapic->apic_lvt_timer & 0x10000);
	EXPECT_EQ(0x10000, lapic->apic_lvt_lint0 & 0x10000);
	EXPECT_EQ(0, lapic->apic_initial_count);
	EXPECT_EQ(0, lapic->apic_counter_value);
	for (i = 0; i < 8; i++) {
		EXPECT_EQ(0, lapic->apic_isr[i] | lapic->apic_irr[i] | lapic->apic_tmr[i]);
	}
}

TEST_F(vp, local_apic_can_be_set)
{
	struct hv_local_interrupt_controller_state *lapic = (void *)self->buf;
	struct hv_local_interrupt_controller_state *again = (void *)(self->buf + PAGE_SIZE);

	ASSERT_OK(mshv_get_vp_state(self->vm.vp.fd, MSHV_VP_STATE_LAPIC, lapic, PAGE_SIZE));
	/* As VMMs do at boot: LINT0 delivers ExtINT, LINT1 NMI */
	lapic->apic_lvt_lint0 = 0x700;
	lapic->apic_lvt_lint1 = 0x400;
	lapic->apic_spurious = 0x1ff;
	lapic->apic_divide_configuration = 0xb;
	lapic->apic_irr[1] = 1 << 5;
	ASSERT_OK(mshv_set_vp_state(self->vm.vp.fd, MSHV_VP_STATE_LAPIC, lapic, PAGE_SIZE));
	ASSERT_OK(mshv_get_vp_state(self->vm.vp.fd, MSHV_VP_STATE_LAPIC, again, PAGE_SIZE));
	EXPECT_EQ(0x700, again->apic_lvt_lint0 & 0x107ff);
	EXPECT_EQ(0x400, again->apic_lvt_lint1 & 0x107ff);
	EXPECT_EQ(0x1ff, again->apic_spurious);
	EXPECT_EQ(0xb, again->apic_divide_configuration);
	EXPECT_EQ(1 << 5, again->apic_irr[1]);
}

TEST_F(vp, xsave_area_has_the_registers)
{
	struct hv_register_assoc xmm3 = {
		.name = HV_X64_REGISTER_XMM0 + 3, .value.reg128 = { 0x1122334455667788, 0x99aabb },
	};
	union hv_register_value value;
	__u64 size = 0;
	__u32 name = HV_X64_REGISTER_XMM0 + 4;

	ASSERT_OK(mshv_get_property(self->vm.partition, HV_PARTITION_PROPERTY_MAX_XSAVE_DATA_SIZE,
				    &size));
	ASSERT_OK(mshv_set_registers(self->vm.vp.fd, 0, &xmm3, 1));
	ASSERT_EQ(size, mshv_get_vp_state(self->vm.vp.fd, MSHV_VP_STATE_XSAVE, self->buf,
					  BUF_SIZE));
	/* The legacy area has XMM3 at 160 + 3 * 16; XCOMP_BV is at 520. */
	EXPECT_EQ(xmm3.value.reg128.low, *(uint64_t *)(self->buf + 208));
	EXPECT_EQ(xmm3.value.reg128.high, *(uint64_t *)(self->buf + 216));
	EXPECT_EQ(BIT(63), *(uint64_t *)(self->buf + 520) & BIT(63)) TH_LOG("compacted format");
	EXPECT_EQ(2, *(uint64_t *)(self->buf + 512) & 2) TH_LOG("SSE state is in use");

	*(uint64_t *)(self->buf + 224) = 0x4444;	/* XMM4 */
	ASSERT_OK(mshv_set_vp_state(self->vm.vp.fd, MSHV_VP_STATE_XSAVE, self->buf, BUF_SIZE));
	ASSERT_OK(mshv_get_registers(self->vm.vp.fd, 0, &name, &value, 1));
	EXPECT_EQ(0x4444, value.reg128.low);
}

TEST_F(vp, wrong_arguments_are_refused)
{
	static const unsigned long requests[] = { MSHV_GET_VP_STATE, MSHV_SET_VP_STATE };
	const struct mshv_get_set_vp_state good = {
		.type = MSHV_VP_STATE_LAPIC, .buf_sz = PAGE_SIZE, .buf_ptr = (uintptr_t)self->buf,
	};
	struct mshv_get_set_vp_state args;
	int i, j;

	for (i = 0; i < 2; i++) {
#define REFUSED(error, field, value) \
		do { \
			args = good; \
			args.field = value; \
			EXPECT_ERRNO(error, ioctl(self->vm.vp.fd, requests[i], &args)); \
		} while (0)

		REFUSED(EINVAL, type, MSHV_VP_STATE_COUNT);
		REFUSED(EINVAL, type, 0xff);
		for (j = 0; j < 3; j++)
			REFUSED(EINVAL, rsvd[j], 1);
		REFUSED(EINVAL, buf_sz, 0);
		REFUSED(EINVAL, buf_sz, 176);
		REFUSED(EINVAL, buf_sz, PAGE_SIZE + 1);
		REFUSED(EINVAL, buf_ptr, good.buf_ptr + 8);
		EXPECT_ERRNO(EFAULT, ioctl(self->vm.vp.fd, requests[i], NULL));

		/* Memory that is not there */
		args = good;
		args.buf_ptr = 0;
		EXPECT_EQ(-1, ioctl(self->vm.vp.fd, requests[i], &args));
		args.buf_ptr = 0xffff800000000000;
		EXPECT_EQ(-1, ioctl(self->vm.vp.fd, requests[i], &args));
		args = good;
		EXPECT_EQ(0, ioctl(self->vm.vp.fd, requests[i], &args));
		EXPECT_LE(sizeof(struct hv_local_interrupt_controller_state), args.buf_sz);
	}
}

TEST_F(vp, read_only_buffer_is_refused_for_get)
{
	uint8_t *page = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t size = PAGE_SIZE;

	ASSERT_NE(MAP_FAILED, (void *)page);
	EXPECT_EQ(-1, state_ioctl(&self->vm, MSHV_GET_VP_STATE, MSHV_VP_STATE_LAPIC, page, &size));
	EXPECT_EQ(EFAULT, errno);
	size = PAGE_SIZE;
	EXPECT_EQ(-1, state_ioctl(&self->vm, MSHV_GET_VP_STATE, MSHV_VP_STATE_SYNTHETIC_TIMERS,
				  page, &size));
	EXPECT_EQ(EFAULT, errno);
}

static volatile uint64_t guest_timer_vector = 0x50;

static GUEST_CODE void guest_arms_a_timer(void)
{
	guest_handler = guest_count_interrupts;
	guest_install_handlers();
	guest_enable_x2apic();
	wrmsr(MSR_X2APIC_TIMER_DIVIDE, 0xb);
	wrmsr(MSR_X2APIC_LVT_TIMER, 0x10000 | guest_timer_vector);
	wrmsr(MSR_X2APIC_TIMER_COUNT, 0xffffffff);
	GUEST_SYNC(1);
	GUEST_DONE();
}

TEST(local_apic_shows_what_the_guest_has_programmed)
{
	struct hv_local_interrupt_controller_state *lapic = mem_alloc(PAGE_SIZE);
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_arms_a_timer);
	vm_run_to_sync(&vm, 1);
	ASSERT_OK(mshv_get_vp_state(vm.vp.fd, MSHV_VP_STATE_LAPIC, lapic, PAGE_SIZE));
	EXPECT_EQ(0x1ff, lapic->apic_spurious & 0x1ff);
	EXPECT_EQ(0x10050, lapic->apic_lvt_timer & 0x100ff);
	EXPECT_EQ(0xb, lapic->apic_divide_configuration);
	EXPECT_EQ(0xffffffff, lapic->apic_initial_count);
	EXPECT_NE(0, lapic->apic_counter_value);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
