/* SPDX-License-Identifier: Apache-2.0 */
/* session_foreign_test.c: cookies and session texts as express-session, connect-redis and Passport
 * write them, and what is none of theirs, against a guard page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "access/scope.h"
#include "auth/session_foreign.h"
#include "base/status.h"
#include "three_ways.h"

#define SID     "4fSQ0Hd5oNq2tVb8rPzA1kLmXyWcEgJu"
#define FIRST   "keyboard cat"
#define SECOND  "the next secret, which is longer than a block of SHA-256 has room for, by a bit"
#define SIGNED  "cLxYNTONkDPI0R3GpDqv6PJsnvF+soU3HlyUcpfpcME"
#define SIGNED2 "E339ejHwTc1efSDrFc0mz3SKiENHwt+G2fa4xhWaCaw"

struct bench {
    struct hmac_key *keys[SESSION_SECRETS_MAX];
    struct role_set roles;
    struct arena arena;
};

static void open_bench(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    assert_int_equal(session_express_key(&b->keys[0], VIEW(FIRST)), OK);
    assert_int_equal(session_express_key(&b->keys[1], VIEW(SECOND)), OK);
    assert_int_equal(session_express_key(&b->keys[1], VIEW("")), E_INVALID);
    assert_int_equal(role_set_add(&b->roles, VIEW("user"), PERMISSION_READ), OK);
    assert_int_equal(role_set_add(&b->roles, VIEW("admin"), PERMISSION_ADMIN), OK);
    arena_init(&b->arena, 16384, SESSION_ARENA_BYTES);
}

static void close_bench(struct bench *b)
{
    hmac_key_free(b->keys[0]);
    hmac_key_free(b->keys[1]);
    arena_clear(&b->arena);
}

static bool takes(const struct bench *b, const char *text, size_t len, const char *expected)
{
    struct guarded g = guarded_copy(text, len);
    char space[SESSION_ID_MAX];
    struct view id = {NULL, 0};
    bool answer = session_express_id(b->keys, view_of(g.data, len), space, &id);

    guarded_free(&g);
    if (answer)
        assert_true(view_eq(id, view_of_text(expected)));
    return answer;
}

static void signed_cookies_give_their_id(void **state)
{
    static const char *const good[] = {
        "s:" SID "." SIGNED, "s%3A" SID ".cLxYNTONkDPI0R3GpDqv6PJsnvF%2BsoU3HlyUcpfpcME",
        "s%3a" SID ".cLxYNTONkDPI0R3GpDqv6PJsnvF%2bsoU3HlyUcpfpcME",
        "s:" SID "." SIGNED2, /* the second secret */
    };
    struct bench b;

    (void)state;
    open_bench(&b);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(takes(&b, good[i], strlen(good[i]), SID));
        for (size_t len = 0; len < strlen(good[i]); len++)
            assert_false(takes(&b, good[i], len, SID));
    }
    hmac_key_free(b.keys[1]);
    b.keys[1] = NULL;
    assert_false(takes(&b, good[3], strlen(good[3]), SID));
    close_bench(&b);
}

/* Published with cookie-signature, and one whose id has dots. */
static void vectors_of_others_hold(void **state)
{
    static const char *const hello = "s:hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI";
    static const char *const dots = "s%3Aa.b.c.J%2FkGnahTy%2BErhFo99igYg03UcWrssjo7SJTzkCIJeiA";
    struct bench b;

    (void)state;
    open_bench(&b);
    assert_false(takes(&b, hello, strlen(hello), "hello"));
    hmac_key_free(b.keys[0]);
    assert_int_equal(session_express_key(&b.keys[0], VIEW("tobiiscool")), OK);
    assert_true(takes(&b, hello, strlen(hello), "hello"));
    assert_true(takes(&b, dots, strlen(dots), "a.b.c"));
    close_bench(&b);
}

