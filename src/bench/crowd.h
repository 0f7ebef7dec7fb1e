/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.h: many connections to one server, on one thread and one epoll. What fails stays failed:
 * every wait ends, and crowd_run_failed says why. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.h"
#include "bench/link.h"
#include "bench/plan.h"
#include "client/handshake.h"

#define CROWD_READ_BYTES ((size_t)256 * 1024)

struct team_gate; /* team.h */

/* What a mode wants to hear of; each may be NULL. No link may be started from within. */
struct crowd_events {
    void (*on_message)(void *owner, struct bench_link *l, const struct frame_event *event);
    void (*on_bytes)(void *owner, struct bench_link *l,
                     struct view bytes); /* of frames, as they came */
    void (*on_read_end)(void *owner,
                        struct bench_link *l); /* what one read brought has been told */
    void (*on_writable)(void *owner, struct bench_link *l); /* nothing waits to be sent any more */
    void (*on_open)(void *owner, struct bench_link *l);
    /* The server ended it. NULL: that fails the crowd. */
    void (*on_gone)(void *owner, struct bench_link *l);
};

/* Where to, and the request that is sent there. */
struct crowd_door {
    struct sockaddr_storage address;
    socklen_t address_bytes;
    struct client_request request;
    struct buf head; /* the request's bytes; may hold a token */
    struct tls_load *tls;
};

struct crowd {
    const struct plan *plan;
    struct crowd_events events;
    void *owner;
    struct crowd_door doors[2]; /* of subscribers, of the publisher */
    struct bench_link *links;
    uint32_t links_count;
    uint32_t open, under_way;   /* links in these states */
    uint64_t opened, lost;      /* ever */
    uint64_t resumed, bytes_in; /* TLS sessions; bytes of frames */
    uint64_t now_ns;            /* when the bytes came that are being told */
    uint64_t last_ns;           /* when something came that is progress */
    uint8_t *bytes;             /* CROWD_READ_BYTES, of the read under way */
    struct ws_inflate *inflate; /* for answers while connections are set up; NULL: not offered */
    struct team_gate *gate;     /* NULL: this is the only thread */
    int epoll;
    bool has_failed;
    bool was_left_alone; /* and only because another thread had failed */
    struct error why;
    char last_words[160]; /* of a server that did not say what was expected */
};

/* Memory for links_count links, addresses, TLS. With *why. crowd_close in any case. */
int crowd_open(struct crowd *c, const struct plan *plan, uint32_t links_count, struct error *why);
void crowd_close(struct crowd *c);
void crowd_fail(struct crowd *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Waits at most wait_ns for something to happen and tells it. */
void crowd_turn(struct crowd *c, uint64_t wait_ns);
/* A turn where something is due: fails when nothing came for the plan's timeout; `what` says what
 * is awaited. */
void crowd_await(struct crowd *c, const char *what);
/* Opens links[from..to) and waits until they are, plan->batch under way at a time. */
void crowd_open_links(struct crowd *c, uint32_t from, uint32_t to);

#endif
