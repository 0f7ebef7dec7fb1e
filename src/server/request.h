/* SPDX-License-Identifier: Apache-2.0 */
/* request.h: one message being answered, and what the types have in common. Private to server/.
 * Worker thread only. */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include "access/decide.h"
#include "message/json.h"
#include "server/peer.h"

struct request {
    struct peer *peer;
    struct json *root;
    size_t bytes;                    /* of the message as it came */
    struct view channel;             /* empty: none */
    const struct json *id;           /* NULL: none */
    const struct message_type *type; /* of `messages` in the configuration; NULL: not there */
};

/* What a client is told, and by which stable word. */
struct refusal_words {
    const char *code;
    struct view text;
};

/* May the sender do this to r->channel? The same answer for what is unknown and what is forbidden
 * (W-09); the log, which is written here, knows the difference. Only where a new login is all that
 * is missing, the answer says so: then the channel is theirs anyway. */
bool request_allows(struct request *r, enum action action, struct refusal_words *why);
/* The same, and the refusal is said. */
bool request_may(struct request *r, enum action action);
/* Reads a required string member. False: what is wrong has been said (in the guide's words). */
bool request_need_string(struct request *r, const char *name, struct view *value);
/* Reads `channel`, a channel name, into r->channel; the same. */
bool request_need_channel(struct request *r);
/* Reads an optional integer from least to most, *value left alone where there is none; the same. */
bool request_number(struct request *r, const char *name, int64_t least, int64_t most,
                    int64_t *value);
/* Says that a member has the wrong form. */
void request_bad_member(struct request *r, const char *name, const char *what);
/* Sends `data` to r->channel, which the sender may publish to. False: the refusal has been said. */
bool request_publish(struct request *r, const struct json *data);
void request_ack(struct request *r);
/* {"type":type,"channel":r->channel} */
void request_say_channel(struct request *r, const char *type);

#endif
