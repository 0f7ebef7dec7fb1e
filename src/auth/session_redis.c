/* SPDX-License-Identifier: Apache-2.0 */
/* session_redis.c: the engine: from an id to a key, from what Redis answers to an identity. A value
 * is read with GETRANGE, so that a session somebody has blown up costs one bounded reply and is
 * refused, alone. */
#include "auth/session_redis.h"

#include <stdlib.h>
#include <string.h>

#include "auth/session_redis_private.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "message/json_pointer.h"

#define TURN_MS 25

/* --- ids and keys --- */

static bool own_id_ok(struct view id)
{
    uint8_t bytes[SESSION_ID_TEXT_BYTES];

    return id.len == SESSION_ID_TEXT_BYTES - 1 && base64url_decode(bytes, id) == 16;
}

static bool id_ok(const struct session_redis *s, struct view id)
{
    if (s->decoder == SESSION_DECODER_GATEWARD)
        return own_id_ok(id);
    if (s->decoder == SESSION_DECODER_JSON)
        return session_foreign_id_ok(id);
    return id.len > 0 && id.len <= SESSION_ID_MAX; /* its signature said the rest */
}

bool session_redis_tail(const struct session_redis *s, struct session_tail *out, struct view id)
{
    uint8_t digest[32];

    if (!id_ok(s, id) || digest_sha256(digest, id.ptr, id.len) != OK)
        return false;
    memcpy(out->session, digest, sizeof(out->session));
    if (s->decoder == SESSION_DECODER_GATEWARD) {
        out->len = (uint16_t)base64url_encode(out->text, digest, sizeof(digest));
    } else {
        memcpy(out->text, id.ptr, id.len);
        out->len = (uint16_t)id.len;
    }
    return true;
}

struct view session_redis_key(const struct session_redis *s, struct session_key *space,
                              struct view tail)
{
    const struct view parts[3] = {view_of_text(s->key_before), tail, view_of_text(s->key_after)};

    space->len = 0;
    for (unsigned i = 0; i < 3; i++) {
        memcpy(space->text + space->len, parts[i].ptr, parts[i].len);
        space->len += parts[i].len;
    }
    return view_of(space->text, space->len);
}

static bool id_of_cookie(const struct session_store *store, struct view value,
                         char space[SESSION_ID_MAX], struct view *id)
{
    const struct session_redis *s = (const struct session_redis *)(const void *)store;

    if (s->decoder == SESSION_DECODER_EXPRESS)
        return session_express_id(s->secrets, value, space, id);
    if (!id_ok(s, value))
        return false;
    *id = value;
    return true;
}

/* --- reading --- */

int session_redis_ask_full(struct session_redis *s, struct redis_ask *ask, struct view tail)
{
    struct session_key space;
    struct view key = session_redis_key(s, &space, tail);
    struct view get[4] = {VIEW("GETRANGE"), key, VIEW("0"), VIEW("65536")};
    struct view ttl[2] = {VIEW("PTTL"), key};
    struct redis_command both[2] = {{get, 4}, {ttl, 2}};

    return redis_ask(s->redis, ask, both, 2);
}

void session_redis_note(struct session_redis *s, const struct redis_ask *ask,
                        const struct redis_value *reply)
{
    bool is_refused = ask->status == E_DENIED, is_news;
    char text[128] = "";

    if (ask->status != OK && ask->status != E_DENIED)
        return;
    (void)pthread_mutex_lock(&s->lock);
    is_news = s->is_refused != is_refused;
    s->is_refused = is_refused;
    (void)pthread_mutex_unlock(&s->lock);
    if (!is_news || s->store.tell == NULL)
        return;
    for (size_t i = 0; is_refused && i < reply->text.len && i < sizeof(text) - 1; i++)
        text[i] = reply->text.ptr[i] < ' ' || reply->text.ptr[i] > '~' ? '?' : reply->text.ptr[i];
    s->store.tell(s->store.context, !is_refused, text);
}

static void refuse(struct session_reading *out, enum auth_verdict verdict, const char *fault)
{
    out->verdict = verdict;
    out->fault = fault;
}

/* Who is logged in, and until when. express-session with connect-redis prolongs a session by the
 * time to live of its key alone and leaves `expires` in the value as it was: where the key has one,
 * it is the truth. Who writes `expires` elsewhere means it. */
static void complete(const struct session_redis *s, const struct session_tail *tail, int64_t wall_s,
                     struct session_reading *r)
{
    struct identity *who = &r->facts.who;
    int64_t last_s = wall_s + s->store.absolute_s;

    if (s->decoder == SESSION_DECODER_EXPRESS && r->idle_until_s != 0)
        r->facts.ends_at_s = 0;
    if (r->facts.ends_at_s != 0 && r->facts.ends_at_s <= wall_s) {
        refuse(r, AUTH_EXPIRED, "session_expired");
        return;
    }
    who->has_session = true;
    memcpy(who->session, tail->session, sizeof(who->session));
    /* Where nobody knows when the user logged in both stay 0: older than any revocation. */
    who->authenticated_at_s = who->issued_at_s = r->facts.created_at_s;
    who->expires_at_s =
        r->facts.ends_at_s != 0 && r->facts.ends_at_s < last_s ? r->facts.ends_at_s : last_s;
    r->verdict = AUTH_OK;
}

