// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSHV_ROOT_HVCALL: which hypercalls pass on which file descriptor, and what
 * becomes of wrong arguments.
 */
#include <tlfs/synic.h>

#include "mshv_test.h"

FIXTURE(hvcall) {
	struct test_vm vm;
};

FIXTURE_SETUP(hvcall)
{
	vm_init(&self->vm, PT_LAPIC, PAGE_SIZE);
}

FIXTURE_TEARDOWN(hvcall)
{
	vm_destroy(&self->vm);
}

/* A call of GET_PARTITION_PROPERTY(PROCESSOR_VENDOR), which works on every fd */
static struct hv_input_get_partition_property in;
static __u64 out;

static const struct mshv_root_hvcall *good_call(void)
{
	static struct mshv_root_hvcall good = {
		.code = HVCALL_GET_PARTITION_PROPERTY, .in_sz = sizeof(in), .out_sz = sizeof(out),
	};

	in.property_code = HV_PARTITION_PROPERTY_PROCESSOR_VENDOR;
	good.in_ptr = (uintptr_t)&in;
	good.out_ptr = (uintptr_t)&out;
	return &good;
}

TEST_F(hvcall, good_call_on_every_fd)
{
	const int fds[] = { self->vm.dev, self->vm.partition, self->vm.vp.fd };
	struct mshv_root_hvcall call;
	int i;

	for (i = 0; i < 3; i++) {
		call = *good_call();
		out = ~0ULL;
		EXPECT_EQ(0, ioctl(fds[i], MSHV_ROOT_HVCALL, &call));
		EXPECT_EQ(HV_STATUS_SUCCESS, call.status);
		EXPECT_GE(HV_PROCESSOR_VENDOR_HYGON, out);
	}
}

TEST_F(hvcall, partition_id_is_not_the_callers_to_choose)
{
	struct mshv_root_hvcall call = *good_call();

	in.partition_id = 0x123456789;
	out = ~0ULL;
	EXPECT_EQ(0, ioctl(self->vm.partition, MSHV_ROOT_HVCALL, &call));
	EXPECT_GE(HV_PROCESSOR_VENDOR_HYGON, out);
	EXPECT_EQ(0x123456789, in.partition_id) TH_LOG("the caller's input is its own");
	in.partition_id = 0;
}

TEST_F(hvcall, wrong_arguments_are_einval)
{
	const int fds[] = { self->vm.dev, self->vm.partition, self->vm.vp.fd };
	struct mshv_root_hvcall call;
	int i, j;

	for (i = 0; i < 3; i++) {
#define REFUSED(field, value) \
		do { \
			call = *good_call(); \
			call.field = value; \
			EXPECT_ERRNO(EINVAL, ioctl(fds[i], MSHV_ROOT_HVCALL, &call)); \
		} while (0)

		REFUSED(status, 1);
		for (j = 0; j < sizeof(call.rsvd); j++)
			REFUSED(rsvd[j], 1);
		REFUSED(in_sz, 0);
		REFUSED(in_sz, 7);
		REFUSED(in_sz, 4097);
		REFUSED(in_sz, 0xffff);
		REFUSED(out_sz, 0);
		REFUSED(out_sz, 4097);
		REFUSED(in_ptr, 0);
		EXPECT_ERRNO(EFAULT, ioctl(fds[i], MSHV_ROOT_HVCALL, NULL));

		call = *good_call();
		call.in_ptr = 0xffff800000000000;
		EXPECT_ERRNO(EFAULT, ioctl(fds[i], MSHV_ROOT_HVCALL, &call));
		call = *good_call();
		call.out_ptr = 8;
		EXPECT_ERRNO(EFAULT, ioctl(fds[i], MSHV_ROOT_HVCALL, &call));
	}
}

/* A stored allow-list: every code there is, on each kind of file descriptor */
#define DEVICE		1
#define PARTITION	2
#define VP		4

