/* SPDX-License-Identifier: Apache-2.0 */
/* event_end.h: how far an event log under a key had come: a file beside it, of one line, sealed
 * with a key that is gone as soon as the next segment begins. What is cut off the end of the log is
 * found by it; who can write the file cannot make an older one. */
#ifndef SERVER_EVENT_END_H
#define SERVER_EVENT_END_H

#include "base/error.h"
#include "server/event_chain.h"

#define EVENT_END_NAME "event_log.end" /* in the state folder */

struct event_end {
    uint64_t seq;
    char last[EVENT_HASH_TEXT + 1]; /* the MAC of that line */
    struct event_mark mark;
    uint8_t seal[EVENT_KEY_BYTES];
};
/* E_IO (errno), E_NOMEM, E_CRYPTO. */
int event_end_write(const char *path, const struct event_chain *chain);
/* E_MISSING: there is none; E_INVALID: it is not whole; E_DENIED: not sealed under this key; E_IO,
 * E_NOMEM, E_CRYPTO. */
int event_end_read(struct event_end *out, const char *path, struct view key);

#endif
