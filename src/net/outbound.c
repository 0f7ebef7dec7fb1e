/* SPDX-License-Identifier: Apache-2.0 */
/* outbound.c: jobs come through a ring under a lock, held for a few instructions; everything else
 * belongs to the thread. It sleeps in curl_multi_poll, which a post wakes, until a socket, a
 * deadline of libcurl or the next timer has something to do. */
#include "net/outbound.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/status.h"
#include "net/outbound_private.h"

#define SLEEP_MS_MAX     60000
#define IDLE_CONNECTIONS 32L /* kept open for the next request, to all hosts together */

struct outbound {
    pthread_mutex_t lock;
    struct link jobs; /* under the lock */
    unsigned jobs_count;
    bool is_closing;
    pthread_t thread;
    CURLM *multi;                  /* from here on the thread's own, but for curl_multi_wakeup */
    struct link transfers, timers; /* timers: the next one first */
    unsigned transfers_count;
    uint64_t now_ms;
    bool is_ending; /* is_closing, as seen by the thread */
};

/* --- jobs --- */

int outbound_post(struct outbound *o, struct outbound_job *job)
{
    bool is_first = false;
    int rc = OK;

    (void)pthread_mutex_lock(&o->lock);
    if (o->is_closing) {
        rc = E_CLOSED;
    } else if (o->jobs_count >= OUTBOUND_JOBS_MAX) {
        rc = E_FULL;
    } else {
        is_first = o->jobs_count++ == 0;
        link_append(&o->jobs, &job->link);
    }
    (void)pthread_mutex_unlock(&o->lock);
    if (is_first)
        (void)curl_multi_wakeup(o->multi);
    return rc;
}

/* NULL when none waits. */
static struct outbound_job *take_job(struct outbound *o)
{
    struct outbound_job *job = NULL;

    (void)pthread_mutex_lock(&o->lock);
    o->is_ending = o->is_closing;
    if (!link_is_alone(&o->jobs)) {
        job = LINK_ITEM(o->jobs.next, struct outbound_job, link);
        link_remove(&job->link);
        o->jobs_count--;
    }
    (void)pthread_mutex_unlock(&o->lock);
    return job;
}

/* At most one queue full, so that jobs which post jobs leave time for transfers. */
static void run_jobs(struct outbound *o)
{
    struct outbound_job *job;

    for (unsigned i = 0; i < OUTBOUND_JOBS_MAX; i++) {
        job = take_job(o);
        if (job == NULL)
            return;
        job->run(job, o->is_ending ? E_CLOSED : OK);
    }
    (void)curl_multi_wakeup(o->multi);
}

/* --- transfers --- */

int outbound_transfer_add(struct outbound *o, struct outbound_transfer *transfer)
{
    if (o->is_ending)
        return E_CLOSED;
    if (o->transfers_count >= OUTBOUND_TRANSFERS_MAX)
        return E_FULL;
    if (curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer) != CURLE_OK ||
        curl_multi_add_handle(o->multi, transfer->easy) != CURLM_OK)
        return E_NOMEM;
    link_append(&o->transfers, &transfer->link);
    o->transfers_count++;
    return OK;
}

static void end_transfer(struct outbound *o, struct outbound_transfer *transfer, CURLcode code,
                         int status)
{
    link_remove(&transfer->link);
    o->transfers_count--;
    (void)curl_multi_remove_handle(o->multi, transfer->easy);
    transfer->done(transfer, code, status);
}

static void end_finished(struct outbound *o)
{
    struct outbound_transfer *transfer;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(o->multi, &left)) != NULL) {
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        transfer = NULL;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        ASSERT(transfer != NULL);
        end_transfer(o, transfer, code, OK);
    }
}

/* --- timers --- */

uint64_t outbound_now_ms(const struct outbound *o)
{
    return o->now_ms;
}

void outbound_timer_init(struct outbound_timer *t, void (*fire)(struct outbound_timer *timer))
{
    link_init(&t->link);
    t->at_ms = 0;
    t->fire = fire;
}

