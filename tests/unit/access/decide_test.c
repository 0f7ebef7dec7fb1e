/* SPDX-License-Identifier: Apache-2.0 */
/* decide_test.c: the guide's examples, each reason once, and a million random questions against an
 * oracle that shares no code with the room: it works on the texts of patterns and names (C-G3,
 * SC-50). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "access/decide.h"
#include "base/status.h"

#define MODEL_QUESTIONS 1000000
#define RULES_MAX       8
#define NOW             1800000000

enum { GUEST = 1, USER = 2, MODERATOR = 4, ADMIN = 8 };

struct fixture {
    struct access_policy policy;
    struct access_rule rules[RULES_MAX];
};

static void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->policy.rules = f->rules;
    assert_int_equal(role_set_add(&f->policy.roles, VIEW("guest"), PERMISSION_READ), OK);
    assert_int_equal(
        role_set_add(&f->policy.roles, VIEW("user"), PERMISSION_READ | PERMISSION_WRITE), OK);
    assert_int_equal(role_set_add(&f->policy.roles, VIEW("moderator"),
                                  PERMISSION_READ | PERMISSION_WRITE | PERMISSION_MODERATE),
                     OK);
    assert_int_equal(role_set_add(&f->policy.roles, VIEW("admin"), 15), OK);
}

static struct access_rule *rule_add(struct fixture *f, const char *pattern, uint64_t allow,
                                    uint64_t deny)
{
    struct access_rule *rule = &f->rules[f->policy.rules_count];

    assert_true(f->policy.rules_count < RULES_MAX);
    assert_int_equal(channel_pattern_parse(&rule->pattern, view_of_text(pattern), NULL), OK);
    rule->allow = allow;
    rule->has_allow = allow != 0;
    rule->deny = deny;
    rule->needs[ACTION_SUBSCRIBE] = PERMISSION_READ;
    rule->needs[ACTION_PUBLISH] = PERMISSION_WRITE;
    rule->needs[ACTION_PRESENCE] = rule->needs[ACTION_HISTORY] = PERMISSION_READ;
    rule->needs[ACTION_MODERATE] = PERMISSION_MODERATE;
    rule->line = 10 + (int)f->policy.rules_count;
    f->policy.rules_count++;
    return rule;
}

static struct identity person(const char *user, uint64_t roles)
{
    struct identity who;

    memset(&who, 0, sizeof(who));
    who.user_bytes = (uint8_t)strlen(user);
    memcpy(who.user, user, strlen(user));
    who.method = IDENTITY_JWT;
    who.roles = roles;
    who.scopes = SCOPES_ALL;
    who.authenticated_at_s = NOW;
    return who;
}

/* Asks with and without the index; both must agree in every field. */
static struct access_answer ask(struct fixture *f, const struct identity *who, const char *channel,
                                enum action action)
{
    struct access_question asked = {who, view_of_text(channel), action, NOW};
    struct access_answer linear, indexed;
    bool linear_ok, indexed_ok;

    linear_ok = access_decide(&f->policy, &asked, &linear);
    assert_int_equal(access_policy_build(&f->policy), OK);
    indexed_ok = access_decide(&f->policy, &asked, &indexed);
    access_policy_clear(&f->policy);
    assert_int_equal(linear_ok, indexed_ok);
    assert_int_equal(linear.reason, indexed.reason);
    assert_ptr_equal(linear.rule, indexed.rule);
    assert_true(linear.role == indexed.role);
    assert_int_equal(linear.needed, indexed.needed);
    assert_true(linear.scopes == indexed.scopes);
    assert_int_equal(linear_ok, linear.reason == ACCESS_ALLOWED);
    return linear;
}

static void actions_have_names(void **state)
{
    enum action a = ACTION_PUBLISH;

    (void)state;
    assert_true(action_from_text(VIEW("subscribe"), &a));
    assert_int_equal(a, ACTION_SUBSCRIBE);
    assert_true(action_from_text(VIEW("publish"), &a));
    assert_int_equal(a, ACTION_PUBLISH);
    assert_false(action_from_text(VIEW("Publish"), &a));
    assert_false(action_from_text(VIEW("pub"), &a));
    assert_false(action_from_text(view_of("publish\0", 8), &a));
    assert_string_equal(action_text(ACTION_SUBSCRIBE), "subscribe");
    for (unsigned i = 0; i < ACTION_COUNT; i++) {
        assert_true(action_from_text(view_of_text(action_text((enum action)i)), &a));
        assert_int_equal(a, i);
    }
    assert_string_equal(action_text((enum action)7), "unknown action");
}

