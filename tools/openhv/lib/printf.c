// SPDX-License-Identifier: GPL-2.0-only
/*
 * Formatted output: %s %c %d %u %x %p %%, with l, ll and z, width, 0 and -.
 */
#include <openhv/log.h>
#include <openhv/string.h>

struct out {
	char *buf;
	size_t size;
	size_t len;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_padded(struct out *o, const char *s, size_t len, int width, bool left, char pad)
{
	int fill = width - (int)len;

	if (!left) {
		while (fill-- > 0)
			put(o, pad);
	}
	while (len--)
		put(o, *s++);
	if (left) {
		while (fill-- > 0)
			put(o, ' ');
	}
}

static void put_number(struct out *o, u64 v, bool negative, u32 base, int width, bool left,
		       char pad)
{
	char digits[24];
	size_t n = sizeof(digits);

	do {
		digits[--n] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	if (negative) {
		if (pad == '0') {
			put(o, '-');
			width--;
		} else {
			digits[--n] = '-';
		}
	}
	put_padded(o, digits + n, sizeof(digits) - n, width, left, pad);
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = { buf, size, 0 };

	for (; *fmt; fmt++) {
		bool left = false, wide = false;
		char pad = ' ';
		int width = 0;
		const char *s;
		s64 sv;

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt++;
		for (;; fmt++) {
			if (*fmt == '-')
				left = true;
			else if (*fmt == '0')
				pad = '0';
			else
				break;
		}
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + *fmt - '0';
		for (; *fmt == 'l' || *fmt == 'z'; fmt++)
			wide = true;
		switch (*fmt) {
		case 'c':
			put(&o, va_arg(args, int));
			break;
		case 's':
			s = va_arg(args, const char *);
			if (!s)
				s = "(null)";
			put_padded(&o, s, strlen(s), width, left, ' ');
			break;
		case 'd':
			sv = wide ? va_arg(args, s64) : va_arg(args, int);
			put_number(&o, sv < 0 ? -(u64)sv : (u64)sv, sv < 0, 10, width, left, pad);
			break;
		case 'u':
			put_number(&o, wide ? va_arg(args, u64) : va_arg(args, unsigned int),
				   false, 10, width, left, pad);
			break;
		case 'x':
			put_number(&o, wide ? va_arg(args, u64) : va_arg(args, unsigned int),
				   false, 16, width, left, pad);
			break;
		case 'p':
			put_number(&o, (u64)va_arg(args, void *), false, 16, 16, false, '0');
			break;
		case '%':
			put(&o, '%');
			break;
		default:
			put(&o, '%');
			put(&o, *fmt);
			if (!*fmt)
				fmt--;
		}
	}
	if (size)
		buf[o.len < size ? o.len : size - 1] = 0;
	return o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return n;
}
