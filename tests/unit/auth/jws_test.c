/* SPDX-License-Identifier: Apache-2.0 */
/* jws_test.c: forms, headers, keys, signatures, forgeries (C-D1 to C-D6, C-D11, C-D12, C-D16); RFC
 * 7515 A.1 and RFC 7520 4.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth/jws.h"
#include "three_ways.h"
#include "token_maker.h"

static struct bench b;

static int setup(void **state)
{
    (void)state;
    bench_open(&b);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bench_close(&b);
    return 0;
}

/* Parse and check from guarded memory. */
static enum jwt_fault judge(struct view token)
{
    struct guarded g = guarded_copy(token.ptr, token.len);
    struct jws jws;
    enum jwt_fault fault;

    arena_reset(&b.arena);
    fault = jws_parse(&jws, view_of(g.data, token.len), &b.arena);
    if (fault == JWT_OK)
        fault = jws_check(&jws, &b.issuer);
    guarded_free(&g);
    return fault;
}

static enum jwt_fault judge_header(const char *header)
{
    static struct token t;

    token_make(&t, view_of_text(header), VIEW("{}"), &b.issuer.keys[0]);
    return judge(token_view(&t));
}

static void use_key(const char *algorithm, const char *key_id, const void *secret, size_t len)
{
    hmac_key_free(b.issuer.keys[0].hmac);
    assert_int_equal(jwt_key_init_hmac(&b.issuer.keys[0], algorithm, key_id, secret, len), OK);
}

static void the_example_of_rfc7515_verifies(void **state)
{
    static const char token[] =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9p"
        "c19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    uint8_t secret[72];

    (void)state;
    assert_int_equal(judge(view_of_text(token)), JWT_SIGNATURE);
    assert_int_equal(
        base64url_decode(
            secret,
            VIEW("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1"
                 "Z9CAow")),
        64);
    use_key("HS256", "", secret, 64);
    assert_int_equal(judge(view_of_text(token)), JWT_OK);
}

static void the_example_of_rfc7520_verifies(void **state)
{
    static const char token[] = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZj"
                                "MxNGJjNzAzNyJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLC"
                                "BGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9h"
                                "ZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcm"
                                "XigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4."
                                "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";
    uint8_t secret[36];

    (void)state;
    assert_int_equal(base64url_decode(secret, VIEW("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg")),
                     32);
    use_key("HS256", "018c0ae5-4d9b-471b-bfd6-eef314bc7037", secret, 32);
    assert_int_equal(judge(view_of_text(token)), JWT_OK);
}