static void the_examples_of_the_guide_come_out_as_printed(void **state)
{
    struct identity user123 = person("user123", USER), admin789 = person("admin789", ADMIN);
    struct identity mod456 = person("mod456", MODERATOR), guest = person("guest1", GUEST);
    struct access_rule *stats;
    struct fixture f;

    (void)state;
    fixture_init(&f);
    rule_add(&f, "public:chat", 0, 0);
    rule_add(&f, "private:room-{room_id}", 0, 0);
    rule_add(&f, "user:{user_id}:messages", 0, 0);
    rule_add(&f, "chat:general", USER | MODERATOR | ADMIN, 0);
    rule_add(&f, "chat:mod-only", MODERATOR | ADMIN, GUEST);
    stats = rule_add(&f, "admin:stats", ADMIN, 0);
    stats->needs[ACTION_SUBSCRIBE] = stats->needs[ACTION_PUBLISH] = PERMISSION_ADMIN;

    assert_int_equal(ask(&f, &user123, "chat:general", ACTION_PUBLISH).reason, ACCESS_ALLOWED);
    assert_int_equal(ask(&f, &user123, "admin:stats", ACTION_SUBSCRIBE).reason,
                     ACCESS_ROLE_NOT_ALLOWED);
    assert_int_equal(ask(&f, &admin789, "admin:stats", ACTION_PUBLISH).reason, ACCESS_ALLOWED);
    assert_int_equal(ask(&f, &user123, "public:chat", ACTION_SUBSCRIBE).reason, ACCESS_ALLOWED);
    assert_int_equal(ask(&f, &user123, "user:user123:messages", ACTION_PUBLISH).reason,
                     ACCESS_ALLOWED);
    assert_int_equal(ask(&f, &user123, "user:mod456:messages", ACTION_SUBSCRIBE).reason,
                     ACCESS_NO_RULE);
    assert_int_equal(ask(&f, &mod456, "chat:mod-only", ACTION_PUBLISH).reason, ACCESS_ALLOWED);
    assert_int_equal(ask(&f, &guest, "chat:mod-only", ACTION_SUBSCRIBE).reason, ACCESS_ROLE_DENIED);
    assert_int_equal(ask(&f, &guest, "public:chat", ACTION_SUBSCRIBE).reason, ACCESS_ALLOWED);
    assert_int_equal(ask(&f, &guest, "public:chat", ACTION_PUBLISH).reason, ACCESS_NO_PERMISSION);
    assert_int_equal(ask(&f, &guest, "public:chat", ACTION_PUBLISH).needed, PERMISSION_WRITE);
    assert_int_equal(ask(&f, &guest, "undefined:channel", ACTION_SUBSCRIBE).reason, ACCESS_NO_RULE);
}

static void each_action_asks_for_its_own_permission(void **state)
{
    struct identity guest = person("gus", GUEST), user = person("bob", USER);
    struct identity moderator = person("mo", MODERATOR);
    struct access_rule *rule;
    struct fixture f;

    (void)state;
    fixture_init(&f);
    rule = rule_add(&f, "a", 0, 0);
    assert_int_equal(ask(&f, &guest, "a", ACTION_PRESENCE).reason, ACCESS_ALLOWED);
    assert_int_equal(ask(&f, &guest, "a", ACTION_HISTORY).reason, ACCESS_ALLOWED);
    assert_int_equal(ask(&f, &user, "a", ACTION_MODERATE).reason, ACCESS_NO_PERMISSION);
    assert_int_equal(ask(&f, &user, "a", ACTION_MODERATE).needed, PERMISSION_MODERATE);
    assert_int_equal(ask(&f, &moderator, "a", ACTION_MODERATE).reason, ACCESS_ALLOWED);
    rule->needs[ACTION_HISTORY] = PERMISSION_ADMIN;
    rule->scopes[ACTION_PRESENCE] = 2;
    assert_int_equal(ask(&f, &moderator, "a", ACTION_HISTORY).reason, ACCESS_NO_PERMISSION);
    assert_int_equal(ask(&f, &user, "a", ACTION_SUBSCRIBE).reason, ACCESS_ALLOWED);
    user.scopes = 1;
    assert_int_equal(ask(&f, &user, "a", ACTION_PRESENCE).reason, ACCESS_NO_SCOPE);
    /* One narrower rule takes moderation away; the right elsewhere does not bring it back. */
    rule_add(&f, "{x}", ADMIN, 0);
    assert_int_equal(ask(&f, &moderator, "a", ACTION_MODERATE).reason, ACCESS_ROLE_NOT_ALLOWED);
}

