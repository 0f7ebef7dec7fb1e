/* SPDX-License-Identifier: Apache-2.0 */
/* jwk_test.c: one key in JSON: what it may serve, what is passed over, what is refused; every
 * member missing, null, of a wrong type, too short and too long (C-D14). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth/jwk.h"
#include "base/arena.h"
#include "base/status.h"
#include "message/json.h"
#include "signer.h"

#define ALL JWK_ALGORITHMS_ALL
#define RS  JWK_ALGORITHM(SIGNATURE_RS256)

static struct signer rsa, ec, ed;
static char rsa_jwk[SIGNER_TEXT_MAX], ec_jwk[SIGNER_TEXT_MAX], ed_jwk[SIGNER_TEXT_MAX];

static int open_keys(void **state)
{
    (void)state;
    signer_open(&rsa, SIGNATURE_RS256, 2048);
    signer_open(&ec, SIGNATURE_ES384, 0);
    signer_open(&ed, SIGNATURE_EDDSA, 0);
    (void)signer_jwk(rsa_jwk, &rsa, "");
    (void)signer_jwk(ec_jwk, &ec, "");
    (void)signer_jwk(ed_jwk, &ed, "");
    return 0;
}

static int close_keys(void **state)
{
    (void)state;
    signer_close(&rsa);
    signer_close(&ec);
    signer_close(&ed);
    return 0;
}

/* The answer for this JSON; the key is put to *out where there is one. */
static int read_text(struct jwk *out, const char *text, uint32_t algorithms, struct error *why)
{
    struct arena arena;
    struct json *object;
    int rc;

    arena_init(&arena, 16384, 1024 * 1024);
    assert_int_equal(json_parse(&object, view_of_text(text), NULL, &arena, NULL), OK);
    rc = jwk_read(out, object, algorithms, why);
    arena_clear(&arena);
    return rc;
}

/* The key with these members in front of its own. */
static const char *with(const char *more, const char *jwk)
{
    static char text[2 * SIGNER_TEXT_MAX];

    (void)snprintf(text, sizeof(text), "{%s,%s", more, jwk + 1);
    return text;
}

/* The key with the value of one member exchanged for other JSON; NULL leaves the member out. */
static const char *exchanged(const char *jwk, const char *name, const char *value)
{
    static char text[2 * SIGNER_TEXT_MAX];
    char wanted[16];
    const char *at, *end;

    (void)snprintf(wanted, sizeof(wanted), "\"%s\":\"", name);
    at = strstr(jwk, wanted);
    assert_non_null(at);
    end = strchr(at + strlen(wanted), '"') + 1;
    if (value == NULL)
        (void)snprintf(text, sizeof(text), "%.*s\"x-none\":1%s", (int)(at - jwk), jwk, end);
    else
        (void)snprintf(text, sizeof(text), "%.*s\"%s\":%s%s", (int)(at - jwk), jwk, name, value,
                       end);
    return text;
}

static void accepts(const char *text, uint32_t algorithms, enum signature_algorithm wanted)
{
    struct error why = {{0}, 0, 0};
    struct jwk key;
    int rc = read_text(&key, text, algorithms, &why);

    if (rc != OK)
        fail_msg("%d (%s) for %s", rc, why.text, text);
    assert_int_equal(jwk_algorithm(&key), wanted);
    jwk_clear(&key);
    assert_null(key.key);
}

static void refuses(const char *text, uint32_t algorithms, int wanted, const char *says)
{
    struct error why = {{0}, 0, 0};
    struct jwk key, before;
    int rc;

    memset(&key, 0x55, sizeof(key));
    before = key;
    rc = read_text(&key, text, algorithms, &why);
    if (rc != wanted || strstr(why.text, says) == NULL)
        fail_msg("wanted %d `%s`, got %d `%s` for %s", wanted, says, rc, why.text, text);
    assert_memory_equal(&key, &before, sizeof(key));
}

static void the_key_decides_its_one_algorithm(void **state)
{
    (void)state;
    accepts(ec_jwk, ALL, SIGNATURE_ES384);
    accepts(ed_jwk, ALL, SIGNATURE_EDDSA);
    accepts(with("\"alg\":\"EdDSA\"", ed_jwk), ALL, SIGNATURE_EDDSA);
    accepts(with("\"alg\":\"ES384\"", ec_jwk), ALL, SIGNATURE_ES384);
    for (int i = 0; i <= SIGNATURE_PS512; i++) {
        char alg[32];

        accepts(rsa_jwk, JWK_ALGORITHM(i), (enum signature_algorithm)i);
        accepts(rsa_jwk, JWK_ALGORITHM(i) | JWK_ALGORITHM(SIGNATURE_ES256),
                (enum signature_algorithm)i);
        (void)snprintf(alg, sizeof(alg), "\"alg\":\"%s\"",
                       signature_name((enum signature_algorithm)i));
        accepts(with(alg, rsa_jwk), ALL, (enum signature_algorithm)i);
        refuses(with(alg, rsa_jwk), ALL & ~JWK_ALGORITHM(i), E_UNSUPPORTED,
                "none of the `algorithms`");
    }
    refuses(rsa_jwk, ALL, E_INVALID, "one key has one algorithm");
    refuses(rsa_jwk, RS | JWK_ALGORITHM(SIGNATURE_PS256), E_INVALID, "one key has one algorithm");
}

