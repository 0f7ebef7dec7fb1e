/* SPDX-License-Identifier: Apache-2.0 */
/* api_request.h: one request with its body, from bytes in any split (RFC 9112). Pure but for the
 * memory of its buffer. Stricter than HTTP: HTTP/1.1 only, a body only with exactly one
 * Content-Length, nothing behind the body (a second request there would be read by nobody else in
 * the same way). */
#ifndef API_API_REQUEST_H
#define API_API_REQUEST_H

#include <stdbool.h>

#include "base/buf.h"
#include "wire/http1.h"

#define API_BODY_MAX (64 * 1024)

enum api_fault {
    API_OK,
    API_BAD_REQUEST,       /* 400 bad_request: not HTTP/1.1, or framed in two ways */
    API_HOST_INVALID,      /* 400 */
    API_LENGTH_REQUIRED,   /* 411 */
    API_BODY_TOO_LARGE,    /* 413 */
    API_TARGET_TOO_LONG,   /* 414 */
    API_HEADERS_TOO_LARGE, /* 431 */
    API_HTTP_VERSION       /* 505 */
};
enum api_step {
    API_MORE, /* more bytes are needed */
    API_HEAD, /* once: `head` is good until the next call; then go on with an empty take */
    API_DONE, /* `body` is whole */
    API_BAD   /* `fault` says why; nothing more is taken */
};
struct api_request {
    struct buf bytes;
    size_t scanned, head_bytes, body_bytes;
    struct http1_request head; /* views into `bytes` */
    struct view body;
    enum api_fault fault;
    bool has_head, wants_continue;
};

void api_request_init(struct api_request *r);
void api_request_clear(struct api_request *r); /* wipes: a key and tickets were in it */
enum api_step api_request_take(struct api_request *r, const void *bytes, size_t len);

#endif
