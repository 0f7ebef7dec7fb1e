/* SPDX-License-Identifier: Apache-2.0 */
/* channel_name_test.c: the grammar of names and patterns, and that an id never widens what a
 * pattern matches (C-G1). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "access/channel_name.h"
#include "base/status.h"
#include "three_ways.h"

/* Whole against a guard page: a read past the end would fault. */
static bool name_ok(const char *text, size_t len)
{
    struct guarded g = guarded_copy(text, len);
    bool ok = channel_name_ok(view_of(g.data, len));

    guarded_free(&g);
    return ok;
}

static void names_of_the_guide_are_names(void **state)
{
    static const char *const good[] = {"public:chat",
                                       "private:room-7",
                                       "user:user123:messages",
                                       "chat:mod-only",
                                       "admin:logs",
                                       "a",
                                       "a.b:c_d",
                                       "..",
                                       "-:-"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(name_ok(good[i], strlen(good[i])));
}

static void what_is_no_name_is_refused(void **state)
{
    static const char *const bad[] = {"",           ":",   "a:",      ":a",    "a::b", "a b",
                                      "a*",         "#",   "a/b",     "a\n",   "{x}",  "a:+",
                                      "a:\xc3\xa9", "a;b", "T(java)", "$SYS:a"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(name_ok(bad[i], strlen(bad[i])));
    assert_false(name_ok("a\0b", 3));
    assert_false(name_ok("a\0", 2));
}

static void ceilings_of_a_name_are_hit_exactly(void **state)
{
    char text[300];
    size_t i;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_true(name_ok(text, 64));
    assert_false(name_ok(text, 65));
    for (i = 1; i < sizeof(text); i += 2)
        text[i] = ':';
    assert_true(name_ok(text, 31));  /* 16 segments */
    assert_false(name_ok(text, 33)); /* 17 */
    memset(text, 'a', sizeof(text));
    text[60] = text[120] = text[180] = text[240] = ':';
    assert_true(name_ok(text, 256));
    assert_false(name_ok(text, 257));
}

static void a_name_of_a_hundred_thousand_bytes_is_refused_unread(void **state)
{
    /* Only the first page could be read: the check of the length has to come first (C-A25). */
    struct guarded g = guarded_copy("a", 1);

    (void)state;
    assert_false(channel_name_ok(view_of(g.data, 100000)));
    guarded_free(&g);
}

static void split_gives_the_segments(void **state)
{
    struct channel_name name;

    (void)state;
    assert_true(channel_name_split(&name, VIEW("user:alice:messages")));
    assert_int_equal(name.count, 3);
    assert_true(view_eq(name.segments[0], VIEW("user")));
    assert_true(view_eq(name.segments[1], VIEW("alice")));
    assert_true(view_eq(name.segments[2], VIEW("messages")));
}

static struct identity identity_named(const char *user, size_t len)
{
    struct identity who;

    memset(&who, 0, sizeof(who));
    memcpy(who.user, user, len < IDENTITY_USER_MAX ? len : IDENTITY_USER_MAX);
    who.user_bytes = (uint8_t)len;
    return who;
}

static bool matches(const char *pattern, const char *name, const char *user)
{
    struct channel_pattern p;
    struct identity who;

    assert_int_equal(channel_pattern_parse(&p, view_of_text(pattern), NULL), OK);
    if (user == NULL)
        return channel_pattern_match(&p, view_of_text(name), NULL);
    who = identity_named(user, strlen(user));
    return channel_pattern_match(&p, view_of_text(name), &who);
}

static void a_variable_binds_within_its_segment(void **state)
{
    (void)state;
    assert_true(matches("public:chat", "public:chat", NULL));
    assert_false(matches("public:chat", "public:chats", NULL));
    assert_false(matches("public:chat", "public:cha", NULL));
    assert_false(matches("public:chat", "public:chat:x", NULL));
    assert_false(matches("public:chat", "Public:chat", NULL));
    assert_true(matches("private:room-{room_id}", "private:room-7", NULL));
    assert_false(matches("private:room-{room_id}", "private:room-", NULL));
    assert_false(matches("private:room-{room_id}", "private:room-a.b", NULL));
    assert_false(matches("private:room-{room_id}", "private:room-7:x", NULL));
    assert_false(matches("private:room-{room_id}", "private:roomx7", NULL));
    assert_true(matches("a{x}b", "a-b", NULL));
    assert_false(matches("ab{x}ba", "aba", NULL)); /* the two ends may not overlap */
    assert_false(matches("ab{x}ba", "abba", NULL));
    assert_true(matches("ab{x}ba", "abxba", NULL));
    assert_true(matches("a.b:{x}", "a.b:c", NULL));
    assert_false(matches("a.b:{x}", "axb:c", NULL)); /* a dot is a dot (W-18) */
}

static bool matches_tenant(const char *pattern, const char *name, const char *tenant)
{
    struct identity who = {.user = "alice", .user_bytes = 5};
    struct channel_pattern p;
    struct error why;

    (void)snprintf(who.tenant, sizeof(who.tenant), "%s", tenant);
    assert_int_equal(channel_pattern_parse(&p, view_of_text(pattern), &why), OK);
    return channel_pattern_match(&p, view_of_text(name), &who);
}

static void tenant_binds_the_callers_own_alone(void **state)
{
    (void)state;
    assert_true(matches_tenant("{tenant}:room-{room_id}", "acme:room-1", "acme"));
    assert_false(matches_tenant("{tenant}:room-{room_id}", "acme:room-1", "umbrella"));
    assert_false(matches_tenant("{tenant}:room-{room_id}", "acme:room-1", ""));
    assert_false(matches_tenant("{tenant}:room-{room_id}", "Acme:room-1", "acme"));
    assert_false(matches_tenant("{tenant}:room-{room_id}", "acme2:room-1", "acme"));
    assert_true(matches_tenant("{tenant}:{user_id}:{tenant}", "acme:alice:acme", "acme"));
    assert_false(matches_tenant("{tenant}:{user_id}:{tenant}", "acme:alice:umbrella", "acme"));
    assert_false(matches_tenant("{tenant}:{user_id}", "acme:bob", "acme"));
    assert_false(matches("{tenant}", "acme", NULL));
}

static void user_id_binds_the_caller_alone(void **state)
{
    (void)state;
    assert_true(matches("user:{user_id}:messages", "user:alice:messages", "alice"));
    assert_false(matches("user:{user_id}:messages", "user:alice:messages", "bob"));
    assert_false(matches("user:{user_id}:messages", "user:alice:messages", NULL));
    assert_false(matches("user:{user_id}:messages", "user:Alice:messages", "alice"));
    assert_false(matches("user:{user_id}:messages", "user:alice2:messages", "alice"));
    assert_false(matches("user:{user_id}:messages", "user:alic:messages", "alice"));
    assert_true(matches("dm-{user_id}.in", "dm-alice.in", "alice"));
    assert_true(matches("{user_id}:{user_id}", "alice:alice", "alice"));
    assert_false(matches("{user_id}:{user_id}", "alice:bob", "alice"));
}

/* C-G1: with ids that login would never let through, the pattern still matches nobody. */
static void hostile_ids_never_widen(void **state)
{
    static const char *const ids[] = {"*",          "#",         "+",        "a:b",
                                      "{x}",        "{user_id}", "..",       ".",
                                      "",           "e\xcc\x81", "\xc3\xa9", "alice:messages",
                                      "*:messages", "a.b",       "%2a"};
    static const char *const names[] = {"user:alice:messages",    "user:*:messages",
                                        "user:#:messages",        "user:+:messages",
                                        "user:a:b:messages",      "user:{x}:messages",
                                        "user:..:messages",       "user:.:messages",
                                        "user::messages",         "user:a.b:messages",
                                        "user:\xc3\xa9:messages", "user:{user_id}:messages",
                                        "user:%2a:messages",      "user:alice:messages:messages"};
    size_t i, n;

    (void)state;
    for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        for (n = 0; n < sizeof(names) / sizeof(names[0]); n++)
            assert_false(matches("user:{user_id}:messages", names[n], ids[i]));
    }
    assert_false(matches("user:{user_id}:messages", "user:alice:messages", "ALICE"));
}

static void an_id_longer_than_its_field_is_not_read(void **state)
{
    struct channel_pattern p;
    struct identity *who = calloc(1, sizeof(*who));
    char name[256];

    (void)state;
    assert_non_null(who);
    assert_int_equal(channel_pattern_parse(&p, VIEW("u:{user_id}"), NULL), OK);
    memset(who->user, 'x', IDENTITY_USER_MAX);
    who->user_bytes = 255;
    memset(name, 'x', sizeof(name));
    memcpy(name, "u:", 2);
    assert_false(channel_pattern_match(&p, view_of(name, 66), who));
    assert_false(channel_pattern_match(&p, view_of(name, 256), who));
    free(who);
}

static void faulty_patterns_are_refused_with_a_reason(void **state)
{
    static const char *const bad[] = {
        "",       ":",       "a:",      "a::b",
        "{",      "{}",      "{x",      "x}",
        "{x}{y}", "{x}-{y}", "{X}",     "{1}",
        "{x y}",  "{x-y}",   "*",       "a:*",
        "#",      "a:+",     "{x}:{x}", "a{x}:b{x}",
        "a b",    "a\n",     "{{x}}",   "{x}}",
        "a:{x}*", "a/{x}",   "{_x}",    "{abcdefghijklmnopqrstuvwxyz0123456}"};
    struct channel_pattern p;
    struct error why;
    size_t i;

    (void)state;
    memset(&p, 0x5a, sizeof(p));
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(&why, 0, sizeof(why));
        assert_int_equal(channel_pattern_parse(&p, view_of_text(bad[i]), &why), E_INVALID);
        assert_true(strlen(why.text) > 20);
        assert_int_equal(p.count, 0x5a5a5a5a); /* outputs are written only on success */
    }
}

