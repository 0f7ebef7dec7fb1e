/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_test.c: several issuers (C-D18), the order of judgement, memory that runs out, and the words
 * for the log. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "token_maker.h"

#define SECRET_A "A-h1fkNq0bS2vX8yQm4rTz7uJw9eLc5aPd3gVo6"
#define SECRET_B "B-h1fkNq0bS2vX8yQm4rTz7uJw9eLc5aPd3gVo6"

struct two {
    struct jwt_issuer issuers[2];
    struct role_set roles;
    struct jwt_rules rules;
    struct arena arena;
};

static void two_open(struct two *t, const char *issuer_a, const char *issuer_b)
{
    memset(t, 0, sizeof(*t));
    for (int i = 0; i < 2; i++) {
        t->issuers[i] = (struct jwt_issuer){.issuer = i == 0 ? issuer_a : issuer_b,
                                            .roles_claim = "roles",
                                            .skew_s = 30,
                                            .keys_count = 1};
        assert_int_equal(jwt_key_init_hmac(&t->issuers[i].keys[0], "HS256", "same-id",
                                           i == 0 ? SECRET_A : SECRET_B, 40),
                         OK);
    }
    t->rules = (struct jwt_rules){.issuers = t->issuers, .issuers_count = 2, .roles = &t->roles};
    arena_init(&t->arena, 65536, 1024 * 1024);
}

static void two_close(struct two *t)
{
    hmac_key_free(t->issuers[0].keys[0].hmac);
    hmac_key_free(t->issuers[1].keys[0].hmac);
    arena_clear(&t->arena);
}

/* A token that says `iss` (NULL: nothing), signed by the key of row `signer`. */
static enum jwt_fault judge(struct two *t, const char *iss, int signer)
{
    static struct token token;
    struct identity who;
    char payload[256];

    (void)snprintf(payload, sizeof(payload), "{\"sub\":\"alice\",\"exp\":1700000100%s%s%s}",
                   iss != NULL ? ",\"iss\":\"" : "", iss != NULL ? iss : "",
                   iss != NULL ? "\"" : "");
    token_make(&token, VIEW("{\"alg\":\"HS256\",\"kid\":\"same-id\"}"), view_of_text(payload),
               &t->issuers[signer].keys[0]);
    arena_reset(&t->arena);
    return jwt_verify(&who, &t->rules, token_view(&token), NOW, &t->arena);
}

static void one_issuers_key_never_speaks_for_another(void **state)
{
    struct two t;

    (void)state;
    two_open(&t, "https://a.test", "https://b.test");
    assert_int_equal(judge(&t, "https://a.test", 0), JWT_OK);
    assert_int_equal(judge(&t, "https://b.test", 1), JWT_OK);
    assert_int_equal(judge(&t, "https://a.test", 1), JWT_ISSUER);
    assert_int_equal(judge(&t, "https://b.test", 0), JWT_ISSUER);
    assert_int_equal(judge(&t, "https://c.test", 0), JWT_ISSUER);
    assert_int_equal(judge(&t, NULL, 0), JWT_ISSUER);
    two_close(&t);
}

static void a_row_without_issuer_takes_its_own_keys_tokens_alone(void **state)
{
    struct two t;

    (void)state;
    two_open(&t, NULL, "https://b.test");
    assert_int_equal(judge(&t, NULL, 0), JWT_OK);
    assert_int_equal(judge(&t, "https://c.test", 0), JWT_OK);
    assert_int_equal(judge(&t, NULL, 1), JWT_ISSUER);
    assert_int_equal(judge(&t, "https://b.test", 1), JWT_OK);
    two_close(&t);
}

static void two_rows_of_one_secret_are_told_apart_by_issuer(void **state)
{
    struct two t;

    (void)state;
    two_open(&t, "https://a.test", "https://b.test");
    hmac_key_free(t.issuers[1].keys[0].hmac);
    assert_int_equal(jwt_key_init_hmac(&t.issuers[1].keys[0], "HS256", "", SECRET_A, 40), OK);
    assert_int_equal(judge(&t, "https://a.test", 1), JWT_OK);
    assert_int_equal(judge(&t, "https://b.test", 0), JWT_OK);
    assert_int_equal(judge(&t, "https://c.test", 0), JWT_ISSUER);
    two_close(&t);
}

static void without_rows_nobody_comes_in(void **state)
{
    struct bench b;
    struct identity who;

    (void)state;
    bench_open(&b);
    assert_int_equal(
        bench_judge_texts(&b, &who, HS256_HEADER, "{\"sub\":\"alice\",\"exp\":1700000100}"),
        JWT_OK);
    b.rules.issuers_count = 0;
    assert_int_equal(
        bench_judge_texts(&b, &who, HS256_HEADER, "{\"sub\":\"alice\",\"exp\":1700000100}"),
        JWT_ALGORITHM);
    bench_close(&b);
}

static void claims_are_not_read_before_the_signature(void **state)
{
    struct bench b;
    struct identity who;
    static struct token t;

    (void)state;
    bench_open(&b);
    /* Claims that no parser takes: only a signed token gets far enough to hear of it. */
    token_make(&t, VIEW(HS256_HEADER), VIEW("not json"), &b.issuer.keys[0]);
    assert_int_equal(bench_judge(&b, &who, token_view(&t)), JWT_CLAIMS);
    t.text[t.len - 3] = t.text[t.len - 3] == 'A' ? 'B' : 'A';
    assert_int_equal(bench_judge(&b, &who, token_view(&t)), JWT_SIGNATURE);
    bench_close(&b);
}

static void memory_that_runs_out_refuses(void **state)
{
    struct bench b;
    struct identity who;
    static struct token t;
    bool has_worked = false;

    (void)state;
    bench_open(&b);
    token_make(&t, VIEW(HS256_HEADER), VIEW("{\"sub\":\"alice\",\"exp\":1700000100}"),
               &b.issuer.keys[0]);
    for (size_t max = 0; max < 4096; max += 32) {
        struct arena small;
        enum jwt_fault fault;

        arena_init(&small, 1024, max);
        fault = jwt_verify(&who, &b.rules, token_view(&t), NOW, &small);
        assert_true(fault == JWT_OK || (fault == JWT_NO_MEMORY && !has_worked));
        has_worked = fault == JWT_OK;
        arena_clear(&small);
    }
    assert_true(has_worked);
    bench_close(&b);
}

static void every_fault_has_its_own_word(void **state)
{
    (void)state;
    for (int i = JWT_OK; i <= JWT_NO_MEMORY; i++) {
        const char *word = jwt_fault_text((enum jwt_fault)i);

        assert_non_null(word);
        for (const char *c = word; *c != '\0'; c++)
            assert_true(islower((unsigned char)*c) || *c == '_');
        for (int k = JWT_OK; k < i; k++)
            assert_string_not_equal(word, jwt_fault_text((enum jwt_fault)k));
    }
    assert_string_equal(jwt_fault_text(JWT_EXPIRED), "token_expired");
    assert_string_equal(jwt_fault_text((enum jwt_fault)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_issuers_key_never_speaks_for_another),
        cmocka_unit_test(a_row_without_issuer_takes_its_own_keys_tokens_alone),
        cmocka_unit_test(two_rows_of_one_secret_are_told_apart_by_issuer),
        cmocka_unit_test(without_rows_nobody_comes_in),
        cmocka_unit_test(claims_are_not_read_before_the_signature),
        cmocka_unit_test(memory_that_runs_out_refuses),
        cmocka_unit_test(every_fault_has_its_own_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