static void without_rules_or_identity_the_answer_is_no(void **state)
{
    struct identity admin = person("root", ADMIN), nobody;
    struct access_question asked = {&admin, VIEW("a"), ACTION_SUBSCRIBE, NOW};
    struct access_policy empty;
    struct access_answer answer;
    struct fixture f;

    (void)state;
    memset(&empty, 0, sizeof(empty));
    memset(&nobody, 0, sizeof(nobody));
    assert_false(access_decide(&empty, &asked, NULL));
    assert_int_equal(access_policy_build(&empty), OK);
    assert_false(access_decide(&empty, &asked, &answer));
    assert_int_equal(answer.reason, ACCESS_NO_RULE);
    access_policy_clear(&empty);
    access_policy_clear(&empty);
    fixture_init(&f);
    rule_add(&f, "a", 0, 0);
    rule_add(&f, "u:{user_id}", 0, 0);
    assert_int_equal(ask(&f, NULL, "a", ACTION_SUBSCRIBE).reason, ACCESS_NO_IDENTITY);
    assert_int_equal(ask(&f, &nobody, "a", ACTION_SUBSCRIBE).reason, ACCESS_NO_PERMISSION);
    assert_int_equal(ask(&f, &nobody, "u:a", ACTION_SUBSCRIBE).reason, ACCESS_NO_RULE);
    assert_int_equal(ask(&f, &admin, "a:", ACTION_SUBSCRIBE).reason, ACCESS_BAD_CHANNEL);
    assert_int_equal(ask(&f, &admin, "", ACTION_SUBSCRIBE).reason, ACCESS_BAD_CHANNEL);
    assert_int_equal(ask(&f, &admin, "a", ACTION_COUNT).reason, ACCESS_NO_PERMISSION);
    assert_int_equal(ask(&f, &admin, "a", (enum action) - 1).reason, ACCESS_NO_PERMISSION);
}

static void a_rule_without_needs_refuses_everyone(void **state)
{
    struct identity admin = person("root", ADMIN);
    struct fixture f;

    (void)state;
    fixture_init(&f);
    rule_add(&f, "a", 0, 0)->needs[ACTION_PUBLISH] = 0;
    assert_int_equal(ask(&f, &admin, "a", ACTION_SUBSCRIBE).reason, ACCESS_ALLOWED);
    assert_int_equal(ask(&f, &admin, "a", ACTION_PUBLISH).reason, ACCESS_NO_PERMISSION);
}

static void deny_beats_allow_within_a_rule_and_across_rules(void **state)
{
    struct identity both = person("eve", USER | GUEST), user = person("bob", USER);
    struct access_answer answer;
    struct fixture f;

    (void)state;
    fixture_init(&f);
    rule_add(&f, "a:{x}", USER, 0);
    rule_add(&f, "a:b", ADMIN, 0);
    rule_add(&f, "a:{y}", 0, GUEST | MODERATOR);
    answer = ask(&f, &both, "a:c", ACTION_PUBLISH);
    assert_int_equal(answer.reason, ACCESS_ROLE_DENIED);
    assert_ptr_equal(answer.rule, &f.rules[2]);
    assert_int_equal(answer.role, GUEST);
    /* rules[1] refuses earlier in the list, but a denial outranks it. */
    assert_int_equal(ask(&f, &both, "a:b", ACTION_PUBLISH).reason, ACCESS_ROLE_DENIED);
    /* A narrower rule can only take away: rules[0] and [2] would let bob in. */
    answer = ask(&f, &user, "a:b", ACTION_SUBSCRIBE);
    assert_int_equal(answer.reason, ACCESS_ROLE_NOT_ALLOWED);
    assert_ptr_equal(answer.rule, &f.rules[1]);
    answer = ask(&f, &user, "a:c", ACTION_SUBSCRIBE);
    assert_int_equal(answer.reason, ACCESS_ALLOWED);
    assert_ptr_equal(answer.rule, &f.rules[0]);
}

