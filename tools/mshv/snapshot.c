// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of a machine, by the calls that other VMMs use for theirs: what a VP is
 * by mshv_vp_save() and mshv_vp_restore(), the partition's time by its properties.
 *
 * Time is frozen while state is read and while it is written. All VPs' TSCs are
 * then as of one moment, and those of the new partition begin at one.
 */
#include <signal.h>

#include "builtin.h"
#include "snapshot.h"
#include "vm.h"

/* What the new partition has to offer */
static const uint32_t feature_properties[SNAPSHOT_FEATURES] = {
	HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
	HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0,
	HV_PARTITION_PROPERTY_PROCESSOR_FEATURES1,
	HV_PARTITION_PROPERTY_PROCESSOR_XSAVE_FEATURES,
};

static atomic_bool wanted;

static void handle_signal(int sig)
{
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

static int freeze_time(struct vm *vm, bool freeze)
{
	return mshv_set_property(vm->partition, HV_PARTITION_PROPERTY_TIME_FREEZE, freeze);
}

/* ---- Saving ---- */

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
		if (mshv_vp_save(&vm->cpus[i].vp, !vm->config->flat, &s->vps[i]))
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
	s.header->serial = vm->serial.state;
	s.header->ioapic = vm->ioapic.state;
	s.header->cmos_selected = vm->cmos.selected;
	status = snapshot_write(&s, &vm->space.memory, vm->signals);
out:
	snapshot_free(&s);
	return status;
}

/* ---- Restoring ---- */

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

static int restore_partition(const struct snapshot *s, struct vm *vm)
{
	unsigned int i;

	if (freeze_time(vm, true) ||
	    mshv_set_property(vm->partition, HV_PARTITION_PROPERTY_REFERENCE_TIME,
			      s->header->reference_time))
		return -1;
	for (i = 0; i < vm->config->cpus; i++) {
		if (mshv_vp_restore(&vm->cpus[i].vp, !vm->config->flat, &s->vps[i]))
			return -1;
	}
	return freeze_time(vm, false);
}

int snapshot_restore(const struct snapshot *s, struct vm *vm)
{
	if (check_features(s, vm) || snapshot_read_memory(s, &vm->space.memory))
		return -1;
	if (restore_partition(s, vm))
		return complain("%s: cannot be restored: %s", s->path, mshv_strerror());
	/* What the devices have asked of the processors is in the state of those. */
	vm->serial.state = s->header->serial;
	vm->ioapic.state = s->header->ioapic;
	vm->cmos.selected = s->header->cmos_selected;
	return 0;
}
