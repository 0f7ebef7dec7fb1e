/* SPDX-License-Identifier: Apache-2.0 */
/* sanction_table_test.c: the last millisecond and the first after it, administrators, both
 * ceilings, a plain model beside a thousand random steps, and threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "limit/sanction_table.h"

#define START ((uint64_t)1000000)

static struct sanction_table *table(void)
{
    struct sanction_table *t;

    assert_int_equal(sanction_table_new(&t), OK);
    return t;
}

static struct sanction on(enum sanction_kind kind, const char *channel, const char *user)
{
    return (struct sanction){kind, view_of_text(channel), view_of_text(user), false};
}

/* How long this kind holds for one who speaks, where it is the weightiest; 0: it does not. */
static uint64_t left(struct sanction_table *t, const struct sanction *s, bool is_admin,
                     uint64_t now_ms)
{
    struct sanction_question asked = {s->channel, s->user, is_admin, true, now_ms};
    enum sanction_kind kind = SANCTION_KINDS;
    uint64_t left_ms = 0;

    return sanction_table_find(t, &asked, &kind, &left_ms) && kind == s->kind ? left_ms : 0;
}

static void it_holds_to_the_last_millisecond(void **state)
{
    struct sanction_table *t = table();
    struct sanction mute = on(SANCTION_MUTED, "room:1", "bob");
    struct sanction elsewhere = on(SANCTION_MUTED, "room:2", "bob");
    struct sanction other = on(SANCTION_MUTED, "room:1", "bo");
    struct sanction_question silent = {mute.channel, mute.user, false, false, START};
    enum sanction_kind kind;
    uint64_t left_ms;

    (void)state;
    assert_int_equal(left(t, &mute, false, START), 0);
    assert_int_equal(sanction_table_put(t, &mute, START + 500, START), OK);
    assert_int_equal(left(t, &mute, false, START), 500);
    assert_int_equal(left(t, &mute, false, START + 499), 1);
    assert_int_equal(left(t, &mute, false, START + 500), 0);
    assert_int_equal(left(t, &elsewhere, false, START), 0);
    assert_int_equal(left(t, &other, false, START), 0);
    assert_false(sanction_table_find(t, &silent, &kind, &left_ms));
    assert_int_equal(sanction_table_put(t, &mute, START + 100, START), OK);
    assert_int_equal(left(t, &mute, false, START), 100);
    sanction_table_free(t);
}

static void the_weightiest_is_told(void **state)
{
    struct sanction_table *t = table();
    struct sanction mute = on(SANCTION_MUTED, "c", "u"), kick = on(SANCTION_KICKED, "c", "u"),
                    closed = on(SANCTION_CLOSED, "c", "");
    struct sanction_question asked = {VIEW("c"), VIEW("u"), false, true, START};
    enum sanction_kind kind;
    uint64_t left_ms;

    (void)state;
    assert_int_equal(sanction_table_put(t, &mute, START + 30, START), OK);
    assert_int_equal(sanction_table_put(t, &closed, START + 10, START), OK);
    assert_int_equal(sanction_table_put(t, &kick, START + 20, START), OK);
    for (uint64_t at = 0; at < 30; at += 10) {
        asked.now_ms = START + at;
        assert_true(sanction_table_find(t, &asked, &kind, &left_ms));
        assert_int_equal(left_ms, 10);
        assert_int_equal(kind, at == 0    ? SANCTION_CLOSED
                               : at == 10 ? SANCTION_KICKED
                                          : SANCTION_MUTED);
    }
    sanction_table_free(t);
}

static void only_administrators_touch_administrators(void **state)
{
    struct sanction_table *t = table();
    struct sanction mute = on(SANCTION_MUTED, "c", "u"), closed = on(SANCTION_CLOSED, "c", "");

    (void)state;
    assert_int_equal(sanction_table_put(t, &mute, START + 500, START), OK);
    assert_int_equal(left(t, &mute, true, START), 0);
    mute.by_admin = true;
    assert_int_equal(sanction_table_put(t, &mute, START + 500, START), OK);
    assert_int_equal(left(t, &mute, true, START), 500);
    mute.by_admin = false; /* nobody else makes it shorter, or theirs */
    assert_int_equal(sanction_table_put(t, &mute, START + 1, START), E_DENIED);
    assert_int_equal(sanction_table_lift(t, &mute, START), E_DENIED);
    assert_int_equal(left(t, &mute, true, START), 500);
    assert_int_equal(sanction_table_put(t, &mute, START + 900, START + 500), OK);
    assert_int_equal(left(t, &mute, true, START + 500), 0);
    assert_int_equal(sanction_table_lift(t, &mute, START + 500), OK);
    assert_int_equal(sanction_table_lift(t, &mute, START + 500), E_MISSING);
    assert_int_equal(sanction_table_put(t, &closed, START + 500, START), OK);
    assert_int_equal(left(t, &closed, true, START), 500);
    sanction_table_free(t);
}

