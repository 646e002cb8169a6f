// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of a machine, by the calls that other VMMs use for theirs: registers
 * by hypercalls, the rest of a VP by MSHV_GET_VP_STATE and MSHV_SET_VP_STATE,
 * the partition's time by its properties.
 *
 * Time is frozen while state is read and while it is written. All VPs' TSCs are
 * then as of one moment, and those of the new partition begin at one.
 */
#include <signal.h>
#include <string.h>

#include "builtin.h"
#include "snapshot.h"
#include "vm.h"

/* Only a whole machine has them; they are the partition's, and VP 0 has them for all. */
#define MACHINE		0x1
#define PARTITION	0x2

/*
 * Registers in the order in which they are set: EFER and the control registers
 * before the segments, which mean something else in real mode; the APIC's mode
 * before its state; the guest's identity before its hypercall page; TSC_ADJUST,
 * which moves the TSC, before the TSC; what is pending at the end.
 */
static const struct {
	uint32_t name;
	uint16_t count;
	uint16_t flags;
} registers[] = {
	{ HV_X64_REGISTER_EFER, 1, 0 },
	{ HV_X64_REGISTER_XFEM, 1, 0 },
	{ HV_X64_REGISTER_CR0, 5, 0 },			/* CR0, CR2, CR3, CR4, CR8 */
	{ HV_X64_REGISTER_ES, 8, 0 },			/* to TR */
	{ HV_X64_REGISTER_IDTR, 2, 0 },
	{ HV_X64_REGISTER_DR0, 6, 0 },
	{ HV_X64_REGISTER_RAX, 18, 0 },			/* to RFLAGS */
	{ HV_X64_REGISTER_KERNEL_GS_BASE, 1, 0 },
	{ HV_X64_REGISTER_PAT, 8, 0 },			/* to SFMASK */
	{ HV_X64_REGISTER_TSC_AUX, 1, 0 },
	{ HV_X64_REGISTER_DEBUG_CTL, 1, 0 },
	{ HV_X64_REGISTER_MSR_IA32_MISC_ENABLE, 1, 0 },
	{ HV_X64_REGISTER_MSR_MTRR_DEF_TYPE, 1, 0 },
	{ HV_X64_REGISTER_MSR_MTRR_PHYS_BASE0, 8, 0 },
	{ HV_X64_REGISTER_MSR_MTRR_PHYS_MASK0, 8, 0 },
	{ HV_X64_REGISTER_MSR_MTRR_FIX64K00000, 11, 0 },
	{ HV_X64_REGISTER_TSC_ADJUST, 1, 0 },
	{ HV_X64_REGISTER_TSC, 1, 0 },
	{ HV_X64_REGISTER_APIC_BASE, 1, MACHINE },
	{ HV_REGISTER_GUEST_OS_ID, 1, MACHINE | PARTITION },
	{ HV_X64_REGISTER_HYPERCALL, 1, MACHINE | PARTITION },
	{ HV_REGISTER_REFERENCE_TSC, 1, MACHINE | PARTITION },
	{ HV_REGISTER_VP_ASSIST_PAGE, 1, MACHINE },
	{ HV_REGISTER_SINT0, 17, MACHINE },		/* and SCONTROL */
	{ HV_REGISTER_SIEFP, 2, MACHINE },		/* and SIMP */
	{ HV_X64_REGISTER_PENDING_DEBUG_EXCEPTION, 1, 0 },
	{ HV_REGISTER_PENDING_INTERRUPTION, 2, 0 },	/* and INTERRUPT_STATE */
	{ HV_REGISTER_INTERNAL_ACTIVITY_STATE, 1, 0 },
};

/* State after the registers: the pages that SIMP and SIEFP have put into the guest's memory, too */
static const uint8_t states[] = {
	MSHV_VP_STATE_XSAVE, MSHV_VP_STATE_LAPIC, MSHV_VP_STATE_SIMP, MSHV_VP_STATE_SIEFP,
	MSHV_VP_STATE_SYNTHETIC_TIMERS,
};

