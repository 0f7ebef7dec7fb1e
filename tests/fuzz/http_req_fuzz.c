/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base wire */
/* Request heads: every split gives the same verdict, and what is taken keeps its promises. */
#include <stdlib.h>

#include "base/assert.h"
#include "wire/http1.h"

#define EXACT_MAX                                                                                  \
    512 /* up to here each prefix has memory of its own, so that reading on is seen                \
         */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum http1_verdict verdict;
    size_t head_bytes, scanned;
};

static void feed(struct outcome *o, struct http1_request *request, const char *bytes, size_t len)
{
    size_t before = o->scanned;

    o->verdict = http1_parse(request, bytes, len, &o->scanned, &o->head_bytes);
    ASSERT(o->scanned >= before && o->scanned <= len);
    if (o->verdict == HTTP1_MORE)
        ASSERT(o->scanned + 1 >= len);
}

static struct outcome feed_in_steps(const char *bytes, size_t len, size_t step)
{
    struct outcome o = {HTTP1_MORE, 0, 0};
    struct http1_request request;
    size_t at = 0;

    while (o.verdict == HTTP1_MORE && at < len) {
        at = len - at < step ? len : at + step;
        if (at <= EXACT_MAX) {
            char *copy = malloc(at);

            ASSERT(copy != NULL);
            memcpy(copy, bytes, at);
            feed(&o, &request, copy, at);
            free(copy);
        } else {
            feed(&o, &request, bytes, at);
        }
    }
    return o;
}

static void check_inside(struct view v, struct view head)
{
    ASSERT(v.ptr >= head.ptr && v.ptr + v.len <= head.ptr + head.len);
}

static void check_request(const struct http1_request *r, struct view head)
{
    size_t i, at;

    ASSERT(head.len <= HTTP1_HEAD_MAX && head.len >= 4);
    ASSERT(memcmp(head.ptr + head.len - 4, "\r\n\r\n", 4) == 0);
    ASSERT(r->minor <= 1 && http1_is_token(r->method));
    ASSERT(r->target.len > 0 && r->target.len <= HTTP1_TARGET_MAX);
    check_inside(r->method, head);
    check_inside(r->target, head);
    for (at = 0; at < r->target.len; at++)
        ASSERT(r->target.ptr[at] > ' ' && r->target.ptr[at] < 0x7f && r->target.ptr[at] != '#');
    if (view_eq(r->method, VIEW("GET")))
        ASSERT(r->path.len > 0 && r->path.ptr[0] == '/');
    ASSERT(memchr(r->path.ptr, '?', r->path.len) == NULL);
    ASSERT(r->headers_count <= HTTP1_HEADERS_MAX);
    for (i = 0; i < r->headers_count; i++) {
        const struct http1_header *h = &r->headers[i];

        ASSERT(http1_is_token(h->name) && http1_find(r, h->name, NULL) >= 1);
        check_inside(h->name, head);
        check_inside(h->value, head);
        ASSERT(view_trim(h->value).len == h->value.len);
        for (at = 0; at < h->value.len; at++) {
            unsigned char c = (unsigned char)h->value.ptr[at];

            ASSERT((c >= ' ' && c != 0x7f) || c == '\t');
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {1, 2, 3, 7, 4138, 4139};
    const char *bytes = (const char *)data;
    struct http1_request request;
    struct outcome whole = {HTTP1_MORE, 0, 0};
    size_t i;

    feed(&whole, &request, bytes, size);
    if (whole.verdict == HTTP1_DONE)
        check_request(&request, view_of(bytes, whole.head_bytes));
    for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct outcome split = feed_in_steps(bytes, size, steps[i]);

        ASSERT(split.verdict == whole.verdict && split.head_bytes == whole.head_bytes);
    }
    return 0;
}
