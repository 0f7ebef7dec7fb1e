/* SPDX-License-Identifier: Apache-2.0 */
/* blob.c: the reference count. The last drop acquires what every other drop released, so that free
 * sees all writes. */
#include "base/blob.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/blob_store.h"
#include "base/num.h"

#define ONE       UINT64_C(1)
#define ONE_QUEUE (UINT64_C(1) << 32)

static uint32_t refs_of(uint64_t refs)
{
    return (uint32_t)refs;
}

static uint64_t add(struct blob *b, uint64_t refs)
{
    uint64_t before = atomic_fetch_add_explicit(&b->refs, refs, memory_order_relaxed);

    /* Half of the range is far more than all queues together can hold; going on would free memory
     * in use. */
    ASSERT(refs_of(before) > 0 && refs_of(before) < UINT32_MAX / 2);
    return before;
}

static uint64_t take_away(struct blob *b, uint64_t refs)
{
    /* acq_rel on every drop, not a fence on the last one: ThreadSanitizer does not understand
     * fences. */
    uint64_t before = atomic_fetch_sub_explicit(&b->refs, refs, memory_order_acq_rel);

    ASSERT(refs_of(before) > 0);
    if (refs_of(before) != 1)
        return before;
    if (b->store != NULL)
        blob_store_return(b);
    else
        free(b);
    return before;
}

struct blob *blob_new(uint32_t len)
{
    struct blob *b;
    size_t bytes;

    if (!size_add(sizeof(*b), len, &bytes))
        return NULL;
    b = malloc(bytes);
    if (b == NULL)
        return NULL;
    atomic_init(&b->refs, 1);
    b->len = len;
    b->life = b->offset = 0;
    b->store = NULL;
    return b;
}

struct blob *blob_keep(struct blob *b)
{
    (void)add(b, ONE);
    return b;
}

size_t blob_bytes(const struct blob *b)
{
    return sizeof(*b) + (b->store != NULL ? blob_store_round(b->len) : b->len);
}

void blob_drop(struct blob *b)
{
    if (b != NULL)
        (void)take_away(b, ONE);
}

bool blob_keep_queued(struct blob *b)
{
    return add(b, ONE + ONE_QUEUE) < ONE_QUEUE;
}

bool blob_drop_queued(struct blob *b)
{
    return take_away(b, ONE + ONE_QUEUE) >> 32 == 1;
}
