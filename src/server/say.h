/* SPDX-License-Identifier: Apache-2.0 */
/* say.h: the answers of the native protocol, built in fixed buffers. Private to server/. Worker
 * thread only. */
#ifndef SERVER_SAY_H
#define SERVER_SAY_H

#include "message/json.h"
#include "server/peer.h"

#define ANSWER_BYTES_MAX 2048

/* {"type":type ... then say_end adds the id (NULL: none), closes and sends. What does not fit ends
 * the session with 1011. */
void say_begin(struct wr *w, const char *type);
void say_end(struct peer *p, struct wr *w, const struct json *id);
/* {"type":"error","code":code,"message":message} */
void say_error(struct peer *p, const struct json *id, const char *code, struct view message);
/* The same, the message ending in a stranger's word, which is cut short. */
void say_error_about(struct peer *p, const struct json *id, const char *code, const char *before,
                     struct view word);
/* The event message_invalid with this code. */
void say_log_invalid(struct peer *p, const char *code);

#endif
