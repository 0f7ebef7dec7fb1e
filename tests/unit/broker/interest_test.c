/* SPDX-License-Identifier: Apache-2.0 */
/* interest_test.c: bits come and go, channels without bits are forgotten, and the table has a
 * ceiling. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <malloc.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/status.h"
#include "broker/interest.h"

static void bits_come_and_go(void **state)
{
    struct interest *in;

    (void)state;
    assert_int_equal(interest_new(&in, 1000), OK);
    assert_true(interest_find(in, VIEW("a")) == 0);
    assert_int_equal(interest_add(in, 0, VIEW("a")), OK);
    assert_int_equal(interest_add(in, 63, VIEW("a")), OK);
    assert_int_equal(interest_add(in, 63, VIEW("a")), OK);
    assert_int_equal(interest_add(in, 5, VIEW("b")), OK);
    assert_true(interest_find(in, VIEW("a")) == (UINT64_C(1) | UINT64_C(1) << 63));
    assert_true(interest_find(in, VIEW("b")) == UINT64_C(1) << 5);
    assert_int_equal(interest_count(in), 2);
    interest_remove(in, 0, VIEW("a"));
    interest_remove(in, 7, VIEW("a"));
    interest_remove(in, 7, VIEW("nowhere"));
    assert_true(interest_find(in, VIEW("a")) == UINT64_C(1) << 63);
    interest_remove(in, 63, VIEW("a"));
    assert_int_equal(interest_count(in), 1);
    interest_free(in); /* with b still inside */
    interest_free(NULL);
}

static void the_table_has_a_ceiling(void **state)
{
    struct interest *in;
    uint32_t i, added = 0;
    char name[16];

    (void)state;
    assert_int_equal(interest_new(&in, 6400), OK);
    for (i = 0; i < 50000; i++) {
        int rc;

        (void)snprintf(name, sizeof(name), "c%u", i);
        rc = interest_add(in, 1, view_of_text(name));
        assert_true(rc == OK || rc == E_LIMIT);
        added += rc == OK;
    }
    assert_int_equal(added, 6400 + 64); /* each of 64 shards is full by now */
    assert_int_equal(interest_count(in), added);
    /* A channel that stands already takes more workers even then. */
    assert_int_equal(interest_add(in, 2, VIEW("c0")), OK);
    interest_free(in);
}

static void coming_and_going_leaves_memory_flat(void **state)
{
    struct interest *in;
    size_t before = 0;
    char name[16];
    uint32_t i;

    (void)state;
    assert_int_equal(interest_new(&in, 1000), OK);
    for (i = 0; i < 100000; i++) {
        (void)snprintf(name, sizeof(name), "c%u", i);
        assert_int_equal(interest_add(in, 1, view_of_text(name)), OK);
        interest_remove(in, 1, view_of_text(name));
        if (i == 9999)
            before = mallinfo2().uordblks;
    }
    assert_int_equal(mallinfo2().uordblks, before);
    assert_int_equal(interest_count(in), 0);
    interest_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_come_and_go),
        cmocka_unit_test(the_table_has_a_ceiling),
        cmocka_unit_test(coming_and_going_leaves_memory_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
