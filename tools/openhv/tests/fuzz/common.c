// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the fuzz targets share.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/features.h>
#include <openhv/hypercall.h>
#include <openhv/log.h>
#include <openhv/ports.h>
#include <openhv/run.h>
#include <openhv/sched.h>
#include <openhv/synic.h>
#include <tlfs/memory.h>
#include <tlfs/msr.h>
#include <tlfs/partition.h>
#include <tlfs/stats.h>
#include <tlfs/vp.h>
#include "fuzz.h"

#include <string.h>

#define EXITS_MAX	256

static u64 children[FUZZ_CHILDREN];
static u64 first_page, first_page_2m;
static u64 own_before;
static struct fuzz *guest_input;
static u32 guest_exits;

static void guest(struct lp *lp, struct vcpu *v);

/* --- The input -------------------------------------------------------------- */

void fuzz_bytes(struct fuzz *f, void *to, size_t size)
{
	size_t n = size < f->size ? size : f->size;

	if (n)
		memcpy(to, f->data, n);
	memset((u8 *)to + n, 0, size - n);
	f->data += n;
	f->size -= n;
}

#define NUMBER(bits) \
	u##bits fuzz##bits(struct fuzz *f) \
	{ \
		u##bits v; \
		fuzz_bytes(f, &v, sizeof(v)); \
		return v; \
	}
NUMBER(8)
NUMBER(16)
NUMBER(32)
NUMBER(64)

u64 fuzz_number(struct fuzz *f)
{
	u8 how = fuzz8(f);

	switch (how >> 5) {
	case 0:
		return how & 31;
	case 1:
		return fuzz8(f);
	case 2:
		return fuzz16(f);
	case 3:
		return fuzz32(f);
	case 4:
		return 1UL << (fuzz8(f) & 63);
	case 5:
		return ~0UL << (fuzz8(f) & 63);
	case 6:
		return (u64)(fuzz8(f) % FUZZ_GUEST_PAGES) << PAGE_SHIFT | (how & 31) << 3;
	}
	return fuzz64(f);
}

u32 fuzz_msr(struct fuzz *f)
{
	u8 how = fuzz8(f);

	switch (how >> 6) {
	case 0:
		return HV_X64_MSR_GUEST_OS_ID + how;
	case 1:
		return HV_X64_MSR_EOI + fuzz8(f);
	case 2:
		return 0x800 + (how & 63);
	}
	switch (how & 7) {
	case 0:
		return 0xC0000080 + fuzz8(f) % 0x90;
	case 1:
		return 0x174 + (fuzz8(f) & 3);
	case 2:
		return 0x200 + fuzz8(f);
	case 3:
		return MSR_APIC_BASE;
	case 4:
		return MSR_TSC_DEADLINE;
	case 5:
		return HV_X64_MSR_CRASH_P0 + fuzz8(f) % 32;
	case 6:
		return fuzz16(f);
	}
	return fuzz32(f);
}

u32 fuzz_register(struct fuzz *f)
{
	static const u32 bases[] = {
		HV_REGISTER_EXPLICIT_SUSPEND, HV_REGISTER_HYPERVISOR_VERSION,
		HV_REGISTER_PRIVILEGES_AND_FEATURES_INFO, HV_REGISTER_PENDING_INTERRUPTION - 2,
		0x20000, 0x30000, 0x40000, 0x50000, 0x60000, 0x70000, 0x80000,
		HV_REGISTER_VP_RUNTIME, HV_REGISTER_SINT0, HV_REGISTER_STIMER0_CONFIG,
		HV_REGISTER_VSM_CODE_PAGE_OFFSETS, 0,
	};
	u8 base = fuzz8(f);

	return bases[base % ARRAY_SIZE(bases)] + (base & 0x80 ? fuzz16(f) : fuzz8(f));
}

/* --- Children ----------------------------------------------------------------- */

u64 fuzz_pfn(u32 index)
{
	return first_page + index % FUZZ_PAGES;
}

u64 fuzz_pfn_2m(u32 index)
{
	return first_page_2m + (u64)(index % FUZZ_PAGES_2M) * HV_PAGES_PER_LARGE_PAGE;
}

u64 fuzz_partition_id(u32 index)
{
	if (index < FUZZ_CHILDREN && children[index])
		return children[index];
	switch (index & 3) {
	case 0:
		return HV_PARTITION_ID_SELF;
	case 1:
		return root_partition.id;
	case 2:
		return 0;
	}
	return index;
}

