/* SPDX-License-Identifier: Apache-2.0 */
/* moderation.c: what moderators do. It stands in the table first (limit/sanction_table.h), then
 * each worker looks at its own connections: who subscribes in between is either refused by the
 * table or met by the worker. Whether somebody is an administrator is asked of each connection
 * where it is met, so it cannot be outdated, and nobody can claim it for another. */
#include "server/moderation.h"

#include <stdlib.h>
#include <string.h>

#include "api/api_ask.h"
#include "base/json_out.h"
#include "hub/history.h"
#include "limit/sanction_table.h"
#include "server/say.h"

/* --- what follows for those it meets --- */

static bool is_admin(const struct peer *p)
{
    const struct role_set *roles = &p->worker->options->policy.roles;

    return (role_set_permissions(roles, p->who->identity.roles) & PERMISSION_ADMIN) != 0;
}

static bool find_sanction(struct peer *p, struct view channel, bool speaks,
                          enum sanction_kind *kind, uint64_t *left_ms)
{
    struct sanction_table *sanctions = p->worker->server->sanctions;
    struct sanction_question asked;

    if (sanction_table_count(sanctions) == 0)
        return false; /* as nearly always: nothing is asked of anybody */
    asked = (struct sanction_question){channel, peer_user(p), is_admin(p), speaks,
                                       loop_now_ms(p->worker->loop)};
    return sanction_table_find(sanctions, &asked, kind, left_ms);
}

static void say_sanction(struct request *r, enum sanction_kind kind, uint64_t left_ms)
{
    static const struct refusal_words words[SANCTION_KINDS] = {
        [SANCTION_CLOSED] = {"channel_closed", {"This channel is closed", 22}},
        [SANCTION_KICKED] = {"kicked", {"You were removed from this channel", 34}},
        [SANCTION_MUTED] = {"muted", {"You are muted in this channel", 29}}};
    struct event event =
        peer_event(r->peer, EVENT_ACCESS_DENIED, OUTCOME_REFUSED, words[kind].code);
    uint8_t bytes[ANSWER_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));

    event.channel = r->channel;
    peer_log(r->peer, &event);
    say_begin(&w, "error");
    json_out_member(&w, "code", view_of_text(words[kind].code));
    json_out_member(&w, "message", words[kind].text);
    json_out_member(&w, "channel", r->channel);
    json_out_member_u64(&w, "seconds", (left_ms + 999) / 1000);
    say_end(r->peer, &w, r->id);
}

bool moderation_lets(struct request *r, bool speaks)
{
    enum sanction_kind kind;
    uint64_t left_ms;

    if (!find_sanction(r->peer, r->channel, speaks, &kind, &left_ms))
        return true;
    say_sanction(r, kind, left_ms);
    return false;
}

bool moderation_lets_join(struct peer *p, struct view channel)
{
    enum sanction_kind kind;
    uint64_t left_ms;

    return !find_sanction(p, channel, false, &kind, &left_ms);
}

/* --- doing it --- */

static struct view channel_of(const struct moderation *m)
{
    return view_of(m->channel, m->channel_bytes);
}

static struct view target_of(const struct moderation *m)
{
    return view_of(m->user, m->user_bytes);
}

static void keep_user(struct moderation *m, struct view user)
{
    if (user.len > 0)
        memcpy(m->user, user.ptr, user.len);
    m->user_bytes = (uint8_t)user.len;
}

void moderation_name(struct moderation *m, struct view channel, struct view user)
{
    memcpy(m->channel, channel.ptr, channel.len);
    m->channel_bytes = (uint16_t)channel.len;
    keep_user(m, user);
}

/* What each is about, and whether it ends it. */
static const struct {
    enum sanction_kind kind;
    bool lifts;
} deeds[MODERATION_VERBS] = {
    [MODERATE_KICK] = {SANCTION_KICKED, false},  [MODERATE_UNKICK] = {SANCTION_KICKED, true},
    [MODERATE_MUTE] = {SANCTION_MUTED, false},   [MODERATE_UNMUTE] = {SANCTION_MUTED, true},
    [MODERATE_CLOSE] = {SANCTION_CLOSED, false}, [MODERATE_OPEN] = {SANCTION_CLOSED, true},
};

int moderation_put(struct server *s, const struct moderation *m, uint64_t now_ms)
{
    struct sanction what = {deeds[m->verb].kind, channel_of(m), target_of(m), m->by_admin};

    if (deeds[m->verb].lifts)
        return sanction_table_lift(s->sanctions, &what, now_ms);
    if (m->seconds == 0)
        return OK;
    return sanction_table_put(s->sanctions, &what, now_ms + (uint64_t)m->seconds * 1000, now_ms);
}

