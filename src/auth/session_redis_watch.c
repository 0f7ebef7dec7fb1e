/* SPDX-License-Identifier: Apache-2.0 */
/* session_redis_watch.c: sessions that connections live by. Each is read again about every 400 ms,
 * the value alone and only its hash compared; what has changed is read in full. They stand in a
 * ring in the order of their next reading, and a turn asks for a part of them, so that ten thousand
 * are never asked for at once. A lookup leaves what it has read here for a few seconds: who then
 * watches hears of every change since. */
#include <stdlib.h>
#include <string.h>

#include "auth/session_redis_private.h"
#include "base/clock.h"
#include "base/status.h"
#include "crypto/secret.h"

#define PERIOD_MS     400 /* so that the last push leaves well within a second of a logout */
#define RECALL_MS     1000
#define LINGER_MS     5000
#define LINGERING_MAX 16384
#define BATCH_MIN     64
#define TOUCH_S       60

static struct view tail_of(const struct session_watch *w)
{
    return view_of(w->tail.text, w->tail.len);
}

/* --- under the lock --- */

/* Everyone stands in the ring but those who are being asked about. */
static void leave_ring(struct session_watch *w)
{
    link_remove(&w->link);
}

static void enter_ring(struct session_watch *w, uint64_t next_ms)
{
    leave_ring(w);
    w->next_ms = next_ms;
    link_append(&w->owner->ring, &w->link);
}

/* The next one to be read, unless it is being read now. */
static void hurry(struct session_watch *w)
{
    if (w->is_asked)
        return;
    leave_ring(w);
    w->next_ms = 0;
    link_append(w->owner->ring.next, &w->link); /* before the first */
}

static bool is_free(const struct session_watch *w)
{
    return w->watchers == 0 && w->linger_ms == 0 && !w->is_asked;
}

static void free_watch(struct session_watch *w)
{
    (void)map_remove(&w->owner->watches, tail_of(w));
    leave_ring(w);
    secret_wipe(w, sizeof(*w));
    free(w);
}

static void on_answer(struct redis_ask *ask, const struct redis_value *reply);

static struct session_watch *add_watch(struct session_redis *s, const struct session_tail *tail)
{
    struct session_watch *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return NULL;
    w->owner = s;
    w->ask.done = on_answer;
    w->tail = *tail;
    w->seen_ms = clock_mono_ms();
    link_init(&w->link);
    if (map_put(&s->watches, tail_of(w), w) == OK) {
        enter_ring(w, w->seen_ms + PERIOD_MS);
        return w;
    }
    secret_wipe(w, sizeof(*w));
    free(w);
    return NULL;
}

static void linger(struct session_watch *w)
{
    struct session_redis *s = w->owner;

    if (w->linger_ms == 0 && s->lingering >= LINGERING_MAX)
        return;
    s->lingering += w->linger_ms == 0;
    w->linger_ms = clock_mono_ms() + LINGER_MS;
}

/* The session is over. True: those who watch it must be told, once the lock is free. */
static bool end_watch(struct session_watch *w)
{
    bool is_news = w->watchers > 0 && (!w->is_ended || w->must_tell);

    w->is_ended = true;
    w->must_tell = false;
    return is_news;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
    return strcmp(a->user, b->user) == 0 && strcmp(a->tenant, b->tenant) == 0 &&
           a->roles == b->roles;
}

static void learn(struct session_watch *w, const struct session_reading *r, uint64_t seen_ms)
{
    w->is_known = true;
    w->is_ended = w->must_tell = false;
    w->who = r->facts.who;
    w->value_hash = r->value_hash;
    w->ends_at_s = r->facts.ends_at_s;
    w->seen_ms = seen_ms;
}

/* Why a session is gone can be told, of ours, from what was known of it. */
static enum session_end why_gone(const struct session_watch *w)
{
    const struct session_redis *s = w->owner;
    int64_t wall_s = clock_wall_s();

    if (w->ends_at_s != 0 && w->ends_at_s <= wall_s)
        return SESSION_TOO_OLD;
    if (s->decoder == SESSION_DECODER_GATEWARD && w->touched_at_s != 0 &&
        w->touched_at_s + s->store.idle_s <= wall_s)
        return SESSION_IDLE;
    return SESSION_LOGGED_OUT;
}

static bool is_over(const struct session_watch *w, int64_t wall_s)
{
    return w->ends_at_s != 0 && w->ends_at_s <= wall_s;
}

/* --- news --- */

struct news { /* to be told when the lock is free */
    bool is_there;
    enum session_end why;
    uint8_t session[IDENTITY_SESSION_BYTES];
};

static void tell(struct session_redis *s, const struct news *news)
{
    if (news->is_there && s->store.ended != NULL)
        s->store.ended(s->store.context, news->session, news->why);
}

static void set_news(struct news *news, struct session_watch *w, enum session_end why)
{
    news->why = why;
    memcpy(news->session, w->tail.session, sizeof(news->session));
    news->is_there = end_watch(w);
}

/* --- readings --- */

