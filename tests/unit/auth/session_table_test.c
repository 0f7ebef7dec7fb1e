/* SPDX-License-Identifier: Apache-2.0 */
/* session_table_test.c: the table against a naive list through thousands of random changes and
 * jumps of time; ends and their reasons; room; memory; many threads (made to run under TSan). */
#include "auth/session_table.h"

#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/status.h"

#define NOW      INT64_C(1800000000)
#define IDLE     100
#define ABSOLUTE 1000

struct rig {
    struct session_table table;
    struct role_set roles;
    atomic_uint told;
    uint8_t last[IDENTITY_SESSION_BYTES];
    enum session_end why;
};

static void ended(void *context, const uint8_t session[IDENTITY_SESSION_BYTES],
                  enum session_end why)
{
    struct rig *rig = context;

    if (atomic_fetch_add(&rig->told, 1) == 0) {
        memcpy(rig->last, session, IDENTITY_SESSION_BYTES);
        rig->why = why;
    }
}

static struct rig *rig_new(uint32_t max)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct session_store_options options = {IDLE, ABSOLUTE, max, &rig->roles};

    assert_int_equal(role_set_add(&rig->roles, VIEW("user"), PERMISSION_READ), OK);
    assert_int_equal(role_set_add(&rig->roles, VIEW("admin"), PERMISSION_ADMIN), OK);
    assert_int_equal(session_table_init(&rig->table, &options, NULL), OK);
    rig->table.is_kept = true;
    rig->table.store.ended = ended;
    rig->table.store.context = rig;
    return rig;
}

static void rig_free(struct rig *rig)
{
    session_table_clear(&rig->table);
    free(rig);
}

static const char *id_of(unsigned n)
{
    static char text[8][SESSION_ID_TEXT_BYTES];
    static unsigned next;
    char *id = text[next++ % 8];

    (void)snprintf(id, SESSION_ID_TEXT_BYTES, "session%014uA", n);
    return id;
}

static int add(struct rig *rig, unsigned n, const char *user, int64_t now_s)
{
    struct session_row row = {.user = view_of_text(user),
                              .tenant = VIEW("acme"),
                              .roles = VIEW("user wizard admin"),
                              .created_s = now_s,
                              .used_s = now_s,
                              .ends_s = now_s + ABSOLUTE};

    assert_true(session_table_key(row.key, view_of_text(id_of(n))));
    return session_table_add(&rig->table, &row, now_s);
}

static enum auth_verdict check(struct rig *rig, unsigned n, int64_t now_s, struct identity *who)
{
    struct identity unused;
    const char *fault = NULL;
    enum auth_verdict verdict = session_table_check(&rig->table.store, view_of_text(id_of(n)),
                                                    now_s, who != NULL ? who : &unused, &fault);

    if (verdict == AUTH_OK)
        assert_null(fault);
    else
        assert_string_equal(fault, verdict == AUTH_EXPIRED ? "session_expired" : "session_unknown");
    return verdict;
}

static bool end(struct rig *rig, unsigned n)
{
    uint8_t key[SESSION_KEY_BYTES];

    assert_true(session_table_key(key, view_of_text(id_of(n))));
    return session_table_end(&rig->table, key, SESSION_LOGGED_OUT);
}

static void an_identity_is_complete(void **state)
{
    struct rig *rig = rig_new(10);
    uint8_t session[IDENTITY_SESSION_BYTES];
    struct identity who;

    (void)state;
    assert_int_equal(add(rig, 1, "alice", NOW), OK);
    assert_int_equal(check(rig, 1, NOW + 7, &who), AUTH_OK);
    assert_true(session_digest(session, view_of_text(id_of(1))));
    assert_string_equal(who.user, "alice");
    assert_int_equal(who.user_bytes, 5);
    assert_string_equal(who.tenant, "acme");
    assert_int_equal(who.roles, 3); /* wizard is not known here */
    assert_true(who.has_session && who.scopes == UINT64_MAX);
    assert_memory_equal(who.session, session, sizeof(session));
    assert_int_equal(who.method, IDENTITY_SESSION);
    assert_int_equal(who.authenticated_at_s, NOW);
    assert_int_equal(who.issued_at_s, NOW);
    assert_int_equal(who.expires_at_s, NOW + ABSOLUTE);
    assert_int_equal(who.recheck_at_s, 0);
    assert_string_equal(who.token_id, "");
    rig_free(rig);
}

