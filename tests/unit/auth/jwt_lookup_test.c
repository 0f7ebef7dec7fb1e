/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_lookup_test.c: which tokens are slow to verify, and their way over a thread of its own. Made
 * to run under TSan. */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth/jwt_lookup.h"
#include "message/json.h"
#include "public_maker.h"

static struct signer signers[SIGNATURE_ALGORITHMS]; /* of the kinds below alone */
static const int kinds[] = {SIGNATURE_RS256, SIGNATURE_ES256, SIGNATURE_ES384, SIGNATURE_ES512,
                            SIGNATURE_EDDSA};
#define KINDS 5

static struct bench bench; /* its row: these keys, named after their algorithms, and two of RSA */
static struct token token;

static int read_key(struct jwk *key, const char *text)
{
    struct error why = {{0}, 0, 0};
    struct arena arena;
    struct json *object;
    int rc;

    arena_init(&arena, 8192, 65536);
    assert_int_equal(json_parse(&object, view_of_text(text), NULL, &arena, NULL), OK);
    rc = jwk_read(key, object, JWK_ALGORITHMS_ALL, &why);
    arena_clear(&arena);
    return rc;
}

/* `{"kty":"RSA",...}` of `bytes` bytes: nobody knows its halves, and nobody needs to. The number is
 * odd and changed until it has no small factor. */
static struct jwk long_rsa(size_t bytes, const char *kid)
{
    for (unsigned seed = 1; seed < 1000; seed++) {
        uint8_t n[1024];
        char text[BASE64_BYTES(sizeof(n))], jwk[2048];
        struct jwk key;

        for (size_t i = 0; i < bytes; i++)
            n[i] = (uint8_t)(i * i * 31 + i * seed * 7 + seed);
        n[0] |= 0x80;
        n[bytes - 1] |= 1;
        (void)snprintf(jwk, sizeof(jwk),
                       "{\"kty\":\"RSA\",\"alg\":\"RS512\",\"kid\":\"%s\",\"e\":\"AQAB\","
                       "\"n\":\"%.*s\"}",
                       kid, (int)base64url_encode(text, n, bytes), text);
        if (read_key(&key, jwk) == OK)
            return key;
    }
    fail_msg("no modulus will do");
    abort();
}

static int open_bench(void **state)
{
    struct key_set *set = NULL;

    (void)state;
    bench_open(&bench);
    hmac_key_free(bench.issuer.keys[0].hmac);
    assert_int_equal(key_set_new(&set, 16), OK);
    for (int i = 0; i < KINDS; i++) {
        enum signature_algorithm kind = (enum signature_algorithm)kinds[i];
        char text[SIGNER_TEXT_MAX], more[64];
        struct jwk key;

        signer_open(&signers[kind], kind, 2048);
        (void)snprintf(more, sizeof(more), "\"kid\":\"%s\",\"alg\":\"%s\",", signature_name(kind),
                       signature_name(kind));
        (void)signer_jwk(text, &signers[kind], more);
        assert_int_equal(read_key(&key, text), OK);
        assert_int_equal(key_set_add(set, &key), OK);
    }
    for (size_t bytes = 512; bytes <= 513; bytes++) {
        struct jwk key = long_rsa(bytes, bytes == 512 ? "4096" : "4104");

        assert_int_equal(key_set_add(set, &key), OK);
    }
    public_row(&bench.issuer, set);
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    key_source_free(bench.issuer.public_keys);
    bench_close(&bench);
    for (int i = 0; i < KINDS; i++)
        signer_close(&signers[kinds[i]]);
    return 0;
}

/* A token with this header and a signature that nobody made. */
static bool is_slow(const struct jwt_rules *rules, const char *header)
{
    token.len = 0;
    token_add_encoded(&token, header, strlen(header));
    token_add(&token, ".", 1);
    token_add_encoded(&token, GOOD_PAYLOAD, strlen(GOOD_PAYLOAD));
    token_add(&token, ".AAAA", 5);
    return jwt_is_slow(rules, token_view(&token));
}

