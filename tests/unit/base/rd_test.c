/* SPDX-License-Identifier: Apache-2.0 */
/* rd_test.c: big-endian reads, the end of the bytes against a guard page, sticky failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rd.h"
#include "three_ways.h"

static const uint8_t bytes[] = {1,    2,    3,    4,    5,    6,    7,    8,    9,
                                0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7};

static void reads_big_endian_up_to_the_last_byte(void **state)
{
    struct guarded g = guarded_copy(bytes, sizeof(bytes));
    struct rd r = rd_of(g.data, sizeof(bytes));

    (void)state;
    assert_int_equal(rd_u8(&r), 1);
    assert_int_equal(rd_u16(&r), 0x0203);
    assert_int_equal(rd_u24(&r), 0x040506);
    assert_true(rd_u32(&r) == 0x070809ff);
    assert_true(rd_u64(&r) == 0xfefdfcfbfaf9f8f7);
    assert_false(r.failed);
    assert_int_equal(rd_left(&r), 0);
    assert_int_equal(rd_u8(&r), 0);
    assert_true(r.failed);
    guarded_free(&g);
}

static void failure_is_sticky(void **state)
{
    struct rd r = rd_of(bytes, 3);

    (void)state;
    assert_true(rd_u32(&r) == 0);
    assert_true(r.failed);
    assert_int_equal(rd_u8(&r), 0);
    assert_int_equal(rd_bytes(&r, 0).len, 0);
    assert_true(r.failed);
    assert_int_equal(rd_left(&r), 3);
}

static void too_many_bytes_give_an_empty_view(void **state)
{
    struct rd r = rd_of(bytes, 3);
    struct view v = rd_bytes(&r, 3);

    (void)state;
    assert_true(v.ptr == (const char *)bytes && v.len == 3);
    assert_int_equal(rd_bytes(&r, 0).len, 0);
    assert_false(r.failed);
    assert_int_equal(rd_bytes(&r, SIZE_MAX).len, 0);
    assert_true(r.failed);
}

static void nothing_can_be_read_from_nothing(void **state)
{
    struct rd r = rd_of(NULL, 0);

    (void)state;
    assert_int_equal(rd_bytes(&r, 0).len, 0);
    assert_false(r.failed);
    assert_int_equal(rd_u16(&r), 0);
    assert_true(r.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_big_endian_up_to_the_last_byte),
        cmocka_unit_test(failure_is_sticky),
        cmocka_unit_test(too_many_bytes_give_an_empty_view),
        cmocka_unit_test(nothing_can_be_read_from_nothing),
    };

    return cmocka_run_group_tests_name("rd", tests, NULL, NULL);
}
