/* SPDX-License-Identifier: Apache-2.0 */
/* ticket.h: one-time tickets for a handshake that cannot carry a header. A ticket is 128 random
 * bits; only its SHA-256 is kept. Any thread; sharded, bounded, and nothing of it outlives the
 * process. Times are monotonic milliseconds of the caller. */
#ifndef AUTH_TICKET_H
#define AUTH_TICKET_H

#include "access/identity.h"

#define TICKET_BYTES       16
#define TICKET_TEXT_BYTES  23 /* 22 characters of Base64url and a NUL */
#define TICKET_TTL_S_MAX   30
#define TICKETS_MAX        65536
#define TICKET_ORIGIN_MAX  512
#define TICKET_SESSION_MAX 256
#define TICKET_REMEMBER_MS 60000 /* how long "used" and "expired" can be told from "unknown" */

enum ticket_fault { TICKET_OK, TICKET_UNKNOWN, TICKET_EXPIRED, TICKET_USED, TICKET_ORIGIN };
const char *ticket_fault_text(enum ticket_fault fault); /* "ticket_used": for the event log only */

struct ticket_offer {
    struct identity who; /* what the redeemer becomes */
    struct view origin;  /* ptr NULL: any that the gate lets in */
    struct view session; /* the id of the session it is made from; empty: none */
    uint32_t ttl_s;      /* 1 to TICKET_TTL_S_MAX */
};

struct tickets;
int tickets_new(struct tickets **out, uint32_t max);
void tickets_free(struct tickets *t);
/* E_INVALID (ttl, origin or session too long), E_FULL (too many that still count), E_NOMEM,
 * E_CRYPTO. */
int tickets_issue(struct tickets *t, const struct ticket_offer *offer, uint64_t now_ms,
                  char text[TICKET_TEXT_BYTES]);
/* Each ticket is good for one call, whatever its answer: one that was shown from a wrong origin has
 * been seen by others. origin.ptr NULL: the request named none. *who is written on TICKET_OK. */
struct ticket_session { /* the caller wipes it */
    char id[TICKET_SESSION_MAX];
    size_t bytes; /* 0: it was made from none */
};
struct ticket_shown {
    struct view ticket, origin;
    uint64_t now_ms;
    struct ticket_session *session; /* filled on TICKET_OK; may be NULL */
};
enum ticket_fault tickets_redeem(struct tickets *t, struct identity *who,
                                 const struct ticket_shown *shown);

#endif
