/* SPDX-License-Identifier: Apache-2.0 */
/* internal_order.c: calls of the API that every worker has a share in, and those of them that do
 * something: broadcasts, subscriptions of users, disconnecting. */
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "server/internal_call.h"
#include "server/protocol.h"
#include "server/push.h"

#define COUNTS_BYTES 256

/* --- orders --- */

struct order *internal_order_new(struct internal *in, size_t bytes, uint64_t number)
{
    struct order *order = crew_has_room(in->server->crew) ? calloc(1, bytes) : NULL;

    if (order == NULL)
        return NULL;
    order->internal = in;
    order->number = number;
    link_append(&in->orders, &order->link);
    return order;
}

void internal_order_free(struct order *order)
{
    link_remove(&order->link);
    if (order->clear != NULL)
        order->clear(order);
    free(order);
}

void internal_orders_free(struct internal *in)
{
    while (!link_is_alone(&in->orders))
        internal_order_free(LINK_ITEM(in->orders.next, struct order, link));
}

static void on_done(struct crew_job *work)
{
    struct order *order = (struct order *)(void *)work;
    struct internal *in = order->internal;
    uint64_t number = order->number;
    uint8_t *bytes = malloc(order->answer_bytes);
    struct wr w = wr_of(bytes, bytes != NULL ? order->answer_bytes : 0);
    bool is_whole;

    if (bytes != NULL)
        order->answer(order, &w);
    is_whole = bytes != NULL && !w.failed;
    if (!order->work.must_stay)
        internal_order_free(order);
    api_finish(in->api, number, is_whole ? API_RESULT_OK : API_RESULT_OVERLOADED,
               view_of(bytes, is_whole ? wr_len(&w) : 0));
    free(bytes);
}

enum api_result internal_order_start(struct order *order)
{
    order->work.done = on_done;
    order->work.may_stand_in = true;
    crew_start(order->internal->server->crew, &order->work);
    return API_RESULT_LATER;
}

static bool is_logged_in(const struct peer *p)
{
    return p->phase == PEER_OPEN && p->who != NULL && !conn_is_closing(&p->conn);
}

/* --- broadcasts --- */

struct broadcast {
    struct order order; /* first */
    struct blob *frame;
    _Atomic uint64_t connections;
};

static void broadcast_clear(struct order *order)
{
    blob_drop(((struct broadcast *)(void *)order)->frame);
}

/* Once to each connection, however many channels it listens to. */
static void broadcast_run(struct worker *w, struct crew_job *work)
{
    struct broadcast *b = (struct broadcast *)(void *)work;
    uint64_t count = 0;

    for (struct link *at = w->peers.next; at != &w->peers; at = at->next) {
        struct peer *p = LINK_ITEM(at, struct peer, link);

        if (!is_logged_in(p) || p->subscriber.count == 0)
            continue;
        session_deliver(&p->subscriber, b->frame);
        count++;
    }
    (void)atomic_fetch_add_explicit(&b->connections, count, memory_order_relaxed);
}

static void broadcast_answer(struct order *order, struct wr *w)
{
    struct broadcast *b = (struct broadcast *)(void *)order;

    json_out_open(w);
    json_out_member_u64(w, "connections",
                        atomic_load_explicit(&b->connections, memory_order_relaxed));
    json_out_close(w);
    wr_u8(w, '\n');
}

enum api_result internal_broadcast(void *internal, const struct api_broadcast_ask *ask,
                                   uint64_t number)
{
    struct internal *in = internal;
    struct broadcast *b = (struct broadcast *)(void *)internal_order_new(in, sizeof(*b), number);

    if (b == NULL)
        return API_RESULT_OVERLOADED;
    b->order.clear = broadcast_clear;
    b->order.answer = broadcast_answer;
    b->order.answer_bytes = COUNTS_BYTES;
    b->order.work.run = broadcast_run;
    b->frame = push_broadcast(internal_worker(in), ask->data);
    if (b->frame == NULL) {
        internal_order_free(&b->order);
        return API_RESULT_OVERLOADED;
    }
    return internal_order_start(&b->order);
}