static void the_key_that_would_be_used_decides(void **state)
{
    static const struct {
        const char *header;
        bool is_slow;
    } rows[] = {
        {"{\"alg\":\"ES256\"}", false},
        {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\"}", false},
        {"{\"alg\":\"RS256\",\"kid\":\"RS256\"}", false},
        {"{\"alg\":\"ES384\",\"kid\":\"ES384\"}", true},
        {"{\"alg\":\"ES384\"}", true},
        {"{\"alg\":\"ES512\",\"kid\":\"ES512\"}", true},
        {"{\"alg\":\"RS512\",\"kid\":\"4104\"}", true},
        {"{\"alg\":\"RS512\",\"kid\":\"4096\"}", false},
        {"{\"alg\":\"RS512\"}", true}, /* both are tried */
        /* Nothing to verify with. */
        {"{\"alg\":\"ES384\",\"kid\":\"other\"}", false},
        {"{\"alg\":\"ES384\",\"kid\":\"ES512\"}", false},
        {"{\"alg\":\"PS512\",\"kid\":\"4104\"}", false},
        {"{\"alg\":\"HS384\",\"kid\":\"ES384\"}", false},
        {"{\"alg\":\"es384\"}", false},
        {"{\"alg\":\"none\"}", false},
        /* Refused before any key is looked for. */
        {"{\"alg\":\"ES384\",\"crit\":[\"exp\"]}", false},
        {"{\"alg\":\"ES384\",\"typ\":\"logout+jwt\"}", false},
        {"{\"alg\":[\"ES384\"]}", false},
        {"{\"alg\":\"ES384\"", false},
        {"not json", false},
    };
    struct jwt_issuer symmetric = {.roles_claim = "roles", .keys_count = 1};
    struct jwt_rules rules = {.issuers = &symmetric, .issuers_count = 1};
    struct jwt_issuer both[3] = {symmetric, bench.issuer, symmetric};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (is_slow(&bench.rules, rows[i].header) != rows[i].is_slow)
            fail_msg("%s", rows[i].header);
        rules = (struct jwt_rules){.issuers = both, .issuers_count = 3};
        assert_int_equal(is_slow(&rules, rows[i].header), rows[i].is_slow);
        rules.issuers_count = 1; /* a symmetric row alone is never slow */
        assert_false(is_slow(&rules, rows[i].header));
    }
    assert_false(jwt_is_slow(&bench.rules, VIEW("")));
    assert_false(jwt_is_slow(&bench.rules, VIEW("a.b")));
    assert_false(jwt_is_slow(&bench.rules, VIEW("..")));
    assert_true(is_slow(&bench.rules, "{\"alg\":\"ES384\"}"));
    token.len -= 4; /* there is no signature to verify */
    assert_false(jwt_is_slow(&bench.rules, token_view(&token)));
}

static void without_keys_nothing_is_slow(void **state)
{
    struct jwt_issuer empty = {.roles_claim = "roles"};
    struct jwt_rules rules = {.issuers = &empty, .issuers_count = 1};

    (void)state;
    assert_int_equal(key_source_new(&empty.public_keys, NULL), OK);
    assert_false(is_slow(&rules, "{\"alg\":\"ES384\"}"));
    key_source_free(empty.public_keys);
}

/* The longest header that a token can have still says what it says. */
static void a_long_header_hides_nothing(void **state)
{
    char header[6000] = "{\"alg\":\"ES384\"";

    (void)state;
    for (int i = 0; i < 120; i++) {
        size_t len = strlen(header);

        (void)snprintf(header + len, sizeof(header) - len, ",\"\\u0061%d\":\"%040d\\u0041\"", i, i);
        assert_true(strlen(header) < sizeof(header) - 100 || i == 119);
        if (strlen(header) > 5700)
            break;
    }
    strcat(header, "}");
    assert_true(is_slow(&bench.rules, header));
}

struct asked {
    struct lookup lookup;
    sem_t done;
    unsigned calls;
};

static void on_done(struct lookup *l)
{
    struct asked *a = LINK_ITEM(l, struct asked, lookup);

    a->calls++;
    (void)sem_post(&a->done);
}

static void asked_open(struct asked *a)
{
    memset(a, 0, sizeof(*a));
    a->lookup.done = on_done;
    assert_int_equal(sem_init(&a->done, 0, 0), 0);
}

static void asked_close(struct asked *a, enum auth_verdict verdict, const char *fault)
{
    (void)sem_wait(&a->done);
    assert_int_equal(a->calls, 1);
    assert_int_equal(a->lookup.verdict, verdict);
    assert_string_equal(a->lookup.fault, fault);
    (void)sem_destroy(&a->done);
}

#define ES384_HEADER "{\"alg\":\"ES384\",\"kid\":\"ES384\"}"

static void the_answer_is_the_judges(void **state)
{
    static const struct {
        const char *payload;
        int signer;
        enum auth_verdict verdict;
        const char *fault;
    } rows[] = {
        {GOOD_PAYLOAD, SIGNATURE_ES384, AUTH_OK, "ok"},
        {GOOD_PAYLOAD, SIGNATURE_ES256, AUTH_FAILED, "token_signature"},
        {"{\"sub\":\"alice\",\"exp\":1}", SIGNATURE_ES384, AUTH_EXPIRED, "token_expired"},
        {"{\"sub\":\"alice\"}", SIGNATURE_ES384, AUTH_FAILED, "token_claims"},
    };
    struct outbound *o;

    (void)state;
    assert_int_equal(outbound_start(&o), OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct asked a;
        struct view text =
            public_token(&token, ES384_HEADER, rows[i].payload, &signers[rows[i].signer]);

        asked_open(&a);
        assert_int_equal(jwt_lookup(o, &a.lookup, &bench.rules, text, NOW), OK);
        memset(token.text, 'x', token.len); /* it has been copied */
        asked_close(&a, rows[i].verdict, rows[i].fault);
        assert_string_equal(a.lookup.who.user, rows[i].verdict == AUTH_OK ? "alice" : "");
    }
    outbound_stop(o);
    outbound_free(o);
}

