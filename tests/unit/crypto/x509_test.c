/* SPDX-License-Identifier: Apache-2.0 */
/* x509_test.c: reading certificates back from files, and files that are none. The chain itself is
 * judged in x509_make_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "crypto/x509.h"

static char folder[] = "/tmp/gateward-x509-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/cert", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void collect(void *context, const char *name)
{
    char *all = context;

    (void)snprintf(all + strlen(all), 512 - strlen(all), "%s ", name);
}

static void names_and_end_of_a_leaf_are_read_back(void **state)
{
    static const char *const names[] = {"localhost", "*.example.test", "127.0.0.1", "::1"};
    struct x509_pair ca = {0};
    struct x509_pair leaf = {0};
    struct error why = {.text = ""};
    char all[512] = "";
    long left_s = 0;

    (void)state;
    assert_int_equal(x509_make_ca(&ca, "gateward test", &why), OK);
    assert_int_equal(x509_make_leaf(&leaf, &ca, names, 4, &why), OK);
    assert_int_equal(file_write(path, leaf.cert_pem.data, leaf.cert_pem.len, 0600), OK);
    assert_int_equal(x509_file_names(path, collect, all, &why), OK);
    assert_string_equal(all, "localhost *.example.test 127.0.0.1 ::1 ");
    assert_int_equal(x509_file_expires_in(path, &left_s, &why), OK);
    assert_in_range((unsigned long)left_s, 397UL * 86400 - 60, 397UL * 86400);
    x509_pair_clear(&leaf);
    x509_pair_clear(&ca);
}

static void without_alternative_names_the_common_name_speaks(void **state)
{
    struct x509_pair ca = {0};
    struct error why = {.text = ""};
    char all[512] = "";

    (void)state;
    assert_int_equal(x509_make_ca(&ca, "only a common name", &why), OK);
    assert_int_equal(file_write(path, ca.cert_pem.data, ca.cert_pem.len, 0600), OK);
    assert_int_equal(x509_file_names(path, collect, all, &why), OK);
    assert_string_equal(all, "only a common name ");
    x509_pair_clear(&ca);
}

static void what_is_no_certificate_is_said_so(void **state)
{
    static const char *const texts[] = {
        "", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    char all[512] = "";
    long left_s = 42;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct error why = {.text = ""};

        assert_int_equal(file_write(path, texts[i], strlen(texts[i]), 0600), OK);
        assert_int_equal(x509_file_names(path, collect, all, &why), E_INVALID);
        assert_non_null(strstr(why.text, path));
        assert_int_equal(x509_file_expires_in(path, &left_s, &why), E_INVALID);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(x509_file_names(path, collect, all, NULL), E_IO);
    assert_string_equal(all, "");
    assert_int_equal(left_s, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_end_of_a_leaf_are_read_back),
        cmocka_unit_test(without_alternative_names_the_common_name_speaks),
        cmocka_unit_test(what_is_no_certificate_is_said_so),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
