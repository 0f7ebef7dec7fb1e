/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_claims_test.c: the matrix of claims (C-D7, C-D8, C-D9, C-D14): every claim absent, null, of
 * every wrong type, wrong, right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "token_maker.h"

#define EXP "\"exp\":1700000100"
#define SUB "\"sub\":\"alice\""

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

struct row {
    const char *payload;
    enum jwt_fault want;
};

static void run(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        static const struct identity untouched = {.user = "untouched", .expires_at_s = 77};
        struct identity who = untouched;
        enum jwt_fault fault = bench_judge_texts(&b, &who, HS256_HEADER, rows[i].payload);

        if (fault != rows[i].want)
            fail_msg("%s: %s, not %s", rows[i].payload, jwt_fault_text(fault),
                     jwt_fault_text(rows[i].want));
        if (fault != JWT_OK)
            assert_memory_equal(&who, &untouched, sizeof(who));
    }
}

#define RUN(rows) run(rows, sizeof(rows) / sizeof((rows)[0]))

static void a_good_token_fills_the_identity(void **state)
{
    struct identity who;

    (void)state;
    assert_int_equal(bench_judge_texts(&b, &who, HS256_HEADER,
                                       "{" SUB "," EXP ",\"iat\":1699999990,\"nbf\":1699999990,"
                                       "\"jti\":\"t-1\",\"roles\":[\"admin\",\"user\",\"stranger\"]"
                                       ",\"iss\":\"x\",\"more\":{\"a\":[1]}}"),
                     JWT_OK);
    assert_string_equal(who.user, "alice");
    assert_int_equal(who.user_bytes, 5);
    assert_string_equal(who.token_id, "t-1");
    assert_int_equal(who.method, IDENTITY_JWT);
    assert_int_equal(who.roles, 1 | 4);
    assert_int_equal(who.authenticated_at_s, 1699999990);
    assert_int_equal(who.expires_at_s, NOW + 100 + 30);
    assert_int_equal(who.issued_at_s, 1699999990);
}

static void the_instant_of_issue_is_kept_and_0_means_unknown(void **state)
{
    static const struct {
        const char *payload;
        int64_t issued_at_s;
    } rows[] = {{"{" SUB "," EXP "}", 0},
                {"{" SUB "," EXP ",\"iat\":1699999990.9}", 1699999990},
                {"{" SUB "," EXP ",\"iat\":1700000030}", 1700000030},
                {"{" SUB "," EXP ",\"iat\":0}", 1},
                {"{" SUB "," EXP ",\"iat\":-1e300,\"nbf\":5}", 1}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct identity who;

        assert_int_equal(bench_judge_texts(&b, &who, HS256_HEADER, rows[i].payload), JWT_OK);
        assert_int_equal(who.issued_at_s, rows[i].issued_at_s);
    }
}

static void what_is_no_object_or_doubles_a_name_is_refused(void **state)
{
    static const struct row rows[] = {
        {"[]", JWT_CLAIMS},
        {"null", JWT_CLAIMS},
        {"\"x\"", JWT_CLAIMS},
        {"foo", JWT_CLAIMS},
        {"{", JWT_CLAIMS},
        {"{" SUB "," EXP "}{}", JWT_CLAIMS},
        {"{" SUB "," EXP "," SUB "}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"s\\u0075b\":\"bob\"}", JWT_CLAIMS},
        {"{" SUB "," EXP "," EXP "}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"x\":\"\xff\"}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"cnf\":{\"x5t#S256\":\"abc\"}}", JWT_BINDING},
    };

    (void)state;
    RUN(rows);
}

