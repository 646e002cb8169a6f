// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The last error of each thread, and the names of numbers.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

static __thread struct mshv_error last_error;
static __thread char last_text[320];

int mshv_fail(int error, unsigned int status, const char *call, const char *fmt, ...)
{
	va_list ap;

	last_error.error = error;
	last_error.status = status;
	last_error.call = call;
	va_start(ap, fmt);
	vsnprintf(last_error.context, sizeof(last_error.context), fmt, ap);
	va_end(ap);

	errno = error;
	return -error;
}

const struct mshv_error *mshv_last_error(void)
{
	return &last_error;
}

const char *mshv_strerror(void)
{
	const struct mshv_error *e = &last_error;
	char status[80] = "", context[sizeof(e->context) + 3] = "";
	const char *name;

	if (!e->call)
		return "no error";

	if (e->context[0])
		snprintf(context, sizeof(context), " (%s)", e->context);
	if (e->status != HV_STATUS_SUCCESS) {
		name = mshv_status_name(e->status);
		if (name)
			snprintf(status, sizeof(status), " [%s]", name);
		else
			snprintf(status, sizeof(status), " [hypervisor status 0x%x]", e->status);
	}
	snprintf(last_text, sizeof(last_text), "%s%s: %s%s", e->call, context, strerror(e->error),
		 status);
	return last_text;
}

struct name {
	__u32 value;
	const char *name;
};

#define STATUS_NAME(name, value)	{ value, "HV_STATUS_" #name },
static const struct name status_names[] = { HV_STATUS_LIST(STATUS_NAME) };

#define HVCALL_NAME(name, code)		{ code, "HVCALL_" #name },
static const struct name hvcall_names[] = { HVCALL_LIST(HVCALL_NAME) };

#define MESSAGE_NAME(name, type, size)	{ type, "HVMSG_" #name },
static const struct name message_names[] = { HV_MESSAGE_TYPE_LIST(MESSAGE_NAME) };

#define PROPERTY_NAME(name, code)	{ code, "HV_PARTITION_PROPERTY_" #name },
static const struct name property_names[] = { HV_PARTITION_PROPERTY_LIST(PROPERTY_NAME) };

static const char *find_name(const struct name *names, size_t count, __u32 value)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (names[i].value == value)
			return names[i].name;
	}
	return NULL;
}

const char *mshv_status_name(unsigned int status)
{
	return find_name(status_names, ARRAY_SIZE(status_names), status);
}

const char *mshv_hvcall_name(unsigned int code)
{
	return find_name(hvcall_names, ARRAY_SIZE(hvcall_names), code);
}

const char *mshv_message_name(__u32 type)
{
	return find_name(message_names, ARRAY_SIZE(message_names), type);
}

const char *mshv_property_name(__u32 code)
{
	return find_name(property_names, ARRAY_SIZE(property_names), code);
}
