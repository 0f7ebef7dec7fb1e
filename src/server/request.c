/* SPDX-License-Identifier: Apache-2.0 */
/* What built-in and configured types have in common: asking the policy, publishing, the ack. */
#include "server/request.h"

#include "base/json_out.h"
#include "server/push.h"
#include "server/say.h"

bool request_allows(struct request *r, enum action action, struct refusal_words *why)
{
    struct peer *p = r->peer;
    struct access_question asked = {.who = p->who != NULL ? &p->who->identity : NULL,
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

bool request_publish(struct request *r, const struct json *data)
{
    struct peer *p = r->peer;
    struct blob *frame = push_encode(p->worker, r->channel, data,
                                     view_of(p->who->identity.user, p->who->identity.user_bytes));
    int rc;

    if (frame == NULL) {
        session_close(p, CLOSE_INTERNAL, "Out of memory");
        return false;
    }
    rc = hub_publish(p->worker->hub, r->channel, frame, NULL);
    blob_drop(frame);
    if (rc != OK)
        say_error(p, r->id, "overloaded", VIEW("Server overloaded, try again"));
    return rc == OK;
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
