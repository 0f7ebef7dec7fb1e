/* SPDX-License-Identifier: Apache-2.0 */
/* session_redis_do.c: what the API asks of sessions in Redis. A session of ours is a JSON text that
 * Redis forgets when it has been idle for too long, and a member of its user's sorted set, whose
 * score is the second of that: members that are over are swept whenever the user logs in. What
 * belongs together changes in one transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/session_redis_private.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/random.h"
#include "base/status.h"
#include "crypto/secret.h"

#define VALUE_BYTES  2048
#define USER_SLACK_S 60 /* a user's set outlives its last session by this */
#define TAIL_BYTES   43 /* of ours: 32 bytes in Base64url */
#define NUMBER_BYTES 24

struct deed {
    struct redis_ask ask;
    struct session_redis *owner;
    struct session_op *op;
    bool has_old; /* CREATE: a session that ends with it */
    struct session_tail tail, old;
    int64_t wall_s;
    int64_t idle_until_s, ends_at_s;
};
struct number {
    char text[NUMBER_BYTES];
};

static struct view number(struct number *space, int64_t value)
{
    int len = snprintf(space->text, sizeof(space->text), "%lld", (long long)value);

    return view_of(space->text, (size_t)len);
}

struct view session_redis_user_key(char space[SESSION_USER_KEY_BYTES], struct view user)
{
    int len = snprintf(space, SESSION_USER_KEY_BYTES, "gateward:user:" VIEW_FMT, VIEW_ARG(user));

    return view_of(space, (size_t)len);
}

static struct view tail_of(const struct session_tail *tail)
{
    return view_of(tail->text, tail->len);
}

static void finish(struct deed *d, int status)
{
    struct session_op *op = d->op;

    op->status = status;
    if (status != OK)
        secret_wipe(op->new_id, sizeof(op->new_id));
    secret_wipe(d, sizeof(*d));
    free(d);
    op->done(op);
}

/* Whatever keeps the store from answering is the same to who asks it. */
static int store_status(int status)
{
    return status == OK || status == E_CLOSED || status == E_NOMEM ? status : E_IO;
}

/* True: there is a reply of this type. Otherwise the deed is over. */
static bool is_answered(struct deed *d, const struct redis_value *reply, enum redis_type type)
{
    session_redis_note(d->owner, &d->ask, reply);
    if (d->ask.status == OK && reply->type == type)
        return true;
    finish(d, d->ask.status == OK ? E_IO : store_status(d->ask.status));
    return false;
}

/* The next question. What cannot be asked ends the deed. */
static void ask_next(struct deed *d,
                     void (*done)(struct redis_ask *ask, const struct redis_value *reply),
                     const struct redis_command *commands, uint32_t count)
{
    int rc;

    d->ask.done = done;
    rc = redis_ask(d->owner->redis, &d->ask, commands, count);
    if (rc != OK)
        finish(d, store_status(rc));
}

/* All replies of a transaction are there and none is an error. */
static bool is_all_good(const struct redis_value *list, uint32_t count)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i]->type == REDIS_ERROR)
            return false;
    return list->count == count;
}

/* --- CREATE --- */

/* Names with single blanks between them; each of the grammar of roles, which is that of users. */
static bool roles_ok(struct view roles)
{
    struct view name, rest = roles;
    bool has_more = roles.len > 0;

    if (roles.len > SESSION_ROLES_MAX)
        return false;
    while (has_more) {
        has_more = view_split(rest, ' ', &name, &rest);
        if (!identity_user_ok(name))
            return false;
    }
    return true;
}

static bool is_makeable(const struct session_op *op)
{
    return identity_user_ok(op->user) && roles_ok(op->roles) &&
           op->tenant.len <= IDENTITY_TENANT_MAX &&
           (op->tenant.len == 0 || identity_user_ok(op->tenant));
}

static bool draw_id(struct deed *d)
{
    struct session_op *op = d->op;
    uint8_t bytes[16];
    size_t len;

    random_bytes(bytes, sizeof(bytes));
    len = base64url_encode(op->new_id, bytes, sizeof(bytes));
    op->new_id[len] = '\0';
    secret_wipe(bytes, sizeof(bytes));
    return session_redis_tail(d->owner, &d->tail, view_of(op->new_id, len));
}