/* A row in order: there are as many timers as sources of keys, which is a handful. */
void outbound_timer_start(struct outbound *o, struct outbound_timer *t, uint64_t at_ms)
{
    struct link *place;

    link_remove(&t->link);
    t->at_ms = at_ms;
    if (o->is_ending)
        return;
    place = &o->timers;
    while (place->prev != &o->timers &&
           LINK_ITEM(place->prev, struct outbound_timer, link)->at_ms > at_ms)
        place = place->prev;
    link_append(place, &t->link);
}

void outbound_timer_stop(struct outbound_timer *t)
{
    link_remove(&t->link);
}

static struct outbound_timer *next_timer(struct outbound *o)
{
    return link_is_alone(&o->timers) ? NULL
                                     : LINK_ITEM(o->timers.next, struct outbound_timer, link);
}

static void fire_timers(struct outbound *o)
{
    struct outbound_timer *t;

    while ((t = next_timer(o)) != NULL && t->at_ms <= o->now_ms) {
        link_remove(&t->link);
        t->fire(t);
    }
}

/* --- the thread --- */

static int sleep_ms(struct outbound *o)
{
    const struct outbound_timer *t = next_timer(o);

    if (t == NULL || t->at_ms >= o->now_ms + SLEEP_MS_MAX)
        return SLEEP_MS_MAX;
    return t->at_ms > o->now_ms ? (int)(t->at_ms - o->now_ms) : 0;
}

static void end_all(struct outbound *o)
{
    struct outbound_job *job;

    while ((job = take_job(o)) != NULL)
        job->run(job, E_CLOSED);
    while (!link_is_alone(&o->transfers))
        end_transfer(o, LINK_ITEM(o->transfers.next, struct outbound_transfer, link), CURLE_OK,
                     E_CLOSED);
    while (!link_is_alone(&o->timers))
        link_remove(o->timers.next);
}

static void *run(void *argument)
{
    struct outbound *o = argument;
    int running;

    for (;;) {
        o->now_ms = clock_mono_ms();
        run_jobs(o);
        if (o->is_ending)
            break;
        (void)curl_multi_perform(o->multi, &running);
        end_finished(o);
        o->now_ms = clock_mono_ms();
        fire_timers(o);
        (void)curl_multi_poll(o->multi, NULL, 0, sleep_ms(o), NULL);
    }
    end_all(o);
    return NULL;
}

/* The thread begins with every signal blocked: those are for the program's own threads. */
static int start_thread(struct outbound *o)
{
    sigset_t all, before;
    int rc;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&o->thread, NULL, run, o);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? OK : E_NOMEM;
}

int outbound_start(struct outbound **out)
{
    struct outbound *o = calloc(1, sizeof(*o));
    int rc = E_NOMEM;

    if (o == NULL)
        return E_NOMEM;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(o);
        return E_IO;
    }
    link_init(&o->jobs);
    link_init(&o->transfers);
    link_init(&o->timers);
    (void)pthread_mutex_init(&o->lock, NULL);
    o->multi = curl_multi_init();
    if (o->multi != NULL &&
        curl_multi_setopt(o->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS) == CURLM_OK)
        rc = start_thread(o);
    if (rc != OK) {
        o->is_closing = true;
        outbound_free(o);
        return rc;
    }
    *out = o;
    return OK;
}

void outbound_stop(struct outbound *o)
{
    (void)pthread_mutex_lock(&o->lock);
    ASSERT(!o->is_closing);
    o->is_closing = true;
    (void)pthread_mutex_unlock(&o->lock);
    (void)curl_multi_wakeup(o->multi);
    (void)pthread_join(o->thread, NULL);
}

void outbound_free(struct outbound *o)
{
    if (o == NULL)
        return;
    ASSERT(o->is_closing && link_is_alone(&o->jobs));
    if (o->multi != NULL)
        (void)curl_multi_cleanup(o->multi);
    (void)pthread_mutex_destroy(&o->lock);
    curl_global_cleanup();
    free(o);
}