static void delete(u64 id)
{
	struct partition *p = partition_of(id);
	hv_status_t status;
	u64 total, back;

	if (!p)
		return;
	status = hv_fast(HVCALL_FINALIZE_PARTITION, id, 0);
	if (status && status != HV_STATUS_INVALID_PARTITION_STATE)
		host_fail("a partition cannot be finalized: status %x", status);
	total = p->pool.total;
	back = withdraw(id);
	if (back != total)
		host_fail("of %llu pages deposited, %llu came back", (unsigned long long)total,
			  (unsigned long long)back);
	if (hv_fast(HVCALL_DELETE_PARTITION, id, 0))
		host_fail("a partition cannot be deleted");
}

bool fuzz_add_child(u64 id)
{
	u32 i;

	for (i = 0; i < FUZZ_CHILDREN; i++) {
		if (children[i] && partition_of(children[i]))
			continue;
		children[i] = id;
		return true;
	}
	delete(id);
	return false;
}

static void page_is_roots(u64 pfn)
{
	if (!frame_change(pfn, FRAME_ROOT, FRAME_POOL) ||
	    !frame_change(pfn, FRAME_POOL, FRAME_ROOT))
		host_fail("page %llx did not come back", (unsigned long long)pfn);
}

/* Root's pages that are not free: those of its small objects and statistics */
static u64 root_pages_used(void)
{
	void **page = root_partition.small.pages;
	u64 n = 0;
	u32 i;

	for (; page; page = page[PAGE_SIZE / sizeof(void *) - 1])
		n++;
	for (i = 0; i < ARRAY_SIZE(root_partition.stats); i++)
		n += !!root_partition.stats[i];
	for (i = 0; i < lp_count; i++)
		n += !!lps[i]->root_vp->stats[0] + !!lps[i]->root_vp->stats[1];
	return n;
}

/* The machine's own statistics pages are known to core/stats.c only. */
static void unmap_stats(void)
{
	struct hv_input_map_stats_page in = { .type = HV_STATS_OBJECT_HYPERVISOR };
	u32 i;

	in.identity.hv.stats_area_type = HV_STATS_AREA_SELF;
	hv(HVCALL_UNMAP_STATS_PAGE, &in, sizeof(in), NULL, 0);
	in.type = HV_STATS_OBJECT_LOGICAL_PROCESSOR;
	for (i = 0; i < lp_count; i++) {
		in.identity.lp.lp_index = i;
		in.identity.lp.stats_area_type = HV_STATS_AREA_SELF;
		hv(HVCALL_UNMAP_STATS_PAGE, &in, sizeof(in), NULL, 0);
	}
}

static void boot(void)
{
	u64 pfn;
	u32 i;

	host_boot();
	log_level = LOG_ERROR;
	first_page = ram_pages(FUZZ_PAGES);
	first_page_2m = ram_pages_2m(FUZZ_PAGES_2M);
	/* The pages of root's small objects stay with it: they are not those of inputs. */
	if (deposit(HV_PARTITION_ID_SELF, 1))
		host_fail("no memory for root's objects");
	partition_free_small(&root_partition, partition_alloc_small(&root_partition));
	for (i = 1; i < lp_count; i++)
		lps[i]->added = true;
	/* Root's tables down to each page of RAM stay once they are there. */
	for (pfn = 0; pfn < HOST_RAM_END >> PAGE_SHIFT; pfn += HV_PAGES_PER_LARGE_PAGE) {
		if (frame_type(pfn) != FRAME_ROOT)
			continue;
		root_hide_page(pfn);
		root_show_page(pfn, GPA_RWX);
	}
	own_before = own_free_pages();
}

void fuzz_begin(struct fuzz *f, const u8 *data, size_t size)
{
	static bool booted;

	if (!booted)
		boot();
	booted = true;
	host_log_clear();
	guest_input = f;
	guest_exits = 0;
	host_guest = guest;
	memset(children, 0, sizeof(children));
	f->data = data;
	f->size = size;
}

void fuzz_end(void)
{
	u64 used;
	u32 i;

	for (i = 0; i < FUZZ_CHILDREN; i++) {
		if (children[i])
			delete(children[i]);
		children[i] = 0;
	}
	if (partition_children())
		host_fail("a child is left");
	ports_destroy(&root_partition);
	unmap_stats();
	used = root_pages_used();
	withdraw(HV_PARTITION_ID_SELF);
	if (root_partition.pool.total != used)
		host_fail("of root's pool, %llu pages are missing",
			  (unsigned long long)(root_partition.pool.total - used));
	if (own_free_pages() != own_before)
		host_fail("of openhv's own pages, some are missing");
	for (i = 0; i < FUZZ_PAGES; i++)
		page_is_roots(first_page + i);
	for (i = 0; i < FUZZ_PAGES_2M * HV_PAGES_PER_LARGE_PAGE; i++)
		page_is_roots(first_page_2m + i);
	if (root_partition.gpamap.generation > 1UL << 60)
		host_fail("the generation of root's address space is out of hand");
}

