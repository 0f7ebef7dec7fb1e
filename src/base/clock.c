/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c: the system's clocks, and a time as text. The calendar is computed here, because gmtime_r
 * takes a lock. */
#include "base/clock.h"

#include <time.h>

#include "base/assert.h"

#define DAY_MS 86400000

static struct timespec now(clockid_t which)
{
    struct timespec ts = {0, 0};
    int rc = clock_gettime(which, &ts);

    ASSERT(rc == 0);
    return ts;
}

uint64_t clock_mono_ns(void)
{
    struct timespec ts = now(CLOCK_MONOTONIC);

    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t clock_mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

int64_t clock_wall_s(void)
{
    return (int64_t)now(CLOCK_REALTIME).tv_sec;
}

int64_t clock_wall_ms(void)
{
    struct timespec ts = now(CLOCK_REALTIME);

    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* `digits` decimal digits of value, leading zeros included. */
static char *put_digits(char *out, unsigned value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + digits;
}

static unsigned year_days(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365;
}

static unsigned month_days(unsigned year, unsigned month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month] + (month == 1 && year_days(year) == 366 ? 1U : 0U);
}

static char *put_date(char *out, unsigned days)
{
    /* 400 years always have 146097 days, which bounds the loop below. */
    unsigned year = 1970 + days / 146097 * 400;
    unsigned month = 0;

    days %= 146097;
    for (; days >= year_days(year); year++)
        days -= year_days(year);
    for (; days >= month_days(year, month); month++)
        days -= month_days(year, month);
    out = put_digits(out, year, 4);
    *out++ = '-';
    out = put_digits(out, month + 1, 2);
    *out++ = '-';
    return put_digits(out, days + 1, 2);
}

void clock_wall_text(int64_t wall_ms, char *out)
{
    /* 9999-12-31T23:59:59.999Z: four digits of year, no more. */
    const int64_t last_ms = 253402300799999;
    int64_t ms = wall_ms < 0 ? 0 : wall_ms > last_ms ? last_ms : wall_ms;
    unsigned of_day = (unsigned)(ms % DAY_MS);

    out = put_date(out, (unsigned)(ms / DAY_MS));
    *out++ = 'T';
    out = put_digits(out, of_day / 3600000, 2);
    *out++ = ':';
    out = put_digits(out, of_day / 60000 % 60, 2);
    *out++ = ':';
    out = put_digits(out, of_day / 1000 % 60, 2);
    *out++ = '.';
    out = put_digits(out, of_day % 1000, 3);
    *out++ = 'Z';
    *out = '\0';
}