static void on_created(struct redis_ask *ask, const struct redis_value *reply)
{
    struct deed *d = LINK_ITEM(ask, struct deed, ask);
    struct session_op *op = d->op;

    if (!is_answered(d, reply, REDIS_LIST))
        return;
    if (!is_all_good(reply, d->has_old ? 4 : 3)) {
        finish(d, E_IO);
        return;
    }
    if (d->has_old)
        session_redis_ended(d->owner, tail_of(&d->old), SESSION_REPLACED);
    op->created_at_s = d->wall_s;
    op->idle_until_s = d->idle_until_s;
    op->ends_at_s = d->ends_at_s;
    finish(d, OK);
}

static struct view write_value(const struct deed *d, char *space)
{
    const struct session_op *op = d->op;
    struct wr w = wr_of(space, VALUE_BYTES);

    json_out_open(&w);
    json_out_member(&w, "user", op->user);
    json_out_member(&w, "roles", op->roles);
    json_out_member(&w, "tenant", op->tenant);
    json_out_member_u64(&w, "created", (uint64_t)d->wall_s);
    json_out_member_u64(&w, "ends", (uint64_t)d->ends_at_s);
    json_out_close(&w);
    return view_of(space, w.failed ? 0 : wr_len(&w));
}

static void create(struct deed *d)
{
    struct session_redis *s = d->owner;
    struct session_key space, old_space;
    struct number idle, until, keep;
    char user_space[SESSION_USER_KEY_BYTES], value[VALUE_BYTES];
    struct view user = session_redis_user_key(user_space, d->op->user);
    struct view set[5] = {VIEW("SET"), session_redis_key(s, &space, tail_of(&d->tail)),
                          write_value(d, value), VIEW("EX"),
                          number(&idle, d->idle_until_s - d->wall_s)};
    struct view add[4] = {VIEW("ZADD"), user, number(&until, d->idle_until_s), tail_of(&d->tail)};
    struct view expire[3] = {VIEW("EXPIRE"), user,
                             number(&keep, d->ends_at_s - d->wall_s + USER_SLACK_S)};
    struct view del[2] = {VIEW("DEL"), session_redis_key(s, &old_space, tail_of(&d->old))};
    struct redis_command all[4] = {{set, 5}, {add, 4}, {expire, 3}, {del, 2}};

    ask_next(d, on_created, all, d->has_old ? 4 : 3);
}

static void on_counted(struct redis_ask *ask, const struct redis_value *reply)
{
    struct deed *d = LINK_ITEM(ask, struct deed, ask);

    if (!is_answered(d, reply, REDIS_LIST))
        return;
    if (!is_all_good(reply, 2) || reply->items[1]->type != REDIS_NUMBER)
        finish(d, E_IO);
    else if (reply->items[1]->number >= SESSIONS_OF_USER_MAX)
        finish(d, E_FULL);
    else
        create(d);
}

/* First the user's sessions are swept and counted. */
static void begin_create(struct deed *d)
{
    struct session_redis *s = d->owner;
    char user_space[SESSION_USER_KEY_BYTES];
    struct number now;
    struct view user = session_redis_user_key(user_space, d->op->user);
    struct view sweep[4] = {VIEW("ZREMRANGEBYSCORE"), user, VIEW("-inf"), number(&now, d->wall_s)};
    struct view count[2] = {VIEW("ZCARD"), user};
    struct redis_command both[2] = {{sweep, 4}, {count, 2}};

    if (!draw_id(d)) {
        finish(d, E_IO);
        return;
    }
    d->has_old = d->op->replaces.len > 0 && session_redis_tail(s, &d->old, d->op->replaces);
    d->ends_at_s = d->wall_s + s->store.absolute_s;
    d->idle_until_s = d->wall_s + s->store.idle_s;
    if (d->idle_until_s > d->ends_at_s)
        d->idle_until_s = d->ends_at_s;
    ask_next(d, on_counted, both, 2);
}

/* --- GET and EXTEND --- */

/* Reads the session into the operation. False: the deed is over. */
static bool take_session(struct deed *d, const struct redis_value *reply)
{
    struct session_reading r;
    struct session_op *op = d->op;

    session_redis_read(d->owner, &d->ask, reply, &d->tail, &r);
    if (r.verdict != AUTH_OK) {
        int failed = d->ask.status == OK ? E_IO : store_status(d->ask.status);

        finish(d, r.verdict == AUTH_UNAVAILABLE ? failed : E_MISSING);
        return false;
    }
    op->who = r.facts.who;
    op->created_at_s = r.facts.created_at_s;
    op->ends_at_s = r.facts.who.expires_at_s;
    op->idle_until_s = r.idle_until_s != 0 ? r.idle_until_s : op->ends_at_s;
    return true;
}