void session_redis_read(struct session_redis *s, const struct redis_ask *ask,
                        const struct redis_value *reply, const struct session_tail *tail,
                        struct session_reading *out)
{
    const struct redis_value *value, *ttl;
    int64_t wall_s = clock_wall_s();
    const char *fault;

    memset(out, 0, sizeof(*out));
    refuse(out, AUTH_UNAVAILABLE, "session_store_down");
    session_redis_note(s, ask, reply);
    if (ask->status != OK || reply->type != REDIS_LIST || reply->count != 2)
        return;
    value = reply->items[0];
    ttl = reply->items[1];
    if (ttl->type != REDIS_NUMBER || (value->type != REDIS_TEXT && value->type != REDIS_ERROR))
        return;
    if (value->type == REDIS_ERROR) {
        if (view_starts_with(value->text, VIEW("WRONGTYPE"))) /* a key, but of no text */
            refuse(out, AUTH_FAILED, "session_malformed");
        return;
    }
    if (ttl->number == -2 || value->text.len == 0) {
        refuse(out, AUTH_FAILED, "session_unknown");
        return;
    }
    fault = session_value_decode(&out->facts, &s->shape, s->store.roles, value->text, &s->arena);
    if (fault != NULL) {
        refuse(out, AUTH_FAILED, fault);
        return;
    }
    out->value_hash = siphash(s->hash_key, value->text.ptr, value->text.len);
    out->idle_until_s = ttl->number >= 0 ? wall_s + ttl->number / 1000 : 0;
    out->fault = NULL;
    complete(s, tail, wall_s, out);
}

/* --- lookups --- */

struct session_look {
    struct redis_ask ask;
    struct session_redis *owner;
    struct lookup *lookup;
    struct session_tail tail;
};

static void on_look(struct redis_ask *ask, const struct redis_value *reply)
{
    struct session_look *look = LINK_ITEM(ask, struct session_look, ask);
    struct lookup *l = look->lookup;
    struct session_reading reading;

    session_redis_read(look->owner, ask, reply, &look->tail, &reading);
    session_redis_seen(look->owner, &look->tail, &reading);
    l->verdict = reading.verdict;
    l->fault = reading.fault;
    if (reading.verdict == AUTH_OK)
        l->who = reading.facts.who;
    secret_wipe(&look->tail, sizeof(look->tail));
    free(look);
    l->done(l);
}

static int lookup(struct session_store *store, struct lookup *l, struct view id)
{
    struct session_redis *s = (struct session_redis *)(void *)store;
    struct session_look *look;
    struct session_tail tail;
    int rc;

    if (!session_redis_tail(s, &tail, id)) {
        l->verdict = AUTH_FAILED;
        l->fault = "session_malformed";
        l->done(l);
        return OK;
    }
    look = calloc(1, sizeof(*look));
    if (look == NULL)
        return E_NOMEM;
    look->ask.done = on_look;
    look->owner = s;
    look->lookup = l;
    look->tail = tail;
    rc = session_redis_ask_full(s, &look->ask, view_of(tail.text, tail.len));
    if (rc == OK)
        return OK;
    free(look);
    if (rc != E_IO)
        return rc;
    l->verdict = AUTH_UNAVAILABLE;
    l->fault = "session_store_down";
    l->done(l);
    return OK;
}

static enum auth_verdict check(struct session_store *store, struct view id, int64_t wall_s,
                               struct identity *who, const char **fault)
{
    struct session_redis *s = (struct session_redis *)(void *)store;
    struct session_tail tail;
    const char *unused;

    if (fault == NULL)
        fault = &unused;
    if (!session_redis_tail(s, &tail, id)) {
        *fault = "session_malformed";
        return AUTH_FAILED;
    }
    if (!redis_is_up(s->redis)) {
        *fault = "session_store_down";
        return AUTH_UNAVAILABLE;
    }
    return session_redis_recall(s, &tail, wall_s, who) ? AUTH_OK : AUTH_LATER;
}

/* --- life --- */

static void on_tell(void *context, bool is_up, const char *why)
{
    struct session_redis *s = context;

    if (s->store.tell != NULL)
        s->store.tell(s->store.context, is_up, why);
}

static int start(struct session_store *store, struct error *why)
{
    struct session_redis *s = (struct session_redis *)(void *)store;
    int rc = redis_start(s->redis);

    if (rc != OK)
        error_set(why, "the thread of the session store cannot be started");
    return rc;
}

