/* SPDX-License-Identifier: Apache-2.0 */
/* event_chain_test.c: what is written holds, and no single byte of it can be another; under a key
 * every way to alter a log has its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "server/event_chain.h"
#include "server/event_log.h"
#include "three_ways.h"

static const struct view key = VIEW("0123456789abcdefghijklmnopqrstuv");

static struct event_reader reader_of(struct view with)
{
    struct event_reader reader = {.key = with};

    event_chain_init(&reader.chain);
    return reader;
}

/* --- without a key --- */

static void no_byte_can_be_changed_unseen(void **state)
{
    char text[512];
    struct wr w = wr_of(text, sizeof(text));
    struct event_chain writer = {.seq = 0};
    struct event_reader reader = reader_of(VIEW(""));
    size_t first, len;

    (void)state;
    event_chain_init(&writer);
    event_chain_write(&writer, &w, VIEW("{\"event\":\"a\"}\n"));
    first = wr_len(&w);
    assert_int_equal(first, strlen("{\"event\":\"a\"}\n") + EVENT_PLAIN_BYTES);
    event_chain_write(&writer, &w, VIEW("{\"event\":\"b\"}\n"));
    assert_false(w.failed);
    len = wr_len(&w) - first - 1;
    assert_int_equal(event_chain_judge(&reader, view_of(text, first - 1)), EVENT_LINK_GOOD);
    assert_int_equal(event_chain_judge(&reader, view_of(text + first, len)), EVENT_LINK_GOOD);
    assert_string_equal(reader.chain.last, writer.last);
    assert_int_equal(event_chain_judge(&reader, view_of(text, first - 1)), EVENT_LINK_BROKEN);
    for (size_t i = 0; i < first - 1; i++) {
        text[i] ^= 1;
        reader = reader_of(VIEW(""));
        assert_int_not_equal(event_chain_judge(&reader, view_of(text, first - 1)), EVENT_LINK_GOOD);
        text[i] ^= 1;
    }
}

static void short_and_plain_lines_carry_nothing(void **state)
{
    struct event_reader reader = reader_of(key);
    static const char end[] = "\"123\"}";
    char zeros[300] = {0};
    struct guarded guarded;

    (void)state;
    for (size_t len = 0; len < sizeof(zeros); len++)
        assert_int_equal(event_chain_judge(&reader, view_of(zeros, len)), EVENT_LINK_NONE);
    assert_false(event_chain_resume(&reader.chain, view_of(zeros, sizeof(zeros))));
    for (size_t len = 1; len < sizeof(end); len++) { /* the ends of a line alone */
        guarded = guarded_copy(&end[sizeof(end) - 1 - len], len);
        assert_int_equal(event_chain_judge(&reader, view_of(guarded.data, len)), EVENT_LINK_NONE);
        guarded_free(&guarded);
    }
}

static void what_does_not_fit_is_told(void **state)
{
    char few[64];
    struct wr w = wr_of(few, sizeof(few));
    struct event_chain chain = {.seq = 0};

    (void)state;
    event_chain_init(&chain);
    event_chain_write(&chain, &w, VIEW("{\"event\":\"a\"}\n"));
    assert_true(w.failed);
    w = wr_of(few, sizeof(few));
    event_chain_write(&chain, &w, VIEW("\n"));
    assert_true(w.failed);
}

/* --- under a key --- */

#define LINES 12
struct book {
    char text[LINES][1024];
    size_t len[LINES]; /* without the line feed */
    uint32_t count;
    struct event_chain chain;
};

static void put(struct book *b, struct event *event)
{
    char line[EVENT_LINE_MAX];
    struct wr w = wr_of(b->text[b->count], sizeof(b->text[0]));

    event_chain_write(&b->chain, &w,
                      view_of(line, event_encode(line, sizeof(line), event, 1795359005648)));
    assert_false(w.failed);
    b->len[b->count++] = wr_len(&w) - 1;
}

static void put_mark(struct book *b, const char *code)
{
    char text[EVENT_MARK_MAX];
    struct event event = {.type = EVENT_LOG_MARK, .outcome = OUTCOME_OK, .code = code};

    assert_int_equal(event_seal_turn(&b->chain.seal), OK);
    event.detail = event_seal_mark(&b->chain.seal.mark, text);
    put(b, &event);
}