static void ids_have_one_form(void **state)
{
    static const char *const bad[] = {"",
                                      "session00000000000001A=",
                                      "session0000000000001A",
                                      "session000000000000001B",
                                      "session 00000000000001A",
                                      "session+00000000000001A",
                                      "session0000000000000001A"};
    struct rig *rig = rig_new(10);
    char space[SESSION_ID_MAX];
    struct identity who;
    const char *fault;
    struct view id;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(
            session_table_check(&rig->table.store, view_of_text(bad[i]), NOW, &who, &fault),
            AUTH_FAILED);
        assert_string_equal(fault, "session_malformed");
        assert_false(
            session_table_id_of_cookie(&rig->table.store, view_of_text(bad[i]), space, &id));
    }
    assert_true(session_table_id_of_cookie(&rig->table.store, view_of_text(id_of(1)), space, &id));
    assert_true(view_eq(id, view_of_text(id_of(1))));
    rig_free(rig);
}

static void a_session_ends_by_idleness_and_by_age(void **state)
{
    struct rig *rig = rig_new(10);
    int64_t now_s;

    (void)state;
    assert_int_equal(add(rig, 1, "alice", NOW), OK);
    assert_int_equal(check(rig, 1, NOW + IDLE - 1, NULL), AUTH_OK);
    assert_int_equal(check(rig, 1, NOW + 2 * IDLE - 2, NULL), AUTH_OK);
    assert_int_equal(check(rig, 1, NOW + 3 * IDLE - 2, NULL), AUTH_EXPIRED);
    /* Expired is told from unknown for a minute behind the sweep. */
    assert_false(session_table_sweep(&rig->table, NOW + 3 * IDLE));
    assert_int_equal(check(rig, 1, NOW + 3 * IDLE, NULL), AUTH_EXPIRED);
    assert_int_equal(rig->told, 0); /* nobody watches */
    (void)session_table_sweep(&rig->table, NOW + 3 * IDLE + SESSION_REMEMBER_S);
    assert_int_equal(check(rig, 1, NOW + 3 * IDLE, NULL), AUTH_FAILED);
    assert_int_equal(rig->table.count, 0);
    assert_int_equal(add(rig, 2, "alice", NOW), OK);
    for (now_s = NOW; now_s < NOW + ABSOLUTE; now_s += IDLE / 2)
        assert_int_equal(check(rig, 2, now_s, NULL), AUTH_OK);
    assert_int_equal(check(rig, 2, NOW + ABSOLUTE - 1, NULL), AUTH_OK);
    assert_int_equal(check(rig, 2, NOW + ABSOLUTE, NULL), AUTH_EXPIRED);
    rig_free(rig);
}

