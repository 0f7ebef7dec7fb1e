/* SPDX-License-Identifier: Apache-2.0 */
/* loop_private.h: what the files of net/ share of a loop. Nobody outside net/ includes it. */
#ifndef NET_LOOP_PRIVATE_H
#define NET_LOOP_PRIVATE_H

#include "base/slab.h"
#include "net/heap_trim.h"
#include "net/loop.h"
#include "net/poller.h"
#include "net/timer_wheel.h"
#include "net/tls_stream.h"

#define LOOP_RX_BYTES   (64 * 1024)
#define LOOP_CORK_BYTES (64 * 1024)
/* 64 KiB of ciphertext opens to less than 64 KiB, and a record begun earlier adds at most one more
 * record. */
#define LOOP_PLAIN_BYTES (LOOP_RX_BYTES + 18 * 1024)
#define LOOP_JOIN_BYTES                                                                            \
    (16 * 1024) /* the largest plaintext of one TLS record, RFC 8446 section 5.1 */

struct conn;
struct conn_item;

/* Buffers and queue places for TLS; made when the first TLS connection opens. */
struct loop_tls {
    struct tls_io *io;
    uint8_t *plain;         /* what one recv decrypts to */
    uint8_t *join;          /* where small frames become one record */
    struct slab_pool conns; /* struct conn_tls */
    struct link waiting;    /* conn_shake.link: whole ClientHellos, in order of arrival */
    struct link inside;     /* the same: inside OpenSSL, in the order in which they came there */
    unsigned running, max_running;
    struct timer room; /* the first of `inside` has had its time: at the turn's end others go in */
    struct heap_trim trim;
};

struct loop {
    uv_loop_t uv;
    struct poller *poller;
    bool is_now_known, is_wall_known, is_stopping;
    bool has_new_timer; /* the wheel's next deadline may have moved */
    uint64_t now_ns, now_ms;
    int64_t wall_s;
    uint64_t alarm_ms; /* what the poller's alarm stands at; UINT64_MAX: not set */
    struct link tasks; /* loop_task.link */
    struct link dirty; /* conn.dirty: has output */
    struct link dead;  /* conn.dirty: killed, on_closed is to come */
    struct conn *corked;
    size_t cork_len;
    uint8_t *rx, *cork;
    struct conn_item *free_refs, *free_chunks;
    unsigned free_refs_len, free_chunks_len;
    struct loop_tls tls;
    struct loop_counters counters;
    int64_t queued_bytes;       /* loop_queued_bytes */
    uint64_t recv_calls_before; /* the last poll */
    struct timer_wheel wheel;
};

#endif
