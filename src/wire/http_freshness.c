/* SPDX-License-Identifier: Apache-2.0 */
/* http_freshness.c: Cache-Control, Expires, Date and Age of an answer. max-age wins over Expires
 * (RFC 9111 section 5.3), s-maxage is for shared caches and skipped. */
#include "wire/http_freshness.h"

#include "wire/http1.h"

#define DATE_BYTES 29

/* 1*DIGIT; what does not fit counts as the greatest value (RFC 9111 section 1.2.2). */
static bool read_seconds(uint32_t *seconds, struct view text)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
        if (value > HTTP_FRESHNESS_MAX_S)
            value = HTTP_FRESHNESS_MAX_S;
    }
    *seconds = (uint32_t)value;
    return text.len > 0;
}

/* Cuts one list element off *rest; commas inside a quoted string do not end it. false: a quote is
 * never closed. */
static bool take_element(struct view *element, struct view *rest)
{
    bool is_quoted = false;
    size_t i;

    for (i = 0; i < rest->len; i++) {
        if (rest->ptr[i] == '"')
            is_quoted = !is_quoted;
        else if (is_quoted && rest->ptr[i] == '\\')
            i++;
        else if (!is_quoted && rest->ptr[i] == ',')
            break;
    }
    if (is_quoted)
        return false;
    if (i > rest->len)
        i = rest->len;
    *element = view_trim(view_of(rest->ptr, i));
    *rest = i < rest->len ? view_of(rest->ptr + i + 1, rest->len - i - 1) : VIEW("");
    return true;
}

static void add_directive(struct http_freshness *f, struct view directive)
{
    struct view name, value;
    uint32_t seconds;

    (void)view_split(directive, '=', &name, &value);
    if (!http1_is_token(name)) {
        f->is_stale = true;
    } else if (view_eq_nocase(name, VIEW("no-store")) || view_eq_nocase(name, VIEW("no-cache"))) {
        f->is_stale = true;
    } else if (view_eq_nocase(name, VIEW("max-age"))) {
        if (!read_seconds(&seconds, value) || (f->has_max_age && f->max_age_s != seconds))
            f->is_stale = true;
        else
            f->max_age_s = seconds;
        f->has_max_age = true;
    }
}

static void add_cache_control(struct http_freshness *f, struct view value)
{
    struct view element;

    while (value.len > 0) {
        if (!take_element(&element, &value)) {
            f->is_stale = true;
            return;
        }
        if (element.len > 0) /* RFC 9110 section 5.6.1: empty elements are skipped */
            add_directive(f, element);
    }
}

/* An Expires that is no date means "already over", the usual 0 among them (RFC 9111 section 5.3).
 */
static void add_date(struct http_freshness *f, struct view value, int64_t *date, bool *has)
{
    int64_t seconds;

    if (!http_date_parse(&seconds, value) || (*has && *date != seconds))
        f->is_stale = true;
    else
        *date = seconds;
    *has = true;
}

void http_freshness_add(struct http_freshness *f, struct view name, struct view value)
{
    uint32_t seconds;

    if (view_eq_nocase(name, VIEW("Cache-Control"))) {
        add_cache_control(f, value);
    } else if (view_eq_nocase(name, VIEW("Expires"))) {
        /* max-age decides when both are there, even over an Expires that is no date. */
        struct http_freshness only = {.expires_s = f->expires_s, .has_expires = f->has_expires};

        add_date(&only, value, &only.expires_s, &only.has_expires);
        f->expires_s = only.is_stale ? INT64_MIN : only.expires_s;
        f->has_expires = true;
    } else if (view_eq_nocase(name, VIEW("Date"))) {
        add_date(f, value, &f->date_s, &f->has_date);
    } else if (view_eq_nocase(name, VIEW("Age"))) {
        if (!read_seconds(&seconds, value))
            f->is_stale = true;
        else if (seconds > f->age_s)
            f->age_s = seconds;
        f->has_age = true;
    }
}

bool http_freshness_get(const struct http_freshness *f, int64_t wall_s, uint32_t *seconds)
{
    int64_t lifetime = 0;

    if (!f->is_stale && !f->has_max_age && !f->has_expires)
        return false;
    if (f->has_max_age)
        lifetime = f->max_age_s;
    else if (f->has_expires && f->expires_s != INT64_MIN)
        lifetime = f->expires_s - (f->has_date ? f->date_s : wall_s);
    lifetime -= f->age_s;
    if (f->is_stale || lifetime < 0)
        lifetime = 0;
    if (lifetime > (int64_t)HTTP_FRESHNESS_MAX_S)
        lifetime = HTTP_FRESHNESS_MAX_S;
    *seconds = (uint32_t)lifetime;
    return true;
}

/* --- dates --- */

static bool read_digits(unsigned *value, const char *text, unsigned count)
{
    *value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *value = *value * 10 + (unsigned)(text[i] - '0');
    }
    return true;
}

/* Index of the three letters at `text` in a row of such names, or `count`. */
static unsigned find_name(const char *names, unsigned count, const char *text)
{
    unsigned i = 0;

    while (i < count && memcmp(names + (size_t)3 * i, text, 3) != 0)
        i++;
    return i;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, counted in years that begin in March, so
 * that the leap day comes last. month: 0 is January. */
static int64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    unsigned from_march = (month + 10) % 12;
    unsigned y = month < 2 ? year - 1 : year;

    return (int64_t)y * 365 + y / 4 - y / 100 + y / 400 + (153 * from_march + 2) / 5 + day - 719469;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month] + (month == 1 && is_leap ? 1U : 0U);
}

bool http_date_parse(int64_t *seconds, struct view text)
{
    unsigned day, month, year, hour, minute, second, weekday;
    const char *t = text.ptr;
    int64_t days;

    if (text.len != DATE_BYTES || memcmp(t + 3, ", ", 2) != 0 || t[7] != ' ' || t[11] != ' ' ||
        t[16] != ' ' || t[19] != ':' || t[22] != ':' || memcmp(t + 25, " GMT", 4) != 0)
        return false;
    weekday = find_name("SunMonTueWedThuFriSat", 7, t);
    month = find_name("JanFebMarAprMayJunJulAugSepOctNovDec", 12, t + 8);
    if (weekday == 7 || month == 12 || !read_digits(&day, t + 5, 2) ||
        !read_digits(&year, t + 12, 4) || !read_digits(&hour, t + 17, 2) ||
        !read_digits(&minute, t + 20, 2) || !read_digits(&second, t + 23, 2))
        return false;
    if (year < 1970 || day == 0 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
        second > 60)
        return false;
    days = days_since_1970(year, month, day);
    if ((unsigned)((days + 4) % 7) != weekday) /* 1970-01-01 was a Thursday */
        return false;
    *seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}