static const uint32_t feature_properties[SNAPSHOT_FEATURES] = {
	[SNAPSHOT_SYNTHETIC] = HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
	[SNAPSHOT_PROCESSOR0] = HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0,
	[SNAPSHOT_PROCESSOR1] = HV_PARTITION_PROPERTY_PROCESSOR_FEATURES1,
	[SNAPSHOT_XSAVE] = HV_PARTITION_PROPERTY_PROCESSOR_XSAVE_FEATURES,
};

static atomic_bool wanted;

static void handle_signal(int sig)
{
	(void)sig;
	wanted = true;
}

void snapshot_catch_signal(void)
{
	signal(SIGUSR1, handle_signal);
}

bool snapshot_wanted(void)
{
	return wanted;
}

/* How many states of the list a machine has: the first is for a flat program too. */
static unsigned int states_of(const struct vm *vm)
{
	return vm->config->flat ? 1 : ARRAY_SIZE(states);
}

static int freeze_time(struct vm *vm, bool freeze)
{
	return mshv_set_property(vm->partition, HV_PARTITION_PROPERTY_TIME_FREEZE, freeze);
}

/* ---- Saving ---- */

static int save_vp(const struct vcpu *vcpu, struct snapshot_vp *vp)
{
	union hv_register_value values[SNAPSHOT_REGISTERS];
	uint32_t names[SNAPSHOT_REGISTERS], n = 0, i, j;
	int ret;

	for (i = 0; i < ARRAY_SIZE(registers); i++) {
		if ((registers[i].flags & MACHINE && vcpu->vm->config->flat) ||
		    (registers[i].flags & PARTITION && vcpu->vp.index))
			continue;
		for (j = 0; j < registers[i].count; j++)
			names[n++] = registers[i].name + j;
	}
	ret = mshv_get_registers(vcpu->vp.fd, vcpu->vp.index, names, values, n);
	if (ret)
		return ret;
	for (i = 0; i < n; i++) {
		vp->registers[i].name = names[i];
		vp->registers[i].value = values[i];
	}
	vp->count = n;

	for (i = 0; i < states_of(vcpu->vm); i++) {
		if (mshv_get_vp_state(vcpu->vp.fd, states[i], vp->state[states[i]], PAGE_SIZE) < 0)
			return -1;
	}
	return 0;
}

static void save_devices(const struct vm *vm, struct snapshot_header *h)
{
	const struct serial *serial = &vm->serial;

	h->serial.ier = serial->ier;
	h->serial.fcr = serial->fcr;
	h->serial.lcr = serial->lcr;
	h->serial.mcr = serial->mcr;
	h->serial.scr = serial->scr;
	h->serial.thr_interrupt = serial->thr_interrupt;
	h->serial.overrun = serial->overrun;
	h->serial.irq = serial->irq;
	h->serial.divisor = serial->divisor;
	h->serial.head = serial->head;
	h->serial.count = serial->count;
	memcpy(h->serial.fifo, serial->fifo, sizeof(h->serial.fifo));
	memcpy(h->ioapic.entries, vm->ioapic.entries, sizeof(h->ioapic.entries));
	h->ioapic.lines = vm->ioapic.lines;
	h->ioapic.id = vm->ioapic.id;
	h->ioapic.selected = vm->ioapic.selected;
	h->cmos_selected = vm->cmos.selected;
}

static int save_partition(struct vm *vm, struct snapshot *s)
{
	struct snapshot_header *h = s->header;
	unsigned int i;
	__u64 value;

	if (vm->config->flat)
		h->flags |= SNAPSHOT_FLAT;
	if (vm->config->long_mode)
		h->flags |= SNAPSHOT_LONG_MODE;
	for (i = 0; i < SNAPSHOT_FEATURES; i++) {
		if (mshv_get_property(vm->partition, feature_properties[i], &value))
			return -1;
		h->features[i] = value;
	}
	if (freeze_time(vm, true) ||
	    mshv_get_property(vm->partition, HV_PARTITION_PROPERTY_REFERENCE_TIME, &value))
		return -1;
	h->reference_time = value;
	for (i = 0; i < vm->config->cpus; i++) {
		if (save_vp(&vm->cpus[i], &s->vps[i]))
			return -1;
	}
	return 0;
}

