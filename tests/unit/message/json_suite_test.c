/* SPDX-License-Identifier: Apache-2.0 */
/* json_suite_test.c: JSONTestSuite (github.com/nst/JSONTestSuite) when it lies next to the project.
 * y_ must be accepted, n_ refused; what the suite leaves open (i_) is decided in the table here and
 * told in docs/protocol.md. We differ on purpose in two y_ files: duplicate member names (RFC 7493
 * section 2.3). */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "message/json.h"
#include "three_ways.h"
#include "vectors.h"

static const char *const refused_on_purpose[] = {"y_object_duplicated_key.json",
                                                 "y_object_duplicated_key_and_value.json"};

/* Numbers are text to us, so no number is too large; broken Unicode, a BOM and depths over
 * JSON_DEPTH_MAX are refused. */
static const struct {
    const char *file;
    bool is_accepted;
} open_questions[] = {
    {"i_number_double_huge_neg_exp.json", true},
    {"i_number_huge_exp.json", true},
    {"i_number_neg_int_huge_exp.json", true},
    {"i_number_pos_double_huge_exp.json", true},
    {"i_number_real_neg_overflow.json", true},
    {"i_number_real_pos_overflow.json", true},
    {"i_number_real_underflow.json", true},
    {"i_number_too_big_neg_int.json", true},
    {"i_number_too_big_pos_int.json", true},
    {"i_number_very_big_negative_int.json", true},
    {"i_object_key_lone_2nd_surrogate.json", false},
    {"i_string_1st_surrogate_but_2nd_missing.json", false},
    {"i_string_1st_valid_surrogate_2nd_invalid.json", false},
    {"i_string_UTF-16LE_with_BOM.json", false},
    {"i_string_UTF-8_invalid_sequence.json", false},
    {"i_string_UTF8_surrogate_U+D800.json", false},
    {"i_string_incomplete_surrogate_and_escape_valid.json", false},
    {"i_string_incomplete_surrogate_pair.json", false},
    {"i_string_incomplete_surrogates_escape_valid.json", false},
    {"i_string_invalid_lonely_surrogate.json", false},
    {"i_string_invalid_surrogate.json", false},
    {"i_string_invalid_utf-8.json", false},
    {"i_string_inverted_surrogates_U+1D11E.json", false},
    {"i_string_iso_latin_1.json", false},
    {"i_string_lone_second_surrogate.json", false},
    {"i_string_lone_utf8_continuation_byte.json", false},
    {"i_string_not_in_unicode_range.json", false},
    {"i_string_overlong_sequence_2_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes_null.json", false},
    {"i_string_truncated-utf-8.json", false},
    {"i_string_utf16BE_no_BOM.json", false},
    {"i_string_utf16LE_no_BOM.json", false},
    {"i_structure_500_nested_arrays.json", false},
    {"i_structure_UTF-8_BOM_empty_object.json", false},
};

static bool expected(const char *file)
{
    for (size_t i = 0; i < sizeof(refused_on_purpose) / sizeof(refused_on_purpose[0]); i++) {
        if (strcmp(file, refused_on_purpose[i]) == 0)
            return false;
    }
    for (size_t i = 0; i < sizeof(open_questions) / sizeof(open_questions[0]); i++) {
        if (strcmp(file, open_questions[i].file) == 0)
            return open_questions[i].is_accepted;
    }
    if (file[0] == 'i')
        fail_msg("the table of open questions lacks %s", file);
    return file[0] == 'y';
}

static void try_file(const char *dir, const char *file)
{
    char path[1024];
    struct buf text = BUF_INIT(1024 * 1024);
    struct guarded g;
    struct arena arena;
    struct json *root;
    int rc;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, file);
    assert_int_equal(file_read(&text, path), OK);
    g = guarded_copy(text.data, text.len);
    arena_init(&arena, 65536, 4 * 1024 * 1024);
    rc = json_parse(&root, view_of(g.data, text.len), NULL, &arena, NULL);
    if ((rc == OK) != expected(file))
        fail_msg("%s: %s", file, status_text(rc));
    arena_clear(&arena);
    guarded_free(&g);
    buf_clear(&text);
}

static void the_whole_suite(void **state)
{
    char dir[768];
    DIR *open_dir;
    struct dirent *entry;
    static const char kinds[] = "yni";
    size_t counts[3] = {0, 0, 0};

    (void)state;
    if (!vectors_path(dir, sizeof(dir), "JSONTestSuite/test_parsing"))
        skip();
    open_dir = opendir(dir);
    assert_non_null(open_dir);
    while ((entry = readdir(open_dir)) != NULL) {
        const char *kind = strchr(kinds, entry->d_name[0]);

        if (kind == NULL || *kind == '\0' || entry->d_name[1] != '_')
            continue;
        try_file(dir, entry->d_name);
        counts[kind - kinds]++;
    }
    (void)closedir(open_dir);
    print_message("# JSONTestSuite: %zu y, %zu n, %zu i\n", counts[0], counts[1], counts[2]);
    assert_int_equal(counts[0], 95);
    assert_int_equal(counts[1], 188);
    assert_int_equal(counts[2], 35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_suite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
