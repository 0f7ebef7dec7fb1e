/* SPDX-License-Identifier: Apache-2.0 */
/* internal_list.c: what is there: channels, connections, and the server in numbers. Each worker
 * picks the rows of the page from its own, worker 0 merges them: a page costs one walk over what is
 * there and memory for the page alone. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/status.h"
#include "server/internal_call.h"

#define ROW_BYTES_MAX 1024
#define INFO_BYTES    8192

struct row {
    uint8_t key[CHANNEL_NAME_MAX]; /* the order: a channel's name, a connection's id */
    uint16_t key_bytes;
    uint32_t listeners, subscriptions;
    char user[IDENTITY_USER_MAX + 1];
    struct ip_address ip;
    uint16_t port;
    uint64_t seconds, messages_in, messages_out;
};
struct rows {
    uint32_t count, max;
    bool is_lost;      /* out of memory */
    struct row *items; /* in order, each key once; room for one more than max */
};
struct list {
    struct order order; /* first */
    enum api_list_kind kind;
    struct view prefix, user, after; /* into what follows */
    char prefix_text[CHANNEL_NAME_MAX], user_text[IDENTITY_USER_MAX], after_text[CHANNEL_NAME_MAX];
    uint32_t limit;
    struct rows shares[WORKERS_MAX]; /* each of its worker, until all are done */
    _Atomic uint64_t connections, logged_in, subscriptions, channels;
};

static int compare(struct view a, struct view b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static struct view key_of(const struct row *row)
{
    return view_of(row->key, row->key_bytes);
}

/* The row with this key, new or there already; NULL: it comes after the page. */
static struct row *rows_place(struct rows *rows, struct view key)
{
    uint32_t low = 0, high = rows->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare(key_of(&rows->items[middle]), key);

        if (order == 0)
            return &rows->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low >= rows->max)
        return NULL;
    memmove(&rows->items[low + 1], &rows->items[low], (rows->count - low) * sizeof(struct row));
    if (rows->count < rows->max)
        rows->count++;
    rows->items[low] = (struct row){.key_bytes = (uint16_t)key.len};
    memcpy(rows->items[low].key, key.ptr, key.len);
    return &rows->items[low];
}

static bool rows_begin(struct rows *rows, uint32_t limit)
{
    rows->max = limit + 1;
    rows->items = calloc(rows->max + 1, sizeof(rows->items[0]));
    rows->is_lost = rows->items == NULL;
    return !rows->is_lost;
}

/* --- on each worker --- */

struct walk {
    const struct list *list;
    struct rows *rows;
};

static void take_channel(void *context, struct view channel, uint32_t listeners)
{
    struct walk *walk = context;
    struct row *row;

    if (!view_starts_with(channel, walk->list->prefix) ||
        (walk->list->after.len > 0 && compare(channel, walk->list->after) <= 0))
        return;
    row = rows_place(walk->rows, channel);
    if (row != NULL)
        row->listeners += listeners;
}

static void run_channels(struct worker *w, struct crew_job *work)
{
    struct list *list = (struct list *)(void *)work;
    struct walk walk = {list, &list->shares[w->index]};

    if (rows_begin(walk.rows, list->limit))
        hub_each_channel(w->hub, take_channel, &walk);
}

static void take_connection(const struct walk *walk, const struct peer *p)
{
    struct view user = peer_user(p);
    struct view id = view_of(p->id, sizeof(p->id));
    struct row *row;

    if ((walk->list->user.len > 0 && !view_eq(user, walk->list->user)) ||
        (walk->list->after.len > 0 && compare(id, walk->list->after) <= 0))
        return;
    row = rows_place(walk->rows, id);
    if (row == NULL)
        return;
    memcpy(row->user, user.ptr, user.len);
    row->ip = p->ip;
    row->port = p->port;
    row->seconds = (loop_now_ms(p->worker->loop) - p->opened_ms) / 1000;
    row->subscriptions = p->subscriber.count;
    row->messages_in = p->messages_in;
    row->messages_out = p->messages_out;
}

static bool is_logged_in(const struct peer *p)
{
    return p->phase == PEER_OPEN && p->who != NULL && !conn_is_closing(&p->conn);
}

static void run_connections(struct worker *w, struct crew_job *work)
{
    struct list *list = (struct list *)(void *)work;
    struct walk walk = {list, &list->shares[w->index]};

    if (!rows_begin(walk.rows, list->limit))
        return;
    for (struct link *at = w->peers.next; at != &w->peers; at = at->next) {
        const struct peer *p = LINK_ITEM(at, struct peer, link);

        if (is_logged_in(p))
            take_connection(&walk, p);
    }
}

static void run_info(struct worker *w, struct crew_job *work)
{
    struct list *list = (struct list *)(void *)work;
    uint64_t logged_in = 0, subscriptions = 0;

    for (struct link *at = w->peers.next; at != &w->peers; at = at->next) {
        const struct peer *p = LINK_ITEM(at, struct peer, link);

        logged_in += is_logged_in(p);
        subscriptions += p->subscriber.count;
    }
    (void)atomic_fetch_add_explicit(&list->connections, w->peers_count, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&list->logged_in, logged_in, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&list->subscriptions, subscriptions, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&list->channels, hub_channel_count(w->hub),
                                    memory_order_relaxed);
}

/* --- answers --- */

/* All shares in the first one. False: one was lost. */
static bool merge(struct list *list)
{
    struct rows *all = &list->shares[0];
    unsigned workers = list->order.internal->server->workers_count;

    for (unsigned i = 0; i < workers; i++) {
        if (list->shares[i].is_lost)
            return false;
    }
    for (unsigned i = 1; i < workers; i++) {
        for (uint32_t r = 0; r < list->shares[i].count; r++) {
            const struct row *from = &list->shares[i].items[r];
            struct row *to = rows_place(all, key_of(from));

            if (to == NULL)
                break;
            if (list->kind == API_LIST_CHANNELS)
                to->listeners += from->listeners;
            else
                *to = *from;
        }
    }
    return true;
}

