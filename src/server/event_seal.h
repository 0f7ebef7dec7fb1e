/* SPDX-License-Identifier: Apache-2.0 */
/* event_seal.h: the keys of an event log that is written under one (log.chain_key). Each line has a
 * key of its own, made from that of the line before, which is wiped: whoever takes over the process
 * can forge what comes, not what was. Lines stand in segments, which begin with a log_mark; the
 * first key of a segment follows from the log's key, a random number of the run and the segment's
 * number, so that a segment can be verified without those before it. Pure but for the random
 * number. */
#ifndef SERVER_EVENT_SEAL_H
#define SERVER_EVENT_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

#define EVENT_KEY_BYTES 32
#define EVENT_RUN_BYTES 16
#define EVENT_ID_BYTES  8
#define EVENT_MARK_MAX  64 /* the text of event_seal_mark, with its end */
/* Steps that a reader takes at most: from segment to segment, and from line to line in one. */
#define EVENT_SEEK_MAX 4000000u
#define EVENT_SKIP_MAX 1000000u

struct event_mark {
    uint8_t id[EVENT_ID_BYTES]; /* says which key it is, and nothing about it */
    uint8_t run[EVENT_RUN_BYTES];
    uint32_t segment; /* 1: the first */
};
struct event_seal { /* wipe it */
    struct event_mark mark;
    uint8_t next[EVENT_KEY_BYTES]; /* of the segments to come */
    uint8_t line[EVENT_KEY_BYTES]; /* of the next line */
    uint8_t end[EVENT_KEY_BYTES];  /* seals the end, while this segment is the newest */
};

/* A new run, before its first segment. key: at least 32 bytes, not kept. E_INVALID, E_NOMEM,
 * E_CRYPTO. */
int event_seal_begin(struct event_seal *s, struct view key);
/* The first line of the segment that `mark` names. E_DENIED: it is of another key; E_LIMIT. */
int event_seal_find(struct event_seal *s, struct view key, const struct event_mark *mark);
/* The next segment. */
int event_seal_turn(struct event_seal *s);
/* The MAC of a line, and on to the key of the next. */
int event_seal_line(struct event_seal *s, uint8_t mac[EVENT_KEY_BYTES], struct view line);
/* Past `lines` lines that are not here. E_LIMIT. */
int event_seal_skip(struct event_seal *s, uint64_t lines);
/* What seals the end. */
int event_seal_end(const struct event_seal *s, uint8_t mac[EVENT_KEY_BYTES], struct view text);
void event_seal_wipe(struct event_seal *s);

/* "ID RUN SEGMENT", as a log_mark says it. */
struct view event_seal_mark(const struct event_mark *mark, char out[EVENT_MARK_MAX]);
bool event_seal_mark_read(struct event_mark *out, struct view text);

/* 64 lower-case hexadecimal digits, and back. */
void event_hex(char *out, const uint8_t *bytes, size_t count);
bool event_hex_read(uint8_t *out, struct view text, size_t count);

#endif
