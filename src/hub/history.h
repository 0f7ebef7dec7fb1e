/* SPDX-License-Identifier: Apache-2.0 */
/* history.h: the last messages of the channels that keep some, for all workers. A message's place
 * is a life and an offset: offsets grow by one, and a life ends when a channel's history is
 * forgotten (memory, or somebody closed the channel). Places of one channel are ordered, first by
 * life. What is kept is bounded in messages, time and bytes per channel, and in bytes over all:
 * then the channel that was used least recently is forgotten. Any thread. */
#ifndef HUB_HISTORY_H
#define HUB_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/view.h"

struct history;

struct history_limits {
    size_t bytes;         /* over all; passed by at most one message per publishing thread */
    size_t channel_bytes; /* at most `bytes` */
};
int history_new(struct history **out, const struct history_limits *limits); /* E_NOMEM */
void history_free(struct history *h);                                       /* NULL is fine */

struct history_place {
    uint64_t life, offset; /* offset 0: before the first message of the life */
};
static inline bool history_is_newer(struct history_place a, struct history_place b)
{
    return a.life > b.life || (a.life == b.life && a.offset > b.offset);
}
/* Where the channel stands. What is published afterwards is newer. */
struct history_place history_place(struct history *h, struct view channel);

/* One publish. Both functions are called under a lock of the channel's, in this order, the second
 * only if the first gave a blob; they must not call back in here. `make` gives the finished message
 * (one reference, which history_append drops), `post` sends it on its way. */
struct history_publish {
    uint32_t messages; /* how many the channel keeps */
    uint64_t ttl_ms, now_ms;
    struct blob *(*make)(void *context, uint64_t offset);
    int (*post)(void *context, struct blob *frame);
    void *context;
};
/* E_NOMEM, and what post returned: then the message has taken no place. */
int history_append(struct history *h, struct view channel, const struct history_publish *publish);

struct history_ask {
    bool is_resume;             /* after `since` up to `upto`, all of it or nothing */
    bool has_since;             /* the first ones after `since`; otherwise the newest ones */
    struct history_place since; /* life and offset */
    uint64_t upto;
    uint32_t messages_max;
    size_t bytes_max; /* of frames; a single larger one comes all the same unless is_resume */
    uint64_t now_ms;
};
struct history_batch {
    struct blob **frames; /* one reference each, oldest first */
    uint32_t count;
    struct history_place place; /* the channel's when it was asked */
};
/* E_MISSING: `since` is of another life, or what followed it is no longer all here. E_LIMIT: a
 * resume of more than messages_max or bytes_max. E_NOMEM. Clear the batch after OK. */
int history_get(struct history *h, struct view channel, const struct history_ask *ask,
                struct history_batch *out);
void history_batch_clear(struct history_batch *batch);

/* Ends the life of the channel: its messages are gone. */
void history_forget(struct history *h, struct view channel);
/* The same for all channels, those that have nothing included. */
void history_forget_all(struct history *h);
/* Drops messages whose time is over from some channels. Call it once a second or so. */
void history_sweep(struct history *h, uint64_t now_ms);
size_t history_bytes(const struct history *h);

/* The public name of a life: 16 hex digits that say nothing. */
#define HISTORY_EPOCH_BYTES 17
void history_epoch(const struct history *h, struct view channel, uint64_t life,
                   char out[HISTORY_EPOCH_BYTES]);

#endif