static void ceilings_of_a_pattern_are_hit_exactly(void **state)
{
    struct channel_pattern p;
    char text[512];
    size_t i;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(channel_pattern_parse(&p, view_of(text, 64), NULL), OK);
    assert_int_equal(channel_pattern_parse(&p, view_of(text, 65), NULL), E_INVALID);
    memcpy(text + 63, "{x}", 3);
    assert_int_equal(channel_pattern_parse(&p, view_of(text, 66), NULL), OK); /* 63 + 1 */
    memcpy(text + 63, "a{x}", 4);
    assert_int_equal(channel_pattern_parse(&p, view_of(text, 67), NULL), E_INVALID);
    for (i = 0; i < sizeof(text); i++)
        text[i] = i % 2 == 0 ? 'a' : ':';
    assert_int_equal(channel_pattern_parse(&p, view_of(text, 31), NULL), OK);
    assert_int_equal(channel_pattern_parse(&p, view_of(text, 33), NULL), E_INVALID);
    memset(text, 'a', sizeof(text));
    text[60] = text[120] = text[180] = text[240] = ':';
    assert_int_equal(channel_pattern_parse(&p, view_of(text, 256), NULL), OK);
    assert_int_equal(channel_pattern_parse(&p, view_of(text, 257), NULL), E_INVALID);
}

