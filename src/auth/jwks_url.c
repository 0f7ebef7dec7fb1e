/* SPDX-License-Identifier: Apache-2.0 */
/* jwks_url.c: joins a jwks_source to the outbound thread. A worker that meets an unknown key sets
 * one flag, and the first to set it posts one job; the flag falls only when a download has ended,
 * so a storm of unknown keys costs the workers one atomic read a token. */
#include "auth/jwks_url.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/status.h"

struct jwks_url {
    struct jwks_source source; /* outbound thread only, like all below but what says otherwise */
    struct outbound *outbound;
    struct outbound_job start_job, ask_job;
    struct outbound_timer timer;
    bool is_ask_taken;    /* ask_job has run since the flag rose, so it may be posted again */
    atomic_bool is_asked; /* any thread */
    char *url, *ca_pem;
    size_t ca_bytes;
    void (*tell)(void *context, const struct jwks_url *from, const struct jwks_news *news);
    void *context;
};

/* On a worker. */
static void on_miss(void *context)
{
    struct jwks_url *u = context;

    if (atomic_load_explicit(&u->is_asked, memory_order_relaxed) ||
        atomic_exchange(&u->is_asked, true))
        return;
    if (outbound_post(u->outbound, &u->ask_job) != OK)
        atomic_store(&u->is_asked, false);
}

static void on_ask(struct outbound_job *job, int status)
{
    struct jwks_url *u = LINK_ITEM(job, struct jwks_url, ask_job);

    if (status != OK)
        return;
    u->is_ask_taken = true;
    jwks_source_ask(&u->source, outbound_now_ms(u->outbound));
}

static void on_start(struct outbound_job *job, int status)
{
    struct jwks_url *u = LINK_ITEM(job, struct jwks_url, start_job);

    if (status == OK)
        jwks_source_start(&u->source, outbound_now_ms(u->outbound));
}

static void on_timer(struct outbound_timer *timer)
{
    struct jwks_url *u = LINK_ITEM(timer, struct jwks_url, timer);

    jwks_source_turn(&u->source, outbound_now_ms(u->outbound));
}

static void on_answer(void *context, const struct fetch_answer *answer)
{
    struct jwks_url *u = context;

    jwks_source_answer(&u->source, answer, outbound_now_ms(u->outbound));
    if (u->is_ask_taken) {
        u->is_ask_taken = false;
        atomic_store(&u->is_asked, false);
    }
}

static int do_fetch(void *context)
{
    struct jwks_url *u = context;
    struct fetch_request request = {.url = u->url,
                                    .accept = "application/jwk-set+json, application/json",
                                    .ca_pem = view_of(u->ca_pem, u->ca_bytes),
                                    .bytes_max = JWKS_BYTES_MAX};

    return fetch_start(u->outbound, &request, on_answer, u);
}

static void do_wake(void *context, uint64_t at_ms)
{
    struct jwks_url *u = context;

    outbound_timer_start(u->outbound, &u->timer, at_ms);
}

static void do_tell(void *context, const struct jwks_news *news)
{
    struct jwks_url *u = context;

    u->tell(u->context, u, news);
}

int jwks_url_new(struct jwks_url **out, struct key_source *keys,
                 const struct jwks_url_options *options)
{
    static const struct jwks_source_ops ops = {do_fetch, do_wake, do_tell};
    struct jwks_url *u;
    int rc;

    rc = fetch_url_check(view_of_text(options->url), FETCH_HTTP_NOWHERE, NULL);
    if (rc != OK)
        return rc;
    u = calloc(1, sizeof(*u));
    if (u == NULL)
        return E_NOMEM;
    u->url = view_dup(view_of_text(options->url));
    u->ca_bytes = options->ca_pem.len;
    u->ca_pem = view_dup(options->ca_pem);
    if (u->url == NULL || u->ca_pem == NULL) {
        jwks_url_free(u);
        return E_NOMEM;
    }
    atomic_init(&u->is_asked, false);
    u->start_job.run = on_start;
    u->ask_job.run = on_ask;
    outbound_timer_init(&u->timer, on_timer);
    jwks_source_init(&u->source, keys, options->algorithms, &ops, u);
    key_source_follow(keys, options->algorithms, on_miss, u);
    *out = u;
    return OK;
}

int jwks_url_start(struct jwks_url *u, struct outbound *o,
                   void (*tell)(void *context, const struct jwks_url *from,
                                const struct jwks_news *news),
                   void *context)
{
    u->outbound = o;
    u->tell = tell;
    u->context = context;
    return outbound_post(o, &u->start_job);
}

void jwks_url_free(struct jwks_url *u)
{
    if (u == NULL)
        return;
    free(u->url);
    free(u->ca_pem);
    free(u);
}

const char *jwks_url_text(const struct jwks_url *u)
{
    return u->url;
}
