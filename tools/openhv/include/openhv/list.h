/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Doubly linked lists, with the node inside the object.
 */
#ifndef OPENHV_LIST_H
#define OPENHV_LIST_H

#include <openhv/types.h>

struct list_head {
	struct list_head *next, *prev;
};

static inline void list_init(struct list_head *l)
{
	l->next = l;
	l->prev = l;
}

#define LIST_HEAD_LOCAL(name) struct list_head name = { &(name), &(name) }

static inline bool list_empty(const struct list_head *l)
{
	return l->next == l;
}

static inline void list_add_tail(struct list_head *n, struct list_head *l)
{
	n->prev = l->prev;
	n->next = l;
	l->prev->next = n;
	l->prev = n;
}

static inline void list_add(struct list_head *n, struct list_head *l)
{
	list_add_tail(n, l->next);
}

/* Leaves the node initialized: deleting it again does nothing. */
static inline void list_del(struct list_head *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(l, type, member) list_entry((l)->next, type, member)
#define list_for_each_entry(pos, l, member) \
	for (pos = list_entry((l)->next, __typeof__(*pos), member); \
	     &pos->member != (l); \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))
#define list_for_each_entry_safe(pos, n, l, member) \
	for (pos = list_entry((l)->next, __typeof__(*pos), member), \
	     n = list_entry(pos->member.next, __typeof__(*pos), member); \
	     &pos->member != (l); \
	     pos = n, n = list_entry(n->member.next, __typeof__(*n), member))

#endif /* OPENHV_LIST_H */
