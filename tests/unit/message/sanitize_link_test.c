/* SPDX-License-Identifier: Apache-2.0 */
/* sanitize_link_test.c: addresses that a link may have, and those it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "message/sanitize.h"
#include "message/sanitize_html.h"
#include "three_ways.h"

static bool may(const char *url)
{
    struct guarded g = guarded_copy(url, strlen(url));
    struct view scheme, rest;
    bool may_lead_there = sanitize_link(view_of(g.data, strlen(url)), &scheme, &rest);

    guarded_free(&g);
    return may_lead_there;
}

static void ordinary_addresses_may(void **state)
{
    static const char *const rows[] = {"https://e.com",
                                       "http://127.0.0.1:8080/a?b=c&d#e",
                                       "HTTPS://E.COM/",
                                       "https://e.com/@user/x:y",
                                       "mailto:a@e.com",
                                       "https://[::1]/",
                                       "https://[fe80::1]:8443?x",
                                       "https://e.com?x",
                                       "https://e.com:80#x",
                                       "https://b\xc3\xbc.de/",
                                       "mailto:a@e.com?subject=x%20y"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!may(rows[i]))
            fail_msg("refused: %s", rows[i]);
    }
}

static void all_others_may_not(void **state)
{
    static const char *const rows[] = {"",
                                       "https:",
                                       "https://",
                                       "https:///x",
                                       "https:/e.com",
                                       "https:e.com",
                                       "mailto:",
                                       "javascript:alert(1)",
                                       "JaVaScRiPt:alert(1)",
                                       "java\tscript:alert(1)",
                                       "\x01javascript:alert(1)",
                                       " https://e.com",
                                       "https://e.com ",
                                       "https://e.com/a b",
                                       "https://e.com/\x7f",
                                       "https://e.com/\xc2\x85",
                                       "https://e.com/\xc2\xa0",
                                       "https://e.com/\xe2\x80\xae",
                                       "https://e.com/\xff",
                                       "https:\\\\e.com",
                                       "https://e.com\\@f.com",
                                       "https://a@e.com",
                                       "https://e]]",
                                       "https://[::1",
                                       "https://[]/",
                                       "https://[x]/",
                                       "https://[::1]x",
                                       "https://e.com:",
                                       "https://e.com:x",
                                       "https://e.com:123456",
                                       "https://e%2ecom/",
                                       "https://:80/",
                                       "https://e.com:1@f.com",
                                       "https://a:b@e.com/",
                                       "https://e.com/\"",
                                       "https://e.com/'",
                                       "https://e.com/<",
                                       "https://e.com/{{x}}",
                                       "data:text/html,x",
                                       "vbscript:x",
                                       "file:///etc/passwd",
                                       "ftp://e.com",
                                       "blob:https://e.com/x",
                                       "//e.com",
                                       "/x",
                                       "x",
                                       "#",
                                       "https",
                                       "xhttps://e.com",
                                       "view-source:https://e.com"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (may(rows[i]))
            fail_msg("accepted: %s", rows[i]);
    }
}

static void an_address_has_a_longest_length(void **state)
{
    char url[2050] = "https://e.com/";

    (void)state;
    memset(url + 14, 'a', 2048 - 14);
    assert_true(may(url));
    url[2048] = 'a';
    assert_false(may(url));
}

static bool is_modest(const char *text)
{
    struct guarded g = guarded_copy(text, strlen(text));
    bool answer = sanitize_is_modest(view_of(g.data, strlen(text)));

    guarded_free(&g);
    return answer;
}

static void attributes_are_counted_wherever_they_may_hide(void **state)
{
    static const char many[] = " a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6 7";
    static const char *const heads[] = {"<b",       "</b",         "<a x=\">\"", "<a x='<'",
                                        "<!--<b",   "<a =\"<b",    "<a/x=y/",    "<script><b",
                                        "<b x = y", "<b x=\"y\"z", "\"<b x='\"'"};
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        (void)snprintf(text, sizeof(text), "%s%s", heads[i], many);
        if (is_modest(text))
            fail_msg("passed: %s", text);
    }
    assert_true(is_modest("x < a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6 7"));
    assert_true(
        is_modest("<b>a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6 7 8"));
    assert_true(
        is_modest("<b x=\"a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6 7\""));
    assert_true(is_modest("<"));
    assert_true(is_modest("</"));
    assert_true(is_modest("<b x="));
    assert_true(is_modest("<b x=\""));
    assert_true(is_modest(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_addresses_may),
        cmocka_unit_test(all_others_may_not),
        cmocka_unit_test(an_address_has_a_longest_length),
        cmocka_unit_test(attributes_are_counted_wherever_they_may_hide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