/* A mark, three lines, a mark, three lines, a stop. */
static struct book *book_new(void)
{
    struct event event = {.type = EVENT_AUTH_OK, .outcome = OUTCOME_OK, .user = VIEW("alice")};
    struct book *b = calloc(1, sizeof(*b));

    assert_non_null(b);
    event_chain_init(&b->chain);
    b->chain.is_keyed = true;
    assert_int_equal(event_seal_begin(&b->chain.seal, key), OK);
    for (int part = 0; part < 2; part++) {
        put_mark(b, part == 0 ? "start" : "minute");
        for (int i = 0; i < 3; i++)
            put(b, &event);
    }
    put_mark(b, "stop");
    return b;
}

static enum event_link judge(struct event_reader *r, const struct book *b, int line)
{
    return event_chain_judge(r, view_of(b->text[line], b->len[line]));
}

static void a_whole_log_holds_and_has_ended(void **state)
{
    struct book *b = book_new();
    struct event_reader r = reader_of(key);

    (void)state;
    for (int i = 0; i < 9; i++) {
        assert_int_equal(judge(&r, b, i), EVENT_LINK_GOOD);
        assert_int_equal(r.chain.seq, i + 1);
        assert_int_equal(r.has_ended, i == 8);
    }
    r = reader_of(key); /* a later file alone: it begins with a mark */
    for (int i = 4; i < 9; i++)
        assert_int_equal(judge(&r, b, i), EVENT_LINK_GOOD);
    r = reader_of(key);
    assert_int_equal(judge(&r, b, 1), EVENT_LINK_UNKNOWN);
    assert_int_equal(judge(&r, b, 4), EVENT_LINK_GOOD);
    free(b);
}

/* Cut from either side, against memory that cannot be touched. */
static void pieces_of_a_line_are_none(void **state)
{
    struct book *b = book_new();

    (void)state;
    for (size_t len = 0; len < b->len[0]; len++) {
        struct guarded head = guarded_copy(b->text[0], len),
                       tail = guarded_copy(b->text[0] + b->len[0] - len, len);
        struct event_reader r = reader_of(key);

        assert_int_not_equal(event_chain_judge(&r, view_of(head.data, len)), EVENT_LINK_GOOD);
        assert_int_not_equal(event_chain_judge(&r, view_of(tail.data, len)), EVENT_LINK_GOOD);
        guarded_free(&head);
        guarded_free(&tail);
    }
    free(b);
}

/* Forged marks and numbers use up what may be wasted, and good lines are known all the same. */
static void wasted_steps_have_an_end(void **state)
{
    struct book *b = book_new();
    struct event_reader r = reader_of(key);
    char line[1024];
    int len;

    (void)state;
    r.wasted = EVENT_WASTE_MAX - 200;
    assert_int_equal(judge(&r, b, 0), EVENT_LINK_GOOD);
    for (int i = 0; i < 50; i++) {
        len = snprintf(line, sizeof(line),
                       "{\"event\":\"a\",\"seq\":%d,\"prev\":\"%064d\",\"mac\":\"%064d\"}", 100 + i,
                       0, 0);
        assert_int_equal(event_chain_judge(&r, view_of(line, (size_t)len)), EVENT_LINK_CHANGED);
    }
    assert_true(r.wasted > EVENT_WASTE_MAX - 200 && r.wasted <= EVENT_WASTE_MAX);
    for (int i = 1; i < 9; i++)
        assert_int_equal(judge(&r, b, i), EVENT_LINK_GOOD);
    free(b);
}

static void no_byte_of_a_line_under_a_key_can_be_changed(void **state)
{
    struct book *b = book_new();

    (void)state;
    for (int line = 0; line < 2; line++) {
        for (size_t i = 0; i < b->len[line]; i++) {
            struct event_reader r = reader_of(key);

            if (line == 1)
                assert_int_equal(judge(&r, b, 0), EVENT_LINK_GOOD);
            b->text[line][i] ^= 1;
            assert_int_not_equal(judge(&r, b, line), EVENT_LINK_GOOD);
            b->text[line][i] ^= 1;
        }
    }
    free(b);
}

