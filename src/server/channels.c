/* SPDX-License-Identifier: Apache-2.0 */
/* A resume is exact: the hub says up to which place this worker's listeners have got everything,
 * the history gives what lies between that and the client's own place, and what comes afterwards
 * comes through the hub. All of it fits the connection's queue, or it is said that it cannot be
 * done. */
#include "server/channels.h"

#include <stdlib.h>

#include "base/json_out.h"
#include "hub/history.h"
#include "hub/presence.h"
#include "server/memory.h"
#include "server/moderation.h"
#include "server/observe.h"
#include "server/push.h"
#include "server/say.h"

#define HISTORY_ANSWER_BYTES (256u * 1024u) /* of messages in one answer, or one message */
#define HISTORY_LIMIT        100
#define HISTORY_LIMIT_MAX    10000
#define HISTORY_AROUND_BYTES 1024 /* of an answer, around its messages */

static struct channel_traits traits_of(const struct request *r)
{
    return access_channel_traits(&r->peer->worker->options->policy, r->channel);
}

/* The member `since`: {"epoch":"...","offset":n}. */
struct since {
    bool is_given;
    struct view epoch;
    uint64_t offset;
};

static bool read_since(struct request *r, struct since *since)
{
    const struct json *member = json_member(r->root, VIEW("since")), *offset;
    int64_t number;

    since->is_given = member != NULL;
    if (member == NULL)
        return true;
    if (member->type == JSON_OBJECT && json_member_string(member, VIEW("epoch"), &since->epoch)) {
        offset = json_member(member, VIEW("offset"));
        if (offset != NULL && offset->type == JSON_NUMBER && json_to_i64(offset, &number) &&
            number >= 0) {
            since->offset = (uint64_t)number;
            return true;
        }
    }
    request_bad_member(r, "since", "must be an object with epoch and offset");
    return false;
}

static bool is_epoch(const struct request *r, struct view epoch, uint64_t life)
{
    char text[HISTORY_EPOCH_BYTES];

    history_epoch(r->peer->worker->server->history, r->channel, life, text);
    return view_eq(epoch, view_of_text(text));
}

static void put_place(struct wr *w, const struct request *r, struct history_place place)
{
    char text[HISTORY_EPOCH_BYTES];

    history_epoch(r->peer->worker->server->history, r->channel, place.life, text);
    json_out_member(w, "epoch", view_of_text(text));
    json_out_member_u64(w, "offset", place.offset);
}

static void put_bool(struct wr *w, const char *key, bool value)
{
    json_out_key(w, key);
    wr_text(w, value ? "true" : "false");
}

/* How much may still be queued for this connection. */
static size_t queue_room(struct peer *p)
{
    size_t max = p->worker->options->limits.queue_bytes, backlog = conn_backlog(&p->conn);

    if (backlog > 0) {
        conn_flush(&p->conn);
        backlog = conn_backlog(&p->conn);
    }
    return backlog < max ? max - backlog : 0;
}

/* Large answers are not made while what came before still waits to be read: asking costs the asker
 * as much as the server. */
static bool is_backed_up(struct request *r)
{
    if (queue_room(r->peer) >= r->peer->worker->options->limits.queue_bytes / 2 &&
        !memory_is_short(r->peer->worker))
        return false;
    say_error(r->peer, r->id, "overloaded", VIEW("Server overloaded, try again"));
    return true;
}

/* --- subscribe --- */

static void say_limit(struct request *r, const char *what)
{
    struct event event = peer_event(r->peer, EVENT_LIMIT_EXCEEDED, OUTCOME_REFUSED, what);

    event.channel = r->channel;
    peer_log(r->peer, &event);
    say_error(r->peer, r->id, "limit_exceeded", VIEW("Too many subscriptions"));
}

/* Old messages are history: who may not have that can only begin from now. */
static bool may_resume(const struct request *r)
{
    const struct peer *p = r->peer;
    struct identity who;
    struct access_question asked = {peer_identity(p, &who), r->channel, ACTION_HISTORY,
                                    loop_wall_s(p->worker->loop)};

    return access_decide(&p->worker->options->policy, &asked, NULL);
}