static void an_empty_allow_list_restricts_no_role(void **state)
{
    struct identity user = person("bob", USER), guest = person("gus", GUEST);
    struct fixture f;

    (void)state;
    fixture_init(&f);
    rule_add(&f, "a", 0, 0)->has_allow = true;
    assert_int_equal(ask(&f, &user, "a", ACTION_PUBLISH).reason, ACCESS_ALLOWED);
    assert_int_equal(ask(&f, &guest, "a", ACTION_PUBLISH).reason, ACCESS_NO_PERMISSION);
}

/* Two tenants, both verbs, every channel of the other: nothing leaks (C-G6). */
static void two_tenants_never_meet(void **state)
{
    struct identity a = person("tenant-a", USER), b = person("tenant-b", USER);
    char own[80], other[80];
    struct fixture f;
    int i;

    (void)state;
    fixture_init(&f);
    rule_add(&f, "t:{user_id}:{room_id}", USER, 0);
    rule_add(&f, "t-{user_id}:log", USER, 0);
    for (i = 0; i < 1000; i++) {
        enum action action = i % 2 == 0 ? ACTION_SUBSCRIBE : ACTION_PUBLISH;

        (void)snprintf(own, sizeof(own), "t:tenant-a:room%d", i);
        (void)snprintf(other, sizeof(other), "t:tenant-b:room%d", i);
        assert_int_equal(ask(&f, &a, own, action).reason, ACCESS_ALLOWED);
        assert_int_equal(ask(&f, &b, own, action).reason, ACCESS_NO_RULE);
        assert_int_equal(ask(&f, &b, other, action).reason, ACCESS_ALLOWED);
        assert_int_equal(ask(&f, &a, other, action).reason, ACCESS_NO_RULE);
    }
    assert_int_equal(ask(&f, &b, "t-tenant-a:log", ACTION_SUBSCRIBE).reason, ACCESS_NO_RULE);
}

static void each_action_asks_for_its_scopes(void **state)
{
    struct identity who = person("bob", USER);
    struct access_answer answer;
    struct fixture f;

    (void)state;
    fixture_init(&f);
    rule_add(&f, "a", 0, 0)->scopes[ACTION_PUBLISH] = 5;
    assert_int_equal(ask(&f, &who, "a", ACTION_PUBLISH).reason, ACCESS_ALLOWED);
    who.scopes = 7;
    assert_int_equal(ask(&f, &who, "a", ACTION_PUBLISH).reason, ACCESS_ALLOWED);
    who.scopes = 3;
    answer = ask(&f, &who, "a", ACTION_PUBLISH);
    assert_int_equal(answer.reason, ACCESS_NO_SCOPE);
    assert_int_equal(answer.scopes, 4);
    assert_int_equal(ask(&f, &who, "a", ACTION_SUBSCRIBE).reason, ACCESS_ALLOWED);
    who.scopes = 0;
    assert_int_equal(ask(&f, &who, "a", ACTION_PUBLISH).scopes, 5);
    /* Scopes only take away: all of them make no guest a writer. */
    who = person("gus", GUEST);
    assert_int_equal(ask(&f, &who, "a", ACTION_PUBLISH).reason, ACCESS_NO_PERMISSION);
}

