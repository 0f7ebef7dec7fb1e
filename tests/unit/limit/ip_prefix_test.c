/* SPDX-License-Identifier: Apache-2.0 */
/* ip_prefix_test.c: which addresses share a limit and which do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "limit/ip_prefix.h"

static struct ip_prefix prefix(const char *text)
{
    struct ip_address address;

    assert_true(ip_address_parse(&address, view_of_text(text)));
    return ip_prefix_of(&address);
}

static bool is_same(const char *a, const char *b)
{
    return ip_prefix_eq(prefix(a), prefix(b));
}

static void ipv4_counts_whole(void **state)
{
    (void)state;
    assert_true(is_same("192.0.2.1", "192.0.2.1"));
    assert_false(is_same("192.0.2.1", "192.0.2.2"));
    assert_false(is_same("192.0.2.1", "193.0.2.1"));
    assert_true(prefix("1.2.3.4").key == 0x01020304);
}

static void ipv6_counts_by_64(void **state)
{
    (void)state;
    assert_true(is_same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert_false(is_same("2001:db8:1:2::1", "2001:db8:1:3::1"));
    assert_false(is_same("2001:db8:1:2::1", "2002:db8:1:2::1"));
    assert_true(prefix("2001:db8:1:2::1").key == 0x20010db800010002);
}

static void mapped_is_ipv4(void **state)
{
    (void)state;
    assert_true(is_same("::ffff:192.0.2.1", "192.0.2.1"));
    assert_false(is_same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
}

static void families_never_meet(void **state)
{
    struct ip_address local = {{0}, 0};

    (void)state;
    assert_false(is_same("0.0.0.0", "::"));
    assert_false(is_same("1.2.3.4", "::102:304"));
    assert_false(ip_prefix_eq(ip_prefix_of(&local), prefix("0.0.0.0")));
    assert_false(ip_prefix_eq(ip_prefix_of(&local), prefix("::")));
    assert_true(ip_prefix_eq(ip_prefix_of(&local), ip_prefix_of(&local)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_counts_whole),
        cmocka_unit_test(ipv6_counts_by_64),
        cmocka_unit_test(mapped_is_ipv4),
        cmocka_unit_test(families_never_meet),
    };

    return cmocka_run_group_tests_name("ip_prefix", tests, NULL, NULL);
}
