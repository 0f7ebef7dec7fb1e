/* SPDX-License-Identifier: Apache-2.0 */
/* jwks_source_test.c: hours of downloads, good, bad and missing, under a clock and a network of the
 * test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "auth/jwks_source.h"
#include "auth/jws.h"
#include "base/status.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

/* The public key of RFC 8037 appendix A.2, under whatever name. */
#define KEY(id)                                                                                    \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"" id                                           \
    "\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define SET(keys) "{\"keys\":[" keys "]}"

struct rig {
    struct jwks_source source;
    struct key_source *keys;
    uint64_t now, wake;
    unsigned fetches, asked;
    uint64_t fetched_at[64];
    int fetch_status;
    unsigned told[3];
    struct jwks_news last;
    char last_code[32], last_text[256];
};

static int fake_fetch(void *context)
{
    struct rig *rig = context;

    if (rig->fetch_status != OK)
        return rig->fetch_status;
    if (rig->fetches < 64)
        rig->fetched_at[rig->fetches] = rig->now;
    rig->fetches++;
    return OK;
}

static void fake_wake(void *context, uint64_t at_ms)
{
    struct rig *rig = context;

    rig->wake = at_ms;
}

static void fake_tell(void *context, const struct jwks_news *news)
{
    struct rig *rig = context;

    rig->told[news->health]++;
    rig->last = *news;
    (void)snprintf(rig->last_code, sizeof(rig->last_code), "%s", news->code);
    (void)snprintf(rig->last_text, sizeof(rig->last_text), "%s", news->text);
}

static void count_miss(void *context)
{
    struct rig *rig = context;

    rig->asked++;
}

static int set_up(void **state)
{
    static const struct jwks_source_ops ops = {fake_fetch, fake_wake, fake_tell};
    struct rig *rig = calloc(1, sizeof(*rig));

    if (rig == NULL || key_source_new(&rig->keys, NULL) != OK)
        return -1;
    rig->now = 7 * HOUR;
    jwks_source_init(&rig->source, rig->keys, JWK_ALGORITHMS_ALL, &ops, rig);
    key_source_follow(rig->keys, JWK_ALGORITHMS_ALL, count_miss, rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    key_source_free(rig->keys);
    free(rig);
    return 0;
}

static void answer_with(struct rig *rig, struct fetch_answer answer)
{
    assert_true(rig->source.is_fetching);
    jwks_source_answer(&rig->source, &answer, rig->now);
}

static void answer_ok(struct rig *rig, const char *body)
{
    answer_with(rig, (struct fetch_answer){.status = OK,
                                           .code = "fetched",
                                           .http_status = 200,
                                           .body = view_of_text(body),
                                           .fresh_s = 3600,
                                           .has_freshness = true});
}

static void answer_bad(struct rig *rig)
{
    answer_with(
        rig, (struct fetch_answer){.status = E_DENIED, .code = "http_status", .http_status = 500});
}

/* Lets time pass as the owner's timer would. */
static void go_to(struct rig *rig, uint64_t until)
{
    while (rig->wake != 0 && rig->wake <= until && !rig->source.is_fetching) {
        rig->now = rig->wake > rig->now ? rig->wake : rig->now;
        rig->wake = 0;
        jwks_source_turn(&rig->source, rig->now);
    }
    if (rig->now < until)
        rig->now = until;
}

static void start_with(struct rig *rig, const char *body)
{
    jwks_source_start(&rig->source, rig->now);
    assert_int_equal(rig->fetches, 1);
    answer_ok(rig, body);
}

/* What a token that names this key comes to: JWT_SIGNATURE where the key is known. */
static enum jwt_fault check(struct rig *rig, const char *key_id)
{
    static const char zeros[64];
    struct jws jws = {.signed_part = VIEW("a.b"),
                      .algorithm = VIEW("EdDSA"),
                      .has_key_id = true,
                      .key_id = view_of_text(key_id),
                      .signature = view_of(zeros, sizeof(zeros))};

    return key_source_check(rig->keys, &jws);
}

static enum jwt_fault check_other_algorithm(struct rig *rig)
{
    struct jws jws = {.signed_part = VIEW("a.b"), .algorithm = VIEW("HS256")};

    return key_source_check(rig->keys, &jws);
}

/* --- tests --- */

static void until_the_first_set_tokens_wait(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(check(rig, "a"), JWT_UNAVAILABLE);
    assert_int_equal(check_other_algorithm(rig), JWT_ALGORITHM); /* is none of this issuer */
    jwks_source_start(&rig->source, rig->now);
    assert_int_equal(rig->fetches, 1);
    assert_int_equal(check(rig, "a"), JWT_UNAVAILABLE);
    assert_int_equal(rig->asked, 0); /* the download is under way without anyone's asking */
    answer_ok(rig, SET(KEY("a")));
    assert_int_equal(check(rig, "a"), JWT_SIGNATURE);
    assert_int_equal(check(rig, "b"), JWT_UNKNOWN_KEY);
    assert_int_equal(rig->asked, 1);
    assert_int_equal(check_other_algorithm(rig), JWT_ALGORITHM);
    assert_int_equal(rig->asked, 1);
    assert_int_equal(rig->told[JWKS_FETCHED], 1);
    assert_true(rig->last.is_change);
    assert_true(rig->last.has_keys);
    assert_int_equal(rig->last.keys, 1);
}

static void the_next_download_follows_the_providers_word_within_bounds(void **state)
{
    static const struct {
        bool has_freshness;
        uint32_t fresh_s;
        uint64_t from_s, to_s;
    } rows[] = {
        {false, 0, 3240, 3600},      {true, 3600, 3240, 3600},    {true, 0, 300, 334},
        {true, 10, 300, 334},        {true, 300, 300, 334},       {true, 1000, 900, 1000},
        {true, 43200, 38880, 43200}, {true, 86400, 38880, 43200}, {true, 2147483647, 38880, 43200},
    };
    struct rig *rig = *state;

    start_with(rig, SET(KEY("a")));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned again = 0; again < 50; again++) {
            uint64_t answered;

            go_to(rig, rig->now + 13 * HOUR);
            assert_true(rig->source.is_fetching);
            answered = rig->now;
            answer_with(rig, (struct fetch_answer){.status = OK,
                                                   .body = view_of_text(SET(KEY("a"))),
                                                   .fresh_s = rows[i].fresh_s,
                                                   .has_freshness = rows[i].has_freshness});
            assert_true(rig->wake >= answered + rows[i].from_s * SECOND);
            assert_true(rig->wake <= answered + rows[i].to_s * SECOND);
        }
    }
}

