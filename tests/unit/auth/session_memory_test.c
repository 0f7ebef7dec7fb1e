/* SPDX-License-Identifier: Apache-2.0 */
/* session_memory_test.c: the engine through its door, with the real outbound thread and real time:
 * login, rotation, logout, and ends that are told in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "session_rig.h"

static void rig_open(struct store_rig *rig, uint32_t idle_s, uint32_t absolute_s)
{
    struct session_store_options options;

    memset(rig, 0, sizeof(*rig));
    options = rig_options(rig, idle_s, absolute_s);
    assert_int_equal(session_memory_new(&rig->store, &options), OK);
    rig_start(rig);
}

static void a_login_can_be_asked_used_and_ended(void **state)
{
    char id[SESSION_ID_TEXT_BYTES];
    struct session_op op = {.verb = SESSION_GET};
    struct store_rig rig;

    (void)state;
    rig_open(&rig, 100, 1000);
    assert_int_equal(rig_create(&rig, "alice", "", id), OK);
    assert_int_equal(strlen(id), SESSION_ID_TEXT_BYTES - 1);
    assert_int_equal(rig_check(&rig, id), AUTH_OK);
    op.id = view_of_text(id);
    assert_int_equal(rig_do(&rig, &op), OK);
    assert_string_equal(op.who.user, "alice");
    assert_string_equal(op.who.tenant, "acme");
    assert_int_equal(op.who.roles, 3);
    assert_true(op.created_at_s > 0 && op.ends_at_s == op.created_at_s + 1000);
    assert_in_range(op.idle_until_s, op.created_at_s + 100, op.created_at_s + 102);
    assert_int_equal(rig_by_id(&rig, SESSION_EXTEND, id), OK);
    assert_int_equal(rig_by_id(&rig, SESSION_END, id), OK);
    assert_int_equal(rig_by_id(&rig, SESSION_END, id), E_MISSING);
    assert_int_equal(rig_by_id(&rig, SESSION_EXTEND, id), E_MISSING);
    assert_int_equal(rig_by_id(&rig, SESSION_GET, id), E_MISSING);
    assert_int_equal(rig_check(&rig, id), AUTH_FAILED);
    rig_stop(&rig);
}

static void a_login_must_be_well_formed(void **state)
{
    static const struct session_op rows[] = {
        {.verb = SESSION_CREATE},
        {.verb = SESSION_CREATE, .user = {"a:b", 3}},
        {.verb = SESSION_CREATE, .user = {"alice", 5}, .tenant = {"a b", 3}},
        {.verb = SESSION_CREATE,
         .user = {"alice", 5},
         .tenant = {"012345678901234567890123456789012", 33}},
        {.verb = SESSION_CREATE, .user = {"alice", 5}, .roles = {"user ", 5}},
        {.verb = SESSION_CREATE, .user = {"alice", 5}, .roles = {" user", 5}},
        {.verb = SESSION_CREATE, .user = {"alice", 5}, .roles = {"user  admin", 11}},
        {.verb = SESSION_CREATE, .user = {"alice", 5}, .roles = {"us\0er", 5}},
        {.verb = SESSION_END_USER, .user = {"", 0}},
        {.verb = (enum session_verb)99},
    };
    struct store_rig rig;

    (void)state;
    rig_open(&rig, 100, 1000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct session_op op = rows[i];

        assert_int_equal(rig_do(&rig, &op), E_INVALID);
        assert_string_equal(op.new_id, "");
    }
    rig_stop(&rig);
}

static void a_new_login_replaces_the_old_session(void **state)
{
    char first[SESSION_ID_TEXT_BYTES], second[SESSION_ID_TEXT_BYTES];
    struct session_watch *watch;
    struct store_rig rig;

    (void)state;
    rig_open(&rig, 100, 1000);
    assert_int_equal(rig_create(&rig, "alice", "", first), OK);
    watch = session_store_watch(rig.store, view_of_text(first));
    assert_int_equal(rig_create(&rig, "alice", first, second), OK);
    assert_string_not_equal(first, second);
    assert_true(rig_is_told(&rig, 1000));
    assert_int_equal(rig.why, SESSION_REPLACED);
    assert_int_equal(rig_check(&rig, first), AUTH_FAILED);
    assert_int_equal(rig_check(&rig, second), AUTH_OK);
    session_store_unwatch(rig.store, watch);
    session_store_unwatch(rig.store, NULL);
    /* What is replaced need not be there. */
    assert_int_equal(rig_create(&rig, "alice", first, first), OK);
    assert_int_equal(rig_create(&rig, "alice", "rubbish", second), OK);
    rig_stop(&rig);
}

static void ends_by_time_are_told_within_a_second(void **state)
{
    char id[SESSION_ID_TEXT_BYTES];
    struct session_watch *watch;
    struct store_rig rig;

    (void)state;
    rig_open(&rig, 1, 1000);
    assert_int_equal(rig_create(&rig, "alice", "", id), OK);
    watch = session_store_watch(rig.store, view_of_text(id));
    assert_true(rig_is_told(&rig, 2500));
    assert_int_equal(rig.why, SESSION_IDLE);
    assert_int_equal(rig_check(&rig, id), AUTH_EXPIRED);
    session_store_unwatch(rig.store, watch);
    rig_stop(&rig);
    rig_open(&rig, 1, 1);
    assert_int_equal(rig_create(&rig, "alice", "", id), OK);
    watch = session_store_watch(rig.store, view_of_text(id));
    assert_true(rig_is_told(&rig, 2500));
    assert_int_equal(rig.why, SESSION_TOO_OLD);
    session_store_unwatch(rig.store, watch);
    rig_stop(&rig);
}

static struct lookup answered;
static unsigned answers;

static void looked_up(struct lookup *l)
{
    answered = *l;
    answers++;
}

static void a_lookup_is_answered_at_once(void **state)
{
    char id[SESSION_ID_TEXT_BYTES];
    struct lookup l = {.done = looked_up};
    struct store_rig rig;

    (void)state;
    rig_open(&rig, 100, 1000);
    assert_int_equal(rig_create(&rig, "alice", "", id), OK);
    assert_int_equal(session_store_lookup(rig.store, &l, view_of_text(id)), OK);
    assert_int_equal(answers, 1);
    assert_int_equal(answered.verdict, AUTH_OK);
    assert_string_equal(answered.who.user, "alice");
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_can_be_asked_used_and_ended),
        cmocka_unit_test(a_login_must_be_well_formed),
        cmocka_unit_test(a_new_login_replaces_the_old_session),
        cmocka_unit_test(ends_by_time_are_told_within_a_second),
        cmocka_unit_test(a_lookup_is_answered_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
