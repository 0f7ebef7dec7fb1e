/* SPDX-License-Identifier: Apache-2.0 */
/* The native protocol: what a text message means. A type is a row of a table. Order of every
 * message: rate, form, type, then what the type asks. The policy answers (access_decide), the hub
 * obeys. */
#include "server/protocol.h"

#include "auth/session_store.h"
#include "base/json_out.h"
#include "message/json.h"
#include "server/channels.h"
#include "server/login.h"
#include "server/messages.h"
#include "server/moderation.h"
#include "server/observe.h"
#include "server/request.h"
#include "server/say.h"

#define ID_BYTES_MAX 64

static void do_ping(struct request *r)
{
    uint8_t bytes[ANSWER_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));

    say_begin(&w, "pong");
    say_end(r->peer, &w, r->id);
}

static void do_auth(struct request *r)
{
    struct view token;

    if (request_need_string(r, "token", &token))
        login_again(r->peer, token, r->id);
}

/* The same answer whether it was subscribed or not: nothing can be learned from it. */
static void do_unsubscribe(struct request *r)
{
    if (!request_need_channel(r))
        return;
    (void)hub_unsubscribe(r->peer->worker->hub, &r->peer->subscriber, r->channel);
    request_say_channel(r, "unsubscribed");
}

int protocol_subscribe(struct peer *p, struct view channel)
{
    struct request r = {.peer = p, .channel = channel};
    struct identity who;
    struct access_question asked = {.who = peer_identity(p, &who),
                                    .channel = channel,
                                    .action = ACTION_SUBSCRIBE,
                                    .wall_s = loop_wall_s(p->worker->loop)};

    if (!access_decide(&p->worker->options->policy, &asked, NULL) ||
        !moderation_lets_join(p, channel))
        return E_DENIED;
    return channels_join(&r);
}

int protocol_unsubscribe(struct peer *p, struct view channel)
{
    struct request r = {.peer = p, .channel = channel};
    int rc = hub_unsubscribe(p->worker->hub, &p->subscriber, channel);

    if (rc == OK)
        request_say_channel(&r, "unsubscribed");
    return rc;
}

static void do_publish(struct request *r)
{
    const struct json *data = json_member(r->root, VIEW("data"));

    if (!request_need_channel(r) || !request_may(r, ACTION_PUBLISH))
        return;
    if (data == NULL) {
        say_log_invalid(r->peer, "schema");
        say_error(r->peer, r->id, "schema", VIEW("Missing required field: data"));
        return;
    }
    if (request_publish(r, data))
        request_ack(r);
}

static void do_message(struct request *r)
{
    const struct json *content = json_member(r->root, VIEW("content"));

    if (content != NULL && content->type != JSON_STRING) {
        say_log_invalid(r->peer, "schema");
        say_error(r->peer, r->id, "schema", VIEW("Field 'content' must be string"));
        return;
    }
    request_ack(r);
}

static const struct builtin_type {
    struct view name;
    void (*run)(struct request *r);
} types[] = {
    {VIEW("publish"), do_publish},         {VIEW("subscribe"), channels_subscribe},
    {VIEW("unsubscribe"), do_unsubscribe}, {VIEW("ping"), do_ping},
    {VIEW("message"), do_message},         {VIEW("auth"), do_auth},
    {VIEW("presence"), channels_presence}, {VIEW("history"), channels_history},
    {VIEW("kick"), moderation_kick},       {VIEW("mute"), moderation_mute},
    {VIEW("unmute"), moderation_unmute},   {VIEW("close_channel"), moderation_close},
    {VIEW("unkick"), moderation_unkick},   {VIEW("open_channel"), moderation_open},
};

