/* SPDX-License-Identifier: Apache-2.0 */
/* decide_index_test.c: the index offers every rule that matches, and few that do not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "access/decide_index.h"
#include "base/status.h"

#define MANY 1000

struct many {
    struct access_policy policy;
    struct access_rule rules[MANY];
    char texts[MANY][64];
};

/* Rules of six shapes, as a large configuration might have them. */
static struct many *many_new(void)
{
    static const char *const forms[] = {
        "app%u:chat",    "app%u:{room_id}",       "app%u:user:{user_id}",
        "app%u:a:b:{x}", "app%u:room-{x}:events", "app%u"};
    struct many *m = calloc(1, sizeof(*m));
    unsigned i;

    assert_non_null(m);
    assert_int_equal(role_set_add(&m->policy.roles, VIEW("user"), PERMISSION_READ), OK);
    m->policy.rules = m->rules;
    m->policy.rules_count = MANY;
    for (i = 0; i < MANY; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(m->texts[i], sizeof(m->texts[i]), forms[i % 6], i);
#pragma GCC diagnostic pop
        assert_int_equal(
            channel_pattern_parse(&m->rules[i].pattern, view_of_text(m->texts[i]), NULL), OK);
        m->rules[i].needs[ACTION_SUBSCRIBE] = PERMISSION_READ;
    }
    assert_int_equal(access_policy_build(&m->policy), OK);
    return m;
}

static void many_free(struct many *m)
{
    access_policy_clear(&m->policy);
    free(m);
}

/* How many rules the index offers for `text`; *seen: whether `wanted` is among them. */
static unsigned offered(struct many *m, const char *text, uint32_t wanted, bool *seen)
{
    struct channel_name name;
    struct access_walk walk;
    unsigned count = 0;
    uint32_t rule;

    *seen = false;
    assert_true(channel_name_split(&name, view_of_text(text)));
    access_walk_start(&walk, m->policy.index, &name);
    while (access_walk_next(&walk, m->policy.index, &rule)) {
        assert_true(rule < MANY);
        *seen = *seen || rule == wanted;
        count++;
    }
    return count;
}

static void each_of_a_thousand_rules_is_offered_for_its_name(void **state)
{
    static const char *const forms[] = {"app%u:chat",  "app%u:lobby",         "app%u:user:bob",
                                        "app%u:a:b:c", "app%u:room-7:events", "app%u"};
    struct many *m = many_new();
    char name[64];
    unsigned i;
    bool seen;

    (void)state;
    for (i = 0; i < MANY; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(name, sizeof(name), forms[i % 6], i);
#pragma GCC diagnostic pop
        assert_true(offered(m, name, i, &seen) <= 2);
        assert_true(seen);
    }
    assert_int_equal(offered(m, "nowhere:chat", 0, &seen), 0);
    assert_int_equal(offered(m, "a:b:c:d:e:f:g:h:i:j:k:l:m:n:o:p", 0, &seen), 0);
    many_free(m);
}

static void rules_under_one_key_are_all_offered(void **state)
{
    static const char *const texts[] = {"p:{a}",   "p:x{a}", "p:{a}y", "p:{user_id}",
                                        "{a}:{b}", "p:x",    "p:x"};
    struct many *m = calloc(1, sizeof(*m));
    uint32_t i;
    bool seen;

    (void)state;
    assert_non_null(m);
    m->policy.rules = m->rules;
    m->policy.rules_count = 7;
    for (i = 0; i < 7; i++)
        assert_int_equal(channel_pattern_parse(&m->rules[i].pattern, view_of_text(texts[i]), NULL),
                         OK);
    assert_int_equal(access_policy_build(&m->policy), OK);
    for (i = 0; i < 7; i++) {
        assert_int_equal(offered(m, "p:x", i, &seen), 7);
        assert_true(seen);
    }
    assert_int_equal(offered(m, "p:z", 0, &seen), 5);
    assert_int_equal(offered(m, "q:x", 4, &seen), 1);
    assert_true(seen);
    many_free(m);
}

static void building_again_forgets_the_old_rules(void **state)
{
    struct many *m = many_new();
    struct identity who = {.roles = 1};
    struct access_question asked = {&who, VIEW("app0:chat"), ACTION_SUBSCRIBE, 0};

    (void)state;
    assert_true(access_decide(&m->policy, &asked, NULL));
    m->policy.rules_count = 0;
    assert_int_equal(access_policy_build(&m->policy), OK);
    assert_false(access_decide(&m->policy, &asked, NULL));
    many_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_a_thousand_rules_is_offered_for_its_name),
        cmocka_unit_test(rules_under_one_key_are_all_offered),
        cmocka_unit_test(building_again_forgets_the_old_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