static void a_login_may_be_exactly_as_old_as_the_rule_says(void **state)
{
    static const struct {
        int64_t authenticated_at_s;
        enum access_reason reason;
    } cases[] = {{NOW, ACCESS_ALLOWED},           {NOW + 30, ACCESS_ALLOWED},
                 {INT64_MAX, ACCESS_ALLOWED},     {NOW - 60, ACCESS_ALLOWED},
                 {NOW - 61, ACCESS_AUTH_TOO_OLD}, {1, ACCESS_AUTH_TOO_OLD},
                 {0, ACCESS_AUTH_TOO_OLD},        {-1, ACCESS_AUTH_TOO_OLD},
                 {INT64_MIN, ACCESS_AUTH_TOO_OLD}};
    struct identity who = person("bob", USER);
    struct fixture f;

    (void)state;
    fixture_init(&f);
    rule_add(&f, "a", 0, 0)->max_auth_age_s = 60;
    rule_add(&f, "b", 0, 0)->max_auth_age_s = UINT32_MAX;
    rule_add(&f, "c", 0, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        who.authenticated_at_s = cases[i].authenticated_at_s;
        assert_int_equal(ask(&f, &who, "a", ACTION_SUBSCRIBE).reason, cases[i].reason);
        assert_int_equal(ask(&f, &who, "a", ACTION_PUBLISH).reason, cases[i].reason);
        assert_int_equal(ask(&f, &who, "b", ACTION_PUBLISH).reason,
                         who.authenticated_at_s > 0 ? ACCESS_ALLOWED : ACCESS_AUTH_TOO_OLD);
        assert_int_equal(ask(&f, &who, "c", ACTION_PUBLISH).reason, ACCESS_ALLOWED);
    }
}

/* "Log in again" must never stand for a channel that a new login would not open. */
static void an_old_login_is_told_only_where_nothing_else_refuses(void **state)
{
    struct identity guest = person("gus", GUEST), user = person("bob", USER);
    struct access_answer answer;
    struct fixture f;
    int i;

    (void)state;
    for (i = 0; i < 2; i++) { /* the rule of the age before and after the others */
        fixture_init(&f);
        if (i == 0)
            rule_add(&f, "{x}:{y}", 0, 0)->max_auth_age_s = 60;
        rule_add(&f, "a:allow", ADMIN, 0)->max_auth_age_s = 60;
        rule_add(&f, "a:deny", 0, USER)->max_auth_age_s = 60;
        rule_add(&f, "a:scope", 0, 0)->scopes[ACTION_SUBSCRIBE] = 2;
        rule_add(&f, "a:{y}", 0, 0);
        if (i == 1)
            rule_add(&f, "{x}:{y}", 0, 0)->max_auth_age_s = 60;
        guest.authenticated_at_s = user.authenticated_at_s = NOW - 61;
        user.scopes = 1;
        assert_int_equal(ask(&f, &user, "a:allow", ACTION_SUBSCRIBE).reason,
                         ACCESS_ROLE_NOT_ALLOWED);
        assert_int_equal(ask(&f, &user, "a:deny", ACTION_SUBSCRIBE).reason, ACCESS_ROLE_DENIED);
        assert_int_equal(ask(&f, &user, "a:scope", ACTION_SUBSCRIBE).reason, ACCESS_NO_SCOPE);
        assert_int_equal(ask(&f, &guest, "a:b", ACTION_PUBLISH).reason, ACCESS_NO_PERMISSION);
        assert_int_equal(ask(&f, &user, "a", ACTION_SUBSCRIBE).reason, ACCESS_NO_RULE);
        answer = ask(&f, &user, "a:b", ACTION_PUBLISH);
        assert_int_equal(answer.reason, ACCESS_AUTH_TOO_OLD);
        assert_ptr_equal(answer.rule, &f.rules[i == 0 ? 0 : 4]);
        user.authenticated_at_s = NOW;
        assert_int_equal(ask(&f, &user, "a:b", ACTION_PUBLISH).reason, ACCESS_ALLOWED);
    }
}

static void each_reason_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int i = ACCESS_ALLOWED; i <= ACCESS_AUTH_TOO_OLD; i++)
        for (int k = ACCESS_ALLOWED; k < i; k++)
            assert_string_not_equal(access_reason_text((enum access_reason)i),
                                    access_reason_text((enum access_reason)k));
    assert_string_equal(access_reason_text(ACCESS_NO_SCOPE), "no_scope");
    assert_string_equal(access_reason_text(ACCESS_AUTH_TOO_OLD), "reauth_required");
}

/* ---- the oracle: texts only, one question at a time, nothing shared with the room ---- */

struct oracle_rule {
    char pattern[64];
    uint64_t allow, deny;
    unsigned needs[ACTION_COUNT], scopes[ACTION_COUNT], max_age;
};

static bool oracle_id_byte(char c)
{
    return c != '\0' &&
           strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", c) != NULL;
}

