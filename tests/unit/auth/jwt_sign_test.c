/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_sign_test.c: tokens of our own making that our own judge accepts, whatever claims a row
 * reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "token_maker.h"

static int sign(struct buf *out, struct bench *b, struct view user, struct view roles,
                int64_t wall_s, int64_t ttl_s)
{
    struct jwt_grant grant = {.user = user, .roles = roles, .wall_s = wall_s, .ttl_s = ttl_s};

    return jwt_sign(out, &b->issuer.keys[0], &b->issuer, &grant);
}

static void what_we_sign_we_accept(void **state)
{
    static const char *const algorithms[] = {"HS256", "HS384", "HS512"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct bench b;
        struct identity who;
        struct buf out = BUF_INIT(2 * JWT_BYTES_MAX);

        bench_open(&b);
        hmac_key_free(b.issuer.keys[0].hmac);
        assert_int_equal(jwt_key_init_hmac(&b.issuer.keys[0], algorithms[i], i == 1 ? "" : "k\"1",
                                           TEST_SECRET, 64),
                         OK);
        b.issuer.issuer = i == 2 ? NULL : "https://id.test/<a>";
        b.issuer.audience = i == 2 ? NULL : "gate\"ward";
        assert_int_equal(buf_append(&out, "auth:", 5), OK);
        assert_int_equal(sign(&out, &b, VIEW("alice"), VIEW("user  admin"), NOW, 60), OK);
        assert_int_equal(bench_judge(&b, &who, view_of(out.data + 5, out.len - 5)), JWT_OK);
        assert_string_equal(who.user, "alice");
        assert_int_equal(who.roles, 1 | 4);
        assert_int_equal(who.expires_at_s, NOW + 60 + 30);
        assert_int_equal(strlen(who.token_id), 22);
        buf_clear(&out);
        bench_close(&b);
    }
}

static void two_tokens_never_share_an_id(void **state)
{
    struct bench b;
    struct buf out[2] = {BUF_INIT(JWT_BYTES_MAX), BUF_INIT(JWT_BYTES_MAX)};

    (void)state;
    bench_open(&b);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sign(&out[i], &b, VIEW("alice"), VIEW(""), NOW, 60), OK);
    assert_false(view_eq(buf_view(&out[0]), buf_view(&out[1])));
    buf_clear(&out[0]);
    buf_clear(&out[1]);
    bench_close(&b);
}

static void what_we_would_refuse_we_do_not_sign(void **state)
{
    static char long_roles[8192];
    struct bench b;
    struct buf out = BUF_INIT(JWT_BYTES_MAX);
    struct buf tiny = BUF_INIT(40);

    (void)state;
    bench_open(&b);
    memset(long_roles, 'r', sizeof(long_roles));
    assert_int_equal(sign(&out, &b, VIEW("a b"), VIEW(""), NOW, 60), E_INVALID);
    assert_int_equal(sign(&out, &b, VIEW(""), VIEW(""), NOW, 60), E_INVALID);
    assert_int_equal(sign(&out, &b, VIEW("a"), VIEW(""), NOW, 0), E_INVALID);
    assert_int_equal(sign(&out, &b, VIEW("a"), VIEW(""), NOW, -1), E_INVALID);
    assert_int_equal(sign(&out, &b, VIEW("a"), VIEW(""), NOW, INT64_MAX), E_INVALID);
    assert_int_equal(sign(&out, &b, VIEW("a"), VIEW(""), -1, 60), E_INVALID);
    assert_int_equal(sign(&out, &b, VIEW("a"), view_of(long_roles, sizeof(long_roles)), NOW, 60),
                     E_LIMIT);
    assert_int_equal(out.len, 0);
    assert_int_equal(sign(&tiny, &b, VIEW("a"), VIEW(""), NOW, 60), E_LIMIT);
    assert_int_equal(tiny.len, 0);
    buf_clear(&out);
    buf_clear(&tiny);
    bench_close(&b);
}

/* How often `word` stands in the claims. */
static unsigned said(struct view text, const char *word)
{
    char claims[JWT_BYTES_MAX];
    struct view header, payload, rest;
    unsigned count = 0;
    long len;

    (void)view_split(text, '.', &header, &rest);
    (void)view_split(rest, '.', &payload, &rest);
    len = base64url_decode(claims, payload);
    assert_true(len > 0);
    claims[len] = '\0';
    for (const char *at = claims; (at = strstr(at, word)) != NULL; at++)
        count++;
    return count;
}