static void the_certificate_comes_along(void **state)
{
    uint8_t certificate[32] = {1, 2, 3, 250};
    struct jwt_rules rules = bench.rules;
    struct outbound *o;
    struct asked a;
    struct view text = public_token(&token, ES384_HEADER,
                                    "{\"sub\":\"alice\",\"exp\":1700000600,\"cnf\":{\"x5t#S256\":"
                                    "\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}",
                                    &signers[SIGNATURE_ES384]);

    (void)state;
    assert_int_equal(outbound_start(&o), OK);
    asked_open(&a);
    assert_int_equal(jwt_lookup(o, &a.lookup, &rules, text, NOW), OK);
    asked_close(&a, AUTH_FAILED, "token_not_bound");
    asked_open(&a);
    rules.certificate_sha256 = certificate;
    assert_int_equal(jwt_lookup(o, &a.lookup, &rules, text, NOW), OK);
    memset(certificate, 0, sizeof(certificate));
    memset(&rules, 0, sizeof(rules));
    asked_close(&a, AUTH_OK, "ok");
    outbound_stop(o);
    outbound_free(o);
}

static void what_is_too_long_is_not_copied_whole(void **state)
{
    static char text[100 * JWT_BYTES_MAX];
    struct outbound *o;
    struct asked a;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(outbound_start(&o), OK);
    asked_open(&a);
    assert_int_equal(jwt_lookup(o, &a.lookup, &bench.rules, view_of(text, sizeof(text)), NOW), OK);
    asked_close(&a, AUTH_FAILED, "token_too_long");
    asked_open(&a);
    assert_int_equal(jwt_lookup(o, &a.lookup, &bench.rules, VIEW(""), NOW), OK);
    asked_close(&a, AUTH_FAILED, "token_malformed");
    outbound_stop(o);
    outbound_free(o);
}

struct stone {
    struct outbound_job job;
    sem_t begun, go;
};

static void wait_for_go(struct outbound_job *job, int status)
{
    struct stone *stone = LINK_ITEM(job, struct stone, job);

    (void)status;
    (void)sem_post(&stone->begun);
    (void)sem_wait(&stone->go);
}

static void a_full_thread_refuses_and_an_ending_one_says_so(void **state)
{
    static struct asked asked[OUTBOUND_JOBS_MAX + 2];
    struct stone stone = {.job.run = wait_for_go};
    unsigned taken = 0;
    struct outbound *o;
    struct view text;

    (void)state;
    text = public_token(&token, ES384_HEADER, GOOD_PAYLOAD, &signers[SIGNATURE_ES384]);
    (void)sem_init(&stone.begun, 0, 0);
    (void)sem_init(&stone.go, 0, 0);
    assert_int_equal(outbound_start(&o), OK);
    assert_int_equal(outbound_post(o, &stone.job), OK);
    (void)sem_wait(&stone.begun);
    for (;; taken++) {
        int rc;

        assert_true(taken < OUTBOUND_JOBS_MAX + 2);
        asked_open(&asked[taken]);
        rc = jwt_lookup(o, &asked[taken].lookup, &bench.rules, text, NOW);
        if (rc == OK)
            continue;
        assert_int_equal(rc, E_FULL);
        assert_int_equal(asked[taken].calls, 0);
        (void)sem_destroy(&asked[taken].done);
        break;
    }
    assert_true(taken >= OUTBOUND_JOBS_MAX - 1);
    (void)sem_post(&stone.go);
    for (unsigned i = 0; i < taken; i++)
        asked_close(&asked[i], AUTH_OK, "ok");
    outbound_stop(o);
    asked_open(&asked[0]);
    assert_int_equal(jwt_lookup(o, &asked[0].lookup, &bench.rules, text, NOW), E_CLOSED);
    assert_int_equal(asked[0].calls, 0);
    (void)sem_destroy(&asked[0].done);
    outbound_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_that_would_be_used_decides),
        cmocka_unit_test(without_keys_nothing_is_slow),
        cmocka_unit_test(a_long_header_hides_nothing),
        cmocka_unit_test(the_answer_is_the_judges),
        cmocka_unit_test(the_certificate_comes_along),
        cmocka_unit_test(what_is_too_long_is_not_copied_whole),
        cmocka_unit_test(a_full_thread_refuses_and_an_ending_one_says_so),
    };

    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
