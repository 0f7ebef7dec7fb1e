/* SPDX-License-Identifier: Apache-2.0 */
/* schema_format_idn.h: labels of host names beyond ASCII, for schema_format_host.c. */
#ifndef MESSAGE_SCHEMA_FORMAT_IDN_H
#define MESSAGE_SCHEMA_FORMAT_IDN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

#define FORMAT_IDN_POINTS_MAX 63

struct format_idn { /* one label */
    uint32_t points[FORMAT_IDN_POINTS_MAX];
    uint32_t count;
};

/* What the labels of a name are together. */
struct format_idn_domain {
    bool has_right_to_left, has_digit_first;
    uint32_t points;
};

/* From UTF-8; false for an empty or too long one. */
bool format_idn_read(struct format_idn *out, struct view label);
/* From what stands behind xn-- (RFC 3492). */
bool format_idn_punycode(struct format_idn *out, struct view text);
/* The rules of RFC 5891 to 5893 as far as they need no tables of Unicode. domain may be NULL. */
bool format_idn_ok(const struct format_idn *label, struct format_idn_domain *domain);

#endif
