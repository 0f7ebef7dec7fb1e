/* SPDX-License-Identifier: Apache-2.0 */
/* event_target.h: where the lines of the event log go: a stream, a file, the system's log. The
 * log's own thread, but for opening and closing. */
#ifndef SERVER_EVENT_TARGET_H
#define SERVER_EVENT_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "net/syslog_link.h"
#include "server/event_log.h"

struct event_target { /* starts zeroed */
    bool is_off;
    char *path; /* NULL: no file */
    int fd;
    bool owns_fd;
    char *socket; /* of the system's log; NULL: another target */
    struct syslog_link syslog;
    int facility;
    long process;
    char *datagram;
    bool is_away, has_given_up; /* the system's log */
    /* The server ends: a target that takes nothing is not waited for much longer. */
    bool (*is_ending)(void *context);
    void *context;
};
/* is_ending and context are set already. E_IO, E_NOMEM, with *why. */
int event_target_open(struct event_target *t, const struct event_log_options *o, struct error *why);
void event_target_close(struct event_target *t);
/* Whole lines. Waits for a target that takes nothing now. How many lines are lost is the answer: of
 * a full disk, a closed pipe, or a target that the end of the server did not wait for. */
size_t event_target_write(struct event_target *t, const char *bytes, size_t len);
/* A file by its name again. False: it cannot be opened, and the old one stays in use. */
bool event_target_reopen(struct event_target *t);

#endif
