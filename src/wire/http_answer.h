/* SPDX-License-Identifier: Apache-2.0 */
/* http_answer.h: a small complete HTTP/1.1 answer (status pages, the demo page). Pure. */
#ifndef WIRE_HTTP_ANSWER_H
#define WIRE_HTTP_ANSWER_H

#include "base/wr.h"

struct http_answer {
    unsigned status;
    const char *phrase, *content_type; /* content_type NULL: no such header */
    const char *extra_headers;         /* complete lines ending in CRLF, or NULL */
    struct view body;
    bool is_tls;         /* adds Strict-Transport-Security */
    bool offers_upgrade; /* adds Upgrade: websocket (a 426 must) and lists it in Connection */
};
/* Always with Connection: close, Content-Length, X-Content-Type-Options: nosniff. No text in
 * `answer` is escaped here: all but the body must be ours. */
/* Everything before the body, for bodies that are sent from where they lie. */
void http_answer_head(struct wr *w, const struct http_answer *answer);
void http_answer_encode(struct wr *w, const struct http_answer *answer);

#endif
