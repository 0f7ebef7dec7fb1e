/* SPDX-License-Identifier: Apache-2.0 */
/* moderation.h: kicking, muting and closing channels, by clients and by the HTTP API, and what
 * follows for those it meets. Private to server/. Worker thread only. */
#ifndef SERVER_MODERATION_H
#define SERVER_MODERATION_H

#include <stdatomic.h>

#include "server/request.h"

#define MODERATION_SECONDS_MAX ((uint32_t)30 * 24 * 3600)

enum moderation_verb {
    MODERATE_KICK,
    MODERATE_UNKICK,
    MODERATE_MUTE,
    MODERATE_UNMUTE,
    MODERATE_CLOSE,
    MODERATE_OPEN,
    MODERATION_VERBS
};

/* What is to be done; holds all of its texts. Starts zeroed. */
struct moderation {
    enum moderation_verb verb;
    bool by_admin;      /* of somebody with the permission `admin`, or of the operator */
    bool by_connection; /* a kick: of this connection, not of the user */
    uint8_t connection[16];
    uint32_t seconds; /* 0: at once and no longer */
    uint8_t user_bytes;
    uint16_t channel_bytes;
    char user[IDENTITY_USER_MAX], channel[CHANNEL_NAME_MAX];
    /* Who does it: a user at a connection, or a key of the API. */
    char by[IDENTITY_USER_MAX + 1], at[PEER_ID_TEXT_BYTES], ip[IP_TEXT_BYTES], key[65];
    uint16_t port;
    _Atomic uint64_t met;    /* connections that it was done to */
    _Atomic uint64_t spared; /* those of administrators, if by_admin is not set */
};
/* `user` may be empty. */
void moderation_name(struct moderation *m, struct view channel, struct view user);
/* First, on any worker: from then on the rules hold. E_FULL, E_DENIED, E_NOMEM; E_MISSING: there
 * was nothing to lift. */
int moderation_put(struct server *s, const struct moderation *m, uint64_t now_ms);
/* Then on each worker. */
void moderation_run(struct worker *w, struct moderation *m);
/* Last, once, on any worker: the channel's past, and the event. E_DENIED: it met administrators
 * only. */
int moderation_end(struct server *s, const struct moderation *m);

/* The messages. */
void moderation_kick(struct request *r);
void moderation_unkick(struct request *r);
void moderation_mute(struct request *r);
void moderation_unmute(struct request *r);
void moderation_close(struct request *r);
void moderation_open(struct request *r);

/* May the sender, to whom the policy has said yes, use r->channel now? False: it has been told why
 * not and for how long. speaks: it wants to publish. */
bool moderation_lets(struct request *r, bool speaks);
/* The same, and nothing is said. */
bool moderation_lets_join(struct peer *p, struct view channel);

#endif
