/* SPDX-License-Identifier: Apache-2.0 */
/* ip_net_test.c: what a network is, what is none, and who is in it, up to the edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ip_net.h"

static bool has(const char *net, const char *address)
{
    struct ip_net n;
    struct ip_address a;

    assert_true(ip_net_parse(&n, view_of_text(net)));
    assert_true(ip_address_parse(&a, view_of_text(address)));
    return ip_net_has(&n, &a);
}

static void a_network_ends_where_its_bits_say(void **state)
{
    (void)state;
    assert_true(has("10.0.0.0/8", "10.0.0.0"));
    assert_true(has("10.0.0.0/8", "10.255.255.255"));
    assert_false(has("10.0.0.0/8", "11.0.0.0"));
    assert_false(has("10.0.0.0/8", "9.255.255.255"));
    assert_true(has("192.0.2.8/30", "192.0.2.11"));
    assert_false(has("192.0.2.8/30", "192.0.2.12"));
    assert_true(has("192.0.2.1", "192.0.2.1"));
    assert_false(has("192.0.2.1", "192.0.2.2"));
    assert_true(has("0.0.0.0/0", "203.0.113.9"));
    assert_true(has("2001:db8::/32", "2001:db8:ffff::1"));
    assert_false(has("2001:db8::/32", "2001:db9::"));
    assert_true(has("2001:db8::/33", "2001:db8:7fff::"));
    assert_false(has("2001:db8::/33", "2001:db8:8000::"));
}

static void the_families_do_not_mix_but_for_mapped_addresses(void **state)
{
    struct ip_address unix_peer = {{0}, 0};
    struct ip_net net;

    (void)state;
    assert_false(has("0.0.0.0/0", "::1"));
    assert_false(has("::/0", "10.0.0.1"));
    assert_true(has("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_true(has("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert_false(has("::/0", "::ffff:10.1.2.3"));
    assert_true(ip_net_parse(&net, VIEW("unix")));
    assert_true(ip_net_has(&net, &unix_peer));
    assert_false(has("unix", "127.0.0.1"));
    assert_true(ip_net_parse(&net, VIEW("0.0.0.0/0")));
    assert_false(ip_net_has(&net, &unix_peer));
}

static void what_is_no_network_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "10.0.0.0/",
                                      "10.0.0.0/33",
                                      "10.0.0.0/08",
                                      "10.0.0.1/8",
                                      "10.0.0.0/8 ",
                                      "10.0.0/8",
                                      "10.0.0.0/8/8",
                                      "2001:db8::1/32",
                                      "2001:db8::/129",
                                      "localhost",
                                      "10.0.0.0/-1",
                                      "UNIX",
                                      "/8",
                                      "10.0.0.0/999999999999",
                                      "[::1]",
                                      "fe80::1%lo"};
    struct ip_net net = {.bits = 77};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ip_net_parse(&net, view_of_text(bad[i])));
    assert_int_equal(net.bits, 77);
}

static void a_list_has_what_one_of_it_has(void **state)
{
    struct ip_net two[2];
    struct ip_nets nets = {two, 2}, none = {NULL, 0};
    struct ip_address a;

    (void)state;
    assert_true(ip_net_parse(&two[0], VIEW("10.0.0.0/8")));
    assert_true(ip_net_parse(&two[1], VIEW("192.0.2.0/24")));
    assert_true(ip_address_parse(&a, VIEW("192.0.2.200")));
    assert_true(ip_nets_have(&nets, &a));
    assert_false(ip_nets_have(&none, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_ends_where_its_bits_say),
        cmocka_unit_test(the_families_do_not_mix_but_for_mapped_addresses),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(a_list_has_what_one_of_it_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
