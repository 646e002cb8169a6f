/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What openhv tells of itself.
 */
#ifndef MSHV_OPENHV_H
#define MSHV_OPENHV_H

#include <stdbool.h>
#include <stdio.h>

#include <openhv/info.h>

/**
 * openhv_info_read() - copy openhv's information pages, or complain
 * @size: where to put how many bytes there are
 *
 * Return: a copy to be freed, or NULL after a complaint: not openhv, no
 * permission.
 */
struct openhv_info *openhv_info_read(size_t *size);

/**
 * openhv_info_valid() - is a copy of the pages what it should be
 * @info: the copy
 * @size: its size in bytes
 *
 * Return: true if all that it points to lies in it.
 */
bool openhv_info_valid(const struct openhv_info *info, size_t size);

/**
 * openhv_info_print() - print memory and counters
 * @f: where to
 * @info: a valid copy of the pages
 */
void openhv_info_print(FILE *f, const struct openhv_info *info);

/**
 * openhv_log_print() - print the log, the oldest line that is left first
 * @f: where to
 * @info: a valid copy of the pages
 */
void openhv_log_print(FILE *f, const struct openhv_info *info);

#endif /* MSHV_OPENHV_H */
