/* SPDX-License-Identifier: Apache-2.0 */
/* blob_store.c: spares by size for the owner, and one list of what came back, to which any thread
 * pushes and from which only the owner takes, all at once: so no item is ever unlinked that
 * somebody else might be looking at. The store itself lives until the last of its blobs is freed.
 */
#include "base/blob_store.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/poison.h"
#include "base/status.h"

#define CLASS_MIN_BYTES 256
#define CLASSES         7 /* 256 to 16384 */

/* What a spare blob holds instead of data. */
struct spare {
    struct blob *next;
};

struct blob_store {
    struct blob *spares[CLASSES];
    unsigned spares_count[CLASSES];
    _Atomic(struct blob *) returned; /* or CLOSED */
    atomic_uint returned_count;      /* never less than are in the list */
    atomic_uint refs;                /* the owner, and each blob that was made from the heap */
};

#define CLOSED ((struct blob *)(uintptr_t)1) /* in place of a list: nobody takes any more */

static struct spare *spare_of(struct blob *b)
{
    return (struct spare *)(void *)b->data;
}

static unsigned class_of(uint32_t len)
{
    unsigned class = 0;

    while (((uint32_t)CLASS_MIN_BYTES << class) < len)
        class ++;
    return class;
}

/* The size that blobs of this class have. */
static size_t bytes_of(unsigned class)
{
    return (size_t)CLASS_MIN_BYTES << class;
}

size_t blob_store_round(uint32_t len)
{
    return bytes_of(class_of(len));
}

static void unref(struct blob_store *store)
{
    if (atomic_fetch_sub_explicit(&store->refs, 1, memory_order_acq_rel) == 1)
        free(store);
}

static void destroy(struct blob *b)
{
    struct blob_store *store = b->store;

    unpoison(b->data, bytes_of(class_of(b->len)));
    free(b);
    unref(store);
}

static void destroy_all(struct blob *first)
{
    while (first != NULL) {
        struct blob *next = spare_of(first)->next;

        destroy(first);
        first = next;
    }
}

int blob_store_new(struct blob_store **out)
{
    struct blob_store *store = calloc(1, sizeof(*store));

    if (store == NULL)
        return E_NOMEM;
    atomic_init(&store->returned, NULL);
    atomic_init(&store->returned_count, 0);
    atomic_init(&store->refs, 1);
    *out = store;
    return OK;
}

void blob_store_free(struct blob_store *store)
{
    if (store == NULL)
        return;
    destroy_all(atomic_exchange_explicit(&store->returned, CLOSED, memory_order_acq_rel));
    for (unsigned i = 0; i < CLASSES; i++)
        destroy_all(store->spares[i]);
    unref(store);
}

void blob_store_return(struct blob *b)
{
    struct blob_store *store = b->store;
    struct blob *first = atomic_load_explicit(&store->returned, memory_order_relaxed);

    if (atomic_fetch_add_explicit(&store->returned_count, 1, memory_order_relaxed) >=
        BLOB_STORE_SPARES) {
        (void)atomic_fetch_sub_explicit(&store->returned_count, 1, memory_order_relaxed);
        destroy(b);
        return;
    }
    poison(b->data, bytes_of(class_of(b->len)));
    unpoison(b->data, sizeof(struct spare));
    while (first != CLOSED) {
        spare_of(b)->next = first;
        /* From here on neither b nor the store may be touched: the owner may have freed both. */
        if (atomic_compare_exchange_weak_explicit(&store->returned, &first, b, memory_order_release,
                                                  memory_order_relaxed))
            return;
    }
    destroy(b);
}

/* Everything that came back goes to the spares of its size. */
static void collect(struct blob_store *store)
{
    struct blob *b = atomic_exchange_explicit(&store->returned, NULL, memory_order_acquire);
    unsigned count = 0;

    while (b != NULL) {
        struct blob *next = spare_of(b)->next;
        unsigned class = class_of(b->len);

        if (store->spares_count[class] >= BLOB_STORE_SPARES) {
            destroy(b);
        } else {
            spare_of(b)->next = store->spares[class];
            store->spares[class] = b;
            store->spares_count[class]++;
        }
        b = next;
        count++;
    }
    (void)atomic_fetch_sub_explicit(&store->returned_count, count, memory_order_relaxed);
}

static struct blob *make_new(struct blob_store *store, unsigned class)
{
    struct blob *b = malloc(sizeof(*b) + bytes_of(class));

    if (b == NULL)
        return NULL;
    atomic_fetch_add_explicit(&store->refs, 1, memory_order_relaxed);
    b->store = store;
    return b;
}

struct blob *blob_store_make(struct blob_store *store, uint32_t len)
{
    unsigned class;
    struct blob *b;

    if (len > BLOB_STORE_BYTES_MAX)
        return blob_new(len);
    class = class_of(len);
    if (store->spares[class] == NULL)
        collect(store);
    b = store->spares[class];
    if (b != NULL) {
        store->spares[class] = spare_of(b)->next;
        store->spares_count[class]--;
    } else {
        b = make_new(store, class);
        if (b == NULL)
            return NULL;
    }
    poison(b->data, bytes_of(class));
    unpoison(b->data, len);
    atomic_init(&b->refs, 1);
    b->len = len;
    b->life = b->offset = 0;
    return b;
}
