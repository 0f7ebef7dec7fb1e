/* SPDX-License-Identifier: Apache-2.0 */
/* asker.c: one ask per question, with everyone who waits for it. Workers put asks into a row and
 * post one job for all of them; the outbound thread takes as many from the row as may be under way.
 * An ask's deadline begins when it is made, so waiting in the row is no way past it: what is under
 * way was asked earlier and ends earlier. No callback is called under the lock. */
#include "auth/asker.h"

#include <pthread.h>
#include <stdlib.h>

#include "auth/breaker.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/status.h"
#include "crypto/secret.h"

struct waiter {
    struct link link;
    struct lookup *lookup;
};
struct ask {
    struct link link; /* in the row; alone once it was taken */
    struct link waiters;
    struct asker *asker;
    uint8_t key[ANSWER_KEY_BYTES];
    char *shown;
    size_t shown_bytes;
    uint64_t ends_at_ms;
    bool is_probe;
};
struct asker {
    const struct asker_ops *ops;
    void *context;
    uint32_t cache_s, deadline_ms;
    struct answer_cache *cache;
    struct outbound *outbound;
    void (*tell)(void *context, bool is_up, const char *why);
    void *tell_context;
    struct outbound_job job;
    pthread_mutex_t lock; /* for everything below */
    struct map asks;
    struct link row;
    unsigned under_way, waiters;
    bool is_posted; /* the job */
    struct breaker breaker;
};

int asker_new(struct asker **out, const struct asker_options *options)
{
    struct asker *a = calloc(1, sizeof(*a));

    if (a == NULL || answer_cache_new(&a->cache, ANSWER_CACHE_ENTRIES) != OK) {
        free(a);
        return E_NOMEM;
    }
    a->ops = options->ops;
    a->context = options->context;
    a->cache_s = options->cache_s;
    a->deadline_ms = options->deadline_ms;
    (void)pthread_mutex_init(&a->lock, NULL);
    map_init(&a->asks, ASKER_ASKS_MAX);
    link_init(&a->row);
    *out = a;
    return OK;
}

void asker_free(struct asker *a)
{
    if (a == NULL)
        return;
    map_clear(&a->asks);
    answer_cache_free(a->cache);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}

/* --- what an answer means to whoever asked --- */

/* The answer's verdict as of now: a yes may have run out, or not be enough. */
static enum auth_verdict verdict_of(const struct asker *a, const struct auth_answer *answer,
                                    int64_t wall_s, const char **fault)
{
    *fault = answer->fault;
    if (answer->verdict != AUTH_OK)
        return answer->verdict;
    if (wall_s >= answer->who.expires_at_s) {
        *fault = "token_expired";
        return AUTH_EXPIRED;
    }
    return a->ops->use == NULL ? AUTH_OK : a->ops->use(a->context, &answer->who, fault);
}

static void finish_lookup(const struct asker *a, struct lookup *l, const struct auth_answer *answer)
{
    l->verdict = verdict_of(a, answer, clock_wall_s(), &l->fault);
    if (l->verdict == AUTH_OK)
        l->who = answer->who;
    l->done(l);
}

static void finish_waiters(struct ask *ask, const struct auth_answer *answer)
{
    while (!link_is_alone(&ask->waiters)) {
        struct waiter *w = LINK_ITEM(ask->waiters.next, struct waiter, link);
        struct lookup *l = w->lookup;

        link_remove(&w->link);
        free(w);
        finish_lookup(ask->asker, l, answer);
    }
}

static void ask_free(struct ask *ask)
{
    if (ask->shown != NULL)
        secret_wipe(ask->shown, ask->shown_bytes);
    free(ask->shown);
    free(ask);
}

static const struct auth_answer unavailable_now = {.verdict = AUTH_UNAVAILABLE,
                                                   .fault = "asked_party_down"};

/* --- the row --- */

/* Under the lock: nobody can join it from now on. */
static void leave(struct asker *a, struct ask *ask)
{
    link_remove(&ask->link);
    (void)map_remove(&a->asks, view_of(ask->key, ANSWER_KEY_BYTES));
    for (struct link *l = ask->waiters.next; l != &ask->waiters; l = l->next)
        a->waiters--;
}

/* Ends an ask without an answer, for a reason that says nothing of the one who is asked. */
static void give_up(struct ask *ask, const char *fault)
{
    struct auth_answer answer = {.verdict = AUTH_UNAVAILABLE, .fault = fault};
    struct asker *a = ask->asker;

    (void)pthread_mutex_lock(&a->lock);
    if (ask->is_probe)
        breaker_give_back(&a->breaker);
    a->under_way--;
    leave(a, ask);
    (void)pthread_mutex_unlock(&a->lock);
    finish_waiters(ask, &answer);
    ask_free(ask);
}

