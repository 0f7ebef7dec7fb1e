/* SPDX-License-Identifier: Apache-2.0 */
/* One worker from its loop to its listeners. What fails half-way is undone by worker_close. */
#include "server/worker.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/blob_store.h"
#include "base/log.h"
#include "base/random.h"
#include "base/status.h"
#include "server/channel_tables.h"
#include "server/close_job.h"
#include "server/internal.h"
#include "server/message_hook.h"
#include "server/peer.h"
#include "server/proxied.h"
#include "server/push.h"
#include "server/reload.h"
#include "server/server.h"

#define LETTERS_MAX 65536 /* published frames on their way to one worker */
#define CONTROL_MAX 1024
/* Clients leave so many to the internal API, logs, stores and fetches. */
#define DESCRIPTORS_SPARED 16

static void on_accept(void *context, int fd, const struct ip_address *peer, uint16_t port)
{
    struct worker_listener *l = context;

    if (l->worker->options->listeners[l->index].proxy_protocol)
        proxied_accept(l, fd, peer, port);
    else
        peer_accept(l, fd, peer, port);
}

static int open_parts(struct worker *w)
{
    const struct options *o = w->options;
    struct hub_limits limits = {(uint32_t)o->limits.subscriptions, (uint32_t)o->limits.channels};
    int rc;

    rc = schema_scratch_new(&w->schema_scratch);
    if (rc == OK)
        rc = message_policy_fit(&o->messages, w->schema_scratch);
    if (rc == OK)
        rc = message_hooks_open(w);
    if (rc == OK)
        rc = loop_new(&w->loop);
    if (rc != OK)
        return rc;
    conn_set_max_handshakes(w->loop, (unsigned)o->limits.tls_handshakes);
    rc = mailbox_new(&w->control, w->loop, CONTROL_MAX + DRAINS_MAX, w);
    if (rc != OK)
        return rc;
    for (unsigned i = 0; i < DRAINS_MAX; i++)
        (void)mailbox_reserve(w->control); /* it is empty */
    rc = mailbox_new(&w->letters, w->loop, LETTERS_MAX, w);
    if (rc == OK)
        rc = session_ends_new(&w->ends, w);
    if (rc != OK)
        return rc;
    rc = blob_store_new(&w->blobs);
    if (rc != OK)
        return rc;
    rc = hub_new(&w->hub, &limits, w->server->broker, w->index);
    if (rc != OK)
        return rc;
    hub_share(w->hub, w->server->history, w->server->presence);
    broker_join(w->server->broker, w->index, w->letters, hub_deliver, w->hub);
    return ws_inflate_new(&w->inflate, 15, false);
}

int worker_open(struct worker *w, struct server *server, unsigned index)
{
    const struct options *o = server->options;

    w->server = server;
    w->now = generation_keep(server->first);
    w->options = w->now->options;
    timer_init(&w->review_timer, reload_review);
    w->index = index;
    w->jitter = random_u64();
    slab_pool_init(&w->peer_slab, PEER_SLAB_BYTES);
    peer_who_slabs_init(&w->who_slabs);
    link_init(&w->peers);
    link_init(&w->proxied);
    arena_init(&w->arena, ARENA_CHUNK_BYTES, ARENA_BYTES_MAX);
    buf_init(&w->text, push_bytes_max(o->limits.message_bytes_max));
    w->listeners = calloc(o->listeners_count, sizeof(w->listeners[0]));
    if (w->listeners == NULL)
        return E_NOMEM;
    for (uint32_t i = 0; i < o->listeners_count; i++)
        w->listeners[i] = (struct worker_listener){
            .worker = w, .tls = tls_server_keep(server->tls[i]), .fd = -1, .index = i};
    return open_parts(w);
}

/* A worker that does not listen would leave its share of the clients waiting in the kernel: end
 * all, and say why. */
static void stop_deaf(struct worker *w, uint32_t listener)
{
    log_line(LOG_ERROR, "worker %u cannot listen on %s: out of memory", w->index,
             w->server->options->listeners[listener].address_text);
    server_drain(w->server);
}

void worker_run(struct worker *w)
{
    for (uint32_t i = 0; i < w->server->options->listeners_count; i++) {
        struct worker_listener *l = &w->listeners[i];
        int fd = l->fd;
        l->fd = -1;
        if (fd < 0)
            continue;
        if (listener_open(&l->listener, w->loop, fd, on_accept, l) == OK)
            listener_spare(l->listener, DESCRIPTORS_SPARED);
        else
            stop_deaf(w, i);
    }
    if (w->index == 0 && w->server->internal != NULL && internal_start(w->server->internal) != OK)
        log_line(LOG_ERROR, "the internal API cannot start: out of memory");
    if (w->index == 0)
        channel_clock_start(w->server->channel_clock);
    loop_run(w->loop);
    atomic_store_explicit(&w->has_ended, true, memory_order_release);
    (void)atomic_fetch_sub(&w->server->running, 1);
}

struct ws_deflate *worker_deflate(struct worker *w, uint8_t window_bits)
{
    unsigned level = w->options->deflate.level;

    if (w->deflate[window_bits] == NULL &&
        ws_deflate_new(&w->deflate[window_bits], window_bits, (uint8_t)(level != 0 ? level : 1),
                       false) != OK)
        return NULL;
    return w->deflate[window_bits];
}

void worker_close(struct worker *w)
{
    for (uint32_t i = 0; w->listeners != NULL && i < w->server->options->listeners_count; i++) {
        if (w->listeners[i].fd >= 0)
            (void)close(w->listeners[i].fd);
    }
    if (w->hub != NULL)
        broker_leave(w->server->broker, w->index);
    if (w->letters != NULL)
        mailbox_close(w->letters);
    if (w->control != NULL)
        mailbox_close(w->control);
    session_ends_free(w->ends);
    timer_stop(&w->review_timer);
    if (w->index == 0)
        channel_clock_stop(w->server->channel_clock);
    if (w->loop != NULL)
        loop_free(w->loop);
    for (uint32_t i = 0; w->listeners != NULL && i < w->server->options->listeners_count; i++)
        tls_server_drop(w->listeners[i].tls); /* a letter may just have brought new ones */
    free(w->listeners);
    hub_free(w->hub);
    blob_store_free(w->blobs);
    for (unsigned i = 0; i < 16; i++) {
        ws_deflate_free(w->deflate[i]);
        blob_drop(w->pushed[i].plain);
        blob_drop(w->pushed[i].compressed);
    }
    ws_inflate_free(w->inflate);
    schema_scratch_free(w->schema_scratch);
    message_hooks_close(w);
    peer_who_slabs_clear(&w->who_slabs);
    slab_pool_clear(&w->peer_slab);
    arena_clear(&w->arena);
    buf_clear(&w->text);
    generation_drop(w->now);
}
