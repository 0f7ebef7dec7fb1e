/* SPDX-License-Identifier: Apache-2.0 */
/* auth_test.c: verdicts and their words, and the grammar of `Authorization: Bearer`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth/auth.h"
#include "auth/revocation.h"
#include "auth/ticket.h"
#include "base/status.h"
#include "three_ways.h"
#include "token_maker.h"

static enum auth_verdict check(struct bench *b, int kind, const char *payload, struct identity *who,
                               const char **fault)
{
    static struct token t;
    struct auth auth = {.roles = &b->roles, .issuers = &b->issuer, .issuers_count = 1};
    struct credential credential = {.kind = (enum credential_kind)kind};

    token_make(&t, VIEW(HS256_HEADER), view_of_text(payload), &b->issuer.keys[0]);
    credential.token = token_view(&t);
    arena_reset(&b->arena);
    return auth_check(&auth, &credential, NOW, &b->arena, who, fault);
}

static void both_kinds_of_credential_reach_the_tokens(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    for (int kind = 0; kind <= CREDENTIAL_FIRST_MESSAGE; kind++) {
        struct identity who = {.user = "untouched"};
        const char *fault = NULL;

        assert_int_equal(check(&b, kind, "{\"sub\":\"alice\",\"exp\":1}", &who, &fault),
                         AUTH_EXPIRED);
        assert_string_equal(fault, "token_expired");
        assert_int_equal(check(&b, kind, "{\"sub\":\"alice\"}", &who, &fault), AUTH_FAILED);
        assert_string_equal(fault, "token_claims");
        assert_string_equal(who.user, "untouched");
        assert_int_equal(check(&b, kind, "{\"sub\":\"alice\",\"exp\":1700000100}", &who, &fault),
                         AUTH_OK);
        assert_string_equal(who.user, "alice");
        assert_int_equal(check(&b, kind, "{\"sub\":\"alice\",\"exp\":1700000100}", &who, NULL),
                         AUTH_OK);
    }
    bench_close(&b);
}

static void a_revoked_identity_is_refused_whatever_proved_it(void **state)
{
    struct revocation what = {REVOKED_USER, VIEW("alice"), NOW};
    struct identity who = {.user = "untouched"};
    struct revocations *revocations = NULL;
    struct ticket_offer offer = {.ttl_s = 30};
    struct tickets *tickets = NULL;
    char text[TICKET_TEXT_BYTES];
    const char *fault = NULL;
    struct bench b;

    (void)state;
    bench_open(&b);
    assert_int_equal(revocations_new(&revocations, 10, 24 * 60 * 60), OK);
    assert_int_equal(tickets_new(&tickets, 100), OK);
    struct auth auth = {.roles = &b.roles, .tickets = tickets, .revocations = revocations};
    struct credential credential = {.kind = CREDENTIAL_TICKET, .now_ms = 1};

    offer.who = (struct identity){.method = IDENTITY_TICKET,
                                  .user = "alice",
                                  .user_bytes = 5,
                                  .issued_at_s = NOW,
                                  .expires_at_s = NOW + 100};
    assert_int_equal(tickets_issue(tickets, &offer, 1, text), OK);
    credential.token = view_of_text(text);
    assert_int_equal(revocations_add(revocations, &what, NOW), OK);
    assert_int_equal(auth_check(&auth, &credential, NOW, &b.arena, &who, &fault), AUTH_FAILED);
    assert_string_equal(fault, "user_revoked");
    assert_string_equal(who.user, "untouched");
    offer.who.issued_at_s = NOW + 1;
    offer.who.authenticated_at_s = NOW - 50; /* of the login that it was made from */
    assert_int_equal(tickets_issue(tickets, &offer, 1, text), OK);
    assert_int_equal(auth_check(&auth, &credential, NOW + 1, &b.arena, &who, &fault), AUTH_OK);
    assert_string_equal(who.user, "alice");
    assert_int_equal(who.authenticated_at_s, NOW - 50);
    assert_int_equal(auth_check(&auth, &credential, NOW + 1, &b.arena, &who, &fault), AUTH_FAILED);
    assert_string_equal(fault, "ticket_used");
    auth.tickets = NULL;
    assert_int_equal(auth_check(&auth, &credential, NOW, &b.arena, &who, &fault), AUTH_FAILED);
    assert_string_equal(fault, "ticket_unknown");
    tickets_free(tickets);
    revocations_free(revocations);
    bench_close(&b);
}

static void a_kind_out_of_the_table_fails(void **state)
{
    struct bench b;
    struct identity who;
    const char *fault = NULL;

    (void)state;
    bench_open(&b);
    assert_int_equal(
        check(&b, CREDENTIAL_KINDS, "{\"sub\":\"alice\",\"exp\":1700000100}", &who, &fault),
        AUTH_FAILED);
    assert_string_equal(fault, "unknown_method");
    bench_close(&b);
}

static void our_own_shortage_is_not_the_tokens_fault(void **state)
{
    struct bench b;
    struct identity who;
    const char *fault = NULL;

    (void)state;
    bench_open(&b);
    arena_clear(&b.arena);
    arena_init(&b.arena, 64, 100);
    assert_int_equal(
        check(&b, CREDENTIAL_BEARER, "{\"sub\":\"alice\",\"exp\":1700000100}", &who, &fault),
        AUTH_UNAVAILABLE);
    assert_string_equal(fault, "out_of_memory");
    bench_close(&b);
}

static void bearer_values(void **state)
{
    static const struct {
        const char *value, *token; /* NULL: refused */
    } rows[] = {
        {"Bearer abc", "abc"},
        {"bearer a.b-c_d~e+f/g==", "a.b-c_d~e+f/g=="},
        {"BEARER   x", "x"},
        {"Bearer", NULL},
        {"Bearer ", NULL},
        {"Bearer  ", NULL},
        {"", NULL},
        {" Bearer abc", NULL},
        {"Bearer abc ", NULL},
        {"Bearer a b", NULL},
        {"Bearer a,b", NULL},
        {"Bearer\tabc", NULL},
        {"Bearer =", NULL},
        {"Bearer a=b", NULL},
        {"Bearerabc", NULL},
        {"Basic abc", NULL},
        {"Bearer \"abc\"", NULL},
        {"Bearer abc, Bearer def", NULL},
        {"Bearer a\x80", NULL},
        {"Token abc", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct guarded g = guarded_copy(rows[i].value, strlen(rows[i].value));
        struct view token = VIEW("untouched");
        bool is_ok = auth_bearer_parse(view_of(g.data, strlen(rows[i].value)), &token);

        if (is_ok != (rows[i].token != NULL) ||
            !view_eq(token, view_of_text(is_ok ? rows[i].token : "untouched")))
            fail_msg("\"%s\"", rows[i].value);
        guarded_free(&g);
    }
}

static void bearer_takes_no_other_byte(void **state)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/";

    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char value[] = "Bearer a?b";
        struct view token;
        bool is_allowed = byte != 0 && strchr(allowed, (int)byte) != NULL;

        value[8] = (char)byte;
        assert_int_equal(auth_bearer_parse(view_of(value, 10), &token), is_allowed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_of_credential_reach_the_tokens),
        cmocka_unit_test(a_revoked_identity_is_refused_whatever_proved_it),
        cmocka_unit_test(a_kind_out_of_the_table_fails),
        cmocka_unit_test(our_own_shortage_is_not_the_tokens_fault),
        cmocka_unit_test(bearer_values),
        cmocka_unit_test(bearer_takes_no_other_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
