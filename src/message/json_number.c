/* SPDX-License-Identifier: Apache-2.0 */
/* json_number.c: the grammar of numbers, and what a number's text is worth when someone asks. The
 * parser itself never rounds: 1e400 or a forty-digit integer is well formed and stays text; whoever
 * needs a value hears "no" here. */
#include "message/json.h"

#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "message/json_scan.h"

/* No double needs more digits than 767 to be told from its neighbours; one more stands for all that
 * follow. */
#define DIGITS_MAX 768
/* Exponents past this are as good as infinite for any text that fits in memory. */
#define EXPONENT_MAX 100000000

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* At least one digit. */
static bool skip_digits(struct json_scan *s)
{
    const char *begin = s->ptr;

    while (s->ptr < s->end && is_digit(*s->ptr))
        s->ptr++;
    return s->ptr > begin;
}

bool json_scan_number(struct json_scan *s, struct view *out)
{
    const char *begin = s->ptr;

    if (s->ptr < s->end && *s->ptr == '-')
        s->ptr++;
    if (s->ptr < s->end && *s->ptr == '0')
        s->ptr++; /* and no further digit: what follows must be of another kind */
    else if (!skip_digits(s))
        return false;
    if (s->ptr < s->end && *s->ptr == '.') {
        s->ptr++;
        if (!skip_digits(s))
            return false;
    }
    if (s->ptr < s->end && (*s->ptr | 0x20) == 'e') {
        s->ptr++;
        if (s->ptr < s->end && (*s->ptr == '+' || *s->ptr == '-'))
            s->ptr++;
        if (!skip_digits(s))
            return false;
    }
    *out = view_of(begin, (size_t)(s->ptr - begin));
    return true;
}

/* 0.d1d2d3... * 10^exponent, d1 not zero; count is 0 for zero. Digits past DIGITS_MAX are gone; the
 * last one kept is then not zero, so that a rounding half way between two doubles still falls to
 * the right side. */
struct decimal {
    char digits[DIGITS_MAX];
    uint32_t count;
    long exponent;
    bool is_negative;
};

static void add_digit(struct decimal *d, char c)
{
    if (d->count < DIGITS_MAX)
        d->digits[d->count++] = c;
    else if (c != '0')
        d->digits[DIGITS_MAX - 1] =
            d->digits[DIGITS_MAX - 1] == '0' ? '1' : d->digits[DIGITS_MAX - 1];
}

static long exponent_of(struct view text)
{
    bool is_negative = text.ptr[0] == '-';
    long sum = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (is_digit(text.ptr[i]) && sum < EXPONENT_MAX)
            sum = sum * 10 + (text.ptr[i] - '0');
    }
    return is_negative ? -sum : sum;
}

/* `text` has passed json_scan_number. */
static void decimal_from(struct decimal *d, struct view text)
{
    bool is_fraction = false;

    d->count = 0;
    d->exponent = 0;
    d->is_negative = text.len > 0 && text.ptr[0] == '-';
    for (size_t i = d->is_negative ? 1 : 0; i < text.len; i++) {
        char c = text.ptr[i];

        if ((c | 0x20) == 'e') {
            d->exponent += exponent_of(view_of(text.ptr + i + 1, text.len - i - 1));
            break;
        }
        if (c == '.') {
            is_fraction = true;
            continue;
        }
        if (c != '0' || d->count > 0)
            add_digit(d, c);
        /* Before the point every digit that counts raises the exponent; behind it every zero that
         * does not lowers it. */
        if (!is_fraction && d->count > 0)
            d->exponent++;
        else if (is_fraction && d->count == 0)
            d->exponent--;
    }
    while (d->count > 0 && d->digits[d->count - 1] == '0')
        d->count--;
}

bool json_to_i64(const struct json *number, int64_t *value)
{
    struct decimal d;
    uint64_t sum = 0;
    uint64_t max;

    if (number == NULL || number->type != JSON_NUMBER)
        return false;
    decimal_from(&d, number->text);
    if (d.count == 0) {
        *value = 0;
        return true;
    }
    if (d.exponent < (long)d.count ||
        d.exponent > 19) /* a fraction is left, or more digits than 2^63 has */
        return false;
    for (long i = 0; i < d.exponent; i++)
        sum = sum * 10 +
              (uint64_t)(i < (long)d.count ? d.digits[i] - '0' : 0); /* 19 digits fit in 64 bits */
    max = (uint64_t)INT64_MAX + (d.is_negative ? 1 : 0);
    if (sum > max)
        return false;
    *value = d.is_negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

/* strtod under the C locale, whatever point the program that embeds us has chosen for its people.
 */
static double c_strtod(const char *text)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value;

    if (c == (locale_t)0)
        return HUGE_VAL;
    value = strtod_l(text, NULL, c);
    freelocale(c);
    return value;
}

bool json_to_double(const struct json *number, double *value)
{
    struct decimal d;
    char text[DIGITS_MAX + 40];
    double v;

    if (number == NULL || number->type != JSON_NUMBER)
        return false;
    decimal_from(&d, number->text);
    if (d.count == 0) {
        *value = d.is_negative ? -0.0 : 0.0;
        return true;
    }
    (void)snprintf(text, sizeof(text), "%s0.%.*se%ld", d.is_negative ? "-" : "", (int)d.count,
                   d.digits, d.exponent);
    v = c_strtod(text);
    if (!isfinite(v))
        return false;
    *value = v;
    return true;
}
