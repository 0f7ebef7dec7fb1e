/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto message wire net client */
/* Answers to the client's handshake: every split gives the same verdict, what is taken keeps its
 * promises, and nothing but the right accept value is a handshake. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/status.h"
#include "client/handshake.h"
#include "wire/handshake.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum http1_verdict verdict;
    size_t head_bytes, scanned;
};

static void feed(struct outcome *o, struct client_answer *answer, const char *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1); /* memory of its own, so that reading on is seen */
    size_t before = o->scanned;

    ASSERT(copy != NULL);
    if (len > 0)
        memcpy(copy, bytes, len);
    o->verdict = client_answer_parse(answer, copy, len, &o->scanned, &o->head_bytes);
    ASSERT(o->scanned >= before && o->scanned <= len);
    free(copy);
}

static void check_inside(struct view v, struct view head)
{
    ASSERT(v.ptr >= head.ptr && v.ptr + v.len <= head.ptr + head.len);
    ASSERT(memchr(v.ptr, '\r', v.len) == NULL && memchr(v.ptr, '\n', v.len) == NULL);
}

static void check_answer(const struct client_answer *answer, struct view head)
{
    struct client_request request = {.offers_deflate = true};
    struct ws_deflate_params deflate = {.is_on = false};
    const struct http1_header *accept;
    const char *fault = NULL;
    char expected[28];
    uint64_t length = 0;

    ASSERT(head.len <= HTTP1_HEAD_MAX && memcmp(head.ptr + head.len - 4, "\r\n\r\n", 4) == 0);
    ASSERT(answer->status >= 100 && answer->status <= 599 && answer->fields.minor <= 1);
    ASSERT(answer->fields.headers_count <= HTTP1_HEADERS_MAX);
    check_inside(answer->phrase, head);
    for (uint32_t i = 0; i < answer->fields.headers_count; i++) {
        ASSERT(http1_is_token(answer->fields.headers[i].name));
        check_inside(answer->fields.headers[i].name, head);
        check_inside(answer->fields.headers[i].value, head);
    }
    if (client_answer_length(answer, &length))
        ASSERT(length <= UINT32_MAX);
    memcpy(request.key, KEY, sizeof(request.key));
    if (client_answer_check(&deflate, answer, &request, &fault) != OK) {
        ASSERT(fault != NULL && !deflate.is_on);
        return;
    }
    ASSERT(answer->status == 101 && handshake_accept(expected, VIEW(KEY)) == OK);
    ASSERT(http1_find(&answer->fields, VIEW("Sec-WebSocket-Accept"), &accept) == 1);
    ASSERT(view_eq(accept->value, view_of(expected, sizeof(expected))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {1, 2, 3, 7, 4096};
    const char *bytes = (const char *)data;
    struct outcome whole = {HTTP1_MORE, 0, 0};
    struct client_answer answer;

    if (size > 2048 && size < HTTP1_HEAD_MAX)
        size = 2048; /* long ones only where the ceiling is near: dripping them is quadratic here */
    whole.verdict = client_answer_parse(&answer, bytes, size, &whole.scanned, &whole.head_bytes);
    if (whole.verdict == HTTP1_DONE)
        check_answer(&answer, view_of(bytes, whole.head_bytes));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct outcome split = {HTTP1_MORE, 0, 0};

        if (size > 2048 && steps[i] < 4096)
            continue;
        for (size_t at = 0; split.verdict == HTTP1_MORE && at < size;) {
            at = size - at < steps[i] ? size : at + steps[i];
            feed(&split, &answer, bytes, at);
        }
        ASSERT(split.verdict == whole.verdict && split.head_bytes == whole.head_bytes);
    }
    return 0;
}
