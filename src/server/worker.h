/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h: one thread of the server: its loop, its listeners, its connections, its half of the
 * hub. Private to server/. Everything belongs to the worker's thread but what says otherwise. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/link.h"
#include "base/slab.h"
#include "broker/broker.h"
#include "hub/hub.h"
#include "limit/conn_table.h"
#include "limit/user_table.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "net/tls.h"
#include "server/event_log.h"
#include "server/generation.h"
#include "server/metrics.h"
#include "server/options.h"
#include "server/peer_who.h"
#include "server/pushed.h"
#include "wire/ws_deflate.h"
#include "wire/ws_message.h"

#define WORKERS_MAX       64
#define DRAINS_MAX        2 /* calls of server_drain that reach the workers */
#define ARENA_CHUNK_BYTES (64u * 1024u)
#define ARENA_BYTES_MAX   (8u * 1024u * 1024u)

struct ban_table;      /* limit/ban_table.h */
struct breaker;        /* auth/breaker.h */
struct channel_clock;  /* channel_tables.h */
struct closer;         /* close_job.h */
struct crew;           /* crew.h */
struct internal;       /* internal.h */
struct session_ends;   /* close_job.h */
struct sanction_table; /* limit/sanction_table.h */
struct staple_fetch;   /* net/staple_fetch.h */

/* Who is asked about identities. */
enum identity_source { SOURCE_INTROSPECTION, SOURCE_HOOK, SOURCE_SESSIONS, SOURCES };

enum server_phase { SERVER_STARTING, SERVER_ONLINE, SERVER_ENDED };

/* What all workers share. Immutable while they run but for what is atomic or locks itself. */
struct server {
    struct options *options; /* of the first generation: what cannot change while it runs */
    struct generation *first, *latest; /* held; `latest` is the thread's that reloads */
    pthread_mutex_t reloading;    /* one at a time, and not before or after what is asked online */
    pthread_cond_t changes_phase; /* of `phase`, which is under `reloading` */
    enum server_phase phase;
    struct internal *internal; /* NULL: the API is off */
    struct crew *crew;
    struct closer *closer;
    struct event_log *events;
    struct conn_table *connections;
    struct ban_table *bans; /* NULL: nobody is ever banned */
    struct user_table *users;
    struct user_table *message_users; /* by user and message type */
    struct broker *broker;
    struct history *history;
    struct presence *presence;
    struct channel_clock *channel_clock;
    struct sanction_table *sanctions;
    /* The thread for what is slow; NULL while nothing needs it. */
    struct outbound *outbound;
    struct staple_fetch *staples; /* staples.h; NULL: none are fetched */
    struct outbound *verifier;    /* the thread for slow signatures; NULL: there are none */
    struct tickets *tickets;      /* of browsers, where the API makes none; NULL: no table */
    struct tls_server **tls;      /* one a listener, of the start; NULL where it is plaintext */
    uint16_t *ports;
    _Atomic int64_t memory_used; /* memory.h */
    atomic_uint *listener_open;  /* open connections of each listener */
    struct worker *workers;
    unsigned workers_count;
    uint64_t opened_ms;       /* monotonic */
    atomic_uint sources_down; /* bit n: enum identity_source n is out of reach */
    atomic_uint drains;       /* how often server_drain was called */
    atomic_uint running;      /* workers whose thread has started and not ended */
};

struct worker_listener {
    struct worker *worker;
    struct listener *listener; /* NULL once closed */
    struct tls_server *tls;    /* a reference; replaced by a reload */
    int fd;                    /* before the listener took it over; -1 afterwards */
    unsigned index;
};

struct worker {
    struct server *server;
    struct generation *now;        /* held */
    const struct options *options; /* of `now` */
    unsigned index;
    uint16_t epoch; /* counts the generations: who has another one has not been judged by this */
    struct timer review_timer;
    pthread_t thread;
    atomic_bool has_ended; /* its loop will run no more: what is here is anybody's to read */
    struct loop *loop;
    struct mailbox *control; /* with a place kept for each letter of server_drain */
    struct mailbox *letters;
    struct session_ends *ends; /* sessions whose connections are to be closed */
    struct hub *hub;
    struct blob_store *blobs; /* for what is published */
    struct worker_listener *listeners;
    struct metrics metrics;
    int64_t memory_kept,
        memory_told; /* memory.h: by connections here; what server->memory_used knows */
    struct slab_pool peer_slab;
    struct peer_who_slabs who_slabs;
    struct link peers; /* struct peer.link */
    uint32_t peers_count;
    struct link proxied; /* struct proxied.link: the header of their proxy is still to come */
    uint32_t proxied_count;
    struct arena arena; /* one message's tree; reset for each */
    struct schema_scratch *schema_scratch;
    struct breaker *hook_breakers; /* message_hook.h */
    unsigned hooks_count;          /* messages about which the application is being asked */
    unsigned asks_count;           /* ask.h: questions under way, also those nobody waits for */
    struct buf text;               /* one outgoing message while it is being written */
    struct ws_inflate *inflate;    /* for connections without context takeover */
    struct ws_deflate *deflate[16];
    struct pushed pushed[16];
    uint64_t jitter;
    struct rate refusals; /* how many turned-away connections still get an answer */
    uint32_t refusing;
    struct timer drain_timer;
    uint64_t drain_started_ms, drain_until_ms;
    uint32_t drain_total, drain_closed;
    bool is_draining;
};

int worker_open(struct worker *w, struct server *server, unsigned index);
void worker_run(struct worker *w);
/* Frees everything; after worker_run, or after worker_open failed. */
void worker_close(struct worker *w);
struct ws_deflate *worker_deflate(struct worker *w, uint8_t window_bits); /* NULL: no memory */

/* drain.c: opened as a letter on the control mailbox. */
void worker_drain_letter(void *worker, void *a, void *b);
void worker_drain_check(struct worker *w); /* a peer has gone: is that all? */

#endif
