/* SPDX-License-Identifier: Apache-2.0 */
/* public_token_test.c: whole tokens under public keys: each algorithm, and the forgeries that other
 * servers have let in: none, a public key as HMAC secret in every encoding, keys brought along,
 * signatures left out or made of zeros, unknown extensions, the wrong audience, another issuer's
 * key of the same name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "public_maker.h"

static struct signer signers[SIGNATURE_ALGORITHMS];
static char jwks[SIGNATURE_ALGORITHMS][SIGNER_TEXT_MAX];
static struct bench bench; /* its one row: all ten keys, named after their algorithms */
static struct token token;

static int open_bench(void **state)
{
    static char all[SIGNATURE_ALGORITHMS * SIGNER_TEXT_MAX];

    (void)state;
    bench_open(&bench);
    hmac_key_free(bench.issuer.keys[0].hmac);
    for (int i = 0; i < SIGNATURE_ALGORITHMS; i++) {
        const char *name = signature_name((enum signature_algorithm)i);
        char more[64];

        signers[i].algorithm = (enum signature_algorithm)i;
        if (i > 0 && i <= SIGNATURE_PS512) {
            signers[i].pkey = signers[0].pkey;
            signer_need(EVP_PKEY_up_ref(signers[i].pkey));
        } else {
            signer_open(&signers[i], (enum signature_algorithm)i, 2048);
        }
        (void)snprintf(more, sizeof(more), "\"kid\":\"%s\",\"alg\":\"%s\",", name, name);
        strcat(all, i > 0 ? "," : "");
        strcat(all, signer_jwk(jwks[i], &signers[i], more));
    }
    public_row(&bench.issuer, public_set(all, JWK_ALGORITHMS_ALL));
    bench.issuer.audience = "gateward";
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    key_source_free(bench.issuer.public_keys);
    bench_close(&bench);
    for (int i = 0; i < SIGNATURE_ALGORITHMS; i++)
        signer_close(&signers[i]);
    return 0;
}

#define FOR_US "{\"sub\":\"alice\",\"roles\":[\"user\"],\"aud\":\"gateward\",\"exp\":1700000600}"

static enum jwt_fault judge(const char *header, const char *payload, const struct signer *s)
{
    struct identity who;

    return bench_judge(&bench, &who, public_token(&token, header, payload, s));
}

static void each_algorithm_opens_the_door(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNATURE_ALGORITHMS; i++) {
        const char *name = signature_name((enum signature_algorithm)i);
        struct identity who;
        struct view text;

        text = public_token(&token, public_header(&signers[i], name), FOR_US, &signers[i]);
        assert_int_equal(bench_judge(&bench, &who, text), JWT_OK);
        assert_string_equal(who.user, "alice");
        assert_int_equal(who.expires_at_s, 1700000630);
        assert_int_equal(judge(public_header(&signers[i], NULL), FOR_US, &signers[i]), JWT_OK);
        assert_int_equal(judge(public_header(&signers[i], "other"), FOR_US, &signers[i]),
                         JWT_UNKNOWN_KEY);
    }
}

/* R-J1, R-J2: the same RSA key is in the set six times; each serves its own algorithm alone. */
static void no_header_moves_a_key_to_another_algorithm(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNATURE_ALGORITHMS; i++) {
        for (int k = 0; k < SIGNATURE_ALGORITHMS; k++) {
            char header[128];
            enum jwt_fault fault;

            (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\"}",
                           signature_name((enum signature_algorithm)i),
                           signature_name((enum signature_algorithm)k));
            fault = judge(header, FOR_US, &signers[k]);
            assert_int_equal(fault, i == k ? JWT_OK : JWT_UNKNOWN_KEY);
            (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}",
                           signature_name((enum signature_algorithm)i));
            fault = judge(header, FOR_US, &signers[k]);
            assert_int_equal(fault, i == k ? JWT_OK : JWT_SIGNATURE);
        }
    }
}

