/* SPDX-License-Identifier: Apache-2.0 */
/* New TLS files without a restart: every listener's certificates, keys, authorities, revocation
 * lists and OCSP answers are read again, all or nothing. Workers get the new set by letter; open
 * connections keep the one they began with. Their certificates are held against the new authorities
 * and revocation lists all the same. The configuration file is read at the start only. */
#include "server/server.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/status.h"
#include "server/peer.h"
#include "server/staples.h"

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

/* On the worker's thread. */
static void take_set(void *worker, void *a, void *b)
{
    struct worker *w = worker;
    struct tls_set *set = a;
    struct link *next;

    (void)b;
    for (uint32_t i = 0; i < set->count; i++) {
        struct tls_server *old = w->listeners[i].tls;
        w->listeners[i].tls = set->items[i];
        set->items[i] = old;
    }
    for (struct link *at = w->peers.next; at != &w->peers; at = next) {
        next = at->next;
        (void)reload_recheck(LINK_ITEM(at, struct peer, link));
    }
    set_free(set);
}

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
static int send_all(struct server *s, const struct tls_set *set)
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
            mailbox_post_reserved(s->workers[i].control,
                                  (struct letter){take_set, copies[i], NULL});
            continue;
        }
        set_free(copies[i]);
        if (i < reserved)
            mailbox_unreserve(s->workers[i].control);
    }
    return is_ready ? OK : E_NOMEM;
}

static void tell(struct server *s, int rc, const struct error *why)
{
    struct event event = {.type = EVENT_RELOAD, .outcome = OUTCOME_OK};

    if (rc != OK) {
        event.outcome = OUTCOME_ERROR;
        event.detail = view_of_text(why->text);
        log_line(LOG_ERROR, "reload refused, everything stays as it was: %s", why->text);
    } else {
        log_line(LOG_INFO, "reloaded: the TLS files of all listeners; the configuration itself is "
                           "read at the start only");
    }
    event_log_put(s->events, &event);
}

int server_reload(struct server *s)
{
    struct tls_set *set = set_new(s->options->listeners_count);
    struct error why = {.text = "out of memory"};
    int rc = set != NULL ? read_all(set, s->options, &why) : E_NOMEM;

    if (rc == OK)
        rc = send_all(s, set);
    if (rc == OK)
        staples_replace(s, set->items, set->count);
    tell(s, rc, &why);
    set_free(set);
    return rc;
}
