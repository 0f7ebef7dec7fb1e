/* SPDX-License-Identifier: Apache-2.0 */
/* The event log's buffer and its thread. A worker formats a line on its own stack, takes the lock
 * only to copy it, and never waits for the target: what does not fit is counted and told later.
 * Counters are exact whatever happens to the lines. */
#include "server/event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "server/event_ledger.h"
#include "server/event_target.h"

#define BUFFER_BYTES (1024u * 1024u)

/* Events of one type by their code, which is a constant of the program. */
struct tally {
    const char *code;
    uint64_t count;
};
struct tallies {
    uint32_t count;
    struct tally items[EVENT_CODES_MAX + 1]; /* the last: all others */
};

struct event_log {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_t thread;
    char *front; /* workers append here; swapped with `back` by the thread */
    char *back;
    size_t front_bytes;
    bool is_closing, wants_reopen;
    struct event_target target; /* the thread's, once it runs */
    uint64_t lost;              /* lines that the target did not take, not told yet */
    int64_t lost_told_s;
    struct event_ledger *ledger; /* NULL: lines do not hold on to each other */
    uint64_t window_s;           /* the second that `lines` counts */
    uint32_t lines[EVENT_TYPES];
    uint64_t left_out[EVENT_TYPES]; /* not told yet */
    uint64_t left_out_total;
    pthread_mutex_t tally_lock;
    struct tallies tallies[EVENT_TYPES];
    _Atomic uint64_t counts[EVENT_TYPES];
};

static bool is_closing(void *context)
{
    struct event_log *log = context;
    bool answer;

    (void)pthread_mutex_lock(&log->lock);
    answer = log->is_closing;
    (void)pthread_mutex_unlock(&log->lock);
    return answer;
}

/* What is lost is told once a second at most: a full disk must not fill the other log as well. */
static void tell_lost(struct event_log *log, size_t lines)
{
    if (lines > 0) {
        (void)pthread_mutex_lock(&log->lock);
        log->left_out_total += lines;
        (void)pthread_mutex_unlock(&log->lock);
        log->lost += lines;
    }
    if (log->lost == 0 || (log->lost_told_s == clock_wall_s() && !is_closing(log)))
        return;
    log->lost_told_s = clock_wall_s();
    log_line(LOG_ERROR, "event log: %llu lines could not be written",
             (unsigned long long)log->lost);
    log->lost = 0;
}

static void write_all(void *context, const char *bytes, size_t len)
{
    struct event_log *log = context;

    tell_lost(log, event_target_write(&log->target, bytes, len));
}

/* With the lock held: appends a line if there is room. */
static bool append(struct event_log *log, const char *line, size_t len)
{
    if (len == 0 || len > BUFFER_BYTES - log->front_bytes)
        return false;
    memcpy(log->front + log->front_bytes, line, len);
    log->front_bytes += len;
    return true;
}

/* With the lock held: a new second has begun, tell what the last one left out. */
static void turn_window(struct event_log *log, int64_t wall_ms)
{
    char line[EVENT_LINE_MAX];

    for (unsigned i = 0; i < EVENT_TYPES; i++) {
        log->lines[i] = 0;
        if (log->left_out[i] == 0)
            continue;
        struct event told = {.type = EVENT_SUPPRESSED,
                             .outcome = OUTCOME_OK,
                             .code = event_type_text((enum event_type)i),
                             .count = log->left_out[i]};
        if (append(log, line, event_encode(line, sizeof(line), &told, wall_ms))) {
            log->left_out[i] = 0;
            atomic_fetch_add_explicit(&log->counts[EVENT_SUPPRESSED], 1, memory_order_relaxed);
        }
    }
}

/* The same code may be two constants of the same text. */
static struct tally *tally_find(struct tallies *t, const char *code)
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->items[i].code == code || strcmp(t->items[i].code, code) == 0)
            return &t->items[i];
    }
    if (t->count < EVENT_CODES_MAX) {
        t->items[t->count].code = code;
        return &t->items[t->count++];
    }
    t->items[EVENT_CODES_MAX].code = "other";
    return &t->items[EVENT_CODES_MAX];
}

static void tally(struct event_log *log, const struct event *event)
{
    (void)pthread_mutex_lock(&log->tally_lock);
    tally_find(&log->tallies[event->type], event->code != NULL ? event->code : "none")->count++;
    (void)pthread_mutex_unlock(&log->tally_lock);
}

static void put_lines(struct event_log *log, const char *bytes, size_t len)
{
    if (log->ledger == NULL)
        write_all(log, bytes, len);
    else if (len > 0)
        event_ledger_put(log->ledger, bytes, len);
    if (log->ledger != NULL)
        event_ledger_tick(log->ledger, clock_wall_s());
}

static void reopen(struct event_log *log)
{
    if (event_target_reopen(&log->target) && log->ledger != NULL)
        event_ledger_rotated(log->ledger);
}

/* With the lock held, until there is something to be done. */
static void await_lines(struct event_log *log)
{
    struct timespec until;
    int64_t wall_ms;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    if (log->front_bytes == 0 && !log->is_closing && !log->wants_reopen)
        (void)pthread_cond_timedwait(&log->filled, &log->lock, &until);
    wall_ms = clock_wall_ms();
    if ((uint64_t)(wall_ms / 1000) == log->window_s && !log->is_closing)
        return;
    log->window_s = (uint64_t)(wall_ms / 1000);
    turn_window(log, wall_ms);
}

