/* SPDX-License-Identifier: Apache-2.0 */
/* event_ledger.c: the log's key is read here, used for the keys of this run, and wiped: what the
 * process holds afterwards says nothing about lines that were written before. */
#include "server/event_ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "server/event_end.h"

#define LINKED_BYTES (2 * (EVENT_LINE_MAX + EVENT_CHAIN_BYTES))

struct event_ledger {
    struct event_ledger_ops ops;
    struct event_chain chain;
    const char *mark; /* to be written before the next line; NULL: none */
    int64_t marked_s;
    uint64_t lines; /* since the last mark */
    char *end_path; /* NULL: no key */
    bool end_failed;
    char linked[LINKED_BYTES];
};

/* --- lines --- */

static void keep_end(struct event_ledger *l)
{
    int rc = event_end_write(l->end_path, &l->chain);

    if (rc != OK && !l->end_failed)
        log_line(LOG_ERROR,
                 "event log: cannot write %s, by which lines that are cut off its end "
                 "are found: %s",
                 l->end_path, rc == E_IO ? strerror(errno) : status_text(rc));
    l->end_failed = rc != OK;
}

/* Begins a segment. */
static void put_mark(struct event_ledger *l, const char *code)
{
    char line[EVENT_LINE_MAX], linked[EVENT_LINE_MAX + EVENT_CHAIN_BYTES], text[EVENT_MARK_MAX];
    struct event event = {.type = EVENT_LOG_MARK, .outcome = OUTCOME_OK, .code = code};
    struct wr w = wr_of(linked, sizeof(linked));

    if (event_seal_turn(&l->chain.seal) != OK)
        log_line(LOG_ERROR, "event log: out of memory: lines from here on cannot be verified");
    event.detail = event_seal_mark(&l->chain.seal.mark, text);
    event_chain_write(&l->chain, &w,
                      view_of(line, event_encode(line, sizeof(line), &event, clock_wall_ms())));
    if (w.failed)
        return;
    l->ops.count(l->ops.context, &event);
    l->ops.write(l->ops.context, linked, wr_len(&w));
    l->mark = NULL;
    l->marked_s = clock_wall_s();
    l->lines = 0;
    keep_end(l);
}

void event_ledger_put(struct event_ledger *l, const char *bytes, size_t len)
{
    struct wr w = wr_of(l->linked, LINKED_BYTES);
    const char *end;

    if (l->mark != NULL)
        put_mark(l, l->mark);
    while (len > 0 && (end = memchr(bytes, '\n', len)) != NULL) {
        size_t line = (size_t)(end - bytes) + 1;

        if (wr_len(&w) + line + EVENT_CHAIN_BYTES > LINKED_BYTES) {
            l->ops.write(l->ops.context, l->linked, wr_len(&w));
            w = wr_of(l->linked, LINKED_BYTES);
        }
        event_chain_write(&l->chain, &w, view_of(bytes, line));
        l->lines++;
        bytes += line;
        len -= line;
    }
    l->ops.write(l->ops.context, l->linked, wr_len(&w));
}

void event_ledger_rotated(struct event_ledger *l)
{
    if (l->chain.is_keyed && l->mark == NULL)
        l->mark = "rotated";
}

/* A clock that was set back makes the next mark come sooner, not never. */
void event_ledger_tick(struct event_ledger *l, int64_t wall_s)
{
    bool is_due = wall_s < l->marked_s || wall_s - l->marked_s >= EVENT_MARK_S;

    if (l->chain.is_keyed && l->lines > 0 && is_due)
        put_mark(l, "minute");
}

void event_ledger_stop(struct event_ledger *l)
{
    if (l->chain.is_keyed && l->chain.seal.mark.segment > 0) /* else nothing was ever written */
        put_mark(l, "stop");
}

void event_ledger_start(struct event_ledger *l, const struct event_ledger_ops *ops)
{
    l->ops = *ops;
}

/* --- going on --- */

