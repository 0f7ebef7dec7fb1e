/* SPDX-License-Identifier: Apache-2.0 */
/* What message types have in common: reading members, asking the policy, publishing, the ack. */
#include "server/request.h"

#include "base/json_out.h"
#include "server/moderation.h"
#include "server/push.h"
#include "server/say.h"

static void say_schema(struct request *r, struct view text)
{
    say_log_invalid(r->peer, "schema");
    say_error(r->peer, r->id, "schema", text);
}

void request_bad_member(struct request *r, const char *name, const char *what)
{
    char text[128];
    struct wr w = wr_of(text, sizeof(text));

    wr_text(&w, "Field '");
    wr_text(&w, name);
    wr_text(&w, "' ");
    wr_text(&w, what);
    say_schema(r, view_of(text, wr_len(&w)));
}

bool request_need_string(struct request *r, const char *name, struct view *value)
{
    const struct json *member = json_member(r->root, view_of_text(name));
    char text[96];
    struct wr w = wr_of(text, sizeof(text));

    if (member != NULL && member->type == JSON_STRING) {
        *value = member->text;
        return true;
    }
    if (member != NULL) {
        request_bad_member(r, name, "must be string");
        return false;
    }
    wr_text(&w, "Missing required field: ");
    wr_text(&w, name);
    say_schema(r, view_of(text, wr_len(&w)));
    return false;
}

bool request_need_channel(struct request *r)
{
    if (!request_need_string(r, "channel", &r->channel))
        return false;
    if (channel_name_ok(r->channel))
        return true;
    request_bad_member(r, "channel",
                       r->channel.len > CHANNEL_NAME_MAX ? "exceeds max length 256"
                                                         : "has invalid format");
    return false;
}

bool request_number(struct request *r, const char *name, int64_t least, int64_t most,
                    int64_t *value)
{
    const struct json *member = json_member(r->root, view_of_text(name));
    char text[64];
    struct wr w = wr_of(text, sizeof(text));
    int64_t number;

    if (member == NULL)
        return true;
    if (member->type == JSON_NUMBER && json_to_i64(member, &number) && number >= least &&
        number <= most) {
        *value = number;
        return true;
    }
    wr_text(&w, "must be an integer from ");
    wr_dec(&w, (uint64_t)least);
    wr_text(&w, " to ");
    wr_dec(&w, (uint64_t)most);
    wr_u8(&w, '\0');
    request_bad_member(r, name, text);
    return false;
}

bool request_allows(struct request *r, enum action action, struct refusal_words *why)
{
    struct peer *p = r->peer;
    struct identity who;
    struct access_question asked = {.who = peer_identity(p, &who),
                                    .channel = r->channel,
                                    .action = action,
                                    .wall_s = loop_wall_s(p->worker->loop)};
    struct access_answer answer;
    struct event event;

    if (access_decide(&p->worker->options->policy, &asked, &answer))
        return true;
    event = peer_event(p, EVENT_ACCESS_DENIED, OUTCOME_REFUSED, access_reason_text(answer.reason));
    event.channel = r->channel;
    event.action = view_of_text(action_text(action));
    peer_log(p, &event);
    *why = answer.reason == ACCESS_AUTH_TOO_OLD
               ? (struct refusal_words){"reauth_required", VIEW("Authenticate again")}
               : (struct refusal_words){"not_allowed", VIEW("Not allowed")};
    return false;
}

bool request_may(struct request *r, enum action action)
{
    struct refusal_words why;

    if (request_allows(r, action, &why))
        return true;
    say_error(r->peer, r->id, why.code, why.text);
    return false;
}

bool request_publish(struct request *r, const struct json *data)
{
    struct peer *p = r->peer;
    struct push push = {r->channel, data, peer_user(p)};

    if (!moderation_lets(r, true))
        return false;
    if (push_publish(p->worker, &push) == OK)
        return true;
    say_error(p, r->id, "overloaded", VIEW("Server overloaded, try again"));
    return false;
}

void request_ack(struct request *r)
{
    uint8_t bytes[ANSWER_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));

    say_begin(&w, "ack");
    json_out_member(&w, "message", VIEW("Message received"));
    if (r->channel.len > 0)
        json_out_member(&w, "channel", r->channel);
    say_end(r->peer, &w, r->id);
}

void request_say_channel(struct request *r, const char *type)
{
    uint8_t bytes[ANSWER_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));

    say_begin(&w, type);
    json_out_member(&w, "channel", r->channel);
    say_end(r->peer, &w, r->id);
}
