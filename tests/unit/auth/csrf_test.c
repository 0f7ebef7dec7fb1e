/* SPDX-License-Identifier: Apache-2.0 */
/* csrf_test.c: a token is good for one session, one origin, half an hour and one use. */
#include "auth/csrf.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base64.h"
#include "three_ways.h"

#define NOW     INT64_C(1800000000)
#define THREADS 8
#define ROUNDS  200

static const uint8_t key_one[CSRF_KEY_BYTES] = "one key of thirty-two bytes, ok";
static const uint8_t key_two[CSRF_KEY_BYTES] = "two key of thirty-two bytes, ok";
static const uint8_t alice[IDENTITY_SESSION_BYTES] = "session of alic";
static const uint8_t mallory[IDENTITY_SESSION_BYTES] = "session of mall";
static const struct csrf_place at_home = {alice, {"https://example.com", 19}};

static int make(void **state)
{
    struct csrf *c = NULL;

    assert_int_equal(csrf_new(&c, key_one), 0);
    *state = c;
    return 0;
}

static int unmake(void **state)
{
    csrf_free(*state);
    return 0;
}

/* Against a guard page: a token comes out of a header or a message of a stranger. */
static enum csrf_fault check(struct csrf *c, const struct csrf_place *place, const char *text,
                             int64_t wall_s)
{
    struct guarded g = guarded_copy(text, strlen(text));
    enum csrf_fault fault = csrf_check(c, place, view_of(g.data, strlen(text)), wall_s);

    guarded_free(&g);
    return fault;
}

static void a_token_is_good_once(void **state)
{
    char text[CSRF_TEXT_BYTES], other[CSRF_TEXT_BYTES];

    assert_int_equal(csrf_issue(*state, &at_home, NOW, text), 0);
    assert_int_equal(csrf_issue(*state, &at_home, NOW, other), 0);
    assert_string_not_equal(text, other);
    assert_true(strlen(text) < CSRF_TEXT_BYTES);
    assert_int_equal(
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        strlen(text));
    assert_int_equal(check(*state, &at_home, text, NOW), CSRF_OK);
    assert_int_equal(check(*state, &at_home, text, NOW), CSRF_USED);
    assert_int_equal(check(*state, &at_home, other, NOW + 1), CSRF_OK);
    assert_int_equal(check(*state, &at_home, text, NOW + 1799), CSRF_USED);
}

static void a_token_of_another_place_is_wrong_and_stays_good(void **state)
{
    static const char *const origins[] = {"https://example.com.",
                                          "http://example.com",
                                          "https://example.com:443",
                                          "https://evil.example",
                                          "https://example.co",
                                          "null",
                                          ""};
    struct csrf_place place = at_home;
    struct csrf *other_key = NULL;
    char text[CSRF_TEXT_BYTES];

    assert_int_equal(csrf_issue(*state, &at_home, NOW, text), 0);
    place.session = mallory;
    assert_int_equal(check(*state, &place, text, NOW), CSRF_WRONG);
    place.session = NULL;
    assert_int_equal(check(*state, &place, text, NOW), CSRF_WRONG);
    place.session = alice;
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        place.origin = view_of_text(origins[i]);
        assert_int_equal(check(*state, &place, text, NOW), CSRF_WRONG);
    }
    assert_int_equal(csrf_new(&other_key, key_two), 0);
    assert_int_equal(check(other_key, &at_home, text, NOW), CSRF_WRONG);
    csrf_free(other_key);
    place.origin = VIEW("HTTPS://Example.COM");
    assert_int_equal(check(*state, &place, text, NOW), CSRF_OK);
}

static void the_key_is_what_outlives_a_restart(void **state)
{
    struct csrf *again = NULL;
    char text[CSRF_TEXT_BYTES];

    assert_int_equal(csrf_issue(*state, &at_home, NOW, text), 0);
    assert_int_equal(csrf_new(&again, key_one), 0);
    assert_int_equal(check(again, &at_home, text, NOW + 5), CSRF_OK);
    csrf_free(again);
}

static void a_token_ends_at_1800_seconds(void **state)
{
    char text[CSRF_TEXT_BYTES];

    assert_int_equal(csrf_issue(*state, &at_home, NOW, text), 0);
    assert_int_equal(check(*state, &at_home, text, NOW + 1800), CSRF_EXPIRED);
    assert_int_equal(check(*state, &at_home, text, INT64_MAX / 4), CSRF_EXPIRED);
    assert_int_equal(check(*state, &at_home, text, NOW - 61), CSRF_EXPIRED);
    assert_int_equal(check(*state, &at_home, text, NOW + 1799), CSRF_OK);
    assert_int_equal(csrf_issue(*state, &at_home, NOW, text), 0);
    assert_int_equal(check(*state, &at_home, text, NOW - 60), CSRF_OK);
}

