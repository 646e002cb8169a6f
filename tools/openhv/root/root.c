// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root partition: all of the machine but what openhv keeps.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/features.h>
#include <openhv/gwalk.h>
#include <openhv/log.h>
#include <openhv/partition.h>
#include <openhv/platform.h>
#include <openhv/root.h>
#include <openhv/run.h>
#include <openhv/string.h>
#include <tlfs/cpuid.h>
#include <tlfs/msr.h>

void *hypercall_page;
void *reference_tsc_page;

/* ENDBR64; VMMCALL; RET: kernels with IBT want the first */
static const u8 hypercall_code[] = { 0xF3, 0x0F, 0x1E, 0xFA, 0x0F, 0x01, 0xD9, 0xC3 };

static void *shown_page(u32 rights)
{
	void *page = own_alloc();
	u64 pfn = virt_to_phys(page) >> PAGE_SHIFT;

	if (!page)
		refuse("out of memory for the root partition's pages");
	frames_set(pfn, 1, FRAME_SHOWN);
	root_show_page(pfn, rights);
	return page;
}

static void *own_page(void)
{
	void *page = own_alloc();

	if (!page)
		refuse("out of memory for the root partition's processors");
	return page;
}

static void make_vp(struct lp *lp)
{
	struct vp *vp = own_page();
	struct vp_pages pages = {
		.vmcb = own_page(),
		.fpu = own_page(),
		.simp = shown_page(GPA_RW),
		.siefp = shown_page(GPA_RW),
		.sirbp = shown_page(GPA_RW),
		.assist = shown_page(GPA_RW),
	};

	vp_init(vp, &root_partition, lp->index, lp->apic_id, &pages);
	/* Root begins in x2APIC mode, on processors that may have none. */
	vp->apic.base |= APIC_BASE_EXTD;
	vp->lp = lp;
	vp->running = VP_RUNNING;
	/* An LP that may run others does not halt in the guest. */
	vcpu_intercept_hlt(&vp->vcpu, !sched->dispatch);
	lp->root_vp = vp;
	vp_publish(&root_partition, vp);
}

/* Everything that is not openhv's, at its own address, with the largest pages */
static void map_machine(void)
{
	struct gpamap *map = &root_partition.gpamap;
	u64 pfn = 0, end = platform_map_end() >> PAGE_SHIFT;
	struct gpa_gather g;

	gpa_gather_init(&g, map);
	write_lock(&map->lock);
	while (pfn < end) {
		unsigned int order = MAP_ORDER_4K;

		if (vcpu_caps.large_1g && IS_ALIGNED(pfn, 1UL << MAP_ORDER_1G))
			order = MAP_ORDER_1G;
		else if (IS_ALIGNED(pfn, 1UL << MAP_ORDER_2M))
			order = MAP_ORDER_2M;
		while (order && (pfn + (1UL << order) > end ||
				 platform_is_own(pfn, 1UL << order)))
			order -= 9;
		if (!platform_is_own(pfn, 1) &&
		    gpamap_map(&g, pfn, pfn, order, GPA_RWX))
			refuse("out of memory for the root partition's page tables");
		pfn += 1UL << order;
	}
	write_unlock(&map->lock);
}

