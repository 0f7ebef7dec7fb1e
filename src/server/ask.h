/* SPDX-License-Identifier: Apache-2.0 */
/* ask.h: a question about an identity that another thread answers, and the connection that waits
 * for it. Private to server/. Worker thread only. A connection has one login and one recheck
 * under way at most; whoever waits for the answer of its first login is not read from meanwhile. */
#ifndef SERVER_ASK_H
#define SERVER_ASK_H

#include "auth/lookup.h"
#include "message/json.h"
#include "server/peer.h"

enum ask_purpose {
    ASK_GATE,   /* of a request: the answer goes to gate_answered */
    ASK_FIRST,  /* of the first message: login_answered */
    ASK_AGAIN,  /* of an auth message on the open socket: login_answered */
    ASK_RECHECK /* of an identity that must be confirmed from time to time: login_answered */
};
struct ask {
    struct lookup lookup; /* first */
    struct worker *worker;
    struct generation *generation; /* what the question refers to stands there */
    struct peer *peer;             /* NULL: nobody waits any more */
    enum ask_purpose purpose;
    struct json id; /* of the message, to be sent back */
    char id_text[64];
    bool has_id;
    struct standing standing; /* moves to the connection with a good answer */
};

#define ASK_MS                                                                                     \
    10000 /* whoever is asked has a shorter deadline; this one is for a thread that lags */

#define ASKS_OF_WORKER_MAX                                                                         \
    768 /* what is left of its control mailbox is for reloads, revocations and the API */

/* Copies the credential. id (NULL: none) is that of the message. E_FULL, E_NOMEM, E_CLOSED: nobody
 * can be asked now. */
int ask_start(struct peer *p, enum ask_purpose purpose, const struct credential *credential,
              const struct json *id);
/* Nobody waits any more; the answer, when it comes, is thrown away. Harmless without a question. */
void ask_drop(struct peer *p);
void ask_drop_recheck(struct peer *p); /* this one alone */

#endif