/* C-D1. */
static void unsigned_tokens(void **state)
{
    static const char *const names[] = {"none",  "None",  "NONE", "nOnE",
                                        "none ", " none", "",     "null"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char header[64];
        struct identity who;

        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", names[i]);
        assert_int_equal(judge(header, FOR_US, &signers[0]), JWT_ALGORITHM);
        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"RS256\"}", names[i]);
        assert_int_equal(judge(header, FOR_US, &signers[0]), JWT_ALGORITHM);
        token.len = (size_t)((char *)memrchr(token.text, '.', token.len) - token.text);
        assert_int_equal(bench_judge(&bench, &who, token_view(&token)), JWT_MALFORMED);
        token.len++; /* h.p. */
        assert_int_equal(bench_judge(&bench, &who, token_view(&token)), JWT_MALFORMED);
    }
}

/* One forgery: an HMAC over the token with these bytes as its secret, however short. */
static void forge(const char *header, const uint8_t *secret, size_t secret_len, int hash)
{
    static const char *const hashes[] = {"SHA256", "SHA384", "SHA512"};
    uint8_t mac[HMAC_BYTES_MAX];
    size_t len = 0;

    token.len = 0;
    token_add_encoded(&token, header, strlen(header));
    token_add(&token, ".", 1);
    token_add_encoded(&token, FOR_US, strlen(FOR_US));
    signer_need(EVP_Q_mac(NULL, "HMAC", NULL, hashes[hash], NULL, secret, secret_len,
                          (const uint8_t *)token.text, token.len, mac, sizeof(mac), &len) != NULL);
    token_add(&token, ".", 1);
    token_add_encoded(&token, mac, len);
}

/* What stands in the JWK as `n` or `x`: the modulus, or a coordinate, as text or as bytes. */
static size_t bare_number(uint8_t *secret, const char *jwk, bool is_decoded)
{
    const char *at = strstr(jwk, "\"n\":\"");
    long len;

    if (at == NULL)
        at = strstr(jwk, "\"x\":\"");
    assert_non_null(at);
    at += 5;
    len = strchr(at, '"') - at;
    if (!is_decoded)
        memcpy(secret, at, (size_t)len);
    else
        len = base64url_decode(secret, view_of(at, (size_t)len));
    assert_true(len >= 32);
    return (size_t)len;
}

/* C-D2: public keys are public, so everyone has them. All encodings in which one might end up in a
 * variable called "key", with and without the line end, under each hash, naming the key or not, and
 * with the asymmetric name kept. */
static void a_public_key_is_no_hmac_secret(void **state)
{
    static const int kinds[] = {SIGNATURE_RS256, SIGNATURE_PS384, SIGNATURE_ES256, SIGNATURE_ES512,
                                SIGNATURE_EDDSA};
    static const char *const hashes[] = {"HS256", "HS384", "HS512"};
    unsigned forged = 0, accepted = 0;

    (void)state;
    for (size_t kind = 0; kind < 5; kind++) {
        const struct signer *s = &signers[kinds[kind]];

        for (int form = 0; form < 8; form++) {
            uint8_t secret[SIGNER_TEXT_MAX] = {0};
            size_t len;

            if (form < 4)
                len = signer_encode(secret, s, (enum signer_encoding)form);
            else if (form >= 6)
                len = bare_number(secret, jwks[kinds[kind]], form == 7);
            else
                len = (size_t)snprintf((char *)secret, sizeof(secret), "%s%s", jwks[kinds[kind]],
                                       form == 5 ? "\n" : "");
            for (int cut = 0; cut < 2; cut++) {
                if (cut == 1 && secret[len - 1] != '\n')
                    continue;
                for (int hash = 0; hash < 3; hash++) {
                    for (int named = 0; named < 3; named++) {
                        struct identity who;
                        char header[128];

                        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"%s%s%s}",
                                       named == 2 ? signature_name(s->algorithm) : hashes[hash],
                                       named > 0 ? ",\"kid\":\"" : "",
                                       named > 0 ? signature_name(s->algorithm) : "",
                                       named > 0 ? "\"" : "");
                        forge(header, secret, len - (size_t)cut, hash);
                        forged++;
                        accepted += bench_judge(&bench, &who, token_view(&token)) == JWT_OK;
                    }
                }
            }
        }
    }
    print_message("# %u forgeries, %u accepted\n", forged, accepted);
    assert_true(forged >= 200);
    assert_int_equal(accepted, 0);
}

/* C-D3: what a token says of its own key is not looked at; a good token stays good with it, and a
 * stranger's does not become one. */
