/* SPDX-License-Identifier: Apache-2.0 */
/* csrf.h: proof that a page of an allowed origin meant to use its user's session: HMAC-SHA-256 over
 * session, origin and time, good once and for 30 minutes. What a cookie alone can do, a stranger's
 * page can do as well. Any thread; bounded: a full table of used tokens refuses. */
#ifndef AUTH_CSRF_H
#define AUTH_CSRF_H

#include "access/identity.h"

#define CSRF_TTL_S      1800
#define CSRF_TEXT_BYTES 80 /* at most, with its NUL; A-Z a-z 0-9 - _ */
#define CSRF_USED_MAX   262144
#define CSRF_KEY_BYTES  32

enum csrf_fault {
    CSRF_OK,
    CSRF_MISSING,
    CSRF_MALFORMED,
    CSRF_WRONG, /* another session, another origin, or not ours: nothing tells them apart */
    CSRF_EXPIRED,
    CSRF_USED,
    CSRF_FULL
};
const char *csrf_fault_text(enum csrf_fault fault); /* "csrf_expired": for the event log */

struct csrf;
/* key: from the state folder, so that tokens outlive a restart; copied. */
int csrf_new(struct csrf **out, const uint8_t key[CSRF_KEY_BYTES]);
void csrf_free(struct csrf *c); /* wipes the key. NULL is fine */
struct csrf_place {
    const uint8_t *session; /* IDENTITY_SESSION_BYTES */
    struct view origin;     /* serialized, lower case as a browser sends it */
};
int csrf_issue(const struct csrf *c, const struct csrf_place *place, int64_t wall_s,
               char text[CSRF_TEXT_BYTES]);
/* Constant time in what is secret. CSRF_OK uses the token up. */
enum csrf_fault csrf_check(struct csrf *c, const struct csrf_place *place, struct view token,
                           int64_t wall_s);

#endif
