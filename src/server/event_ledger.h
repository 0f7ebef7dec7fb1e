/* SPDX-License-Identifier: Apache-2.0 */
/* event_ledger.h: the event log with log.chain: it links the lines on their way to the target, goes
 * on where the last run has ended, and under a key marks the beginning and the end of a run, every
 * rotation, and every minute in which there were lines. The log's own thread, but for opening. */
#ifndef SERVER_EVENT_LEDGER_H
#define SERVER_EVENT_LEDGER_H

#include "base/error.h"
#include "server/event_log.h"

#define EVENT_MARK_S 60

struct event_ledger_ops {
    void (*write)(void *context, const char *bytes, size_t len); /* whole lines, to the target */
    void (*count)(void *context, const struct event *mark);      /* one more event */
    void *context;
};
struct event_ledger;
/* `fd`: the file of options->target, to end a line that a crash has torn; -1: it is no file. Reads
 * the key, and how far the log has come. E_NOMEM, E_IO, E_DENIED, E_INVALID, with *why. */
int event_ledger_open(struct event_ledger **out, const struct event_log_options *options, int fd,
                      struct error *why);
void event_ledger_start(struct event_ledger *l, const struct event_ledger_ops *ops);
void event_ledger_put(struct event_ledger *l, const char *bytes, size_t len); /* whole lines */
void event_ledger_rotated(struct event_ledger *l); /* what follows goes to another file */
void event_ledger_tick(struct event_ledger *l, int64_t wall_s);
void event_ledger_stop(struct event_ledger *l); /* the last mark */
void event_ledger_free(struct event_ledger *l); /* NULL is fine */

#endif
