/* SPDX-License-Identifier: Apache-2.0 */
/* ticket_test.c: one use, one origin, thirty seconds, a bounded table, and threads that race. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/ticket.h"
#include "base/base64.h"
#include "base/status.h"

#define APP   VIEW("https://app.example.com")
#define NONE  ((struct view){NULL, 0})
#define NOW   UINT64_C(5000000)
#define RACES 200

static struct ticket_offer offer(const char *user, struct view origin, uint32_t ttl_s)
{
    struct ticket_offer made = {.origin = origin, .ttl_s = ttl_s};

    made.who.method = IDENTITY_TICKET;
    made.who.user_bytes = (uint8_t)strlen(user);
    memcpy(made.who.user, user, strlen(user));
    made.who.roles = 5;
    return made;
}

static struct tickets *table(uint32_t max)
{
    struct tickets *t = NULL;

    assert_int_equal(tickets_new(&t, max), OK);
    return t;
}

static void issue(struct tickets *t, struct view origin, uint32_t ttl_s, char text[])
{
    struct ticket_offer made = offer("alice", origin, ttl_s);

    assert_int_equal(tickets_issue(t, &made, NOW, text), OK);
}

static enum ticket_fault redeem(struct tickets *t, struct view ticket, struct view origin,
                                uint64_t now_ms)
{
    struct ticket_shown shown = {ticket, origin, now_ms, NULL};
    struct identity who = {.method = IDENTITY_NONE};
    enum ticket_fault fault = tickets_redeem(t, &who, &shown);

    if (fault == TICKET_OK) {
        assert_string_equal(who.user, "alice");
        assert_int_equal(who.roles, 5);
        assert_int_equal(who.method, IDENTITY_TICKET);
    } else {
        assert_int_equal(who.method, IDENTITY_NONE);
    }
    return fault;
}

static void a_ticket_is_128_bits_of_base64url_and_never_the_same(void **state)
{
    struct tickets *t = table(1000);
    char seen[64][TICKET_TEXT_BYTES];
    uint8_t bytes[24];

    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        issue(t, NONE, 30, seen[i]);
        assert_int_equal(strlen(seen[i]), 22);
        assert_int_equal(base64url_decode(bytes, view_of_text(seen[i])), 16);
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(seen[i], seen[k]);
    }
    tickets_free(t);
}

static void a_ticket_is_good_once(void **state)
{
    struct tickets *t = table(1000);
    char text[TICKET_TEXT_BYTES];

    (void)state;
    issue(t, NONE, 30, text);
    assert_int_equal(redeem(t, view_of_text(text), NONE, NOW), TICKET_OK);
    assert_int_equal(redeem(t, view_of_text(text), NONE, NOW), TICKET_USED);
    assert_int_equal(redeem(t, view_of_text(text), NONE, NOW + 60000), TICKET_USED);
    tickets_free(t);
}

static void a_ticket_ends_to_the_millisecond_and_is_forgotten_later(void **state)
{
    struct tickets *t = table(1000);
    char a[TICKET_TEXT_BYTES], b[TICKET_TEXT_BYTES];

    (void)state;
    issue(t, NONE, 7, a);
    issue(t, NONE, 7, b);
    assert_int_equal(redeem(t, view_of_text(a), NONE, NOW + 6999), TICKET_OK);
    assert_int_equal(redeem(t, view_of_text(b), NONE, NOW + 7000), TICKET_EXPIRED);
    assert_int_equal(redeem(t, view_of_text(b), NONE, NOW + 7001), TICKET_EXPIRED);
    tickets_free(t);
}

static void a_ticket_is_bound_to_its_origin_and_burnt_by_another(void **state)
{
    static const char *const others[] = {"https://app.example.com.evil.com",
                                         "https://app.example.co", "http://app.example.com", "null",
                                         ""};
    struct tickets *t = table(1000);
    char text[TICKET_TEXT_BYTES];

    (void)state;
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        issue(t, APP, 30, text);
        assert_int_equal(redeem(t, view_of_text(text), view_of_text(others[i]), NOW),
                         TICKET_ORIGIN);
        assert_int_equal(redeem(t, view_of_text(text), APP, NOW), TICKET_USED);
    }
    issue(t, APP, 30, text);
    assert_int_equal(redeem(t, view_of_text(text), NONE, NOW), TICKET_ORIGIN);
    issue(t, APP, 30, text);
    assert_int_equal(redeem(t, view_of_text(text), APP, NOW), TICKET_OK);
    issue(t, NONE, 30, text); /* bound to none: from any, and from a program */
    assert_int_equal(redeem(t, view_of_text(text), APP, NOW), TICKET_OK);
    tickets_free(t);
}

static void what_is_no_ticket_is_unknown(void **state)
{
    struct tickets *t = table(1000);
    char text[TICKET_TEXT_BYTES], wrong[TICKET_TEXT_BYTES];

    (void)state;
    issue(t, NONE, 30, text);
    memcpy(wrong, text, sizeof(wrong));
    wrong[0] = wrong[0] == 'A' ? 'B' : 'A';
    assert_int_equal(redeem(t, view_of_text(wrong), NONE, NOW), TICKET_UNKNOWN);
    assert_int_equal(redeem(t, view_of(text, 21), NONE, NOW), TICKET_UNKNOWN);
    assert_int_equal(redeem(t, view_of(text, 23), NONE, NOW), TICKET_UNKNOWN);
    assert_int_equal(redeem(t, VIEW(""), NONE, NOW), TICKET_UNKNOWN);
    assert_int_equal(redeem(t, view_of_text(text), NONE, NOW), TICKET_OK);
    tickets_free(t);
}