static void a_full_channel_refuses_the_newest_and_forgets_what_is_over(void **state)
{
    struct sanction_table *t = table();
    struct sanction first = on(SANCTION_MUTED, "c", "0"), more = on(SANCTION_MUTED, "c", "more");
    struct sanction elsewhere = on(SANCTION_MUTED, "d", "more");
    char name[16];

    (void)state;
    for (int i = 0; i < SANCTIONS_CHANNEL_MAX; i++) {
        struct sanction one;

        (void)snprintf(name, sizeof(name), "%d", i);
        one = on(SANCTION_MUTED, "c", name);
        assert_int_equal(sanction_table_put(t, &one, START + 100 + (uint64_t)i, START), OK);
    }
    assert_int_equal(sanction_table_put(t, &more, START + 999, START), E_FULL);
    assert_int_equal(left(t, &more, false, START), 0);
    assert_int_equal(left(t, &first, false, START), 100);
    assert_int_equal(sanction_table_put(t, &first, START + 50, START), OK);
    assert_int_equal(sanction_table_put(t, &elsewhere, START + 999, START), OK);
    assert_int_equal(sanction_table_put(t, &more, START + 999, START + 50), OK);
    assert_int_equal(left(t, &more, false, START + 50), 949);
    sanction_table_free(t);
}

static void a_full_table_refuses_and_sweeping_empties_it(void **state)
{
    struct sanction_table *t = table();
    struct sanction one;
    unsigned put = 0;
    char name[16];
    int rc;

    (void)state;
    do {
        (void)snprintf(name, sizeof(name), "c%u", put);
        one = on(SANCTION_MUTED, name, "u");
        rc = sanction_table_put(t, &one, START + 10, START);
        put += rc == OK;
    } while (rc == OK);
    assert_int_equal(rc, E_FULL);
    assert_true(put >= SANCTIONS_MAX / 2 - 1);
    assert_true(sanction_table_count(t) <= SANCTIONS_MAX);
    one = on(SANCTION_MUTED, "c0", "u");
    assert_int_equal(left(t, &one, false, START), 10);
    for (int i = 0; i < 64; i++)
        sanction_table_sweep(t, START + 10);
    assert_int_equal(sanction_table_count(t), 0);
    assert_int_equal(sanction_table_put(t, &one, START + 20, START + 10), OK);
    sanction_table_free(t);
}

static void names_that_are_too_long_are_refused(void **state)
{
    struct sanction_table *t = table();
    static char text[SANCTION_NAME_BYTES_MAX + 1];
    struct sanction s = {SANCTION_MUTED, {text, sizeof(text) - 1}, {text, 1}, false};

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(sanction_table_put(t, &s, START + 1, START), E_LIMIT);
    s.channel.len--;
    assert_int_equal(sanction_table_put(t, &s, START + 1, START), OK);
    assert_int_equal(left(t, &s, false, START), 1);
    sanction_table_free(t);
}

#define CHANNELS 3
#define USERS    4

struct model {
    uint64_t until[CHANNELS][USERS][SANCTION_KINDS]; /* of a channel: USERS is not used */
};

static uint64_t model_left(const struct model *m, unsigned c, unsigned u, bool speaks, uint64_t now,
                           enum sanction_kind *kind)
{
    for (unsigned k = 0; k < SANCTION_KINDS; k++) {
        uint64_t until = m->until[c][k == SANCTION_CLOSED ? 0 : u][k];

        if (until > now && (k != SANCTION_MUTED || speaks)) {
            *kind = (enum sanction_kind)k;
            return until - now;
        }
    }
    return 0;
}