/* The whole session was read. */
static void take_reading(struct session_watch *w, const struct session_reading *r,
                         struct news *news)
{
    if (r->verdict == AUTH_UNAVAILABLE || w->is_ended)
        return;
    if (r->verdict != AUTH_OK)
        set_news(news, w, why_gone(w));
    else if (w->is_known && !is_same(&w->who, &r->facts.who))
        set_news(news, w, SESSION_LOGGED_OUT);
    else
        learn(w, r, w->asked_ms);
}

static int ask_about(struct session_watch *w, bool is_full)
{
    struct session_redis *s = w->owner;
    struct session_key space;
    struct view get[4] = {VIEW("GETRANGE"), session_redis_key(s, &space, tail_of(w)), VIEW("0"),
                          VIEW("65536")};
    int rc;

    w->is_full = is_full;
    w->asked_ms = clock_mono_ms();
    rc = is_full ? session_redis_ask_full(s, &w->ask, tail_of(w))
                 : redis_ask(s->redis, &w->ask, &(struct redis_command){get, 4}, 1);
    w->is_asked = rc == OK;
    return rc;
}

static bool is_wrong_type(const struct redis_ask *ask, const struct redis_value *reply)
{
    return ask->status == E_DENIED && view_starts_with(reply->text, VIEW("WRONGTYPE"));
}

/* The text was read. True: it has changed and is to be read in full. */
static bool take_text(struct session_watch *w, const struct redis_ask *ask,
                      const struct redis_value *reply, struct news *news)
{
    if (w->is_ended)
        return false;
    if (is_wrong_type(ask, reply))
        return true;
    if (ask->status != OK || reply->type != REDIS_TEXT)
        return false;
    if (reply->text.len == 0 || is_over(w, clock_wall_s())) {
        set_news(news, w, why_gone(w));
        return false;
    }
    if (siphash(w->owner->hash_key, reply->text.ptr, reply->text.len) != w->value_hash)
        return true;
    w->seen_ms = w->asked_ms;
    return false;
}

static void on_answer(struct redis_ask *ask, const struct redis_value *reply)
{
    struct session_watch *w = LINK_ITEM(ask, struct session_watch, ask);
    struct session_redis *s = w->owner;
    struct session_reading reading;
    struct news news = {.is_there = false};

    /* No lock is needed to look at it: while it is being asked about nobody else frees it or
     * changes is_full and tail. */
    if (w->is_full)
        session_redis_read(s, ask, reply, &w->tail, &reading);
    else if (!is_wrong_type(ask, reply))
        session_redis_note(s, ask, reply);
    (void)pthread_mutex_lock(&s->lock);
    w->is_asked = false;
    if (w->is_full)
        take_reading(w, &reading, &news);
    else if (take_text(w, ask, reply, &news))
        (void)ask_about(w, true);
    if (is_free(w))
        free_watch(w);
    else if (!w->is_asked && w->must_tell)
        hurry(w);
    else if (!w->is_asked)
        enter_ring(w, clock_mono_ms() + PERIOD_MS);
    (void)pthread_mutex_unlock(&s->lock);
    tell(s, &news);
}

/* --- turns --- */

/* One that is due, out of the ring and back, or asked about, or freed. */
static void serve(struct session_watch *w, uint64_t now_ms, struct news *news)
{
    struct session_redis *s = w->owner;

    if (w->linger_ms != 0 && w->linger_ms <= now_ms) {
        w->linger_ms = 0;
        s->lingering--;
    }
    if (is_free(w)) {
        free_watch(w);
        return;
    }
    enter_ring(w, now_ms + PERIOD_MS);
    if (w->must_tell)
        set_news(news, w, why_gone(w));
    else if (!w->is_ended && now_ms > w->seen_ms + s->stale_ms)
        set_news(news, w, SESSION_LOST);
    else if (!w->is_ended && ask_about(w, !w->is_known) == OK)
        leave_ring(w);
}

/* False: none is due. */
static bool serve_next(struct session_redis *s, uint64_t now_ms)
{
    struct news news = {.is_there = false};
    struct session_watch *w = NULL;

    (void)pthread_mutex_lock(&s->lock);
    if (!link_is_alone(&s->ring)) {
        w = LINK_ITEM(s->ring.next, struct session_watch, link);
        if (w->next_ms <= now_ms)
            serve(w, now_ms, &news);
        else
            w = NULL;
    }
    (void)pthread_mutex_unlock(&s->lock);
    tell(s, &news);
    return w != NULL;
}

void session_redis_turn(void *context, uint64_t now_ms)
{
    struct session_redis *s = context;
    size_t batch;

    (void)pthread_mutex_lock(&s->lock);
    batch = BATCH_MIN + s->watches.count / 8;
    (void)pthread_mutex_unlock(&s->lock);
    while (batch > 0 && serve_next(s, now_ms))
        batch--;
}

/* --- what others have found out --- */

/* Is it time to say to Redis that it is used? True at most once a minute, and often enough for a
 * short idle time. */
