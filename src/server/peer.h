/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h: one connection from accept to the end, as the server sees it. Private to server/. Worker
 * thread only.
 *
 * peer.c owns life and time (one timer for whatever is due next), gate.h speaks HTTP until the 101
 * or the refusal, session.c speaks WebSocket. protocol.h and login.h: what the messages mean. */
#ifndef SERVER_PEER_H
#define SERVER_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "wire/close_code.h"
#include "hub/hub.h"
#include "limit/conn_table.h"
#include "limit/flow.h"
#include "limit/rate.h"
#include "limit/user_table.h"
#include "net/conn.h"
#include "server/event_log.h"
#include "server/peer_extra.h"
#include "server/peer_phase.h"
#include "server/peer_who.h"
#include "server/worker.h"
#include "wire/handshake.h"
#include "wire/ws_deflate.h"
#include "wire/ws_message.h"

struct ask;

#define OBSERVED_RUNS (LIMIT_NAMES - LIMIT_MESSAGES) /* of one connection; the others come once */

/* In the order in which a message touches it, so that few cache lines are. Lies in the slab of its
 * worker; what an idle connection holds in all is counted by peer_test.c. */
struct peer {
    struct conn conn; /* first */
    struct worker *worker;
    struct ws_decoder decoder;
    uint8_t phase;       /* enum peer_phase */
    uint8_t route;       /* index into options->routes */
    uint8_t window_bits; /* of our compression; 0: permessage-deflate is off */
    uint8_t listener;    /* index into worker->listeners */
    uint8_t turned_away; /* enum refusal: over a limit at the door */
    uint8_t unheard;     /* messages that came behind our Close */
    uint16_t epoch;      /* worker.epoch when it was judged */
    uint32_t kept_bytes; /* memory.h: as counted last */
    uint32_t ping_every_ms;
    const struct limit_row *limits; /* in worker->now */
    struct peer_who *who;
    struct peer_extra *extra; /* what is needed only at times; NULL: nothing now */
    uint64_t since_ms;   /* PEER_HEAD: the end of the TLS handshake; later: the last byte from the
                            peer or, where is_pinged, our ping */
    uint64_t message_ms; /* when the message now incomplete began; 0 = none */
    uint64_t messages_in, messages_out;
    struct rate per_minute, per_hour;
    struct flow flow;
    struct timer timer;
    struct hub_subscriber subscriber;
    struct rate control, subscribes;
    struct link link;
    uint64_t opened_ms;
    uint64_t deadline_ms;     /* phases with one fixed deadline: FIRST, CLOSING, LINGER */
    const char *close_reason; /* constant text */
    struct ip_address ip;
    bool is_counted : 1;
    bool has_prefix : 1; /* counted by its address, not in the total alone */
    bool by_proxy : 1; /* a trusted proxy's connection; whose request it brings is not known yet */
    bool is_on_route : 1; /* counted there */
    bool is_tls : 1;
    bool is_upgraded : 1;
    bool is_pinged : 1; /* our last ping is unanswered */
    bool keeps_context : 1;
    bool has_told_rate : 1;
    bool has_told_bytes : 1;
    uint8_t observed_told : OBSERVED_RUNS; /* observe.h: told since it was within the limit */
    uint8_t id[16];
    uint16_t port;
    uint16_t close_code; /* for the log: what ended it */
};

/* In its slab: it begins at a cache line, and what a message touches is no line more than it must.
 */
#define PEER_SLAB_BYTES ((sizeof(struct peer) + 63) / 64 * 64)

/* NULL or 0 where there is none. */
static inline struct peer_pending *peer_pending(const struct peer *p)
{
    return p->extra != NULL ? p->extra->pending : NULL;
}
static inline struct ask *peer_ask(const struct peer *p)
{
    return p->extra != NULL ? p->extra->ask : NULL;
}
static inline uint64_t peer_choked_until_ms(const struct peer *p)
{
    return p->extra != NULL ? p->extra->choked_until_ms : 0;
}

/* --- peer.c --- */
/* From the listener. Owns fd. */
void peer_accept(struct worker_listener *from, int fd, const struct ip_address *ip, uint16_t port);
/* Counts p in, or sets p->turned_away and tells the log; *wait_ms: for Retry-After. */
bool peer_enter(struct peer *p, uint64_t *wait_ms);
void peer_leave(struct peer *p); /* what peer_enter has counted in */
/* By what it is counted; family 0: in the total alone. */
struct ip_prefix peer_prefix(const struct peer *p);
static inline struct peer *peer_of_conn(struct conn *c)
{
    return (struct peer *)(void *)c;
}
/* Computes what is due next and arms the timer for it. */
void peer_rearm(struct peer *p);
/* Makes sure that the timer fires no later than at_ms. */
void peer_due_by(struct peer *p, uint64_t at_ms);
/* Output leaves, then the connection ends; at most timeouts.close from now. */
void peer_linger(struct peer *p);
/* Fills type, outcome, code and who/where; the caller adds what else there is and puts it. */
struct event peer_event(const struct peer *p, enum event_type type, enum event_outcome outcome,
                        const char *code);
void peer_log(const struct peer *p, const struct event *event);
#define PEER_ID_TEXT_BYTES 23
void peer_id_text(const struct peer *p, char out[PEER_ID_TEXT_BYTES]);

/* --- session.c --- */
/* After the 101: sets up the WebSocket side. identity NULL: the first message has to bring one, or
 * the CSRF token of the one that is pending. */
void session_start(struct peer *p, const struct handshake *upgrade,
                   const struct identity *identity);
void session_data(struct peer *p, uint8_t *data, size_t len);
/* One text message; compressed when agreed. The bytes are copied. */
void session_send_text(struct peer *p, const char *text, size_t len);
void session_send(struct peer *p, bool is_text, const uint8_t *bytes, size_t len);
/* Sends Close once and waits for theirs; reason is a constant text. */
void session_close(struct peer *p, unsigned code, const char *reason);
/* The same for a peer that broke the protocol: nothing it sends is looked at any more (RFC 6455
 * section 7.1.7). */
void session_fail(struct peer *p, unsigned code, const char *reason);
/* PEER_FIRST: the answer that was awaited has come; reading goes on. */
void session_resume(struct peer *p);
/* Too much had come, and now it may come again. */
void session_unchoke(struct peer *p);
void session_ping(struct peer *p);
void session_drained(struct peer *p);
/* Ends a reader that takes too little too slowly. */
void session_slow(struct peer *p);
extern const struct hub_subscriber_ops session_subscriber; /* session_push.c */
void session_deliver(struct hub_subscriber *subscriber, struct blob *frame);

#endif
