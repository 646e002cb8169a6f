// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two processors that halt with interrupts off, on hypervisors that tell of each HLT, and
 * on those that tell of the last one only.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "builtin.h"
#include "vm.h"

#include "kselftest_harness.h"

#define CPUS		2
#define PARTITION	1000	/* file descriptors that no one has */
#define VP		2000
#define RFLAGS_OFF	0x2ULL
#define RFLAGS_ON	0x202ULL
#define FOR_EVER	~0U

/* What the hypervisor does with each VP, in the order of time */
static struct {
	unsigned int waits_for;	/* so many runs of the other one */
	unsigned int halts;	/* so many messages, then it stays in its run */
	int error;		/* of reading its registers, or 0 and */
	__u64 activity, rflags;
	atomic_uint runs;
} vps[CPUS];

static int interrupted(void)
{
	usleep(1000);
	errno = EINTR;
	return -1;
}

static int run_vp(unsigned int i, struct hv_message *msg)
{
	struct hv_x64_intercept_message_header header = { .vp_index = i, .rflags = RFLAGS_OFF };

	if (vps[1 - i].runs < vps[i].waits_for)
		return interrupted();
	vps[i].runs++;
	if (!vps[i].halts)
		return interrupted();
	if (vps[i].halts != FOR_EVER)
		vps[i].halts--;
	msg->header.message_type = HVMSG_X64_HALT;
	memcpy(msg->u.payload, &header, sizeof(header));
	return 0;
}

static int get_registers(struct mshv_root_hvcall *call)
{
	const struct hv_input_get_vp_registers *in = (void *)call->in_ptr;
	const __u32 *names = (const __u32 *)(in + 1);
	union hv_register_value *out = (void *)call->out_ptr;
	unsigned int i;

	errno = vps[in->vp_index].error;
	if (errno)
		return -1;
	for (i = 0; i < call->reps; i++)
		out[i].reg64 = names[i] == HV_X64_REGISTER_RFLAGS ? vps[in->vp_index].rflags :
								    vps[in->vp_index].activity;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *args);
int __wrap_ioctl(int fd, unsigned long request, void *args)
{
	if (fd >= VP && request == MSHV_RUN_VP)
		return run_vp(fd - VP, args);
	if (fd == PARTITION && request == MSHV_ROOT_HVCALL)
		return get_registers(args);
	errno = ENOTTY;
	return -1;
}

FIXTURE(halted) {
	struct vm_config config;
	struct vcpu cpus[CPUS];
	struct vm vm;
};

FIXTURE_SETUP(halted)
{
	unsigned int i;

	memset(vps, 0, sizeof(vps));
	vps[0].halts = FOR_EVER;
	self->config.cpus = CPUS;
	self->vm.config = &self->config;
	self->vm.partition = PARTITION;
	self->vm.cpus = self->cpus;
	self->vm.end_event = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&self->vm.end_lock, NULL);
	for (i = 0; i < CPUS; i++) {
		self->cpus[i].vm = &self->vm;
		self->cpus[i].vp.index = i;
		self->cpus[i].vp.fd = VP + i;
	}
}

FIXTURE_TEARDOWN(halted)
{
	close(self->vm.end_event);
}

#define ENDS	10000	/* at once, but the machine may be a slow one */
#define GOES_ON	200

/*
 * How they end, or STATUS_TIMEOUT if they go on for that long; longer, up to ENDS, while the first
 * one has not run that often.
 */
static int run_cpus(struct halted_fixture_data *self, unsigned int ms, unsigned int runs)
{
	unsigned int i;

	for (i = 0; i < CPUS; i++) {
		if (vcpu_start(&self->cpus[i]))
			return STATUS_ERROR;
	}
	for (i = 0; (i < ms || (vps[0].runs < runs && i < ENDS)) && !self->vm.ended; i++)
		usleep(1000);
	vm_end(&self->vm, STATUS_TIMEOUT, "%s", "");
	for (i = 0; i < CPUS; i++)
		vcpu_stop(&self->cpus[i]);
	return self->vm.status;
}

TEST_F(halted, each_is_told)
{
	vps[1].halts = FOR_EVER;
	vps[0].error = EIO;
	vps[1].error = EIO;
	EXPECT_EQ(STATUS_GUEST_HALTED, run_cpus(self, ENDS, 0));
}

TEST_F(halted, the_last_is_told)
{
	vps[1].activity = HV_ACTIVITY_HALT_SUSPEND;
	vps[1].rflags = RFLAGS_OFF;
	EXPECT_EQ(STATUS_GUEST_HALTED, run_cpus(self, ENDS, 0));
}

TEST_F(halted, the_other_was_never_started)
{
	vps[1].activity = HV_ACTIVITY_STARTUP_SUSPEND;
	vps[1].rflags = RFLAGS_OFF;
	EXPECT_EQ(STATUS_GUEST_HALTED, run_cpus(self, ENDS, 0));
}

TEST_F(halted, an_interrupt_can_wake_the_other)
{
	vps[1].activity = HV_ACTIVITY_HALT_SUSPEND;
	vps[1].rflags = RFLAGS_ON;
	EXPECT_EQ(STATUS_TIMEOUT, run_cpus(self, GOES_ON, 0));
}

TEST_F(halted, the_other_runs)
{
	vps[1].rflags = RFLAGS_OFF;
	EXPECT_EQ(STATUS_TIMEOUT, run_cpus(self, GOES_ON, 2));
	EXPECT_LT(1, vps[0].runs);
}

TEST_F(halted, nobody_knows_about_the_other)
{
	vps[1].error = EIO;
	EXPECT_EQ(STATUS_TIMEOUT, run_cpus(self, GOES_ON, 0));
}

/* It was told once, and then woken: it runs, and nothing else is told of it. */
TEST_F(halted, the_other_runs_again)
{
	vps[0].waits_for = 2;
	vps[1].halts = 1;
	EXPECT_EQ(STATUS_TIMEOUT, run_cpus(self, GOES_ON, 2));
	EXPECT_LT(1, vps[0].runs);
}

TEST_HARNESS_MAIN
