/* SPDX-License-Identifier: Apache-2.0 */
/* num.h: sums that notice overflow, and numbers from text. Pure. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

/* *sum = a + b; false (and *sum untouched) on overflow. */
bool size_add(size_t a, size_t b, size_t *sum);
bool size_mul(size_t a, size_t b, size_t *product);
/* The whole of `text` as an unsigned decimal: digits only, no sign, no blank, no leading zero but
 * "0" itself. */
bool num_parse_u64(struct view text, uint64_t max, uint64_t *value);

#endif
