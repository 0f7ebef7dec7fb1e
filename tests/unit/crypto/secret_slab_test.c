/* SPDX-License-Identifier: Apache-2.0 */
/* secret_slab_test.c: objects come zeroed and leave nothing behind; pages come and go. */
#include "crypto/secret_slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

#define ITEM  248
#define COUNT 5000

static uint8_t *items[COUNT];

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void objects_do_not_overlap_and_come_as_zeroes(void **state)
{
    struct secret_slab *s = NULL;

    (void)state;
    assert_int_equal(secret_slab_new(&s, ITEM), OK);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            items[i] = secret_slab_take(s);
            assert_non_null(items[i]);
            assert_int_equal((uintptr_t)items[i] % 16, 0);
            assert_true(is_zero(items[i], ITEM));
            memset(items[i], (int)(1 + i % 255), ITEM);
        }
        assert_true(secret_slab_bytes(s) < (size_t)COUNT * (ITEM + 16) + 2 * 65536);
        for (size_t i = 0; i < COUNT; i++) {
            for (size_t k = 0; k < ITEM; k++)
                assert_int_equal(items[i][k], 1 + i % 255);
        }
        /* In another order than they came. */
        for (size_t i = 0; i < COUNT; i++)
            secret_slab_give(s, items[i * 7 % COUNT]);
        assert_int_equal(secret_slab_bytes(s), 65536); /* one is kept for the next to come */
    }
    secret_slab_free(s);
}

static void what_is_given_back_is_wiped(void **state)
{
    struct secret_slab *s = NULL;
    uint8_t *keeper, *item;

    (void)state;
    assert_int_equal(secret_slab_new(&s, ITEM), OK);
    keeper = secret_slab_take(s);
    item = secret_slab_take(s);
    assert_non_null(keeper);
    assert_non_null(item);
    memset(item, 0xa5, ITEM);
    secret_slab_give(s, item);
    /* Its page is still there; the first word is the slab's own. */
    assert_true(is_zero(item + sizeof(void *), ITEM - sizeof(void *)));
    secret_slab_give(s, keeper);
    secret_slab_give(s, NULL);
    secret_slab_free(s);
}

/* VmFlags of the mapping that holds `at`, as the kernel sees it. */
static void find_flags(const void *at, char *flags, size_t flags_bytes)
{
    FILE *f = fopen("/proc/self/smaps", "re");
    char line[512];
    bool is_here = false;

    flags[0] = '\0';
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            is_here = (uintptr_t)at >= from && (uintptr_t)at < to;
        else if (is_here && strncmp(line, "VmFlags:", 8) == 0)
            (void)snprintf(flags, flags_bytes, "%s", line);
    }
    (void)fclose(f);
}

static void no_core_dump_has_its_pages(void **state)
{
    struct secret_slab *s = NULL;
    char flags[512];
    void *item;

    (void)state;
    assert_int_equal(secret_slab_new(&s, ITEM), OK);
    item = secret_slab_take(s);
    assert_non_null(item);
    find_flags(item, flags, sizeof(flags));
    assert_non_null(strstr(flags, " dd"));
    secret_slab_give(s, item);
    secret_slab_free(s);
    secret_slab_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_do_not_overlap_and_come_as_zeroes),
        cmocka_unit_test(what_is_given_back_is_wiped),
        cmocka_unit_test(no_core_dump_has_its_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