static void on_got(struct redis_ask *ask, const struct redis_value *reply)
{
    struct deed *d = LINK_ITEM(ask, struct deed, ask);

    if (take_session(d, reply))
        finish(d, OK);
}

/* The two commands that make one of ours live on until then. */
struct prolonging {
    struct session_key key;
    char user[SESSION_USER_KEY_BYTES];
    struct number left, until;
    struct view expire[3], score[5];
    struct redis_command commands[2];
};

static void fill_prolonging(struct prolonging *p, const struct session_redis *s, struct view tail,
                            struct view user, int64_t until_s)
{
    p->expire[0] = VIEW("EXPIRE"); /* counted from now on: clocks may differ */
    p->expire[1] = session_redis_key(s, &p->key, tail);
    p->expire[2] = number(&p->left, until_s - clock_wall_s());
    p->score[0] = VIEW("ZADD");
    p->score[1] = session_redis_user_key(p->user, user);
    p->score[2] = VIEW("XX"); /* one that has been ended does not come back */
    p->score[3] = number(&p->until, until_s);
    p->score[4] = tail;
    p->commands[0] = (struct redis_command){p->expire, 3};
    p->commands[1] = (struct redis_command){p->score, 5};
}

static void on_extended(struct redis_ask *ask, const struct redis_value *reply)
{
    struct deed *d = LINK_ITEM(ask, struct deed, ask);

    if (!is_answered(d, reply, REDIS_LIST))
        return;
    if (!is_all_good(reply, 2) || reply->items[0]->type != REDIS_NUMBER) {
        finish(d, E_IO);
        return;
    }
    d->op->idle_until_s = d->idle_until_s;
    finish(d, reply->items[0]->number == 1 ? OK : E_MISSING);
}

static void on_read_to_extend(struct redis_ask *ask, const struct redis_value *reply)
{
    struct deed *d = LINK_ITEM(ask, struct deed, ask);
    struct prolonging p;

    if (!take_session(d, reply))
        return;
    d->idle_until_s = d->wall_s + d->owner->store.idle_s;
    if (d->idle_until_s > d->op->ends_at_s)
        d->idle_until_s = d->op->ends_at_s;
    fill_prolonging(&p, d->owner, tail_of(&d->tail), view_of_text(d->op->who.user),
                    d->idle_until_s);
    ask_next(d, on_extended, p.commands, 2);
}

static void ask_for_session(struct deed *d,
                            void (*done)(struct redis_ask *ask, const struct redis_value *reply))
{
    int rc;

    d->ask.done = done;
    rc = session_redis_ask_full(d->owner, &d->ask, tail_of(&d->tail));
    if (rc != OK)
        finish(d, store_status(rc));
}

static void on_prolonged(struct redis_ask *ask, const struct redis_value *reply)
{
    (void)reply; /* the next use says it again, and idling out is the safe side */
    free(ask);
}

void session_redis_prolong(struct session_redis *s, struct view tail, struct view user,
                           int64_t idle_until_s)
{
    struct redis_ask *ask = calloc(1, sizeof(*ask));
    struct prolonging p;

    if (ask == NULL)
        return;
    ask->done = on_prolonged;
    fill_prolonging(&p, s, tail, user, idle_until_s);
    if (redis_ask(s->redis, ask, p.commands, 2) != OK)
        free(ask);
}

/* --- END and END_USER --- */

static void on_deleted(struct redis_ask *ask, const struct redis_value *reply)
{
    struct deed *d = LINK_ITEM(ask, struct deed, ask);

    if (!is_answered(d, reply, REDIS_NUMBER))
        return;
    session_redis_ended(d->owner, tail_of(&d->tail), SESSION_LOGGED_OUT);
    finish(d, reply->number > 0 ? OK : E_MISSING);
}

static void delete_one(struct deed *d)
{
    struct session_key space;
    struct view del[2] = {VIEW("DEL"), session_redis_key(d->owner, &space, tail_of(&d->tail))};

    ask_next(d, on_deleted, &(struct redis_command){del, 2}, 1);
}