static void a_ticket_made_from_a_session_says_which(void **state)
{
    struct tickets *t = table(16);
    struct ticket_offer made = offer("alice", APP, 30);
    struct ticket_session session = {.bytes = 1};
    char longest[TICKET_SESSION_MAX + 1], text[TICKET_TEXT_BYTES];
    struct ticket_shown shown = {.origin = APP, .now_ms = NOW, .session = &session};
    struct identity who;

    (void)state;
    memset(longest, 's', sizeof(longest));
    made.session = view_of(longest, TICKET_SESSION_MAX);
    assert_int_equal(tickets_issue(t, &made, NOW, text), OK);
    shown.ticket = view_of(text, TICKET_TEXT_BYTES - 1);
    assert_int_equal(tickets_redeem(t, &who, &shown), TICKET_OK);
    assert_int_equal(session.bytes, TICKET_SESSION_MAX);
    assert_memory_equal(session.id, longest, TICKET_SESSION_MAX);
    made.session = view_of(longest, TICKET_SESSION_MAX + 1);
    assert_int_equal(tickets_issue(t, &made, NOW, text), E_INVALID);
    issue(t, APP, 30, text); /* from none */
    assert_int_equal(tickets_redeem(t, &who, &shown), TICKET_OK);
    assert_int_equal(session.bytes, 0);
    tickets_free(t);
}

static void impossible_lives_and_origins_are_refused(void **state)
{
    static char origin[TICKET_ORIGIN_MAX + 1];
    struct tickets *t = table(1000);
    char text[TICKET_TEXT_BYTES];
    struct ticket_offer none = offer("alice", NONE, 0), long_ = offer("alice", NONE, 31);
    struct ticket_offer wide = offer("alice", view_of(origin, sizeof(origin)), 30);

    (void)state;
    assert_int_equal(tickets_issue(t, &none, NOW, text), E_INVALID);
    assert_int_equal(tickets_issue(t, &long_, NOW, text), E_INVALID);
    assert_int_equal(tickets_issue(t, &wide, NOW, text), E_INVALID);
    tickets_free(t);
}

static void a_full_table_refuses_and_never_drops_a_good_ticket(void **state)
{
    struct tickets *t = table(64);
    char texts[64 * 4][TICKET_TEXT_BYTES];
    struct ticket_offer made = offer("alice", NONE, 30);
    unsigned issued = 0, refused = 0;

    (void)state;
    for (unsigned i = 0; i < 64 * 4; i++) {
        if (tickets_issue(t, &made, NOW, texts[issued]) == OK)
            issued++;
        else
            refused++;
    }
    assert_true(issued <= 64 && refused > 0);
    for (unsigned i = 0; i < issued; i++)
        assert_int_equal(redeem(t, view_of_text(texts[i]), NONE, NOW + 1), TICKET_OK);
    /* Used ones make room. */
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(tickets_issue(t, &made, NOW + 2, texts[i]), OK);
    tickets_free(t);
}

struct race {
    struct tickets *t;
    char text[TICKET_TEXT_BYTES];
    atomic_uint won, ready;
};

static void *run_race(void *argument)
{
    struct race *race = argument;
    struct ticket_shown shown = {view_of_text(race->text), NONE, NOW, NULL};
    struct identity who;

    (void)atomic_fetch_add(&race->ready, 1);
    while (atomic_load(&race->ready) < 4) {
    }
    if (tickets_redeem(race->t, &who, &shown) == TICKET_OK)
        (void)atomic_fetch_add(&race->won, 1);
    return NULL;
}

static void of_four_threads_with_one_ticket_one_wins(void **state)
{
    struct tickets *t = table(1000);

    (void)state;
    for (unsigned i = 0; i < RACES; i++) {
        struct race race = {.t = t};
        pthread_t threads[4];

        issue(t, NONE, 30, race.text);
        for (unsigned k = 0; k < 4; k++)
            assert_int_equal(pthread_create(&threads[k], NULL, run_race, &race), 0);
        for (unsigned k = 0; k < 4; k++)
            assert_int_equal(pthread_join(threads[k], NULL), 0);
        assert_int_equal(atomic_load(&race.won), 1);
    }
    tickets_free(t);
}

static void every_fault_has_its_word(void **state)
{
    (void)state;
    assert_string_equal(ticket_fault_text(TICKET_UNKNOWN), "ticket_unknown");
    assert_string_equal(ticket_fault_text(TICKET_EXPIRED), "ticket_expired");
    assert_string_equal(ticket_fault_text(TICKET_USED), "ticket_used");
    assert_string_equal(ticket_fault_text(TICKET_ORIGIN), "ticket_origin");
    assert_string_equal(ticket_fault_text((enum ticket_fault)99), "ticket_unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_is_128_bits_of_base64url_and_never_the_same),
        cmocka_unit_test(a_ticket_is_good_once),
        cmocka_unit_test(a_ticket_ends_to_the_millisecond_and_is_forgotten_later),
        cmocka_unit_test(a_ticket_is_bound_to_its_origin_and_burnt_by_another),
        cmocka_unit_test(what_is_no_ticket_is_unknown),
        cmocka_unit_test(a_ticket_made_from_a_session_says_which),
        cmocka_unit_test(impossible_lives_and_origins_are_refused),
        cmocka_unit_test(a_full_table_refuses_and_never_drops_a_good_ticket),
        cmocka_unit_test(of_four_threads_with_one_ticket_one_wins),
        cmocka_unit_test(every_fault_has_its_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
