/* SPDX-License-Identifier: Apache-2.0 */
/* The question goes out on the outbound thread; its answer comes back as a letter for which room
 * was made before, so it can be late but never lost. Who does not answer is left alone for a moment
 * (breaker.h), so that an application that hangs does not hold what others wait for. */
#include "server/message_hook.h"

#include <stdlib.h>

#include "auth/breaker.h"
#include "base/json_out.h"
#include "base/status.h"
#include "net/fetch.h"
#include "policy/application_answer.h"
#include "server/generation.h"
#include "server/messages.h"
#include "server/say.h"

#define HEAD_BYTES_MAX                                                                             \
    8192 /* of a question, all but the message: 64 roles of 64 bytes and more                      \
          */

struct hook_wait {
    struct link link; /* in the connection's list while peer is set */
    struct worker *worker;
    struct peer *peer;             /* NULL: nobody waits any more */
    struct generation *generation; /* that of `type` */
    const struct message_type *type;
    struct json id;
    char id_text[64];
    bool has_id, is_probe;
    int status; /* of the fetch */
    unsigned http_status;
    char *answer;
    size_t answer_bytes, text_bytes;
    char text[]; /* of the message, cleaned */
};

int message_hooks_open(struct worker *w)
{
    uint32_t count = w->options->messages.hooks_count;

    w->hook_breakers = count > 0 ? calloc(count, sizeof(*w->hook_breakers)) : NULL;
    return count > 0 && w->hook_breakers == NULL ? E_NOMEM : OK;
}

void message_hooks_close(struct worker *w)
{
    free(w->hook_breakers);
}

static void wait_free(struct hook_wait *h)
{
    generation_drop(h->generation);
    free(h->answer);
    free(h);
}

static void leave_peer(struct hook_wait *h)
{
    link_remove(&h->link);
    h->peer->extra->hooks_count--;
    h->peer = NULL;
}

void message_hooks_drop(struct peer *p)
{
    while (p->extra != NULL && p->extra->hooks_count > 0)
        leave_peer((struct hook_wait *)(void *)p->extra->hooks.next);
}

/* --- what is refused without or after an answer --- */

static void log_refused(struct request *r, const char *code)
{
    struct event event = peer_event(r->peer, EVENT_MESSAGE_REFUSED, OUTCOME_REFUSED, code);

    event.detail = r->type->name_view;
    if (r->type->on_violation == VIOLATION_CLOSE)
        event.close_code = CLOSE_POLICY;
    peer_log(r->peer, &event);
}

static void refuse(struct request *r, const char *logged, const char *code, struct view text)
{
    struct refusal_words why = {code, text};

    log_refused(r, logged);
    messages_refuse(r, &why);
}

/* No fault of the sender, so this is neither silent nor the end. */
static void excuse(struct request *r, const char *logged, const char *code, struct view text)
{
    log_refused(r, logged);
    say_error(r->peer, r->id, code, text);
}

/* No answer is to be had. */
static void go_without(struct request *r, const char *logged)
{
    struct event event;

    if (r->type->hook.on_unavailable != HOOK_ACCEPT) {
        excuse(r, logged, "unavailable", VIEW("Service unavailable, try again later"));
        return;
    }
    event = peer_event(r->peer, EVENT_POLICY_OBSERVED, OUTCOME_OK, logged);
    event.detail = r->type->name_view;
    peer_log(r->peer, &event);
    messages_resume(r, NULL);
}

/* --- the answer --- */

static void obey(struct request *r, struct json *root)
{
    struct application_answer a;
    char code[APPLICATION_CODE_MAX + 1];

    if (application_answer_read(&a, root) != OK) {
        go_without(r, "hook_answer");
        return;
    }
    if (a.action == APPLICATION_REFUSE) {
        memcpy(code, a.code.ptr, a.code.len);
        code[a.code.len] = '\0';
        refuse(r, "hook_refused", code, a.text);
        return;
    }
    if (a.action == APPLICATION_REPLACE)
        r->root = a.message;
    messages_resume(r, a.reply);
}