static void all_three_algorithms_verify_and_none_stands_in_for_another(void **state)
{
    static const char *const names[] = {"HS256", "HS384", "HS512"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        use_key(names[i], "", TEST_SECRET, 64);
        for (int j = 0; j < 3; j++) {
            char header[32];

            (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", names[j]);
            assert_int_equal(judge_header(header), i == j ? JWT_OK : JWT_ALGORITHM);
        }
    }
}

static void only_three_full_segments_are_a_token(void **state)
{
    static struct token good;
    struct view dots[3];
    static const char *const bad[] = {"",     ".",    "..",   "...",     "a",         "a.b",
                                      "a.b.", ".b.c", "a..c", "a.b.c.d", "a.b.c.d.e", "a.b.c."};

    (void)state;
    token_make(&good, VIEW(HS256_HEADER), VIEW("{}"), &b.issuer.keys[0]);
    assert_int_equal(judge(token_view(&good)), JWT_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(judge(view_of_text(bad[i])), JWT_MALFORMED);
    /* Every prefix: cut somewhere, or with an empty or shortened signature (C-D4). */
    for (size_t len = 0; len < good.len; len++)
        assert_int_not_equal(judge(view_of(good.text, len)), JWT_OK);
    (void)view_split(token_view(&good), '.', &dots[0], &dots[1]);
    (void)view_split(dots[1], '.', &dots[1], &dots[2]);
    assert_int_equal(judge(view_of(good.text, dots[0].len + dots[1].len + 2)), JWT_MALFORMED);
    assert_int_equal(judge(VIEW("{\"payload\":\"e30\",\"signatures\":[{\"protected\":\"e30\","
                                "\"signature\":\"e30\"}]}")),
                     JWT_MALFORMED);
}

static void eight_kib_is_the_end_and_dots_cost_no_memory(void **state)
{
    static char dots[2 * JWT_BYTES_MAX];
    struct arena none;
    struct jws jws;

    (void)state;
    memset(dots, '.', sizeof(dots));
    arena_init(&none, 64, 0); /* every allocation fails */
    assert_int_equal(jws_parse(&jws, view_of(dots, JWT_BYTES_MAX), &none), JWT_MALFORMED);
    assert_int_equal(jws_parse(&jws, view_of(dots, JWT_BYTES_MAX + 1), &none), JWT_TOO_LONG);
    assert_int_equal(jws_parse(&jws, VIEW("a.b.c.d.e"), &none), JWT_MALFORMED);
    assert_int_equal(jws_parse(&jws, VIEW("aa.bb.cc"), &none), JWT_NO_MEMORY);
    assert_int_equal(none.used_bytes, 0);
    arena_clear(&none);
}

static void a_token_of_exactly_eight_kib_is_read(void **state)
{
    static struct token t;
    static char payload[JWT_BYTES_MAX];
    size_t len = (JWT_BYTES_MAX - 38 - 44) / 4 *
                 3; /* 38: header and two dots up to here; 44: dot and signature */

    (void)state;
    memset(payload, 'x', sizeof(payload));
    token_make(&t, VIEW(HS256_HEADER), view_of(payload, len), &b.issuer.keys[0]);
    while (t.len > JWT_BYTES_MAX)
        token_make(&t, VIEW(HS256_HEADER), view_of(payload, --len), &b.issuer.keys[0]);
    assert_int_equal(judge(token_view(&t)), JWT_OK);
    token_make(&t, VIEW(HS256_HEADER), view_of(payload, len + 4), &b.issuer.keys[0]);
    assert_int_equal(judge(token_view(&t)), JWT_TOO_LONG);
}

static void base64url_is_canonical_in_every_segment(void **state)
{
    static const char *const spoilers[] = {" ", "\n", "=", "==", "?", "+", "/", "%", "\x80"};
    static struct token good;
    static struct token t;

    (void)state;
    token_make(&good, VIEW(HS256_HEADER), VIEW("{\"a\":1}"), &b.issuer.keys[0]);
    for (size_t i = 0; i < sizeof(spoilers) / sizeof(spoilers[0]); i++) {
        for (size_t at = 0; at <= good.len; at++) {
            t.len = 0;
            token_add(&t, good.text, at);
            token_add(&t, spoilers[i], strlen(spoilers[i]));
            token_add(&t, good.text + at, good.len - at);
            assert_int_equal(judge(token_view(&t)), JWT_MALFORMED);
        }
    }
    /* {"a":1} is seven bytes: the last of its ten letters carries two bits that must be zero, as do
     * four in the MAC's last. */
    t = good;
    t.text[good.len - 1]++;
    assert_int_equal(judge(token_view(&t)), JWT_MALFORMED);
}

static void no_algorithm_but_the_keys_own(void **state)
{
    static const char *const names[] = {"none",  "None",  "NONE",  "nOnE",        "none ",
                                        " none", "",      "hs256", "HS256 ",      "HS2560",
                                        "HS384", "HS512", "RS256", "ES256",       "PS256",
                                        "EdDSA", "HS1",   "HMAC",  "HS256\\u0000"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        static struct token t;
        char header[64];

        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", names[i]);
        assert_int_equal(judge_header(header), JWT_ALGORITHM);
        /* And without a signature, with and without the dot before it. */
        t.len = 0;
        token_add_encoded(&t, header, strlen(header));
        token_add(&t, ".e30", 4);
        assert_int_equal(judge(token_view(&t)), JWT_MALFORMED);
        token_add(&t, ".", 1);
        assert_int_equal(judge(token_view(&t)), JWT_MALFORMED);
    }
}

static void headers_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "null",
        "\"HS256\"",
        "{}",
        "{\"alg\":null}",
        "{\"alg\":1}",
        "{\"alg\":[\"HS256\"]}",
        "{\"Alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
        "{\"alg\":\"none\",\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"al\\u0067\":\"none\"}",
        "{\"alg\":\"HS256\"}x",
        "\xef\xbb\xbf{\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"x\":\"\xff\"}",
        "{\"alg\":\"HS256\",\"kid\":1}",
        "{\"alg\":\"HS256\",\"kid\":null}",
        "{\"alg\":\"HS256\",\"kid\":[\"a\"]}",
        "{\"alg\":\"HS256\",\"typ\":null}",
        "{\"alg\":\"HS256\",\"typ\":1}",
        "{\"alg\":\"HS256\",\"typ\":\"\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWE\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JOSE\"}",
        "{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}",
        "{\"alg\":\"HS256\",\"typ\":\"dpop+jwt\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT \"}",
        "{\"alg\":\"HS256\",\"enc\":\"A128GCM\"}",
        "{\"alg\":\"HS256\",\"zip\":\"DEF\"}",
        "{\"alg\":\"HS256\",\"zip\":null}",
        "{\"alg\":\"HS256\",\"a\":[[[[[[[[1]]]]]]]]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        enum jwt_fault want = bad[i][0] == '\0' ? JWT_MALFORMED : JWT_HEADER;

        if (judge_header(bad[i]) != want)
            fail_msg("accepted or wrongly refused: %s", bad[i]);
    }
}