static void who_watches_is_told_why(void **state)
{
    struct rig *rig = rig_new(10);
    struct session_store *store = &rig->table.store;
    struct session_watch *watch, *second;

    (void)state;
    assert_int_equal(add(rig, 1, "alice", NOW), OK);
    watch = session_table_watch(store, view_of_text(id_of(1)));
    second = session_table_watch(store, view_of_text(id_of(1)));
    assert_non_null(watch);
    session_table_touch(store, watch, NOW + IDLE - 1);
    (void)session_table_sweep(&rig->table, NOW + IDLE);
    assert_int_equal(rig->told, 0);
    (void)session_table_sweep(&rig->table, NOW + 2 * IDLE - 1);
    assert_int_equal(rig->told, 1);
    assert_int_equal(rig->why, SESSION_IDLE);
    session_table_touch(store, watch, NOW + 2 * IDLE - 1); /* too late */
    assert_int_equal(check(rig, 1, NOW + 2 * IDLE - 1, NULL), AUTH_EXPIRED);
    session_table_unwatch(store, watch);
    session_table_unwatch(store, second);
    /* One that has ended, or never was, is told of by the next sweep. */
    rig->told = 0;
    watch = session_table_watch(store, view_of_text(id_of(77)));
    assert_non_null(watch);
    assert_int_equal(rig->told, 0);
    (void)session_table_sweep(&rig->table, NOW);
    assert_int_equal(rig->told, 1);
    session_table_unwatch(store, watch);
    rig->told = 0;
    watch = session_table_watch(store, view_of_text(id_of(1)));
    (void)session_table_sweep(&rig->table, NOW);
    assert_int_equal(rig->told, 1);
    session_table_unwatch(store, watch);
    assert_null(session_table_watch(store, VIEW("nothing")));
    rig_free(rig);
}

static void a_logout_is_told_before_it_returns(void **state)
{
    struct rig *rig = rig_new(1000);
    struct session_store *store = &rig->table.store;
    struct session_watch *watches[200];
    uint8_t session[IDENTITY_SESSION_BYTES];

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(add(rig, i, i % 2 == 0 ? "alice" : "bob", NOW), OK);
        watches[i] = session_table_watch(store, view_of_text(id_of(i)));
    }
    assert_true(end(rig, 0));
    assert_int_equal(rig->told, 1);
    assert_int_equal(rig->why, SESSION_LOGGED_OUT);
    assert_true(session_digest(session, view_of_text(id_of(0))));
    assert_memory_equal(rig->last, session, sizeof(session));
    assert_false(end(rig, 0));
    assert_int_equal(check(rig, 0, NOW, NULL), AUTH_FAILED);
    assert_int_equal(session_table_end_user(&rig->table, VIEW("alice")), 99);
    assert_int_equal(rig->told, 100);
    assert_int_equal(session_table_end_user(&rig->table, VIEW("alice")), 0);
    assert_int_equal(session_table_end_user(&rig->table, VIEW("alic")), 0);
    assert_int_equal(check(rig, 1, NOW, NULL), AUTH_OK);
    assert_int_equal(rig->table.count, 100);
    for (unsigned i = 0; i < 200; i++)
        session_table_unwatch(store, watches[i]);
    rig_free(rig);
}

static void what_is_over_makes_room_and_what_is_good_does_not(void **state)
{
    struct rig *rig = rig_new(4);

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(add(rig, i, "alice", NOW), OK);
    assert_int_equal(add(rig, 4, "alice", NOW), E_FULL);
    assert_int_equal(check(rig, 2, NOW + 50, NULL), AUTH_OK);
    assert_int_equal(add(rig, 4, "alice", NOW + IDLE - 1), E_FULL);
    for (unsigned i = 4; i < 7; i++)
        assert_int_equal(add(rig, i, "alice", NOW + IDLE), OK);
    assert_int_equal(add(rig, 7, "alice", NOW + IDLE), E_FULL);
    assert_int_equal(check(rig, 2, NOW + IDLE, NULL), AUTH_OK);
    assert_true(end(rig, 5));
    assert_int_equal(add(rig, 7, "alice", NOW + IDLE), OK);
    assert_int_equal(add(rig, 7, "alice", NOW + IDLE), E_FULL);
    rig_free(rig);
}

/* --- the oracle --- */

#define NAMES 300
struct naive {
    bool is_there;
    unsigned user;
    int64_t created_s, used_s;
};

static bool naive_is_good(const struct naive *one, int64_t now_s)
{
    return one->is_there && one->used_s + IDLE > now_s && one->created_s + ABSOLUTE > now_s;
}

static const char *const users[] = {"alice", "bob", "carol", "dave"};

