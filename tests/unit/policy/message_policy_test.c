/* SPDX-License-Identifier: Apache-2.0 */
/* message_policy_test.c: types are found by their exact names, and a policy owns what it is given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "policy/message_policy.h"

static void policy_of(struct message_policy *policy, const char *const *names, uint32_t count)
{
    memset(policy, 0, sizeof(*policy));
    policy->types = calloc(count, sizeof(policy->types[0]));
    assert_non_null(policy->types);
    policy->count = count;
    for (uint32_t i = 0; i < count; i++)
        policy->types[i].name = strdup(names[i]);
}

static void types_are_found_by_name(void **state)
{
    static const char *const names[] = {"chat", "chat_message", "a:b"};
    struct message_policy policy, moved;
    char long_name[MESSAGE_TYPE_NAME_MAX + 2];

    (void)state;
    policy_of(&policy, names, 3);
    policy.types[1].rate.has_minute = true;
    policy.types[2].rate.has_connection = true;
    policy.types[2].hook.url = strdup("https://app.example.com/");
    assert_int_equal(message_policy_build(&policy), OK);
    moved = policy;
    for (uint32_t i = 0; i < 3; i++)
        assert_ptr_equal(message_policy_find(&moved, view_of_text(names[i])), &moved.types[i]);
    assert_null(message_policy_find(&moved, VIEW("")));
    assert_null(message_policy_find(&moved, VIEW("Chat")));
    assert_null(message_policy_find(&moved, VIEW("chat\0")));
    memset(long_name, 'a', sizeof(long_name));
    assert_null(message_policy_find(&moved, view_of(long_name, sizeof(long_name))));
    assert_int_equal(moved.rated_count, 2);
    assert_int_equal(moved.types[2].rated, 1);
    assert_int_equal(moved.hooks_count, 1);
    message_policy_clear(&moved);
    message_policy_clear(&moved);
    assert_null(message_policy_find(&moved, VIEW("chat")));
}

static void one_name_stands_once(void **state)
{
    static const char *const names[] = {"chat", "chat"};
    struct message_policy policy;

    (void)state;
    policy_of(&policy, names, 2);
    assert_int_equal(message_policy_build(&policy), E_EXISTS);
    message_policy_clear(&policy);
}

static void a_scratch_is_fitted_to_all_schemas(void **state)
{
    static const char *const names[] = {"plain", "unique"};
    struct schema_scratch *scratch = NULL;
    struct message_policy policy;
    struct schema_fault fault;
    struct arena arena;
    struct json *root;
    size_t at;

    (void)state;
    arena_init(&arena, 4096, 65536);
    policy_of(&policy, names, 2);
    assert_int_equal(json_parse(&root, VIEW("{\"uniqueItems\":true}"), NULL, &arena, &at), OK);
    assert_int_equal(schema_compile(&policy.types[1].schema, root, NULL, &fault), OK);
    assert_int_equal(message_policy_build(&policy), OK);
    assert_int_equal(schema_scratch_new(&scratch), OK);
    assert_int_equal(message_policy_fit(&policy, scratch), OK);
    assert_int_equal(json_parse(&root, VIEW("[1,1]"), NULL, &arena, &at), OK);
    assert_int_equal(schema_check(policy.types[1].schema, root, scratch, NULL), SCHEMA_INVALID);
    schema_scratch_free(scratch);
    message_policy_clear(&policy);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_found_by_name),
        cmocka_unit_test(one_name_stands_once),
        cmocka_unit_test(a_scratch_is_fitted_to_all_schemas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