static unsigned int allowed(unsigned int code)
{
	switch (code) {
	case HVCALL_GET_PARTITION_PROPERTY:
	case HVCALL_GET_PARTITION_PROPERTY_EX:
		return DEVICE | PARTITION | VP;
	case HVCALL_SET_PARTITION_PROPERTY:
		return PARTITION;
	case HVCALL_INSTALL_INTERCEPT:
	case HVCALL_GET_VP_REGISTERS:
	case HVCALL_SET_VP_REGISTERS:
	case HVCALL_TRANSLATE_VIRTUAL_ADDRESS:
	case HVCALL_CLEAR_VIRTUAL_INTERRUPT:
	case HVCALL_REGISTER_INTERCEPT_RESULT:
	case HVCALL_ASSERT_VIRTUAL_INTERRUPT:
	case HVCALL_SIGNAL_EVENT_DIRECT:
	case HVCALL_POST_MESSAGE_DIRECT:
	case HVCALL_GET_GPA_PAGES_ACCESS_STATES:
	case HVCALL_GET_VP_CPUID_VALUES:
		return PARTITION | VP;
	default:
		return 0;
	}
}

TEST_F(hvcall, only_listed_hypercalls_pass)
{
	const int fds[] = { self->vm.dev, self->vm.partition, self->vm.vp.fd };
	static uint8_t zeros[PAGE_SIZE], output[PAGE_SIZE];
	unsigned int code;
	int i, ret;

	for (code = 0; code < 0x10000; code++) {
		for (i = 0; i < 3; i++) {
			struct mshv_root_hvcall call = {
				.code = code, .in_sz = 64, .out_sz = 64,
				.in_ptr = (uintptr_t)zeros, .out_ptr = (uintptr_t)output,
			};

			if (allowed(code) & 1 << i)
				continue;
			errno = 0;
			ret = ioctl(fds[i], MSHV_ROOT_HVCALL, &call);
			if (ret != -1 || errno != EINVAL || call.status) {
				TH_LOG("code 0x%x on fd %d: %d, errno %d, status 0x%x", code, i,
				       ret, errno, call.status);
				ASSERT_TRUE(false);
			}
		}
	}
}

TEST_F(hvcall, listed_hypercalls_reach_the_hypervisor)
{
	static uint8_t ones[PAGE_SIZE];
	struct mshv_root_hvcall call;
	unsigned int code;

	/* Nonsense that no hypercall takes: the answer must be the hypervisor's. */
	memset(ones, 0xff, sizeof(ones));
	for (code = 0; code < 0x200; code++) {
		if (!(allowed(code) & PARTITION) || code == HVCALL_CLEAR_VIRTUAL_INTERRUPT)
			continue;
		call = (struct mshv_root_hvcall){
			.code = code, .in_sz = 512, .out_sz = 64, .in_ptr = (uintptr_t)ones,
			.out_ptr = 0,
		};
		call.out_ptr = (uintptr_t)&out;
		call.out_sz = sizeof(out);
		EXPECT_EQ(-1, ioctl(self->vm.partition, MSHV_ROOT_HVCALL, &call)) {
			TH_LOG("code 0x%x", code);
		}
		EXPECT_NE(HV_STATUS_SUCCESS, call.status) TH_LOG("code 0x%x", code);
	}
}

TEST_F(hvcall, status_and_errno_go_together)
{
	__u64 value;

	EXPECT_STATUS(UNKNOWN_PROPERTY, mshv_get_property(self->vm.partition, 0xdead, &value));
	EXPECT_EQ(EINVAL, mshv_last_error()->error);
	EXPECT_STATUS(UNKNOWN_PROPERTY, mshv_set_property(self->vm.partition, 0xdead, 1));
	EXPECT_STATUS(INVALID_PARTITION_STATE,
		      mshv_set_property(self->vm.partition,
					HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS, 0));
	EXPECT_EQ(EIO, mshv_last_error()->error);
	EXPECT_STATUS(INVALID_VP_INDEX, mshv_translate_gva(self->vm.partition, 77, 0, 1, &value));
}

