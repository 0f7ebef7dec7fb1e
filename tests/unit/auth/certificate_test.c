/* SPDX-License-Identifier: Apache-2.0 */
/* certificate_test.c: which row a certificate meets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "auth/certificate.h"
#include "certificate_maker.h"

static const struct certificate_row rows[] = {
    {.kind = CERTIFICATE_DNS, .name = "a.example.com", .user = "dns", .roles = 1},
    {.kind = CERTIFICATE_COMMON_NAME, .name = "app-1", .user = "app", .roles = 2},
    {.kind = CERTIFICATE_URI, .name = "spiffe://example.com/a", .user = "uri", .roles = 4},
    {.kind = CERTIFICATE_EMAIL, .name = "a@example.com", .user = "email", .roles = 8},
};

/* The user that a certificate with this one name becomes; "" for nobody. */
static const char *user_of(int type, const char *name)
{
    static struct identity who;
    struct maker m;
    enum certificate_fault fault;

    memset(&who, 0, sizeof(who));
    maker_open(&m);
    if (type < 0)
        maker_subject(&m, "CN", view_of_text(name), 0);
    else
        maker_name(&m, type, view_of_text(name));
    fault = certificate_identify(&who, rows, 4, maker_der(&m), 1800000000);
    assert_int_equal(fault, who.user[0] != '\0' ? CERTIFICATE_OK : CERTIFICATE_UNKNOWN);
    maker_close(&m);
    return who.user;
}

static void each_kind_meets_its_own_row_only(void **state)
{
    (void)state;
    assert_string_equal(user_of(-1, "app-1"), "app");
    assert_string_equal(user_of(GEN_DNS, "a.example.com"), "dns");
    assert_string_equal(user_of(GEN_DNS, "A.EXAMPLE.com"), "dns");
    assert_string_equal(user_of(GEN_URI, "spiffe://example.com/a"), "uri");
    assert_string_equal(user_of(GEN_EMAIL, "a@example.com"), "email");
    assert_string_equal(user_of(-1, "App-1"), "");
    assert_string_equal(user_of(-1, "a.example.com"), "");
    assert_string_equal(user_of(-1, "app-10"), "");
    assert_string_equal(user_of(GEN_DNS, "app-1"), "");
    assert_string_equal(user_of(GEN_DNS, "*.example.com"), "");
    assert_string_equal(user_of(GEN_URI, "spiffe://EXAMPLE.com/a"), "");
    assert_string_equal(user_of(GEN_EMAIL, "A@example.com"), "");
}

static void the_first_row_decides_and_the_end_is_the_certificates(void **state)
{
    struct identity who = {.user = "before"};
    struct maker m;
    struct view der;

    (void)state;
    maker_open(&m);
    maker_subject(&m, "CN", VIEW("app-1"), 0);
    maker_name(&m, GEN_DNS, VIEW("a.example.com"));
    der = maker_der(&m);
    assert_int_equal(certificate_identify(&who, rows, 4, der, 1800000000), CERTIFICATE_OK);
    assert_string_equal(who.user, "dns");
    assert_int_equal(who.user_bytes, 3);
    assert_int_equal(who.method, IDENTITY_CERTIFICATE);
    assert_int_equal(who.roles, 1);
    assert_int_equal(who.authenticated_at_s, 1800000000);
    assert_int_equal(who.expires_at_s, MAKER_ENDS_S);
    assert_int_equal(certificate_identify(&who, rows + 1, 3, der, 1800000000), CERTIFICATE_OK);
    assert_string_equal(who.user, "app");
    assert_int_equal(certificate_identify(&who, rows, 0, der, 1800000000), CERTIFICATE_UNKNOWN);
    assert_int_equal(certificate_identify(&who, rows, 4, der, MAKER_ENDS_S - 1), CERTIFICATE_OK);
    assert_int_equal(certificate_identify(&who, rows, 4, der, MAKER_ENDS_S), CERTIFICATE_EXPIRED);
    assert_int_equal(certificate_identify(&who, rows, 4, VIEW("no"), 1), CERTIFICATE_INVALID);
    assert_string_equal(who.user, "dns");
    maker_close(&m);
}

static void a_fingerprint_is_compared_whole(void **state)
{
    struct certificate_row row = {.by_fingerprint = true, .user = "printed"};
    struct client_certificate cert;
    struct identity who;
    struct maker m;
    struct view der;

    (void)state;
    maker_open(&m);
    der = maker_der(&m);
    assert_int_equal(client_certificate_read(&cert, der), 0);
    memcpy(row.fingerprint, cert.fingerprint, sizeof(row.fingerprint));
    assert_int_equal(certificate_identify(&who, &row, 1, der, 1), CERTIFICATE_OK);
    row.fingerprint[31] ^= 1;
    assert_int_equal(certificate_identify(&who, &row, 1, der, 1), CERTIFICATE_UNKNOWN);
    maker_close(&m);
}

static void auth_answers_with_the_words_of_the_log(void **state)
{
    struct auth auth = {.certificates = (struct certificate_row *)(uintptr_t)rows,
                        .certificates_count = 4};
    struct credential credential = {.kind = CREDENTIAL_CERTIFICATE};
    struct identity who;
    const char *fault;
    struct maker m;

    (void)state;
    maker_open(&m);
    maker_subject(&m, "CN", VIEW("app-1"), 0);
    credential.token = maker_der(&m);
    assert_int_equal(auth_check(&auth, &credential, 1, NULL, &who, &fault), AUTH_OK);
    assert_int_equal(auth_check(&auth, &credential, MAKER_ENDS_S, NULL, &who, &fault),
                     AUTH_EXPIRED);
    assert_string_equal(fault, "certificate_expired");
    auth.certificates_count = 1;
    assert_int_equal(auth_check(&auth, &credential, 1, NULL, &who, &fault), AUTH_FAILED);
    assert_string_equal(fault, "certificate_unknown");
    credential.token.len--;
    assert_int_equal(auth_check(&auth, &credential, 1, NULL, &who, &fault), AUTH_FAILED);
    assert_string_equal(fault, "certificate_invalid");
    maker_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_meets_its_own_row_only),
        cmocka_unit_test(the_first_row_decides_and_the_end_is_the_certificates),
        cmocka_unit_test(a_fingerprint_is_compared_whole),
        cmocka_unit_test(auth_answers_with_the_words_of_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
