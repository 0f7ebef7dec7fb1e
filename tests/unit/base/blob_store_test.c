/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs that come back, from the owner's thread and from others, before and after the store is
 * gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "base/blob_store.h"
#include "base/status.h"

static struct blob *made(struct blob_store *store, uint32_t len)
{
    struct blob *b = blob_store_make(store, len);

    assert_non_null(b);
    assert_int_equal(b->len, len);
    assert_int_equal(atomic_load(&b->refs), 1);
    assert_true(b->life == 0 && b->offset == 0);
    memset(b->data, (int)(len & 0xff), len);
    return b;
}

static void what_is_dropped_is_made_again(void **state)
{
    struct blob_store *store;
    struct blob *b, *other;

    (void)state;
    assert_int_equal(blob_store_new(&store), OK);
    b = made(store, 300);
    b->life = b->offset = 7;
    assert_ptr_equal(blob_keep(b), b);
    blob_drop(b);
    other = made(store, 300);
    assert_ptr_not_equal(other, b); /* somebody still has it */
    blob_drop(b);
    assert_ptr_equal(made(store, 512), b); /* the same size when rounded up */
    blob_drop(b);
    blob_drop(other);
    blob_store_free(store);
}

static void each_size_has_its_own_spares(void **state)
{
    static const uint32_t sizes[] = {
        0, 1, 255, 256, 257, 4096, 16383, BLOB_STORE_BYTES_MAX, BLOB_STORE_BYTES_MAX + 1, 100000};
    struct blob_store *store;

    (void)state;
    assert_int_equal(blob_store_new(&store), OK);
    for (unsigned round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
            blob_drop(made(store, sizes[i]));
    blob_store_free(store);
    blob_store_free(NULL);
}

static void blobs_outlive_their_store(void **state)
{
    struct blob *all[3 * BLOB_STORE_SPARES];
    struct blob_store *store;

    (void)state;
    assert_int_equal(blob_store_new(&store), OK);
    for (unsigned i = 0; i < 3 * BLOB_STORE_SPARES; i++)
        all[i] = made(store, i);
    for (unsigned i = 0; i < BLOB_STORE_SPARES / 2; i++)
        blob_drop(all[i]);
    blob_store_free(store);
    for (unsigned i = BLOB_STORE_SPARES / 2; i < 3 * BLOB_STORE_SPARES; i++) {
        if (i > 0)
            assert_int_equal(all[i]->data[0], i & 0xff);
        blob_drop(all[i]);
    }
}

static void what_is_spare_has_a_ceiling(void **state)
{
    struct blob *all[4 * BLOB_STORE_SPARES];
    struct blob_store *store;

    (void)state;
    assert_int_equal(blob_store_new(&store), OK);
    for (unsigned round = 0; round < 3; round++) { /* AddressSanitizer sees what is freed twice */
        for (unsigned i = 0; i < 4 * BLOB_STORE_SPARES; i++)
            all[i] = made(store, 200);
        for (unsigned i = 0; i < 4 * BLOB_STORE_SPARES; i++)
            blob_drop(all[i]);
    }
    blob_store_free(store);
}

/* --- other threads --- */

#define PASSED 20000

struct desk {
    _Atomic(struct blob *) on_it;
    unsigned sum;
};

static void *take_and_drop(void *context)
{
    struct desk *desk = context;

    for (unsigned i = 0; i < PASSED; i++) {
        struct blob *b;

        while ((b = atomic_exchange(&desk->on_it, NULL)) == NULL)
            (void)sched_yield();
        desk->sum += b->data[0];
        blob_drop(b);
    }
    return NULL;
}

static void other_threads_give_back(void **state)
{
    struct desk desks[2] = {{NULL, 0}, {NULL, 0}};
    struct blob_store *store;
    pthread_t threads[2];

    (void)state;
    assert_int_equal(blob_store_new(&store), OK);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_drop, &desks[i]), 0);
    for (unsigned i = 0; i < PASSED; i++) {
        struct blob *b = made(store, 1 + i % 600);

        b->data[0] = 3;
        for (unsigned k = 0; k < 2; k++) {
            struct blob *kept = blob_keep(b);

            while (atomic_load(&desks[k].on_it) != NULL)
                (void)sched_yield();
            atomic_store(&desks[k].on_it, kept);
        }
        blob_drop(b);
    }
    blob_store_free(store); /* the last ones may be on their way */
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(desks[i].sum, 3 * PASSED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_dropped_is_made_again),
        cmocka_unit_test(each_size_has_its_own_spares),
        cmocka_unit_test(blobs_outlive_their_store),
        cmocka_unit_test(what_is_spare_has_a_ceiling),
        cmocka_unit_test(other_threads_give_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
