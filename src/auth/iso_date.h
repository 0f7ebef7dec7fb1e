/* SPDX-License-Identifier: Apache-2.0 */
/* iso_date.h: a moment as other programs write it into JSON (RFC 3339, the profile of ISO 8601 that
 * JavaScript's toISOString speaks). Pure. */
#ifndef AUTH_ISO_DATE_H
#define AUTH_ISO_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

/* YYYY-MM-DDTHH:MM:SS, perhaps .digits (at most 9, cut off), then Z or +HH:MM or -HH:MM, as seconds
 * since 1970. A leap second is none. False: not of that form, or no such day. */
bool iso_date_parse(struct view text, int64_t *wall_s);

#endif
