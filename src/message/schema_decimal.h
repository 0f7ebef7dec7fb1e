/* SPDX-License-Identifier: Apache-2.0 */
/* schema_decimal.h: numbers as they are written, compared without ever being rounded. Pure. */
#ifndef MESSAGE_SCHEMA_DECIMAL_H
#define MESSAGE_SCHEMA_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

/* 0.d1d2d3... * 10^exponent with d1 not zero; for zero count and exponent are 0. */
struct schema_decimal {
    const char *digits; /* d1; a point may lie among the digits */
    uint32_t count;     /* up to the last digit that is not zero */
    bool is_negative;
    int64_t exponent;
    uint64_t small; /* the digits as a number when count <= 18, else 0 */
};

/* `text` is a number of JSON. False when its exponent has more than fifteen digits. */
bool schema_decimal_read(struct schema_decimal *out, struct view text);
/* Reads what everyday messages hold, whole numbers of 18 digits at most, and nothing else. */
static inline bool schema_decimal_whole(struct view text, int64_t *out)
{
    size_t at = text.ptr[0] == '-';
    int64_t sum = 0;

    if (text.len > 18)
        return false;
    for (size_t i = at; i < text.len; i++) {
        unsigned digit = (unsigned)(uint8_t)text.ptr[i] - '0';

        if (digit > 9)
            return false;
        sum = sum * 10 + (int64_t)digit;
    }
    *out = at > 0 ? -sum : sum;
    return true;
}
/* -1, 0 or 1. */
int schema_decimal_compare(const struct schema_decimal *a, const struct schema_decimal *b);
bool schema_decimal_is_integer(const struct schema_decimal *a);
/* Is a = k * divisor for a whole k? divisor: positive and at most 18 digits (`small`). */
bool schema_decimal_is_multiple(const struct schema_decimal *a,
                                const struct schema_decimal *divisor);

#endif
