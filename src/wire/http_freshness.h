/* SPDX-License-Identifier: Apache-2.0 */
/* http_freshness.h: for how long an answer may be kept (RFC 9111 section 4.2), from its headers.
 * Pure. What is said badly or twice counts as stale; what is not said counts as not said. */
#ifndef WIRE_HTTP_FRESHNESS_H
#define WIRE_HTTP_FRESHNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

#define HTTP_FRESHNESS_MAX_S UINT32_C(2147483647) /* RFC 9111 section 1.2.2 */

struct http_freshness { /* starts zeroed */
    uint32_t max_age_s, age_s;
    int64_t expires_s, date_s;
    bool has_max_age, has_age, has_expires, has_date;
    bool is_stale; /* no-store, no-cache, or nothing that makes sense */
};

/* Takes in one header of the answer; other names than Cache-Control, Expires, Date and Age do
 * nothing. The value comes without white space around it. */
void http_freshness_add(struct http_freshness *f, struct view name, struct view value);
/* The seconds that are left, 0 when it is stale. false: the answer says nothing about it. wall_s
 * stands in for a missing Date. */
bool http_freshness_get(const struct http_freshness *f, int64_t wall_s, uint32_t *seconds);
/* "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 section 5.6.7), years 1970 to 9999, as
 * seconds since 1970. The two obsolete forms are refused, and so is a day that does not exist or
 * has another name. */
bool http_date_parse(int64_t *seconds, struct view text);

#endif
