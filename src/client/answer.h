/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h: the head of an HTTP/1.1 answer, as strictly as wire/http1.h reads requests. Pure. */
#ifndef CLIENT_ANSWER_H
#define CLIENT_ANSWER_H

#include "wire/http1.h"

struct client_answer {
    unsigned status; /* 100..599 */
    struct view phrase;
    struct http1_request
        fields; /* only minor, headers and headers_count; for http1_find and http1_has_token */
};

/* Call again with ever more of the same bytes; *scanned starts at 0. HTTP1_BAD as soon as the bytes
 * can no longer become an answer, HTTP1_TOO_LARGE past HTTP1_HEAD_MAX or HTTP1_HEADERS_MAX. On
 * HTTP1_DONE *answer (views into bytes) and *head_bytes are set. Any split gives the same verdict;
 * linear time. */
enum http1_verdict client_answer_parse(struct client_answer *answer, const char *bytes, size_t len,
                                       size_t *scanned, size_t *head_bytes);
/* Bytes of the body if one valid Content-Length says so; false: until the connection ends. */
bool client_answer_length(const struct client_answer *answer, uint64_t *bytes);

#endif
