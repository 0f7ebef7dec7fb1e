/* SPDX-License-Identifier: Apache-2.0 */
/* revocation_test.c: who is refused after a revocation, who is not, and what is forgotten when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/revocation.h"
#include "base/status.h"

#define NOW    INT64_C(1800000000)
#define DAY    (24 * 60 * 60)
#define MARGIN 300

static struct role_set roles;

static struct revocations *table(uint32_t max)
{
    struct revocations *r = NULL;

    assert_int_equal(revocations_new(&r, max, DAY), OK);
    return r;
}

static int add(struct revocations *r, enum revoked_kind kind, const char *value, int64_t at_s)
{
    struct revocation what = {kind, view_of_text(value), at_s};

    return revocations_add(r, &what, at_s);
}

static struct identity jwt(const char *user, const char *token_id, int64_t issued_at_s)
{
    struct identity who = {.method = IDENTITY_JWT, .issued_at_s = issued_at_s, .roles = 1};

    memcpy(who.user, user, strlen(user));
    memcpy(who.token_id, token_id, strlen(token_id));
    who.user_bytes = (uint8_t)strlen(user);
    who.authenticated_at_s = NOW;
    return who;
}

static const char *judge(struct revocations *r, struct identity who, int64_t wall_s)
{
    return revocations_judge(r, &who, &roles, wall_s);
}

static void a_user_is_refused_what_was_issued_before(void **state)
{
    struct revocations *r = table(10);

    (void)state;
    assert_int_equal(add(r, REVOKED_USER, "alice", NOW), OK);
    assert_string_equal(judge(r, jwt("alice", "", NOW - 1), NOW), "user_revoked");
    assert_string_equal(judge(r, jwt("alice", "", NOW), NOW), "user_revoked");
    assert_null(judge(r, jwt("alice", "", NOW + 1), NOW + 1));
    assert_null(judge(r, jwt("alic", "", NOW - 1), NOW));
    assert_null(judge(r, jwt("alicee", "", NOW - 1), NOW));
    revocations_free(r);
}

static void a_token_is_refused_by_its_id_alone(void **state)
{
    struct revocations *r = table(10);

    (void)state;
    assert_int_equal(add(r, REVOKED_TOKEN_ID, "t-1", NOW), OK);
    assert_string_equal(judge(r, jwt("alice", "t-1", NOW - 5), NOW), "token_revoked");
    assert_string_equal(judge(r, jwt("bob", "t-1", NOW + 5), NOW + 5), "token_revoked");
    assert_null(judge(r, jwt("alice", "t-2", NOW - 5), NOW));
    assert_null(judge(r, jwt("alice", "", NOW - 5), NOW));
    assert_null(judge(r, jwt("t-1", "", NOW - 5), NOW)); /* kinds do not mix */
    revocations_free(r);
}

static void a_role_is_refused_what_was_issued_before(void **state)
{
    struct revocations *r = table(10);
    struct identity old = jwt("alice", "", NOW - 5), other = jwt("bob", "", NOW - 5);

    (void)state;
    old.roles = 3;
    other.roles = 1;
    assert_int_equal(add(r, REVOKED_ROLE, "admin", NOW), OK);
    assert_string_equal(judge(r, old, NOW), "role_revoked");
    assert_null(judge(r, other, NOW));
    old.issued_at_s = NOW + 1;
    assert_null(judge(r, old, NOW + 1));
    revocations_free(r);
}

static void a_token_without_iat_or_too_old_is_refused(void **state)
{
    struct revocations *r = table(10);
    struct identity asked;

    (void)state;
    assert_string_equal(judge(r, jwt("bob", "", 0), NOW), "issued_at_missing");
    assert_null(judge(r, jwt("bob", "", NOW - DAY), NOW));
    assert_string_equal(judge(r, jwt("bob", "", NOW - DAY - 1), NOW), "token_too_old");
    asked = jwt("bob", "", NOW - 30 * DAY);
    asked.method = IDENTITY_OAUTH2; /* whoever keeps it says that it is good */
    assert_null(judge(r, asked, NOW));
    asked.issued_at_s = asked.authenticated_at_s = 0;
    assert_null(judge(r, asked, NOW));
    assert_int_equal(add(r, REVOKED_USER, "bob", NOW - 10), OK);
    assert_string_equal(judge(r, asked, NOW), "user_revoked");
    revocations_free(r);
}

static void other_ways_to_log_in_count_from_their_login(void **state)
{
    struct revocations *r = table(10);
    struct identity who = jwt("alice", "", 0);

    (void)state;
    who.method = IDENTITY_TICKET;
    assert_int_equal(add(r, REVOKED_USER, "alice", NOW - 1), OK);
    assert_null(judge(r, who, NOW));
    who.authenticated_at_s = NOW - 1;
    assert_string_equal(judge(r, who, NOW), "user_revoked");
    revocations_free(r);
}

