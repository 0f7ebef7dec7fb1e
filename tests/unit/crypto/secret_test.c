/* SPDX-License-Identifier: Apache-2.0 */
/* secret_test.c: where secrets come from and what becomes of the copies. Weak ones:
 * secret_weak_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "crypto/secret.h"

static char folder[] = "/tmp/gateward-secret-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/key", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void equal_only_when_all_bytes_are(void **state)
{
    (void)state;
    assert_true(ct_equal("abc", "abc", 3, 3));
    assert_false(ct_equal("abc", "abd", 3, 3));
    assert_false(ct_equal("bbc", "abc", 3, 3));
    assert_false(ct_equal("abc", "abc", 3, 2));
    assert_true(ct_equal(NULL, NULL, 0, 0));
}

static void wiping_leaves_zeros(void **state)
{
    char bytes[] = "very secret";
    static const char zeros[sizeof(bytes)];

    (void)state;
    secret_wipe(bytes, sizeof(bytes));
    assert_memory_equal(bytes, zeros, sizeof(bytes));
    secret_wipe(NULL, 0);
}

static void one_line_end_is_cut_off_and_no_more(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {{"abc", "abc"},
                {"abc\n", "abc"},
                {"abc\r\n", "abc"},
                {"abc\n\n", "abc\n"},
                {" abc ", " abc "},
                {"\n", ""},
                {"", ""}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = BUF_INIT(SECRET_BYTES_MAX);
        struct error why = {.text = ""};

        assert_int_equal(file_write(path, rows[i].text, strlen(rows[i].text), 0600), OK);
        assert_int_equal(secret_load_file(&out, path, &why), OK);
        assert_int_equal(out.len, strlen(rows[i].want));
        assert_true(view_eq(buf_view(&out), view_of_text(rows[i].want)));
        secret_buf_clear(&out);
        assert_null(out.data);
    }
}

static void a_file_open_to_others_is_refused_and_says_chmod(void **state)
{
    static const struct {
        mode_t mode;
        int want;
    } rows[] = {{0600, OK},       {0640, OK},       {0400, OK},      {0644, E_DENIED},
                {0604, E_DENIED}, {0602, E_DENIED}, {0666, E_DENIED}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = BUF_INIT(SECRET_BYTES_MAX);
        struct error why = {.text = ""};

        assert_int_equal(file_write(path, "top-hidden-bytes", 16, rows[i].mode), OK);
        assert_int_equal(secret_load_file(&out, path, &why), rows[i].want);
        if (rows[i].want != OK) {
            assert_non_null(strstr(why.text, "chmod o-rw"));
            assert_null(strstr(why.text, "top-hidden"));
            assert_int_equal(out.len, 0);
        }
        secret_buf_clear(&out);
    }
}

static void only_regular_files_of_a_sane_size_are_read(void **state)
{
    static char big[SECRET_BYTES_MAX + 2];
    struct buf out = BUF_INIT(SECRET_BYTES_MAX);
    struct error why = {.text = ""};

    (void)state;
    memset(big, 'x', sizeof(big));
    assert_int_equal(file_write(path, big, SECRET_BYTES_MAX, 0600), OK);
    assert_int_equal(secret_load_file(&out, path, &why), OK);
    assert_int_equal(out.len, SECRET_BYTES_MAX);
    secret_buf_clear(&out);
    assert_int_equal(file_write(path, big, SECRET_BYTES_MAX + 1, 0600), OK);
    assert_int_equal(secret_load_file(&out, path, &why), E_LIMIT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(secret_load_file(&out, path, &why), E_IO);
    assert_non_null(strstr(why.text, path));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(secret_load_file(&out, path, &why), E_IO); /* and does not hang */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(secret_load_file(&out, folder, &why), E_IO);
    assert_int_equal(out.len, 0);
}

static void the_environment_forgets_the_secret(void **state)
{
    struct buf out = BUF_INIT(SECRET_BYTES_MAX);
    struct error why = {.text = ""};
    char *value;

    (void)state;
    assert_int_equal(setenv("GATEWARD_TEST_SECRET", "from-the-environment", 1), 0);
    value = getenv("GATEWARD_TEST_SECRET");
    assert_int_equal(secret_load_env(&out, "GATEWARD_TEST_SECRET", &why), OK);
    assert_true(view_eq(buf_view(&out), VIEW("from-the-environment")));
    assert_int_equal(value[0], 0); /* the old memory is wiped, not only unlinked */
    assert_null(getenv("GATEWARD_TEST_SECRET"));
    secret_buf_clear(&out);
    assert_int_equal(secret_load_env(&out, "GATEWARD_TEST_SECRET", &why), E_MISSING);
    assert_non_null(strstr(why.text, "GATEWARD_TEST_SECRET"));
    assert_int_equal(setenv("GATEWARD_TEST_SECRET", "", 1), 0);
    assert_int_equal(secret_load_env(&out, "GATEWARD_TEST_SECRET", &why), E_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_only_when_all_bytes_are),
        cmocka_unit_test(wiping_leaves_zeros),
        cmocka_unit_test(one_line_end_is_cut_off_and_no_more),
        cmocka_unit_test(a_file_open_to_others_is_refused_and_says_chmod),
        cmocka_unit_test(only_regular_files_of_a_sane_size_are_read),
        cmocka_unit_test(the_environment_forgets_the_secret),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
