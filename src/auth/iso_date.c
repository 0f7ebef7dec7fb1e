/* SPDX-License-Identifier: Apache-2.0 */
/* iso_date.c: digits at fixed places, and the days between them. No locale, no time zone of the
 * machine. */
#include "auth/iso_date.h"

/* Reads `count` digits. False: others stand there. */
static bool digits(struct view *rest, unsigned count, int64_t *number)
{
    *number = 0;
    if (rest->len < count)
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (rest->ptr[i] < '0' || rest->ptr[i] > '9')
            return false;
        *number = *number * 10 + (rest->ptr[i] - '0');
    }
    *rest = view_of(rest->ptr + count, rest->len - count);
    return true;
}

static bool sign(struct view *rest, char c)
{
    if (rest->len == 0 || rest->ptr[0] != c)
        return false;
    *rest = view_of(rest->ptr + 1, rest->len - 1);
    return true;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const int8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && is_leap);
}

/* Days from 1970-01-01, of the calendar that is ours today at all times. */
static int64_t days_until(int64_t year, int64_t month, int64_t day)
{
    int64_t before = year - 1;
    int64_t days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;

    for (int64_t m = 1; m < month; m++)
        days += days_of_month(year, m);
    return days + day - 1;
}

static bool skip_fraction(struct view *rest)
{
    int64_t digit;
    unsigned count = 0;

    if (!sign(rest, '.'))
        return true;
    while (count < 9 && digits(rest, 1, &digit))
        count++;
    return count > 0;
}

/* What the clock there is ahead of ours, in seconds. */
static bool read_zone(struct view *rest, int64_t *ahead_s)
{
    int64_t hours, minutes;
    bool is_behind;

    *ahead_s = 0;
    if (sign(rest, 'Z'))
        return true;
    is_behind = sign(rest, '-');
    if ((!is_behind && !sign(rest, '+')) || !digits(rest, 2, &hours) || !sign(rest, ':') ||
        !digits(rest, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ahead_s = (hours * 60 + minutes) * (is_behind ? -60 : 60);
    return true;
}

bool iso_date_parse(struct view text, int64_t *wall_s)
{
    int64_t year, month, day, hour, minute, second, ahead_s;

    if (!digits(&text, 4, &year) || !sign(&text, '-') || !digits(&text, 2, &month) ||
        !sign(&text, '-') || !digits(&text, 2, &day) || !sign(&text, 'T'))
        return false;
    if (!digits(&text, 2, &hour) || !sign(&text, ':') || !digits(&text, 2, &minute) ||
        !sign(&text, ':') || !digits(&text, 2, &second))
        return false;
    if (!skip_fraction(&text) || !read_zone(&text, &ahead_s) || text.len != 0)
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month) ||
        hour > 23 || minute > 59 || second > 59)
        return false;
    *wall_s = days_until(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - ahead_s;
    return true;
}