static void the_end_is_required_finite_and_in_time(void **state)
{
    static const struct row rows[] = {
        {"{" SUB "}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":null}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":\"1700000100\"}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":true}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":[1700000100]}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":{}}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":1e400}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":-1e400}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":NaN}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":Infinity}", JWT_CLAIMS},
        {"{" SUB ",\"Exp\":1700000100}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":0}", JWT_EXPIRED},
        {"{" SUB ",\"exp\":-0}", JWT_EXPIRED},
        {"{" SUB ",\"exp\":-1}", JWT_EXPIRED},
        {"{" SUB ",\"exp\":-1e300}", JWT_EXPIRED},
        {"{" SUB ",\"exp\":1699999969}", JWT_EXPIRED},
        {"{" SUB ",\"exp\":1699999970}",
         JWT_EXPIRED}, /* exp + skew is this very second: "on or after" */
        {"{" SUB ",\"exp\":1699999970.999}", JWT_EXPIRED},
        {"{" SUB ",\"exp\":1699999971}", JWT_OK},
        {"{" SUB ",\"exp\":1699999971.5}", JWT_OK},
        {"{" SUB ",\"exp\":1.7000001e9}", JWT_OK},
        {"{" SUB ",\"exp\":1e300}", JWT_OK},
    };

    (void)state;
    RUN(rows);
}

static void an_end_past_all_time_is_cut_to_the_year_9999(void **state)
{
    struct identity who;

    (void)state;
    assert_int_equal(bench_judge_texts(&b, &who, HS256_HEADER, "{" SUB ",\"exp\":1e300}"), JWT_OK);
    assert_int_equal(who.expires_at_s, INT64_C(253402300799) + 30);
    b.issuer.skew_s = 0;
    assert_int_equal(bench_judge_texts(&b, &who, HS256_HEADER, "{" SUB ",\"exp\":1700000000.75}"),
                     JWT_EXPIRED);
    assert_int_equal(bench_judge_texts(&b, &who, HS256_HEADER, "{" SUB ",\"exp\":1700000001.75}"),
                     JWT_OK);
    assert_int_equal(who.expires_at_s, NOW + 1);
}

static void a_token_ends_in_the_very_second_it_says(void **state)
{
    static struct token t;
    struct identity who;

    (void)state;
    token_make(&t, VIEW(HS256_HEADER), VIEW("{" SUB ",\"exp\":1700000000}"), &b.issuer.keys[0]);
    for (int64_t s = -40; s <= 40; s++) {
        enum jwt_fault want = s < 30 ? JWT_OK : JWT_EXPIRED;

        arena_reset(&b.arena);
        assert_int_equal(jwt_verify(&who, &b.rules, token_view(&t), NOW + s, &b.arena), want);
    }
}

static void beginnings_may_be_absent_but_not_ahead(void **state)
{
    static const struct row rows[] = {
        {"{" SUB "," EXP ",\"nbf\":1700000030}", JWT_OK},
        {"{" SUB "," EXP ",\"nbf\":1700000030.5}", JWT_NOT_YET},
        {"{" SUB "," EXP ",\"nbf\":1700000031}", JWT_NOT_YET},
        {"{" SUB "," EXP ",\"nbf\":1e300}", JWT_NOT_YET},
        {"{" SUB "," EXP ",\"nbf\":-5}", JWT_OK},
        {"{" SUB "," EXP ",\"nbf\":null}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"nbf\":\"0\"}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"nbf\":1e999}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"iat\":1700000030}", JWT_OK},
        {"{" SUB "," EXP ",\"iat\":1700000031}", JWT_NOT_YET},
        {"{" SUB "," EXP ",\"iat\":null}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"iat\":false}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"iat\":\"now\"}", JWT_CLAIMS},
    };

    (void)state;
    RUN(rows);
}

