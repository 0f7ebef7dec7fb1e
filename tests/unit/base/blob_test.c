/* SPDX-License-Identifier: Apache-2.0 */
/* blob_test.c: counting, also from several threads at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/blob.h"

static void one_reference_is_enough(void **state)
{
    struct blob *b = blob_new(3);

    (void)state;
    assert_non_null(b);
    assert_int_equal(b->len, 3);
    memcpy(b->data, "abc", 3);
    assert_ptr_equal(blob_keep(b), b);
    assert_int_equal(atomic_load(&b->refs), 2);
    blob_drop(b);
    assert_memory_equal(b->data, "abc", 3);
    blob_drop(b);
    blob_drop(NULL);
}

static void empty_blob(void **state)
{
    struct blob *b = blob_new(0);

    (void)state;
    assert_int_equal(b->len, 0);
    blob_drop(b);
}

static void *keep_and_drop(void *blob)
{
    unsigned sum = 0;

    for (int i = 0; i < 20000; i++) {
        struct blob *b = blob_keep(blob);

        sum += b->data[0];
        blob_drop(b);
    }
    blob_drop(blob);
    return sum == 20000 * 7 ? blob : NULL;
}

/* Whoever drops last frees; under ThreadSanitizer this shows whether free sees every read before
 * it. */
static void threads_share_one_blob(void **state)
{
    struct blob *b = blob_new(1);
    pthread_t threads[4];

    (void)state;
    b->data[0] = 7;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_and_drop, blob_keep(b)), 0);
    blob_drop(b);
    for (int i = 0; i < 4; i++) {
        void *result;

        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
}

static void queues_are_counted_apart(void **state)
{
    struct blob *b = blob_new(1);

    (void)state;
    assert_int_equal(blob_bytes(b), sizeof(*b) + 1);
    assert_true(blob_keep_queued(b));
    assert_false(blob_keep_queued(b));
    (void)blob_keep(b);
    assert_false(blob_drop_queued(b));
    blob_drop(b);
    assert_true(blob_drop_queued(b));
    assert_true(blob_keep_queued(b));
    blob_drop(b); /* the maker's own */
    assert_true(blob_drop_queued(b));
}

struct counted {
    struct blob *blob;
    _Atomic int64_t sum;
};

static void *queue_and_send(void *argument)
{
    struct counted *c = argument;

    for (int i = 0; i < 20000; i++) {
        atomic_fetch_add(&c->sum, blob_keep_queued(c->blob) ? 1 : 0);
        atomic_fetch_add(&c->sum, blob_drop_queued(c->blob) ? -1 : 0);
    }
    return NULL;
}

/* Whoever is first and whoever is last, over all threads as many of one as of the other. */
static void first_and_last_queue_are_told_once(void **state)
{
    struct counted c = {blob_new(1), 0};
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, queue_and_send, &c), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&c.sum), 0);
    assert_int_equal(atomic_load(&c.blob->refs), 1);
    blob_drop(c.blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_reference_is_enough),
        cmocka_unit_test(empty_blob),
        cmocka_unit_test(threads_share_one_blob),
        cmocka_unit_test(queues_are_counted_apart),
        cmocka_unit_test(first_and_last_queue_are_told_once),
    };

    return cmocka_run_group_tests_name("blob", tests, NULL, NULL);
}