/* A failed call must leave the output alone. */
TEST_F(hvcall, failed_call_writes_no_output)
{
	struct mshv_root_hvcall call = *good_call();

	in.property_code = 0xdead;
	out = 0x5a5a5a5a;
	EXPECT_EQ(-1, ioctl(self->vm.partition, MSHV_ROOT_HVCALL, &call));
	EXPECT_EQ(HV_STATUS_UNKNOWN_PROPERTY, call.status);
	EXPECT_EQ(0x5a5a5a5a, out);
}

/* ---- Properties ---- */

TEST_F(hvcall, host_properties)
{
	const int dev = self->vm.dev, partition = self->vm.partition;
	__u64 host = 0, guest = 0, bits = 0;

	EXPECT_OK(mshv_get_property(dev, HV_PARTITION_PROPERTY_PHYSICAL_ADDRESS_WIDTH, &bits));
	EXPECT_LE(32, bits);
	EXPECT_GE(52, bits);
	EXPECT_OK(mshv_get_property(dev, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0, &host));
	EXPECT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0, &guest));
	EXPECT_EQ(0, guest & ~host) TH_LOG("a guest has no feature that the host has not");
	EXPECT_OK(mshv_get_property(dev, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES1, &host));
	EXPECT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_PROCESSOR_CLOCK_FREQUENCY,
				    &guest));
	EXPECT_LT(1000000, guest);
	EXPECT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_XSAVE_STATES, &guest));
	EXPECT_EQ(3, guest & 3);
	EXPECT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_MAX_XSAVE_DATA_SIZE, &guest));
	EXPECT_LE(576, guest);
	EXPECT_GE(4096, guest);
}

TEST_F(hvcall, properties_can_be_set_and_read)
{
	static const struct {
		__u32 code;
		__u64 value;
	} values[] = {
		{ HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION, 1 },
		{ HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION, 0 },
		{ HV_PARTITION_PROPERTY_PROCESSORS_PER_SOCKET, 2 },
		{ HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 1 },
		{ HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 0 },
		{ HV_PARTITION_PROPERTY_TIME_FREEZE, 1 },
		{ HV_PARTITION_PROPERTY_REFERENCE_TIME, 12345678 },	/* while frozen */
		{ HV_PARTITION_PROPERTY_TIME_FREEZE, 0 },
	};
	__u64 value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		EXPECT_OK(mshv_set_property(self->vm.partition, values[i].code, values[i].value));
		value = ~0ULL;
		EXPECT_OK(mshv_get_property(self->vm.partition, values[i].code, &value));
		EXPECT_EQ(values[i].value, value) TH_LOG("property 0x%x", values[i].code);
	}
	EXPECT_GT(0, mshv_set_property(self->vm.partition,
				       HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION, 2));
}

TEST_F(hvcall, synthetic_features_are_set_before_initialize)
{
	struct hv_partition_property_synthetic_features offered = { 0 };
	__u64 value = 0;
	int fd;

	ASSERT_OK(mshv_get_property_ex(self->vm.dev,
				       HV_PARTITION_PROPERTY_ASSIGNABLE_SYNTHETIC_PROC_FEATURES, 0,
				       &offered, sizeof(offered)));
	EXPECT_LE(1, offered.bank_count);
	EXPECT_EQ(3, offered.bank0 & 3);
	fd = mshv_create_partition(self->vm.dev, PT_LAPIC);
	ASSERT_OK(fd);
	EXPECT_OK(mshv_set_property(fd, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES, 3));
	EXPECT_OK(mshv_get_property(fd, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES, &value));
	EXPECT_EQ(3, value);
	EXPECT_STATUS(INVALID_PARAMETER,
		      mshv_set_property(fd, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
					~offered.bank0));
	ASSERT_OK(mshv_initialize_partition(fd));
	EXPECT_STATUS(INVALID_PARTITION_STATE,
		      mshv_set_property(fd, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES, 1));
}

MSHV_TEST_MAIN