/* Pages from the end of the arena, so that they are not the guest's */
static void fuzz_deposit(u64 id, u32 count)
{
	u64 pfns[FUZZ_POOL];
	u32 i;

	for (i = 0; i < count; i++)
		pfns[i] = fuzz_pfn(FUZZ_PAGES - 1 - i);
	if (hv_status(hv_rep(HVCALL_DEPOSIT_MEMORY, count, &id, sizeof(id), pfns, count * 8, NULL,
			     0)))
		host_fail("the deposit fails");
}

struct partition *fuzz_child(u32 vps)
{
	struct hv_input_set_partition_property in = {
		.property_code = HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
		.property_value = assignable_synthetic_features,
	};
	struct partition *p;
	u64 mark = ram_mark(), one = fuzz_pfn(FUZZ_PAGES - 1 - FUZZ_POOL);
	u64 self = HV_PARTITION_ID_SELF;
	u32 i;

	if (hv_status(hv_rep(HVCALL_DEPOSIT_MEMORY, 1, &self, sizeof(self), &one, 8, NULL, 0)))
		host_fail("the deposit to root fails");
	in.partition_id = child_create(CHILD_FLAGS);
	if (ram_mark() != mark)
		host_fail("a page that is not of the arena was used");
	fuzz_add_child(in.partition_id);
	fuzz_deposit(in.partition_id, FUZZ_POOL);
	if (hv(HVCALL_SET_PARTITION_PROPERTY, &in, sizeof(in), NULL, 0) ||
	    hv_fast(HVCALL_INITIALIZE_PARTITION, in.partition_id, 0))
		host_fail("the child cannot be initialized");
	p = partition_of(in.partition_id);
	memset(fuzz_guest(), 0, FUZZ_GUEST_PAGES * PAGE_SIZE);
	if (map_pages(p, 0, fuzz_pfn(0), FUZZ_GUEST_PAGES, MAP_RWX))
		host_fail("the child's memory cannot be mapped");
	for (i = 0; i < vps; i++)
		child_vp(p, i);
	p->guest_os_id = 1;
	p->hypercall = HV_MSR_PAGE_ENABLE;
	return p;
}

void fuzz_guest_write(struct fuzz *f, u64 gpa, u32 size)
{
	u64 pfn = fuzz_pfn(0) + (gpa >> PAGE_SHIFT);
	u8 bytes[256];

	fuzz_bytes(f, bytes, size);
	if (gpa + size > FUZZ_GUEST_PAGES * PAGE_SIZE || frame_type(pfn) != FRAME_ROOT ||
	    frame_type(pfn + ((gpa & (PAGE_SIZE - 1)) + size > PAGE_SIZE)) != FRAME_ROOT)
		return;
	memcpy(fuzz_guest() + gpa, bytes, size);
}

struct vp *fuzz_vp(struct partition *p, u32 index)
{
	struct vp *vp = vp_get(p, index);

	if (vp)
		vp_put(vp);
	return vp;
}

/* --- A guest that does what the input says ---------------------------------------- */

void fuzz_mode(struct fuzz *f, struct vp *vp)
{
	static const u64 cr0[] = { CR0_PE | CR0_PG, CR0_PE | CR0_PG | CR0_WP, CR0_PE, 0 };
	struct host_vmcb *vmcb = vp->vcpu.arch.vmcb;
	u8 how = fuzz8(f), more = fuzz8(f);

	vcpu_sync(lp_self(), &vp->vcpu);
	vmcb->cr[0] = cr0[how & 3] | CR0_ET;
	vmcb->efer = how & 4 ? EFER_LME | EFER_LMA | EFER_NXE : how & 8 ? EFER_NXE : 0;
	vmcb->cr[4] = (how & 4 ? CR4_PAE : 0) | (how & 16 ? CR4_PAE : 0) |
		      (how & 32 ? CR4_PSE : 0) | (how & 64 ? CR4_SMEP : 0) |
		      (how & 128 ? CR4_SMAP : 0) |
		      (more & 1 ? CR4_LA57 : 0);
	vmcb->seg[SEG_CS].attributes = 0x9B | (more & 2 ? HV_SEGMENT_LONG : 0) |
				       (more & 4 ? HV_SEGMENT_DEFAULT : 0);
	vmcb->seg[SEG_CS].base = more & 8 ? fuzz64(f) : 0;
	vmcb->seg[SEG_SS].attributes = more & 16 ? 0xF3 : 0x93;
	vp->vcpu.rflags = more & 32 ? RFLAGS_AC | RFLAGS_FIXED : RFLAGS_FIXED | RFLAGS_IF;
	vmcb->cr[3] = more & 64 ? fuzz64(f) : (u64)(fuzz8(f) % FUZZ_GUEST_PAGES) << PAGE_SHIFT;
	vp->vcpu.rip = more & 128 ? fuzz64(f) : fuzz16(f);
}

