/* SPDX-License-Identifier: Apache-2.0 */
/* arena_test.c: alignment, the ceiling, and a steady state that gives the same memory again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void memory_is_aligned_and_apart(void **state)
{
    struct arena a;
    char *last = NULL;

    (void)state;
    arena_init(&a, 1024, 1 << 20);
    for (size_t bytes = 0; bytes < 300; bytes++) {
        char *p = arena_alloc(&a, bytes);

        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_ptr_not_equal(p, last);
        memset(p, 0xaa, bytes);
        last = p;
    }
    arena_clear(&a);
    assert_null(a.first);
}

static void ceiling_is_exact_and_lifted_by_reset(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 64, 160);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++)
            assert_non_null(arena_alloc(&a, 16));
        assert_int_equal(a.used_bytes, 160);
        assert_null(arena_alloc(&a, 1));
        assert_null(arena_alloc(&a, 0));
        arena_reset(&a);
    }
    assert_null(arena_alloc(&a, 161));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 15));
    assert_non_null(arena_alloc(&a, 160));
    arena_clear(&a);
}

static void steady_state_reuses_the_first_chunk(void **state)
{
    struct arena a;
    struct arena_chunk *chunk;
    void *first;

    (void)state;
    arena_init(&a, 4096, 1 << 16);
    first = arena_alloc(&a, 100);
    chunk = a.first;
    for (int i = 0; i < 1000; i++) {
        arena_reset(&a);
        assert_ptr_equal(arena_alloc(&a, 100), first);
        assert_non_null(arena_alloc(&a, 3900));
        assert_ptr_equal(a.current, chunk);
    }
    arena_clear(&a);
}

static void a_big_item_does_not_waste_the_chunk(void **state)
{
    struct arena a;
    char *before, *after;

    (void)state;
    arena_init(&a, 1024, 1 << 16);
    before = arena_alloc(&a, 16);
    memset(arena_alloc(&a, 5000), 1, 5000);
    after = arena_alloc(&a, 16);
    assert_ptr_equal(after, before + 16);
    arena_reset(&a);
    assert_ptr_equal(arena_alloc(&a, 16), before);
    arena_clear(&a);
}

static void a_big_item_first_leaves_a_usual_first_chunk(void **state)
{
    struct arena a;
    char *big, *small, *next;

    (void)state;
    arena_init(&a, 256, 1 << 16);
    big = arena_alloc(&a, 10000);
    memset(big, 1, 10000);
    small = arena_alloc(&a, 16);
    next = arena_alloc(&a, 16);
    assert_ptr_equal(next, small + 16);
    arena_reset(&a);
    assert_ptr_equal(arena_alloc(&a, 16), small);
    arena_clear(&a);
}

static void text_is_copied_with_its_end(void **state)
{
    struct arena a;
    char *text;

    (void)state;
    arena_init(&a, 64, 64);
    text = arena_text(&a, view_of("hello!", 5));
    assert_string_equal(text, "hello");
    assert_string_equal(arena_text(&a, view_of(NULL, 0)), "");
    assert_null(arena_text(&a, view_of("x", SIZE_MAX)));
    arena_clear(&a);
}

static void a_wipe_reaches_every_chunk(void **state)
{
    static const char zeros[100] = {0};
    char *parts[5];
    struct arena a;

    (void)state;
    arena_init(&a, 64, 4096);
    arena_wipe(&a);
    for (int i = 0; i < 5; i++) {
        parts[i] = arena_alloc(&a, 20 * (size_t)i + 20);
        assert_non_null(parts[i]);
        memset(parts[i], 's', 20 * (size_t)i + 20);
    }
    arena_wipe(&a);
    for (int i = 0; i < 5; i++)
        assert_memory_equal(parts[i], zeros, 20 * (size_t)i + 20);
    arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_apart),
        cmocka_unit_test(ceiling_is_exact_and_lifted_by_reset),
        cmocka_unit_test(steady_state_reuses_the_first_chunk),
        cmocka_unit_test(a_big_item_does_not_waste_the_chunk),
        cmocka_unit_test(a_big_item_first_leaves_a_usual_first_chunk),
        cmocka_unit_test(text_is_copied_with_its_end),
        cmocka_unit_test(a_wipe_reaches_every_chunk),
    };

    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
