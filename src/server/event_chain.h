/* SPDX-License-Identifier: Apache-2.0 */
/* event_chain.h: lines of the event log that hold on to each other. Without a key each carries the
 * SHA-256 of the one before it and its own, so that a line that is changed, taken out, put in or
 * moved is found, unless everything behind it is written anew. Under a key (event_seal.h) each
 * carries its number and a MAC, which nobody else can make. Pure. */
#ifndef SERVER_EVENT_CHAIN_H
#define SERVER_EVENT_CHAIN_H

#include "base/view.h"
#include "base/wr.h"
#include "server/event_seal.h"

#define EVENT_HASH_TEXT   64
#define EVENT_PLAIN_BYTES 148 /* what a line grows by without a key */
#define EVENT_CHAIN_BYTES 176 /* at most */

struct event_chain {
    char last[EVENT_HASH_TEXT + 1]; /* of the line before; zeros at the very beginning */
    bool is_keyed;
    uint64_t seq;           /* under a key: the number of the line before */
    struct event_seal seal; /* the same */
};
enum event_link {
    EVENT_LINK_GOOD,
    EVENT_LINK_CHANGED, /* its own hash or MAC does not fit it */
    EVENT_LINK_BROKEN,  /* it does not follow the line before it */
    EVENT_LINK_NONE,    /* it carries no hashes, or none under a key among others that do */
    EVENT_LINK_MISSING, /* good, but lines before it are not here */
    EVENT_LINK_MOVED,   /* its number has been: moved here, or a copy */
    EVENT_LINK_UNKNOWN, /* the mark of its segment is not here */
    EVENT_LINK_NO_KEY,  /* it is under a key, and none was given */
    EVENT_LINK_OTHER_KEY
};

#define EVENT_WASTE_MAX 5000000u /* then numbers far away are not sought any more */

void event_chain_init(struct event_chain *chain);
/* Writes the line, an object with its line feed, with its links as its last members. */
void event_chain_write(struct event_chain *chain, struct wr *w, struct view line);
/* Goes on from a line without its line feed, unjudged. False: it carries nothing to go on from. */
bool event_chain_resume(struct event_chain *chain, struct view line);

/* A reader of lines, in their order. Starts zeroed, with the key, if there is one, and
 * event_chain_init(&chain). Wipe its seal. */
struct event_reader {
    struct event_chain chain;
    struct view key; /* len 0: none */
    bool has_begun, has_segment;
    uint64_t suspects; /* lines since the last good one whose own place is not known */
    uint64_t missing;  /* of EVENT_LINK_MISSING: how many */
    uint64_t wasted;   /* steps that led to no good line: a forged log must not cost hours */
    bool has_ended;    /* the last good line is the stop of a log under a key */
};
/* Judges a line without its line feed, and goes on from it where that can be done. */
enum event_link event_chain_judge(struct event_reader *r, struct view line);

#endif
