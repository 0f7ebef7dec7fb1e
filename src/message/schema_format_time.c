/* SPDX-License-Identifier: Apache-2.0 */
/* schema_format_time.c: RFC 3339: section 5.6 for dates and times, appendix A for durations. A leap
 * second is valid at 23:59:60 UTC only. */
#include "message/schema_format.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* `count` digits at the front of *text, which moves on; -1 where they are not. */
static int digits(struct view *text, size_t count)
{
    int sum = 0;

    if (text->len < count)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(text->ptr[i]))
            return -1;
        sum = sum * 10 + (text->ptr[i] - '0');
    }
    *text = view_of(text->ptr + count, text->len - count);
    return sum;
}

static bool skip(struct view *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    *text = view_of(text->ptr + 1, text->len - 1);
    return true;
}

static bool full_date(struct view *text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;

    year = digits(text, 4);
    if (year < 0 || !skip(text, '-'))
        return false;
    month = digits(text, 2);
    if (month < 1 || month > 12 || !skip(text, '-'))
        return false;
    day = digits(text, 2);
    if (month == 2 && day == 29)
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day >= 1 && day <= days[month - 1];
}

/* The zone in minutes east of UTC. */
static bool offset(struct view *text, int *minutes)
{
    bool is_west = text->len > 0 && text->ptr[0] == '-';
    int hour, minute;

    *minutes = 0;
    if (skip(text, 'Z') || skip(text, 'z'))
        return true;
    if (!skip(text, '+') && !skip(text, '-'))
        return false;
    hour = digits(text, 2);
    if (hour < 0 || hour > 23 || !skip(text, ':'))
        return false;
    minute = digits(text, 2);
    *minutes = (hour * 60 + minute) * (is_west ? -1 : 1);
    return minute >= 0 && minute <= 59;
}

static bool full_time(struct view *text)
{
    int hour, minute, second, zone, utc;

    hour = digits(text, 2);
    if (hour < 0 || hour > 23 || !skip(text, ':'))
        return false;
    minute = digits(text, 2);
    if (minute < 0 || minute > 59 || !skip(text, ':'))
        return false;
    second = digits(text, 2);
    if (second < 0 || second > 60)
        return false;
    if (skip(text, '.')) {
        if (digits(text, 1) < 0)
            return false;
        while (text->len > 0 && is_digit(text->ptr[0]))
            (void)skip(text, text->ptr[0]);
    }
    if (!offset(text, &zone))
        return false;
    utc = (hour * 60 + minute - zone + 2 * 24 * 60) % (24 * 60);
    return second < 60 || utc == 23 * 60 + 59;
}

bool schema_format_date(struct view text)
{
    return full_date(&text) && text.len == 0;
}

bool schema_format_time(struct view text)
{
    return full_time(&text) && text.len == 0;
}

bool schema_format_date_time(struct view text)
{
    return full_date(&text) && (skip(&text, 'T') || skip(&text, 't')) && full_time(&text) &&
           text.len == 0;
}

/* Numbers with the letters of `units` behind them, in order and without gaps: "YMD" takes 1Y2M but
 * not 1Y2D. */
static bool units_in_order(struct view *text, const char *units)
{
    const char *expected = NULL; /* the only one allowed next, once there was one */

    while (text->len > 0 && is_digit(text->ptr[0])) {
        const char *unit;

        while (text->len > 0 && is_digit(text->ptr[0]))
            (void)skip(text, text->ptr[0]);
        if (text->len == 0 || (unit = strchr(units, text->ptr[0])) == NULL || *unit == '\0')
            return false;
        if (expected != NULL && unit != expected)
            return false;
        expected = unit + 1;
        (void)skip(text, text->ptr[0]);
    }
    return expected != NULL;
}

bool schema_format_duration(struct view text)
{
    if (!skip(&text, 'P') || text.len == 0)
        return false;
    if (text.ptr[text.len - 1] == 'W')
        return units_in_order(&text, "W") && text.len == 0;
    if (text.ptr[0] != 'T' && !units_in_order(&text, "YMD"))
        return false;
    if (skip(&text, 'T') && !units_in_order(&text, "HMS"))
        return false;
    return text.len == 0;
}
