/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages that tell root of openhv itself (openhv/info.h).
 */
#ifndef OPENHV_INFO_PAGE_H
#define OPENHV_INFO_PAGE_H

#include <openhv/info.h>
#include <openhv/types.h>

extern struct openhv_info *openhv_info;
extern u32 openhv_info_pages;

/* Take the pages, and let the log go there too. */
void info_page_init(void);
/* Let root read them. */
void info_page_show(void);
/* Bring the figures up to date. */
void info_page_update(void);

#endif /* OPENHV_INFO_PAGE_H */
