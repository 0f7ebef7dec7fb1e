/* SPDX-License-Identifier: Apache-2.0 */
/* event_syslog.c: the form that syslog(3) sends to /dev/log, which every daemon on a Unix machine
 * reads there (RFC 3164 section 4.1 without a host, which the daemon knows); the form of RFC 5424
 * is for the network, and several take it for text when it comes by the socket. */
#include "server/event_syslog.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* In the order of their numbers (RFC 5424 table 1); those of the kernel, of printers, news and the
 * like are nobody's who serves WebSockets. */
const char *const event_syslog_facilities[] = {"user",   "daemon", "auth",   "authpriv", "local0",
                                               "local1", "local2", "local3", "local4",   "local5",
                                               "local6", "local7", NULL};
static const unsigned numbers[] = {1, 3, 4, 10, 16, 17, 18, 19, 20, 21, 22, 23};

_Static_assert(sizeof(numbers) / sizeof(numbers[0]) ==
                   sizeof(event_syslog_facilities) / sizeof(event_syslog_facilities[0]) - 1,
               "one each");

/* `severity` is the third member: what stands before it is ours, so no stranger can write it
 * first. */
unsigned event_syslog_severity(struct view line)
{
    static const struct view mark = VIEW("\"severity\":\"");
    const char *at = line.len > 0 ? memmem(line.ptr, line.len, mark.ptr, mark.len) : NULL;
    struct view rest;

    if (at == NULL)
        return 5;
    rest = view_of(at + mark.len, line.len - (size_t)(at - line.ptr) - mark.len);
    if (view_starts_with(rest, VIEW("warning\"")))
        return 4;
    return view_starts_with(rest, VIEW("info\"")) ? 6 : 5;
}

size_t event_syslog_head(char out[EVENT_SYSLOG_HEAD_MAX], const struct event_syslog_head *head,
                         struct view line)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)head->wall_s;
    struct tm tm = {.tm_mon = 0, .tm_mday = 1};
    int len;

    (void)localtime_r(&now, &tm);
    len =
        snprintf(out, EVENT_SYSLOG_HEAD_MAX, "<%u>%s %2d %02d:%02d:%02d gateward[%ld]: ",
                 numbers[head->facility] * 8 + event_syslog_severity(line), months[tm.tm_mon % 12],
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, head->process);
    return len > 0 && len < EVENT_SYSLOG_HEAD_MAX ? (size_t)len : 0;
}
