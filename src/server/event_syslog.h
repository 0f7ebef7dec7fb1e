/* SPDX-License-Identifier: Apache-2.0 */
/* event_syslog.h: a line of the event log as the system's log wants it. Pure but for the local time
 * zone. */
#ifndef SERVER_EVENT_SYSLOG_H
#define SERVER_EVENT_SYSLOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

#define EVENT_SYSLOG_HEAD_MAX 64
/* Names of facilities, and the number of each; NULL ends them. */
extern const char *const event_syslog_facilities[];

struct event_syslog_head {
    int facility; /* index into event_syslog_facilities */
    int64_t wall_s;
    long process;
};
/* What stands before the line, "<85>Nov 22 14:50:05 gateward[4711]: ", into
 * out[EVENT_SYSLOG_HEAD_MAX]; its length. */
size_t event_syslog_head(char out[EVENT_SYSLOG_HEAD_MAX], const struct event_syslog_head *head,
                         struct view line);
/* The priority (0 to 7) of a line of ours: 4 warning, 5 notice, 6 info. */
unsigned event_syslog_severity(struct view line);

#endif
