/* SPDX-License-Identifier: Apache-2.0 */
/* conn_table.h: who may open another connection: total, per address prefix, and new ones per second
 * and prefix. Shared by all workers, sharded mutexes, one call at accept and one at close. Bounded;
 * a full table refuses. */
#ifndef LIMIT_CONN_TABLE_H
#define LIMIT_CONN_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "limit/ip_prefix.h"
#include "limit/rate.h"

struct conn_limits {
    uint32_t total, per_ip;
    struct rate_limit new_per_ip;
};
enum conn_verdict { CONN_OK, CONN_FULL, CONN_PER_IP, CONN_TOO_FAST };

struct conn_table;
int conn_table_new(struct conn_table **out, const struct conn_limits *limits);
void conn_table_free(struct conn_table *t);
/* Counts the connection in when the answer is CONN_OK; only then is conn_table_leave owed, exactly
 * once. *wait_ms is how long to wait before another try (for Retry-After). family 0 (Unix socket)
 * counts only in the total. */
enum conn_verdict conn_table_enter(struct conn_table *t, struct ip_prefix prefix, uint64_t now_ns,
                                   uint64_t *wait_ms);
/* The same where some limits are waived: who is over them is counted in all the same. */
struct conn_entry {
    uint64_t now_ns;
    unsigned waived;   /* 1 << CONN_PER_IP, 1 << CONN_TOO_FAST */
    unsigned exceeded; /* answer: those of them that it is over */
    uint64_t wait_ms;  /* answer */
};
enum conn_verdict conn_table_enter_waived(struct conn_table *t, struct ip_prefix prefix,
                                          struct conn_entry *entry);
void conn_table_leave(struct conn_table *t, struct ip_prefix prefix, uint64_t now_ns);
uint32_t conn_table_total(const struct conn_table *t);
/* Prefixes remembered now, for metrics. */
size_t conn_table_prefixes(const struct conn_table *t);

#endif