/* The table forgets a token once it is over; a clock set back must not make it new. */
static void a_clock_set_back_brings_no_used_token_back(void **state)
{
    char text[CSRF_TEXT_BYTES], later[CSRF_TEXT_BYTES];

    assert_int_equal(csrf_issue(*state, &at_home, NOW, text), 0);
    assert_int_equal(check(*state, &at_home, text, NOW + 1), CSRF_OK);
    assert_int_equal(csrf_issue(*state, &at_home, NOW + 1800, later), 0);
    assert_int_equal(check(*state, &at_home, later, NOW + 1800), CSRF_OK);
    assert_int_equal(check(*state, &at_home, text, NOW + 2), CSRF_EXPIRED);
    assert_int_equal(csrf_issue(*state, &at_home, NOW + 3, later), 0);
    assert_int_equal(check(*state, &at_home, later, NOW + 3), CSRF_OK);
}

static void what_is_no_token_is_malformed(void **state)
{
    char text[CSRF_TEXT_BYTES + 4], changed[CSRF_TEXT_BYTES + 4];
    size_t len;

    assert_int_equal(csrf_issue(*state, &at_home, NOW, text), 0);
    len = strlen(text);
    assert_int_equal(check(*state, &at_home, "", NOW), CSRF_MISSING);
    for (size_t cut = 1; cut < len; cut++) {
        (void)snprintf(changed, sizeof(changed), "%.*s", (int)cut, text);
        assert_int_equal(check(*state, &at_home, changed, NOW), CSRF_MALFORMED);
    }
    (void)snprintf(changed, sizeof(changed), "%sA", text);
    assert_int_equal(check(*state, &at_home, changed, NOW), CSRF_MALFORMED);
    (void)snprintf(changed, sizeof(changed), "%s=", text);
    assert_int_equal(check(*state, &at_home, changed, NOW), CSRF_MALFORMED);
    (void)snprintf(changed, sizeof(changed), "%s", text);
    changed[0] = '+';
    assert_int_equal(check(*state, &at_home, changed, NOW), CSRF_MALFORMED);
    changed[0] = '_'; /* a time behind all times */
    assert_int_equal(check(*state, &at_home, changed, NOW), CSRF_MALFORMED);
    assert_int_equal(check(*state, &at_home, text, NOW), CSRF_OK);
}

/* Every bit of a token is under the MAC, or is the MAC. */
static void no_bit_of_a_token_may_change(void **state)
{
    char text[CSRF_TEXT_BYTES], changed[CSRF_TEXT_BYTES];
    uint8_t bytes[60];
    long count;

    assert_int_equal(csrf_issue(*state, &at_home, NOW, text), 0);
    for (unsigned bit = 16; bit < 56 * 8; bit++) {
        count = base64url_decode(bytes, view_of_text(text));
        assert_int_equal(count, 56);
        bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        changed[base64url_encode(changed, bytes, 56)] = '\0';
        assert_int_equal(check(*state, &at_home, changed, NOW), CSRF_WRONG);
    }
    assert_int_equal(check(*state, &at_home, text, NOW), CSRF_OK);
}

static void no_token_without_a_place(void **state)
{
    static const char long_origin[600] = "https://";
    char text[CSRF_TEXT_BYTES];
    struct csrf_place place = {NULL, at_home.origin};

    assert_int_not_equal(csrf_issue(*state, &place, NOW, text), 0);
    place.session = alice;
    place.origin = VIEW("");
    assert_int_not_equal(csrf_issue(*state, &place, NOW, text), 0);
    place.origin = view_of(long_origin, 513);
    assert_int_not_equal(csrf_issue(*state, &place, NOW, text), 0);
    place.origin = view_of(long_origin, 512);
    assert_int_equal(csrf_issue(*state, &place, NOW, text), 0);
    assert_int_equal(check(*state, &place, text, NOW), CSRF_OK);
}

/* Uses up `count` tokens of NOW; text gets the last. */
static void use_up(struct csrf *c, unsigned count, char text[CSRF_TEXT_BYTES])
{
    for (unsigned i = 0; i < count; i++) {
        (void)csrf_issue(c, &at_home, NOW + i % 4, text);
        if (csrf_check(c, &at_home, view_of_text(text), NOW + 4) != CSRF_OK)
            fail_msg("token %u was refused", i);
    }
}