static void types_that_may_open_a_connection(void **state)
{
    static const char *const good[] = {
        "JWT", "jwt", "Jwt", "application/jwt", "at+jwt", "AT+JWT", "application/at+jwt"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char header[64];

        (void)snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"typ\":\"%s\"}", good[i]);
        assert_int_equal(judge_header(header), JWT_OK);
    }
    assert_int_equal(judge_header("{\"alg\":\"HS256\"}"), JWT_OK);
}

static void every_form_of_crit_is_refused(void **state)
{
    static const char *const values[] = {"[]",        "null",          "\"exp\"",       "[\"exp\"]",
                                         "[\"b64\"]", "[\"alg\"]",     "[\"x\",\"x\"]", "{}",
                                         "false",     "[\"missing\"]", "[\"\"]",        "[null]"};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char header[96];

        (void)snprintf(header, sizeof(header),
                       "{\"alg\":\"HS256\",\"crit\":%s,\"b64\":true,\"exp\":1}", values[i]);
        assert_int_equal(judge_header(header), JWT_CRITICAL);
    }
}

static void keys_that_come_with_the_token_are_not_looked_at(void **state)
{
    static struct token t;
    struct jwt_key attacker;
    static const char header[] =
        "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":"
        "\"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE\"},"
        "\"jku\":\"https://evil.test/k\",\"x5u\":\"file:///dev/null\",\"x5c\":[\"AAAA\"]}";

    (void)state;
    assert_int_equal(
        jwt_key_init_hmac(&attacker, "HS256", "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 32), OK);
    token_make(&t, view_of_text(header), VIEW("{}"), &attacker);
    assert_int_equal(judge(token_view(&t)), JWT_SIGNATURE);
    assert_int_equal(judge_header(header), JWT_OK); /* ignored, not fatal, under our own key */
    hmac_key_free(attacker.hmac);
}

/* C-D2. A symmetric key holds nothing but an HMAC and an asymmetric one would hold no HMAC, so the
 * confusion has no place to happen; what can be shown is that the texts an attacker would sign with
 * open nothing. */
static void public_key_texts_as_hmac_secrets_open_nothing(void **state)
{
    static const char *const texts[] = {
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC "
        "KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC "
        "KEY-----",
        "{\"kty\":\"RSA\",\"n\":"
        "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
        "BJECPebWKRXjBZ\"}",
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    };
    static const char *const algorithms[] = {"HS256", "HS384", "HS512"};
    unsigned forgeries = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (size_t a = 0; a < 3; a++) {
            for (int has_id = 0; has_id < 2; has_id++) {
                static struct token t;
                struct jwt_key forged;
                char header[96];

                assert_int_equal(jwt_key_init_hmac(&forged, algorithms[a], "", texts[i],
                                                   i == 3 ? 64 : strlen(texts[i])),
                                 OK);
                (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"%s}", algorithms[a],
                               has_id ? ",\"kid\":\"k1\"" : "");
                token_make(&t, view_of_text(header), VIEW("{\"sub\":\"admin\"}"), &forged);
                assert_int_not_equal(judge(token_view(&t)), JWT_OK);
                hmac_key_free(forged.hmac);
                forgeries++;
            }
        }
    }
    assert_int_equal(forgeries, 24);
}

static void key_ids_select_and_are_only_compared(void **state)
{
    static const char *const strange[] = {
        "../../../../dev/null", "' UNION SELECT 'x", "%s%n%n", "k1\\u0000", "k", "K1", "", "k1 "};
    char header[512];

    (void)state;
    use_key("HS256", "k1", TEST_SECRET, 64);
    assert_int_equal(judge_header("{\"alg\":\"HS256\",\"kid\":\"k1\"}"), JWT_OK);
    assert_int_equal(judge_header("{\"alg\":\"HS256\"}"),
                     JWT_OK); /* no kid: every key of that algorithm is tried */
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        (void)snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"kid\":\"%s\"}", strange[i]);
        assert_int_equal(judge_header(header), JWT_UNKNOWN_KEY);
    }
    for (int len = 256; len <= 257; len++) {
        (void)snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"kid\":\"%0*d\"}", len, 7);
        assert_int_equal(judge_header(header), len == 256 ? JWT_UNKNOWN_KEY : JWT_HEADER);
    }
    use_key("HS256", "", TEST_SECRET, 64);
    assert_int_equal(judge_header("{\"alg\":\"HS256\",\"kid\":\"whatever\"}"),
                     JWT_OK); /* a key without id takes any */
}

