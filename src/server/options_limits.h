/* SPDX-License-Identifier: Apache-2.0 */
/* options_limits.h: the numbers of the section `limits`. */
#ifndef SERVER_OPTIONS_LIMITS_H
#define SERVER_OPTIONS_LIMITS_H

#include <stdint.h>

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
    uint64_t users;    /* remembered by the user table */
    uint32_t observed; /* 1 << enum limit_name: counted and told, but not enforced */
    uint64_t history_bytes, history_channel_bytes;
    uint64_t presence_users, presence_list; /* in all channels; named in one answer */
};

#endif