static void random_change(struct rig *rig, struct naive *all, int64_t now_s, uint64_t *seed)
{
    unsigned n = random_jitter(seed, NAMES), user = random_jitter(seed, 4), count = 0;
    struct naive *one = &all[n];
    bool is_good = naive_is_good(one, now_s);

    switch (random_jitter(seed, 40) == 0 ? 4 : random_jitter(seed, 12)) {
    case 0:
    case 1:
    case 2:
        if (!one->is_there && add(rig, n, users[user], now_s) == OK)
            *one = (struct naive){true, user, now_s, now_s};
        return;
    case 3:
        if (is_good)
            assert_true(end(rig, n));
        else
            (void)end(rig, n);
        if (is_good)
            one->is_there = false;
        return;
    case 4:
        if (random_jitter(seed, 8) != 0)
            return;
        (void)session_table_sweep(&rig->table, now_s);
        for (unsigned i = 0; i < NAMES; i++) {
            if (all[i].user != user || !naive_is_good(&all[i], now_s))
                continue;
            all[i].is_there = false;
            count++;
        }
        assert_int_equal(session_table_end_user(&rig->table, view_of_text(users[user])), count);
        return;
    default:
        assert_int_equal(check(rig, n, now_s, NULL) == AUTH_OK, is_good);
        if (is_good)
            one->used_s = now_s;
    }
}

static void the_table_agrees_with_a_naive_list(void **state)
{
    static struct naive all[NAMES];
    struct rig *rig = rig_new(SESSIONS_MAX);
    uint64_t seed = 12345;
    int64_t now_s = NOW;
    unsigned good = 0;

    (void)state;
    for (unsigned step = 0; step < 60000; step++) {
        random_change(rig, all, now_s, &seed);
        if (random_jitter(&seed, 10) == 0)
            now_s += random_jitter(&seed, 12);
        if (step % 1000 != 0)
            continue;
        (void)session_table_sweep(&rig->table, now_s);
        good = 0;
        for (unsigned i = 0; i < NAMES; i++) {
            uint8_t key[SESSION_KEY_BYTES];

            assert_true(session_table_key(key, view_of_text(id_of(i))));
            assert_int_equal(session_table_has(&rig->table, key), naive_is_good(&all[i], now_s));
            good += naive_is_good(&all[i], now_s);
            if (!naive_is_good(&all[i], now_s) && check(rig, i, now_s, NULL) == AUTH_FAILED)
                all[i].is_there = false; /* forgotten: the name may come again */
        }
        assert_true(rig->table.count >= good);
    }
    (void)session_table_sweep(&rig->table, now_s + 2 * ABSOLUTE);
    (void)session_table_sweep(&rig->table, now_s + 4 * ABSOLUTE);
    assert_int_equal(rig->table.count, 0);
    rig_free(rig);
}

