/* SPDX-License-Identifier: Apache-2.0 */
/* blob.c: the reference count. The last drop acquires what every other drop released, so that free
 * sees all writes. */
#include "base/blob.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/blob_store.h"
#include "base/num.h"

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
    unsigned before = atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);

    /* Half of the range is far more than all queues together can hold; going on would free memory
     * in use. */
    ASSERT(before > 0 && before < UINT32_MAX / 2);
    return b;
}

void blob_drop(struct blob *b)
{
    unsigned before;

    if (b == NULL)
        return;
    /* acq_rel on every drop, not a fence on the last one: ThreadSanitizer does not understand
     * fences. */
    before = atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before != 1)
        return;
    if (b->store != NULL)
        blob_store_return(b);
    else
        free(b);
}
