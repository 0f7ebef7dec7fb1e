/* SPDX-License-Identifier: Apache-2.0 */
/* Login and subscriptions as JSON, and the answer that says that the login is done. */
#include "cli/connect_words.h"

#include "base/arena.h"
#include "base/json_out.h"
#include "base/status.h"
#include "message/json.h"

#define ARENA_BYTES_MAX ((size_t)1024 * 1024)

static int encode(struct buf *out, struct view type, const char *key, struct view value)
{
    struct wr w;
    int rc = buf_reserve(out, CONNECT_WORDS_MAX);

    if (rc != OK)
        return rc;
    w = wr_of(out->data, CONNECT_WORDS_MAX);
    json_out_open(&w);
    json_out_member(&w, "type", type);
    json_out_member(&w, key, value);
    json_out_close(&w);
    if (w.failed)
        return E_LIMIT;
    out->len = wr_len(&w);
    return OK;
}

int connect_words_auth(struct buf *out, struct view token)
{
    return encode(out, VIEW("auth"), "token", token);
}

int connect_words_subscribe(struct buf *out, struct view channel)
{
    return encode(out, VIEW("subscribe"), "channel", channel);
}

bool connect_words_are_welcome(struct view message)
{
    struct arena arena;
    struct json *root;
    struct view type;
    size_t error_at;
    bool is = false;

    if (message.len > CONNECT_WORDS_MAX)
        return false;
    arena_init(&arena, 4096, ARENA_BYTES_MAX);
    if (json_parse(&root, message, NULL, &arena, &error_at) == OK)
        is = json_member_string(root, VIEW("type"), &type) && view_eq(type, VIEW("welcome"));
    arena_clear(&arena);
    return is;
}