static void say_removed(struct peer *p, const struct moderation *m)
{
    uint8_t bytes[ANSWER_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));

    say_begin(&w, "unsubscribed");
    json_out_member(&w, "channel", channel_of(m));
    json_out_member(&w, "reason", m->verb == MODERATE_CLOSE ? VIEW("closed") : VIEW("kicked"));
    if (m->seconds > 0)
        json_out_member_u64(&w, "seconds", m->seconds);
    say_end(p, &w, NULL);
}

static bool is_meant(const struct moderation *m, const struct peer *p)
{
    if (p->phase != PEER_OPEN || p->who == NULL || conn_is_closing(&p->conn))
        return false;
    if (m->verb == MODERATE_CLOSE)
        return true;
    return m->by_connection ? memcmp(p->id, m->connection, sizeof(p->id)) == 0
                            : view_eq(target_of(m), peer_user(p));
}

/* A closed channel is closed for everybody; a user is another matter. */
static void meet(struct peer *p, struct moderation *m)
{
    struct hub *hub = p->worker->hub;
    bool is_removal = m->verb == MODERATE_KICK || m->verb == MODERATE_CLOSE;

    if (is_removal && !hub_is_subscribed(hub, &p->subscriber, channel_of(m)))
        return;
    if ((m->verb == MODERATE_KICK || m->verb == MODERATE_MUTE) && !m->by_admin && is_admin(p)) {
        (void)atomic_fetch_add_explicit(&m->spared, 1, memory_order_relaxed);
        return;
    }
    (void)atomic_fetch_add_explicit(&m->met, 1, memory_order_relaxed);
    if (!is_removal)
        return;
    if (m->by_connection) /* for the log: there is one at most, so nobody else writes this */
        keep_user(m, peer_user(p));
    (void)hub_unsubscribe(hub, &p->subscriber, channel_of(m));
    say_removed(p, m);
}

void moderation_run(struct worker *w, struct moderation *m)
{
    struct link *next;

    for (struct link *at = w->peers.next; at != &w->peers; at = next) {
        struct peer *p = LINK_ITEM(at, struct peer, link);

        next = at->next;
        if (is_meant(m, p))
            meet(p, m);
    }
}

static void log_it(struct server *s, const struct moderation *m, bool is_done)
{
    static const enum event_type types[] = {[SANCTION_KICKED] = EVENT_KICKED,
                                            [SANCTION_MUTED] = EVENT_MUTED,
                                            [SANCTION_CLOSED] = EVENT_CHANNEL_CLOSED};
    struct event event = {.type = types[deeds[m->verb].kind],
                          .outcome = is_done ? OUTCOME_OK : OUTCOME_REFUSED,
                          .code = deeds[m->verb].lifts ? "lifted" : NULL,
                          .connection = view_of_text(m->at),
                          .ip = view_of_text(m->ip),
                          .port = m->port,
                          .user = target_of(m),
                          .by = view_of_text(m->by),
                          .key = view_of_text(m->key),
                          .channel = channel_of(m),
                          .count = atomic_load_explicit(&m->met, memory_order_relaxed)};
    char text[32];
    struct wr w = wr_of(text, sizeof(text));

    if (!is_done)
        event.code = "is_admin";
    if (m->seconds > 0) {
        wr_dec(&w, m->seconds);
        wr_text(&w, " s");
        event.detail = view_of(text, wr_len(&w));
    }
    event_log_put(s->events, &event);
}

/* Every worker has looked: what was published before has its place in the history by now. */
int moderation_end(struct server *s, const struct moderation *m)
{
    bool is_done = atomic_load_explicit(&m->met, memory_order_relaxed) > 0 ||
                   atomic_load_explicit(&m->spared, memory_order_relaxed) == 0;

    if (m->verb == MODERATE_CLOSE)
        history_forget(s->history, channel_of(m));
    log_it(s, m, is_done);
    return is_done ? OK : E_DENIED;
}

/* --- of a client, to all workers and back --- */

struct job {
    struct moderation what;
    struct worker *from;
    uint8_t asker[16];
    struct json id;
    char id_text[64];
    bool has_id;
    int outcome;
    atomic_uint waiting; /* workers */
};

