// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a parent wants to see of its child, and to say in the place of its
 * processor: intercepts, and results of CPUID.
 *
 * Both are looked up at exits, so that they are in hash tables, whose page the
 * partition gives with the first of them. Entries stay until the partition is
 * finalized, and where they are: VPs look them up without a lock.
 */
#include <asm/cpu.h>
#include <openhv/atomic.h>
#include <openhv/hypercall.h>
#include <openhv/partition.h>
#include <openhv/run.h>
#include <openhv/vpcall.h>
#include <tlfs/vp.h>

/*
 * Results of CPUID: as many a VP, of a partition with all VPs there can be, as the
 * VMMs give that tell each VP of every sub-leaf. Intercepts: more than any installs.
 */
#define CPUID_RESULTS_MAX	(256U * VP_MAX)
#define INTERCEPTS_MAX		1024U

static u32 bucket(u64 a, u64 b)
{
	/* Fibonacci hashing: the product's high bits depend on all of the input's. */
	return ((a << 32 ^ b) * 0x9E3779B97F4A7C15UL) >> 56 & (INTERCEPT_BUCKETS - 1);
}

/* The partition's table; its lock is held. NULL: there is no page for one. */
static struct intercept_table *table_of_partition(struct partition *p)
{
	if (!p->intercept_table)
		store_release(&p->intercept_table, pool_alloc(&p->pool));
	return p->intercept_table;
}

static struct intercept *find_intercept(const struct intercept_table *t, u32 type, u64 parameter)
{
	struct intercept *i;

	for (i = load_acquire(&t->intercepts[bucket(type, parameter)]); i; i = i->next) {
		if (i->type == type && i->parameter == parameter)
			return i;
	}
	return NULL;
}

bool intercept_wanted(struct partition *p, u32 type, u64 parameter, u32 access)
{
	const struct intercept_table *t = load_acquire(&p->intercept_table);
	const struct intercept *i = t ? find_intercept(t, type, parameter) : NULL;

	return i && READ_ONCE(i->access) & access;
}

/* One for a sub-leaf counts for more than one for all of them. */
static struct cpuid_override *find_result(const struct intercept_table *t, u32 vp_index, u32 leaf,
					  u32 subleaf)
{
	struct cpuid_override *o, *any = NULL;

	for (o = load_acquire(&t->cpuid[bucket(vp_index, leaf)]); o; o = o->next) {
		if (o->p.eax != leaf || o->vp_index != vp_index)
			continue;
		if (!o->p.subleaf_specific)
			any = o;
		else if (o->p.ecx == subleaf)
			return o;
	}
	return any;
}

const struct cpuid_override *cpuid_result(struct vp *vp, u32 leaf, u32 subleaf)
{
	const struct intercept_table *t = load_acquire(&vp->partition->intercept_table);
	const struct cpuid_override *o;

	if (!t)
		return NULL;
	/* A VP's own counts for more than the partition's. */
	o = find_result(t, vp->index, leaf, subleaf);
	return o ? o : find_result(t, HV_ANY_VP, leaf, subleaf);
}

/*
 * Intercepts that openhv has; the rest of the TLFS's are refused. The parameter
 * is a union of eight bytes (HV_INTERCEPT_PARAMETERS): what its type does not
 * use of it means nothing, and most types use nothing.
 */
static bool intercept_known(u32 type, u64 *parameter)
{
	switch (type) {
	case HV_INTERCEPT_TYPE_X64_IO_PORT:
	case HV_INTERCEPT_TYPE_X64_IO_PORT_RANGE:
		return true;		/* all ports are intercepted anyway */
	case HV_INTERCEPT_TYPE_X64_MSR_INDEX:
	case HV_INTERCEPT_TYPE_X64_CPUID:
	case HV_INTERCEPT_TYPE_X64_GLOBAL_CPUID:
		*parameter = lower_32(*parameter);
		return true;
	case HV_INTERCEPT_TYPE_X64_MSR:
	case HV_INTERCEPT_TYPE_HYPERCALL:
	case HV_INTERCEPT_TYPE_UNKNOWN_SYNIC_CONNECTION:
	case HV_INTERCEPT_TYPE_RETARGET_INTERRUPT_WITH_UNKNOWN_DEVICE_ID:
	case HV_INTERCEPT_TYPE_X64_APIC_EOI:
		*parameter = 0;
		return true;
	case HV_INTERCEPT_TYPE_EXCEPTION:
		*parameter = (u16)*parameter;
		/* Not NMI, and not #MC, which are the machine's. */
		return *parameter < 32 && *parameter != X86_TRAP_NMI &&
		       *parameter != X86_TRAP_MC;
	}
	return false;
}