static void go_on(struct hook_wait *h, struct peer *p)
{
    struct worker *w = h->worker;
    struct request r = {
        .peer = p, .bytes = h->text_bytes, .id = h->has_id ? &h->id : NULL, .type = h->type};
    struct json *answer;
    size_t error_at;

    arena_reset(&w->arena);
    if (h->generation != w->now) /* what it must be now counts, not what it had to be */
        r.type = message_policy_find(&w->options->messages, h->type->name_view);
    if (r.type == NULL) {
        say_error_about(p, r.id, "unknown_type", "Unknown message type: ", h->type->name_view);
        return;
    }
    if (json_parse(&r.root, view_of(h->text, h->text_bytes), NULL, &w->arena, &error_at) != OK) {
        session_close(p, CLOSE_INTERNAL, "Out of memory");
        return;
    }
    if (h->status != OK && h->http_status >= 400 && h->http_status < 500)
        refuse(&r, "hook_refused", "refused", VIEW("Message refused"));
    else if (h->status != OK)
        go_without(&r, "hook_unavailable");
    else if (json_parse(&answer, view_of(h->answer, h->answer_bytes), NULL, &w->arena, &error_at) !=
             OK)
        go_without(&r, "hook_answer");
    else
        obey(&r, answer);
}

/* What a sender could provoke by a message of its own (400, an answer that is too long) must not
 * open the breaker for everyone. */
static void tell_breaker(const struct hook_wait *h, struct breaker *b, uint64_t now_ms)
{
    bool is_ours = h->status == E_CLOSED || h->status == E_NOMEM;

    if (is_ours && h->is_probe)
        breaker_give_back(b);
    else if (is_ours)
        return;
    else if (h->status == OK || (h->http_status > 0 && h->http_status < 500))
        (void)breaker_good(b);
    else
        (void)breaker_bad(b, now_ms, h->is_probe);
}

static void answer_letter(void *worker, void *wait, void *unused)
{
    struct hook_wait *h = wait;
    struct worker *w = worker;
    struct peer *p = h->peer;

    (void)unused;
    w->hooks_count--;
    /* Hooks stay as they are (reload_config.c): the index is good in all generations. */
    tell_breaker(h, &w->hook_breakers[h->type->hook.index], loop_now_ms(w->loop));
    if (p != NULL) {
        leave_peer(h);
        if (p->phase == PEER_OPEN && !conn_is_closing(&p->conn))
            go_on(h, p);
    }
    wait_free(h);
}

/* On the outbound thread. */
static void on_answer(void *wait, const struct fetch_answer *answer)
{
    struct hook_wait *h = wait;

    h->status = answer->status;
    h->http_status = answer->http_status;
    if (answer->status == OK) {
        h->answer = view_dup(answer->body);
        h->answer_bytes = answer->body.len;
        if (h->answer == NULL)
            h->status = E_NOMEM;
    }
    mailbox_post_reserved(h->worker->control, (struct letter){answer_letter, h, NULL});
}

/* --- the question --- */

static void put_roles(struct wr *w, const struct role_set *roles, uint64_t held)
{
    bool is_first = true;

    json_out_key(w, "roles");
    wr_u8(w, '[');
    for (uint32_t i = 0; i < roles->count; i++) {
        if ((held >> i & 1) == 0)
            continue;
        if (!is_first)
            wr_u8(w, ',');
        is_first = false;
        json_out_string(w, view_of_text(roles->roles[i].name), 0);
    }
    wr_u8(w, ']');
}

static void put_question(struct wr *w, const struct request *r)
{
    struct identity space;
    const struct identity *who = peer_identity(r->peer, &space);
    char connection[PEER_ID_TEXT_BYTES];

    peer_id_text(r->peer, connection);
    json_out_open(w);
    json_out_member(w, "type", r->type->name_view);
    json_out_member(w, "user", view_of(who->user, who->user_bytes));
    if (who->tenant[0] != '\0')
        json_out_member(w, "tenant", view_of_text(who->tenant));
    put_roles(w, &r->peer->worker->options->policy.roles, who->roles);
    json_out_member(w, "connection", view_of_text(connection));
    json_out_key(w, "message");
    wr_view(w, r->root->text);
    json_out_close(w);
}

