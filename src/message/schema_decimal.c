/* SPDX-License-Identifier: Apache-2.0 */
/* schema_decimal.c: a normal form that points into the number's own text, so that 0.01, 1e308 and
 * forty-digit integers are exact and nothing is copied. */
#include "message/schema_decimal.h"

#include "base/assert.h"

#define EXPONENT_DIGITS 15
#define SMALL_DIGITS    18

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool exponent_read(struct view text, int64_t *out)
{
    size_t at = 0;
    bool is_negative = false;
    int64_t sum = 0;
    size_t count = 0;

    if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+'))
        is_negative = text.ptr[at++] == '-';
    for (; at < text.len; at++) {
        count += count > 0 || text.ptr[at] != '0';
        if (count > EXPONENT_DIGITS)
            return false;
        sum = sum * 10 + (text.ptr[at] - '0');
    }
    *out = is_negative ? -sum : sum;
    return true;
}

/* The digits before the exponent; `end` is behind them. */
static void mantissa_read(struct schema_decimal *d, const char *at, const char *end)
{
    bool is_fraction = false;
    uint32_t seen = 0;

    for (; at < end; at++) {
        if (*at == '.') {
            is_fraction = true;
            continue;
        }
        if (seen == 0 && *at == '0') {
            d->exponent -= is_fraction;
            continue;
        }
        if (seen++ == 0)
            d->digits = at;
        d->exponent += !is_fraction;
        if (*at != '0')
            d->count = seen;
    }
}

static void small_read(struct schema_decimal *d)
{
    const char *at = d->digits;

    if (d->count > SMALL_DIGITS)
        return;
    for (uint32_t i = 0; i < d->count; at++) {
        if (!is_digit(*at))
            continue;
        d->small = d->small * 10 + (uint64_t)(*at - '0');
        i++;
    }
}

bool schema_decimal_read(struct schema_decimal *out, struct view text)
{
    const char *at = text.ptr;
    const char *end = text.ptr + text.len;
    const char *mark = at;
    int64_t exponent = 0;

    *out = (struct schema_decimal){at, 0, false, 0, 0};
    if (at < end && *at == '-') {
        out->is_negative = true;
        mark = ++at;
    }
    while (mark < end && (is_digit(*mark) || *mark == '.'))
        mark++;
    if (mark < end && !exponent_read(view_of(mark + 1, (size_t)(end - mark) - 1), &exponent))
        return false;
    mantissa_read(out, at, mark);
    if (out->count == 0) {
        out->is_negative = false;
        out->exponent = 0;
        return true;
    }
    out->exponent += exponent;
    small_read(out);
    return true;
}

/* The i-th call gives the i-th digit, then zeros. */
static char next_digit(const char **at, uint32_t *left)
{
    if (*left == 0)
        return '0';
    if (**at == '.')
        (*at)++;
    (*left)--;
    return *(*at)++;
}

static int magnitude_compare(const struct schema_decimal *a, const struct schema_decimal *b)
{
    const char *x = a->digits;
    const char *y = b->digits;
    uint32_t x_left = a->count, y_left = b->count;

    if (a->count == 0 || b->count == 0)
        return (a->count != 0) - (b->count != 0);
    if (a->exponent != b->exponent)
        return a->exponent < b->exponent ? -1 : 1;
    while (x_left > 0 || y_left > 0) {
        char c = next_digit(&x, &x_left);
        char d = next_digit(&y, &y_left);

        if (c != d)
            return c < d ? -1 : 1;
    }
    return 0;
}

int schema_decimal_compare(const struct schema_decimal *a, const struct schema_decimal *b)
{
    if (a->is_negative != b->is_negative)
        return a->is_negative ? -1 : 1;
    return a->is_negative ? magnitude_compare(b, a) : magnitude_compare(a, b);
}

bool schema_decimal_is_integer(const struct schema_decimal *a)
{
    return a->exponent >= (int64_t)a->count;
}

/* 10^power mod m, m < 10^18. */
static uint64_t ten_power(uint64_t power, uint64_t m)
{
    unsigned __int128 result = 1 % m;
    unsigned __int128 square = 10 % m;

    for (; power > 0; power >>= 1) {
        if ((power & 1) != 0)
            result = result * square % m;
        square = square * square % m;
    }
    return (uint64_t)result;
}

bool schema_decimal_is_multiple(const struct schema_decimal *a,
                                const struct schema_decimal *divisor)
{
    int64_t shift = (a->exponent - (int64_t)a->count) - (divisor->exponent - divisor->count);
    const char *at = a->digits;
    uint32_t left = a->count;
    uint64_t m = divisor->small;
    uint64_t rest = 0;

    ASSERT(m > 0);
    if (a->count == 0)
        return true;
    /* Both end in a digit that is not zero: where a reaches further behind the point, ten divides
     * what it would have to be a multiple of, and not a. */
    if (shift < 0)
        return false;
    while (left > 0)
        rest = (rest * 10 + (uint64_t)(next_digit(&at, &left) - '0')) % m;
    return (uint64_t)((unsigned __int128)rest * ten_power((uint64_t)shift, m) % m) == 0;
}
