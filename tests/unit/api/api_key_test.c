/* SPDX-License-Identifier: Apache-2.0 */
/* api_key_test.c: which secrets open what, and patterns segment by segment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/api_key.h"
#include "base/status.h"

#define ONE "0123456789abcdef0123456789abcdef"
#define TWO "fedcba9876543210fedcba9876543210"

static struct error why;

static struct api_key *add(struct api_keys *keys, const char *name, const char *secret)
{
    assert_int_equal(api_keys_add(keys, view_of_text(name), view_of_text(secret), &why), OK);
    return &keys->items[keys->count - 1];
}

static void a_key_is_found_by_its_whole_secret(void **state)
{
    static const char *const wrong[] = {"",
                                        "Bearer",
                                        "Bearer ",
                                        "Basic " ONE,
                                        ONE,
                                        "Bearer" ONE,
                                        "Bearer " ONE "0",
                                        "Bearer 0" ONE,
                                        "Bearer \t" ONE,
                                        "Bearer " ONE " ",
                                        "Bearer " ONE ",",
                                        "Bearer " ONE "\n",
                                        "Bearer \"" ONE "\"",
                                        "bearer " TWO "="};
    struct api_keys keys = {NULL, 0};

    (void)state;
    (void)add(&keys, "one", ONE);
    (void)add(&keys, "two", TWO);
    assert_string_equal(api_keys_find(&keys, VIEW("Bearer " ONE))->name, "one");
    assert_string_equal(api_keys_find(&keys, VIEW("bearer   " TWO))->name, "two");
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_null(api_keys_find(&keys, view_of_text(wrong[i])));
    for (size_t cut = 0; cut < 7 + 32; cut++)
        assert_null(api_keys_find(&keys, view_of("Bearer " ONE, cut)));
    api_keys_clear(&keys);
    assert_null(api_keys_find(&keys, VIEW("Bearer " ONE)));
}

static void keys_that_could_not_be_told_apart_or_sent_are_refused(void **state)
{
    struct api_keys keys = {NULL, 0};
    static char name[66];

    (void)state;
    memset(name, 'x', 65);
    (void)add(&keys, "one", ONE);
    assert_int_equal(api_keys_add(&keys, VIEW("one"), VIEW(TWO), &why), E_EXISTS);
    assert_int_equal(api_keys_add(&keys, VIEW("two"), VIEW(ONE), &why), E_EXISTS);
    assert_int_equal(api_keys_add(&keys, VIEW(""), VIEW(TWO), &why), E_INVALID);
    assert_int_equal(api_keys_add(&keys, VIEW("a b"), VIEW(TWO), &why), E_INVALID);
    assert_int_equal(api_keys_add(&keys, view_of_text(name), VIEW(TWO), &why), E_INVALID);
    assert_int_equal(api_keys_add(&keys, VIEW("two"), VIEW(TWO " "), &why), E_INVALID);
    assert_int_equal(api_keys_add(&keys, VIEW("two"), VIEW("\x01" TWO), &why), E_INVALID);
    assert_int_equal(api_keys_add(&keys, VIEW("two"), VIEW("=" TWO), &why), E_INVALID);
    assert_null(strstr(why.text, TWO));
    assert_int_equal(keys.count, 1);
    api_keys_clear(&keys);
}

static void the_number_of_keys_has_a_ceiling(void **state)
{
    struct api_keys keys = {NULL, 0};
    char name[16], secret[64];

    (void)state;
    for (unsigned i = 0; i < API_KEYS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "key%u", i);
        (void)snprintf(secret, sizeof(secret), ONE "%u", i);
        (void)add(&keys, name, secret);
    }
    assert_int_equal(api_keys_add(&keys, VIEW("more"), VIEW(TWO), &why), E_LIMIT);
    assert_string_equal(api_keys_find(&keys, VIEW("Bearer " ONE "63"))->name, "key63");
    api_keys_clear(&keys);
}

static void scopes_are_these_and_no_others(void **state)
{
    static const char *const bad[] = {
        "",           "ticket",      "TICKETS",    "*",          "publish",    "publish:",
        "publish::",  "publish:a:",  "publish::a", "publish:a*", "publish:*a", "publish:a:b*:c",
        "publish:**", "publish:a b", "session",    "admin",      "revoke ",    "publish:a/b"};
    struct api_keys keys = {NULL, 0};
    struct api_key *key = add(&keys, "one", ONE);

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(api_key_add_scope(key, view_of_text(bad[i]), &why), E_INVALID);
    assert_int_equal(key->scopes, API_SCOPE_NONE);
    assert_int_equal(api_key_add_scope(key, VIEW("tickets"), &why), OK);
    assert_int_equal(api_key_add_scope(key, VIEW("tickets"), &why), E_EXISTS);
    assert_int_equal(api_key_add_scope(key, VIEW("revoke"), &why), OK);
    assert_int_equal(api_key_add_scope(key, VIEW("sessions"), &why), OK);
    assert_int_equal(api_key_add_scope(key, VIEW("sessions"), &why), E_EXISTS);
    assert_int_equal(api_key_add_scope(key, VIEW("publish:*"), &why), OK);
    assert_int_equal(api_key_add_scope(key, VIEW("publish:*"), &why), E_EXISTS);
    assert_false(api_key_may(key, API_SCOPE_HISTORY, VIEW("a")));
    assert_int_equal(api_key_add_scope(key, VIEW("history:*"), &why), OK);
    assert_true(api_key_may(key, API_SCOPE_HISTORY, VIEW("a")));
    assert_false(api_key_may(key, API_SCOPE_PRESENCE, VIEW("a"))); /* each for itself */
    assert_int_equal(api_keys_scopes(&keys), API_SCOPE_TICKETS | API_SCOPE_REVOKE |
                                                 API_SCOPE_SESSIONS | API_SCOPE_PUBLISH |
                                                 API_SCOPE_HISTORY);
    api_keys_clear(&keys);
}