static void play_exit(struct fuzz *f, struct vcpu *v)
{
	struct vcpu_exit *e = &v->exit;
	u8 how = fuzz8(f);
	u32 i, n;

	if (how & 0x80)
		host_take_virq(v);
	if (how & 0x40)
		host_pass_time(fuzz16(f));
	memset(e, 0, sizeof(*e));
	e->reason = (how & 0x3F) % (VCPU_EXIT_INVALID + 1);
	switch (e->reason) {
	case VCPU_EXIT_CPUID:
		v->gpr[GPR_RAX] = fuzz32(f);
		v->gpr[GPR_RCX] = fuzz8(f);
		e->insn_len = 2;
		break;
	case VCPU_EXIT_MSR_READ:
		v->gpr[GPR_RCX] = fuzz_msr(f);
		e->insn_len = 2;
		break;
	case VCPU_EXIT_MSR_WRITE:
		v->gpr[GPR_RCX] = fuzz_msr(f);
		v->gpr[GPR_RAX] = fuzz_number(f);
		v->gpr[GPR_RDX] = v->gpr[GPR_RAX] >> 32;
		e->insn_len = 2;
		break;
	case VCPU_EXIT_IO:
		n = fuzz8(f);
		e->io.port = fuzz16(f);
		e->io.size = 1 << n % 3;
		e->io.in = n & 16;
		e->io.string = n & 32;
		e->io.rep = n & 64;
		break;
	case VCPU_EXIT_HYPERCALL:
		/* The input is in the last page but one, the output goes to the last. */
		n = fuzz8(f);
		v->gpr[GPR_RCX] = hvcall_table[n % hvcall_table_size].code |
				  (n & 0x80 ? fuzz64(f) & ~0xFFFFUL : 0);
		v->gpr[GPR_RDX] = (FUZZ_GUEST_PAGES - 2) * PAGE_SIZE;
		v->gpr[GPR_R8] = (FUZZ_GUEST_PAGES - 1) * PAGE_SIZE;
		fuzz_guest_write(f, v->gpr[GPR_RDX], fuzz8(f));
		if (n & 0x40) {
			v->gpr[GPR_RDX] = fuzz_number(f);
			v->gpr[GPR_R8] = fuzz_number(f);
		}
		break;
	case VCPU_EXIT_NPT_FAULT:
		n = fuzz8(f);
		e->npt.gpa = n & 0x80 ? fuzz64(f) :
			     n & 0x40 ? APIC_DEFAULT_BASE + fuzz16(f) % 4096 : fuzz32(f);
		e->npt.flags = n & 0xF;
		fuzz_guest_write(f, v->rip & (FUZZ_GUEST_PAGES * PAGE_SIZE - 16), 15);
		break;
	case VCPU_EXIT_SOFT_INTERRUPT:
		e->soft.int1 = how & 0x40;
		break;
	case VCPU_EXIT_EXCEPTION:
		e->exception.vector = fuzz8(f) & 31;
		e->exception.error = fuzz16(f);
		e->exception.has_error = e->exception.error & 1;
		e->exception.parameter = fuzz16(f);
		break;
	case VCPU_EXIT_CR_WRITE:
		e->cr.cr = fuzz8(f) & 1 ? 4 : 8;
		for (i = 0; i < GPR_COUNT; i++)
			v->gpr[i] = fuzz_number(f);
		break;
	case VCPU_EXIT_XSETBV:
		v->gpr[GPR_RCX] = 0;
		v->gpr[GPR_RAX] = fuzz8(f);
		e->insn_len = 3;
		break;
	default:
		break;
	}
}

static void guest(struct lp *lp, struct vcpu *v)
{
	if (guest_exits && guest_input->size) {
		guest_exits--;
		play_exit(guest_input, v);
		return;
	}
	/* Root wants its processor back. */
	v->exit = (struct vcpu_exit){ .reason = VCPU_EXIT_RETRY };
	lp->need_resched = true;
}

void fuzz_dispatch(struct fuzz *f, struct vp *vp, u32 exits, u32 flags)
{
	hv_status_t status;

	guest_input = f;
	guest_exits = min(exits, (u32)EXITS_MAX);
	host_guest = guest;
	dispatch_full(vp, flags, 0, &status);
	guest_exits = 0;
}