/* Everyone in the row is told at once when the breaker opens. */
static void clear_row(struct asker *a)
{
    struct link closed;

    link_init(&closed);
    (void)pthread_mutex_lock(&a->lock);
    while (!link_is_alone(&a->row)) {
        struct ask *ask = LINK_ITEM(a->row.next, struct ask, link);

        leave(a, ask);
        link_append(&closed, &ask->link);
    }
    (void)pthread_mutex_unlock(&a->lock);
    while (!link_is_alone(&closed)) {
        struct ask *ask = LINK_ITEM(closed.next, struct ask, link);

        link_remove(&ask->link);
        finish_waiters(ask, &unavailable_now);
        ask_free(ask);
    }
}

static struct ask *take_ask(struct asker *a)
{
    struct ask *ask = NULL;

    (void)pthread_mutex_lock(&a->lock);
    if (a->under_way < ASKER_UNDER_WAY_MAX && !link_is_alone(&a->row)) {
        ask = LINK_ITEM(a->row.next, struct ask, link);
        link_remove(&ask->link);
        a->under_way++;
    }
    (void)pthread_mutex_unlock(&a->lock);
    return ask;
}

static void pump(struct asker *a);

/* What is kept of an answer, and how long. */
static void keep(struct asker *a, const struct ask *ask, const struct auth_answer *answer)
{
    struct answer_life life = {.now_ms = clock_mono_ms()};
    int64_t left_s = answer->who.expires_at_s - clock_wall_s();
    uint64_t kept_s = a->cache_s;

    if (answer->verdict != AUTH_OK) {
        life.until_ms = life.now_ms + ASKER_REFUSED_MS;
    } else {
        if (left_s < (int64_t)kept_s)
            kept_s = left_s > 0 ? (uint64_t)left_s : 0;
        life.until_ms = life.now_ms + kept_s * 1000;
    }
    answer_cache_put(a->cache, ask->key, answer, life);
}

static void on_answer(void *context, const struct fetch_answer *from)
{
    struct ask *ask = context;
    struct asker *a = ask->asker;
    struct auth_answer answer = {.verdict = AUTH_UNAVAILABLE, .fault = "asked_party_down"};
    bool is_answer, has_changed;

    if (from->status == E_CLOSED || from->status == E_FULL || from->status == E_NOMEM) {
        give_up(ask, "out_of_capacity"); /* ours */
        pump(a);
        return;
    }
    is_answer = a->ops->judge(a->context, from, view_of(ask->shown, ask->shown_bytes), &answer);
    if (is_answer)
        keep(a, ask, &answer);
    else
        answer = unavailable_now;
    (void)pthread_mutex_lock(&a->lock);
    has_changed = is_answer ? breaker_good(&a->breaker)
                            : breaker_bad(&a->breaker, clock_mono_ms(), ask->is_probe);
    a->under_way--;
    leave(a, ask);
    (void)pthread_mutex_unlock(&a->lock);
    if (has_changed && a->tell != NULL)
        a->tell(a->tell_context, is_answer,
                !is_answer && from->status == OK ? "malformed" : from->code);
    finish_waiters(ask, &answer);
    ask_free(ask);
    if (has_changed && !is_answer)
        clear_row(a);
    pump(a);
}

static void send_ask(struct asker *a, struct ask *ask)
{
    struct asker_errand errand = {.outbound = a->outbound,
                                  .shown = view_of(ask->shown, ask->shown_bytes),
                                  .done = on_answer,
                                  .ask = ask};
    uint64_t now_ms = clock_mono_ms();

    if (now_ms >= ask->ends_at_ms) {
        give_up(ask, "out_of_capacity");
        return;
    }
    errand.deadline_ms = (uint32_t)(ask->ends_at_ms - now_ms);
    if (a->ops->send(a->context, &errand) != OK)
        give_up(ask, "out_of_capacity");
}

static void pump(struct asker *a)
{
    struct ask *ask;

    while ((ask = take_ask(a)) != NULL)
        send_ask(a, ask);
}

static void on_job(struct outbound_job *job, int status)
{
    struct asker *a = LINK_ITEM(job, struct asker, job);

    (void)status; /* when the thread ends, sending says so */
    (void)pthread_mutex_lock(&a->lock);
    a->is_posted = false;
    (void)pthread_mutex_unlock(&a->lock);
    pump(a);
}