/* The optional id: a string of at most 64 bytes or an integer. */
static bool read_id(struct request *r)
{
    const struct json *id = json_member(r->root, VIEW("id"));
    int64_t number;

    if (id == NULL)
        return true;
    if ((id->type == JSON_STRING && id->text.len <= ID_BYTES_MAX) ||
        (id->type == JSON_NUMBER && id->text.len <= ID_BYTES_MAX && json_to_i64(id, &number))) {
        r->id = id;
        return true;
    }
    say_log_invalid(r->peer, "schema");
    say_error(r->peer, NULL, "schema",
              VIEW("Field 'id' must be a string of at most 64 bytes or an integer"));
    return false;
}

static void say_no_type(struct request *r, const struct json *type)
{
    struct view member = messages_type_member(r->peer->worker->options);
    bool is_missing = type == NULL || type->type == JSON_STRING;
    char text[128];
    struct wr w = wr_of(text, sizeof(text));

    wr_text(&w, is_missing ? "Missing '" : "Field '");
    wr_view(&w, member);
    wr_text(&w, is_missing ? "' field" : "' must be string");
    say_log_invalid(r->peer, is_missing ? "missing_type" : "schema");
    say_error(r->peer, r->id, is_missing ? "missing_type" : "schema", view_of(text, wr_len(&w)));
}

static const struct builtin_type *find_builtin(struct view name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (view_eq(name, types[i].name))
            return &types[i];
    }
    return NULL;
}

void protocol_run(struct request *r, struct view type)
{
    const struct builtin_type *found = find_builtin(type);

    if (found != NULL)
        found->run(r);
}

static void dispatch(struct request *r)
{
    const struct json *type = json_member(r->root, VIEW("type"));

    if (!read_id(r) || messages_take(r))
        return;
    if (type == NULL || type->type != JSON_STRING || type->text.len == 0) {
        say_no_type(r, type);
        return;
    }
    if (find_builtin(type->text) != NULL) {
        if (messages_admit(r, type->text))
            protocol_run(r, type->text);
        return;
    }
    say_log_invalid(r->peer, "unknown_type");
    say_error_about(r->peer, r->id, "unknown_type", "Unknown message type: ", type->text);
}

/* The bare form of the guide, auth:<token>. */
static bool is_bare_auth(struct view text, struct view *token)
{
    const struct view prefix = VIEW("auth:");

    if (!view_starts_with(text, prefix))
        return false;
    *token = view_of(text.ptr + prefix.len, text.len - prefix.len);
    return true;
}

/* OK; E_INVALID: no JSON object; E_LIMIT: good perhaps, but deeper or of more parts than we read.
 */
static int parse(struct peer *p, struct view text, struct json **root)
{
    size_t error_at;
    int rc = json_parse(root, text, NULL, &p->worker->arena, &error_at);

    if (rc == OK)
        return (*root)->type == JSON_OBJECT ? OK : E_INVALID;
    return rc == E_INVALID ? E_INVALID : E_LIMIT;
}

static void refuse_text(struct peer *p, int rc)
{
    bool is_limit = rc == E_LIMIT;

    say_log_invalid(p, is_limit ? "too_complex" : "invalid_json");
    say_error(p, NULL, is_limit ? "too_complex" : "invalid_json",
              is_limit ? VIEW("Message too complex") : VIEW("Invalid JSON"));
}

static void close_first(struct peer *p, const char *code, const char *reason)
{
    login_log_failed(p, code);
    session_close(p, CLOSE_POLICY, reason);
}

void protocol_first(struct peer *p, struct view text)
{
    struct request r = {.peer = p};
    struct view token, type;
    struct json *root;

    arena_reset(&p->worker->arena);
    if (is_bare_auth(text, &token)) {
        login_first(p, token, NULL);
        return;
    }
    if (parse(p, text, &root) != OK) {
        close_first(p, "first_message_not_json", "Invalid message format");
        return;
    }
    r.root = root;
    if (!json_member_string(root, VIEW("type"), &type) || !view_eq(type, VIEW("auth"))) {
        close_first(p, "first_message_not_auth", "First message must be auth");
        return;
    }
    if (!read_id(&r))
        close_first(p, "bad_id", "Invalid message format");
    else if (json_member_string(root, VIEW("token"), &token))
        login_first(p, token, r.id);
    else if (login_awaits_csrf(p))
        login_by_csrf(p, json_member_string(root, VIEW("csrf"), &token) ? token : VIEW(""), r.id);
    else
        close_first(p, "no_token", "Authentication failed");
}