static void keys_brought_along_are_not_looked_at(void **state)
{
    struct signer stranger;
    char jwk[SIGNER_TEXT_MAX], header[2 * SIGNER_TEXT_MAX];
    const char *const others[] = {
        "{\"alg\":\"ES256\",\"jku\":\"https://evil.example/keys\"}",
        "{\"alg\":\"ES256\",\"x5u\":\"https://evil.example/chain\",\"kid\":\"ES256\"}",
        "{\"alg\":\"ES256\",\"x5c\":[\"AAAA\"],\"x5t#S256\":\"AAAA\"}",
        "{\"alg\":\"ES256\",\"kid\":\"file:///dev/null\"}",
    };

    (void)state;
    signer_open(&stranger, SIGNATURE_ES256, 0);
    (void)signer_jwk(jwk, &stranger, "\"kid\":\"ES256\",");
    (void)snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"kid\":\"ES256\",\"jwk\":%s}", jwk);
    assert_int_equal(judge(header, FOR_US, &stranger), JWT_SIGNATURE);
    assert_int_equal(judge(header, FOR_US, &signers[SIGNATURE_ES256]), JWT_OK);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_true(judge(others[i], FOR_US, &stranger) != JWT_OK);
    signer_close(&stranger);
}

/* C-D4: no signature, two of them, and the JSON form. */
static void other_forms_than_the_compact_one(void **state)
{
    char text[3 * SIGNER_TEXT_MAX];
    struct view parts[3], rest, good;
    struct identity who;

    (void)state;
    good = public_token(&token, "{\"alg\":\"ES256\"}", FOR_US, &signers[SIGNATURE_ES256]);
    (void)view_split(good, '.', &parts[0], &rest);
    (void)view_split(rest, '.', &parts[1], &parts[2]);
    (void)snprintf(text, sizeof(text), VIEW_FMT "." VIEW_FMT "." VIEW_FMT "." VIEW_FMT,
                   VIEW_ARG(parts[0]), VIEW_ARG(parts[1]), VIEW_ARG(parts[2]), VIEW_ARG(parts[2]));
    assert_int_equal(bench_judge(&bench, &who, view_of_text(text)), JWT_MALFORMED);
    (void)snprintf(text, sizeof(text),
                   "{\"payload\":\"" VIEW_FMT "\",\"protected\":\"" VIEW_FMT
                   "\",\"signature\":\"" VIEW_FMT "\"}",
                   VIEW_ARG(parts[1]), VIEW_ARG(parts[0]), VIEW_ARG(parts[2]));
    assert_int_equal(bench_judge(&bench, &who, view_of_text(text)), JWT_MALFORMED);
    (void)snprintf(text, sizeof(text), VIEW_FMT ".." VIEW_FMT, VIEW_ARG(parts[0]),
                   VIEW_ARG(parts[2]));
    assert_int_equal(bench_judge(&bench, &who, view_of_text(text)), JWT_MALFORMED);
    (void)snprintf(text, sizeof(text), VIEW_FMT "." VIEW_FMT ".", VIEW_ARG(parts[0]),
                   VIEW_ARG(parts[1]));
    assert_int_equal(bench_judge(&bench, &who, view_of_text(text)), JWT_MALFORMED);
}

/* C-D5: signatures of nothing but zeros or ones, of each length. */
static void psychic_signatures(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNATURE_ALGORITHMS; i++) {
        for (int fill = 0; fill < 2; fill++) {
            static const size_t lengths[] = {1, 64, 96, 132, 256};

            for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
                const char *header = public_header(&signers[i], NULL);
                uint8_t signature[256];
                struct identity who;

                memset(signature, fill ? 0xff : 0, sizeof(signature));
                token.len = 0;
                token_add_encoded(&token, header, strlen(header));
                token_add(&token, ".", 1);
                token_add_encoded(&token, FOR_US, strlen(FOR_US));
                token_add(&token, ".", 1);
                token_add_encoded(&token, signature, lengths[l]);
                assert_int_equal(bench_judge(&bench, &who, token_view(&token)), JWT_SIGNATURE);
            }
        }
    }
}