static void what_was_used_is_taken_once(void **state)
{
    struct rig *rig = rig_new(100);
    struct session_use uses[8];

    (void)state;
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(add(rig, i, "alice", NOW), OK);
    assert_int_equal(session_table_take_used(&rig->table, uses, 8), 0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(check(rig, i, NOW + 9, NULL), AUTH_OK);
    assert_int_equal(session_table_take_used(&rig->table, uses, 3), 3);
    assert_int_equal(uses[0].used_s, NOW + 9);
    assert_int_equal(uses[0].until_s, NOW + 9 + IDLE);
    session_table_put_back(&rig->table, uses, 3);
    assert_true(end(rig, 0));
    assert_int_equal(session_table_take_used(&rig->table, uses, 8), 4);
    assert_int_equal(session_table_take_used(&rig->table, uses, 8), 0);
    rig_free(rig);
}

static void a_sweep_is_bounded(void **state)
{
    struct rig *rig = rig_new(100000);
    unsigned turns = 1;

    (void)state;
    for (unsigned i = 0; i < 20000; i++)
        assert_int_equal(add(rig, i, "alice", NOW), OK);
    while (session_table_sweep(&rig->table, NOW + IDLE))
        turns++;
    assert_true(turns >= 20000 / SESSION_TURN_MAX && turns < 20);
    rig_free(rig);
}

/* A sanitizer's allocator counts for itself. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated_bytes(void)
{
    struct mallinfo2 info;

    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void a_session_costs_little_memory(void **state)
{
    struct rig *rig = rig_new(100000);
    size_t before = allocated_bytes(), grown;
    char user[16];

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        (void)snprintf(user, sizeof(user), "user%06u", i);
        assert_int_equal(add(rig, i, user, NOW), OK);
    }
    grown = allocated_bytes() - before;
    print_message("%zu bytes a session\n", grown / 100000);
    assert_in_range(grown, (size_t)100000 * 100, (size_t)100000 * 400);
    rig_free(rig);
}

/* --- threads --- */

struct crowd {
    struct rig *rig;
    unsigned first;
};

static void *work(void *argument)
{
    struct crowd *crowd = argument;
    struct rig *rig = crowd->rig;
    struct session_store *store = &rig->table.store;
    uint64_t seed = crowd->first;
    char id[SESSION_ID_TEXT_BYTES];
    struct session_use uses[16];
    struct identity who;
    uint8_t key[SESSION_KEY_BYTES];

    for (unsigned i = 0; i < 3000; i++) {
        struct session_row row = {.user = view_of_text(users[i % 4]),
                                  .created_s = NOW,
                                  .used_s = NOW,
                                  .ends_s = NOW + ABSOLUTE};
        struct session_watch *watch;

        (void)snprintf(id, sizeof(id), "session%014uA", random_jitter(&seed, 64));
        (void)session_table_key(row.key, view_of_text(id));
        memcpy(key, row.key, sizeof(key));
        (void)session_table_add(&rig->table, &row, NOW);
        watch = session_table_watch(store, view_of_text(id));
        (void)session_table_check(store, view_of_text(id), NOW + i % IDLE, &who, NULL);
        if (watch != NULL)
            session_table_touch(store, watch, NOW + i % IDLE);
        if (i % 3 == 0)
            (void)session_table_end(&rig->table, key, SESSION_LOGGED_OUT);
        if (i % 50 == 0)
            (void)session_table_end_user(&rig->table, VIEW("bob"));
        if (i % 20 == 0)
            (void)session_table_sweep(&rig->table, NOW + (i % 40 == 0 ? 2 * ABSOLUTE : 0));
        if (i % 10 == 0)
            (void)session_table_take_used(&rig->table, uses, 16);
        session_table_unwatch(store, watch);
    }
    return NULL;
}

static void many_threads_do_not_step_on_each_other(void **state)
{
    struct rig *rig = rig_new(40);
    struct crowd crowd[4];
    pthread_t threads[4];

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        crowd[i] = (struct crowd){rig, i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &crowd[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    (void)session_table_sweep(&rig->table, NOW + 4 * ABSOLUTE);
    (void)session_table_sweep(&rig->table, NOW + 6 * ABSOLUTE);
    assert_int_equal(rig->table.count, 0);
    assert_true(rig->told > 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identity_is_complete),
        cmocka_unit_test(ids_have_one_form),
        cmocka_unit_test(a_session_ends_by_idleness_and_by_age),
        cmocka_unit_test(who_watches_is_told_why),
        cmocka_unit_test(a_logout_is_told_before_it_returns),
        cmocka_unit_test(what_is_over_makes_room_and_what_is_good_does_not),
        cmocka_unit_test(the_table_agrees_with_a_naive_list),
        cmocka_unit_test(what_was_used_is_taken_once),
        cmocka_unit_test(a_sweep_is_bounded),
        cmocka_unit_test(a_session_costs_little_memory),
        cmocka_unit_test(many_threads_do_not_step_on_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
