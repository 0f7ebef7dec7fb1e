/* SPDX-License-Identifier: Apache-2.0 */
/* jwks_test.c: whole sets: all or nothing, with ceilings, from text and from files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "public_maker.h"
#include "three_ways.h"

#define ALL JWK_ALGORITHMS_ALL

static struct signer ed, ec;
static char ed_jwk[SIGNER_TEXT_MAX], ec_jwk[SIGNER_TEXT_MAX];
static char text[JWKS_BYTES_MAX + 4096];

static int open_keys(void **state)
{
    (void)state;
    signer_open(&ed, SIGNATURE_EDDSA, 0);
    signer_open(&ec, SIGNATURE_ES256, 0);
    (void)signer_jwk(ed_jwk, &ed, "");
    (void)signer_jwk(ec_jwk, &ec, "\"kid\":\"ec\",");
    return 0;
}

static int close_keys(void **state)
{
    (void)state;
    signer_close(&ed);
    signer_close(&ec);
    return 0;
}

static const char *set_text(const char *keys)
{
    (void)snprintf(text, sizeof(text), "{\"keys\":[%s]}", keys);
    return text;
}

static void refuses(const char *json, int wanted, const char *says)
{
    struct error why = {{0}, 0, 0};
    struct key_set *set = NULL;
    int rc = jwks_parse(&set, view_of_text(json), ALL, &why);

    if (rc != wanted || strstr(why.text, says) == NULL)
        fail_msg("wanted %d `%s`, got %d `%s`", wanted, says, rc, why.text);
    assert_null(set);
}

static void a_set_keeps_what_serves_and_tells_of_the_rest(void **state)
{
    char keys[4 * SIGNER_TEXT_MAX];
    struct key_set *set = NULL;
    struct error why;

    (void)state;
    (void)snprintf(keys, sizeof(keys), "%s,{\"kty\":\"new\"},{\"use\":\"enc\",%s,%s", ec_jwk,
                   ed_jwk + 1, ed_jwk);
    assert_int_equal(jwks_parse(&set, view_of_text(set_text(keys)), ALL, &why), OK);
    assert_int_equal(key_set_count(set), 2);
    assert_int_equal(jwk_algorithm(key_set_at(set, 0)), SIGNATURE_ES256);
    assert_int_equal(jwk_algorithm(key_set_at(set, 1)), SIGNATURE_EDDSA);
    assert_null(key_set_at(set, 2));
    assert_int_equal(key_set_ignored(set), 2);
    assert_string_equal(key_set_ignored_why(set),
                        "key 2 is of a type or on a curve that is not known here");
    key_set_drop(set);
    assert_int_equal(
        jwks_parse(&set, view_of_text(set_text(keys)), JWK_ALGORITHM(SIGNATURE_EDDSA), &why), OK);
    assert_int_equal(key_set_count(set), 1);
    assert_int_equal(key_set_ignored(set), 3);
    key_set_drop(set);
}

static void one_bad_key_spoils_the_set(void **state)
{
    char keys[4 * SIGNER_TEXT_MAX];

    (void)state;
    (void)snprintf(keys, sizeof(keys), "%s,{\"kty\":\"oct\",\"k\":\"AAAA\"}", ec_jwk);
    refuses(set_text(keys), E_DENIED, "key 2 is a symmetric key");
    (void)snprintf(keys, sizeof(keys), "%s,{\"d\":\"AAAA\",%s", ec_jwk, ed_jwk + 1);
    refuses(set_text(keys), E_DENIED, "key 2 holds a private key");
    (void)snprintf(keys, sizeof(keys), "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"},%s",
                   ed_jwk);
    refuses(set_text(keys), E_INVALID, "key 1 an Ed25519 key");
    (void)snprintf(keys, sizeof(keys), "%s,null", ed_jwk);
    refuses(set_text(keys), E_INVALID, "key 2 is no object");
    (void)snprintf(keys, sizeof(keys), "%s,%s", ec_jwk, ec_jwk);
    refuses(set_text(keys), E_EXISTS, "key 2 has the `kid` of a key before it");
    (void)snprintf(keys, sizeof(keys), "%s,{\"kid\":\"ec\",%s", ec_jwk, ed_jwk + 1);
    refuses(set_text(keys), E_EXISTS, "key 2 has the `kid` of a key before it");
}

static void a_set_without_a_usable_key_is_none(void **state)
{
    (void)state;
    refuses(set_text(""), E_MISSING, "holds no key for these `algorithms`");
    refuses(set_text("{\"kty\":\"new\"}"), E_MISSING,
            "holds no key for these `algorithms`: key 1 is of");
    refuses("", E_INVALID, "no strict JSON");
    refuses("{", E_INVALID, "no strict JSON");
    refuses("{\"keys\":[],\"keys\":[]}", E_INVALID, "no strict JSON");
    refuses("\xef\xbb\xbf{\"keys\":[]}", E_INVALID, "no strict JSON");
    refuses("-----BEGIN PUBLIC KEY-----", E_INVALID, "no strict JSON");
    refuses(ed_jwk, E_INVALID, "is no JWK set");
    refuses("[]", E_INVALID, "is no JWK set");
    refuses("null", E_INVALID, "is no JWK set");
    refuses("{\"keys\":{}}", E_INVALID, "is no JWK set");
    refuses("{\"keys\":null}", E_INVALID, "is no JWK set");
    refuses("{\"Keys\":[]}", E_INVALID, "is no JWK set");
}

static void ceilings(void **state)
{
    struct key_set *set = NULL;
    struct error why;
    size_t len = 0;

    (void)state;
    for (int count = 100; count <= 101; count++) {
        len = (size_t)snprintf(text, sizeof(text), "{\"keys\":[%s", ec_jwk);
        for (int i = 1; i < count; i++)
            len += (size_t)snprintf(text + len, sizeof(text) - len,
                                    ",{\"kty\":\"new\",\"kid\":\"same\"}");
        (void)snprintf(text + len, sizeof(text) - len, "]}");
        if (count == 101) {
            refuses(text, E_LIMIT, "holds 101 keys: at most 100");
            continue;
        }
        assert_int_equal(jwks_parse(&set, view_of_text(text), ALL, &why), OK);
        assert_int_equal(key_set_ignored(set), 99);
        key_set_drop(set);
    }
    /* To the byte: 256 KiB, then one more. */
    len = (size_t)snprintf(text, sizeof(text), "{\"keys\":[%s]}", ec_jwk);
    memset(text + len, ' ', sizeof(text) - len);
    assert_int_equal(jwks_parse(&set, view_of(text, JWKS_BYTES_MAX), ALL, &why), OK);
    key_set_drop(set);
    set = NULL;
    assert_int_equal(jwks_parse(&set, view_of(text, JWKS_BYTES_MAX + 1), ALL, &why), E_LIMIT);
    assert_null(set);
    /* Four keys without id, then five. */
    for (int count = KEY_SET_TRIES_MAX; count <= KEY_SET_TRIES_MAX + 1; count++) {
        len = (size_t)snprintf(text, sizeof(text), "{\"keys\":[%s", ed_jwk);
        for (int i = 1; i < count; i++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, ",%s", ed_jwk);
        (void)snprintf(text + len, sizeof(text) - len, "]}");
        if (count > KEY_SET_TRIES_MAX) {
            refuses(text, E_LIMIT, "key 5 is one too many without a `kid`: at most 4");
        } else {
            assert_int_equal(jwks_parse(&set, view_of_text(text), ALL, &why), OK);
            key_set_drop(set);
        }
    }
}

