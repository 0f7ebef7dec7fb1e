/* SPDX-License-Identifier: Apache-2.0 */
/* code_point.c: a strict UTF-8 step (RFC 3629 section 4) and the code points that must never reach
 * a reader raw. */
#include "base/code_point.h"

size_t code_point_decode(const uint8_t *bytes, size_t left, uint32_t *value)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = bytes[0];
    uint32_t sum;
    size_t len;

    if (first < 0x80) {
        *value = first;
        return 1;
    }
    len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || len > left)
        return 0;
    sum = first & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        sum = sum << 6 | (bytes[i] & 0x3fU);
    }
    if (sum < smallest[len] || sum > 0x10ffff || (sum >= 0xd800 && sum <= 0xdfff))
        return 0;
    *value = sum;
    return len;
}

bool code_point_is_control(uint32_t value)
{
    if (value < 0x20 || (value >= 0x7f && value <= 0x9f))
        return true;
    return value == 0x061c || value == 0x200e || value == 0x200f ||
           (value >= 0x2028 && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069);
}