/* --- subscriptions --- */

struct subscription {
    struct order order; /* first */
    bool ends;
    struct view user, channel; /* into what follows */
    char user_text[IDENTITY_USER_MAX], channel_text[CHANNEL_NAME_MAX];
    _Atomic uint64_t done, refused;
};

static void subscription_run(struct worker *w, struct crew_job *work)
{
    struct subscription *s = (struct subscription *)(void *)work;
    struct link *next;

    for (struct link *at = w->peers.next; at != &w->peers; at = next) {
        struct peer *p = LINK_ITEM(at, struct peer, link);
        int rc;

        next = at->next;
        if (!is_logged_in(p) || !view_eq(s->user, peer_user(p)))
            continue;
        rc = s->ends ? protocol_unsubscribe(p, s->channel) : protocol_subscribe(p, s->channel);
        if (rc != E_MISSING)
            (void)atomic_fetch_add_explicit(rc == OK ? &s->done : &s->refused, 1,
                                            memory_order_relaxed);
    }
}

static void subscription_answer(struct order *order, struct wr *w)
{
    struct subscription *s = (struct subscription *)(void *)order;

    json_out_open(w);
    json_out_member_u64(w, s->ends ? "unsubscribed" : "subscribed",
                        atomic_load_explicit(&s->done, memory_order_relaxed));
    if (!s->ends)
        json_out_member_u64(w, "refused", atomic_load_explicit(&s->refused, memory_order_relaxed));
    json_out_close(w);
    wr_u8(w, '\n');
}

enum api_result internal_subscription(void *internal, const struct api_subscription_ask *ask,
                                      uint64_t number)
{
    struct internal *in = internal;
    struct subscription *s =
        (struct subscription *)(void *)internal_order_new(in, sizeof(*s), number);

    if (s == NULL)
        return API_RESULT_OVERLOADED;
    s->order.answer = subscription_answer;
    s->order.answer_bytes = COUNTS_BYTES;
    s->order.work.run = subscription_run;
    s->ends = ask->ends;
    s->user = internal_call_keep(s->user_text, ask->user);
    s->channel = internal_call_keep(s->channel_text, ask->channel);
    return internal_order_start(&s->order);
}

/* --- disconnecting --- */

static void on_disconnected(struct close_job *job)
{
    struct call *call = (struct call *)(void *)job;
    char text[64];
    struct wr w = wr_of(text, sizeof(text));

    json_out_open(&w);
    json_out_member_u64(&w, "closed", atomic_load_explicit(&job->closed, memory_order_relaxed));
    json_out_close(&w);
    wr_u8(&w, '\n');
    call->has_job = false;
    api_finish(call->internal->api, call->number, API_RESULT_OK, view_of(text, wr_len(&w)));
    internal_call_free(call);
}

enum api_result internal_disconnect(void *internal, const struct api_disconnect_ask *ask,
                                    uint64_t number)
{
    static const struct closing stays_away = {EVENT_DISCONNECTED, NULL, CLOSE_NORMAL,
                                              "Disconnected"};
    static const struct closing comes_back = {EVENT_DISCONNECTED, "reconnect", CLOSE_RESTART,
                                              "Reconnect"};
    struct internal *in = internal;
    struct call *call = internal_call_new(in, number);

    if (call == NULL)
        return API_RESULT_OVERLOADED;
    call->job.done = on_disconnected;
    call->job.how = ask->reconnects ? &comes_back : &stays_away;
    if (ask->user.ptr != NULL) {
        call->job.target = (struct close_target){.by = CLOSE_BY_USER,
                                                 .text = internal_call_keep(call->text, ask->user)};
    } else {
        call->job.target.by = CLOSE_BY_CONNECTION;
        memcpy(call->job.target.bytes, ask->connection, sizeof(call->job.target.bytes));
    }
    call->has_job = close_job_add(in->server->closer, &call->job);
    if (!call->has_job) {
        internal_call_free(call);
        return API_RESULT_OVERLOADED;
    }
    close_job_start(in->server->closer, &call->job);
    return API_RESULT_LATER;
}
