/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base wire auth */
/* Origins against a fixed list, judged by an oracle that works on text instead of tuples; and
 * rules: the input up to the first line feed is a rule, what follows is an origin. */
#include <stdio.h>

#include "auth/origin.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* https://app.example.com or https://<one label>.example.org, with :443 or without. */
static bool oracle(struct view origin)
{
    struct view label, rest;
    size_t i;

    if (origin.len > 8 + 63 + 12 + 4)
        return false;
    if (origin.len > 4 && view_eq(view_of(origin.ptr + origin.len - 4, 4), VIEW(":443")))
        origin.len -= 4;
    if (view_eq_nocase(origin, VIEW("https://app.example.com")))
        return true;
    if (origin.len < 8 || !view_eq_nocase(view_of(origin.ptr, 8), VIEW("https://")))
        return false;
    origin = view_of(origin.ptr + 8, origin.len - 8);
    if (!view_split(origin, '.', &label, &rest) || !view_eq_nocase(rest, VIEW("example.org")))
        return false;
    for (i = 0; i < label.len; i++) {
        char c = (char)(label.ptr[i] | 0x20);

        if (!(c >= 'a' && c <= 'z') && !(label.ptr[i] >= '0' && label.ptr[i] <= '9') &&
            label.ptr[i] != '-')
            return false;
    }
    return label.len > 0 && label.len <= 63 && label.ptr[0] != '-' &&
           label.ptr[label.len - 1] != '-';
}

static void check_list(struct view origin)
{
    struct origin_rule rules[2];

    ASSERT(origin_rule_parse(&rules[0], VIEW("https://app.example.com"), NULL) == 0);
    ASSERT(origin_rule_parse(&rules[1], VIEW("https://*.example.org"), NULL) == 0);
    ASSERT(origin_allowed(rules, 2, origin) == oracle(origin));
}

static void check_rule(struct view text, struct view origin)
{
    struct origin_rule rule;
    struct error why;
    char written[ORIGIN_BYTES_MAX];
    bool is_ipv6;
    int len;

    why.text[0] = '\0';
    if (origin_rule_parse(&rule, text, &why) != 0) {
        ASSERT(why.text[0] != '\0');
        return;
    }
    /* A rule allows its own text, unless the text holds a wildcard, which no page can have. */
    ASSERT(origin_allowed(&rule, 1, text) == !rule.is_wildcard);
    if (rule.is_null || rule.is_opaque)
        return;
    is_ipv6 = strchr(rule.host, ':') != NULL;
    len = snprintf(written, sizeof(written), is_ipv6 ? "%s://%s[%s]:%u" : "%s://%s%s:%u",
                   rule.scheme, rule.is_wildcard ? "a." : "", rule.host, rule.port);
    /* A label in front of the longest name makes it longer than a name may be. */
    if (strlen(rule.host) <= 251)
        ASSERT(origin_allowed(&rule, 1, view_of(written, (size_t)len)));
    if (origin_allowed(&rule, 1, origin))
        ASSERT(view_eq_nocase(view_of(origin.ptr, strlen(rule.scheme)), view_of_text(rule.scheme)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view all = view_of(data, size), rule, origin;

    check_list(all);
    if (view_split(all, '\n', &rule, &origin))
        check_list(origin);
    check_rule(rule, origin);
    return 0;
}
