/* SPDX-License-Identifier: Apache-2.0 */
/* publisher.h: the message that is published again and again, and what is read from its deliveries.
 */
#ifndef BENCH_PUBLISHER_H
#define BENCH_PUBLISHER_H

#include "bench/crowd.h"
#include "bench/histogram.h"
#include "bench/payload.h"

struct publisher {
    struct crowd *crowd;
    struct histogram *latency;
    struct buf text;
    size_t stamp_at; /* in text */
    struct payload_seen seen;
    bool has_stamp; /* there is room for one in the data, and deliveries can be looked into */
    uint64_t published;
};

/* E_NOMEM, E_LIMIT. */
int publisher_init(struct publisher *p, struct crowd *c, struct histogram *latency);
void publisher_clear(struct publisher *p);
/* Sends it, with this time on it. */
void publisher_send(struct publisher *p, struct bench_link *l, uint64_t due_ns);
/* If it is one of ours: notes how long it took and answers true. An error of a native server fails
 * the crowd. */
bool publisher_heard(struct publisher *p, const struct frame_event *event);

#endif
