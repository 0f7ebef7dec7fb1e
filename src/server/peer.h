/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h: one connection from accept to the end, as the server sees it. Private to server/. Worker
 * thread only.
 *
 * peer.c owns life and time (one timer for whatever is due next), gate.c speaks HTTP until the 101
 * or the refusal, session.c speaks WebSocket. protocol.h and login.h: what the messages mean. */
#ifndef SERVER_PEER_H
#define SERVER_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "wire/close_code.h"
#include "base/buf.h"
#include "hub/hub.h"
#include "limit/conn_table.h"
#include "limit/flow.h"
#include "limit/rate.h"
#include "limit/user_table.h"
#include "net/conn.h"
#include "server/event_log.h"
#include "server/peer_phase.h"
#include "server/peer_who.h"
#include "server/worker.h"
#include "wire/handshake.h"
#include "wire/ws_deflate.h"
#include "wire/ws_message.h"

struct ask;

struct peer {
    struct conn conn; /* first */
    struct worker *worker;
    struct link link;
    struct timer timer;
    struct hub_subscriber subscriber;
    struct ws_decoder decoder;
    const struct limit_row *limits; /* in worker->now */
    struct peer_who *who;
    struct peer_pending *pending;   /* NULL once logged in */
    struct ask *ask;                /* the question of a login under way; NULL: none */
    struct ask *recheck;            /* the same of a recheck: no message gets in its way */
    struct ws_deflate *own_deflate; /* context takeover only; NULL before its first use */
    struct ws_inflate *own_inflate; /* context takeover only */
    struct link hooks; /* message_hook.h: messages that wait; set up while there are any */
    unsigned hooks_count;
    struct buf head; /* incomplete request head; or what came while an answer was awaited */
    uint8_t *pong; /* length byte and payload of the one pong that waits for the backlog to leave */
    size_t head_scanned;
    struct rate per_minute, per_hour, refused, control, subscribes;
    struct flow flow;
    uint64_t choked_until_ms;     /* nothing is read before then; 0: it is */
    uint64_t opened_ms, ready_ms; /* accept; end of the TLS handshake or of the 101 */
    uint64_t heard_ms, pinged_ms; /* last byte from the peer; our last unanswered ping, 0 = none */
    uint64_t message_ms;          /* when the message now incomplete began; 0 = none */
    uint64_t deadline_ms;         /* phases with one fixed deadline: FIRST, CLOSING, LINGER */
    uint64_t ping_every_ms;
    uint64_t messages_in, messages_out;
    struct ip_address ip;
    struct ip_prefix prefix;
    uint16_t port;
    uint16_t close_code; /* for the log: what ended it */
    uint8_t id[16];
    uint16_t epoch;         /* worker.epoch when it was judged */
    uint16_t observed_told; /* 1 << enum limit_name: told since it was within the limit */
    uint8_t phase;          /* enum peer_phase */
    uint8_t route;          /* index into options->routes */
    uint8_t listener;       /* index into worker->listeners */
    uint8_t turned_away;    /* enum refusal: over a limit at the door */
    uint8_t window_bits;    /* of our compression; 0: permessage-deflate is off */
    uint8_t unheard;        /* messages that came behind our Close */
    bool is_counted, is_upgraded, has_told_rate, is_tls, keeps_context, has_told_bytes;
    bool is_on_route; /* counted there */
    bool by_proxy;    /* a trusted proxy's connection; whose request it brings is not known yet */
    const char *close_reason;      /* constant text */
    const char *certificate_fault; /* why the client's certificate is no login; NULL: not asked, or
                                      good */
    int64_t certificate_ends_s;    /* of a good one */
};

/* --- peer.c --- */
/* From the listener. Owns fd. */
void peer_accept(struct worker_listener *from, int fd, const struct ip_address *ip, uint16_t port);
/* Counts p in at p->prefix, or sets p->turned_away and tells
 * the log. True: it may come in. *wait_ms: for Retry-After. */
bool peer_enter(struct peer *p, uint64_t *wait_ms);
void peer_leave(struct peer *p); /* what peer_enter has counted in */
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

/* --- gate.c --- */
void gate_data(struct peer *p, const uint8_t *data, size_t len); /* PEER_HEAD */
void gate_refuse(struct peer *p, enum refusal why, const struct http1_request *request);
struct lookup;
/* PEER_ASKING. NULL: what was asked is no question any more, judge the request anew. */
void gate_answered(struct peer *p, const struct lookup *answer);
/* PEER_ASKING: more has come, although nothing was to be read. */
void gate_hold(struct peer *p, const uint8_t *data, size_t len);
void gate_turn_away(struct peer *p); /* the answer to one who was over a limit at the door */

/* --- gate_client.c --- */
/* Behind a trusted proxy: finds out whose request it is, once. False: it was refused. */
bool gate_client(struct peer *p, const struct http1_request *request);

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
extern const struct hub_subscriber_ops session_subscriber;
void session_deliver(struct hub_subscriber *subscriber, struct blob *frame);
/* Ends a reader that takes too little too slowly. */
void session_slow(struct peer *p);

#endif
