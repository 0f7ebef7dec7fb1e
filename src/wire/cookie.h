/* SPDX-License-Identifier: Apache-2.0 */
/* cookie.h: one cookie out of the Cookie headers of a request (RFC 6265bis section 4.2, with the
 * ceilings of R-G2). Pure. No meaning in the order, no unquoting, no $Version. */
#ifndef WIRE_COOKIE_H
#define WIRE_COOKIE_H

#include "wire/http1.h"

#define COOKIE_PAIRS_MAX 50
#define COOKIE_BYTES_MAX 4096

enum cookie_verdict {
    COOKIE_FOUND,
    COOKIE_ABSENT,
    COOKIE_REPEATED, /* two of the name: nobody knows which one the page meant */
    COOKIE_BAD       /* malformed, or over a ceiling */
};
/* name compares exactly. *value points into the request. All headers and pairs are looked at. */
enum cookie_verdict cookie_find(const struct http1_request *request, struct view name,
                                struct view *value);
/* What RFC 6265bis asks of a name: a token. */
bool cookie_name_ok(struct view name);

#endif