static void claims_stand_where_the_row_reads_them(void **state)
{
    static const struct {
        const char *user, *roles, *tenant;
    } rows[] = {
        {NULL, "roles", "tenant"},
        {"sub", "groups", "/tenant"},
        {"/sub", "/realm_access/roles", "/realm_access/tenant"},
        {"preferred_username", "https://id.test/roles", "/https:~1~1id.test~1tenant"},
        {"/a/b/user", "/a/roles", "/a/b/c/tenant"},
        {"/~0name/0", "/~0name/1", "x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwt_grant grant = {.user = VIEW("alice"),
                                  .roles = VIEW("user admin"),
                                  .tenant = VIEW("acme"),
                                  .wall_s = NOW,
                                  .ttl_s = 60};
        struct buf out = BUF_INIT(JWT_BYTES_MAX);
        struct identity who;
        struct bench b;

        bench_open(&b);
        b.issuer.user_claim = rows[i].user;
        b.issuer.roles_claim = rows[i].roles;
        b.issuer.tenant_claim = rows[i].tenant;
        assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, &grant), OK);
        assert_int_equal(bench_judge(&b, &who, buf_view(&out)), JWT_OK);
        assert_string_equal(who.user, "alice");
        assert_string_equal(who.tenant, "acme");
        assert_int_equal(who.roles, 1 | 4);
        assert_int_equal(said(buf_view(&out), "\"acme\""), 1);
        assert_int_equal(said(buf_view(&out), "\"admin\""), 1);
        buf_clear(&out);
        bench_close(&b);
    }
}

static void access_tokens_and_scopes(void **state)
{
    struct jwt_grant grant = {
        .user = VIEW("alice"), .scopes = VIEW("chat:read x"), .wall_s = NOW, .ttl_s = 60};
    struct scope_set scopes = {.count = 0};
    struct buf out = BUF_INIT(JWT_BYTES_MAX);
    struct identity who;
    struct bench b;
    uint64_t bit;

    (void)state;
    bench_open(&b);
    assert_int_equal(scope_set_add(&scopes, VIEW("chat:write"), &bit), OK);
    assert_int_equal(scope_set_add(&scopes, VIEW("chat:read"), &bit), OK);
    b.rules.scopes = &scopes;
    b.issuer.issuer = b.issuer.audience = "gateward";
    b.issuer.profile = JWT_PROFILE_RFC9068;
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, &grant), OK);
    assert_int_equal(bench_judge(&b, &who, buf_view(&out)), JWT_OK);
    assert_int_equal(who.scopes, bit);
    buf_clear(&out);
    bench_close(&b);
}

/* Claims in one place, a missing tenant, and claims that only the issuer knows. */
static void what_a_row_would_refuse_is_not_signed_either(void **state)
{
    struct jwt_grant grant = {
        .user = VIEW("alice"), .roles = VIEW("user"), .wall_s = NOW, .ttl_s = 60};
    struct buf out = BUF_INIT(JWT_BYTES_MAX);
    struct bench b;

    (void)state;
    bench_open(&b);
    b.issuer.tenant_claim = "tenant";
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, &grant), E_DENIED);
    grant.tenant = VIEW("a:b");
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, &grant), E_DENIED);
    grant.tenant = VIEW("acme");
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, &grant), OK);
    out.len = 0;
    b.issuer.roles_claim = "tenant";
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, &grant), E_DENIED);
    b.issuer.roles_claim = "/tenant/roles";
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, &grant), E_DENIED);
    b.issuer.roles_claim = "exp";
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, &grant), E_DENIED);
    b.issuer.roles_claim = "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/"
                           "27/28/29/30/31/32/33";
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, &grant), E_DENIED);
    b.issuer.roles_claim = "roles";
    b.issuer.required_claims[b.issuer.required_count++] = "email";
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, &grant), E_DENIED);
    b.issuer.required_count = 0;
    b.issuer.profile = JWT_PROFILE_RFC9068; /* without issuer and audience */
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, &grant), E_DENIED);
    assert_int_equal(out.len, 0);
    buf_clear(&out);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_sign_we_accept),
        cmocka_unit_test(two_tokens_never_share_an_id),
        cmocka_unit_test(what_we_would_refuse_we_do_not_sign),
        cmocka_unit_test(claims_stand_where_the_row_reads_them),
        cmocka_unit_test(access_tokens_and_scopes),
        cmocka_unit_test(what_a_row_would_refuse_is_not_signed_either),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
