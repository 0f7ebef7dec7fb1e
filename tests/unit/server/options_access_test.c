/* SPDX-License-Identifier: Apache-2.0 */
/* options_access_test.c: roles and channels as they reach the policy, and the slips that are
 * caught. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options_fixture.h"

#define START LISTEN AUTH

static bool may(const struct options *o, const char *role, const char *channel, enum action action)
{
    struct identity who = {.user = "alice", .user_bytes = 5, .method = IDENTITY_JWT};

    struct access_question asked = {&who, view_of_text(channel), action, 1800000000};

    who.roles = role_set_bit(&o->policy.roles, view_of_text(role));
    assert_true(who.roles != 0);
    return access_decide(&o->policy, &asked, NULL);
}

static void default_roles_are_the_guides(void **state)
{
    struct options *o = load_good(BASE);

    (void)state;
    assert_string_equal(o->policy.roles.roles[0].name, "guest");
    assert_int_equal(o->policy.roles.roles[0].permissions, PERMISSION_READ);
    assert_int_equal(o->policy.roles.roles[1].permissions, PERMISSION_READ | PERMISSION_WRITE);
    assert_int_equal(o->policy.roles.roles[2].permissions,
                     PERMISSION_READ | PERMISSION_WRITE | PERMISSION_MODERATE);
    assert_int_equal(o->policy.roles.roles[3].permissions, 15);
    options_free(o);
}

static void written_roles_replace_them(void **state)
{
    struct options *o = load_good(BASE "roles: {robot: [write], mute: []}\n");

    (void)state;
    assert_int_equal(o->policy.roles.count, 2);
    assert_int_equal(role_set_bit(&o->policy.roles, VIEW("user")), 0);
    assert_int_equal(o->policy.roles.roles[1].permissions, 0);
    options_free(o);
    assert_fault(BASE "roles: {user: [raed]}\n", "t:5:16: `raed` is not one of the choices: read, "
                                                 "write, moderate or admin (did you mean `read`?)");
}

static void roles_hold_permissions_and_nothing_else(void **state)
{
    (void)state;
    assert_fault(BASE "roles: {user: [delete]}\n", "read, write, moderate or admin");
    assert_fault(BASE "roles: {user: [read, read]}\n", "`read` stands here a second time");
    assert_fault(BASE "roles: {user: read}\n", "`user` must be a list");
    assert_fault(BASE "roles: {\"a b\": [read]}\n", "t:5:9: `a b` is no name for a role");
    assert_fault(BASE "roles: {}\n", "`roles` must name roles");
    assert_fault(BASE "roles: [user]\n", "`roles` must name roles");
    assert_fault(BASE "roles:\n", "`roles` must name roles");
}

static void sixty_four_roles_fit(void **state)
{
    char text[8192];
    size_t used = (size_t)snprintf(text, sizeof(text), BASE "roles:\n");

    (void)state;
    for (int i = 0; i < IDENTITY_ROLES_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "  r%d: [read]\n", i);
    options_free(load_good(text));
    (void)snprintf(text + used, sizeof(text) - used, "  r64: [read]\n");
    assert_fault(text, "t:70:3: too many roles: at most 64");
}

static void channels_reach_the_policy(void **state)
{
    struct options *o = load_good(
        START "channels:\n"
              "  - {pattern: \"public:chat\"}\n"
              "  - {pattern: \"private:room-{room_id}\", allow: [user, moderator, admin]}\n"
              "  - {pattern: \"user:{user_id}:messages\"}\n"
              "  - {pattern: \"chat:mod-only\", allow: [moderator, admin], deny: [guest]}\n"
              "  - {pattern: \"admin:logs\", allow: [admin], needs: {subscribe: admin, publish: "
              "admin}}\n");

    (void)state;
    assert_int_equal(o->policy.rules_count, 5);
    assert_true(may(o, "guest", "public:chat", ACTION_SUBSCRIBE));
    assert_false(may(o, "guest", "public:chat", ACTION_PUBLISH));
    assert_true(may(o, "user", "private:room-7", ACTION_PUBLISH));
    assert_false(may(o, "guest", "private:room-7", ACTION_SUBSCRIBE));
    assert_true(may(o, "user", "user:alice:messages", ACTION_SUBSCRIBE));
    assert_false(may(o, "admin", "user:bob:messages", ACTION_SUBSCRIBE));
    assert_false(may(o, "user", "chat:mod-only", ACTION_SUBSCRIBE));
    assert_true(may(o, "admin", "admin:logs", ACTION_SUBSCRIBE));
    assert_false(may(o, "moderator", "admin:logs", ACTION_SUBSCRIBE));
    assert_false(may(o, "admin", "elsewhere", ACTION_SUBSCRIBE));
    assert_int_equal(o->policy.rules[4].needs[ACTION_SUBSCRIBE], PERMISSION_ADMIN);
    assert_int_equal(o->policy.rules[0].needs[ACTION_PUBLISH], PERMISSION_WRITE);
    assert_true(o->policy.rules[1].has_allow);
    assert_false(o->policy.rules[0].has_allow);
    assert_int_equal(o->policy.rules[2].line, 7);
    options_free(o);
}

static void channels_say_what_they_keep(void **state)
{
    struct options *o = load_good(START "channels:\n"
                                        "  - {pattern: a, history: {messages: 7}, presence: true}\n"
                                        "  - {pattern: b, history: {messages: 1, ttl: 2s}, "
                                        "presence: join_leave, needs: {history: admin}}\n"
                                        "  - {pattern: c, presence: false}\n");
    const struct access_rule *rules = o->policy.rules;

    (void)state;
    assert_true(o->policy.has_traits);
    assert_int_equal(rules[0].traits.history_messages, 7);
    assert_int_equal(rules[0].traits.history_ttl_ms, 5 * 60 * 1000);
    assert_int_equal(rules[0].traits.presence, CHANNEL_PRESENCE_ON);
    assert_int_equal(rules[0].needs[ACTION_PRESENCE], PERMISSION_READ);
    assert_int_equal(rules[0].needs[ACTION_HISTORY], PERMISSION_READ);
    assert_int_equal(rules[0].needs[ACTION_MODERATE], PERMISSION_MODERATE);
    assert_int_equal(rules[1].traits.history_ttl_ms, 2000);
    assert_int_equal(rules[1].traits.presence, CHANNEL_PRESENCE_JOIN_LEAVE);
    assert_int_equal(rules[1].needs[ACTION_HISTORY], PERMISSION_ADMIN);
    assert_int_equal(rules[2].traits.history_messages, 0);
    assert_int_equal(o->limits.history_bytes, 64 * 1024 * 1024);
    options_free(o);
    o = load_good(START "channels: [{pattern: a}]\nlimits: {history: {size: 64KiB}}\n");
    assert_false(o->policy.has_traits);
    assert_int_equal(o->limits.history_channel_bytes, 64 * 1024);
    options_free(o);
    assert_fault(START "channels: [{pattern: a, history: {messages: 0}}]\n", "`messages`");
    assert_fault(START "channels: [{pattern: a, history: {ttl: 8d}}]\n", "`ttl`");
    assert_fault(START "channels: [{pattern: a, presence: yes}]\n", "`presence`");
    assert_fault(START "limits: {history: {size: 1MiB, channel_size: 2MiB}}\n",
                 "one channel cannot keep more than all together");
}

static void roles_are_read_before_the_channels_that_name_them(void **state)
{
    (void)state;
    options_free(
        load_good(START "channels: [{pattern: a, allow: [robot]}]\nroles: {robot: [read]}\n"));
}

static void slips_in_channels_are_caught(void **state)
{
    (void)state;
    assert_fault(START "channels: [{pattern: a, allow: [usr]}]\n",
                 "t:4:33: there is no role `usr` (did you mean `user`?)");
    assert_fault(START "channels: [{pattern: a, deny: [Admin]}]\n",
                 "there is no role `Admin` (did you mean `admin`?)");
    assert_fault(START "channels: [{pattern: a, allow: [user, user]}]\n",
                 "`user` stands here a second time");
    assert_fault(START "channels: [{pattern: a, allow: user}]\n", "`allow` must be a list");
    assert_fault(START "channels: [{pattern: a, allow: [null]}]\n",
                 "the name of a role must stand here");
    assert_fault(START "channels: [{pattern: a}, {pattern: a, allow: [user]}]\n",
                 "t:4:36: the pattern `a` stands here a second time (first in line 4)");
    assert_fault(START "channels: [{pattern: \"a::b\"}]\n", "t:4:22: `a::b` is no channel pattern");
    assert_fault(START "channels: [{pattern: \"a*\"}]\n", "is no channel pattern");
    assert_fault(START "channels: [{allow: [user]}]\n", "t:4:12: a channel needs a `pattern`");
    assert_fault(START "channels: [{pattern: [a]}]\n", "`pattern` must be text");
    assert_fault(START "channels: [a]\n", "must hold `key: value` lines");
    assert_fault(START "channels: {a: b}\n", "`channels` must be a list");
    assert_fault(START "channels: [{pattern: a, needs: {subscribe: reed}}]\n",
                 "did you mean `read`?");
    assert_fault(START "channels: [{pattern: a, alow: [user]}]\n",
                 "unknown key `alow` (did you mean `allow`?)");
}

static void scopes_and_ages_reach_the_policy(void **state)
{
    struct options *o =
        load_good(START "channels:\n"
                        "  - {pattern: a, scopes: {subscribe: \"chat:read\", publish: [chat:write, "
                        "chat:read]}, max_auth_age: 15m}\n"
                        "  - {pattern: b, scopes: {publish: chat:write}}\n"
                        "  - {pattern: c}\n"
                        "routes: [{path: /ws, scopes: [other, chat:write]}, {path: /free}]\n");
    const struct access_rule *rules = o->policy.rules;
    uint64_t reads = scope_set_bits(&o->policy.scopes, VIEW("chat:read"));
    uint64_t writes = scope_set_bits(&o->policy.scopes, VIEW("chat:write"));
    uint64_t other = scope_set_bits(&o->policy.scopes, VIEW("other"));

    (void)state;
    assert_int_equal(o->policy.scopes.count, 3);
    assert_true(reads != 0 && writes != 0 && other != 0);
    assert_int_equal(rules[0].scopes[ACTION_SUBSCRIBE], reads);
    assert_int_equal(rules[0].scopes[ACTION_PUBLISH], reads | writes);
    assert_int_equal(rules[0].max_auth_age_s, 900);
    assert_int_equal(rules[1].scopes[ACTION_SUBSCRIBE], 0);
    assert_int_equal(rules[1].scopes[ACTION_PUBLISH], writes);
    assert_int_equal(rules[1].max_auth_age_s, 0);
    assert_int_equal(rules[2].scopes[ACTION_PUBLISH], 0);
    assert_int_equal(o->routes[0].scopes, other | writes);
    assert_int_equal(o->routes[1].scopes, 0);
    options_free(o);
}

static void slips_in_scopes_and_ages_are_caught(void **state)
{
    char text[8192];
    size_t used;

    (void)state;
    assert_fault(START "channels: [{pattern: a, scopes: {subscribe: []}}]\n",
                 "t:4:45: an empty list of scopes");
    assert_fault(START "channels: [{pattern: a, scopes: {subscribe: [x, x]}}]\n",
                 "t:4:49: `x` stands here a second time");
    assert_fault(START "channels: [{pattern: a, scopes: {publish: \"x y\"}}]\n",
                 "t:4:43: the name of a scope must stand here");
    assert_fault(START "channels: [{pattern: a, scopes: {publish: [[x]]}}]\n",
                 "t:4:44: the name of a scope must stand here");
    assert_fault(START "channels: [{pattern: a, scopes: {publish: {x: y}}}]\n",
                 "`publish` must be a list");
    assert_fault(START "channels: [{pattern: a, scopes: {publihs: x}}]\n",
                 "did you mean `publish`?");
    assert_fault(START "channels: [{pattern: a, max_auth_age: 900}]\n", "t:4:39: ");
    assert_fault(START "channels: [{pattern: a, max_auth_age: 500ms}]\n", "t:4:39: ");
    assert_fault(START "channels: [{pattern: a, max_auth_age: 0s}]\n", "t:4:39: ");
    assert_fault(BASE "routes: [{path: /echo, serve: echo, scopes: x}]\n",
                 "an echo route has no login");
    used = (size_t)snprintf(text, sizeof(text), START "channels:\n");
    for (int i = 0; i < SCOPES_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "  - {pattern: c%d, scopes: {publish: s%d}}\n", i, i);
    options_free(load_good(text));
    (void)snprintf(text + used, sizeof(text) - used, "  - {pattern: x, scopes: {publish: x}}\n");
    assert_fault(text, "t:69:36: too many scopes: at most 64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_roles_are_the_guides),
        cmocka_unit_test(written_roles_replace_them),
        cmocka_unit_test(roles_hold_permissions_and_nothing_else),
        cmocka_unit_test(sixty_four_roles_fit),
        cmocka_unit_test(channels_reach_the_policy),
        cmocka_unit_test(channels_say_what_they_keep),
        cmocka_unit_test(roles_are_read_before_the_channels_that_name_them),
        cmocka_unit_test(slips_in_channels_are_caught),
        cmocka_unit_test(scopes_and_ages_reach_the_policy),
        cmocka_unit_test(slips_in_scopes_and_ages_are_caught),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
