// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks of a guest's page tables (APM vol. 2, chapter 5), for instruction
 * bytes and for HVCALL_TRANSLATE_VIRTUAL_ADDRESS.
 */
#include <asm/cpu.h>
#include <openhv/atomic.h>
#include <openhv/gwalk.h>
#include <openhv/partition.h>
#include <openhv/string.h>
#include <tlfs/memory.h>

/* Memory types of the PAT, as the TLFS numbers them */
static u8 pat_type(u64 pat, u32 index)
{
	u8 type = pat >> (index * 8) & 7;

	switch (type) {
	case 0:
	case 7:
		return HV_CACHE_TYPE_UNCACHED;
	case 1:
		return HV_CACHE_TYPE_WRITE_COMBINING;
	case 4:
		return HV_CACHE_TYPE_WRITE_THROUGH;
	case 5:
		return HV_CACHE_TYPE_WRITE_PROTECTED;
	default:
		return HV_CACHE_TYPE_WRITE_BACK;
	}
}

/* One table entry: read, and, to set its accessed bit, written. */
static bool read_entry(struct gpamap *map, u64 gpa, u32 size, u64 *entry)
{
	*entry = 0;
	return gpa_read(map, gpa, entry, size);
}

static bool set_bits(struct gpamap *map, u64 gpa, u32 size, u64 entry, u64 bits)
{
	bool ok = false;
	u8 *page;

	if ((entry & bits) == bits)
		return true;
	read_lock(&map->lock);
	page = gpamap_page(map, gpa >> PAGE_SHIFT, GPA_WRITE);
	if (page) {
		if (size == 8)
			atomic_or((u64 *)(page + (gpa & (PAGE_SIZE - 1))), bits);
		else
			atomic_or((u32 *)(page + (gpa & (PAGE_SIZE - 1))), (u32)bits);
		ok = true;
	}
	read_unlock(&map->lock);
	return ok;
}

struct walk {
	struct vp *vp;
	struct gpamap *map;
	u32 flags;
	u64 cr0, cr4, efer;
	bool user;
	/* The rights so far: the AND of all levels */
	bool can_write, can_user, no_exec;
};

static void walk_begin(struct walk *w, struct vp *vp, u32 flags)
{
	struct vcpu *v = &vp->vcpu;

	w->vp = vp;
	w->map = &vp->partition->gpamap;
	w->flags = flags;
	w->cr0 = vcpu_get_cr(v, 0);
	w->cr4 = vcpu_get_cr(v, 4);
	w->efer = vcpu_get_efer(v);
	if (flags & WALK_SUPERVISOR)
		w->user = false;
	else if (flags & WALK_USER)
		w->user = true;
	else
		w->user = vcpu_get_cpl(v) == 3;
	w->can_write = true;
	w->can_user = true;
	w->no_exec = false;
}

static void walk_level(struct walk *w, u64 entry)
{
	w->can_write &= !!(entry & PTE_WRITE);
	w->can_user &= !!(entry & PTE_USER);
	if (w->efer & EFER_NXE)
		w->no_exec |= !!(entry & PTE_NX);
}

/* Rights of the whole walk against the access (APM vol. 2, 5.6) */
static u32 walk_check(const struct walk *w)
{
	bool smap = w->cr4 & CR4_SMAP && !(w->vp->vcpu.rflags & RFLAGS_AC);

	if (w->flags & WALK_SMAP_ON)
		smap = true;
	if (w->flags & WALK_SMAP_OFF)
		smap = false;
	if (w->flags & WALK_EXEMPT)
		return HV_TRANSLATE_GVA_SUCCESS;
	if (w->user && !w->can_user)
		return HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION;
	if (w->flags & WALK_WRITE && !w->can_write && (w->user || w->cr0 & CR0_WP))
		return HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION;
	if (w->flags & WALK_EXEC &&
	    (w->no_exec || (!w->user && w->can_user && w->cr4 & CR4_SMEP)))
		return HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION;
	if (w->flags & (WALK_READ | WALK_WRITE) && !w->user && w->can_user && smap)
		return HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION;
	return HV_TRANSLATE_GVA_SUCCESS;
}

