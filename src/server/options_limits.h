/* SPDX-License-Identifier: Apache-2.0 */
/* options_limits.h: the numbers of the section `limits`. */
#ifndef SERVER_OPTIONS_LIMITS_H
#define SERVER_OPTIONS_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* What a listener, a route or a role may have numbers of its own for. */
enum limit_key {
    LIMIT_KEY_PER_USER, /* connections.per_user */
    LIMIT_KEY_PER_MINUTE,
    LIMIT_KEY_PER_HOUR, /* messages */
    LIMIT_KEY_CONTROL,
    LIMIT_KEY_SUBSCRIBES,
    LIMIT_KEY_BYTES,
    LIMIT_KEY_BURST,
    LIMIT_KEY_MESSAGE_SIZE,
    LIMIT_KEYS
};
struct own_limits {
    uint64_t of[LIMIT_KEYS]; /* 0: it says nothing */
    uint64_t total;          /* open connections of the listener or the route; 0: no limit */
};
static inline bool own_limits_are_said(const struct own_limits *own)
{
    uint64_t any = 0;

    for (unsigned i = 0; i < LIMIT_KEYS; i++)
        any |= own->of[i];
    return any != 0;
}
struct role_limits {
    uint64_t role; /* its bit */
    struct own_limits limits;
};
#define LIMIT_ROLES_MAX 12   /* with numbers of their own */
#define LIMIT_ROWS_MAX  4096 /* listeners, routes and sets of roles that differ */

struct limit_options {
    uint64_t connections_total, connections_per_ip, connections_per_user;
    uint64_t handshakes_per_second,
        handshakes_burst;    /* new connections per IP; 0 in the file: derived from per_ip */
    uint64_t tls_handshakes; /* inside OpenSSL at a time, per worker */
    uint64_t messages_per_minute, messages_per_hour; /* per connection and per user */
    uint64_t control_frames_per_minute;
    uint64_t message_bytes, fragments,
        assembly_ms; /* assembly: first byte of a message to its last */
    uint64_t subscriptions, channels;
    uint64_t queue_bytes, queue_stall_ms;
    uint64_t subscribes_per_minute;
    uint64_t bytes_per_second, bytes_burst; /* read from one connection; 0: as much as comes */
    uint64_t ban_failures;                  /* 0: nobody is ever banned */
    uint64_t ban_within_ms, ban_first_ms, ban_longest_ms;
    uint64_t users;        /* remembered by the user table */
    struct own_limits all; /* the same as a level; subscribes, burst 0: not said */
    struct role_limits *by_role;
    uint32_t by_role_count;
    uint64_t message_bytes_max; /* the greatest of all levels */
    uint32_t observed;          /* 1 << enum limit_name: counted and told, but not enforced */
    uint64_t memory_bytes;      /* of all connections together */
    uint64_t history_bytes, history_channel_bytes;
    uint64_t presence_users, presence_list; /* in all channels; named in one answer */
};

#endif