static void the_subject_is_required_and_follows_the_grammar(void **state)
{
    static const struct row rows[] = {
        {"{" EXP "}", JWT_SUBJECT},
        {"{" EXP ",\"sub\":null}", JWT_SUBJECT},
        {"{" EXP ",\"sub\":7}", JWT_SUBJECT},
        {"{" EXP ",\"sub\":[\"alice\"]}", JWT_SUBJECT},
        {"{" EXP ",\"sub\":\"\"}", JWT_SUBJECT},
        {"{" EXP ",\"sub\":\"a:b\"}", JWT_SUBJECT},
        {"{" EXP ",\"sub\":\"a*\"}", JWT_SUBJECT},
        {"{" EXP ",\"sub\":\"a b\"}", JWT_SUBJECT},
        {"{" EXP ",\"sub\":\"alice\\u0000\"}", JWT_SUBJECT},
        {"{" EXP ",\"sub\":\"alice\\n\"}", JWT_SUBJECT},
        {"{" EXP ",\"sub\":\"\\u0430lice\"}", JWT_SUBJECT},
        {"{" EXP ",\"sub\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
         JWT_OK},
        {"{" EXP ",\"sub\":\"01234567890123456789012345678901234567890123456789012345678901234\"}",
         JWT_SUBJECT},
        {"{" EXP ",\"sub\":\"a-b_C9\"}", JWT_OK},
    };

    (void)state;
    RUN(rows);
}

static void the_issuer_is_exact(void **state)
{
    static const struct row exact[] = {
        {"{" SUB "," EXP ",\"iss\":\"https://id.test\"}", JWT_OK},
        {"{" SUB "," EXP "}", JWT_ISSUER},
        {"{" SUB "," EXP ",\"iss\":\"https://id.test/\"}", JWT_ISSUER},
        {"{" SUB "," EXP ",\"iss\":\"HTTPS://id.test\"}", JWT_ISSUER},
        {"{" SUB "," EXP ",\"iss\":\"https://id.test\\u0000\"}", JWT_ISSUER},
        {"{" SUB "," EXP ",\"iss\":\"\"}", JWT_ISSUER},
        {"{" SUB "," EXP ",\"iss\":null}", JWT_ISSUER},
        {"{" SUB "," EXP ",\"iss\":[\"https://id.test\"]}", JWT_ISSUER},
        {"{" SUB "," EXP ",\"iss\":{}}", JWT_ISSUER},
    };
    static const struct row unchecked[] = {
        {"{" SUB "," EXP ",\"iss\":\"anyone\"}", JWT_OK},
        {"{" SUB "," EXP "}", JWT_OK},
        {"{" SUB "," EXP ",\"iss\":1}", JWT_ISSUER},
        {"{" SUB "," EXP ",\"iss\":null}", JWT_ISSUER},
    };

    (void)state;
    RUN(unchecked);
    b.issuer.issuer = "https://id.test";
    RUN(exact);
}