/* C-D6, C-D7. */
static void extensions_and_audiences(void **state)
{
    static const char *const critical[] = {"[]",   "[\"exp\"]", "[\"b64\"]",
                                           "null", "\"\"",      "[\"alg\",\"alg\"]"};
    static const char *const wrong[] = {
        "\"other\"",       "[]", "\"\"", "[\"other\"]", "null", "\"Gateward\"", "[\"gateward\",1]",
        "{\"gateward\":1}"};
    const struct signer *s = &signers[SIGNATURE_EDDSA];
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(critical) / sizeof(critical[0]); i++) {
        (void)snprintf(text, sizeof(text), "{\"alg\":\"EdDSA\",\"crit\":%s}", critical[i]);
        assert_int_equal(judge(text, FOR_US, s), JWT_CRITICAL);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(text, sizeof(text), "{\"sub\":\"a\",\"aud\":%s,\"exp\":1700000600}",
                       wrong[i]);
        assert_int_equal(judge("{\"alg\":\"EdDSA\"}", text, s), JWT_AUDIENCE);
    }
    assert_int_equal(judge("{\"alg\":\"EdDSA\"}", "{\"sub\":\"a\",\"exp\":1700000600}", s),
                     JWT_AUDIENCE);
    assert_int_equal(judge("{\"alg\":\"EdDSA\"}",
                           "{\"sub\":\"a\",\"aud\":[\"x\",\"gateward\"],\"exp\":1700000600}", s),
                     JWT_OK);
}

/* C-D16: a name of 64 KiB does not fit into a token; one of 257 bytes is refused before any key is
 * looked for. */
static void long_key_names(void **state)
{
    char header[512] = "{\"alg\":\"EdDSA\",\"kid\":\"";
    size_t start = strlen(header);

    (void)state;
    memset(header + start, 'k', 257);
    strcpy(header + start + 256, "\"}");
    assert_int_equal(judge(header, FOR_US, &signers[SIGNATURE_EDDSA]), JWT_UNKNOWN_KEY);
    strcpy(header + start + 256, "k\"}");
    assert_int_equal(judge(header, FOR_US, &signers[SIGNATURE_EDDSA]), JWT_HEADER);
}

/* C-D18: two issuers whose keys have the same name. */
static void a_key_speaks_for_its_own_issuer_only(void **state)
{
    static const char *const payloads[] = {
        "{\"iss\":\"a\",\"sub\":\"alice\",\"exp\":1700000600}",
        "{\"iss\":\"b\",\"sub\":\"alice\",\"exp\":1700000600}",
    };
    struct jwt_issuer rows[2];
    struct jwt_rules rules = {.issuers = rows, .issuers_count = 2, .roles = &bench.roles};
    struct signer two[2];
    unsigned wrong = 0;

    (void)state;
    for (int i = 0; i < 2; i++) {
        char jwk[SIGNER_TEXT_MAX];

        signer_open(&two[i], SIGNATURE_ES256, 0);
        public_row(&rows[i],
                   public_set(signer_jwk(jwk, &two[i], "\"kid\":\"same\","), JWK_ALGORITHMS_ALL));
        rows[i].issuer = i == 0 ? "a" : "b";
    }
    for (int n = 0; n < 1000; n++) {
        int signer = n & 1, speaks_for = n >> 1 & 1;
        struct identity who;
        enum jwt_fault fault;

        (void)public_token(&token, "{\"alg\":\"ES256\",\"kid\":\"same\"}", payloads[speaks_for],
                           &two[signer]);
        arena_reset(&bench.arena);
        fault = jwt_verify(&who, &rules, token_view(&token), NOW, &bench.arena);
        wrong += fault != (signer == speaks_for ? JWT_OK : JWT_ISSUER);
    }
    assert_int_equal(wrong, 0);
    for (int i = 0; i < 2; i++) {
        key_source_free(rows[i].public_keys);
        signer_close(&two[i]);
    }
}

