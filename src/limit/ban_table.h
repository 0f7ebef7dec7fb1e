/* SPDX-License-Identifier: Apache-2.0 */
/* ban_table.h: addresses (IPv4 whole, IPv6 by /64) that failed to log in too often, and for how
 * long they are not let in: the first time `first_ns`, twice as long each further time up to
 * `longest_ns`, and from the beginning again after `longest_ns` without a ban. Any thread; a mutex
 * a shard. Memory is taken once, at the start: where an entry's place is full, the one that matters
 * least goes, which is never a ban while there is anything else. */
#ifndef LIMIT_BAN_TABLE_H
#define LIMIT_BAN_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "limit/ip_prefix.h"

struct ban_limits {
    uint32_t failures; /* this one within within_ns begins a ban; not 0 */
    uint64_t within_ns, first_ns, longest_ns;
};
struct ban {
    struct ip_address address; /* the one that failed last */
    uint64_t left_ns;
    uint32_t times; /* the how-manieth ban it is */
};

struct ban_table;
#define BAN_ENTRIES 65536
int ban_table_new(struct ban_table **out, const struct ban_limits *limits); /* E_NOMEM */
void ban_table_free(struct ban_table *t);                                   /* NULL is fine */
/* Counts a failure. True: a ban begins with it, as told in *ban. Unix sockets are never banned. */
bool ban_table_fail(struct ban_table *t, const struct ip_address *address, uint64_t now_ns,
                    struct ban *ban);
/* How long the address is still banned; 0: it is not. */
uint64_t ban_table_left_ns(struct ban_table *t, const struct ip_address *address, uint64_t now_ns);
/* Up to `max` bans under way; how many there are in all is the answer. */
size_t ban_table_list(struct ban_table *t, uint64_t now_ns, struct ban *out, size_t max);
/* Begins a ban of this length, or changes the length of the one under way, whatever has failed.
 * False: a Unix socket. */
bool ban_table_put(struct ban_table *t, const struct ip_address *address, uint64_t length_ns,
                   uint64_t now_ns);
/* Ends the ban and forgets what led to it. False: there was none. */
bool ban_table_lift(struct ban_table *t, const struct ip_address *address, uint64_t now_ns);

#endif
