/* SPDX-License-Identifier: Apache-2.0 */
/* schema_format_test.c: a few texts each way for every format, each with its last byte against a
 * guard page, and every beginning of each, which must not read further either. The published
 * suite's 764 tests are run in schema_suite_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "message/schema_format.h"
#include "three_ways.h"

static const struct {
    const char *format, *text;
    bool is_valid;
} rows[] = {
    {"date-time", "2026-02-28T23:59:59.5+02:00", true},
    {"date-time", "2026-02-28T23:59:59", false},
    {"date-time", "2026-02-28 23:59:59Z", false},
    {"date", "2024-02-29", true},
    {"date", "2025-02-29", false},
    {"time", "23:59:60Z", true},
    {"time", "12:00:60Z", false},
    {"time", "12:00:00.Z", false},
    {"duration", "P1Y2M3DT4H5M6S", true},
    {"duration", "P1Y3D", false},
    {"duration", "P", false},
    {"duration", "PT", false},
    {"duration", "P1W2D", false},
    {"email", "joe.o'neil+x@example.com", true},
    {"email", "\"joe @ home\"@example.com", true},
    {"email", "joe@[127.0.0.1]", true},
    {"email", "joe@[IPv6:::1]", true},
    {"email", ".joe@example.com", false},
    {"email", "joe..x@example.com", false},
    {"email", "joe@-example.com", false},
    {"email", "joe@", false},
    {"email", "@example.com", false},
    {"email", "joe\r\nBcc: x@example.com", false},
    {"idn-email", "\xe5\xae\x9e\xe4\xbe\x8b@\xe5\xae\x9e\xe4\xbe\x8b.cn", true},
    {"hostname", "www.example.com", true},
    {"hostname", "a..b", false},
    {"hostname", "ex_ample", false},
    {"hostname", "xn--nxasmq6b", true},
    {"hostname", "xn--a", false},
    {"hostname", "ab--cd", false},
    {"idn-hostname",
     "b\xc3\xbc"
     "cher.example",
     true},
    {"idn-hostname",
     "\xe3\x80\xae"
     "a",
     false},
    {"idn-hostname", "a\xd7\x90", false},
    {"ipv4", "192.0.2.1", true},
    {"ipv4", "192.0.2.01", false},
    {"ipv4", "::1", false},
    {"ipv6", "2001:db8::1", true},
    {"ipv6", "192.0.2.1", false},
    {"ipv6", "fe80::1%eth0", false},
    {"uri", "https://user:pw@[2001:db8::1]:8443/a/b?c=d&e#f%20g", true},
    {"uri", "urn:isbn:0451450523", true},
    {"uri", "/relative", false},
    {"uri", "http://a b/", false},
    {"uri", "http://a/%4", false},
    {"uri", "http://a/\xc3\xa9", false},
    {"uri", "http://[::1", false},
    {"uri-reference", "../a?b#c", true},
    {"uri-reference", "a\\b", false},
    {"iri", "http://a/\xc3\xa9", true},
    {"iri", "http://a/\xc2\x80", false},
    {"iri-reference", "\xc3\xa9#\xc3\xa9", true},
    {"uri-template", "http://a/{id}{?x,y*,z:3}", true},
    {"uri-template", "http://a/{id", false},
    {"uri-template", "http://a/{=id}", false},
    {"uri-template", "}", false},
    {"uuid", "2EB8AA08-aa98-11ea-b4aa-73b441d16380", true},
    {"uuid", "2eb8aa08aa9811eab4aa73b441d16380", false},
    {"uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g", false},
    {"json-pointer", "/a~0b/~1/0", true},
    {"json-pointer", "a", false},
    {"json-pointer", "/~2", false},
    {"relative-json-pointer", "12/a", true},
    {"relative-json-pointer", "0#", true},
    {"relative-json-pointer", "/a", false},
    {"relative-json-pointer", "01", false},
    {"regex", "^(a|[^b-z]{2,3})\\d+$", true},
    {"regex", "(", false},
    {"regex", "[\\", false},
};

static void texts_are_judged_within_their_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        schema_format_fn *check = schema_format_find(view_of_text(rows[i].format));
        size_t len = strlen(rows[i].text);

        assert_non_null(check);
        for (size_t part = 0; part <= len; part++) {
            struct guarded g = guarded_copy(rows[i].text, part);
            bool is_valid = check(view_of(g.data, part));

            if (part == len && is_valid != rows[i].is_valid)
                fail_msg("%s: %s", rows[i].format, rows[i].text);
            guarded_free(&g);
        }
    }
}

static void every_format_has_rows_both_ways(void **state)
{
    (void)state;
    assert_null(schema_format_find(VIEW("colour")));
    for (size_t f = 0; schema_format_name(f) != NULL; f++) {
        unsigned valid = 0, invalid = 0;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (strcmp(rows[i].format, schema_format_name(f)) != 0)
                continue;
            valid += rows[i].is_valid;
            invalid += !rows[i].is_valid;
        }
        if (valid == 0)
            fail_msg("no valid text for %s", schema_format_name(f));
        if (invalid == 0 && strncmp(schema_format_name(f), "iri-", 4) != 0 &&
            strcmp(schema_format_name(f), "idn-email") != 0)
            fail_msg("no invalid text for %s", schema_format_name(f));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_judged_within_their_bounds),
        cmocka_unit_test(every_format_has_rows_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