static void a_key_that_its_issuer_took_back_is_gone(void **state)
{
    struct rig *rig = *state;

    start_with(rig, SET(KEY("a") "," KEY("b")));
    assert_int_equal(check(rig, "a"), JWT_SIGNATURE);
    go_to(rig, rig->now + HOUR);
    assert_int_equal(rig->fetches, 2);
    answer_ok(rig, SET(KEY("b") "," KEY("c")));
    assert_int_equal(check(rig, "a"), JWT_UNKNOWN_KEY);
    assert_int_equal(check(rig, "b"), JWT_SIGNATURE);
    assert_int_equal(check(rig, "c"), JWT_SIGNATURE);
}

static void an_empty_set_takes_back_every_key(void **state)
{
    static const char *const empty[] = {SET(""), SET("{\"kty\":\"unheard-of\"}")};
    struct rig *rig = *state;

    start_with(rig, SET(KEY("a")));
    for (unsigned i = 0; i < 2; i++) {
        go_to(rig, rig->now + HOUR);
        answer_ok(rig, empty[i]);
        assert_int_equal(check(rig, "a"), JWT_ALGORITHM);
        assert_int_equal(rig->asked, i + 1);
        assert_int_equal(rig->last.health, JWKS_FETCHED);
        assert_int_equal(rig->last.keys, 0);
        assert_non_null(strstr(rig->last_text, "holds no key for these `algorithms`"));
    }
}

static void a_bad_set_changes_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "<html>",
        "{\"keys\":{}}",
        SET(KEY("a")) "x",
        SET(KEY("b") "," KEY("b")),
        SET(KEY("b") ",{\"kty\":\"oct\",\"k\":\"AAAA\"}"),
        SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}"),
    };
    struct rig *rig = *state;

    start_with(rig, SET(KEY("a")));
    go_to(rig, rig->now + HOUR);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        answer_ok(rig, bad[i]);
        assert_int_equal(rig->last.health, JWKS_FAILED);
        assert_string_equal(rig->last_code, "bad_key_set");
        assert_true(rig->last_text[0] != '\0');
        assert_true(rig->last.has_keys);
        assert_int_equal(check(rig, "a"), JWT_SIGNATURE);
        assert_int_equal(check(rig, "b"), JWT_UNKNOWN_KEY);
        go_to(rig, rig->now + 2 * MINUTE);
    }
    assert_int_equal(rig->told[JWKS_FAILED], sizeof(bad) / sizeof(bad[0]));
}

