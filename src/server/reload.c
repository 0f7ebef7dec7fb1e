/* SPDX-License-Identifier: Apache-2.0 */
/* reload.c: a configuration takes the place of another one while everything runs: certificates,
 * keys, authorities and revocation lists are read again, and so is the file (reload_config.c), all
 * or nothing. Workers get both by one letter. Open connections go on; each is judged anew by the
 * new rules, a few hundred at a time. */
#include "server/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/status.h"
#include "server/gate_login.h"
#include "server/login.h"
#include "server/peer_limits.h"
#include "server/push.h"
#include "server/reload.h"
#include "server/staples.h"

#define REVIEWS_AT_ONCE 256 /* a subscription takes microseconds to judge */
#define REVIEW_MS       1

/* One worker's share: a reference for each listener. */
struct tls_set {
    uint32_t count;
    struct tls_server *items[];
};

bool reload_recheck(struct peer *p)
{
    struct event event;

    if (!p->is_tls || p->phase >= PEER_CLOSING || conn_is_closing(&p->conn) ||
        !conn_peer_is_revoked(&p->conn, p->worker->listeners[p->listener].tls))
        return true;
    event = peer_event(p, EVENT_AUTH_FAILED, OUTCOME_REFUSED, "certificate_revoked");
    if (p->is_upgraded)
        event.close_code = CLOSE_UNAUTHORIZED_CLIENT;
    peer_log(p, &event);
    if (p->is_upgraded)
        session_close(p, CLOSE_UNAUTHORIZED_CLIENT, "Unauthorized client");
    else
        conn_abort(&p->conn);
    return false;
}

static void set_free(struct tls_set *set)
{
    for (uint32_t i = 0; set != NULL && i < set->count; i++)
        tls_server_drop(set->items[i]);
    free(set);
}

static struct tls_set *set_new(uint32_t count)
{
    struct tls_set *set = calloc(1, sizeof(*set) + count * sizeof(set->items[0]));

    if (set != NULL)
        set->count = count;
    return set;
}

static struct tls_set *set_copy(const struct tls_set *from)
{
    struct tls_set *set = set_new(from->count);

    for (uint32_t i = 0; set != NULL && i < from->count; i++)
        set->items[i] = tls_server_keep(from->items[i]);
    return set;
}

/* --- on the worker's thread --- */

/* Where each route of the old configuration stands in the new one; ROUTE_GONE: nowhere. */
#define ROUTE_GONE 0xff

static void map_routes(uint8_t map[ROUTES_MAX], const struct options *from,
                       const struct options *to)
{
    for (uint32_t i = 0; i < from->routes_count; i++) {
        map[i] = ROUTE_GONE;
        for (uint32_t k = 0; k < to->routes_count; k++)
            if (strcmp(from->routes[i].path, to->routes[k].path) == 0 &&
                from->routes[i].kind == to->routes[k].kind)
                map[i] = (uint8_t)k;
    }
}

/* What a connection points at in the old generation; nothing is judged yet. */
static void move_peers(struct worker *w, const struct generation *old)
{
    uint8_t map[ROUTES_MAX];
    struct link *next;

    map_routes(map, old->options, w->options);
    for (struct link *at = w->peers.next; at != &w->peers; at = next) {
        struct peer *p = LINK_ITEM(at, struct peer, link);

        next = at->next;
        if (p->who != NULL) { /* counted by the types of the old one */
            policy_usage_free(p->who->used);
            p->who->used = NULL;
        }
        if (!p->is_upgraded || map[p->route] != ROUTE_GONE) {
            /* Before the upgrade it is looked up when the request has come, or again. */
            if (!p->is_upgraded)
                peer_leave_route(p, old->route_counts);
            p->route = p->is_upgraded ? map[p->route] : 0;
            peer_limits_settle(p);
            continue;
        }
        peer_leave_route(p, old->route_counts);
        p->route = 0;
        p->limits = peer_limits_of(p, 0);
        p->decoder.limits = &p->limits->first;
        session_close(p, CLOSE_RESTART, "Route removed");
    }
}

static void take_generation(struct worker *w, struct generation *g)
{
    struct generation *old = w->now;
    size_t text_max = push_bytes_max(g->options->limits.message_bytes_max);

    if (message_policy_fit(&g->options->messages, w->schema_scratch) != OK)
        log_line(LOG_ERROR, "worker %u: out of memory: messages with a schema are refused",
                 w->index);
    w->now = g;
    w->options = g->options;
    /* Meanwhile some workers published to a channel's history and others past it. The last worker
     * to come here leaves no place standing that somebody could resume from. */
    if (!access_same_traits(&old->options->policy, &g->options->policy))
        history_forget_all(w->server->history);
    if (w->text.max < text_max)
        w->text.max = text_max;
    move_peers(w, old);
    generation_drop(old);
}

static void take(void *worker, void *a, void *b)
{
    struct worker *w = worker;
    struct tls_set *set = a;

    for (uint32_t i = 0; i < set->count; i++) {
        struct tls_server *old = w->listeners[i].tls;
        w->listeners[i].tls = set->items[i];
        set->items[i] = old;
    }
    set_free(set);
    if (b != NULL)
        take_generation(w, b);
    w->epoch++;
    reload_review(&w->review_timer);
}

/* --- judging those who are here --- */

static void end_login(struct peer *p, unsigned code, const char *fault, const char *reason)
{
    struct event event = peer_event(p, EVENT_AUTH_FAILED, OUTCOME_REFUSED, fault);

    event.close_code = (uint16_t)code;
    peer_log(p, &event);
    session_close(p, code, reason);
}

