/* SPDX-License-Identifier: Apache-2.0 */
/* memo_test.c: holding, forgetting at the right moment and not before, the ceiling, and threads at
 * the ceiling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/random.h"
#include "base/status.h"
#include "limit/memo.h"

struct note {
    struct memo_entry entry;
    _Atomic uint64_t matters_until;
};

static uint64_t note_idle_ns(const struct memo_entry *entry)
{
    return ((const struct note *)entry)->matters_until;
}

static const struct memo_kind kind = {sizeof(struct note), note_idle_ns};

static struct view key_of(unsigned number)
{
    static _Thread_local char text[16];

    return view_of(text, (size_t)snprintf(text, sizeof(text), "%u", number));
}

static struct note *hold(struct memo *m, unsigned number, uint64_t now, int expected)
{
    struct memo_entry *entry = NULL;

    assert_int_equal(memo_hold(m, key_of(number), UINT32_MAX, now, &entry), expected);
    return (struct note *)entry;
}

static struct memo *memo_of(size_t max)
{
    struct memo *m = NULL;

    assert_int_equal(memo_new(&m, max, &kind), OK);
    return m;
}

static void one_key_has_one_entry(void **state)
{
    struct memo *m = memo_of(10);
    struct note *a = hold(m, 1, 0, OK), *b = hold(m, 1, 0, OK), *c = hold(m, 2, 0, OK);

    (void)state;
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_int_equal(a->entry.holders, 2);
    assert_int_equal(a->matters_until, 0);
    assert_int_equal(memo_count(m), 2);
    memo_drop(m, &a->entry, 0);
    memo_drop_key(m, VIEW("1"), 0);
    memo_drop(m, &c->entry, 0);
    assert_int_equal(memo_count(m), 0);
    memo_free(m);
}

static void what_matters_is_kept(void **state)
{
    struct memo *m = memo_of(10);
    struct note *a = hold(m, 1, 0, OK);

    (void)state;
    a->matters_until = 100;
    memo_drop(m, &a->entry, 99);
    assert_int_equal(memo_count(m), 1);
    a = hold(m, 1, 99, OK);
    assert_int_equal(a->matters_until, 100);
    memo_drop(m, &a->entry, 100);
    assert_int_equal(memo_count(m), 0);
    a = hold(m, 1, 100, OK);
    assert_int_equal(a->matters_until, 0);
    memo_drop(m, &a->entry, 100);
    memo_free(m);
}

static void a_held_entry_is_never_forgotten(void **state)
{
    struct memo *m = memo_of(1);
    struct note *a = hold(m, 1, 0, OK);

    (void)state;
    (void)hold(m, 2, UINT64_MAX, E_FULL);
    a->matters_until = 7;
    assert_int_equal(hold(m, 1, UINT64_MAX, OK)->matters_until, 7);
    memo_drop(m, &a->entry, 0);
    memo_drop(m, &a->entry, 0);
    memo_free(m);
}

static void full_table_forgets_only_what_no_longer_matters(void **state)
{
    const unsigned max = 500;
    struct memo *m = memo_of(max);
    uint64_t seed = 5;

    (void)state;
    for (unsigned i = 0; i < max; i++) {
        struct note *n = hold(m, i, 0, OK);

        n->matters_until = 100 + i;
        memo_drop(m, &n->entry, 0);
    }
    (void)hold(m, 10000, 99, E_FULL);
    assert_int_equal(memo_count(m), max);
    /* At time 100 + i exactly the entries 0..i are gone or may go; one more fits each time. */
    for (unsigned i = 0; i < max; i++) {
        struct note *n = hold(m, 10000 + i, 100 + i, OK);

        n->matters_until = UINT64_MAX;
        memo_drop(m, &n->entry, 0);
    }
    (void)hold(m, 1 + random_jitter(&seed, max), UINT64_MAX - 1, E_FULL);
    for (unsigned i = 0; i < max; i++) {
        struct note *n = hold(m, 10000 + i, 5, OK);

        assert_true(n->matters_until == UINT64_MAX);
        memo_drop(m, &n->entry, 5);
    }
    memo_free(m);
}

