/* SPDX-License-Identifier: Apache-2.0 */
/* peer_extra.h: what a connection needs only at times: before its login, when it is asked about,
 * choked, slow, compressed by a context of its own. Private to server/. Worker thread only. Made
 * with the first of these things and given back once none is left, so that an idle connection has
 * none. */
#ifndef SERVER_PEER_EXTRA_H
#define SERVER_PEER_EXTRA_H

#include <stdint.h>

#include "base/buf.h"
#include "base/link.h"
#include "limit/rate.h"

struct ask;
struct peer;
struct peer_pending;
struct ws_deflate;
struct ws_inflate;

struct peer_extra {
    struct peer_pending *pending;   /* NULL once logged in */
    struct ask *ask;                /* the question of a login under way; NULL: none */
    struct ask *recheck;            /* the same of a recheck: no message gets in its way */
    struct ws_deflate *own_deflate; /* context takeover only; NULL before its first use */
    struct ws_inflate *own_inflate; /* context takeover only */
    struct buf head; /* incomplete request head; or what came while an answer was awaited */
    size_t head_scanned;
    uint8_t *pong; /* length byte and payload of the one pong that waits for the backlog to leave */
    struct link hooks; /* message_hook.h: messages that wait; set up while there are any */
    unsigned hooks_count;
    struct rate refused;           /* messages over the rate */
    uint64_t choked_until_ms;      /* nothing is read before then; 0: it is */
    const char *certificate_fault; /* why the client's certificate is no login; NULL: not asked, or
                                      good */
    int64_t certificate_ends_s;    /* of a good one beside which a token is required */
};

/* Made if need be; NULL: out of memory. Stays where it is until the next peer_extra_tidy. */
struct peer_extra *peer_extra_get(struct peer *p);
/* Gives it back unless something of it still matters. Of an open connection only: before that the
 * gate and the login have it in hand. */
void peer_extra_tidy(struct peer *p);
/* At the end, when no question and no login is pending any more. */
void peer_extra_clear(struct peer *p);

#endif
