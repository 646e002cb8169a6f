// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who owns each page frame of the machine.
 */
#include <openhv/atomic.h>
#include <openhv/log.h>
#include <openhv/memory.h>

static u16 *frames;
static u64 frame_count;

void frames_init(u16 *table, u64 count)
{
	frames = table;
	frame_count = count;
}

void frames_set(u64 pfn, u64 count, enum frame_type type)
{
	for (; count && pfn < frame_count; pfn++, count--)
		frames[pfn] = type << FRAME_TYPE_SHIFT;
}

enum frame_type frame_type(u64 pfn)
{
	if (pfn >= frame_count)
		return FRAME_NONE;
	return READ_ONCE(frames[pfn]) >> FRAME_TYPE_SHIFT;
}

bool frame_map_get(u64 pfn)
{
	u16 old;

	if (pfn >= frame_count)
		return false;
	old = READ_ONCE(frames[pfn]);
	do {
		if (old >> FRAME_TYPE_SHIFT != FRAME_ROOT)
			return false;
		if ((old & FRAME_COUNT_MASK) == FRAME_COUNT_MASK)
			return true;
	} while (!atomic_cmpxchg(&frames[pfn], &old, (u16)(old + 1)));
	return true;
}

void frame_map_put(u64 pfn)
{
	u16 old;

	BUG_ON(pfn >= frame_count);
	old = READ_ONCE(frames[pfn]);
	do {
		BUG_ON(!(old & FRAME_COUNT_MASK));
		if ((old & FRAME_COUNT_MASK) == FRAME_COUNT_MASK)
			return;
	} while (!atomic_cmpxchg(&frames[pfn], &old, (u16)(old - 1)));
}

bool frame_change(u64 pfn, enum frame_type from, enum frame_type to)
{
	u16 old = from << FRAME_TYPE_SHIFT;

	if (pfn >= frame_count)
		return false;
	return atomic_cmpxchg(&frames[pfn], &old, (u16)(to << FRAME_TYPE_SHIFT));
}