static void on_user_deleted(struct redis_ask *ask, const struct redis_value *reply)
{
    struct deed *d = LINK_ITEM(ask, struct deed, ask);

    if (!is_answered(d, reply, REDIS_LIST))
        return;
    if (!is_all_good(reply, 2) || reply->items[0]->type != REDIS_NUMBER) {
        finish(d, E_IO);
        return;
    }
    d->op->count = (uint64_t)reply->items[0]->number;
    finish(d, OK);
}

static bool is_tail(const struct redis_value *v)
{
    return v->type == REDIS_TEXT && v->text.len == TAIL_BYTES;
}

/* Deletes the sessions and takes them, and no newer ones, out of the set. */
static void delete_listed(struct deed *d, const struct redis_value *list)
{
    char user_space[SESSION_USER_KEY_BYTES];
    struct session_key *keys = calloc(list->count, sizeof(*keys));
    struct view *del = calloc(list->count + 1, sizeof(*del));
    struct view *rem = calloc(list->count + 2, sizeof(*rem));
    struct redis_command both[2] = {{del, 1}, {rem, 2}};

    if (keys == NULL || del == NULL || rem == NULL) {
        finish(d, E_NOMEM);
        goto done;
    }
    del[0] = VIEW("DEL");
    rem[0] = VIEW("ZREM");
    rem[1] = session_redis_user_key(user_space, d->op->user);
    for (uint32_t i = 0; i < list->count; i++) {
        if (!is_tail(list->items[i]))
            continue;
        del[both[0].count++] = session_redis_key(d->owner, &keys[i], list->items[i]->text);
        rem[both[1].count++] = list->items[i]->text;
    }
    if (both[0].count == 1)
        finish(d, E_IO); /* a set that holds nothing of ours */
    else
        ask_next(d, on_user_deleted, both, 2);
done:
    free(keys);
    free(del);
    free(rem);
}

static void on_listed(struct redis_ask *ask, const struct redis_value *reply)
{
    struct deed *d = LINK_ITEM(ask, struct deed, ask);
    struct session_redis *s = d->owner;

    if (!is_answered(d, reply, REDIS_LIST))
        return;
    if (reply->count == 0) {
        d->op->count = 0;
        finish(d, OK);
        return;
    }
    /* Connections close before Redis has confirmed: too early is the safe side. */
    for (uint32_t i = 0; i < reply->count; i++)
        if (is_tail(reply->items[i]))
            session_redis_ended(s, reply->items[i]->text, SESSION_LOGGED_OUT);
    delete_listed(d, reply);
}

static void list_user(struct deed *d)
{
    char user_space[SESSION_USER_KEY_BYTES];
    struct view range[4] = {VIEW("ZRANGE"), session_redis_user_key(user_space, d->op->user),
                            VIEW("0"), VIEW("-1")};

    ask_next(d, on_listed, &(struct redis_command){range, 4}, 1);
}

/* --- the door --- */

/* What can be said without the store. */
static int judge(struct deed *d)
{
    const struct session_op *op = d->op;
    bool is_ours = d->owner->decoder == SESSION_DECODER_GATEWARD;

    switch (op->verb) {
    case SESSION_CREATE:
        if (!is_ours)
            return E_UNSUPPORTED;
        return is_makeable(op) ? OK : E_INVALID;
    case SESSION_END_USER:
        if (!is_ours)
            return E_UNSUPPORTED;
        return identity_user_ok(op->user) ? OK : E_INVALID;
    case SESSION_EXTEND:
        if (!is_ours)
            return E_UNSUPPORTED;
        return session_redis_tail(d->owner, &d->tail, op->id) ? OK : E_MISSING;
    case SESSION_GET:
    case SESSION_END:
        return session_redis_tail(d->owner, &d->tail, op->id) ? OK : E_MISSING;
    }
    return E_INVALID;
}

void session_redis_operate(struct session_store *store, struct session_op *op)
{
    struct deed *d = calloc(1, sizeof(*d));
    int rc;

    if (d == NULL) {
        op->status = E_NOMEM;
        op->done(op);
        return;
    }
    d->owner = (struct session_redis *)(void *)store;
    d->op = op;
    d->wall_s = clock_wall_s();
    rc = judge(d);
    if (rc != OK)
        finish(d, rc);
    else if (op->verb == SESSION_CREATE)
        begin_create(d);
    else if (op->verb == SESSION_GET)
        ask_for_session(d, on_got);
    else if (op->verb == SESSION_EXTEND)
        ask_for_session(d, on_read_to_extend);
    else if (op->verb == SESSION_END)
        delete_one(d);
    else
        list_user(d);
}
