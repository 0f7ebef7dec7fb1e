/* SPDX-License-Identifier: Apache-2.0 */
/* http1.h: a strict HTTP/1.1 request-head parser (RFC 9112). Pure; the head is parsed once, when it
 * is complete. */
#ifndef WIRE_HTTP1_H
#define WIRE_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

#define HTTP1_HEAD_MAX    (16 * 1024)
#define HTTP1_HEADERS_MAX 64
#define HTTP1_TARGET_MAX  4096

struct http1_header {
    struct view name, value; /* value without optional white space around it */
    bool has_odd_space; /* more than one SP before the value, HTAB, or white space behind it (TO-35)
                         */
};
struct http1_request {
    struct view method, target, path,
        query; /* path: origin-form path; query without '?', ptr NULL when there is none */
    struct view authority; /* of an absolute-form target (or CONNECT); ptr NULL otherwise */
    uint8_t minor;         /* HTTP/1.minor: 0 or 1 */
    struct http1_header headers[HTTP1_HEADERS_MAX];
    uint32_t headers_count;
};

enum http1_verdict {
    HTTP1_MORE,
    HTTP1_DONE,
    HTTP1_BAD,             /* 400 */
    HTTP1_TARGET_TOO_LONG, /* 414 */
    HTTP1_TOO_LARGE,       /* 431: head over HTTP1_HEAD_MAX or over HTTP1_HEADERS_MAX headers */
    HTTP1_VERSION          /* 505 */
};
/* Incremental search for the end of the head, so that dripping bytes stays linear (C-B2): *scanned
 * starts at 0 and is kept by the caller between calls with ever more of the same bytes. Refuses
 * early what can no longer become valid (control bytes, bare CR or LF, NUL). On DONE fills *request
 * (views into bytes) and *head_bytes. No obs-fold, no space before the colon, no empty header name,
 * no bare LF, no leading empty lines. The target is visible ASCII without '#'; nothing in it is
 * decoded or resolved: a path matches byte by byte or not at all. On GET it is origin-form or
 * absolute-form. */
enum http1_verdict http1_parse(struct http1_request *request, const char *bytes, size_t len,
                               size_t *scanned, size_t *head_bytes);

/* Is it a token of RFC 9110 section 5.6.2 (not empty)? */
bool http1_is_token(struct view v);
/* How many headers have this name (ASCII, case-insensitive); *first (may be NULL) gets the first
 * one. '_' is never '-'. */
unsigned http1_find(const struct http1_request *request, struct view name,
                    const struct http1_header **first);
/* Does any header of this name list `token` (comma separated, case-insensitive)? */
bool http1_has_token(const struct http1_request *request, struct view name, struct view token);

#endif