static void a_key_for_other_things_is_passed_over(void **state)
{
    static const char *const others[] = {
        "{\"kty\":\"XYZ\"}",
        "{\"kty\":\"rsa\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"AKP\",\"alg\":\"ML-DSA-44\",\"pub\":\"AAAA\"}",
        "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AAAA\",\"y\":\"AAAA\"}",
        "{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"AAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"AAAA\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        refuses(others[i], ALL, E_UNSUPPORTED, "not known here");
    refuses(ec_jwk, RS, E_UNSUPPORTED, "none of the `algorithms`");
    refuses(with("\"use\":\"enc\"", rsa_jwk), RS, E_UNSUPPORTED, "`use`");
    refuses(with("\"use\":\"Sig\"", rsa_jwk), RS, E_UNSUPPORTED, "`use`");
    refuses(with("\"use\":\"\"", rsa_jwk), RS, E_UNSUPPORTED, "`use`");
    refuses(with("\"key_ops\":[]", rsa_jwk), RS, E_UNSUPPORTED, "`key_ops`");
    refuses(with("\"key_ops\":[\"encrypt\",\"wrapKey\"]", rsa_jwk), RS, E_UNSUPPORTED, "`key_ops`");
    refuses(with("\"key_ops\":[\"sign, verify\"]", rsa_jwk), RS, E_UNSUPPORTED, "`key_ops`");
    refuses(with("\"use\":\"sig\",\"key_ops\":[\"sign\"]", rsa_jwk), RS, E_UNSUPPORTED,
            "`key_ops`");
    refuses(with("\"use\":\"enc\",\"key_ops\":[\"verify\"]", rsa_jwk), RS, E_UNSUPPORTED, "`use`");
    refuses(with("\"alg\":\"RSA-OAEP\"", rsa_jwk), RS, E_UNSUPPORTED, "`alg`");
    refuses(with("\"alg\":\"rs256\"", rsa_jwk), RS, E_UNSUPPORTED, "`alg`");
    refuses(with("\"alg\":\"none\"", rsa_jwk), RS, E_UNSUPPORTED, "`alg`");
    refuses(with("\"alg\":\"HS256\"", rsa_jwk), ALL, E_UNSUPPORTED, "`alg`");
    accepts(
        with("\"use\":\"sig\",\"key_ops\":[\"verify\"],\"x5c\":[\"AAAA\"],\"more\":{}", rsa_jwk),
        RS, SIGNATURE_RS256);
}

static void secrets_are_refused(void **state)
{
    static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "k", "oth", "priv"};

    (void)state;
    refuses("{\"kty\":\"oct\",\"k\":\"AAAA\"}", ALL, E_DENIED, "symmetric");
    refuses("{\"kty\":\"oct\"}", ALL, E_DENIED, "symmetric");
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        char more[64];

        (void)snprintf(more, sizeof(more), "\"%s\":\"c2VjcmV0\"", members[i]);
        refuses(with(more, rsa_jwk), RS, E_DENIED, "private key");
        refuses(with(more, ec_jwk), ALL, E_DENIED, "private key");
        refuses(with(more, "{\"kty\":\"XYZ\"}"), ALL, E_DENIED, "private key");
        (void)snprintf(more, sizeof(more), "\"use\":\"enc\",\"%s\":null", members[i]);
        refuses(with(more, ed_jwk), ALL, E_DENIED, "private key");
    }
}

static void algorithm_and_key_belong_together(void **state)
{
    (void)state;
    refuses(with("\"alg\":\"ES256\"", ec_jwk), ALL, E_INVALID, "does not go with");
    refuses(with("\"alg\":\"RS256\"", ec_jwk), ALL, E_INVALID, "does not go with");
    refuses(with("\"alg\":\"ES256\"", rsa_jwk), ALL, E_INVALID, "does not go with");
    refuses(with("\"alg\":\"EdDSA\"", ec_jwk), ALL, E_INVALID, "does not go with");
    refuses(with("\"alg\":\"ES384\"", ed_jwk), ALL, E_INVALID, "does not go with");
    refuses(exchanged(ec_jwk, "crv", "\"P-256\""), ALL, E_INVALID, "length of the curve");
    refuses(exchanged(ec_jwk, "crv", "\"P-521\""), ALL, E_INVALID, "length of the curve");
    refuses(exchanged(ec_jwk, "kty", "\"RSA\""), RS, E_INVALID, "has no `n`");
    refuses(exchanged(rsa_jwk, "kty", "\"EC\""), ALL, E_INVALID, "has no `crv`");
}