static void say_done(struct peer *p, const struct moderation *m, const struct json *id)
{
    static const char *const types[MODERATION_VERBS] = {
        [MODERATE_KICK] = "kicked",          [MODERATE_UNKICK] = "unkicked",
        [MODERATE_MUTE] = "muted",           [MODERATE_UNMUTE] = "unmuted",
        [MODERATE_CLOSE] = "channel_closed", [MODERATE_OPEN] = "channel_opened"};
    uint8_t bytes[ANSWER_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));

    say_begin(&w, types[m->verb]);
    json_out_member(&w, "channel", channel_of(m));
    if (m->user_bytes > 0 && !m->by_connection)
        json_out_member(&w, "user", target_of(m));
    if (!deeds[m->verb].lifts)
        json_out_member_u64(&w, "count", atomic_load_explicit(&m->met, memory_order_relaxed));
    if (m->seconds > 0)
        json_out_member_u64(&w, "seconds", m->seconds);
    say_end(p, &w, id);
}

/* The loops run no more, and mailboxes are being emptied one after the other. */
static bool is_over(const struct worker *w)
{
    return atomic_load(&w->server->running) == 0;
}

static void answer_letter(void *worker, void *a, void *b)
{
    struct worker *w = worker;
    struct job *job = a;

    (void)b;
    for (struct link *at = w->peers.next; at != &w->peers && !is_over(w); at = at->next) {
        struct peer *p = LINK_ITEM(at, struct peer, link);

        if (memcmp(p->id, job->asker, sizeof(p->id)) != 0)
            continue;
        if (p->phase == PEER_OPEN && !conn_is_closing(&p->conn)) {
            const struct json *id = job->has_id ? &job->id : NULL;

            if (job->outcome == OK)
                say_done(p, &job->what, id);
            else
                say_error(p, id, "not_allowed", VIEW("Not allowed"));
        }
        break;
    }
    free(job);
}

static void do_letter(void *worker, void *a, void *b)
{
    struct worker *w = worker;
    struct job *job = a;

    (void)b;
    if (!is_over(w))
        moderation_run(w, &job->what);
    if (atomic_fetch_sub_explicit(&job->waiting, 1, memory_order_acq_rel) != 1)
        return;
    if (is_over(w)) {
        free(job);
        return;
    }
    job->outcome = moderation_end(w->server, &job->what);
    mailbox_post_reserved(job->from->control, (struct letter){answer_letter, job, NULL});
}

/* All of them or none; one place at ours for the answer. */
static bool reserve_all(struct worker *from)
{
    struct server *s = from->server;
    unsigned got = 0;

    if (!mailbox_reserve(from->control))
        return false;
    while (got < s->workers_count && mailbox_reserve(s->workers[got].control))
        got++;
    if (got == s->workers_count)
        return true;
    while (got > 0)
        mailbox_unreserve(s->workers[--got].control);
    mailbox_unreserve(from->control);
    return false;
}

static struct job *job_of(const struct request *r, const struct moderation *what)
{
    struct job *job = calloc(1, sizeof(*job));

    if (job == NULL)
        return NULL;
    memcpy(&job->what, what, sizeof(job->what));
    job->from = r->peer->worker;
    memcpy(job->asker, r->peer->id, sizeof(job->asker));
    if (r->id != NULL && r->id->text.len <= sizeof(job->id_text)) {
        memcpy(job->id_text, r->id->text.ptr, r->id->text.len);
        job->id =
            (struct json){.type = r->id->type, .text = view_of(job->id_text, r->id->text.len)};
        job->has_id = true;
    }
    atomic_init(&job->waiting, job->from->server->workers_count);
    return job;
}

static void say_nothing_to_lift(struct request *r, enum moderation_verb verb)
{
    if (verb == MODERATE_UNKICK)
        say_error(r->peer, r->id, "not_kicked", VIEW("This user is not kept out here"));
    else if (verb == MODERATE_OPEN)
        say_error(r->peer, r->id, "not_closed", VIEW("This channel is not closed"));
    else
        say_error(r->peer, r->id, "not_muted", VIEW("This user is not muted here"));
}

static void say_not_put(struct request *r, enum moderation_verb verb, int rc)
{
    if (rc == E_DENIED)
        say_error(r->peer, r->id, "not_allowed", VIEW("Not allowed"));
    else if (rc == E_MISSING)
        say_nothing_to_lift(r, verb);
    else if (rc == E_FULL)
        say_error(r->peer, r->id, "sanctions_full", VIEW("Too many users are muted or kicked"));
    else
        say_error(r->peer, r->id, "overloaded", VIEW("Server overloaded, try again"));
}