/* All of the limits or none of them is charged. */
static bool take_message(struct peer *p)
{
    const struct limit_row *l = p->limits;
    uint64_t now_ns = loop_now_ns(p->worker->loop);
    struct user_usage *usage = p->who->usage;

    if (!rate_allows(&p->per_minute, &l->per_minute, now_ns) ||
        !rate_allows(&p->per_hour, &l->per_hour, now_ns) ||
        !rate_shared_allows(&usage->per_hour, &l->per_hour, now_ns) ||
        !rate_shared_take(&usage->per_minute, &l->per_minute, now_ns))
        return false;
    /* Between the question and the taking another worker may have taken the last one: then one of
     * the hour is owed. */
    (void)rate_shared_take(&usage->per_hour, &l->per_hour, now_ns);
    (void)rate_take(&p->per_minute, &l->per_minute, now_ns);
    (void)rate_take(&p->per_hour, &l->per_hour, now_ns);
    return true;
}

/* Over the limit: told each time, logged once a run; who goes on as if nothing had been said is
 * closed. */
static void refuse_message(struct peer *p)
{
    struct peer_extra *extra = peer_extra_get(p);
    bool is_abuse = extra == NULL || !rate_take(&extra->refused, &p->limits->per_minute,
                                                loop_now_ns(p->worker->loop));
    struct event event =
        peer_event(p, EVENT_RATE_LIMITED, OUTCOME_REFUSED, is_abuse ? "closed" : "refused");

    if (is_abuse)
        event.close_code = CLOSE_POLICY;
    if (is_abuse || !p->has_told_rate)
        peer_log(p, &event);
    p->has_told_rate = true;
    if (is_abuse)
        session_close(p, CLOSE_POLICY, "Rate limit exceeded");
    else
        say_error(p, NULL, "rate_limited", VIEW("Rate limit exceeded"));
}

/* Nothing is charged, as for a refused one; told where a run begins, and where it would have led to
 * the end. */
static void observe_message(struct peer *p)
{
    struct peer_extra *extra = peer_extra_get(p);
    struct event event = peer_event(p, EVENT_RATE_LIMITED, OUTCOME_REFUSED, "refused");

    if (extra == NULL ||
        rate_take(&extra->refused, &p->limits->per_minute, loop_now_ns(p->worker->loop))) {
        (void)observe_lets(p, LIMIT_MESSAGES, &event);
        return;
    }
    extra->refused = (struct rate){0};
    event.close_code = CLOSE_POLICY;
    observe_tell(p, LIMIT_MESSAGES, &event);
}

void protocol_message(struct peer *p, struct view text)
{
    struct request r = {.peer = p};
    struct view token;
    struct json *root;
    int rc;

    if (take_message(p)) {
        p->has_told_rate = false;
        observe_run_ends(p, LIMIT_MESSAGES);
    } else if (observe_is_on(p->worker, LIMIT_MESSAGES)) {
        observe_message(p);
    } else {
        p->worker->metrics.rate_limited++;
        refuse_message(p);
        return;
    }
    if (p->who->standing != NULL && p->who->standing->watch != NULL)
        session_store_touch(p->worker->options->auth.sessions, p->who->standing->watch,
                            loop_wall_s(p->worker->loop));
    arena_reset(&p->worker->arena);
    if (is_bare_auth(text, &token)) {
        login_again(p, token, NULL);
        return;
    }
    rc = parse(p, text, &root);
    if (rc != OK) {
        refuse_text(p, rc);
        return;
    }
    r.root = root;
    r.bytes = text.len;
    dispatch(&r);
}