/* What the partition's own map says of the page that was found */
static bool finish(struct walk *w, u64 gpa, u32 pat_index, struct walk_result *r)
{
	struct gpa_info info;

	r->gpa = gpa;
	r->cache_type = pat_type(*vcpu_msr_slot(&w->vp->vcpu, MSR_PAT), pat_index);
	read_lock(&w->map->lock);
	gpamap_lookup(w->map, gpa >> PAGE_SHIFT, &info);
	read_unlock(&w->map->lock);
	r->overlay = info.overlay;
	r->code = HV_TRANSLATE_GVA_SUCCESS;
	if (!info.mapped)
		r->code = HV_TRANSLATE_GVA_GPA_UNMAPPED;
	else if (w->flags & WALK_WRITE && !(info.rights & GPA_WRITE))
		r->code = HV_TRANSLATE_GVA_GPA_NO_WRITE_ACCESS;
	else if (!(info.rights & GPA_READ))
		r->code = HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS;
	return r->code == HV_TRANSLATE_GVA_SUCCESS;
}

static bool fail(struct walk_result *r, u32 code, u64 gpa)
{
	r->code = code;
	r->gpa = gpa;
	return false;
}

/* Bits of an entry that must be clear at a level */
static u64 reserved_bits(const struct walk *w, unsigned int level, bool large)
{
	u64 rsvd = PTE_ADDR & ~((1UL << vcpu_caps.phys_bits) - 1);

	if (!(w->efer & EFER_NXE))
		rsvd |= PTE_NX;
	if (large)
		rsvd |= ((1UL << (9 * level)) - 1) << PAGE_SHIFT & ~BIT(12);
	else if (level >= 3)
		rsvd |= PTE_LARGE;
	return rsvd;
}

/* PAE and long-mode tables: entries of eight bytes, nine bits a level */
static bool walk_64(struct walk *w, u64 gva, unsigned int level, u64 table, bool pdpt_pae,
		    struct walk_result *r)
{
	for (;; level--) {
		u32 index = gva >> (PAGE_SHIFT + 9 * level) & (pdpt_pae ? 3 : 511);
		u64 at = table + index * 8, entry, bits;
		bool large, leaf;

		if (!read_entry(w->map, at, 8, &entry))
			return fail(r, HV_TRANSLATE_GVA_GPA_UNMAPPED, at);
		if (!(entry & PTE_PRESENT))
			return fail(r, HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, at);
		large = level > 0 && level < 3 && !pdpt_pae && entry & PTE_LARGE;
		leaf = large || level == 0;
		if (entry & reserved_bits(w, level, large))
			return fail(r, HV_TRANSLATE_GVA_INVALID_PAGE_TABLE_FLAGS, at);
		if (!pdpt_pae)
			walk_level(w, entry);
		if (leaf) {
			u64 size = 1UL << (PAGE_SHIFT + 9 * level);
			u32 code = walk_check(w);
			u32 pat = (entry & PTE_PCD ? 2 : 0) | (entry & PTE_PWT ? 1 : 0);

			if (code)
				return fail(r, code, at);
			if (entry & (level ? BIT(12) : PTE_LARGE))
				pat |= 4;
			bits = PTE_ACCESSED | (w->flags & WALK_WRITE ? PTE_DIRTY : 0);
			if (w->flags & WALK_SET_BITS && !set_bits(w->map, at, 8, entry, bits))
				return fail(r, HV_TRANSLATE_GVA_GPA_NO_WRITE_ACCESS, at);
			return finish(w, (entry & PTE_ADDR & ~(size - 1)) | (gva & (size - 1)),
				      pat, r);
		}
		if (w->flags & WALK_SET_BITS && !pdpt_pae &&
		    !set_bits(w->map, at, 8, entry, PTE_ACCESSED))
			return fail(r, HV_TRANSLATE_GVA_GPA_NO_WRITE_ACCESS, at);
		table = entry & PTE_ADDR;
		pdpt_pae = false;
	}
}