static void put_id(struct wr *w, const char *key, const struct row *row)
{
    char text[BASE64_BYTES(16) + 1];

    json_out_member(w, key, view_of(text, base64url_encode(text, row->key, row->key_bytes)));
}

static void put_row(struct wr *w, const struct list *list, const struct row *row)
{
    char ip[IP_TEXT_BYTES];

    json_out_open(w);
    if (list->kind == API_LIST_CHANNELS) {
        json_out_member(w, "channel", key_of(row));
        json_out_member_u64(w, "subscribers", row->listeners);
    } else {
        ip_address_text(&row->ip, ip);
        put_id(w, "connection", row);
        json_out_member(w, "user", view_of_text(row->user));
        json_out_member(w, "ip", view_of_text(ip));
        json_out_member_u64(w, "port", row->port);
        json_out_member_u64(w, "seconds", row->seconds);
        json_out_member_u64(w, "subscriptions", row->subscriptions);
        json_out_member_u64(w, "messages_in", row->messages_in);
        json_out_member_u64(w, "messages_out", row->messages_out);
    }
    json_out_close(w);
}

static void answer_rows(struct order *order, struct wr *w)
{
    struct list *list = (struct list *)(void *)order;
    const struct rows *all = &list->shares[0];
    uint32_t count;

    if (!merge(list)) {
        w->failed = true;
        return;
    }
    count = all->count > list->limit ? list->limit : all->count;
    json_out_open(w);
    json_out_key(w, list->kind == API_LIST_CHANNELS ? "channels" : "connections");
    wr_u8(w, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            wr_u8(w, ',');
        put_row(w, list, &all->items[i]);
    }
    wr_u8(w, ']');
    if (all->count <= list->limit) {
        json_out_key(w, "next");
        wr_text(w, "null");
    } else if (list->kind == API_LIST_CHANNELS) {
        json_out_member(w, "next", key_of(&all->items[count - 1]));
    } else {
        put_id(w, "next", &all->items[count - 1]);
    }
    json_out_close(w);
    wr_u8(w, '\n');
}

static void put_config(struct wr *w, const struct options *o)
{
    char digest[64];

    if (o->path == NULL) {
        wr_text(w, "null");
        return;
    }
    for (unsigned i = 0; i < sizeof(o->digest); i++) {
        digest[2 * i] = "0123456789abcdef"[o->digest[i] >> 4];
        digest[2 * i + 1] = "0123456789abcdef"[o->digest[i] & 15];
    }
    json_out_open(w);
    json_out_member(w, "path", view_of_text(o->path));
    json_out_member(w, "sha256", view_of(digest, sizeof(digest)));
    json_out_close(w);
}

static void answer_info(struct order *order, struct wr *w)
{
    struct list *list = (struct list *)(void *)order;
    const struct server *s = order->internal->server;

    json_out_open(w);
    json_out_member(w, "version", VIEW(GATEWARD_VERSION));
    json_out_member_u64(w, "uptime", (clock_mono_ms() - s->opened_ms) / 1000);
    json_out_member_u64(w, "workers", s->workers_count);
    json_out_key(w, "draining");
    wr_text(w, atomic_load(&s->drains) != 0 ? "true" : "false");
    json_out_member_u64(w, "connections", atomic_load(&list->connections));
    json_out_member_u64(w, "logged_in", atomic_load(&list->logged_in));
    json_out_member_u64(w, "subscriptions", atomic_load(&list->subscriptions));
    json_out_member_u64(w, "channels",
                        s->workers_count == 1 ? atomic_load(&list->channels)
                                              : broker_channel_count(s->broker));
    json_out_key(w, "config");
    put_config(w, internal_worker(order->internal)->options);
    json_out_close(w);
    wr_u8(w, '\n');
}

static void clear(struct order *order)
{
    struct list *list = (struct list *)(void *)order;

    for (unsigned i = 0; i < WORKERS_MAX; i++)
        free(list->shares[i].items);
}

enum api_result internal_list(void *internal, const struct api_list_ask *ask, uint64_t number)
{
    static void (*const runs[])(struct worker *,
                                struct crew_job *) = {[API_LIST_CHANNELS] = run_channels,
                                                      [API_LIST_CONNECTIONS] = run_connections,
                                                      [API_LIST_INFO] = run_info};
    struct list *list;

    if (ask->kind == API_LIST_METRICS)
        return internal_metrics(internal, number);
    list = (struct list *)(void *)internal_order_new(internal, sizeof(*list), number);

    if (list == NULL)
        return API_RESULT_OVERLOADED;
    list->kind = ask->kind;
    list->limit = ask->limit;
    list->prefix = internal_call_keep(list->prefix_text, ask->prefix);
    list->user = internal_call_keep(list->user_text, ask->user);
    list->after = internal_call_keep(list->after_text, ask->after);
    if (ask->kind == API_LIST_CONNECTIONS && ask->after.len > 0)
        list->after = internal_call_keep(
            list->after_text, view_of(ask->after_connection, sizeof(ask->after_connection)));
    list->order.clear = clear;
    list->order.work.run = runs[ask->kind];
    list->order.answer = ask->kind == API_LIST_INFO ? answer_info : answer_rows;
    list->order.answer_bytes = INFO_BYTES + (size_t)list->limit * ROW_BYTES_MAX;
    return internal_order_start(&list->order);
}
