/* SPDX-License-Identifier: Apache-2.0 */
/* cli_test.c: role lists of the command line, and what the command table does with words it does
 * not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "access/role.h"
#include "base/status.h"
#include "cli/cli.h"

static void make_roles(struct role_set *set)
{
    memset(set, 0, sizeof(*set));
    assert_int_equal(role_set_add(set, VIEW("guest"), PERMISSION_READ), OK);
    assert_int_equal(role_set_add(set, VIEW("user"), PERMISSION_READ), OK);
}

static void role_lists_take_commas_and_blanks(void **state)
{
    struct role_set set;
    uint64_t roles = 0;

    (void)state;
    make_roles(&set);
    assert_true(cli_roles(&set, "user", &roles));
    assert_int_equal(roles, 2);
    assert_true(cli_roles(&set, "guest,user", &roles));
    assert_int_equal(roles, 3);
    assert_true(cli_roles(&set, " user , guest,user, ", &roles));
    assert_int_equal(roles, 3);
}

static void unknown_roles_and_none_are_refused(void **state)
{
    static const char *const texts[] = {"", ",", " ", "users", "user,none", "User", "user;guest"};
    struct role_set set;
    uint64_t roles = 77;

    (void)state;
    make_roles(&set);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(cli_roles(&set, texts[i], &roles));
        assert_int_equal(roles, 77);
    }
}

static int run(const char *word)
{
    char name[] = "gateward", copy[64];
    char *argv[] = {name, copy, NULL};

    (void)snprintf(copy, sizeof(copy), "%s", word != NULL ? word : "");
    if (word == NULL)
        argv[1] = NULL;
    return cli_run(word != NULL ? 2 : 1, argv);
}

static void what_is_no_command_is_a_usage_error(void **state)
{
    (void)state;
    assert_int_equal(run(NULL), CLI_USAGE);
    assert_int_equal(run(""), CLI_USAGE);
    assert_int_equal(run("chek"), CLI_USAGE);
    assert_int_equal(run("--no-such"), CLI_USAGE);
    assert_int_equal(run("check"), CLI_USAGE);
    assert_int_equal(run("token"), CLI_USAGE);
    assert_int_equal(run("explain"), CLI_USAGE);
}

static void a_file_that_is_not_there_is_refused(void **state)
{
    (void)state;
    assert_null(cli_load("/nonexistent/gateward.yaml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(role_lists_take_commas_and_blanks),
        cmocka_unit_test(unknown_roles_and_none_are_refused),
        cmocka_unit_test(what_is_no_command_is_a_usage_error),
        cmocka_unit_test(a_file_that_is_not_there_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