static int send_question(struct hook_wait *h, const struct request *r)
{
    const struct message_hook *hook = &r->type->hook;
    struct fetch_request request = {.url = hook->url,
                                    .accept = "application/json",
                                    .ca_pem = view_of(hook->ca_pem, hook->ca_bytes),
                                    .body_type = "application/json",
                                    .bytes_max = HOOK_ANSWER_BYTES_MAX,
                                    .deadline_ms = hook->timeout_ms,
                                    .allows_loopback_http = hook->allows_loopback_http};
    size_t cap = r->root->text.len + HEAD_BYTES_MAX;
    uint8_t *body = malloc(cap);
    struct wr w = wr_of(body, cap);
    int rc = E_NOMEM;

    if (body != NULL) {
        put_question(&w, r);
        request.body = view_of(body, wr_len(&w));
        rc = w.failed ? E_LIMIT
                      : fetch_start(r->peer->worker->server->outbound, &request, on_answer, h);
    }
    free(body);
    return rc;
}

static struct hook_wait *wait_new(const struct request *r)
{
    struct view text = r->root->text;
    struct hook_wait *h = malloc(sizeof(*h) + text.len);

    if (h == NULL)
        return NULL;
    *h = (struct hook_wait){.worker = r->peer->worker,
                            .peer = r->peer,
                            .generation = generation_keep(r->peer->worker->now),
                            .type = r->type,
                            .text_bytes = text.len};
    memcpy(h->text, text.ptr, text.len);
    if (r->id != NULL && r->id->text.len <= sizeof(h->id_text)) {
        memcpy(h->id_text, r->id->text.ptr, r->id->text.len);
        h->id = (struct json){.type = r->id->type, .text = view_of(h->id_text, r->id->text.len)};
        h->has_id = true;
    }
    return h;
}

static void join_peer(struct hook_wait *h, struct peer_extra *extra)
{
    if (extra->hooks_count == 0)
        link_init(&extra->hooks);
    link_append(&extra->hooks, &h->link);
    extra->hooks_count++;
    h->worker->hooks_count++;
}

/* Ours is an equal part of what the server may have under way. */
static bool is_worker_full(const struct worker *w)
{
    unsigned share = HOOKS_OF_SERVER_MAX / w->server->workers_count;

    return w->hooks_count >= (share > 0 ? share : 1);
}

static void ask(struct request *r, struct breaker *b, bool is_probe)
{
    struct worker *w = r->peer->worker;
    struct peer_extra *extra = peer_extra_get(r->peer);
    struct hook_wait *h = wait_new(r);
    int rc = E_NOMEM;

    if (h != NULL && extra != NULL && mailbox_reserve(w->control)) {
        h->is_probe = is_probe;
        join_peer(h, extra);
        rc = send_question(h, r);
        if (rc == OK)
            return;
        leave_peer(h);
        w->hooks_count--;
        mailbox_unreserve(w->control);
    }
    if (h != NULL)
        wait_free(h);
    if (is_probe)
        breaker_give_back(b);
    go_without(r, "hook_unavailable");
}

void message_hook_start(struct request *r)
{
    struct worker *w = r->peer->worker;
    struct breaker *b = &w->hook_breakers[r->type->hook.index];
    bool is_probe = false;

    if (r->peer->extra != NULL && r->peer->extra->hooks_count >= HOOKS_OF_CONNECTION_MAX)
        refuse(r, "too_many_hooks", "rate_limited", VIEW("Rate limit exceeded"));
    else if (is_worker_full(w))
        excuse(r, "hooks_busy", "overloaded", VIEW("Server overloaded, try again"));
    else if (!breaker_take(b, loop_now_ms(w->loop), &is_probe))
        go_without(r, "hook_unavailable");
    else
        ask(r, b, is_probe);
}