static void a_pattern_is_read_to_its_last_byte_and_no_further(void **state)
{
    static const char *const texts[] = {"a:{x}",    "a:{x", "a:{", "a:", "room-{room_id}.x",
                                        "{user_id}"};
    struct channel_pattern p;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct guarded g = guarded_copy(texts[i], strlen(texts[i]));
        int whole = channel_pattern_parse(&p, view_of_text(texts[i]), NULL);

        assert_int_equal(channel_pattern_parse(&p, view_of(g.data, strlen(texts[i])), NULL), whole);
        guarded_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_guide_are_names),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(ceilings_of_a_name_are_hit_exactly),
        cmocka_unit_test(a_name_of_a_hundred_thousand_bytes_is_refused_unread),
        cmocka_unit_test(split_gives_the_segments),
        cmocka_unit_test(a_variable_binds_within_its_segment),
        cmocka_unit_test(tenant_binds_the_callers_own_alone),
        cmocka_unit_test(user_id_binds_the_caller_alone),
        cmocka_unit_test(hostile_ids_never_widen),
        cmocka_unit_test(an_id_longer_than_its_field_is_not_read),
        cmocka_unit_test(faulty_patterns_are_refused_with_a_reason),
        cmocka_unit_test(ceilings_of_a_pattern_are_hit_exactly),
        cmocka_unit_test(a_pattern_is_read_to_its_last_byte_and_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
