/* SPDX-License-Identifier: Apache-2.0 */
/* event_target.c: writing for as long as it takes. Nobody but the log's own thread waits here:
 * meanwhile the workers fill its buffer, and count what finds no room. */
#include "server/event_target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "server/event_chain.h"
#include "server/event_syslog.h"

#define PIECE_BYTES    4096u /* PIPE_BUF: a pipe that can be written to takes this much at once */
#define LOOK_MS        100
#define LAST_LOOKS     10 /* how often a target that takes nothing is asked again before the end */
#define DATAGRAM_BYTES (EVENT_SYSLOG_HEAD_MAX + EVENT_LINE_MAX + EVENT_CHAIN_BYTES)

static size_t lines_of(const char *bytes, size_t len)
{
    size_t lines = 0;

    for (size_t i = 0; i < len; i++)
        lines += bytes[i] == '\n';
    return lines;
}

/* --- streams and files --- */

/* Waits for a target that takes nothing, such as a pipe whose reader has stopped; but not for ever
 * when the server is to end. */
static bool await(struct event_target *t)
{
    struct pollfd to = {.fd = t->fd, .events = POLLOUT};
    unsigned looks = 0;

    while (poll(&to, 1, LOOK_MS) == 0) {
        if (t->is_ending(t->context) && ++looks == LAST_LOOKS)
            return false;
    }
    return true; /* a fault is for write to find */
}

/* A full disk or a closed pipe must not stop the server; the counters stay exact. */
static size_t write_stream(struct event_target *t, const char *bytes, size_t len)
{
    while (len > 0 && await(t)) {
        ssize_t n = write(t->fd, bytes, len < PIECE_BYTES ? len : PIECE_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        bytes += n;
        len -= (size_t)n;
    }
    return lines_of(bytes, len);
}

/* --- the system's log --- */

static void tell_away(struct event_target *t, int rc)
{
    if (t->is_away)
        return;
    t->is_away = true;
    log_line(LOG_ERROR,
             "event log: no syslog takes lines at %s (%s); they wait, and those that "
             "find no room are counted",
             t->socket, rc == E_FULL ? "it does not read" : strerror(errno));
}

static void tell_back(struct event_target *t)
{
    if (t->is_away)
        log_line(LOG_INFO, "event log: syslog at %s takes lines again", t->socket);
    t->is_away = false;
}

/* false: lost. */
static bool send_line(struct event_target *t, size_t len)
{
    unsigned looks = 0;
    int rc;

    while ((rc = syslog_link_send(&t->syslog, t->datagram, len)) != OK) {
        bool is_ending = t->is_ending(t->context);

        if (rc == E_LIMIT)
            return false;
        if (rc != E_FULL || is_ending || ++looks >= LAST_LOOKS)
            tell_away(t, rc);
        if (is_ending && (t->has_given_up || ++looks >= LAST_LOOKS)) {
            t->has_given_up = true;
            return false;
        }
        syslog_link_wait(&t->syslog, LOOK_MS);
    }
    tell_back(t);
    return true;
}

static size_t write_syslog(struct event_target *t, const char *bytes, size_t len)
{
    struct event_syslog_head head = {.facility = t->facility, .process = t->process};
    size_t lost = 0;
    const char *end;

    head.wall_s = clock_wall_s();
    while (len > 0 && (end = memchr(bytes, '\n', len)) != NULL) {
        size_t line = (size_t)(end - bytes);
        size_t before = event_syslog_head(t->datagram, &head, view_of(bytes, line));

        if (line > DATAGRAM_BYTES - before) {
            lost++;
        } else {
            memcpy(t->datagram + before, bytes, line); /* a datagram needs no line feed */
            lost += !send_line(t, before + line);
        }
        bytes += line + 1;
        len -= line + 1;
    }
    return lost;
}

size_t event_target_write(struct event_target *t, const char *bytes, size_t len)
{
    return t->socket != NULL ? write_syslog(t, bytes, len) : write_stream(t, bytes, len);
}

/* --- life --- */

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
}

bool event_target_reopen(struct event_target *t)
{
    int fd = open_file(t->path);

    if (fd < 0) {
        log_line(LOG_ERROR, "cannot open the event log %s again, the old file stays in use: %s",
                 t->path, strerror(errno));
        return false;
    }
    (void)close(t->fd);
    t->fd = fd;
    log_line(LOG_INFO, "event log %s: opened again", t->path);
    return true;
}

/* Whether anybody answers there is told with the first line, and is no reason not to start. */
static int open_syslog(struct event_target *t, const struct event_log_options *o, struct error *why)
{
    t->socket = strdup(o->syslog_socket);
    t->datagram = malloc(DATAGRAM_BYTES);
    t->facility = o->syslog_facility;
    t->process = (long)getpid();
    if (t->socket == NULL || t->datagram == NULL) {
        error_set(why, "out of memory");
        return E_NOMEM;
    }
    syslog_link_init(&t->syslog, t->socket);
    return OK;
}

int event_target_open(struct event_target *t, const struct event_log_options *o, struct error *why)
{
    t->fd = -1;
    t->syslog.fd = -1;
    if (strcmp(o->target, "off") == 0) {
        t->is_off = true;
        return OK;
    }
    if (strcmp(o->target, "syslog") == 0)
        return open_syslog(t, o, why);
    if (strcmp(o->target, "stderr") == 0 || strcmp(o->target, "stdout") == 0) {
        t->fd = strcmp(o->target, "stderr") == 0 ? STDERR_FILENO : STDOUT_FILENO;
        return OK;
    }
    t->path = strdup(o->target);
    t->fd = t->path != NULL ? open_file(o->target) : -1;
    if (t->fd < 0) {
        error_set(why, "cannot write the event log %s: %s", o->target, strerror(errno));
        return E_IO;
    }
    t->owns_fd = true;
    return OK;
}

void event_target_close(struct event_target *t)
{
    if (t->owns_fd)
        (void)close(t->fd);
    syslog_link_close(&t->syslog);
    free(t->path);
    free(t->socket);
    free(t->datagram);
}