static void try_member(const char *jwk, const char *name)
{
    static const char *const wrong[] = {
        NULL,        "null",       "true",        "0",
        "65537",     "[]",         "{}",          "\"\"",
        "\"AQAB=\"", "\"A\"",      "\"AB\"",      "\"AQ AB\"",
        "\"AQ+/\"",  "[\"AQAB\"]", "\"\\u0000\"", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
    };
    static char longer[1500 + 3];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct error why;
        struct jwk key;
        const char *text = exchanged(jwk, name, wrong[i]);
        int rc = read_text(&key, text, RS | (ALL & ~(JWK_ALGORITHM(SIGNATURE_ES256) - 1)), &why);

        if (rc == OK)
            fail_msg("accepted: %s", text);
        assert_true(rc == E_INVALID || rc == E_UNSUPPORTED);
    }
    longer[0] = '"';
    memset(longer + 1, 'B', 1500);
    longer[1501] = '"';
    {
        struct error why;
        struct jwk key;
        int rc = read_text(&key, exchanged(jwk, name, longer), ALL, &why);

        assert_true(rc == E_INVALID || rc == E_UNSUPPORTED);
    }
}

static void every_member_is_of_its_type_and_length(void **state)
{
    static const char *const wrong[] = {"null", "1", "[]", "{}", "true"};

    (void)state;
    try_member(rsa_jwk, "kty");
    try_member(rsa_jwk, "n");
    try_member(rsa_jwk, "e");
    try_member(ec_jwk, "kty");
    try_member(ec_jwk, "crv");
    try_member(ec_jwk, "x");
    try_member(ec_jwk, "y");
    try_member(ed_jwk, "kty");
    try_member(ed_jwk, "crv");
    try_member(ed_jwk, "x");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        static const char *const names[] = {"alg", "use", "kid", "key_ops"};

        for (size_t n = 0; n < 4; n++) {
            char more[64];

            if (n == 3 && i == 2)
                continue; /* an empty list is none of a wrong type */
            (void)snprintf(more, sizeof(more), "\"%s\":%s", names[n], wrong[i]);
            refuses(with(more, ed_jwk), ALL, E_INVALID, names[n]);
        }
    }
    refuses(with("\"key_ops\":[\"verify\",1]", ed_jwk), ALL, E_INVALID, "key_ops");
    refuses("[]", ALL, E_INVALID, "no object");
    refuses("null", ALL, E_INVALID, "no object");
    refuses("\"kty\"", ALL, E_INVALID, "no object");
    refuses("{}", ALL, E_INVALID, "`kty`");
}

static void an_id_is_any_bytes_up_to_a_length(void **state)
{
    char more[SIGNER_TEXT_MAX] = "\"kid\":\"";
    struct error why;
    struct jwk key;

    (void)state;
    assert_int_equal(read_text(&key, with("\"kid\":\"a\\u0000b/../%s'\"", ed_jwk), ALL, &why), OK);
    assert_true(key.has_key_id && view_eq(jwk_id(&key), VIEW("a\0b/../%s'")));
    jwk_clear(&key);
    assert_int_equal(read_text(&key, with("\"kid\":\"\"", ed_jwk), ALL, &why), OK);
    assert_true(key.has_key_id && key.key_id_bytes == 0);
    jwk_clear(&key);
    assert_int_equal(read_text(&key, ed_jwk, ALL, &why), OK);
    assert_false(key.has_key_id);
    jwk_clear(&key);
    memset(more + 7, 'k', 257);
    strcpy(more + 7 + 256, "\"");
    assert_int_equal(read_text(&key, with(more, ed_jwk), ALL, &why), OK);
    assert_int_equal(key.key_id_bytes, 256);
    jwk_clear(&key);
    strcpy(more + 7 + 256, "k\"");
    refuses(with(more, ed_jwk), ALL, E_INVALID, "longer than 256");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_decides_its_one_algorithm),
        cmocka_unit_test(a_key_for_other_things_is_passed_over),
        cmocka_unit_test(secrets_are_refused),
        cmocka_unit_test(algorithm_and_key_belong_together),
        cmocka_unit_test(every_member_is_of_its_type_and_length),
        cmocka_unit_test(an_id_is_any_bytes_up_to_a_length),
    };

    return cmocka_run_group_tests(tests, open_keys, close_keys);
}
