/* SPDX-License-Identifier: Apache-2.0 */
/* code_point_test.c: the strict UTF-8 step, compared with an encoder over all code points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/code_point.h"
#include "three_ways.h"

static size_t encode(uint8_t *out, uint32_t v)
{
    if (v < 0x80) {
        out[0] = (uint8_t)v;
        return 1;
    }
    if (v < 0x800) {
        out[0] = (uint8_t)(0xc0 | v >> 6);
        out[1] = (uint8_t)(0x80 | (v & 63));
        return 2;
    }
    if (v < 0x10000) {
        out[0] = (uint8_t)(0xe0 | v >> 12);
        out[1] = (uint8_t)(0x80 | (v >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (v & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | v >> 18);
    out[1] = (uint8_t)(0x80 | (v >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (v >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (v & 63));
    return 4;
}

static void every_code_point_comes_back(void **state)
{
    (void)state;
    for (uint32_t v = 0; v < 0x120000; v++) {
        bool is_good = v <= 0x10ffff && !(v >= 0xd800 && v <= 0xdfff);
        uint32_t got = 0xffffffff;
        uint8_t bytes[4];
        size_t len = encode(bytes, v);
        size_t used = code_point_decode(bytes, len, &got);

        assert_int_equal(used, is_good ? len : 0);
        assert_true(!is_good || got == v);
    }
}

static void broken_forms_are_refused(void **state)
{
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x7f",
                                      "\xc2\xc0",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xe2\x82",
                                      "\xe2\x28\xa1",
                                      "\xed\xa0\x80",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf0\x9f\x98",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct guarded g = guarded_copy(bad[i], strlen(bad[i]));
        uint32_t value = 0;

        assert_int_equal(code_point_decode(g.data, strlen(bad[i]), &value), 0);
        guarded_free(&g);
    }
}

static void controls(void **state)
{
    static const uint32_t yes[] = {0,      0x1f,   0x7f,   0x80,   0x9f,   0x61c,  0x200e,
                                   0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069};
    static const uint32_t no[] = {0x20,   0x7e,   0xa0,   0x200d, 0x2027,
                                  0x202f, 0x2065, 0x206a, 0x1f600};

    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
        assert_true(code_point_is_control(yes[i]));
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
        assert_false(code_point_is_control(no[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_comes_back),
        cmocka_unit_test(broken_forms_are_refused),
        cmocka_unit_test(controls),
    };

    return cmocka_run_group_tests_name("code_point", tests, NULL, NULL);
}
