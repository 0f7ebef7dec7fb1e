/* SPDX-License-Identifier: Apache-2.0 */
/* role_test.c: roles are exact strings, permissions are the guide's four, and the set has a
 * ceiling. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "access/role.h"
#include "base/status.h"

static void permissions_have_the_names_of_the_guide(void **state)
{
    static const enum permission all[] = {PERMISSION_READ, PERMISSION_WRITE, PERMISSION_MODERATE,
                                          PERMISSION_ADMIN};
    enum permission p = PERMISSION_READ;
    size_t i;

    (void)state;
    for (i = 0; i < 4; i++) {
        assert_true(permission_from_text(view_of_text(permission_text(all[i])), &p));
        assert_int_equal(p, all[i]);
    }
    p = PERMISSION_WRITE;
    assert_false(permission_from_text(VIEW("Read"), &p));
    assert_false(permission_from_text(VIEW("rea"), &p));
    assert_false(permission_from_text(VIEW("reads"), &p));
    assert_false(permission_from_text(view_of(NULL, 0), &p));
    assert_false(permission_from_text(view_of("read\0", 5), &p));
    assert_int_equal(p, PERMISSION_WRITE);
    assert_string_equal(permission_text((enum permission)0), "nothing");
}

static void a_role_is_found_by_its_exact_name_alone(void **state)
{
    struct role_set set = {.count = 0};

    (void)state;
    assert_int_equal(role_set_add(&set, VIEW("guest"), PERMISSION_READ), OK);
    assert_int_equal(role_set_add(&set, VIEW("admin"), PERMISSION_READ | PERMISSION_ADMIN), OK);
    assert_int_equal(role_set_bit(&set, VIEW("guest")), 1);
    assert_int_equal(role_set_bit(&set, VIEW("admin")), 2);
    assert_int_equal(role_set_bit(&set, VIEW("notadmin")), 0);
    assert_int_equal(role_set_bit(&set, VIEW("administrator-trial")), 0);
    assert_int_equal(role_set_bit(&set, VIEW("Admin")), 0);
    assert_int_equal(role_set_bit(&set, VIEW("admi")), 0);
    assert_int_equal(role_set_bit(&set, VIEW("admin ")), 0);
    assert_int_equal(role_set_bit(&set, view_of("admin\0", 6)), 0);
    assert_int_equal(role_set_bit(&set, view_of(NULL, 0)), 0);
}

static void names_and_permissions_outside_the_grammar_are_refused(void **state)
{
    struct role_set set = {.count = 0};
    char name[66];

    (void)state;
    memset(name, 'r', sizeof(name));
    assert_int_equal(role_set_add(&set, view_of(NULL, 0), PERMISSION_READ), E_INVALID);
    assert_int_equal(role_set_add(&set, VIEW("*"), PERMISSION_READ), E_INVALID);
    assert_int_equal(role_set_add(&set, VIEW("a,b"), PERMISSION_READ), E_INVALID);
    assert_int_equal(role_set_add(&set, VIEW("a.b"), PERMISSION_READ), E_INVALID);
    assert_int_equal(role_set_add(&set, view_of(name, 65), PERMISSION_READ), E_INVALID);
    assert_int_equal(role_set_add(&set, VIEW("x"), 16), E_INVALID);
    assert_int_equal(set.count, 0);
    assert_int_equal(role_set_add(&set, view_of(name, 64), PERMISSION_READ), OK);
    assert_int_equal(role_set_add(&set, view_of(name, 64), PERMISSION_ADMIN), E_EXISTS);
    assert_int_equal(role_set_permissions(&set, 1), PERMISSION_READ);
}

static void the_64th_role_fits_and_the_65th_does_not(void **state)
{
    struct role_set set = {.count = 0};
    char name[16];
    int i;

    (void)state;
    for (i = 0; i < 64; i++) {
        int len = snprintf(name, sizeof(name), "role%d", i);

        assert_int_equal(role_set_add(&set, view_of(name, (size_t)len), PERMISSION_READ), OK);
    }
    assert_int_equal(role_set_add(&set, VIEW("one-more"), PERMISSION_READ), E_LIMIT);
    assert_true(role_set_bit(&set, VIEW("role63")) == UINT64_C(1) << 63);
}

static void permissions_are_the_sum_of_the_roles(void **state)
{
    struct role_set set = {.count = 0};

    (void)state;
    assert_int_equal(role_set_add(&set, VIEW("reader"), PERMISSION_READ), OK);
    assert_int_equal(role_set_add(&set, VIEW("writer"), PERMISSION_WRITE), OK);
    assert_int_equal(role_set_add(&set, VIEW("nothing"), 0), OK);
    assert_int_equal(role_set_permissions(&set, 0), 0);
    assert_int_equal(role_set_permissions(&set, 1), PERMISSION_READ);
    assert_int_equal(role_set_permissions(&set, 3), PERMISSION_READ | PERMISSION_WRITE);
    assert_int_equal(role_set_permissions(&set, 4), 0);
    /* Bits of roles that do not exist give nothing. */
    assert_int_equal(role_set_permissions(&set, ~UINT64_C(7)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permissions_have_the_names_of_the_guide),
        cmocka_unit_test(a_role_is_found_by_its_exact_name_alone),
        cmocka_unit_test(names_and_permissions_outside_the_grammar_are_refused),
        cmocka_unit_test(the_64th_role_fits_and_the_65th_does_not),
        cmocka_unit_test(permissions_are_the_sum_of_the_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