static void two_active_secrets_both_verify(void **state)
{
    static const char other[] = "OTHER-h1fkNq0bS2vX8yQm4rTz7uJw9eLc5aPd3gVo6";
    static struct token t;

    (void)state;
    assert_int_equal(jwt_key_init_hmac(&b.issuer.keys[1], "HS256", "new", other, sizeof(other) - 1),
                     OK);
    b.issuer.keys_count = 2;
    for (int i = 0; i < 2; i++) {
        token_make(&t, VIEW(HS256_HEADER), VIEW("{}"), &b.issuer.keys[i]);
        assert_int_equal(judge(token_view(&t)), JWT_OK);
    }
    /* The new id binds to the new key alone; the old key, which has none, still takes it. */
    token_make(&t, VIEW("{\"alg\":\"HS256\",\"kid\":\"old\"}"), VIEW("{}"), &b.issuer.keys[1]);
    assert_int_equal(judge(token_view(&t)), JWT_SIGNATURE);
}

static void every_flipped_bit_is_noticed(void **state)
{
    static struct token t;

    (void)state;
    token_make(&t, VIEW("{\"alg\":\"HS256\"}"), VIEW("{\"sub\":\"alice\"}"), &b.issuer.keys[0]);
    for (size_t i = 0; i < t.len * 8; i++) {
        t.text[i / 8] = (char)(t.text[i / 8] ^ 1 << (i % 8));
        assert_int_not_equal(judge(token_view(&t)), JWT_OK);
        t.text[i / 8] = (char)(t.text[i / 8] ^ 1 << (i % 8));
    }
    assert_int_equal(judge(token_view(&t)), JWT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_example_of_rfc7515_verifies, setup, teardown),
        cmocka_unit_test_setup_teardown(the_example_of_rfc7520_verifies, setup, teardown),
        cmocka_unit_test_setup_teardown(all_three_algorithms_verify_and_none_stands_in_for_another,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(only_three_full_segments_are_a_token, setup, teardown),
        cmocka_unit_test_setup_teardown(eight_kib_is_the_end_and_dots_cost_no_memory, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_token_of_exactly_eight_kib_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(base64url_is_canonical_in_every_segment, setup, teardown),
        cmocka_unit_test_setup_teardown(no_algorithm_but_the_keys_own, setup, teardown),
        cmocka_unit_test_setup_teardown(headers_that_are_none_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(types_that_may_open_a_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(every_form_of_crit_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_that_come_with_the_token_are_not_looked_at, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(public_key_texts_as_hmac_secrets_open_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(key_ids_select_and_are_only_compared, setup, teardown),
        cmocka_unit_test_setup_teardown(two_active_secrets_both_verify, setup, teardown),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_noticed, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