static void a_pattern_covers_segment_by_segment(void **state)
{
    static const struct {
        const char *pattern, *channel;
        bool is_covered;
    } rows[] = {
        {"news", "news", true},
        {"news", "new", false},
        {"news", "newsx", false},
        {"news", "news:a", false},
        {"news:*", "news:a", true},
        {"news:*", "news", false},
        {"news:*", "news:a:b", false},
        {"news:*", "news:", false},
        {"*", "a", true},
        {"*", "a:b", false},
        {"*:b", "a:b", true},
        {"*:b", "a:c", false},
        {"a:*:c", "a:x:c", true},
        {"a:*:c", "a:x:y:c", false},
        {"a:*:c", "a::c", false},
        {"a:*:*", "a:b:c", true},
        {"a:*", "a:*", false},
        {"a:*", "a:b\n", false},
        {"user:alice", "user:alice", true},
        {"user:alice", "USER:alice", false},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct api_keys keys = {NULL, 0};
        struct api_key *key = add(&keys, "one", ONE);
        char scope[64];

        (void)snprintf(scope, sizeof(scope), "publish:%s", rows[i].pattern);
        assert_int_equal(api_key_add_scope(key, view_of_text(scope), &why), OK);
        assert_int_equal(api_key_may(key, API_SCOPE_PUBLISH, view_of_text(rows[i].channel)),
                         rows[i].is_covered);
        api_keys_clear(&keys);
    }
}

static void a_server_forgets_secrets_and_still_knows_the_keys(void **state)
{
    struct api_keys keys = {NULL, 0};

    (void)state;
    (void)add(&keys, "one", ONE);
    assert_true(view_eq(buf_view(&keys.items[0].secret), VIEW(ONE)));
    api_keys_forget_secrets(&keys);
    assert_int_equal(keys.items[0].secret.len, 0);
    assert_non_null(api_keys_find(&keys, VIEW("Bearer " ONE)));
    api_keys_clear(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_by_its_whole_secret),
        cmocka_unit_test(keys_that_could_not_be_told_apart_or_sent_are_refused),
        cmocka_unit_test(the_number_of_keys_has_a_ceiling),
        cmocka_unit_test(scopes_are_these_and_no_others),
        cmocka_unit_test(a_pattern_covers_segment_by_segment),
        cmocka_unit_test(a_server_forgets_secrets_and_still_knows_the_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