/* Its row may name somebody else now, or be gone. */
static bool review_certificate(struct peer *p)
{
    struct identity who;

    arena_reset(&p->worker->arena);
    if (p->who->identity.method != IDENTITY_CERTIFICATE)
        return true;
    if (!login_certificate(p, &who) || !view_eq(view_of(who.user, who.user_bytes), peer_user(p))) {
        end_login(p, CLOSE_UNAUTHORIZED_CLIENT, "certificate_unknown", "Unauthorized client");
        return false;
    }
    p->who->identity.roles = who.roles;
    return true;
}

static void review(struct peer *p)
{
    bool is_login = p->phase == PEER_FIRST || (p->phase == PEER_OPEN && p->who != NULL);
    struct identity who;

    if (!reload_recheck(p) || !is_login)
        return;
    if (p->who != NULL && !login_is_taken(p, peer_identity(p, &who))) {
        end_login(p, CLOSE_POLICY, "login_not_taken", "Login not accepted any more");
        return;
    }
    if (!login_certificate_review(p)) {
        login_refuse_certificate(p);
        return;
    }
    if (p->who != NULL && review_certificate(p))
        login_confirmed(p, NULL);
}

/* Those who have been judged go to the end of the ring, where those who come are as well. */
void reload_review(struct timer *timer)
{
    struct worker *w = LINK_ITEM(timer, struct worker, review_timer);

    for (unsigned i = 0; i < REVIEWS_AT_ONCE; i++) {
        struct peer *p = LINK_ITEM(w->peers.next, struct peer, link);

        if (link_is_alone(&w->peers) || p->epoch == w->epoch)
            return;
        p->epoch = w->epoch;
        link_remove(&p->link);
        link_append(&w->peers, &p->link);
        review(p);
    }
    timer_start(w->loop, timer, loop_now_ms(w->loop) + REVIEW_MS);
}

/* --- on the thread that reloads --- */

static int read_all(struct tls_set *set, const struct options *o, struct error *why)
{
    for (uint32_t i = 0; i < set->count; i++) {
        int rc = OK;
        if (o->listeners[i].tls.sites_count > 0)
            rc = tls_server_new(&set->items[i], &o->listeners[i].tls, why);
        if (rc != OK)
            return rc;
    }
    return OK;
}

/* Places for all letters are taken before the first is sent: no worker is left with the old set. */
static int send_all(struct server *s, const struct tls_set *set, struct generation *g)
{
    struct tls_set *copies[WORKERS_MAX] = {NULL};
    unsigned reserved = 0;
    bool is_ready = true;

    for (unsigned i = 0; i < s->workers_count && is_ready; i++) {
        copies[i] = set_copy(set);
        is_ready = copies[i] != NULL && mailbox_reserve(s->workers[i].control);
        reserved += is_ready;
    }
    for (unsigned i = 0; i < s->workers_count; i++) {
        if (is_ready) {
            mailbox_post_reserved(
                s->workers[i].control,
                (struct letter){take, copies[i], g != NULL ? generation_keep(g) : NULL});
            continue;
        }
        set_free(copies[i]);
        if (i < reserved)
            mailbox_unreserve(s->workers[i].control);
    }
    return is_ready ? OK : E_NOMEM;
}

static void tell(struct server *s, int rc, unsigned changes, const struct error *why)
{
    struct event event = {.type = EVENT_RELOAD, .outcome = OUTCOME_OK, .count = changes};

    if (rc != OK) {
        event.outcome = OUTCOME_ERROR;
        event.detail = view_of_text(why->text);
        log_line(LOG_ERROR, "reload refused, everything stays as it was: %s", why->text);
    } else if (s->options->path == NULL) {
        log_line(LOG_INFO, "reloaded: the TLS files of all listeners");
    } else {
        log_line(LOG_INFO, "reloaded: %u changes of %s, and the TLS files of all listeners",
                 changes, s->options->path);
    }
    event_log_put(s->events, &event);
}

/* From here on the new generation is the one that the next file is compared with. */
static void settle(struct server *s, struct generation *g, const struct tls_set *set)
{
    staples_replace(s, set->items, set->count);
    if (g == NULL)
        return;
    log_level_set((enum log_level)g->options->log.level);
    generation_drop(s->latest);
    s->latest = generation_keep(g);
}

static int reload(struct server *s, unsigned *changes, struct error *why)
{
    struct tls_set *set = set_new(s->options->listeners_count);
    struct generation *g = NULL;
    int rc = set != NULL ? reload_read(s, &g, changes, why) : E_NOMEM;

    if (rc == OK)
        rc = read_all(set, g != NULL ? g->options : s->options, why);
    if (rc == OK)
        rc = send_all(s, set, g);
    if (rc == OK)
        settle(s, g, set);
    generation_drop(g);
    set_free(set);
    return rc;
}

int server_reload_telling(struct server *s, unsigned *changes, struct error *why)
{
    int rc = E_CLOSED;

    *changes = 0;
    error_set(why, "out of memory");
    (void)pthread_mutex_lock(&s->reloading);
    while (s->phase == SERVER_STARTING) /* its files may have changed since they were read */
        (void)pthread_cond_wait(&s->changes_phase, &s->reloading);
    if (s->phase == SERVER_ONLINE) {
        rc = reload(s, changes, why);
        tell(s, rc, *changes, why);
    }
    (void)pthread_mutex_unlock(&s->reloading);
    return rc;
}

int server_reload(struct server *s)
{
    struct error why;
    unsigned changes;

    return server_reload_telling(s, &changes, &why);
}
