/* SPDX-License-Identifier: Apache-2.0 */
/* push.h: the frame that subscribers get, built once per publish. Private to server/. Worker thread
 * only. */
#ifndef SERVER_PUSH_H
#define SERVER_PUSH_H

#include "base/blob.h"
#include "base/wr.h"
#include "message/json.h"
#include "server/worker.h"

/* What a worker's text buffer must hold for messages of at most `message_bytes`: a byte of a
 * decoded string becomes at most the six of \u00XX. */
size_t push_bytes_max(uint64_t message_bytes);
/* A JSON value as it came in (a string is escaped anew). */
void push_value(struct wr *w, const struct json *value);
/* An empty `channel`: {"type":"broadcast","data":...,"from":...}, for everybody. Else
 * {"type":"message","channel":...,"data":...,"from":{"user":...}} as one unmasked text frame.
 * `data` goes out as it came in (a string is escaped anew). from_user empty: the server itself,
 * "from":{"server":true}. NULL when out of memory. */
struct blob *push_encode(struct worker *w, struct view channel, const struct json *data,
                         struct view from_user);

#endif