static void other_cookies_are_refused(void **state)
{
    static const char *const bad[] = {
        SID,
        SID "." SIGNED,
        "s:" SID,
        "s:" SID ".",
        "s:." SIGNED,
        "j:" SID "." SIGNED,
        "S:" SID "." SIGNED,
        "s:" SID "." SIGNED "=",
        "\"s:" SID "." SIGNED "\"",
        "s:" SID "." SIGNED " ",
        " s:" SID "." SIGNED,
        "s:" SID ".cLxYNTONkDPI0R3GpDqv6PJsnvF-soU3HlyUcpfpcME", /* the other alphabet */
        "s:" SID ".cLxYNTONkDPI0R3GpDqv6PJsnvF+soU3HlyUcpfpcMF", /* the same bytes, other bits */
        "s:5fSQ0Hd5oNq2tVb8rPzA1kLmXyWcEgJu." SIGNED,
        "s%253A" SID "." SIGNED,
        "s%3" SID "." SIGNED,
        "s%zz" SID "." SIGNED,
        "s:" SID "%00." SIGNED,
        "s:" SID "%0a." SIGNED,
        "%",
        "",
    };
    struct bench b;
    char large[2048];

    (void)state;
    open_bench(&b);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(takes(&b, bad[i], strlen(bad[i]), ""));
    memset(large, 'a', sizeof(large));
    memcpy(large, "s:", 2);
    for (size_t len = 250; len < sizeof(large); len += 7) {
        large[len - 44] = '.';
        assert_false(takes(&b, large, len, ""));
        large[len - 44] = 'a';
    }
    close_bench(&b);
}

static void unsigned_ids_have_a_grammar(void **state)
{
    char text[300];

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_true(session_foreign_id_ok(VIEW("AZaz09_.-6789abc")));
    assert_false(session_foreign_id_ok(VIEW("AZaz09_.-6789ab")));
    assert_true(session_foreign_id_ok(view_of(text, 256)));
    assert_false(session_foreign_id_ok(view_of(text, 257)));
    for (unsigned c = 0; c < 256; c++) {
        text[7] = (char)c;
        assert_int_equal(session_foreign_id_ok(view_of(text, 20)),
                         (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                             (c >= 'a' && c <= 'z') || c == '_' || c == '.' || c == '-');
    }
}

/* --- values --- */

static const struct session_shape express = {
    {"/user", "/passport/user"}, "/roles", "/tenant", "/cookie/expires", NULL};

static const char *decode(struct bench *b, struct session_facts *out, const char *text)
{
    struct guarded g = guarded_copy(text, strlen(text));
    const char *fault =
        session_value_decode(out, &express, &b->roles, view_of(g.data, strlen(text)), &b->arena);

    guarded_free(&g);
    return fault;
}

static void values_give_who_is_logged_in(void **state)
{
    static const struct {
        const char *text, *user, *tenant;
        uint64_t roles;
        int64_t ends_at_s;
    } rows[] = {
        {"{\"cookie\":{\"originalMaxAge\":86400000,\"expires\":\"2026-11-22T14:07:12.345Z\","
         "\"httpOnly\":true,\"path\":\"/\"},\"user\":\"ada\",\"roles\":[\"user\",\"other\"]}",
         "ada", "", 1, 1795356432},
        {"{\"cookie\":{\"originalMaxAge\":null,\"expires\":null},\"passport\":{\"user\":42}}", "42",
         "", 0, 0},
        {"{\"user\":null,\"passport\":{\"user\":\"bob\"},\"roles\":\"admin user\"}", "bob", "", 3,
         0},
        {"{\"user\":\"a\",\"roles\":\"admin\",\"tenant\":\"acme\",\"cookie\":{\"expires\":"
         "1795356432345}}",
         "a", "acme", 2, 1795356432},
        {"{\"user\":9007199254740993,\"tenant\":7,\"cookie\":{\"expires\":1795356432}}",
         "9007199254740993", "7", 0, 1795356432},
        {"{\"user\":\"a\",\"roles\":null,\"tenant\":null,\"cookie\":{\"expires\":1795356432.5}}",
         "a", "", 0, 1795356432},
        {"{\"user\":\"a\",\"cookie\":{\"expires\":-5}}", "a", "", 0, 1},
        {"{\"user\":\"a\",\"cookie\":{\"expires\":\"1960-01-01T00:00:00Z\"}}", "a", "", 0, 1},
    };
    struct bench b;

    (void)state;
    open_bench(&b);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct session_facts facts;

        assert_null(decode(&b, &facts, rows[i].text));
        assert_string_equal(facts.who.user, rows[i].user);
        assert_int_equal(facts.who.user_bytes, strlen(rows[i].user));
        assert_string_equal(facts.who.tenant, rows[i].tenant);
        assert_true(facts.who.roles == rows[i].roles);
        assert_true(facts.ends_at_s == rows[i].ends_at_s);
        assert_true(facts.who.scopes == SCOPES_ALL);
        assert_int_equal(facts.who.method, IDENTITY_SESSION);
    }
    close_bench(&b);
}