/* 10,000 tokens with unknown keys in ten seconds (C-D21), every way the provider may behave. */
static void a_storm_of_unknown_keys_is_one_download(void **state)
{
    enum { ANSWERS_WELL, ANSWERS_EMPTY, FAILS, HANGS, MANNERS };
    struct rig *rig = *state;

    start_with(rig, SET(KEY("a")));
    for (int manner = ANSWERS_WELL; manner < MANNERS; manner++) {
        unsigned before;
        uint64_t end;

        go_to(rig, rig->now + MINUTE); /* the last question of the storm before */
        if (rig->source.is_fetching)
            answer_ok(rig, SET(KEY("a")));
        go_to(rig, rig->now + MINUTE); /* the cooldown is over, the next download far away */
        assert_true(rig->wake > rig->now + 5 * MINUTE);
        before = rig->fetches;
        end = rig->now + 95 * SECOND;
        while (rig->now < end) {
            jwks_source_ask(&rig->source, rig->now);
            if (rig->source.is_fetching && manner == FAILS)
                answer_bad(rig);
            else if (rig->source.is_fetching && manner != HANGS)
                answer_ok(rig, manner == ANSWERS_EMPTY ? SET("") : SET(KEY("a")));
            go_to(rig, rig->now + 1);
        }
        if (manner == HANGS) {
            assert_int_equal(rig->fetches, before + 1); /* one flight at a time */
            answer_ok(rig, SET(KEY("a")));
            continue;
        }
        assert_int_equal(rig->fetches, before + 4);
        for (unsigned i = before; i + 1 < rig->fetches; i++)
            assert_true(rig->fetched_at[i + 1] >= rig->fetched_at[i] + JWKS_COOLDOWN_MS);
        if (rig->source.is_fetching)
            answer_ok(rig, SET(KEY("a")));
    }
}

static void one_unknown_key_within_the_cooldown_is_looked_up_after_it(void **state)
{
    struct rig *rig = *state;
    uint64_t started = rig->now;

    start_with(rig, SET(KEY("a")));
    rig->now += SECOND;
    jwks_source_ask(&rig->source, rig->now);
    assert_int_equal(rig->fetches, 1);
    assert_int_equal(rig->wake, started + JWKS_COOLDOWN_MS);
    go_to(rig, started + JWKS_COOLDOWN_MS);
    assert_int_equal(rig->fetches, 2);
    answer_ok(rig, SET(KEY("a") "," KEY("b")));
    assert_int_equal(check(rig, "b"), JWT_SIGNATURE);
    go_to(rig, rig->now + 10 * MINUTE); /* nobody asked again */
    assert_int_equal(rig->fetches, 2);
}

static void a_failed_look_up_leaves_the_timetable_alone(void **state)
{
    struct rig *rig = *state;
    uint64_t planned;

    start_with(rig, SET(KEY("a")));
    planned = rig->wake;
    rig->now += MINUTE;
    jwks_source_ask(&rig->source, rig->now);
    answer_bad(rig);
    assert_int_equal(rig->wake, planned);
    assert_int_equal(check(rig, "a"), JWT_SIGNATURE);
}

/* The n-th pause after a failure is the n-th power of two in seconds, give or take a quarter. */
static void check_pause(struct rig *rig, unsigned failure, uint64_t most)
{
    uint64_t pause = failure < 8 ? SECOND << (failure - 1) : most;

    if (pause > most)
        pause = most;
    assert_true(rig->wake >= rig->now + pause - pause / 4);
    assert_true(rig->wake <= rig->now + pause + pause / 4);
}

static void without_a_set_retries_stay_frequent(void **state)
{
    struct rig *rig = *state;

    jwks_source_start(&rig->source, rig->now);
    for (unsigned i = 1; i <= 40; i++) {
        answer_bad(rig);
        check_pause(rig, i, 4 * SECOND);
        assert_true(rig->wake <= rig->now + 5 * SECOND);
        assert_int_equal(check(rig, "a"), JWT_UNAVAILABLE);
        assert_false(rig->last.has_keys);
        jwks_source_ask(&rig->source, rig->now); /* changes nothing */
        check_pause(rig, i, 4 * SECOND);
        go_to(rig, rig->wake);
        assert_int_equal(rig->fetches, i + 1);
    }
    answer_ok(rig, SET(KEY("a")));
    assert_int_equal(check(rig, "a"), JWT_SIGNATURE);
    assert_int_equal(rig->told[JWKS_FAILED], 40);
    assert_true(rig->last.is_change);
}

