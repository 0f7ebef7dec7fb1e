/* SPDX-License-Identifier: Apache-2.0 */
/* redis_reply_test.c: replies whole and byte by byte, and what a server may not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/status.h"
#include "net/redis_reply.h"
#include "three_ways.h"

static const char stream[] = "+OK\r\n-ERR no\r\n:-42\r\n$5\r\na\r\nb\0\r\n$-1\r\n"
                             "*3\r\n$0\r\n\r\n*1\r\n:7\r\n$-1\r\n*0\r\n*-1\r\n";

static struct redis_value *next(struct redis_reader *r)
{
    struct redis_value *v = NULL;

    assert_int_equal(redis_reader_next(r, &v), OK);
    return v;
}

static void check(struct redis_value *v, unsigned number)
{
    static const enum redis_type types[] = {REDIS_STATUS, REDIS_ERROR, REDIS_NUMBER, REDIS_TEXT,
                                            REDIS_NIL,    REDIS_LIST,  REDIS_LIST,   REDIS_NIL};

    assert_true(number < 8);
    assert_int_equal(v->type, types[number]);
    if (number == 1)
        assert_true(view_eq(v->text, VIEW("ERR no")));
    if (number == 2)
        assert_int_equal(v->number, -42);
    if (number == 3)
        assert_true(view_eq(v->text, view_of("a\r\nb\0", 5)));
    if (number == 5) {
        assert_int_equal(v->count, 3);
        assert_int_equal(v->items[0]->type, REDIS_TEXT);
        assert_int_equal(v->items[0]->text.len, 0);
        assert_int_equal(v->items[1]->items[0]->number, 7);
        assert_int_equal(v->items[2]->type, REDIS_NIL);
    }
    if (number == 6)
        assert_int_equal(v->count, 0);
    redis_value_free(v);
}

static void replies_are_read_in_any_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < sizeof(stream); piece++) {
        struct redis_reader r;
        struct redis_value *v;
        unsigned number = 0;

        assert_int_equal(redis_reader_open(&r), OK);
        for (size_t at = 0; at < sizeof(stream) - 1; at += piece) {
            size_t len = sizeof(stream) - 1 - at < piece ? sizeof(stream) - 1 - at : piece;
            struct guarded g = guarded_copy(stream + at, len);

            assert_int_equal(redis_reader_feed(&r, g.data, len), OK);
            while ((v = next(&r)) != NULL)
                check(v, number++);
            guarded_free(&g);
        }
        assert_int_equal(number, 8);
        assert_int_equal(r.unfinished, 0);
        redis_reader_close(&r);
    }
}

static void what_is_no_reply_ends_the_reading(void **state)
{
    static const char *const bad[] = {
        "hello\r\n",
        "$x\r\n",
        "*4097\r\n",
        "*2147483647\r\n",
        "*-2\r\n",
        ":x\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        "*2\r\n:1\r\n*4097\r\n",
        "$99999999999999999999\r\n",
        ">1\r\n:1\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct redis_reader r;
        struct redis_value *v = NULL;

        assert_int_equal(redis_reader_open(&r), OK);
        assert_int_equal(redis_reader_feed(&r, bad[i], strlen(bad[i])), OK);
        assert_int_equal(redis_reader_next(&r, &v), E_INVALID);
        assert_null(v);
        redis_reader_close(&r);
    }
}

static void a_reply_has_a_ceiling(void **state)
{
    static char filler[64 * 1024];
    struct redis_reader r;
    struct redis_value *v = NULL;
    unsigned fed = 0;

    (void)state;
    memset(filler, 'x', sizeof(filler));
    assert_int_equal(redis_reader_open(&r), OK);
    assert_int_equal(redis_reader_feed(&r, "$1000000000\r\n", 13), OK);
    while (redis_reader_feed(&r, filler, sizeof(filler)) == OK) {
        assert_int_equal(redis_reader_next(&r, &v), OK);
        assert_null(v);
        fed++;
    }
    assert_int_equal(fed, REDIS_REPLY_MAX / sizeof(filler));
    redis_reader_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_read_in_any_pieces),
        cmocka_unit_test(what_is_no_reply_ends_the_reading),
        cmocka_unit_test(a_reply_has_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