static bool oracle_name_ok(const char *name)
{
    int colons = 0, run = 0;
    size_t i;

    if (name[0] == '\0' || strlen(name) > 256)
        return false;
    for (i = 0; name[i] != '\0'; i++) {
        if (name[i] == ':') {
            if (run == 0)
                return false;
            run = 0;
            colons++;
        } else if (oracle_id_byte(name[i]) || name[i] == '.') {
            run++;
        } else {
            return false;
        }
        if (run > 64)
            return false;
    }
    return run > 0 && colons <= 15;
}

/* Tries every length for a variable, as a textbook would. */
static bool oracle_match(const char *pattern, const char *name, const char *user)
{
    const char *shut;
    size_t len;

    if (*pattern == '\0')
        return *name == '\0';
    if (*pattern != '{')
        return *pattern == *name && oracle_match(pattern + 1, name + 1, user);
    shut = strchr(pattern, '}');
    for (len = 1; oracle_id_byte(name[len - 1]); len++) {
        if (strncmp(pattern, "{user_id}", 9) == 0 &&
            (strlen(user) != len || strncmp(user, name, len) != 0))
            continue;
        if (oracle_match(shut + 1, name + len, user))
            return true;
    }
    return false;
}

enum oracle_answer { NO, LOG_IN_AGAIN, YES };

static enum oracle_answer oracle_decide(const struct oracle_rule *rules, unsigned count,
                                        const struct role_set *set, const struct identity *who,
                                        const char *name, unsigned action)
{
    unsigned i, r, matched = 0, permissions = 0, too_old = 0;

    if (!oracle_name_ok(name))
        return NO;
    for (r = 0; r < set->count; r++)
        permissions |= (who->roles & (UINT64_C(1) << r)) != 0 ? set->roles[r].permissions : 0;
    for (i = 0; i < count; i++) {
        if (!oracle_match(rules[i].pattern, name, who->user))
            continue;
        matched++;
        if ((rules[i].deny & who->roles) != 0)
            return NO;
        if (rules[i].allow != 0 && (rules[i].allow & who->roles) == 0)
            return NO;
        if ((permissions & rules[i].needs[action]) == 0)
            return NO;
        for (r = 0; r < 2; r++)
            if ((rules[i].scopes[action] >> r & 1) == 1 && (who->scopes >> r & 1) == 0)
                return NO;
        if (rules[i].max_age > 0 && NOW > who->authenticated_at_s + rules[i].max_age)
            too_old++;
    }
    if (matched == 0)
        return NO;
    return too_old > 0 ? LOG_IN_AGAIN : YES;
}

static uint64_t chance_state = UINT64_C(0x1234567);

static unsigned chance(unsigned below)
{
    chance_state = chance_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(chance_state >> 33) % below;
}

static void random_pattern(char *out, size_t bytes)
{
    static const char *const pieces[] = {"a",          "b",          "a.b",    "{%c}",
                                         "a{%c}",      "{%c}b",      "ab{%c}", "{user_id}",
                                         "a{user_id}", "{user_id}.b"};
    unsigned segments = 1 + chance(3), i;
    size_t len = 0;

    for (i = 0; i < segments; i++) {
        const char *piece = pieces[chance(10)], *hole = strchr(piece, '%');

        if (i > 0)
            out[len++] = ':';
        len += (size_t)snprintf(out + len, bytes - len, "%.*s", hole ? (int)(hole - piece) : 99,
                                piece);
        if (hole != NULL)
            len += (size_t)snprintf(out + len, bytes - len, "v%u%s", i, hole + 2);
    }
}

static void random_name(char *out, size_t bytes)
{
    static const char *const pieces[] = {"a", "b", "ab", "a.b", "aa", "b.b", "abb", "aab", "*", ""};
    unsigned segments = 1 + chance(3), i;
    size_t len = 0;

    for (i = 0; i < segments; i++) {
        unsigned pick = chance(40); /* faulty segments are rare, or hardly any name would be one */

        len += (size_t)snprintf(out + len, bytes - len, "%s%s", i > 0 ? ":" : "",
                                pieces[pick < 38 ? pick % 8 : pick - 30]);
    }
}