static void *writer(void *argument)
{
    struct event_log *log = argument;
    bool is_over = false;

    (void)pthread_mutex_lock(&log->lock);
    while (!is_over) {
        char *full;
        size_t len;
        bool wants_reopen;

        await_lines(log);
        full = log->front;
        len = log->front_bytes;
        log->front = log->back;
        log->front_bytes = 0;
        wants_reopen = log->wants_reopen;
        log->wants_reopen = false;
        is_over = len == 0 && log->is_closing;
        (void)pthread_mutex_unlock(&log->lock);
        if (wants_reopen)
            reopen(log);
        put_lines(log, full, len);
        (void)pthread_mutex_lock(&log->lock);
        log->back = full;
    }
    (void)pthread_mutex_unlock(&log->lock);
    if (log->ledger != NULL)
        event_ledger_stop(log->ledger);
    return NULL;
}

static void count_mark(void *context, const struct event *event)
{
    struct event_log *log = context;

    atomic_fetch_add_explicit(&log->counts[event->type], 1, memory_order_relaxed);
    tally(log, event);
}

static int open_ledger(struct event_log *log, const struct event_log_options *options,
                       struct error *why)
{
    const struct event_ledger_ops ops = {write_all, count_mark, log};
    int fd = log->target.path != NULL ? log->target.fd : -1;
    int rc = event_ledger_open(&log->ledger, options, fd, why);

    if (rc == OK)
        event_ledger_start(log->ledger, &ops);
    return rc;
}

static int start(struct event_log *log, struct error *why)
{
    log->front = malloc(BUFFER_BYTES);
    log->back = malloc(BUFFER_BYTES);
    if (log->front != NULL && log->back != NULL &&
        pthread_create(&log->thread, NULL, writer, log) == 0)
        return OK;
    error_set(why, "cannot start the event log: out of memory or threads");
    return E_NOMEM;
}

static void log_free(struct event_log *log)
{
    (void)pthread_cond_destroy(&log->filled);
    (void)pthread_mutex_destroy(&log->lock);
    (void)pthread_mutex_destroy(&log->tally_lock);
    event_target_close(&log->target);
    free(log->front);
    free(log->back);
    event_ledger_free(log->ledger);
    free(log);
}

int event_log_open(struct event_log **out, const struct event_log_options *options,
                   struct error *why)
{
    struct event_log *log = calloc(1, sizeof(*log));
    int rc;

    if (log == NULL) {
        error_set(why, "out of memory");
        return E_NOMEM;
    }
    (void)pthread_mutex_init(&log->lock, NULL);
    (void)pthread_mutex_init(&log->tally_lock, NULL);
    (void)pthread_cond_init(&log->filled, NULL);
    log->target.is_ending = is_closing;
    log->target.context = log;
    rc = event_target_open(&log->target, options, why);
    if (rc == OK && !log->target.is_off && options->has_chain)
        rc = open_ledger(log, options, why);
    if (rc == OK && !log->target.is_off)
        rc = start(log, why);
    if (rc != OK) {
        log_free(log);
        return rc;
    }
    *out = log;
    return OK;
}

void event_log_reopen(struct event_log *log)
{
    if (log == NULL || log->target.path == NULL)
        return;
    (void)pthread_mutex_lock(&log->lock);
    log->wants_reopen = true;
    (void)pthread_cond_signal(&log->filled);
    (void)pthread_mutex_unlock(&log->lock);
}

void event_log_close(struct event_log *log)
{
    if (log == NULL)
        return;
    if (!log->target.is_off) {
        (void)pthread_mutex_lock(&log->lock);
        log->is_closing = true;
        (void)pthread_cond_signal(&log->filled);
        (void)pthread_mutex_unlock(&log->lock);
        (void)pthread_join(log->thread, NULL);
        tell_lost(log, 0);
    }
    log_free(log);
}

void event_log_each_code(struct event_log *log, enum event_type type,
                         void (*each)(void *context, const char *code, uint64_t count),
                         void *context)
{
    struct tallies copy;

    (void)pthread_mutex_lock(&log->tally_lock);
    copy = log->tallies[type];
    (void)pthread_mutex_unlock(&log->tally_lock);
    for (uint32_t i = 0; i < copy.count; i++)
        each(context, copy.items[i].code, copy.items[i].count);
    if (copy.items[EVENT_CODES_MAX].count > 0)
        each(context, copy.items[EVENT_CODES_MAX].code, copy.items[EVENT_CODES_MAX].count);
}

uint64_t event_log_left_out(struct event_log *log)
{
    uint64_t count;

    (void)pthread_mutex_lock(&log->lock);
    count = log->left_out_total;
    (void)pthread_mutex_unlock(&log->lock);
    return count;
}

void event_log_put(struct event_log *log, const struct event *event)
{
    char line[EVENT_LINE_MAX];
    int64_t wall_ms;
    size_t len;

    if (log == NULL)
        return;
    atomic_fetch_add_explicit(&log->counts[event->type], 1, memory_order_relaxed);
    tally(log, event);
    if (log->target.is_off)
        return;
    wall_ms = clock_wall_ms();
    len = event_encode(line, sizeof(line), event, wall_ms);
    (void)pthread_mutex_lock(&log->lock);
    if (event->type == EVENT_SERVER_STOP)
        turn_window(log, wall_ms); /* what was left out is told before the last word */
    if (log->lines[event->type] >= EVENT_LINES_PER_SECOND || !append(log, line, len)) {
        log->left_out[event->type]++;
        log->left_out_total++;
    } else {
        log->lines[event->type]++;
        (void)pthread_cond_signal(&log->filled);
    }
    (void)pthread_mutex_unlock(&log->lock);
}

uint64_t event_log_count(const struct event_log *log, enum event_type type)
{
    return atomic_load_explicit(&log->counts[type], memory_order_relaxed);
}
