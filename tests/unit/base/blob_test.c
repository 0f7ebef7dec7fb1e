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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_reference_is_enough),
        cmocka_unit_test(empty_blob),
        cmocka_unit_test(threads_share_one_blob),
    };

    return cmocka_run_group_tests_name("blob", tests, NULL, NULL);
}
