/* SPDX-License-Identifier: Apache-2.0 */
/* map_test.c: every answer of the map, and two long churns against a plain table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/random.h"
#include "base/status.h"

#define KEYS 600

struct entry {
    uint32_t number;
    char name[8];
};

static struct view key_of(const struct entry *e)
{
    return view_of(e, sizeof(*e));
}

static void empty_map_answers(void **state)
{
    struct map m;
    size_t cursor = 0;

    (void)state;
    map_init(&m, 10);
    assert_null(map_find(&m, VIEW("a")));
    assert_null(map_remove(&m, VIEW("a")));
    assert_null(map_next(&m, &cursor));
    map_clear(&m);
}

static void put_find_remove(void **state)
{
    struct map m;
    int one = 1, two = 2;

    (void)state;
    map_init(&m, 2);
    assert_int_equal(map_put(&m, VIEW("a"), &one), OK);
    assert_int_equal(map_put(&m, VIEW("a"), &two), E_EXISTS);
    assert_ptr_equal(map_find(&m, VIEW("a")), &one);
    assert_int_equal(map_put(&m, VIEW(""), &two), OK);
    assert_ptr_equal(map_find(&m, view_of(NULL, 0)), &two);
    assert_int_equal(map_put(&m, VIEW("a"), &two), E_EXISTS);
    assert_int_equal(map_put(&m, VIEW("c"), &two), E_LIMIT);
    assert_int_equal(m.count, 2);
    assert_ptr_equal(map_remove(&m, VIEW("a")), &one);
    assert_null(map_remove(&m, VIEW("a")));
    assert_int_equal(map_put(&m, VIEW("a\0"), &one), OK);
    assert_null(map_find(&m, VIEW("a")));
    map_clear(&m);
    assert_int_equal(m.max_count, 2);
    assert_null(map_find(&m, VIEW("")));
    assert_int_equal(map_put(&m, VIEW("a"), &one), OK);
    map_clear(&m);
}

static void zero_ceiling_holds_nothing(void **state)
{
    struct map m;
    int one = 1;

    (void)state;
    map_init(&m, 0);
    assert_int_equal(map_put(&m, VIEW("a"), &one), E_LIMIT);
    assert_null(m.slots);
}

static void check_against(const struct map *m, struct entry *entries, const bool *is_in)
{
    size_t cursor = 0, walked = 0, expected = 0;

    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(map_find(m, key_of(&entries[i])), is_in[i] ? &entries[i] : NULL);
        expected += is_in[i];
    }
    while (map_next(m, &cursor) != NULL)
        walked++;
    assert_int_equal(walked, expected);
    assert_int_equal(m->count, expected);
}

static void churn_agrees_with_a_table(void **state)
{
    static struct entry entries[KEYS];
    static bool is_in[KEYS];
    uint64_t seed = random_u64();
    struct map m;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    map_init(&m, KEYS);
    for (uint32_t i = 0; i < KEYS; i++)
        entries[i].number = i;
    for (int step = 0; step < 60000; step++) {
        size_t i = random_jitter(&seed, KEYS);

        if (random_jitter(&seed, 2) == 0) {
            assert_int_equal(map_put(&m, key_of(&entries[i]), &entries[i]),
                             is_in[i] ? E_EXISTS : OK);
            is_in[i] = true;
        } else {
            assert_ptr_equal(map_remove(&m, key_of(&entries[i])), is_in[i] ? &entries[i] : NULL);
            is_in[i] = false;
        }
        if (step % 1000 == 0)
            check_against(&m, entries, is_in);
    }
    check_against(&m, entries, is_in);
    map_clear(&m);
}

/* One entry in, one out, for ever: the table must not grow, or removal leaves something behind. */
static void churn_does_not_grow_the_table(void **state)
{
    static struct entry entries[KEYS];
    struct map m;
    size_t capacity;

    (void)state;
    map_init(&m, KEYS);
    for (uint32_t i = 0; i < KEYS; i++)
        entries[i].number = i;
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(map_put(&m, key_of(&entries[i]), &entries[i]), OK);
    capacity = m.capacity;
    for (uint32_t i = 5; i < 100000; i++) {
        struct entry *out = &entries[(i - 5) % KEYS], *in = &entries[i % KEYS];

        assert_ptr_equal(map_remove(&m, key_of(out)), out);
        assert_int_equal(map_put(&m, key_of(in), in), OK);
    }
    assert_int_equal(m.capacity, capacity);
    assert_int_equal(m.count, 5);
    map_clear(&m);
}

static void keys_differ_between_maps(void **state)
{
    struct map a, b;
    int one = 1;

    (void)state;
    map_init(&a, 1);
    map_init(&b, 1);
    assert_int_equal(map_put(&a, VIEW("x"), &one), OK);
    assert_int_equal(map_put(&b, VIEW("x"), &one), OK);
    assert_true(a.key[0] != b.key[0] || a.key[1] != b.key[1]);
    map_clear(&a);
    map_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_map_answers),
        cmocka_unit_test(put_find_remove),
        cmocka_unit_test(zero_ceiling_holds_nothing),
        cmocka_unit_test(churn_agrees_with_a_table),
        cmocka_unit_test(churn_does_not_grow_the_table),
        cmocka_unit_test(keys_differ_between_maps),
    };

    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
