/* SPDX-License-Identifier: Apache-2.0 */
/* internal_oversight.c: bans, who is in a channel, and what was said there: tables that all workers
 * share, so worker 0 answers alone. */
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/status.h"
#include "hub/history.h"
#include "hub/presence.h"
#include "limit/ban_table.h"
#include "server/internal_call.h"
#include "server/push.h"

#define NS_PER_S      ((uint64_t)1000000000)
#define BANS_SPARE    64 /* that begin between counting and listing */
#define HISTORY_BYTES (1024u * 1024u)
#define AROUND_BYTES  1024u /* of an answer, around its messages */

static void put_end(struct wr *w)
{
    json_out_close(w);
    wr_u8(w, '\n');
}

/* --- bans --- */

static int compare_address(const struct ip_address *a, const struct ip_address *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static int compare_bans(const void *a, const void *b)
{
    return compare_address(&((const struct ban *)a)->address, &((const struct ban *)b)->address);
}

static void put_ban(struct wr *w, const struct ban *ban)
{
    char ip[IP_TEXT_BYTES];

    ip_address_text(&ban->address, ip);
    json_out_open(w);
    json_out_member(w, "ip", view_of_text(ip));
    json_out_member_u64(w, "seconds", (ban->left_ns + NS_PER_S - 1) / NS_PER_S);
    json_out_member_u64(w, "times", ban->times);
    json_out_close(w);
}

static void put_bans(struct wr *w, const struct ban *bans, size_t count,
                     const struct api_ban_ask *ask)
{
    char next[IP_TEXT_BYTES] = "";
    uint32_t put = 0;
    size_t i = 0;

    while (ask->has_after && i < count && compare_address(&bans[i].address, &ask->ip) <= 0)
        i++;
    json_out_open(w);
    json_out_key(w, "bans");
    wr_u8(w, '[');
    for (; i < count && put < ask->limit; i++, put++) {
        if (put > 0)
            wr_u8(w, ',');
        put_ban(w, &bans[i]);
    }
    wr_u8(w, ']');
    json_out_key(w, "next");
    if (i < count && i > 0) {
        ip_address_text(&bans[i - 1].address, next);
        json_out_string(w, view_of_text(next), 0);
    } else {
        wr_text(w, "null");
    }
    put_end(w);
}

static enum api_result list_bans(struct ban_table *t, const struct api_ban_ask *ask,
                                 uint64_t now_ns, struct wr *out)
{
    size_t room = t != NULL ? ban_table_list(t, now_ns, NULL, 0) + BANS_SPARE : BANS_SPARE;
    struct ban *bans = calloc(room, sizeof(bans[0]));
    size_t count;

    if (bans == NULL)
        return API_RESULT_OVERLOADED;
    count = t != NULL ? ban_table_list(t, now_ns, bans, room) : 0;
    count = count < room ? count : room;
    qsort(bans, count, sizeof(bans[0]), compare_bans);
    put_bans(out, bans, count, ask);
    free(bans);
    return API_RESULT_OK;
}

static void log_ban(struct internal *in, const struct api_ban_ask *ask)
{
    bool is_lift = ask->verb == API_BAN_LIFT;
    char ip[IP_TEXT_BYTES];
    struct event event = {.type = EVENT_BANNED,
                          .outcome = is_lift ? OUTCOME_OK : OUTCOME_REFUSED,
                          .code = is_lift ? "lifted" : "ordered",
                          .key = ask->key,
                          .count = ask->seconds};

    ip_address_text(&ask->ip, ip);
    event.ip = view_of_text(ip);
    event_log_put(in->server->events, &event);
}

static bool is_exempt(const struct internal *in, const struct ip_address *ip)
{
    const struct options *o = internal_worker(in)->options;

    for (uint32_t i = 0; i < o->listeners_count; i++) {
        if (ip_nets_have(&o->listeners[i].proxies, ip))
            return true;
    }
    return ip_address_is_loopback(ip);
}

static void put_ok(struct wr *w)
{
    wr_text(w, "{\"ok\":true}\n");
}

enum api_result internal_ban(void *internal, const struct api_ban_ask *ask, struct wr *out)
{
    struct internal *in = internal;
    struct ban_table *t = in->server->bans;
    uint64_t now_ns = loop_now_ns(internal_worker(in)->loop);

    if (ask->verb == API_BAN_LIST)
        return list_bans(t, ask, now_ns, out);
    if (t == NULL)
        return ask->verb == API_BAN_LIFT ? API_RESULT_NOT_BANNED : API_RESULT_BANS_OFF;
    if (ask->verb == API_BAN_LIFT) {
        if (!ban_table_lift(t, &ask->ip, now_ns))
            return API_RESULT_NOT_BANNED;
    } else if (is_exempt(in, &ask->ip) ||
               !ban_table_put(t, &ask->ip, ask->seconds * NS_PER_S, now_ns)) {
        return API_RESULT_NOT_BANNABLE;
    }
    log_ban(in, ask);
    put_ok(out);
    return API_RESULT_OK;
}

/* --- presence --- */

static struct channel_traits traits_of(const struct internal *in, struct view channel)
{
    return access_channel_traits(&internal_worker(in)->options->policy, channel);
}

enum api_result internal_presence(void *internal, const struct api_look_ask *ask, struct wr *out)
{
    struct presence_user users[API_LIST_MAX + 1];
    struct internal *in = internal;
    size_t found = (size_t)ask->limit + 1, count, shown;

    if (traits_of(in, ask->channel).presence == CHANNEL_PRESENCE_OFF)
        return API_RESULT_NO_PRESENCE;
    count = presence_page(in->server->presence, ask->channel, ask->after, users, &found);
    shown = found < ask->limit ? found : ask->limit;
    json_out_open(out);
    json_out_member(out, "channel", ask->channel);
    json_out_key(out, "users");
    wr_u8(out, '[');
    for (size_t i = 0; i < shown; i++) {
        if (i > 0)
            wr_u8(out, ',');
        json_out_open(out);
        json_out_member(out, "user", view_of_text(users[i].name));
        json_out_member_u64(out, "connections", users[i].connections);
        json_out_close(out);
    }
    wr_u8(out, ']');
    json_out_member_u64(out, "count", count);
    json_out_key(out, "next");
    if (found > shown && shown > 0)
        json_out_string(out, view_of_text(users[shown - 1].name), 0);
    else
        wr_text(out, "null");
    put_end(out);
    return API_RESULT_OK;
}

/* --- history --- */

/* Its messages may be more than an answer that is made at once, so they go the way of those that
 * all workers have a share in; this one has none. */
struct past {
    struct order order; /* first */
    struct view channel;
    char channel_text[CHANNEL_NAME_MAX], epoch[HISTORY_EPOCH_BYTES];
    bool has_since, is_found;
    uint64_t since;
    struct history_batch batch;
};

static void nothing(struct worker *w, struct crew_job *work)
{
    (void)w;
    (void)work;
}

static void put_past(struct order *order, struct wr *w)
{
    struct past *past = (struct past *)(void *)order;
    const struct history_batch *batch = &past->batch;
    uint64_t last = batch->count > 0 ? batch->frames[batch->count - 1]->offset : past->since;

    json_out_open(w);
    json_out_member(w, "channel", past->channel);
    json_out_member(w, "epoch", view_of_text(past->epoch));
    json_out_member_u64(w, "offset", batch->place.offset);
    if (past->has_since) {
        json_out_key(w, "recovered");
        wr_text(w, past->is_found ? "true" : "false");
        json_out_key(w, "more");
        wr_text(w, past->is_found && last < batch->place.offset ? "true" : "false");
    }
    json_out_key(w, "messages");
    wr_u8(w, '[');
    for (uint32_t i = 0; i < batch->count; i++) {
        if (i > 0)
            wr_u8(w, ',');
        wr_view(w, push_text(batch->frames[i]));
    }
    wr_u8(w, ']');
    put_end(w);
}

static void past_clear(struct order *order)
{
    history_batch_clear(&((struct past *)(void *)order)->batch);
}

static int look_back(struct past *past, struct history *history, const struct api_look_ask *ask,
                     uint64_t now_ms)
{
    struct history_ask how = {.bytes_max = HISTORY_BYTES,
                              .messages_max = ask->limit,
                              .has_since = ask->has_since,
                              .now_ms = now_ms};
    int rc;

    past->batch.place = history_place(history, past->channel);
    history_epoch(history, past->channel, past->batch.place.life, past->epoch);
    how.since = (struct history_place){past->batch.place.life, ask->offset};
    if (ask->has_since && !view_eq(ask->epoch, view_of_text(past->epoch)))
        return OK; /* of another life: nothing is found, and that is said */
    rc = history_get(history, past->channel, &how, &past->batch);
    past->is_found = rc == OK;
    return rc == E_MISSING ? OK : rc;
}

enum api_result internal_history(void *internal, const struct api_look_ask *ask, uint64_t number)
{
    struct internal *in = internal;
    struct past *past;

    if (traits_of(in, ask->channel).history_messages == 0)
        return API_RESULT_NO_HISTORY;
    past = (struct past *)(void *)internal_order_new(in, sizeof(*past), number);
    if (past == NULL)
        return API_RESULT_OVERLOADED;
    past->order.clear = past_clear;
    past->order.answer = put_past;
    past->order.work.run = nothing;
    past->channel = internal_call_keep(past->channel_text, ask->channel);
    past->has_since = ask->has_since;
    past->since = ask->offset;
    if (look_back(past, in->server->history, ask, loop_now_ms(internal_worker(in)->loop)) != OK) {
        internal_order_free(&past->order);
        return API_RESULT_OVERLOADED;
    }
    past->order.answer_bytes = AROUND_BYTES;
    for (uint32_t i = 0; i < past->batch.count; i++)
        past->order.answer_bytes += past->batch.frames[i]->len + 1;
    return internal_order_start(&past->order);
}