void asker_start(struct asker *a, struct outbound *o,
                 void (*tell)(void *context, bool is_up, const char *why), void *context)
{
    a->outbound = o;
    a->tell = tell;
    a->tell_context = context;
    a->job.run = on_job;
}

/* --- the askers --- */

enum auth_verdict asker_check(struct asker *a, const uint8_t key[ANSWER_KEY_BYTES], int64_t wall_s,
                              struct identity *who, const char **fault)
{
    struct auth_answer answer;
    uint64_t now_ms = clock_mono_ms();
    enum auth_verdict verdict;
    bool is_refused;

    if (answer_cache_find(a->cache, key, now_ms, &answer)) {
        verdict = verdict_of(a, &answer, wall_s, fault);
        if (verdict == AUTH_OK)
            *who = answer.who;
        return verdict;
    }
    (void)pthread_mutex_lock(&a->lock);
    is_refused = breaker_refuses(&a->breaker, now_ms);
    (void)pthread_mutex_unlock(&a->lock);
    *fault = is_refused ? unavailable_now.fault : "not_known_yet";
    return is_refused ? AUTH_UNAVAILABLE : AUTH_LATER;
}

static struct ask *ask_new(struct asker *a, const struct asker_question *question)
{
    struct ask *ask = calloc(1, sizeof(*ask));

    if (ask == NULL)
        return NULL;
    ask->shown = view_dup(question->shown);
    if (ask->shown == NULL) {
        free(ask);
        return NULL;
    }
    ask->shown_bytes = question->shown.len;
    link_init(&ask->link);
    link_init(&ask->waiters);
    ask->asker = a;
    memcpy(ask->key, question->key, ANSWER_KEY_BYTES);
    ask->ends_at_ms = clock_mono_ms() + a->deadline_ms;
    return ask;
}

/* Under the lock: puts a new ask into the row. */
static int begin(struct asker *a, const struct asker_question *question, struct ask **out)
{
    struct ask *ask;
    int rc;

    if (a->asks.count >= ASKER_ASKS_MAX)
        return E_FULL;
    ask = ask_new(a, question);
    if (ask == NULL)
        return E_NOMEM;
    rc = map_put(&a->asks, view_of(ask->key, ANSWER_KEY_BYTES), ask);
    if (rc == OK && !a->is_posted) {
        rc = outbound_post(a->outbound, &a->job);
        if (rc != OK)
            (void)map_remove(&a->asks, view_of(ask->key, ANSWER_KEY_BYTES));
    }
    if (rc != OK) {
        ask_free(ask);
        return rc;
    }
    a->is_posted = true;
    link_append(&a->row, &ask->link);
    *out = ask;
    return OK;
}

/* Under the lock: joins the ask of the question, or begins one. E_DENIED: nobody is to be asked. */
static int join(struct asker *a, const struct asker_question *question, struct waiter *w)
{
    struct ask *ask = map_find(&a->asks, view_of(question->key, ANSWER_KEY_BYTES));
    bool is_probe = false;
    int rc;

    if (a->waiters >= ASKER_WAITERS_MAX)
        return E_FULL;
    if (ask == NULL) {
        if (!breaker_take(&a->breaker, clock_mono_ms(), &is_probe))
            return E_DENIED;
        rc = begin(a, question, &ask);
        if (rc != OK && is_probe)
            breaker_give_back(&a->breaker);
        if (rc != OK)
            return rc;
        ask->is_probe = is_probe;
    }
    link_append(&ask->waiters, &w->link);
    a->waiters++;
    return OK;
}

int asker_lookup(struct asker *a, struct lookup *l, const struct asker_question *question)
{
    struct auth_answer answer;
    struct waiter *w;
    bool is_known;
    int rc = OK;

    if (a->outbound == NULL)
        return E_CLOSED;
    if (question->shown.len > ASKER_SHOWN_MAX)
        return E_FULL;
    w = malloc(sizeof(*w));
    if (w == NULL)
        return E_NOMEM;
    w->lookup = l;
    (void)pthread_mutex_lock(&a->lock);
    /* Under the lock, so that what has been answered just now is not asked again. */
    is_known =
        !question->is_fresh && answer_cache_find(a->cache, question->key, clock_mono_ms(), &answer);
    if (!is_known)
        rc = join(a, question, w);
    (void)pthread_mutex_unlock(&a->lock);
    if (is_known || rc != OK)
        free(w);
    if (!is_known && rc != E_DENIED)
        return rc;
    finish_lookup(a, l, is_known ? &answer : &unavailable_now);
    return OK;
}