static void random_steps_agree_with_the_model(void **state)
{
    static const char *const channels[CHANNELS] = {"a", "a:b", "b"};
    static const char *const users[USERS] = {"u", "v", "uv", "a"};
    struct sanction_table *t = table();
    struct model m = {0};
    uint64_t now = START;
    unsigned seed = 7;

    (void)state;
    for (int step = 0; step < 100000; step++) {
        unsigned dice = (unsigned)rand_r(&seed), c = dice % CHANNELS, u = dice / 8 % USERS;
        unsigned k = dice / 64 % SANCTION_KINDS;
        struct sanction s =
            on((enum sanction_kind)k, channels[c], k == SANCTION_CLOSED ? "" : users[u]);
        uint64_t *until = &m.until[c][k == SANCTION_CLOSED ? 0 : u][k], got = 0, wanted;
        enum sanction_kind kind = SANCTION_KINDS, wanted_kind = SANCTION_KINDS;
        struct sanction_question asked = {s.channel, view_of_text(users[u]), false, dice / 512 & 1,
                                          now};

        if (dice / 1024 % 4 == 0) {
            *until = now + dice / 4096 % 50;
            assert_int_equal(sanction_table_put(t, &s, *until, now), OK);
        } else if (dice / 1024 % 4 == 1) {
            assert_int_equal(sanction_table_lift(t, &s, now), *until > now ? OK : E_MISSING);
            *until = 0;
        } else {
            sanction_table_sweep(t, now);
            now += dice / 4096 % 3;
            asked.now_ms = now;
        }
        wanted = model_left(&m, c, u, asked.speaks, now, &wanted_kind);
        assert_int_equal(sanction_table_find(t, &asked, &kind, &got), wanted > 0);
        assert_int_equal(got, wanted);
        assert_int_equal(kind, wanted_kind);
        assert_true(sanction_table_count(t) <= CHANNELS * (USERS + 1));
    }
    sanction_table_free(t);
}

static void *hammer(void *argument)
{
    struct sanction_table *t = argument;
    struct sanction mine = on(SANCTION_MUTED, "room", "shared");

    for (uint64_t i = 0; i < 20000; i++) {
        (void)sanction_table_put(t, &mine, START + i + 5, START + i);
        (void)left(t, &mine, false, START + i);
        (void)sanction_table_lift(t, &mine, START + i);
        sanction_table_sweep(t, START + i);
    }
    return NULL;
}

static void threads_leave_it_whole(void **state)
{
    struct sanction_table *t = table();
    struct sanction mine = on(SANCTION_MUTED, "room", "shared");
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, t), 0);
    for (int i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(left(t, &mine, false, START + 30000), 0);
    for (int i = 0; i < 64; i++)
        sanction_table_sweep(t, START + 30000);
    assert_int_equal(sanction_table_count(t), 0);
    sanction_table_free(t);
}

static void assert_row(const struct sanction_row *row, const char *names, uint64_t muted_ms)
{
    assert_int_equal(row->channel_bytes + row->user_bytes, strlen(names));
    assert_memory_equal(row->names, names, strlen(names));
    assert_int_equal(row->left_ms[SANCTION_MUTED], muted_ms);
}

static void pages_are_in_order_and_hold_what_holds(void **state)
{
    struct sanction_table *t = table();
    struct sanction_page page = {.now_ms = START, .room = 2};
    struct sanction_row rows[4];
    struct sanction one = on(SANCTION_MUTED, "room:b", "eve"),
                    two = on(SANCTION_MUTED, "room:b", "bob"),
                    three = on(SANCTION_MUTED, "room:a", "zoe"),
                    closed = on(SANCTION_CLOSED, "room:b", "");

    (void)state;
    assert_int_equal(sanction_table_page(t, &page, rows), 0);
    assert_int_equal(sanction_table_put(t, &one, START + 1000, START), OK);
    assert_int_equal(sanction_table_put(t, &two, START + 2000, START), OK);
    assert_int_equal(sanction_table_put(t, &three, START + 3000, START), OK);
    assert_int_equal(sanction_table_page(t, &page, rows), 2);
    assert_row(&rows[0], "room:azoe", 3000);
    assert_row(&rows[1], "room:bbob", 2000); /* the channel itself is not closed: no row */
    page.after_channel = VIEW("room:b");
    page.after_user = VIEW("bob");
    assert_int_equal(sanction_table_page(t, &page, rows), 1);
    assert_row(&rows[0], "room:beve", 1000);
    page.after_channel = page.after_user = VIEW("");
    page.channel = VIEW("room:b");
    page.room = 3;
    assert_int_equal(sanction_table_put(t, &closed, START + 4000, START), OK);
    assert_int_equal(sanction_table_page(t, &page, rows), 3);
    assert_row(&rows[0], "room:b", 0);
    assert_int_equal(rows[0].left_ms[SANCTION_CLOSED], 4000);
    page.now_ms = START + 1000; /* to the last millisecond */
    assert_int_equal(sanction_table_page(t, &page, rows), 2);
    sanction_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_to_the_last_millisecond),
        cmocka_unit_test(the_weightiest_is_told),
        cmocka_unit_test(only_administrators_touch_administrators),
        cmocka_unit_test(a_full_channel_refuses_the_newest_and_forgets_what_is_over),
        cmocka_unit_test(a_full_table_refuses_and_sweeping_empties_it),
        cmocka_unit_test(names_that_are_too_long_are_refused),
        cmocka_unit_test(random_steps_agree_with_the_model),
        cmocka_unit_test(threads_leave_it_whole),
        cmocka_unit_test(pages_are_in_order_and_hold_what_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