/* Two levels of entries of four bytes, with 4 MiB pages */
static bool walk_32(struct walk *w, u32 gva, struct walk_result *r)
{
	u64 table = vcpu_get_cr(&w->vp->vcpu, 3) & 0xFFFFF000;
	u64 at = table + (gva >> 22) * 4, entry, gpa, bits;
	bool large;
	u32 code;

	if (!read_entry(w->map, at, 4, &entry))
		return fail(r, HV_TRANSLATE_GVA_GPA_UNMAPPED, at);
	if (!(entry & PTE_PRESENT))
		return fail(r, HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, at);
	walk_level(w, entry);
	large = entry & PTE_LARGE && w->cr4 & CR4_PSE;
	if (!large) {
		if (w->flags & WALK_SET_BITS && !set_bits(w->map, at, 4, entry, PTE_ACCESSED))
			return fail(r, HV_TRANSLATE_GVA_GPA_NO_WRITE_ACCESS, at);
		at = (entry & 0xFFFFF000) + (gva >> 12 & 1023) * 4;
		if (!read_entry(w->map, at, 4, &entry))
			return fail(r, HV_TRANSLATE_GVA_GPA_UNMAPPED, at);
		if (!(entry & PTE_PRESENT))
			return fail(r, HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, at);
		walk_level(w, entry);
	}
	code = walk_check(w);
	if (code)
		return fail(r, code, at);
	bits = PTE_ACCESSED | (w->flags & WALK_WRITE ? PTE_DIRTY : 0);
	if (w->flags & WALK_SET_BITS && !set_bits(w->map, at, 4, entry, bits))
		return fail(r, HV_TRANSLATE_GVA_GPA_NO_WRITE_ACCESS, at);
	if (large)
		gpa = (entry & 0xFFC00000) | (entry >> 13 & 0xFF) << 32 | (gva & 0x3FFFFF);
	else
		gpa = (entry & 0xFFFFF000) | (gva & 0xFFF);
	return finish(w, gpa, (entry & PTE_PCD ? 2 : 0) | (entry & PTE_PWT ? 1 : 0), r);
}

bool gva_walk(struct vp *vp, u64 gva, u32 flags, struct walk_result *r)
{
	struct walk w;
	u64 cr3;

	memset(r, 0, sizeof(*r));
	walk_begin(&w, vp, flags);
	if (!(w.cr0 & CR0_PG))
		return finish(&w, (u32)gva, 0, r);
	cr3 = vcpu_get_cr(&vp->vcpu, 3);
	if (w.efer & EFER_LMA) {
		bool la57 = w.cr4 & CR4_LA57;
		u32 shift = la57 ? 7 : 16;

		if ((u64)((s64)(gva << shift) >> shift) != gva)
			return fail(r, HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, 0);
		return walk_64(&w, gva, la57 ? 4 : 3, cr3 & PTE_ADDR, false, r);
	}
	if (w.cr4 & CR4_PAE)
		return walk_64(&w, (u32)gva, 2, cr3 & 0xFFFFFFE0, true, r);
	return walk_32(&w, gva, r);
}

u64 vp_linear_rip(const struct vp *vp)
{
	struct hv_x64_segment_register cs;
	u64 linear;

	vcpu_get_seg(&vp->vcpu, SEG_CS, &cs);
	linear = vp->vcpu.rip;
	if (!(vcpu_get_efer(&vp->vcpu) & EFER_LMA && cs.attributes & HV_SEGMENT_LONG))
		linear = (u32)(linear + cs.base);
	return linear;
}

u32 vp_fetch(struct vp *vp, u8 *buf, u32 max)
{
	u64 linear = vp_linear_rip(vp);
	u32 n = 0;

	while (n < max) {
		u32 chunk = min(max - n, (u32)(PAGE_SIZE - ((linear + n) & (PAGE_SIZE - 1))));
		struct walk_result r;

		if (!gva_walk(vp, linear + n, WALK_EXEC, &r))
			break;
		if (!gpa_read(&vp->partition->gpamap, r.gpa, buf + n, chunk))
			break;
		n += chunk;
	}
	return n;
}

static bool is_prefix(u8 byte, bool long_mode)
{
	switch (byte) {
	case 0x26:
	case 0x2E:
	case 0x36:
	case 0x3E:
	case 0x64:
	case 0x65:
	case 0x66:
	case 0x67:
	case 0xF0:
	case 0xF2:
	case 0xF3:
		return true;
	}
	return long_mode && byte >= 0x40 && byte <= 0x4F;
}

u32 vp_insn_prefixes(struct vp *vp, const u8 *bytes, u32 count)
{
	struct hv_x64_segment_register cs;
	bool long_mode;
	u32 i;

	vcpu_get_seg(&vp->vcpu, SEG_CS, &cs);
	long_mode = vcpu_get_efer(&vp->vcpu) & EFER_LMA && cs.attributes & HV_SEGMENT_LONG;
	for (i = 0; i < count; i++) {
		if (!is_prefix(bytes[i], long_mode))
			break;
	}
	return i;
}

u32 vp_insn_length(struct vp *vp, u32 opcode)
{
	u8 bytes[15];

	if (vp->vcpu.exit.insn_len)
		return vp->vcpu.exit.insn_len;
	return vp_insn_prefixes(vp, bytes, vp_fetch(vp, bytes, sizeof(bytes))) + opcode;
}