/* An hour in which the clock was a day ahead must not keep a full table full for a day. */
static void a_clock_that_was_ahead_does_not_keep_the_table_full(void **state)
{
    char text[CSRF_TEXT_BYTES], last[CSRF_TEXT_BYTES];

    assert_int_equal(csrf_issue(*state, &at_home, NOW + 86400, text), 0);
    assert_int_equal(check(*state, &at_home, text, NOW + 86400), CSRF_OK);
    use_up(*state, CSRF_USED_MAX - 1, text);
    assert_int_equal(csrf_issue(*state, &at_home, NOW + 100, last), 0);
    assert_int_equal(check(*state, &at_home, last, NOW + 100), CSRF_FULL);
    assert_int_equal(check(*state, &at_home, last, NOW + 1810), CSRF_OK);
    assert_int_equal(check(*state, &at_home, text, NOW + 100), CSRF_USED);
}

static void a_full_table_refuses_until_tokens_end(void **state)
{
    char text[CSRF_TEXT_BYTES], last[CSRF_TEXT_BYTES];

    use_up(*state, CSRF_USED_MAX, text);
    assert_int_equal(csrf_issue(*state, &at_home, NOW + 100, last), 0);
    assert_int_equal(check(*state, &at_home, last, NOW + 100), CSRF_FULL);
    assert_int_equal(check(*state, &at_home, text, NOW + 100), CSRF_USED);
    assert_int_equal(check(*state, &at_home, last, NOW + 1799), CSRF_FULL);
    /* The first of them end now; a refusal did not use the token up. */
    assert_int_equal(check(*state, &at_home, last, NOW + 1800), CSRF_OK);
    assert_int_equal(check(*state, &at_home, last, NOW + 1801), CSRF_USED);
    /* And from then on at the pace at which they ended, without a walk of them all. */
    for (unsigned i = 0; i < CSRF_USED_MAX / 2; i++) {
        int64_t at = NOW + 1804 + i / 400;

        (void)csrf_issue(*state, &at_home, at, text);
        if (csrf_check(*state, &at_home, view_of_text(text), at) != CSRF_OK)
            fail_msg("token %u of the second round was refused", i);
    }
}

struct race {
    struct csrf *c;
    pthread_barrier_t start;
    char text[ROUNDS][CSRF_TEXT_BYTES];
    unsigned wins[ROUNDS];
};

static void *racer(void *argument)
{
    struct race *race = argument;

    (void)pthread_barrier_wait(&race->start);
    for (unsigned i = 0; i < ROUNDS; i++) {
        enum csrf_fault fault =
            csrf_check(race->c, &at_home, view_of_text(race->text[i]), NOW + i % 7);

        if (fault == CSRF_OK)
            __atomic_fetch_add(&race->wins[i], 1, __ATOMIC_RELAXED);
        else if (fault != CSRF_USED)
            __atomic_fetch_add(&race->wins[i], 100, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void of_many_threads_exactly_one_wins(void **state)
{
    static struct race race;
    pthread_t threads[THREADS];

    race.c = *state;
    (void)pthread_barrier_init(&race.start, NULL, THREADS);
    for (unsigned i = 0; i < ROUNDS; i++)
        assert_int_equal(csrf_issue(*state, &at_home, NOW, race.text[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, racer, &race), 0);
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_barrier_destroy(&race.start);
    for (unsigned i = 0; i < ROUNDS; i++)
        assert_int_equal(race.wins[i], 1);
}

static void faults_have_words(void **state)
{
    (void)state;
    assert_string_equal(csrf_fault_text(CSRF_MISSING), "csrf_missing");
    assert_string_equal(csrf_fault_text(CSRF_EXPIRED), "csrf_expired");
    assert_string_equal(csrf_fault_text(CSRF_USED), "csrf_used");
    assert_string_equal(csrf_fault_text(CSRF_FULL), "csrf_full");
    assert_string_equal(csrf_fault_text((enum csrf_fault)77), "csrf_wrong");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_is_good_once, make, unmake),
        cmocka_unit_test_setup_teardown(a_token_of_another_place_is_wrong_and_stays_good, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(the_key_is_what_outlives_a_restart, make, unmake),
        cmocka_unit_test_setup_teardown(a_token_ends_at_1800_seconds, make, unmake),
        cmocka_unit_test_setup_teardown(a_clock_set_back_brings_no_used_token_back, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_no_token_is_malformed, make, unmake),
        cmocka_unit_test_setup_teardown(no_bit_of_a_token_may_change, make, unmake),
        cmocka_unit_test_setup_teardown(no_token_without_a_place, make, unmake),
        cmocka_unit_test_setup_teardown(a_full_table_refuses_until_tokens_end, make, unmake),
        cmocka_unit_test_setup_teardown(a_clock_that_was_ahead_does_not_keep_the_table_full, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(of_many_threads_exactly_one_wins, make, unmake),
        cmocka_unit_test(faults_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