static void start(struct request *r, const struct moderation *m)
{
    struct worker *w = r->peer->worker;
    struct server *s = w->server;
    struct job *job = job_of(r, m);
    bool has_places = job != NULL && reserve_all(w);
    int rc = has_places ? moderation_put(s, m, loop_now_ms(w->loop)) : E_NOMEM;

    if (rc != OK) {
        for (unsigned i = 0; has_places && i < s->workers_count; i++)
            mailbox_unreserve(s->workers[i].control);
        if (has_places)
            mailbox_unreserve(w->control);
        free(job);
        say_not_put(r, m->verb, rc);
        return;
    }
    for (unsigned i = 0; i < s->workers_count; i++)
        mailbox_post_reserved(s->workers[i].control, (struct letter){do_letter, job, NULL});
}

/* --- the messages --- */

static bool read_user(struct request *r, struct view *user)
{
    if (!request_need_string(r, "user", user))
        return false;
    if (identity_user_ok(*user))
        return true;
    request_bad_member(r, "user", "has invalid format");
    return false;
}

/* Whoever is muted or kicked here does not moderate here meanwhile: not itself free, and nobody
 * else away. A closed channel may be moderated. */
static bool may_moderate(struct request *r)
{
    enum sanction_kind kind;
    uint64_t left_ms;

    if (!request_may(r, ACTION_MODERATE))
        return false;
    if (!find_sanction(r->peer, r->channel, true, &kind, &left_ms) || kind == SANCTION_CLOSED)
        return true;
    say_sanction(r, kind, left_ms);
    return false;
}

static void sign(struct moderation *m, const struct request *r)
{
    const struct peer *p = r->peer;

    memcpy(m->by, peer_user(p).ptr, peer_user(p).len);
    peer_id_text(p, m->at);
    ip_address_text(&p->ip, m->ip);
    m->port = p->port;
    m->by_admin = is_admin(p);
}

static bool read_seconds(struct request *r, struct moderation *m)
{
    bool must = m->verb == MODERATE_MUTE;
    int64_t seconds = 0;

    if (must && json_member(r->root, VIEW("seconds")) == NULL) {
        say_log_invalid(r->peer, "schema");
        say_error(r->peer, r->id, "schema", VIEW("Missing required field: seconds"));
        return false;
    }
    if (!request_number(r, "seconds", 1, MODERATION_SECONDS_MAX, &seconds))
        return false;
    m->seconds = (uint32_t)seconds;
    return true;
}

static void moderate(struct request *r, struct moderation *m, struct view user)
{
    if (!may_moderate(r))
        return;
    moderation_name(m, r->channel, user);
    sign(m, r);
    start(r, m);
}

/* One connection can come back as another: only a user can be kept away for a time. */
void moderation_kick(struct request *r)
{
    const struct json *one = json_member(r->root, VIEW("connection"));
    struct moderation m = {.verb = MODERATE_KICK, .by_connection = one != NULL};
    struct view user = {NULL, 0}, connection;

    if (!request_need_channel(r) || !read_seconds(r, &m) || (one == NULL && !read_user(r, &user)))
        return;
    if (one != NULL) {
        if (!request_need_string(r, "connection", &connection))
            return;
        if (!api_ask_connection(m.connection, connection)) {
            request_bad_member(r, "connection", "has invalid format");
            return;
        }
        if (m.seconds > 0 || json_member(r->root, VIEW("user")) != NULL) {
            request_bad_member(r, "connection", "goes with neither user nor seconds");
            return;
        }
    }
    moderate(r, &m, user);
}

void moderation_mute(struct request *r)
{
    struct moderation m = {.verb = MODERATE_MUTE};
    struct view user;

    if (request_need_channel(r) && read_user(r, &user) && read_seconds(r, &m))
        moderate(r, &m, user);
}

static void lift(struct request *r, enum moderation_verb verb)
{
    struct moderation m = {.verb = verb};
    struct view user;

    if (request_need_channel(r) && read_user(r, &user))
        moderate(r, &m, user);
}

void moderation_unmute(struct request *r)
{
    lift(r, MODERATE_UNMUTE);
}

void moderation_unkick(struct request *r)
{
    lift(r, MODERATE_UNKICK);
}

void moderation_close(struct request *r)
{
    struct moderation m = {.verb = MODERATE_CLOSE};

    if (request_need_channel(r) && read_seconds(r, &m))
        moderate(r, &m, view_of(NULL, 0));
}

void moderation_open(struct request *r)
{
    struct moderation m = {.verb = MODERATE_OPEN};

    if (request_need_channel(r))
        moderate(r, &m, view_of(NULL, 0));
}