static bool is_touch_due(struct session_watch *w, int64_t wall_s)
{
    const struct session_redis *s = w->owner;
    int64_t every_s = s->store.idle_s / 4 < TOUCH_S ? s->store.idle_s / 4 : TOUCH_S;

    if (s->decoder != SESSION_DECODER_GATEWARD || !w->is_known || w->is_ended ||
        (w->touched_at_s != 0 && wall_s - w->touched_at_s < every_s && wall_s >= w->touched_at_s))
        return false; /* a clock that was set back does not keep it from being touched */
    w->touched_at_s = wall_s;
    return true;
}

/* Takes the lock's place: releases it. */
static void touch_and_unlock(struct session_redis *s, struct session_watch *w, int64_t wall_s)
{
    struct session_tail tail;
    struct identity who;
    int64_t until_s;

    if (w == NULL || !is_touch_due(w, wall_s)) {
        (void)pthread_mutex_unlock(&s->lock);
        return;
    }
    tail = w->tail;
    who = w->who;
    until_s = wall_s + s->store.idle_s;
    if (w->ends_at_s != 0 && w->ends_at_s < until_s)
        until_s = w->ends_at_s;
    (void)pthread_mutex_unlock(&s->lock);
    session_redis_prolong(s, view_of(tail.text, tail.len), view_of_text(who.user), until_s);
}

void session_redis_seen(struct session_redis *s, const struct session_tail *tail,
                        const struct session_reading *reading)
{
    struct news news = {.is_there = false};
    struct session_watch *w;

    (void)pthread_mutex_lock(&s->lock);
    w = map_find(&s->watches, view_of(tail->text, tail->len));
    if (reading->verdict == AUTH_OK) {
        if (w == NULL && s->lingering < LINGERING_MAX)
            w = add_watch(s, tail);
        /* Who watches it as it was is told before anyone hears of it as it is. */
        if (w != NULL && (w->must_tell ||
                          (w->is_known && !w->is_ended && !is_same(&w->who, &reading->facts.who))))
            set_news(&news, w, SESSION_LOGGED_OUT);
        if (w != NULL) {
            learn(w, reading, clock_mono_ms());
            linger(w);
        }
    } else if (w != NULL) {
        take_reading(w, reading, &news);
    }
    touch_and_unlock(s, w, clock_wall_s());
    tell(s, &news);
}

void session_redis_ended(struct session_redis *s, struct view tail, enum session_end why)
{
    struct news news = {.is_there = false};
    struct session_watch *w;

    (void)pthread_mutex_lock(&s->lock);
    w = map_find(&s->watches, tail);
    if (w != NULL)
        set_news(&news, w, why);
    (void)pthread_mutex_unlock(&s->lock);
    tell(s, &news);
}

bool session_redis_recall(struct session_redis *s, const struct session_tail *tail, int64_t wall_s,
                          struct identity *who)
{
    struct session_watch *w;
    int64_t last_s = wall_s + s->store.absolute_s;
    bool is_fresh;

    (void)pthread_mutex_lock(&s->lock);
    w = map_find(&s->watches, view_of(tail->text, tail->len));
    is_fresh = w != NULL && w->is_known && !w->is_ended && !is_over(w, wall_s) &&
               clock_mono_ms() <= w->seen_ms + RECALL_MS;
    if (is_fresh) {
        *who = w->who;
        who->expires_at_s = w->ends_at_s != 0 && w->ends_at_s < last_s ? w->ends_at_s : last_s;
        linger(w);
    }
    touch_and_unlock(s, is_fresh ? w : NULL, wall_s);
    return is_fresh;
}

/* --- the interface --- */

struct session_watch *session_redis_watch(struct session_store *store, struct view id)
{
    struct session_redis *s = (struct session_redis *)(void *)store;
    struct session_tail tail;
    struct session_watch *w;

    if (!session_redis_tail(s, &tail, id))
        return NULL;
    (void)pthread_mutex_lock(&s->lock);
    w = map_find(&s->watches, view_of(tail.text, tail.len));
    if (w == NULL)
        w = add_watch(s, &tail);
    if (w != NULL) {
        w->watchers++;
        w->must_tell = w->must_tell || w->is_ended;
        if (!w->is_known || w->must_tell)
            hurry(w);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return w;
}

void session_redis_touch(struct session_store *store, struct session_watch *watch, int64_t wall_s)
{
    struct session_redis *s = (struct session_redis *)(void *)store;

    (void)pthread_mutex_lock(&s->lock);
    touch_and_unlock(s, watch, wall_s);
}

void session_redis_unwatch(struct session_store *store, struct session_watch *watch)
{
    struct session_redis *s = (struct session_redis *)(void *)store;

    if (watch == NULL)
        return;
    (void)pthread_mutex_lock(&s->lock);
    watch->watchers--;
    if (is_free(watch))
        free_watch(watch);
    (void)pthread_mutex_unlock(&s->lock);
}

void session_redis_clear_watches(struct session_redis *s)
{
    while (!link_is_alone(&s->ring))
        free_watch(LINK_ITEM(s->ring.next, struct session_watch, link));
    map_clear(&s->watches);
}
