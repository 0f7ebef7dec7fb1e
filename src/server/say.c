/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the native protocol (docs: the table of message types). Nothing here decides anything.
 */
#include "server/say.h"

#include "base/json_out.h"
#include "wire/utf8.h"

#define TOLD_BYTES_MAX 64 /* of a stranger's text inside an error message */

static void put_id(struct wr *w, const struct json *id)
{
    if (id == NULL)
        return;
    json_out_key(w, "id");
    if (id->type == JSON_STRING)
        json_out_string(w, id->text, 0);
    else
        wr_view(w, id->text);
}

void say_begin(struct wr *w, const char *type)
{
    json_out_open(w);
    json_out_member(w, "type", view_of_text(type));
}

void say_end(struct peer *p, struct wr *w, const struct json *id)
{
    put_id(w, id);
    json_out_close(w);
    if (w->failed)
        session_fail(p, CLOSE_INTERNAL, "Answer too long");
    else
        session_send_text(p, (const char *)w->start, wr_len(w));
}

void say_error(struct peer *p, const struct json *id, const char *code, struct view message)
{
    uint8_t bytes[ANSWER_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));

    say_begin(&w, "error");
    json_out_member(&w, "code", view_of_text(code));
    json_out_member(&w, "message", message);
    say_end(p, &w, id);
}

void say_error_about(struct peer *p, const struct json *id, const char *code, const char *before,
                     struct view word)
{
    char text[256];
    struct wr w = wr_of(text, sizeof(text));

    wr_text(&w, before);
    if (word.len > TOLD_BYTES_MAX)
        word.len = utf8_cut((const uint8_t *)word.ptr, word.len, TOLD_BYTES_MAX);
    wr_view(&w, word);
    say_error(p, id, code, view_of(text, wr_len(&w)));
}

void say_log_invalid(struct peer *p, const char *code)
{
    struct event event = peer_event(p, EVENT_MESSAGE_INVALID, OUTCOME_REFUSED, code);

    peer_log(p, &event);
}
