/* SPDX-License-Identifier: Apache-2.0 */
/* client_certificate_test.c: which names of a certificate count, and which make it worthless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"
#include "certificate_maker.h"
#include "crypto/client_certificate.h"
#include "crypto/digest.h"

static bool has(const struct client_certificate *c, enum certificate_name_kind kind,
                const char *text)
{
    for (uint32_t i = 0; i < c->names_count; i++)
        if (c->names[i].kind == kind && strcmp(c->names[i].text, text) == 0)
            return true;
    return false;
}

static void all_that_counts_is_read(void **state)
{
    struct client_certificate c;
    uint8_t digest[32];
    struct maker m;
    struct view der;

    (void)state;
    maker_open(&m);
    maker_subject(&m, "O", VIEW("house"), 0);
    maker_subject(&m, "CN", VIEW("app-1"), 0);
    maker_name(&m, GEN_DNS, VIEW("a.example.com"));
    maker_name(&m, GEN_URI, VIEW("spiffe://example.com/a"));
    maker_name(&m, GEN_EMAIL, VIEW("a@example.com"));
    der = maker_der(&m);
    assert_int_equal(client_certificate_read(&c, der), OK);
    assert_int_equal(c.names_count, 4);
    assert_true(has(&c, CERTIFICATE_COMMON_NAME, "app-1"));
    assert_true(has(&c, CERTIFICATE_DNS, "a.example.com"));
    assert_true(has(&c, CERTIFICATE_URI, "spiffe://example.com/a"));
    assert_true(has(&c, CERTIFICATE_EMAIL, "a@example.com"));
    assert_int_equal(c.ends_s, MAKER_ENDS_S);
    assert_int_equal(digest_sha256(digest, der.ptr, der.len), OK);
    assert_memory_equal(c.fingerprint, digest, 32);
    maker_close(&m);
}

/* `fields`: one letter a part of the subject, lower case where it joins the one before. */
static void expect_no_common_name(const char *fields)
{
    struct client_certificate c;
    struct maker m;

    maker_open(&m);
    for (const char *f = fields; *f != '\0'; f++)
        maker_subject(&m, *f == 'C' || *f == 'c' ? "CN" : "O", VIEW("app-1"),
                      *f >= 'a' && *f <= 'z' ? -1 : 0);
    assert_int_equal(client_certificate_read(&c, maker_der(&m)), OK);
    assert_int_equal(c.names_count, 0);
    maker_close(&m);
}

static void a_subject_that_can_be_read_in_two_ways_has_no_common_name(void **state)
{
    (void)state;
    expect_no_common_name("");
    expect_no_common_name("O");
    expect_no_common_name("CC");
    expect_no_common_name("COC");
    expect_no_common_name("Cc");
    expect_no_common_name("Co");
    expect_no_common_name("Oc");
    expect_no_common_name("OoC");
    expect_no_common_name("COo");
}

static void expect_with_name(int rc, int type, struct view name)
{
    struct client_certificate c;
    struct maker m;

    maker_open(&m);
    maker_subject(&m, "CN", VIEW("app-1"), 0);
    maker_name(&m, type, name);
    assert_int_equal(client_certificate_read(&c, maker_der(&m)), rc);
    maker_close(&m);
}

static void names_have_a_length_and_no_nul(void **state)
{
    static char longest[CERTIFICATE_NAME_BYTES_MAX + 1];

    (void)state;
    memset(longest, 'a', sizeof(longest));
    expect_with_name(OK, GEN_DNS, view_of(longest, CERTIFICATE_NAME_BYTES_MAX));
    expect_with_name(E_INVALID, GEN_DNS, view_of(longest, CERTIFICATE_NAME_BYTES_MAX + 1));
    expect_with_name(E_INVALID, GEN_DNS, VIEW("good.example\0.evil.example"));
    expect_with_name(E_INVALID, GEN_DNS, VIEW("good.example\0"));
    expect_with_name(E_INVALID, GEN_DNS, VIEW("\0"));
    expect_with_name(E_INVALID, GEN_URI, VIEW("spiffe://a/b\0c"));
    expect_with_name(E_INVALID, GEN_EMAIL, VIEW("a@b\0c"));
    expect_with_name(E_INVALID, GEN_DNS, VIEW(""));
}

static void a_nul_in_the_common_name_makes_it_worthless(void **state)
{
    struct client_certificate c;
    struct maker m;

    (void)state;
    maker_open(&m);
    maker_subject(&m, "CN", VIEW("app-1\0.evil"), 0);
    assert_int_equal(client_certificate_read(&c, maker_der(&m)), E_INVALID);
    maker_close(&m);
}

static void names_have_a_number(void **state)
{
    struct client_certificate c;
    struct maker m;

    (void)state;
    maker_open(&m);
    for (int i = 0; i < CERTIFICATE_NAMES_MAX; i++)
        maker_name(&m, GEN_DNS, VIEW("a.example.com"));
    assert_int_equal(client_certificate_read(&c, maker_der(&m)), OK);
    maker_name(&m, GEN_DNS, VIEW("b.example.com"));
    assert_int_equal(client_certificate_read(&c, maker_der(&m)), E_LIMIT);
    maker_close(&m);
}

static void only_a_whole_certificate_is_one(void **state)
{
    struct client_certificate c;
    struct maker m;
    struct view der;
    char *longer;

    (void)state;
    maker_open(&m);
    maker_subject(&m, "CN", VIEW("app-1"), 0);
    der = maker_der(&m);
    for (size_t len = 0; len < der.len; len++)
        assert_int_equal(client_certificate_read(&c, view_of(der.ptr, len)), E_INVALID);
    longer = test_malloc(der.len + 1);
    memcpy(longer, der.ptr, der.len);
    longer[der.len] = '\0';
    assert_int_equal(client_certificate_read(&c, view_of(longer, der.len)), OK);
    assert_int_equal(client_certificate_read(&c, view_of(longer, der.len + 1)), E_INVALID);
    test_free(longer);
    maker_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_counts_is_read),
        cmocka_unit_test(a_subject_that_can_be_read_in_two_ways_has_no_common_name),
        cmocka_unit_test(names_have_a_length_and_no_nul),
        cmocka_unit_test(a_nul_in_the_common_name_makes_it_worthless),
        cmocka_unit_test(names_have_a_number),
        cmocka_unit_test(only_a_whole_certificate_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
