/* SPDX-License-Identifier: Apache-2.0 */
/* origin.h: the Origin allow list as (scheme, host, port) tuples (RFC 6454). Pure. No regular
 * expressions. */
#ifndef AUTH_ORIGIN_H
#define AUTH_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"

#define ORIGIN_BYTES_MAX 512
struct origin_rule {
    char scheme[32];  /* "safari-web-extension" must fit */
    char host[254];   /* lower case, without the leading "*." of a wildcard */
    uint16_t port;    /* the scheme's default filled in */
    bool is_wildcard; /* exactly one leftmost label in place of * */
    bool is_null;     /* the literal `null`, listed on purpose */
    bool is_opaque; /* another scheme than http(s): "chrome-extension://id"; what follows :// stands
                       in host as written */
};
/* One entry of the configuration. Refuses paths, trailing slashes, `*` alone, wildcards anywhere
 * but as leftmost label of a host with at least two more labels, and Unicode (the punycode form is
 * to be listed). */
int origin_rule_parse(struct origin_rule *rule, struct view text, struct error *why);
/* Does the value of one Origin header match one of the rules? Whole T-ORIGIN matrix of security.md.
 */
bool origin_allowed(const struct origin_rule *rules, unsigned count, struct view origin);

#endif