int snapshot_save(struct vm *vm, const char *path)
{
	int status = STATUS_ERROR;
	struct snapshot s;

	if (snapshot_alloc(&s, path, vm->config->cpus))
		goto out;
	if (save_partition(vm, &s)) {
		complain("no snapshot: %s", mshv_strerror());
		goto out;
	}
	save_devices(vm, s.header);
	if (!snapshot_write(&s, &vm->memory))
		status = STATUS_OK;
out:
	snapshot_free(&s);
	return status;
}

/* ---- Restoring ---- */

void snapshot_config(const struct snapshot *s, struct vm_config *config)
{
	config->memory = s->header->memory;
	config->cpus = s->header->cpus;
	config->flat = s->header->flags & SNAPSHOT_FLAT;
	config->long_mode = s->header->flags & SNAPSHOT_LONG_MODE;
}

/* The guest goes on using what it has found when it booted. */
static int check_features(const struct snapshot *s, struct vm *vm)
{
	unsigned int i;
	__u64 value;

	for (i = 0; i < SNAPSHOT_FEATURES; i++) {
		if (mshv_get_property(vm->partition, feature_properties[i], &value))
			return complain("%s", mshv_strerror());
		if (s->header->features[i] & ~value)
			return complain("%s: its guest may use what is not here: %s, 0x%llx",
					s->path, mshv_property_name(feature_properties[i]),
					s->header->features[i] & ~value);
	}
	return 0;
}

static int restore_vp(struct vcpu *vcpu, const struct snapshot_vp *vp)
{
	unsigned int i;

	if (mshv_set_registers(vcpu->vp.fd, vcpu->vp.index, vp->registers, vp->count))
		return -1;
	for (i = 0; i < states_of(vcpu->vm); i++) {
		if (mshv_set_vp_state(vcpu->vp.fd, states[i], vp->state[states[i]], PAGE_SIZE))
			return -1;
	}
	return 0;
}

static int restore_partition(const struct snapshot *s, struct vm *vm)
{
	unsigned int i;

	if (freeze_time(vm, true) ||
	    mshv_set_property(vm->partition, HV_PARTITION_PROPERTY_REFERENCE_TIME,
			      s->header->reference_time))
		return -1;
	for (i = 0; i < vm->config->cpus; i++) {
		if (restore_vp(&vm->cpus[i], &s->vps[i]))
			return -1;
	}
	return freeze_time(vm, false);
}

/* What the devices have asked of the processors is in the state of those. */
static void restore_devices(const struct snapshot *s, struct vm *vm)
{
	const struct snapshot_header *h = s->header;
	struct serial *serial = &vm->serial;

	serial->ier = h->serial.ier;
	serial->fcr = h->serial.fcr;
	serial->lcr = h->serial.lcr;
	serial->mcr = h->serial.mcr;
	serial->scr = h->serial.scr;
	serial->thr_interrupt = h->serial.thr_interrupt;
	serial->overrun = h->serial.overrun;
	serial->irq = h->serial.irq;
	serial->divisor = h->serial.divisor;
	serial->head = h->serial.head;
	serial->count = h->serial.count;
	memcpy(serial->fifo, h->serial.fifo, sizeof(serial->fifo));
	memcpy(vm->ioapic.entries, h->ioapic.entries, sizeof(vm->ioapic.entries));
	vm->ioapic.lines = h->ioapic.lines;
	vm->ioapic.id = h->ioapic.id;
	vm->ioapic.selected = h->ioapic.selected;
	vm->cmos.selected = h->cmos_selected;
}

int snapshot_restore(const struct snapshot *s, struct vm *vm)
{
	if (check_features(s, vm) || snapshot_read_memory(s, &vm->memory))
		return -1;
	if (restore_partition(s, vm))
		return complain("%s: cannot be restored: %s", s->path, mshv_strerror());
	restore_devices(s, vm);
	return 0;
}
