/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto wire net */
/* redis_reply_fuzz.c: what a server says, read whole and in pieces: the same values both ways, none
 * over its ceiling. The same bytes as the address of a server. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "net/redis_reply.h"
#include "net/redis_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint64_t sum_of(const struct redis_value *v, unsigned depth)
{
    uint64_t sum = (uint64_t)v->type * 31 + (uint64_t)v->number + v->text.len;

    ASSERT(depth < 10 && v->count <= REDIS_ITEMS_MAX && v->text.len <= REDIS_REPLY_MAX);
    for (size_t i = 0; i < v->text.len; i++)
        sum = sum * 31 + (uint8_t)v->text.ptr[i];
    for (uint32_t i = 0; i < v->count; i++)
        sum = sum * 131 + sum_of(v->items[i], depth + 1);
    return sum;
}

/* A sum over all replies, and how it ended. */
static uint64_t read_all(const uint8_t *data, size_t len, size_t piece)
{
    struct redis_reader r;
    struct redis_value *v = NULL;
    uint64_t sum = 0;
    int rc = OK;

    ASSERT(redis_reader_open(&r) == OK);
    for (size_t at = 0; rc == OK && at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        uint8_t *exact = malloc(n);

        ASSERT(exact != NULL);
        memcpy(exact, data + at, n);
        rc = redis_reader_feed(&r, exact, n);
        free(exact);
        while (rc == OK && (rc = redis_reader_next(&r, &v)) == OK && v != NULL) {
            sum = sum * 1000003 + sum_of(v, 0);
            redis_value_free(v);
        }
    }
    redis_reader_close(&r);
    return sum * 2 + (rc == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct redis_url url;

    if (len == 0 || len > 4096)
        return 0;
    ASSERT(read_all(data, len, len) == read_all(data, len, 1 + data[0] % 7));
    if (redis_url_parse(&url, view_of(data, len), NULL) == OK)
        ASSERT(strlen(url.host) > 0 && strlen(url.host) < sizeof(url.host));
    return 0;
}
