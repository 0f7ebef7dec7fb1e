/* SPDX-License-Identifier: Apache-2.0 */
/* staple_fetch.h: one list of certificates, one timer. A reload only lays down a new list and posts
 * a job; the outbound thread takes it up, so that nothing but that list needs the lock. The timer
 * goes off every minute at least: should the post find no place, the list waits that long. */
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "net/fetch.h"
#include "net/staple_fetch.h"
#include "net/tls_private.h"

#define TURN_MAX_MS  60000u
#define FETCHING_MAX 8 /* of the transfers that the outbound thread has for everyone */

struct item {
    struct item *next;
    struct staple_fetch *owner;
    struct tls_server *tls; /* a reference, which keeps the staple */
    struct tls_staple *staple;
    uint64_t due_ms; /* monotonic */
    uint32_t failures;
    bool is_fetching, is_dropped, has_told;
    enum staple_health told;
};
struct staple_fetch {
    void (*tell)(void *context, const struct staple_news *news);
    void *context;
    pthread_mutex_t lock;
    struct outbound *outbound; /* under the lock; NULL: not started, or stopped */
    struct item *pending;      /* under the lock: the list to take up */
    bool has_pending, is_posted;
    struct outbound_job job;
    struct outbound_timer timer; /* from here on the outbound thread's */
    struct outbound *thread;
    struct item *items;
    uint32_t fetching;
    uint64_t jitter;
};

static void turn(struct staple_fetch *f);

static void item_free(struct item *item)
{
    tls_server_drop(item->tls);
    free(item);
}

static void list_free(struct item *list)
{
    while (list != NULL) {
        struct item *next = list->next;
        item_free(list);
        list = next;
    }
}

/* --- what came of a fetch --- */

static void tell(struct item *item, struct staple_news *news)
{
    news->is_change = !item->has_told || item->told != news->health;
    news->certificate = item->staple->name;
    news->url = item->staple->url;
    item->has_told = true;
    item->told = news->health;
    item->owner->tell(item->owner->context, news);
}

/* At half of its time, less a tenth at most by chance, so that a fleet does not ask as one. */
static uint64_t refresh_ms(struct staple_fetch *f, const struct ocsp_answer *answer)
{
    int64_t half_s = answer->from_s + (answer->until_s - answer->from_s) / 2 - clock_wall_s();
    uint32_t seconds = STAPLE_REFRESH_MIN_S;

    if (half_s > (int64_t)STAPLE_REFRESH_MAX_S)
        seconds = STAPLE_REFRESH_MAX_S;
    else if (half_s > (int64_t)STAPLE_REFRESH_MIN_S)
        seconds = (uint32_t)half_s;
    return (uint64_t)seconds * 1000 - random_jitter(&f->jitter, seconds * 100);
}

static uint64_t retry_ms(struct staple_fetch *f, uint32_t failures)
{
    uint32_t ms = failures < 8 ? STAPLE_RETRY_MIN_MS << (failures - 1) : STAPLE_RETRY_MAX_MS;

    if (ms > STAPLE_RETRY_MAX_MS)
        ms = STAPLE_RETRY_MAX_MS;
    return ms - ms / 4 + random_jitter(&f->jitter, ms / 2);
}

static void judge(struct item *item, const struct fetch_answer *answer)
{
    struct staple_news news = {.health = STAPLE_FAILED, .code = answer->code, .text = ""};
    struct ocsp_answer said = {.is_revoked = false};
    struct staple_fetch *f = item->owner;
    uint64_t now_ms = outbound_now_ms(f->thread);
    struct error why = {.text = ""};
    int rc = answer->status;

    if (rc == OK)
        rc = tls_staple_take(item->staple, answer->body, &said, &why);
    if (rc == OK) {
        news.health = STAPLE_FETCHED;
        news.until_s = said.until_s;
        item->failures = 0;
        item->due_ms = now_ms + refresh_ms(f, &said);
    } else if (said.is_revoked) {
        tls_staple_drop(item->staple);
        news.health = STAPLE_REVOKED;
        news.code = "revoked";
        item->failures = 0;
        item->due_ms = now_ms + refresh_ms(f, &said);
    } else {
        item->failures++;
        item->due_ms = now_ms + retry_ms(f, item->failures);
        if (answer->status == OK) {
            news.code = "bad_answer";
            news.text = why.text;
        }
    }
    tell(item, &news);
}

static void on_answer(void *context, const struct fetch_answer *answer)
{
    struct item *item = context;
    struct staple_fetch *f = item->owner;

    item->is_fetching = false;
    f->fetching--;
    if (item->is_dropped)
        item_free(item);
    else if (answer->status != E_CLOSED) /* the end of the thread */
        judge(item, answer);
    if (answer->status != E_CLOSED)
        turn(f);
}

static void ask(struct item *item)
{
    struct staple_fetch *f = item->owner;
    struct fetch_request request = {.url = item->staple->url,
                                    .accept = "application/ocsp-response",
                                    .body = buf_view(&item->staple->request),
                                    .body_type = "application/ocsp-request",
                                    .bytes_max = OCSP_ANSWER_BYTES_MAX,
                                    .allows_plain_http = true};

    if (fetch_start(f->thread, &request, on_answer, item) == OK) {
        item->is_fetching = true;
        f->fetching++;
        return;
    }
    item->due_ms = outbound_now_ms(f->thread) + retry_ms(f, ++item->failures);
}

