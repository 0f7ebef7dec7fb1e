/* SPDX-License-Identifier: Apache-2.0 */
/* schema_format_host.c: addresses, host names (RFC 1123, with RFC 5890's form of A-labels) and
 * e-mail (RFC 5321 section 4.1.2; RFC 6531 for idn-email). Labels beyond ASCII are judged in
 * schema_format_idn.c. */
#include "base/ip.h"
#include "message/schema_format.h"
#include "message/schema_format_idn.h"

#define HOST_BYTES_MAX  253
#define LABEL_BYTES_MAX 63
#define LOCAL_BYTES_MAX 64

bool schema_format_ipv4(struct view text)
{
    struct ip_address ip;

    return ip_address_parse(&ip, text) && ip.family == 4;
}

bool schema_format_ipv6(struct view text)
{
    struct ip_address ip;

    return text.len > 1 && memchr(text.ptr, ':', text.len) != NULL && ip_address_parse(&ip, text);
}

static bool is_alnum(char c)
{
    char lower = (char)(c | 0x20);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

static bool label_ok(struct view label)
{
    struct format_idn points;

    if (label.len == 0 || label.len > LABEL_BYTES_MAX || label.ptr[0] == '-' ||
        label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-')
            return false;
    }
    if (label.len < 4 || label.ptr[2] != '-' || label.ptr[3] != '-')
        return true;
    /* RFC 5891 section 4.2.3.1: two hyphens here are for A-labels only. */
    return view_eq_nocase(view_of(label.ptr, 2), VIEW("xn")) &&
           format_idn_punycode(&points, view_of(label.ptr + 4, label.len - 4)) &&
           format_idn_ok(&points, NULL);
}

bool schema_format_hostname(struct view text)
{
    struct view label, rest = text;
    bool has_more = true;

    if (text.len == 0 || text.len > HOST_BYTES_MAX)
        return false;
    while (has_more) {
        has_more = view_split(rest, '.', &label, &rest);
        if (!label_ok(label))
            return false;
    }
    return true;
}

static bool u_label_ok(struct view label, struct format_idn_domain *domain)
{
    struct format_idn label_points;
    bool is_wide = false;

    for (size_t i = 0; i < label.len; i++)
        is_wide = is_wide || (uint8_t)label.ptr[i] >= 128;
    if (!is_wide && !label_ok(label))
        return false;
    if (is_wide || label.len < 4 || !view_eq_nocase(view_of(label.ptr, 4), VIEW("xn--")))
        return format_idn_read(&label_points, label) && format_idn_ok(&label_points, domain);
    return format_idn_punycode(&label_points, view_of(label.ptr + 4, label.len - 4)) &&
           format_idn_ok(&label_points, domain);
}

/* The dots of RFC 3490 section 3.1: also the ideographic and the two narrow ones. */
static size_t dot_at(struct view text, size_t at)
{
    static const char *const wide[] = {"\xe3\x80\x82", "\xef\xbc\x8e", "\xef\xbd\xa1"};

    if (text.ptr[at] == '.')
        return 1;
    for (size_t i = 0; i < 3; i++) {
        if (text.len - at >= 3 && memcmp(text.ptr + at, wide[i], 3) == 0)
            return 3;
    }
    return 0;
}

bool schema_format_idn_hostname(struct view text)
{
    struct format_idn_domain domain = {.points = 0};
    size_t begin = 0;
    size_t at = 0;

    if (text.len == 0 || text.len > 4 * HOST_BYTES_MAX)
        return false;
    while (at < text.len) {
        size_t dot = dot_at(text, at);

        if (dot > 0) {
            if (!u_label_ok(view_of(text.ptr + begin, at - begin), &domain))
                return false;
            begin = at + dot;
        }
        at += dot > 0 ? dot : 1;
    }
    if (!u_label_ok(view_of(text.ptr + begin, text.len - begin), &domain))
        return false;
    return domain.points <= HOST_BYTES_MAX + 1 &&
           !(domain.has_right_to_left && domain.has_digit_first);
}

static bool is_atext(char c, bool is_idn)
{
    if ((uint8_t)c >= 128)
        return is_idn;
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool quoted_local(struct view local, bool is_idn)
{
    for (size_t i = 1; i + 1 < local.len; i++) {
        char c = local.ptr[i];

        if (c == '\\' && i + 2 < local.len)
            c = local.ptr[++i];
        else if (c == '"' || c == '\\')
            return false;
        if (((uint8_t)c >= 128 && !is_idn) || (uint8_t)c < ' ' || c == 127)
            return false;
    }
    return local.len >= 2 && local.ptr[local.len - 1] == '"';
}

static bool local_ok(struct view local, bool is_idn)
{
    if (local.len == 0 || local.len > LOCAL_BYTES_MAX)
        return false;
    if (local.ptr[0] == '"')
        return quoted_local(local, is_idn);
    for (size_t i = 0; i < local.len; i++) {
        bool is_dot = local.ptr[i] == '.' && i > 0 && i + 1 < local.len && local.ptr[i - 1] != '.';

        if (!is_dot && !is_atext(local.ptr[i], is_idn))
            return false;
    }
    return true;
}

static bool domain_ok(struct view domain, bool is_idn)
{
    struct view inside;

    if (domain.len < 2 || domain.ptr[0] != '[')
        return is_idn ? schema_format_idn_hostname(domain) : schema_format_hostname(domain);
    if (domain.ptr[domain.len - 1] != ']')
        return false;
    inside = view_of(domain.ptr + 1, domain.len - 2);
    if (inside.len > 5 && view_eq_nocase(view_of(inside.ptr, 5), VIEW("IPv6:")))
        return schema_format_ipv6(view_of(inside.ptr + 5, inside.len - 5));
    return schema_format_ipv4(inside);
}

static bool email(struct view text, bool is_idn)
{
    size_t at = text.len;

    while (at > 0 && text.ptr[at - 1] != '@')
        at--;
    return at > 0 && local_ok(view_of(text.ptr, at - 1), is_idn) &&
           domain_ok(view_of(text.ptr + at, text.len - at), is_idn);
}

bool schema_format_email(struct view text)
{
    return email(text, false);
}

bool schema_format_idn_email(struct view text)
{
    return email(text, true);
}