static void the_audience_must_hold_us(void **state)
{
    static const struct row exact[] = {
        {"{" SUB "," EXP ",\"aud\":\"gateward\"}", JWT_OK},
        {"{" SUB "," EXP ",\"aud\":[\"other\",\"gateward\"]}", JWT_OK},
        {"{" SUB "," EXP ",\"aud\":[\"gateward\"]}", JWT_OK},
        {"{" SUB "," EXP "}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":null}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":\"\"}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":[]}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":[\"\"]}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":\"other\"}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":\"Gateward\"}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":\"gateward2\"}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":\"gateward other\"}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":[\"gateward\",1]}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":[[\"gateward\"]]}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":{\"gateward\":1}}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":true}", JWT_AUDIENCE},
    };
    static const struct row unchecked[] = {
        {"{" SUB "," EXP "}", JWT_OK},
        {"{" SUB "," EXP ",\"aud\":\"other\"}", JWT_OK},
        {"{" SUB "," EXP ",\"aud\":[]}", JWT_OK},
        {"{" SUB "," EXP ",\"aud\":[1]}", JWT_AUDIENCE},
        {"{" SUB "," EXP ",\"aud\":null}", JWT_AUDIENCE},
    };

    (void)state;
    RUN(unchecked);
    b.issuer.audience = "gateward";
    RUN(exact);
}

static void roles_are_exact_and_strangers_are_dropped(void **state)
{
    static const struct {
        const char *value;
        uint64_t roles;
    } good[] = {
        {"[]", 0},
        {"\"\"", 0},
        {"[\"user\"]", 1},
        {"\"user\"", 1},
        {"\"user admin\"", 5},
        {"\"  user   moderator \"", 3},
        {"[\"user\",\"user\"]", 1},
        {"[\"User\",\"ADMIN\",\"adm\",\"administrator\"]", 0},
        {"[\"user admin\"]", 0},
        {"\"user,admin\"", 0},
        {"\"user\\tadmin\"", 0},
        {"[\"\",\"admin\\u0000\"]", 0},
    };
    static const struct row bad[] = {
        {"{" SUB "," EXP ",\"roles\":null}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"roles\":1}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"roles\":true}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"roles\":{\"admin\":1}}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"roles\":[\"user\",null]}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"roles\":[[\"admin\"]]}", JWT_CLAIMS},
    };
    struct identity who;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char payload[256];

        (void)snprintf(payload, sizeof(payload), "{" SUB "," EXP ",\"roles\":%s}", good[i].value);
        assert_int_equal(bench_judge_texts(&b, &who, HS256_HEADER, payload), JWT_OK);
        if (who.roles != good[i].roles)
            fail_msg("%s: %llx", good[i].value, (unsigned long long)who.roles);
    }
    RUN(bad);
    b.issuer.roles_claim = "https://id.test/roles";
    assert_int_equal(
        bench_judge_texts(&b, &who, HS256_HEADER,
                          "{" SUB "," EXP
                          ",\"roles\":[\"admin\"],\"https://id.test/roles\":\"user\"}"),
        JWT_OK);
    assert_int_equal(who.roles, 1);
}

static void the_token_id_is_a_short_string(void **state)
{
    char payload[512];
    struct identity who;
    static const struct row rows[] = {
        {"{" SUB "," EXP ",\"jti\":null}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"jti\":5}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"jti\":\"a\\u0000b\"}", JWT_CLAIMS},
        {"{" SUB "," EXP ",\"jti\":\"\"}", JWT_OK},
    };

    (void)state;
    RUN(rows);
    for (int len = 128; len <= 129; len++) {
        (void)snprintf(payload, sizeof(payload), "{" SUB "," EXP ",\"jti\":\"%0*d\"}", len, 1);
        assert_int_equal(bench_judge_texts(&b, &who, HS256_HEADER, payload),
                         len == 128 ? JWT_OK : JWT_CLAIMS);
    }
    assert_int_equal(strlen(who.token_id), 128);
}

static void an_expired_token_says_so_only_if_all_else_is_right(void **state)
{
    static const struct row rows[] = {
        {"{" SUB ",\"exp\":1}", JWT_EXPIRED},
        {"{\"sub\":\"a b\",\"exp\":1}", JWT_SUBJECT},
        {"{" SUB ",\"exp\":1,\"roles\":1}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":1,\"jti\":1}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":1,\"iat\":null}", JWT_CLAIMS},
        {"{" SUB ",\"exp\":1,\"aud\":1}", JWT_AUDIENCE},
    };

    (void)state;
    RUN(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_token_fills_the_identity, setup, teardown),
        cmocka_unit_test_setup_teardown(the_instant_of_issue_is_kept_and_0_means_unknown, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_no_object_or_doubles_a_name_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_end_is_required_finite_and_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_past_all_time_is_cut_to_the_year_9999, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_token_ends_in_the_very_second_it_says, setup, teardown),
        cmocka_unit_test_setup_teardown(beginnings_may_be_absent_but_not_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(the_subject_is_required_and_follows_the_grammar, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_issuer_is_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(the_audience_must_hold_us, setup, teardown),
        cmocka_unit_test_setup_teardown(roles_are_exact_and_strangers_are_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(the_token_id_is_a_short_string, setup, teardown),
        cmocka_unit_test_setup_teardown(an_expired_token_says_so_only_if_all_else_is_right, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
