/* SPDX-License-Identifier: Apache-2.0 */
/* push.h: the frames that subscribers get, each built once. Private to server/. Worker thread
 * only. */
#ifndef SERVER_PUSH_H
#define SERVER_PUSH_H

#include "base/blob.h"
#include "base/wr.h"
#include "hub/presence.h"
#include "message/json.h"
#include "server/worker.h"

/* What a worker's text buffer must hold for messages of at most `message_bytes`: a byte of a
 * decoded string becomes at most the six of \u00XX. */
size_t push_bytes_max(uint64_t message_bytes);
/* A JSON value as it came in (a string is escaped anew). */
void push_value(struct wr *w, const struct json *value);
/* {"type":"broadcast","data":...,"from":{"server":true}}, for everybody. NULL when out of memory.
 */
struct blob *push_broadcast(struct worker *w, const struct json *data);
/* {"type":"message","channel":...,"data":...,"from":{"user":...}} to everyone who listens; where
 * the channel keeps a history, also into it, with "offset" behind "from". `data` goes out as it
 * came in (a string is escaped anew). OK: it goes to all of them. E_FULL, E_NOMEM: nobody gets it.
 */
struct push {
    struct view channel;
    const struct json *data;
    struct view from_user; /* empty: the server itself, "from":{"server":true} */
};
int push_publish(struct worker *w, const struct push *push);
/* {"type":"join" or "leave","channel":...,"user":...} as a frame. NULL when out of memory. */
struct blob *push_news(const struct presence_news *news);
/* The JSON inside a frame of ours; it lives as long as the frame. */
struct view push_text(const struct blob *frame);

#endif