/* --- the list --- */

/* Nobody to ask: said once. */
static void tell_impossible(struct item *item)
{
    struct staple_news news = {.health = STAPLE_FAILED, .code = "no_responder", .text = ""};

    if (item->staple->about == NULL) {
        news.code = "no_issuer";
        news.text = "the certificate file does not hold the issuer's certificate behind its own";
    }
    tell(item, &news);
}

static void drop_old(struct item *old)
{
    while (old != NULL) {
        struct item *next = old->next;
        if (old->is_fetching)
            old->is_dropped = true; /* freed by its answer */
        else
            item_free(old);
        old = next;
    }
}

static void take_pending(struct staple_fetch *f)
{
    struct item *old = f->items, *list;
    bool has_list;

    (void)pthread_mutex_lock(&f->lock);
    has_list = f->has_pending;
    list = f->pending;
    f->pending = NULL;
    f->has_pending = false;
    (void)pthread_mutex_unlock(&f->lock);
    if (!has_list)
        return;
    f->items = list;
    for (struct item *item = list; item != NULL; item = item->next) {
        item->due_ms = outbound_now_ms(f->thread);
        for (struct item *from = old; from != NULL; from = from->next)
            tls_staple_inherit(item->staple, from->staple);
        if (item->staple->url == NULL)
            tell_impossible(item);
    }
    drop_old(old);
}

static void turn(struct staple_fetch *f)
{
    uint64_t now_ms = outbound_now_ms(f->thread), next_ms = now_ms + TURN_MAX_MS;

    take_pending(f);
    for (struct item *item = f->items; item != NULL; item = item->next) {
        if (item->staple->url == NULL || item->is_fetching)
            continue;
        if (item->due_ms <= now_ms && f->fetching >= FETCHING_MAX)
            continue; /* the next answer makes room, and another turn */
        if (item->due_ms <= now_ms)
            ask(item);
        if (!item->is_fetching && item->due_ms < next_ms)
            next_ms = item->due_ms;
    }
    outbound_timer_start(f->thread, &f->timer, next_ms);
}

static void on_timer(struct outbound_timer *timer)
{
    turn(LINK_ITEM(timer, struct staple_fetch, timer));
}

static void on_job(struct outbound_job *job, int status)
{
    struct staple_fetch *f = LINK_ITEM(job, struct staple_fetch, job);

    (void)pthread_mutex_lock(&f->lock);
    f->is_posted = false;
    if (f->outbound != NULL)
        f->thread = f->outbound;
    (void)pthread_mutex_unlock(&f->lock);
    if (status == OK && f->thread != NULL)
        turn(f);
}

/* Under the lock. A place is not always to be had; the timer will see the list then. */
static void post(struct staple_fetch *f)
{
    if (f->outbound != NULL && !f->is_posted)
        f->is_posted = outbound_post(f->outbound, &f->job) == OK;
}

static int list_add(struct item **list, struct staple_fetch *f, struct tls_server *tls,
                    struct tls_staple *staple)
{
    struct item *item = calloc(1, sizeof(*item));

    if (item == NULL)
        return E_NOMEM;
    item->owner = f;
    item->tls = tls_server_keep(tls);
    item->staple = staple;
    item->next = *list;
    *list = item;
    return OK;
}

int staple_fetch_replace(struct staple_fetch *f, struct tls_server *const *sets, uint32_t count)
{
    struct item *list = NULL, *before;
    int rc = OK;

    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; sets[i] != NULL && k < sets[i]->sites_count && rc == OK; k++)
            if (sets[i]->sites[k].staple != NULL && sets[i]->sites[k].staple->name != NULL)
                rc = list_add(&list, f, sets[i], sets[i]->sites[k].staple);
    if (rc != OK) {
        list_free(list);
        return rc;
    }
    (void)pthread_mutex_lock(&f->lock);
    before = f->pending;
    f->pending = list;
    f->has_pending = true;
    post(f);
    (void)pthread_mutex_unlock(&f->lock);
    list_free(before);
    return OK;
}

int staple_fetch_new(struct staple_fetch **out,
                     void (*tell_news)(void *context, const struct staple_news *news),
                     void *context)
{
    struct staple_fetch *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return E_NOMEM;
    f->tell = tell_news;
    f->context = context;
    f->jitter = random_u64();
    f->job.run = on_job;
    outbound_timer_init(&f->timer, on_timer);
    (void)pthread_mutex_init(&f->lock, NULL);
    *out = f;
    return OK;
}

void staple_fetch_start(struct staple_fetch *f, struct outbound *o)
{
    (void)pthread_mutex_lock(&f->lock);
    f->outbound = o;
    post(f);
    (void)pthread_mutex_unlock(&f->lock);
}

void staple_fetch_stop(struct staple_fetch *f)
{
    (void)pthread_mutex_lock(&f->lock);
    f->outbound = NULL;
    (void)pthread_mutex_unlock(&f->lock);
}

void staple_fetch_free(struct staple_fetch *f)
{
    if (f == NULL)
        return;
    list_free(f->pending);
    list_free(f->items);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
}
