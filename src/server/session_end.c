/* SPDX-License-Identifier: Apache-2.0 */
/* session_end.c: from a store's thread to the connections. Each worker has a list of ended sessions
 * under a lock and a mailbox of its own with one letter at most, so that a busy worker cannot
 * refuse one; a thousand ends at once cost one walk over the connections. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/status.h"
#include "server/close_job.h"
#include "server/login.h"

#define ENDS_MAX   65536 /* waiting at one worker */
#define ENDS_FIRST 16
#define WALK_MS    50 /* between two walks: a walk over 100,000 connections takes milliseconds */

struct ended {
    uint8_t session[IDENTITY_SESSION_BYTES];
    uint8_t why; /* enum session_end */
};
struct ends {
    struct ended *items;
    uint32_t count, room;
    bool is_lost; /* one found no room */
};
struct session_ends {
    struct worker *worker;
    struct mailbox *bell;
    struct timer timer;
    uint64_t next_walk_ms;
    pthread_mutex_t lock; /* what follows */
    struct ends waiting;
    bool has_rung; /* the letter is under way, or the timer runs */
};

struct closing closing_of_session(enum session_end why)
{
    bool is_old = why == SESSION_IDLE || why == SESSION_TOO_OLD;

    return (struct closing){EVENT_SESSION_ENDED, session_end_text(why), CLOSE_TOKEN_EXPIRED,
                            is_old ? "Session expired" : "Session ended"};
}

/* --- any thread --- */

static bool grow(struct ends *ends)
{
    uint32_t room = ends->room == 0 ? ENDS_FIRST : 2 * ends->room;
    struct ended *grown;

    if (ends->count < ends->room)
        return true;
    if (room > ENDS_MAX)
        return false;
    grown = realloc(ends->items, room * sizeof(*grown));
    if (grown == NULL)
        return false;
    ends->items = grown;
    ends->room = room;
    return true;
}

static void ring_letter(void *worker, void *a, void *b);

static void add(struct session_ends *s, const uint8_t session[IDENTITY_SESSION_BYTES],
                enum session_end why)
{
    bool must_ring;

    (void)pthread_mutex_lock(&s->lock);
    if (!grow(&s->waiting)) {
        s->waiting.is_lost = true;
    } else {
        struct ended *one = &s->waiting.items[s->waiting.count++];

        memcpy(one->session, session, sizeof(one->session));
        one->why = (uint8_t)why;
    }
    must_ring = !s->has_rung;
    s->has_rung = true;
    (void)pthread_mutex_unlock(&s->lock);
    /* The place of the last letter was given back before it was opened. */
    if (must_ring) {
        bool is_posted = mailbox_post(s->bell, (struct letter){ring_letter, s, NULL});

        ASSERT(is_posted);
    }
}

void close_session_everywhere(struct server *s, const uint8_t session[IDENTITY_SESSION_BYTES],
                              enum session_end why)
{
    for (unsigned i = 0; i < s->workers_count; i++)
        add(s->workers[i].ends, session, why);
}

/* --- the worker --- */

static int compare(const void *a, const void *b)
{
    return memcmp(((const struct ended *)a)->session, ((const struct ended *)b)->session,
                  IDENTITY_SESSION_BYTES);
}

static void close_if_ended(struct peer *p, const struct ends *ends)
{
    struct identity space;
    const struct identity *who = login_named(p, &space);
    const struct ended *found = NULL;
    struct ended wanted = {.why = SESSION_LOGGED_OUT};
    struct closing how;

    if (who == NULL || !who->has_session)
        return;
    memcpy(wanted.session, who->session, sizeof(wanted.session));
    if (ends->count > 0)
        found = bsearch(&wanted, ends->items, ends->count, sizeof(wanted), compare);
    if (found == NULL && ends->is_lost)
        found = &wanted;
    if (found == NULL)
        return;
    how = closing_of_session((enum session_end)found->why);
    close_peer(p, &how);
}

static void walk(struct timer *timer)
{
    struct session_ends *s = LINK_ITEM(timer, struct session_ends, timer);
    struct worker *w = s->worker;
    struct ends ends;
    struct link *next;

    (void)pthread_mutex_lock(&s->lock);
    ends = s->waiting;
    s->waiting = (struct ends){NULL, 0, 0, false};
    s->has_rung = false;
    (void)pthread_mutex_unlock(&s->lock);
    if (ends.is_lost)
        log_line(LOG_ERROR, "too many sessions ended at once: all connections with one are closed");
    if (ends.count > 1)
        qsort(ends.items, ends.count, sizeof(ends.items[0]), compare);
    for (struct link *at = w->peers.next; at != &w->peers; at = next) {
        next = at->next;
        close_if_ended(LINK_ITEM(at, struct peer, link), &ends);
    }
    free(ends.items);
    s->next_walk_ms = loop_now_ms(w->loop) + WALK_MS;
}

static void ring_letter(void *worker, void *a, void *b)
{
    struct session_ends *s = a;
    uint64_t now_ms = loop_now_ms(s->worker->loop);

    (void)worker;
    (void)b;
    if (now_ms >= s->next_walk_ms)
        walk(&s->timer);
    else
        timer_start(s->worker->loop, &s->timer, s->next_walk_ms);
}

int session_ends_new(struct session_ends **out, struct worker *w)
{
    struct session_ends *s = calloc(1, sizeof(*s));
    int rc;

    if (s == NULL)
        return E_NOMEM;
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s);
        return E_NOMEM;
    }
    s->worker = w;
    timer_init(&s->timer, walk);
    rc = mailbox_new(&s->bell, w->loop, 2, w);
    if (rc != OK) {
        (void)pthread_mutex_destroy(&s->lock);
        free(s);
        return rc;
    }
    *out = s;
    return OK;
}

void session_ends_free(struct session_ends *s)
{
    if (s == NULL)
        return;
    mailbox_close(s->bell);
    timer_stop(&s->timer);
    free(s->waiting.items);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