void root_init(void)
{
	struct partition *p = &root_partition;
	u32 i;

	p->privileges = HV_ACCESS_VP_RUNTIME | HV_ACCESS_PARTITION_REFERENCE_COUNTER |
			HV_ACCESS_SYNIC_REGS | HV_ACCESS_SYNTHETIC_TIMER_REGS |
			HV_ACCESS_INTR_CTRL_REGS | HV_ACCESS_HYPERCALL_REGS | HV_ACCESS_VP_INDEX |
			HV_ACCESS_PARTITION_REFERENCE_TSC | HV_ACCESS_FREQUENCY_REGS;
	/* With it Linux reads the TSC itself, and asks us for the time never again. */
	if (platform_tsc_invariant())
		p->privileges |= HV_ACCESS_TSC_INVARIANT;
	p->privileges |= (u64)(HV_CREATE_PARTITIONS | HV_ACCESS_PARTITION_ID |
			       HV_ACCESS_MEMORY_POOL | HV_ADJUST_MESSAGE_BUFFERS |
			       HV_POST_MESSAGES | HV_SIGNAL_EVENTS | HV_CREATE_PORT |
			       HV_CONNECT_PORT | HV_ACCESS_STATS | HV_CPU_MANAGEMENT) << 32;
	p->proc_features[0] = host_proc_features[0];
	p->proc_features[1] = host_proc_features[1];
	p->xsave_features = host_xsave_features;
	p->msr_ignore = false;
	partition_time_start(p);
	p->vps = own_page();
	if (gpamap_init(&p->gpamap, p, true))
		refuse("out of memory for the root partition's page tables");
	map_machine();

	hypercall_page = shown_page(GPA_READ | GPA_EXEC);
	memcpy(hypercall_page, hypercall_code, sizeof(hypercall_code));
	p->hypercall = virt_to_phys(hypercall_page);
	reference_tsc_page = shown_page(GPA_READ);
	p->reference_tsc = virt_to_phys(reference_tsc_page);
	for (i = 0; i < lp_count; i++)
		make_vp(lps[i]);
	lps[0]->added = true;
	partition_tsc_page(p, reference_tsc_page);
}

/*
 * Root numbers a processor: LP @from, which is not in use yet, becomes LP
 * @to. Both have their VPs, which only wait for a SIPI.
 */
hv_status_t root_number_lp(u32 from, u32 to)
{
	struct lp *a = lps[from], *b = lps[to];

	if (from == to)
		return HV_STATUS_SUCCESS;
	/* Neither may be the one that runs already, nor have been numbered. */
	if (!from || !to)
		return HV_STATUS_INVALID_PARAMETER;
	a->index = to;
	b->index = from;
	a->root_vp->index = to;
	b->root_vp->index = from;
	lps[to] = a;
	lps[from] = b;
	root_partition.vps[to].vp = a->root_vp;
	root_partition.vps[from].vp = b->root_vp;
	return HV_STATUS_SUCCESS;
}

void lp_device_interrupt(struct lp *lp, u8 vector, bool level)
{
	struct vlapic *apic = &lp->root_vp->apic;

	if (level)
		bitmap_set_atomic(apic->physical, vector);
	vlapic_accept(apic, vector, level);
}

void lp_root_eoi(struct lp *lp, u8 vector)
{
	(void)lp;
	(void)vector;
	apic_eoi();
}

/*
 * What root's tables do not map is memory of devices far above RAM, which is
 * mapped when it is touched; or openhv's, which is nobody's.
 */
void root_npt_fault(struct vp *vp)
{
	struct gpamap *map = &root_partition.gpamap;
	u64 pfn = vp->vcpu.exit.npt.gpa >> PAGE_SHIFT;
	hv_status_t status = HV_STATUS_INVALID_PARAMETER;
	struct gpa_info info;
	struct gpa_gather g;

	gpa_gather_init(&g, map);
	write_lock(&map->lock);
	gpamap_lookup(map, pfn, &info);
	if (info.mapped && info.rights & GPA_WRITE) {
		status = HV_STATUS_SUCCESS;
	} else if (pfn >= platform_map_end() >> PAGE_SHIFT && !info.mapped) {
		pfn = ALIGN_DOWN(pfn, 1UL << MAP_ORDER_2M);
		status = gpamap_map(&g, pfn, pfn, MAP_ORDER_2M, GPA_RWX);
	}
	gpa_gather_finish(&g);
	write_unlock(&map->lock);
	if (!status)
		return;
	if (vp_emulate_mmio(vp))
		return;
	/* A stray access of root's: a machine would read ones there; a fault is clearer. */
	log_warn("root VP %u: access to %llx, which is not root's, at %llx", vp->index,
		 vp->vcpu.exit.npt.gpa, vp->vcpu.rip);
	vp_inject_gp(vp);
}
