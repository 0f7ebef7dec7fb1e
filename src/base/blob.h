/* SPDX-License-Identifier: Apache-2.0 */
/* blob.h: an immutable, refcounted run of bytes that many queues share. keep and drop are safe from
 * any thread. */
#ifndef BASE_BLOB_H
#define BASE_BLOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob_store;

struct blob {
    /* References; in the upper half, those of them that are queues. */
    _Atomic uint64_t refs;
    uint32_t len;
    /* Its place in the history of its channel (hub/history.h); offset 0: it has none. Written
     * before anyone else sees the blob. */
    uint64_t life, offset;
    struct blob_store *store; /* where it came from (base/blob_store.h); NULL: the heap */
    uint8_t data[];
};

/* One reference, `len` bytes for the caller to fill before anyone else sees it. NULL when out of
 * memory. */
struct blob *blob_new(uint32_t len);
struct blob *blob_keep(struct blob *b);
void blob_drop(struct blob *b); /* NULL is fine */
/* What it takes of memory. */
size_t blob_bytes(const struct blob *b);
/* The same for a queue. True: no other queue has it, so that its bytes are to be counted (as
 * waiting for somebody), or need not be any more. */
bool blob_keep_queued(struct blob *b);
bool blob_drop_queued(struct blob *b);

#endif
