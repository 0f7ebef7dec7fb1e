/* SPDX-License-Identifier: Apache-2.0 */
/* api_replay.h: answers kept for 10 minutes under the Idempotency-Key of their call, so that a
 * caller who lost an answer may ask again without doing it twice. Bounded in entries and bytes;
 * when it is full a new key is refused, none is forgotten early. Wipes what it drops: tickets and
 * sessions may stand in it. Not thread-safe. */
#ifndef API_API_REPLAY_H
#define API_API_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

#define API_REPLAY_KEY_MAX   64
#define API_REPLAY_MS        (10 * 60 * 1000)
#define API_REPLAY_ENTRIES   16384
#define API_REPLAY_BYTES_MAX (16u * 1024u * 1024u)

enum api_replay_found {
    API_REPLAY_NEW,   /* do it, then finish or forget */
    API_REPLAY_KNOWN, /* *body is what was answered, until the next call here */
    API_REPLAY_BUSY,  /* it is under way */
    API_REPLAY_OTHER, /* the key came with another request */
    API_REPLAY_FULL
};
struct api_replay_ask {
    struct view owner; /* the name of the API key: each has keys of its own */
    struct view key;   /* good by api_replay_key_ok */
    struct view path, body;
};
struct api_replays;
struct api_replay_entry;

int api_replays_new(struct api_replays **out); /* E_NOMEM */
void api_replays_free(struct api_replays *replays);
/* 1 to 64 printable ASCII characters without blanks. */
bool api_replay_key_ok(struct view key);
/* *entry is set for NEW, *body for KNOWN. */
enum api_replay_found api_replay_begin(struct api_replays *replays, struct api_replay_entry **entry,
                                       struct view *body, const struct api_replay_ask *ask,
                                       uint64_t now_ms);
/* It was done and answered with this; forgotten at once when there is no memory for it. */
void api_replay_finish(struct api_replays *replays, struct api_replay_entry *entry,
                       struct view body, uint64_t now_ms);
/* It was not done. */
void api_replay_forget(struct api_replays *replays, struct api_replay_entry *entry);

#endif