static bool collect_missed(struct request *r, const struct since *since, struct history_place place,
                           struct history_batch *missed)
{
    struct peer *p = r->peer;
    struct history_ask ask = {.is_resume = true,
                              .since = {place.life, since->offset},
                              .upto = place.offset,
                              .messages_max = UINT32_MAX,
                              .now_ms = loop_now_ms(p->worker->loop)};

    if (!is_epoch(r, since->epoch, place.life) || !may_resume(r))
        return false;
    ask.bytes_max = queue_room(p);
    return history_get(p->worker->server->history, r->channel, &ask, missed) == OK;
}

static void say_subscribed(struct request *r, const struct since *since, bool has_history,
                           bool is_new)
{
    struct peer *p = r->peer;
    uint8_t bytes[ANSWER_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));
    struct history_batch missed = {NULL, 0, {0, 0}};
    struct history_place place;
    bool is_recovered = false;

    say_begin(&w, "subscribed");
    json_out_member(&w, "channel", r->channel);
    if (has_history) {
        place = hub_place(p->worker->hub, r->channel);
        put_place(&w, r, place);
        is_recovered = since->is_given && is_new && collect_missed(r, since, place, &missed);
    }
    if (since->is_given)
        put_bool(&w, "recovered", is_recovered);
    say_end(p, &w, r->id);
    for (uint32_t i = 0; i < missed.count; i++)
        session_deliver(&p->subscriber, missed.frames[i]);
    history_batch_clear(&missed);
}

static int join(struct request *r, struct hub_how *how)
{
    struct peer *p = r->peer;
    struct channel_traits traits = traits_of(r);

    *how = (struct hub_how){.is_present = traits.presence != CHANNEL_PRESENCE_OFF,
                            .has_news = traits.presence == CHANNEL_PRESENCE_JOIN_LEAVE,
                            .has_history = traits.history_messages > 0};
    return hub_subscribe_as(p->worker->hub, &p->subscriber, r->channel, how);
}

int channels_join(struct request *r)
{
    const struct since since = {false, {NULL, 0}, 0};
    struct hub_how how;
    int rc = join(r, &how);

    if (rc == OK)
        say_subscribed(r, &since, how.has_history, true);
    return rc == E_EXISTS ? OK : rc;
}

/* Granted or not, a subscription costs. */
static bool take_subscribe(struct request *r)
{
    struct peer *p = r->peer;
    struct event event = peer_event(p, EVENT_RATE_LIMITED, OUTCOME_REFUSED, "subscribe");

    if (rate_take(&p->subscribes, &p->limits->subscribes, loop_now_ns(p->worker->loop))) {
        observe_run_ends(p, LIMIT_SUBSCRIBES);
        return true;
    }
    event.channel = r->channel;
    if (observe_lets(p, LIMIT_SUBSCRIBES, &event))
        return true;
    peer_log(p, &event);
    say_error(p, r->id, "rate_limited", VIEW("Too many subscribe messages"));
    return false;
}

void channels_subscribe(struct request *r)
{
    struct hub_how how;
    struct since since;
    int rc;

    if (!request_need_channel(r) || !read_since(r, &since) || !take_subscribe(r) ||
        !request_may(r, ACTION_SUBSCRIBE) || !moderation_lets(r, false))
        return;
    rc = join(r, &how);
    switch (rc) {
    case OK:
    case E_EXISTS:
        say_subscribed(r, &since, how.has_history, rc == OK);
        break;
    case E_LIMIT:
        say_limit(r, "too_many_subscriptions");
        break;
    case E_FULL:
        say_limit(r, "too_many_channels");
        break;
    default:
        session_close(r->peer, CLOSE_INTERNAL, "Out of memory");
        break;
    }
}

/* --- presence --- */

static void put_users(struct wr *w, const struct presence_user *users, size_t count)
{
    json_out_key(w, "users");
    wr_u8(w, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            wr_u8(w, ',');
        json_out_open(w);
        json_out_member(w, "user", view_of_text(users[i].name));
        json_out_member_u64(w, "connections", users[i].connections);
        json_out_close(w);
    }
    wr_u8(w, ']');
}

#define PRESENCE_ROW_BYTES (PRESENCE_USER_MAX + 48)