static void each_alteration_has_its_name(void **state)
{
    struct book *b = book_new();
    struct event_reader r = reader_of(key);

    (void)state;
    assert_int_equal(judge(&r, b, 0), EVENT_LINK_GOOD);
    assert_int_equal(judge(&r, b, 3), EVENT_LINK_MISSING); /* two were taken out */
    assert_int_equal(r.missing, 2);
    assert_int_equal(judge(&r, b, 2), EVENT_LINK_MOVED);
    assert_int_equal(judge(&r, b, 8), EVENT_LINK_MISSING); /* a whole segment */
    assert_int_equal(r.missing, 4);
    assert_int_equal(judge(&r, b, 8), EVENT_LINK_MOVED);
    r = reader_of(key);
    assert_int_equal(judge(&r, b, 0), EVENT_LINK_GOOD);
    b->text[1][40] ^= 1;
    assert_int_equal(judge(&r, b, 1), EVENT_LINK_CHANGED);
    assert_int_equal(judge(&r, b, 2), EVENT_LINK_GOOD); /* the changed one is told once */
    assert_int_equal(event_chain_judge(&r, VIEW("{\"event\":\"auth_ok\"}")), EVENT_LINK_NONE);
    assert_int_equal(judge(&r, b, 3), EVENT_LINK_GOOD);
    assert_int_equal(judge(&r, b, 5), EVENT_LINK_CHANGED); /* its mark is not here */
    r = reader_of(key);
    assert_int_equal(judge(&r, b, 0), EVENT_LINK_GOOD);
    b->text[1][40] ^= 1;
    free(b);
}

static void another_key_and_no_key_are_told_apart(void **state)
{
    struct book *b = book_new();
    struct event_reader r = reader_of(VIEW("another key, of more than 32 bytes"));

    (void)state;
    assert_int_equal(judge(&r, b, 0), EVENT_LINK_OTHER_KEY);
    assert_int_equal(judge(&r, b, 1), EVENT_LINK_UNKNOWN);
    r = reader_of(VIEW(""));
    assert_int_equal(judge(&r, b, 0), EVENT_LINK_NO_KEY);
    free(b);
}

/* Hashes that anybody can make count for nothing behind lines under a key. */
static void plain_links_do_not_stand_for_those_under_a_key(void **state)
{
    struct book *b = book_new();
    struct event_reader r = reader_of(key);
    struct event_chain plain = {.seq = 0};
    char text[512];
    struct wr w = wr_of(text, sizeof(text));

    (void)state;
    assert_int_equal(judge(&r, b, 0), EVENT_LINK_GOOD);
    assert_true(event_chain_resume(&plain, view_of(b->text[0], b->len[0])));
    assert_int_equal(plain.seq, 1);
    event_chain_write(&plain, &w, VIEW("{\"event\":\"a\"}\n"));
    assert_int_equal(event_chain_judge(&r, view_of(text, wr_len(&w) - 1)), EVENT_LINK_NONE);
    free(b);
}

/* A number that only a stranger writes must not cost hours. */
static void a_number_far_away_is_not_sought(void **state)
{
    struct book *b = book_new();
    struct event_reader r = reader_of(key);
    char line[1024];
    int len;

    (void)state;
    assert_int_equal(judge(&r, b, 0), EVENT_LINK_GOOD);
    len = snprintf(
        line, sizeof(line),
        "{\"event\":\"a\",\"seq\":9000000000000000000,\"prev\":\"%064d\",\"mac\":\"%064d\"}", 0, 0);
    assert_int_equal(event_chain_judge(&r, view_of(line, (size_t)len)), EVENT_LINK_CHANGED);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_byte_can_be_changed_unseen),
        cmocka_unit_test(short_and_plain_lines_carry_nothing),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(a_whole_log_holds_and_has_ended),
        cmocka_unit_test(no_byte_of_a_line_under_a_key_can_be_changed),
        cmocka_unit_test(pieces_of_a_line_are_none),
        cmocka_unit_test(wasted_steps_have_an_end),
        cmocka_unit_test(each_alteration_has_its_name),
        cmocka_unit_test(another_key_and_no_key_are_told_apart),
        cmocka_unit_test(plain_links_do_not_stand_for_those_under_a_key),
        cmocka_unit_test(a_number_far_away_is_not_sought),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