static void nobody_is_guessed(void **state)
{
    static const struct {
        const char *text, *fault;
    } rows[] = {
        {"{\"cookie\":{\"expires\":null}}", "session_anonymous"},
        {"{}", "session_anonymous"},
        {"{\"user\":null,\"passport\":{}}", "session_anonymous"},
        {"{\"user\":\"\"}", "session_anonymous"},
        {"{\"user\":false}", "session_anonymous"},
        {"{\"user\":true}", "session_user"},
        {"{\"user\":{\"id\":1}}", "session_user"},
        {"{\"user\":[1]}", "session_user"},
        {"{\"user\":1.5}", "session_user"},
        {"{\"user\":1e30}", "session_user"},
        {"{\"user\":\"ada@example.com\"}", "session_user"},
        {"{\"user\":\"a b\"}", "session_user"},
        {"{\"user\":\"a/b\",\"passport\":{\"user\":\"ok\"}}", "session_user"},
        {"{\"user\":\"12345678901234567890123456789012345678901234567890123456789012345\"}",
         "session_user"},
        {"{\"user\":\"a\",\"roles\":[1]}", "session_malformed"},
        {"{\"user\":\"a\",\"roles\":{\"admin\":true}}", "session_malformed"},
        {"{\"user\":\"a\",\"roles\":true}", "session_malformed"},
        {"{\"user\":\"a\",\"tenant\":\"a b\"}", "session_malformed"},
        {"{\"user\":\"a\",\"tenant\":\"123456789012345678901234567890123\"}", "session_malformed"},
        {"{\"user\":\"a\",\"cookie\":{\"expires\":\"tomorrow\"}}", "session_malformed"},
        {"{\"user\":\"a\",\"cookie\":{\"expires\":true}}", "session_malformed"},
        {"{\"user\":\"a\",\"cookie\":{\"expires\":1e300}}", "session_malformed"},
        {"{\"user\":\"a\",\"user\":\"b\"}", "session_malformed"},
        {"\"ada\"", "session_malformed"},
        {"[\"ada\"]", "session_malformed"},
        {"{\"user\":\"a\"} ", NULL},
        {"{\"user\":\"a\"}x", "session_malformed"},
        {"{\"user\":\"a\"", "session_malformed"},
        {"", "session_malformed"},
    };
    struct bench b;

    (void)state;
    open_bench(&b);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct session_facts facts = {.ends_at_s = 99};
        const char *fault = decode(&b, &facts, rows[i].text);

        if (rows[i].fault == NULL) {
            assert_null(fault);
            continue;
        }
        assert_non_null(fault);
        assert_string_equal(fault, rows[i].fault);
        assert_int_equal(facts.ends_at_s, 99);
    }
    close_bench(&b);
}

static void a_value_has_a_ceiling(void **state)
{
    static char text[SESSION_VALUE_MAX + 16];
    struct session_facts facts;
    struct bench b;
    int begin;

    (void)state;
    open_bench(&b);
    memset(text, ' ', sizeof(text));
    begin = snprintf(text, sizeof(text), "{\"user\":\"a\"}");
    text[begin] = ' ';
    assert_null(session_value_decode(&facts, &express, &b.roles, view_of(text, SESSION_VALUE_MAX),
                                     &b.arena));
    assert_string_equal(session_value_decode(&facts, &express, &b.roles,
                                             view_of(text, SESSION_VALUE_MAX + 1), &b.arena),
                        "session_malformed");
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_cookies_give_their_id),
        cmocka_unit_test(vectors_of_others_hold),
        cmocka_unit_test(other_cookies_are_refused),
        cmocka_unit_test(unsigned_ids_have_a_grammar),
        cmocka_unit_test(values_give_who_is_logged_in),
        cmocka_unit_test(nobody_is_guessed),
        cmocka_unit_test(a_value_has_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