static void the_later_instant_counts(void **state)
{
    struct revocations *r = table(10);

    (void)state;
    assert_int_equal(add(r, REVOKED_USER, "alice", NOW), OK);
    assert_int_equal(add(r, REVOKED_USER, "alice", NOW + 10), OK);
    assert_int_equal(add(r, REVOKED_USER, "alice", NOW + 5), OK);
    assert_int_equal(revocations_count(r), 1);
    assert_string_equal(judge(r, jwt("alice", "", NOW + 10), NOW + 10), "user_revoked");
    assert_null(judge(r, jwt("alice", "", NOW + 11), NOW + 11));
    revocations_free(r);
}

static void a_full_table_refuses_until_something_is_pointless(void **state)
{
    struct revocations *r = table(3);
    struct revocation more = {REVOKED_USER, VIEW("dave"), NOW + 10};

    (void)state;
    assert_int_equal(add(r, REVOKED_USER, "alice", NOW), OK);
    assert_int_equal(add(r, REVOKED_USER, "bob", NOW + 1), OK);
    assert_int_equal(add(r, REVOKED_ROLE, "admin", NOW + 2), OK);
    assert_int_equal(revocations_add(r, &more, NOW + 10), E_FULL);
    assert_int_equal(add(r, REVOKED_USER, "alice", NOW + 10), OK); /* known: needs no room */
    assert_string_equal(judge(r, jwt("bob", "", NOW), NOW + 20), "user_revoked");
    /* bob's can be forgotten once any token from before it is refused for its age. */
    more.at_s = NOW + 1 + DAY + MARGIN;
    assert_int_equal(revocations_add(r, &more, more.at_s), E_FULL);
    more.at_s++;
    assert_int_equal(revocations_add(r, &more, more.at_s), OK);
    assert_string_equal(judge(r, jwt("bob", "", NOW), more.at_s), "token_too_old");
    revocations_free(r);
}

static void values_out_of_bounds_are_refused(void **state)
{
    struct revocations *r = table(3);
    static char text[IDENTITY_TOKEN_ID_MAX + 2];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    assert_int_equal(add(r, REVOKED_TOKEN_ID, text, NOW), E_INVALID);
    assert_int_equal(add(r, REVOKED_TOKEN_ID, "", NOW), E_INVALID);
    assert_int_equal(add(r, REVOKED_KINDS, "x", NOW), E_INVALID);
    text[IDENTITY_TOKEN_ID_MAX] = '\0';
    assert_int_equal(add(r, REVOKED_TOKEN_ID, text, NOW), OK);
    assert_string_equal(judge(r, jwt("alice", text, NOW - 1), NOW), "token_revoked");
    revocations_free(r);
}

static bool take(void *context, const struct revocation *what)
{
    int64_t *last = context;

    assert_true(what->at_s >= *last);
    *last = what->at_s;
    return what->at_s < NOW + 30;
}

static void a_walk_goes_by_instant_even_when_the_clock_was_set_back(void **state)
{
    struct revocations *r = table(10);
    int64_t last = 0;

    (void)state;
    assert_int_equal(add(r, REVOKED_USER, "a", NOW + 20), OK);
    assert_int_equal(add(r, REVOKED_USER, "b", NOW), OK);
    assert_int_equal(add(r, REVOKED_USER, "c", NOW + 10), OK);
    assert_int_equal(add(r, REVOKED_USER, "d", NOW + 30), OK);
    assert_int_equal(add(r, REVOKED_USER, "e", NOW + 40), OK);
    revocations_each(r, take, &last);
    assert_int_equal(last, NOW + 30);
    revocations_free(r);
}

static int make_roles(void **state)
{
    (void)state;
    assert_int_equal(role_set_add(&roles, VIEW("user"), PERMISSION_READ), OK);
    assert_int_equal(role_set_add(&roles, VIEW("admin"), PERMISSION_ADMIN), OK);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_refused_what_was_issued_before),
        cmocka_unit_test(a_token_is_refused_by_its_id_alone),
        cmocka_unit_test(a_role_is_refused_what_was_issued_before),
        cmocka_unit_test(a_token_without_iat_or_too_old_is_refused),
        cmocka_unit_test(other_ways_to_log_in_count_from_their_login),
        cmocka_unit_test(the_later_instant_counts),
        cmocka_unit_test(a_full_table_refuses_until_something_is_pointless),
        cmocka_unit_test(values_out_of_bounds_are_refused),
        cmocka_unit_test(a_walk_goes_by_instant_even_when_the_clock_was_set_back),
    };

    return cmocka_run_group_tests(tests, make_roles, NULL);
}