/* What the last whole line of the file says. */
static int read_last(struct event_ledger *l, const char *path, int fd)
{
    char bytes[EVENT_LINE_MAX + EVENT_CHAIN_BYTES + 1];
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct view rest, line;
    ssize_t got;
    off_t size;

    if (from < 0)
        return E_IO;
    size = lseek(from, 0, SEEK_END);
    got = pread(from, bytes, sizeof(bytes),
                size > (off_t)sizeof(bytes) ? size - (off_t)sizeof(bytes) : 0);
    (void)close(from);
    if (size < 0 || got < 0)
        return E_IO;
    rest = view_of(bytes, (size_t)got);
    if (rest.len > 0 && rest.ptr[rest.len - 1] != '\n' && write(fd, "\n", 1) != 1)
        return E_IO; /* else: a crash tore it: it is told, and what follows is whole */
    while (view_split(rest, '\n', &line, &rest))
        (void)event_chain_resume(&l->chain, line);
    return OK;
}

/* Where the file says more than the log, the numbers go on behind it: the gap will be seen. */
static void compare_end(struct event_ledger *l, const char *file, struct view key)
{
    struct event_end end;
    int rc = event_end_read(&end, l->end_path, key);

    if (rc == E_MISSING)
        return;
    if (rc != OK) {
        log_line(LOG_WARN, "event log: %s is not sealed under this key, and says nothing: %s",
                 l->end_path, status_text(rc));
        return;
    }
    if (end.seq <= l->chain.seq)
        return;
    if (file != NULL && l->chain.seq > 0)
        log_line(LOG_WARN,
                 "event log: %s ends %llu lines before what was written: they were cut off, or "
                 "never reached the disk",
                 file, (unsigned long long)(end.seq - l->chain.seq));
    l->chain.seq = end.seq;
    memcpy(l->chain.last, end.last, sizeof(l->chain.last));
}

static int load_key(struct buf *key, const char *path, struct error *why)
{
    int rc = secret_load_file(key, path, why);

    return rc == OK ? secret_check_strength(key, why) : rc;
}

static int begin_keyed(struct event_ledger *l, const struct event_log_options *o, const char *file,
                       struct error *why)
{
    struct buf key = BUF_INIT(SECRET_BYTES_MAX);
    int rc = load_key(&key, o->chain_key, why);

    if (rc == OK && asprintf(&l->end_path, "%s/" EVENT_END_NAME, o->state_dir) < 0) {
        l->end_path = NULL;
        error_set(why, "out of memory");
        rc = E_NOMEM;
    }
    if (rc == OK && mkdir(o->state_dir, 0700) != 0 && errno != EEXIST) {
        error_set(why, "cannot make %s: %s", o->state_dir, strerror(errno));
        rc = E_IO;
    }
    if (rc == OK) {
        compare_end(l, file, buf_view(&key));
        rc = event_seal_begin(&l->chain.seal, buf_view(&key));
        if (rc != OK)
            error_set(why, "cannot make the keys of the event log: %s", status_text(rc));
    }
    l->chain.is_keyed = true;
    l->mark = "start";
    secret_buf_clear(&key);
    return rc;
}

int event_ledger_open(struct event_ledger **out, const struct event_log_options *options, int fd,
                      struct error *why)
{
    const char *file = fd >= 0 ? options->target : NULL;
    struct event_ledger *l = calloc(1, sizeof(*l));
    int rc = OK;

    if (l == NULL) {
        error_set(why, "out of memory");
        return E_NOMEM;
    }
    event_chain_init(&l->chain);
    if (file != NULL)
        rc = read_last(l, file, fd);
    if (rc != OK)
        error_set(why, "cannot read the event log %s to go on with its chain: %s", file,
                  strerror(errno));
    if (rc == OK && options->chain_key != NULL)
        rc = begin_keyed(l, options, file, why);
    if (rc != OK) {
        event_ledger_free(l);
        return rc;
    }
    *out = l;
    return OK;
}

void event_ledger_free(struct event_ledger *l)
{
    if (l == NULL)
        return;
    event_seal_wipe(&l->chain.seal);
    free(l->end_path);
    free(l);
}