void channels_presence(struct request *r)
{
    struct worker *w = r->peer->worker;
    size_t room = w->options->limits.presence_list, count, named;
    size_t text_bytes = room * PRESENCE_ROW_BYTES + ANSWER_BYTES_MAX;
    struct presence_user *users;
    uint8_t *text;
    struct wr out;

    if (!request_need_channel(r) || !request_may(r, ACTION_PRESENCE) || !moderation_lets(r, false))
        return;
    if (traits_of(r).presence == CHANNEL_PRESENCE_OFF) {
        say_error(r->peer, r->id, "no_presence", VIEW("This channel has no presence"));
        return;
    }
    if (is_backed_up(r))
        return;
    users = arena_alloc(&w->arena, room * sizeof(users[0]));
    text = arena_alloc(&w->arena, text_bytes);
    if (users == NULL || text == NULL) {
        session_close(r->peer, CLOSE_INTERNAL, "Out of memory");
        return;
    }
    count = presence_list(w->server->presence, r->channel, users, room);
    named = count < room ? count : room;
    out = wr_of(text, text_bytes);
    say_begin(&out, "presence");
    json_out_member(&out, "channel", r->channel);
    put_users(&out, users, named);
    json_out_member_u64(&out, "count", count);
    if (named < count)
        put_bool(&out, "truncated", true);
    say_end(r->peer, &out, r->id);
}

/* --- history --- */

static void put_messages(struct wr *w, const struct history_batch *batch)
{
    json_out_key(w, "messages");
    wr_u8(w, '[');
    for (uint32_t i = 0; i < batch->count; i++) {
        if (i > 0)
            wr_u8(w, ',');
        wr_view(w, push_text(batch->frames[i]));
    }
    wr_u8(w, ']');
}

static void say_history(struct request *r, const struct since *since, bool is_found,
                        const struct history_batch *batch)
{
    size_t bytes = HISTORY_AROUND_BYTES;
    uint64_t last = since->offset;
    struct wr out;
    void *text;

    for (uint32_t i = 0; i < batch->count; i++)
        bytes += batch->frames[i]->len + 1;
    if (batch->count > 0)
        last = batch->frames[batch->count - 1]->offset;
    text = malloc(bytes);
    if (text == NULL) {
        session_close(r->peer, CLOSE_INTERNAL, "Out of memory");
        return;
    }
    out = wr_of(text, bytes);
    say_begin(&out, "history");
    json_out_member(&out, "channel", r->channel);
    put_place(&out, r, batch->place);
    if (since->is_given) {
        put_bool(&out, "recovered", is_found);
        put_bool(&out, "more", is_found && last < batch->place.offset);
    }
    put_messages(&out, batch);
    say_end(r->peer, &out, r->id);
    free(text);
}

void channels_history(struct request *r)
{
    struct worker *w = r->peer->worker;
    struct history *history = w->server->history;
    struct history_batch batch = {NULL, 0, {0, 0}};
    struct history_ask ask = {.bytes_max = HISTORY_ANSWER_BYTES, .now_ms = loop_now_ms(w->loop)};
    struct since since = {false, {NULL, 0}, 0};
    int64_t limit = HISTORY_LIMIT;
    int rc = E_MISSING;

    if (!request_need_channel(r) || !read_since(r, &since) ||
        !request_number(r, "limit", 1, HISTORY_LIMIT_MAX, &limit) ||
        !request_may(r, ACTION_HISTORY) || !moderation_lets(r, false))
        return;
    if (traits_of(r).history_messages == 0) {
        say_error(r->peer, r->id, "no_history", VIEW("This channel keeps no history"));
        return;
    }
    if (is_backed_up(r))
        return;
    batch.place = history_place(history, r->channel);
    ask.messages_max = (uint32_t)limit;
    ask.has_since = since.is_given;
    ask.since = (struct history_place){batch.place.life, since.offset};
    if (!since.is_given || is_epoch(r, since.epoch, batch.place.life))
        rc = history_get(history, r->channel, &ask, &batch);
    if (rc == OK || rc == E_MISSING)
        say_history(r, &since, rc == OK, &batch);
    else
        session_close(r->peer, CLOSE_INTERNAL, "Out of memory");
    history_batch_clear(&batch);
}