/* A change of what exits: every VP takes it over at its next entry. */
static void update_intercepts(struct partition *p)
{
	const struct intercept *i;
	u32 exceptions = 0, n;
	bool pass = true;

	/* With the lock: the table is there as long as finalizing has to wait for it. */
	spin_lock(&p->lock);
	for (n = 0; n < INTERCEPT_BUCKETS && p->intercept_table; n++) {
		for (i = p->intercept_table->intercepts[n]; i; i = i->next) {
			if (!i->access)
				continue;
			if (i->type == HV_INTERCEPT_TYPE_EXCEPTION)
				exceptions |= BIT(i->parameter);
			if (i->type == HV_INTERCEPT_TYPE_X64_MSR ||
			    i->type == HV_INTERCEPT_TYPE_X64_MSR_INDEX)
				pass = false;
		}
	}
	p->exception_intercepts = exceptions;
	p->pass_msrs = pass;
	spin_unlock(&p->lock);
	for (n = 0; n < VP_MAX; n++) {
		struct vp *vp = vp_get(p, n);

		if (!vp)
			continue;
		vp_lock(vp);
		/* What is wanted by now: another call may have changed it since. */
		vcpu_pass_msrs(&vp->vcpu, READ_ONCE(p->pass_msrs));
		vcpu_intercept_exceptions(&vp->vcpu, READ_ONCE(p->exception_intercepts));
		vp_unlock(vp);
		vp_put(vp);
	}
}

/*
 * The table, to add to it or change it, with the partition's lock held: not once it has
 * been finalized, for what is allocated then would never be freed.
 */
static hv_status_t table_to_change(struct partition *p, struct intercept_table **t)
{
	if (p->state != PARTITION_ACTIVE)
		return HV_STATUS_INVALID_PARTITION_STATE;
	*t = table_of_partition(p);
	return *t ? HV_STATUS_SUCCESS : HV_STATUS_INSUFFICIENT_MEMORY;
}

/* The partition's lock is held. */
static hv_status_t install(struct partition *p, u32 type, u64 parameter, u32 access)
{
	struct intercept **head, *i;
	struct intercept_table *t;
	hv_status_t status = table_to_change(p, &t);

	if (status)
		return status;
	i = find_intercept(t, type, parameter);
	if (i) {
		WRITE_ONCE(i->access, access);
		return HV_STATUS_SUCCESS;
	}
	if (!access)
		return HV_STATUS_SUCCESS;
	if (p->intercept_count == INTERCEPTS_MAX)
		return HV_STATUS_NO_RESOURCES;
	i = partition_alloc_small(p);
	if (!i)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	i->type = type;
	i->parameter = parameter;
	i->access = access;
	head = &t->intercepts[bucket(type, parameter)];
	i->next = *head;
	store_release(head, i);
	store_release(&p->intercept_count, p->intercept_count + 1);
	return HV_STATUS_SUCCESS;
}

hv_status_t hvc_install_intercept(struct hvcall *c)
{
	const struct hv_input_install_intercept *in = c->in;
	hv_status_t status;
	u64 parameter = in->intercept_parameter;
	struct partition *p;
	u32 type = in->intercept_type;

	if (in->access_type & ~HV_INTERCEPT_ACCESS_MASK_VALID ||
	    !intercept_known(type, &parameter))
		return HV_STATUS_INVALID_PARAMETER;
	if (type == HV_INTERCEPT_TYPE_X64_GLOBAL_CPUID)
		type = HV_INTERCEPT_TYPE_X64_CPUID;
	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	if (partition_is_root(p)) {
		partition_put(p);
		return HV_STATUS_ACCESS_DENIED;
	}
	spin_lock(&p->lock);
	status = install(p, type, parameter, in->access_type);
	spin_unlock(&p->lock);
	if (!status)
		update_intercepts(p);
	partition_put(p);
	return status;
}

static hv_status_t register_cpuid(struct partition *p, u32 vp_index,
				  const struct hv_register_x64_cpuid_result_parameters *params)
{
	struct cpuid_override **head, *o;
	struct intercept_table *t;
	hv_status_t status = table_to_change(p, &t);

	if (status)
		return status;
	head = &t->cpuid[bucket(vp_index, params->eax)];
	for (o = *head; o; o = o->next) {
		if (o->vp_index == vp_index && o->p.eax == params->eax &&
		    !o->p.subleaf_specific == !params->subleaf_specific &&
		    (!params->subleaf_specific || o->p.ecx == params->ecx)) {
			/* A VP that reads it meanwhile may see some of each. */
			o->p = *params;
			return HV_STATUS_SUCCESS;
		}
	}
	if (p->cpuid_count == CPUID_RESULTS_MAX)
		return HV_STATUS_NO_RESOURCES;
	o = partition_alloc_small(p);
	if (!o)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	o->p = *params;
	o->vp_index = vp_index;
	o->next = *head;
	store_release(head, o);
	p->cpuid_count++;
	return HV_STATUS_SUCCESS;
}

hv_status_t hvc_register_intercept_result(struct hvcall *c)
{
	const struct hv_input_register_intercept_result *in = c->in;
	struct partition *p;
	hv_status_t status;

	if (in->intercept_type != HV_INTERCEPT_TYPE_X64_CPUID)
		return HV_STATUS_INVALID_PARAMETER;
	if (in->vp_index != HV_ANY_VP && in->vp_index >= VP_MAX)
		return HV_STATUS_INVALID_VP_INDEX;
	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	if (partition_is_root(p)) {
		status = HV_STATUS_ACCESS_DENIED;
	} else {
		spin_lock(&p->lock);
		status = register_cpuid(p, in->vp_index, &in->parameters.cpuid);
		spin_unlock(&p->lock);
	}
	partition_put(p);
	return status;
}