static void ceilings_are_exact(void **state)
{
    char text[MEMO_KEY_BYTES_MAX + 1] = {0};
    struct memo *m = memo_of(1), *none = memo_of(0);
    struct memo_entry *entry;

    (void)state;
    assert_int_equal(memo_hold(m, VIEW("k"), 0, 0, &entry), E_LIMIT);
    assert_int_equal(memo_hold(m, VIEW("k"), 2, 0, &entry), OK);
    assert_int_equal(memo_hold(m, VIEW("k"), 2, 0, &entry), OK);
    assert_int_equal(memo_hold(m, VIEW("k"), 2, 0, &entry), E_LIMIT);
    memo_drop(m, entry, 0);
    assert_int_equal(memo_hold(m, VIEW("k"), 2, 0, &entry), OK);
    memo_drop(m, entry, 0);
    memo_drop(m, entry, 0);
    assert_int_equal(memo_hold(m, view_of(text, sizeof(text)), 1, 0, &entry), E_LIMIT);
    assert_int_equal(memo_hold(m, view_of(text, sizeof(text) - 1), 1, 0, &entry), OK);
    memo_drop(m, entry, 0);
    assert_int_equal(memo_hold(m, view_of(NULL, 0), 1, 0, &entry), OK);
    memo_drop(m, entry, 0);
    assert_int_equal(memo_hold(none, VIEW("k"), 1, 0, &entry), E_FULL);
    memo_free(m);
    memo_free(none);
    memo_free(NULL);
}

/* The sanitizers' allocators end the process by default instead of answering NULL. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void a_failed_allocation_gives_its_place_back(void **state)
{
    static const struct memo_kind huge = {SIZE_MAX / 4, note_idle_ns};
    struct memo_entry *entry;
    struct memo *m = NULL;

    (void)state;
    assert_int_equal(memo_new(&m, 1, &huge), OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(memo_hold(m, VIEW("k"), 1, 0, &entry), E_NOMEM);
    assert_int_equal(memo_count(m), 0);
    memo_free(m);
}

struct crowd {
    struct memo *memo;
    atomic_uint full;
    unsigned number;
};

#define CROWD_KEYS 4

static void *churn(void *shared)
{
    struct crowd *crowd = shared;
    uint64_t seed = random_u64();

    for (uint64_t now = 1; now < 40000; now++) {
        struct memo_entry *entry;
        int rc = memo_hold(crowd->memo, key_of(random_jitter(&seed, CROWD_KEYS)), UINT32_MAX, now,
                           &entry);

        if (rc == OK) {
            atomic_store(&((struct note *)entry)->matters_until, now + 1);
            memo_drop(crowd->memo, entry, now);
        } else {
            atomic_fetch_add(&crowd->full, rc == E_FULL ? 1 : 1000000);
        }
    }
    return NULL;
}

/* More keys than places, and entries that matter for a moment after they were dropped, so that the
 * threads evict from one another's shards. A place counted twice or never given back would show. */
static void crowd_once(void)
{
    struct crowd crowd = {memo_of(2), 0, 0};
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &crowd), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(atomic_load(&crowd.full) < 1000000);
    for (unsigned i = 0; i < 1000; i++)
        memo_drop(crowd.memo, &hold(crowd.memo, 1000 + i, 100000, OK)->entry, 100000);
    assert_int_equal(memo_count(crowd.memo), 0);
    memo_free(crowd.memo);
}

/* Two threads must want the same new key while both evict: several rounds, so that it happens. */
static void threads_share_a_small_table(void **state)
{
    (void)state;
    for (int round = 0; round < 8; round++)
        crowd_once();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_key_has_one_entry),
        cmocka_unit_test(what_matters_is_kept),
        cmocka_unit_test(a_held_entry_is_never_forgotten),
        cmocka_unit_test(full_table_forgets_only_what_no_longer_matters),
        cmocka_unit_test(ceilings_are_exact),
        cmocka_unit_test(a_failed_allocation_gives_its_place_back),
        cmocka_unit_test(threads_share_a_small_table),
    };

    return cmocka_run_group_tests_name("memo", tests, NULL, NULL);
}
