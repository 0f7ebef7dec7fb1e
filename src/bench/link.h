/* SPDX-License-Identifier: Apache-2.0 */
/* link.h: one connection of the crowd, from the socket to messages. Nothing here waits. */
#ifndef BENCH_LINK_H
#define BENCH_LINK_H

#include "base/buf.h"
#include "bench/frame_reader.h"
#include "net/tls_load.h"

#define LINK_OUT_MAX ((size_t)64 * 1024 * 1024) /* waiting to be sent */

enum link_state {
    LINK_FREE, /* no socket */
    LINK_CONNECTING,
    LINK_SHAKING, /* TLS */
    LINK_UPGRADING,
    LINK_STEPPING, /* through the plan's steps */
    LINK_OPEN,
    LINK_LEAVING /* a Close is on its way */
};

struct bench_link {
    uint64_t began_ns; /* its connect */
    uint64_t messages; /* that came since it is open */
    struct tls_load_link *tls;
    struct buf in;  /* the head of the HTTP answer, while it is incomplete */
    struct buf out; /* what the socket did not take yet */
    size_t scanned; /* of `in` */
    uint32_t index; /* in the crowd */
    int fd;
    uint8_t state, step;
    bool is_publisher; /* of the other URL, if there is one, and without the steps of subscribers */
    bool is_watched_for_write;
    struct frame_reader reader;
};

struct crowd;
/* Each of these may fail the crowd (crowd_fail), or end the link. */
void bench_link_start(struct crowd *c, struct bench_link *l);
void bench_link_on_ready(struct crowd *c, struct bench_link *l, uint32_t epoll_events);
/* What the socket does not take now is kept. */
void bench_link_write(struct crowd *c, struct bench_link *l, const void *bytes, size_t len);
void bench_link_send(struct crowd *c, struct bench_link *l, enum ws_opcode opcode,
                     struct view payload);
/* Is something waiting to be sent? */
static inline bool bench_link_is_behind(const struct bench_link *l)
{
    return l->out.len > 0;
}
/* A Close, if it is open; nobody waits for the answer. */
void bench_link_say_goodbye(struct crowd *c, struct bench_link *l);
/* Close handshake: the link is free again when the server has ended it. */
void bench_link_leave(struct crowd *c, struct bench_link *l);
/* At once, without a word and without on_gone. */
void bench_link_drop(struct crowd *c, struct bench_link *l);

#endif