/* A symmetric row beside an asymmetric one serves its own tokens, and only those. */
static void rows_of_both_kinds_do_not_mix(void **state)
{
    struct jwt_issuer rows[2] = {bench.issuer, {.roles_claim = "roles", .skew_s = 30}};
    struct jwt_rules rules = {.issuers = rows, .issuers_count = 2, .roles = &bench.roles};
    struct identity who;

    (void)state;
    assert_int_equal(jwt_key_init_hmac(&rows[1].keys[0], "HS256", "RS256", TEST_SECRET, 64), OK);
    rows[1].keys_count = 1;
    token_make(&token, VIEW("{\"alg\":\"HS256\",\"kid\":\"RS256\"}"), VIEW(FOR_US),
               &rows[1].keys[0]);
    arena_reset(&bench.arena);
    assert_int_equal(jwt_verify(&who, &rules, token_view(&token), NOW, &bench.arena), JWT_OK);
    token_make(&token, VIEW("{\"alg\":\"RS256\",\"kid\":\"RS256\"}"), VIEW(FOR_US),
               &rows[1].keys[0]);
    arena_reset(&bench.arena);
    assert_int_equal(jwt_verify(&who, &rules, token_view(&token), NOW, &bench.arena),
                     JWT_SIGNATURE);
    /* With public keys in the row, what stands in `keys` serves nobody. */
    rows[1].public_keys = bench.issuer.public_keys;
    token_make(&token, VIEW("{\"alg\":\"HS256\",\"kid\":\"RS256\"}"), VIEW(FOR_US),
               &rows[1].keys[0]);
    arena_reset(&bench.arena);
    assert_int_equal(jwt_verify(&who, &rules, token_view(&token), NOW, &bench.arena),
                     JWT_ALGORITHM);
    hmac_key_free(rows[1].keys[0].hmac);
}

static void count_miss(void *context)
{
    ++*(unsigned *)context;
}

/* While the keys of one issuer are not there, its tokens must wait; nobody can tell whose a token
 * of an unknown key is, but one that another issuer has signed is that issuer's affair. */
static void tokens_wait_for_keys_that_are_not_there(void **state)
{
    static const struct {
        const char *header, *payload;
        int signer;
        enum jwt_fault fault;
    } rows[] = {
        {"{\"alg\":\"ES256\",\"kid\":\"other\"}", FOR_US, SIGNATURE_ES256, JWT_UNAVAILABLE},
        {"{\"alg\":\"ES256\",\"kid\":\"ES256\"}", FOR_US, SIGNATURE_ES384, JWT_UNAVAILABLE},
        {"{\"alg\":\"ES256\",\"kid\":\"ES256\"}", FOR_US, SIGNATURE_ES256, JWT_OK},
        {"{\"alg\":\"ES256\",\"kid\":\"ES256\"}", GOOD_PAYLOAD, SIGNATURE_ES256, JWT_AUDIENCE},
        {"{\"alg\":\"RS256\",\"kid\":\"other\"}", FOR_US, SIGNATURE_RS256, JWT_UNKNOWN_KEY},
        {"{\"alg\":\"HS256\"}", FOR_US, SIGNATURE_ES256, JWT_ALGORITHM},
        {"{\"alg\":\"none\"}", FOR_US, SIGNATURE_ES256, JWT_ALGORITHM},
    };
    struct jwt_issuer two[2] = {{.roles_claim = "roles"}, bench.issuer};
    struct jwt_rules rules = {.issuers = two, .issuers_count = 2, .roles = &bench.roles};
    struct identity who;
    unsigned misses = 0;

    (void)state;
    assert_int_equal(key_source_new(&two[0].public_keys, NULL), OK);
    key_source_follow(two[0].public_keys, JWK_ALGORITHM(SIGNATURE_ES256), count_miss, &misses);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)public_token(&token, rows[i].header, rows[i].payload, &signers[rows[i].signer]);
        arena_reset(&bench.arena);
        assert_int_equal(jwt_verify(&who, &rules, token_view(&token), NOW, &bench.arena),
                         rows[i].fault);
    }
    assert_int_equal(misses, 0);
    key_source_free(two[0].public_keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_algorithm_opens_the_door),
        cmocka_unit_test(no_header_moves_a_key_to_another_algorithm),
        cmocka_unit_test(unsigned_tokens),
        cmocka_unit_test(a_public_key_is_no_hmac_secret),
        cmocka_unit_test(keys_brought_along_are_not_looked_at),
        cmocka_unit_test(other_forms_than_the_compact_one),
        cmocka_unit_test(psychic_signatures),
        cmocka_unit_test(extensions_and_audiences),
        cmocka_unit_test(long_key_names),
        cmocka_unit_test(a_key_speaks_for_its_own_issuer_only),
        cmocka_unit_test(rows_of_both_kinds_do_not_mix),
        cmocka_unit_test(tokens_wait_for_keys_that_are_not_there),
    };

    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
