/* SPDX-License-Identifier: Apache-2.0 */
/* event_chain.h: lines of the event log that hold on to each other: each carries the SHA-256 of the
 * one before it and its own, so that a line that is changed, taken out, put in or moved is found.
 * Pure. */
#ifndef SERVER_EVENT_CHAIN_H
#define SERVER_EVENT_CHAIN_H

#include "base/view.h"
#include "base/wr.h"

#define EVENT_HASH_TEXT   64
#define EVENT_CHAIN_BYTES 148 /* what a line grows by */

struct event_chain {
    char last[EVENT_HASH_TEXT + 1]; /* of the line before; zeros at the very beginning */
};
enum event_link {
    EVENT_LINK_GOOD,
    EVENT_LINK_CHANGED, /* its own hash does not fit it */
    EVENT_LINK_BROKEN,  /* it does not follow the line before it */
    EVENT_LINK_NONE     /* it carries no hashes */
};

void event_chain_init(struct event_chain *chain);
/* Writes the line, an object with its line feed, with both hashes as its last members. */
void event_chain_write(struct event_chain *chain, struct wr *w, struct view line);
/* Judges a line without its line feed, and goes on from it where it carries hashes. */
enum event_link event_chain_check(struct event_chain *chain, struct view line);

#endif