static void free_store(struct session_store *store)
{
    struct session_redis *s = (struct session_redis *)(void *)store;

    if (s->redis != NULL)
        redis_stop(s->redis);
    redis_free(s->redis);
    session_redis_clear_watches(s);
    for (unsigned i = 0; i < SESSION_SECRETS_MAX; i++)
        hmac_key_free(s->secrets[i]);
    for (unsigned i = 0; i < sizeof(s->pointers) / sizeof(s->pointers[0]); i++)
        free(s->pointers[i]);
    free(s->key_before);
    free(s->key_after);
    arena_clear(&s->arena);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

static const char *keep(struct session_redis *s, unsigned place, const char *text, int *rc)
{
    if (text == NULL)
        return NULL;
    s->pointers[place] = strdup(text);
    if (s->pointers[place] == NULL)
        *rc = E_NOMEM;
    return s->pointers[place];
}

static const char *or_usual(const char *text, const char *usual)
{
    return text != NULL ? text : usual;
}

static int fill_shape(struct session_redis *s, const struct session_redis_options *o)
{
    struct session_shape *shape = &s->shape;
    bool is_express = o->decoder == SESSION_DECODER_EXPRESS;
    int rc = OK;

    if (o->decoder == SESSION_DECODER_GATEWARD) {
        *shape = (struct session_shape){{"/user", NULL}, "/roles", "/tenant", "/ends", "/created"};
        return OK;
    }
    shape->user[0] = keep(s, 0, or_usual(o->user, "/user"), &rc);
    if (o->user == NULL)
        shape->user[1] = "/passport/user";
    shape->roles = keep(s, 1, or_usual(o->roles_pointer, "/roles"), &rc);
    shape->tenant = keep(s, 2, o->tenant, &rc);
    shape->expires = keep(s, 3, or_usual(o->expires, is_express ? "/cookie/expires" : NULL), &rc);
    shape->created = keep(s, 4, o->created, &rc);
    return rc;
}

bool session_key_ok(struct view key)
{
    unsigned places = 0;

    if (key.len > SESSION_KEY_MAX)
        return false;
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] <= ' ' || key.ptr[i] > '~')
            return false;
        places += view_starts_with(view_of(key.ptr + i, key.len - i), VIEW("{id}"));
    }
    return places == 1;
}

static int fill_key(struct session_redis *s, const struct session_redis_options *o,
                    struct error *why)
{
    const char *key = o->decoder == SESSION_DECODER_GATEWARD ? "gateward:session:{id}"
                                                             : or_usual(o->key, "sess:{id}");
    const char *place = strstr(key, "{id}");

    if (!session_key_ok(view_of_text(key))) {
        error_set(why, "a key is printable and has {id} in it, once");
        return E_INVALID;
    }
    s->key_before = strndup(key, (size_t)(place - key));
    s->key_after = strdup(place + 4);
    return s->key_before != NULL && s->key_after != NULL ? OK : E_NOMEM;
}

static int fill(struct session_redis *s, const struct session_redis_options *o, struct error *why)
{
    struct redis_options redis = o->redis;
    int rc = fill_shape(s, o);

    if (rc == OK)
        rc = fill_key(s, o, why);
    for (unsigned i = 0; rc == OK && i < SESSION_SECRETS_MAX; i++)
        if (o->secrets[i].len > 0)
            rc = session_express_key(&s->secrets[i], o->secrets[i]);
    if (rc != OK)
        return rc;
    if (o->decoder == SESSION_DECODER_EXPRESS && s->secrets[0] == NULL) {
        error_set(why, "the secret that cookies are signed with is missing");
        return E_INVALID;
    }
    redis.turn_ms = TURN_MS;
    redis.turn = session_redis_turn;
    redis.tell = on_tell;
    redis.context = s;
    return redis_new(&s->redis, &redis, why);
}

int session_redis_new(struct session_store **out, const struct session_redis_options *options,
                      struct error *why)
{
    static const struct session_store_ops ops = {
        .start = start,
        .free = free_store,
        .id_of_cookie = id_of_cookie,
        .check = check,
        .lookup = lookup,
        .operate = session_redis_operate,
        .watch = session_redis_watch,
        .touch = session_redis_touch,
        .unwatch = session_redis_unwatch,
    };
    struct session_redis *s = calloc(1, sizeof(*s));
    int rc;

    if (s == NULL)
        return E_NOMEM;
    s->store.ops = &ops;
    s->store.roles = options->roles;
    s->store.idle_s = options->idle_s;
    s->store.absolute_s = options->absolute_s;
    s->decoder = options->decoder;
    s->stale_ms = (uint64_t)options->stale_s * 1000;
    random_bytes(s->hash_key, sizeof(s->hash_key));
    (void)pthread_mutex_init(&s->lock, NULL);
    map_init(&s->watches, SESSIONS_MAX);
    link_init(&s->ring);
    arena_init(&s->arena, 16384, SESSION_ARENA_BYTES);
    rc = fill(s, options, why);
    if (rc != OK) {
        free_store(&s->store);
        return rc;
    }
    *out = &s->store;
    return OK;
}
