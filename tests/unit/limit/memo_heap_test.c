/* SPDX-License-Identifier: Apache-2.0 */
/* memo_heap_test.c: the earliest is always first, also when entries leave from the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/status.h"
#include "limit/memo_heap.h"

#define ENTRIES 200

struct timed {
    struct memo_entry entry;
    uint64_t idle_ns;
};

static uint64_t idle_ns(const struct memo_entry *entry)
{
    return ((const struct timed *)entry)->idle_ns;
}

static struct timed *earliest(struct timed *entries, const bool *is_in)
{
    struct timed *found = NULL;

    for (size_t i = 0; i < ENTRIES; i++) {
        if (is_in[i] && (found == NULL || entries[i].idle_ns < found->idle_ns))
            found = &entries[i];
    }
    return found;
}

/* Parents are never later than their children, and everyone knows where it stands. */
static void check_order(const struct memo_heap *h)
{
    for (size_t i = 0; i < h->count; i++) {
        assert_int_equal(h->entries[i]->heap_at, i);
        assert_true(i == 0 || idle_ns(h->entries[(i - 1) / 2]) <= idle_ns(h->entries[i]));
    }
}

static void agrees_with_a_search(void **state)
{
    static struct timed entries[ENTRIES];
    static bool is_in[ENTRIES];
    struct memo_heap h = {NULL, 0, 0, idle_ns};
    uint64_t seed = random_u64();

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    assert_null(memo_heap_first(&h));
    assert_int_equal(memo_heap_reserve(&h, ENTRIES), OK);
    for (int step = 0; step < 20000; step++) {
        size_t i = random_jitter(&seed, ENTRIES);
        struct timed *first;

        if (is_in[i]) {
            memo_heap_remove(&h, &entries[i].entry);
        } else {
            entries[i].idle_ns = random_jitter(&seed, 100);
            memo_heap_add(&h, &entries[i].entry);
        }
        is_in[i] = !is_in[i];
        check_order(&h);
        first = earliest(entries, is_in);
        assert_int_equal(memo_heap_first(&h) == NULL, first == NULL);
        assert_true(first == NULL || idle_ns(memo_heap_first(&h)) == first->idle_ns);
    }
    free(h.entries);
}

static void reserve_keeps_what_is_there(void **state)
{
    struct timed a = {.idle_ns = 2}, b = {.idle_ns = 1};
    struct memo_heap h = {NULL, 0, 0, idle_ns};

    (void)state;
    assert_int_equal(memo_heap_reserve(&h, 1), OK);
    memo_heap_add(&h, &a.entry);
    assert_int_equal(memo_heap_reserve(&h, SIZE_MAX), E_NOMEM);
    assert_int_equal(memo_heap_reserve(&h, 2), OK);
    memo_heap_add(&h, &b.entry);
    assert_ptr_equal(memo_heap_first(&h), &b.entry);
    memo_heap_remove(&h, &b.entry);
    assert_ptr_equal(memo_heap_first(&h), &a.entry);
    free(h.entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_search),
        cmocka_unit_test(reserve_keeps_what_is_there),
    };

    return cmocka_run_group_tests_name("memo_heap", tests, NULL, NULL);
}