/* Deep and wide JSON ends at its ceiling, not in memory. */
static void hostile_json_is_refused(void **state)
{
    (void)state;
    memset(text, '[', 1000);
    text[1000] = '\0';
    refuses(text, E_LIMIT, "no strict JSON");
    memset(text, '1', sizeof(text));
    for (size_t i = 2; i < 200000; i += 2)
        text[i] = ',';
    text[0] = '[';
    text[200000] = '\0';
    refuses(text, E_LIMIT, "no strict JSON");
}

static void every_prefix_is_refused_at_a_guard_page(void **state)
{
    const char *whole = set_text(ec_jwk);
    size_t len = strlen(whole);

    (void)state;
    for (size_t i = 0; i <= len; i++) {
        struct guarded g = guarded_copy(whole, i);
        struct key_set *set = NULL;
        int rc = jwks_parse(&set, view_of(g.data, i), ALL, NULL);

        assert_int_equal(rc == OK, i == len);
        key_set_drop(set);
        guarded_free(&g);
    }
}

static void files(void **state)
{
    char directory[] = "/tmp/gateward-jwks-XXXXXX";
    char path[64];
    struct key_set *set = NULL;
    struct error why;
    size_t len = strlen(set_text(ec_jwk));

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/keys.json", directory);
    assert_int_equal(jwks_load(&set, path, ALL, &why), E_IO);
    assert_non_null(strstr(why.text, "No such file"));
    assert_int_equal(jwks_load(&set, directory, ALL, &why), E_IO);
    assert_int_equal(file_write(path, text, len, 0666), OK);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(jwks_load(&set, path, ALL, &why), E_DENIED);
    assert_non_null(strstr(why.text, "chmod o-w"));
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(jwks_load(&set, path, ALL, &why), OK);
    assert_int_equal(key_set_count(set), 1);
    key_set_drop(set);
    set = NULL;
    memset(text + len, ' ', sizeof(text) - len);
    assert_int_equal(file_write(path, text, JWKS_BYTES_MAX + 1, 0644), OK);
    assert_int_equal(jwks_load(&set, path, ALL, &why), E_LIMIT);
    assert_non_null(strstr(why.text, "longer than 262144"));
    assert_null(set);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_keeps_what_serves_and_tells_of_the_rest),
        cmocka_unit_test(one_bad_key_spoils_the_set),
        cmocka_unit_test(a_set_without_a_usable_key_is_none),
        cmocka_unit_test(ceilings),
        cmocka_unit_test(hostile_json_is_refused),
        cmocka_unit_test(every_prefix_is_refused_at_a_guard_page),
        cmocka_unit_test(files),
    };

    return cmocka_run_group_tests(tests, open_keys, close_keys);
}
