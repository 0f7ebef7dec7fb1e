/* SPDX-License-Identifier: Apache-2.0 */
/* api_replay_test.c: one call a key, for ten minutes, and never more than the ceilings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/api_replay.h"
#include "base/status.h"

static struct api_replays *replays;
static struct api_replay_entry *entry;
static struct view kept;

static enum api_replay_found begin(const char *owner, const char *key, const char *path,
                                   const char *body, uint64_t now_ms)
{
    struct api_replay_ask ask = {view_of_text(owner), view_of_text(key), view_of_text(path),
                                 view_of_text(body)};

    return api_replay_begin(replays, &entry, &kept, &ask, now_ms);
}

static int setup(void **state)
{
    (void)state;
    return api_replays_new(&replays);
}

static int teardown(void **state)
{
    (void)state;
    api_replays_free(replays);
    return 0;
}

static void an_answer_is_given_again_for_ten_minutes(void **state)
{
    (void)state;
    assert_int_equal(begin("a", "k", "/p", "b", 1000), API_REPLAY_NEW);
    assert_int_equal(begin("a", "k", "/p", "b", 1000), API_REPLAY_BUSY);
    api_replay_finish(replays, entry, VIEW("done"), 2000);
    assert_int_equal(begin("a", "k", "/p", "b", 2000 + API_REPLAY_MS - 1), API_REPLAY_KNOWN);
    assert_true(view_eq(kept, VIEW("done")));
    assert_int_equal(begin("a", "k", "/p", "b", 2000 + API_REPLAY_MS), API_REPLAY_NEW);
}

static void another_request_under_the_key_is_told_apart(void **state)
{
    (void)state;
    assert_int_equal(begin("a", "k", "/p", "b", 0), API_REPLAY_NEW);
    assert_int_equal(begin("a", "k", "/p", "c", 0), API_REPLAY_OTHER);
    assert_int_equal(begin("a", "k", "/q", "b", 0), API_REPLAY_OTHER);
    api_replay_finish(replays, entry, VIEW(""), 0);
    assert_int_equal(begin("a", "k", "/p", "c", 0), API_REPLAY_OTHER);
    assert_int_equal(begin("a", "k", "/p", "b", 0), API_REPLAY_KNOWN);
    assert_int_equal(kept.len, 0);
}

/* Owner and key are one name in the table: it must not matter where one ends. */
static void each_owner_has_keys_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(begin("ab", "c", "/p", "b", 0), API_REPLAY_NEW);
    assert_int_equal(begin("a", "bc", "/p", "b", 0), API_REPLAY_NEW);
    assert_int_equal(begin("abc", "c", "/p", "b", 0), API_REPLAY_NEW);
}

static void what_was_not_done_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(begin("a", "k", "/p", "b", 0), API_REPLAY_NEW);
    api_replay_forget(replays, entry);
    assert_int_equal(begin("a", "k", "/q", "c", 0), API_REPLAY_NEW);
}

static void there_are_so_many_entries_and_none_goes_early(void **state)
{
    char key[32];

    (void)state;
    for (int i = 0; i < API_REPLAY_ENTRIES; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(begin("a", key, "/p", "b", 0), API_REPLAY_NEW);
        api_replay_finish(replays, entry, VIEW("x"), 0);
    }
    assert_int_equal(begin("a", "more", "/p", "b", 1), API_REPLAY_FULL);
    assert_int_equal(begin("a", "k0", "/p", "b", 1), API_REPLAY_KNOWN);
    assert_int_equal(begin("a", "more", "/p", "b", API_REPLAY_MS), API_REPLAY_NEW);
}

static void there_are_so_many_bytes(void **state)
{
    size_t big_bytes = 1024 * 1024;
    char *big = calloc(1, big_bytes), key[32];
    enum api_replay_found found;
    size_t bytes = 0;

    (void)state;
    assert_non_null(big);
    for (int i = 0; bytes <= API_REPLAY_BYTES_MAX; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        found = begin("a", key, "/p", "b", 0);
        if (found == API_REPLAY_FULL)
            break;
        api_replay_finish(replays, entry, view_of(big, big_bytes), 0);
        bytes += big_bytes;
    }
    assert_in_range(bytes, big_bytes, API_REPLAY_BYTES_MAX);
    assert_int_equal(found, API_REPLAY_FULL);
    free(big);
}

static void keys_are_printable_and_short(void **state)
{
    char key[API_REPLAY_KEY_MAX + 1];

    (void)state;
    memset(key, '~', sizeof(key));
    assert_true(api_replay_key_ok(view_of(key, API_REPLAY_KEY_MAX)));
    assert_false(api_replay_key_ok(view_of(key, API_REPLAY_KEY_MAX + 1)));
    assert_false(api_replay_key_ok(VIEW("")));
    assert_false(api_replay_key_ok(VIEW("a b")));
    assert_false(api_replay_key_ok(VIEW("a\x7f")));
    assert_false(api_replay_key_ok(VIEW("a\xc3\xa9")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_is_given_again_for_ten_minutes, setup, teardown),
        cmocka_unit_test_setup_teardown(another_request_under_the_key_is_told_apart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(each_owner_has_keys_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_not_done_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(there_are_so_many_entries_and_none_goes_early, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(there_are_so_many_bytes, setup, teardown),
        cmocka_unit_test(keys_are_printable_and_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