static void random_rules(struct fixture *f, struct oracle_rule *oracle)
{
    unsigned count = chance(RULES_MAX + 1), i, n;

    f->policy.rules_count = 0;
    for (i = 0; i < count; i++) {
        struct oracle_rule *o = &oracle[i];
        struct access_rule *rule;

        random_pattern(o->pattern, sizeof(o->pattern));
        o->allow = chance(2) == 0 ? 0 : chance(16);
        o->deny = chance(3) != 0 ? 0 : 1u << chance(4);
        rule = rule_add(f, o->pattern, o->allow, o->deny);
        for (n = 0; n < ACTION_COUNT; n++) {
            o->needs[n] = chance(4) == 0 ? 1u << chance(4) : 1u << n % 2;
            rule->needs[n] = (enum permission)o->needs[n];
            o->scopes[n] = chance(3) != 0 ? 0 : chance(4);
            rule->scopes[n] = o->scopes[n];
        }
        o->max_age = chance(3) != 0 ? 0 : 1 + chance(3);
        rule->max_auth_age_s = o->max_age;
    }
    assert_int_equal(access_policy_build(&f->policy), OK);
}

static void a_million_random_questions_agree_with_the_oracle(void **state)
{
    static const char *const users[] = {"a", "b",   "ab",   "aa", "bb", "*",
                                        "#", "a:b", "{v0}", "..", "",   "a.b"};
    struct oracle_rule oracle[RULES_MAX];
    uint32_t i, allowed[ACTION_COUNT] = {0}, again[ACTION_COUNT] = {0};
    struct fixture f;

    (void)state;
    fixture_init(&f);
    random_rules(&f, oracle);
    for (i = 0; i < MODEL_QUESTIONS; i++) {
        struct identity who = person(users[chance(12)], chance(16));
        struct access_question asked = {&who, {0}, (enum action)chance(ACTION_COUNT), NOW};
        enum oracle_answer expected;
        struct access_answer answer;
        bool got;
        char name[64];

        if (i % 50 == 0)
            random_rules(&f, oracle);
        random_name(name, sizeof(name));
        who.scopes = chance(2) == 0 ? SCOPES_ALL : chance(4);
        who.authenticated_at_s = NOW - (int)chance(5);
        asked.channel = view_of_text(name);
        expected = oracle_decide(oracle, f.policy.rules_count, &f.policy.roles, &who, name,
                                 (unsigned)asked.action);
        got = access_decide(&f.policy, &asked, &answer);
        if (i % 4 == 0) { /* the walk without an index has to say the same */
            struct access_policy bare = f.policy;

            bare.index = NULL;
            assert_int_equal(access_decide(&bare, &asked, NULL), got);
        }
        if (got != (expected == YES) ||
            (answer.reason == ACCESS_AUTH_TOO_OLD) != (expected == LOG_IN_AGAIN))
            fail_msg("user \"%s\", name \"%s\": expected %d, got %s", who.user, name, expected,
                     access_reason_text(answer.reason));
        allowed[asked.action] += got;
        again[asked.action] += answer.reason == ACCESS_AUTH_TOO_OLD;
    }
    /* A generator that hardly ever gets a yes would prove nothing. */
    for (i = 0; i < ACTION_COUNT; i++) {
        uint32_t asked = MODEL_QUESTIONS / ACTION_COUNT;

        assert_true(allowed[i] > asked / 50 && allowed[i] < asked / 2);
        assert_true(again[i] > asked / 200);
    }
    access_policy_clear(&f.policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actions_have_names),
        cmocka_unit_test(the_examples_of_the_guide_come_out_as_printed),
        cmocka_unit_test(each_action_asks_for_its_own_permission),
        cmocka_unit_test(without_rules_or_identity_the_answer_is_no),
        cmocka_unit_test(a_rule_without_needs_refuses_everyone),
        cmocka_unit_test(deny_beats_allow_within_a_rule_and_across_rules),
        cmocka_unit_test(an_empty_allow_list_restricts_no_role),
        cmocka_unit_test(two_tenants_never_meet),
        cmocka_unit_test(each_action_asks_for_its_scopes),
        cmocka_unit_test(a_login_may_be_exactly_as_old_as_the_rule_says),
        cmocka_unit_test(an_old_login_is_told_only_where_nothing_else_refuses),
        cmocka_unit_test(each_reason_has_a_word_of_its_own),
        cmocka_unit_test(a_million_random_questions_agree_with_the_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
