/* SPDX-License-Identifier: Apache-2.0 */
/* A message is judged by policy/, then its channel by access/, and only then does anything else see
 * it. How a refusal shows is the type's choice: an answer, silence, or the end. */
#include "server/messages.h"

#include "base/json_out.h"
#include "base/status.h"
#include "message/json_pointer.h"
#include "policy/judge.h"
#include "server/message_hook.h"
#include "server/protocol.h"
#include "server/push.h"
#include "server/say.h"

#define TOLD_BYTES_MAX 64

struct view messages_type_member(const struct options *o)
{
    struct view by = view_of_text(o->messages.by);

    if (by.len < 2 || by.len > TOLD_BYTES_MAX)
        return VIEW("type");
    return memchr(by.ptr + 1, '/', by.len - 1) == NULL ? view_of(by.ptr + 1, by.len - 1) : by;
}

/* --- the log: type and place, never content --- */

static void log_verdict(struct peer *p, enum event_type what, const struct message_type *type,
                        const struct policy_verdict *v)
{
    char detail[MESSAGE_TYPE_NAME_MAX + 2 + sizeof(v->pointer)];
    struct event event =
        peer_event(p, what, what == EVENT_POLICY_OBSERVED ? OUTCOME_OK : OUTCOME_REFUSED,
                   policy_reason_text(v->reason));
    struct wr w = wr_of(detail, sizeof(detail));

    wr_view(&w, type->name_view);
    if (v->reason == POLICY_INJECTION) {
        wr_u8(&w, ' ');
        wr_text(&w, v->family);
    }
    if (v->pointer[0] != '\0') {
        wr_u8(&w, ' ');
        wr_text(&w, v->pointer);
    }
    event.detail = view_of(detail, wr_len(&w));
    if (what != EVENT_POLICY_OBSERVED && type->on_violation == VIOLATION_CLOSE)
        event.close_code = CLOSE_POLICY;
    peer_log(p, &event);
}

static void on_observed(void *request, const struct policy_verdict *v)
{
    const struct request *r = request;

    log_verdict(r->peer, EVENT_POLICY_OBSERVED, r->type, v);
}

/* What a message looks like, or who sent it and how often? */
static enum event_type event_of(enum policy_reason reason)
{
    switch (reason) {
    case POLICY_TOO_LARGE:
    case POLICY_SCHEMA:
    case POLICY_TOO_COMPLEX:
    case POLICY_CONTENT:
    case POLICY_DESTINATION:
        return EVENT_MESSAGE_INVALID;
    default:
        return EVENT_MESSAGE_REFUSED;
    }
}

void messages_refuse(struct request *r, const struct refusal_words *why)
{
    switch (r->type->on_violation) {
    case VIOLATION_DROP:
        break;
    case VIOLATION_CLOSE:
        session_close(r->peer, CLOSE_POLICY, "Policy violation");
        break;
    default:
        say_error(r->peer, r->id, why->code, why->text);
        break;
    }
}

static void refuse(struct request *r, const struct policy_verdict *v)
{
    struct refusal_words why = {policy_reason_code(v->reason), view_of(v->text, v->text_len)};

    if (v->reason != POLICY_RATE || v->is_first || r->type->on_violation == VIOLATION_CLOSE)
        log_verdict(r->peer, event_of(v->reason), r->type, v);
    messages_refuse(r, &why);
}

/* --- */

/* `who`: where its identity stands while the question is asked. */
static struct policy_question question_of(struct request *r, struct identity *who)
{
    struct peer *p = r->peer;
    struct worker *w = p->worker;
    struct policy_question q = {.policy = &w->options->messages,
                                .type = r->type,
                                .roles = &w->options->policy.roles,
                                .who = peer_identity(p, who),
                                .message = r->root,
                                .message_bytes = r->bytes,
                                .wall_s = loop_wall_s(w->loop),
                                .scratch = w->schema_scratch,
                                .arena = &w->arena,
                                .observed = on_observed,
                                .context = r};

    q.meter = (struct policy_meter){&p->who->used, w->server->message_users, peer_user(p),
                                    loop_now_ns(w->loop)};
    return q;
}

static void say_reply(struct request *r, const struct json *reply)
{
    size_t cap = 6 * reply->text.len + ANSWER_BYTES_MAX;
    struct wr w = wr_of(arena_alloc(&r->peer->worker->arena, cap), cap);

    if (w.start == NULL) {
        session_close(r->peer, CLOSE_INTERNAL, "Out of memory");
        return;
    }
    say_begin(&w, "reply");
    json_out_key(&w, "data");
    push_value(&w, reply);
    say_end(r->peer, &w, r->id);
}

static void deliver(struct request *r, const struct policy_verdict *v, const struct json *reply)
{
    struct refusal_words why;

    if (r->type->publish != NULL) {
        r->channel = view_of(v->channel.bytes, v->channel.len);
        if (!request_allows(r, ACTION_PUBLISH, &why)) {
            messages_refuse(r, &why);
            return;
        }
        if (!request_publish(r, v->data))
            return;
    }
    if (reply != NULL)
        say_reply(r, reply);
    else if (!r->type->is_silent)
        request_ack(r);
}

void messages_resume(struct request *r, const struct json *reply)
{
    struct identity who;
    struct policy_question q = question_of(r, &who);
    struct policy_verdict verdict;

    if (!policy_prepare(&q, &verdict))
        refuse(r, &verdict);
    else if (r->type->is_builtin)
        protocol_run(r, r->type->name_view);
    else
        deliver(r, &verdict, reply);
}

static bool judge(struct request *r, struct policy_verdict *v)
{
    struct identity who;
    struct policy_question q = question_of(r, &who);

    if (policy_judge(&q, v))
        return true;
    refuse(r, v);
    return false;
}

static const struct message_type *find_configured(const struct message_policy *policy,
                                                  const struct json *root)
{
    const struct json *name = policy->by == NULL ? json_member(root, VIEW("type"))
                                                 : json_pointer_get(root, view_of_text(policy->by));

    return name != NULL && name->type == JSON_STRING ? message_policy_find(policy, name->text)
                                                     : NULL;
}

bool messages_take(struct request *r)
{
    const struct message_policy *policy = &r->peer->worker->options->messages;
    struct policy_verdict verdict;

    if (policy->count == 0)
        return false;
    r->type = find_configured(policy, r->root);
    if (r->type == NULL || r->type->is_builtin)
        return false;
    if (judge(r, &verdict)) {
        if (r->type->hook.url != NULL)
            message_hook_start(r);
        else
            deliver(r, &verdict, NULL);
    }
    return true;
}

bool messages_admit(struct request *r, struct view type)
{
    const struct message_policy *policy = &r->peer->worker->options->messages;
    struct policy_verdict verdict;

    r->type = message_policy_find(policy, type);
    if (r->type == NULL || !r->type->is_builtin)
        return true;
    if (!judge(r, &verdict))
        return false;
    if (r->type->hook.url == NULL)
        return true;
    message_hook_start(r);
    return false;
}
