/* SPDX-License-Identifier: Apache-2.0 */
/* standing.h: what a connection's identity rests on, kept where somebody must be asked again while
 * it is open: an opaque token, what the application judged by, or the session of a cookie. Private
 * to server/. Worker thread only. */
#ifndef SERVER_STANDING_H
#define SERVER_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"

struct session_watch;

struct standing { /* starts zeroed: nothing is to be asked again */
    enum credential_kind kind;
    char *token; /* the token, or the session's id; on the heap, wiped */
    size_t token_bytes;
    struct hook_shown *shown;
    struct session_watch *watch;
    int64_t confirmed_at_s; /* wall clock: when whoever vouches last did so */
};

/* A copy of a token or an id. False: out of memory. */
bool standing_set_token(struct standing *s, enum credential_kind kind, struct view token);
/* Takes what was shown. */
void standing_set_shown(struct standing *s, struct hook_shown *shown);
/* Nobody is to be asked again; what is watched stays. */
void standing_forget(struct standing *s);
/* Moves the token of `from`; what is watched stays. */
void standing_take_token(struct standing *s, struct standing *from);
/* The id becomes a watch on the session, and is forgotten. True where there is none to watch.
 * False: out of memory. */
bool standing_watch(struct standing *s, struct session_store *store);
/* Nobody is to be asked again, and nothing is watched. */
bool standing_is_empty(const struct standing *s);
void standing_clear(struct standing *s, struct session_store *store);

#endif
