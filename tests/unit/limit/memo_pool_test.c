/* SPDX-License-Identifier: Apache-2.0 */
/* memo_pool_test.c: entries are apart and zeroed, those given back are used again, and clearing
 * gives all memory back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "heap_bytes.h"
#include "limit/memo_pool.h"

#define ENTRIES 300

struct note {
    struct memo_entry entry;
    unsigned char text[40];
};

static bool is_filled_with(const struct note *n, unsigned char byte)
{
    for (size_t i = 0; i < sizeof(n->text); i++) {
        if (n->text[i] != byte)
            return false;
    }
    return true;
}

static void entries_are_apart_and_zeroed(void **state)
{
    static struct note *notes[ENTRIES];
    struct memo_pool pool;

    (void)state;
    memo_pool_init(&pool, sizeof(struct note));
    for (int i = 0; i < ENTRIES; i++) {
        notes[i] = (struct note *)memo_pool_take(&pool);
        assert_non_null(notes[i]);
        assert_true(is_filled_with(notes[i], 0));
        memset(notes[i], i & 0xff, sizeof(*notes[i]));
    }
    for (int i = 0; i < ENTRIES; i++)
        assert_true(is_filled_with(notes[i], (unsigned char)i));
    memo_pool_give(&pool, &notes[7]->entry);
    memo_pool_give(&pool, &notes[9]->entry);
    assert_ptr_equal(memo_pool_take(&pool), notes[9]);
    assert_ptr_equal(memo_pool_take(&pool), notes[7]);
    assert_true(is_filled_with(notes[7], 0) && is_filled_with(notes[8], 8));
    memo_pool_clear(&pool);
}

static void clearing_gives_all_memory_back(void **state)
{
    size_t before = heap_bytes();
    struct memo_pool pool;

    (void)state;
    memo_pool_init(&pool, sizeof(struct note));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < ENTRIES; i++)
            assert_non_null(memo_pool_take(&pool));
        assert_true(heap_bytes() >= before + ENTRIES * sizeof(struct note));
        memo_pool_clear(&pool);
        assert_int_equal(heap_bytes(), before);
    }
    memo_pool_clear(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_apart_and_zeroed),
        cmocka_unit_test(clearing_gives_all_memory_back),
    };

    return cmocka_run_group_tests_name("memo_pool", tests, NULL, NULL);
}