static void an_outage_ends_the_keys_after_a_day_and_not_before(void **state)
{
    struct rig *rig = *state;
    uint64_t fetched = rig->now, end = fetched + 24 * HOUR;
    unsigned failures = 0;

    start_with(rig, SET(KEY("a")));
    for (;;) {
        go_to(rig, rig->wake);
        if (!rig->source.is_fetching)
            break; /* woken for the end of the keys */
        assert_true(rig->now < end);
        answer_bad(rig);
        failures++;
        assert_int_equal(check(rig, "a"), JWT_SIGNATURE);
        if (rig->wake < end)
            check_pause(rig, failures, MINUTE);
    }
    assert_int_equal(rig->now, end);
    assert_true(failures > 23 * 60 * 3 / 4);
    assert_int_equal(check(rig, "a"), JWT_UNAVAILABLE);
    assert_int_equal(rig->told[JWKS_STALE], 1);
    assert_int_equal(rig->last.health, JWKS_STALE);
    assert_true(rig->last.is_change);
    assert_false(rig->last.has_keys);
    for (unsigned i = 0; i < 10; i++) { /* back to frequent retries */
        assert_true(rig->wake <= rig->now + 5 * SECOND);
        go_to(rig, rig->wake);
        answer_bad(rig);
    }
    assert_int_equal(rig->told[JWKS_STALE], 1);
    go_to(rig, rig->wake);
    answer_ok(rig, SET(KEY("a")));
    assert_int_equal(check(rig, "a"), JWT_SIGNATURE);
    assert_true(rig->wake > rig->now + 50 * MINUTE);
}

static void keys_end_in_time_even_while_a_download_hangs(void **state)
{
    struct rig *rig = *state;
    uint64_t end = rig->now + 24 * HOUR;

    start_with(rig, SET(KEY("a")));
    go_to(rig, end - MINUTE); /* stops at the download that hangs */
    assert_true(rig->source.is_fetching);
    assert_int_equal(rig->wake, end);
    rig->now = end;
    jwks_source_turn(&rig->source, rig->now);
    assert_int_equal(check(rig, "a"), JWT_UNAVAILABLE);
    assert_int_equal(rig->fetches, 2);
}

static void news_say_when_the_health_changes(void **state)
{
    struct rig *rig = *state;

    jwks_source_start(&rig->source, rig->now);
    answer_bad(rig);
    assert_true(rig->last.is_change);
    go_to(rig, rig->wake);
    answer_bad(rig);
    assert_false(rig->last.is_change);
    go_to(rig, rig->wake);
    answer_ok(rig, SET(KEY("a")));
    assert_true(rig->last.is_change);
    go_to(rig, rig->wake);
    answer_ok(rig, SET(KEY("a")));
    assert_false(rig->last.is_change);
}

static void a_download_that_cannot_start_is_tried_again(void **state)
{
    struct rig *rig = *state;

    rig->fetch_status = E_FULL;
    jwks_source_start(&rig->source, rig->now);
    assert_int_equal(rig->fetches, 0);
    assert_string_equal(rig->last_code, "cannot_start");
    check_pause(rig, 1, 4 * SECOND);
    rig->fetch_status = OK;
    go_to(rig, rig->wake);
    answer_ok(rig, SET(KEY("a")));
    rig->now += MINUTE;
    rig->fetch_status = E_NOMEM;
    jwks_source_ask(&rig->source, rig->now);
    assert_int_equal(rig->wake, rig->now + JWKS_COOLDOWN_MS); /* the question stands */
    rig->fetch_status = OK;
    go_to(rig, rig->wake);
    assert_int_equal(rig->fetches, 2);
}

static void the_end_of_the_server_is_no_failure(void **state)
{
    struct rig *rig = *state;

    start_with(rig, SET(KEY("a")));
    go_to(rig, rig->wake);
    rig->wake = 0;
    answer_with(rig, (struct fetch_answer){.status = E_CLOSED, .code = "stopped"});
    assert_int_equal(rig->told[JWKS_FAILED], 0);
    assert_int_equal(rig->wake, 0);
    assert_int_equal(check(rig, "a"), JWT_SIGNATURE);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(until_the_first_set_tokens_wait),
        RIGGED(the_next_download_follows_the_providers_word_within_bounds),
        RIGGED(a_key_that_its_issuer_took_back_is_gone),
        RIGGED(an_empty_set_takes_back_every_key),
        RIGGED(a_bad_set_changes_nothing),
        RIGGED(a_storm_of_unknown_keys_is_one_download),
        RIGGED(one_unknown_key_within_the_cooldown_is_looked_up_after_it),
        RIGGED(a_failed_look_up_leaves_the_timetable_alone),
        RIGGED(without_a_set_retries_stay_frequent),
        RIGGED(an_outage_ends_the_keys_after_a_day_and_not_before),
        RIGGED(keys_end_in_time_even_while_a_download_hangs),
        RIGGED(news_say_when_the_health_changes),
        RIGGED(a_download_that_cannot_start_is_tried_again),
        RIGGED(the_end_of_the_server_is_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
