/* SPDX-License-Identifier: Apache-2.0 */
/* One publish, one frame: header and JSON in one refcounted blob. Where the channel keeps a history
 * the text is ready but for its offset before the channel's lock is taken. */
#include "server/push.h"

#include <string.h>

#include "base/blob_store.h"
#include "base/json_out.h"
#include "base/num.h"
#include "base/status.h"
#include "wire/ws_frame.h"

#define FRAMING_BYTES_MAX 1024 /* all but data; channel names and users need no escaping */
#define GROWTH_MAX        6    /* of a decoded string, see push_bytes_max */
#define KEPT_BYTES_MAX    ((size_t)1024 * 1024)

void push_value(struct wr *w, const struct json *value)
{
    switch (value->type) {
    case JSON_NULL:
        wr_text(w, "null");
        break;
    case JSON_FALSE:
        wr_text(w, "false");
        break;
    case JSON_TRUE:
        wr_text(w, "true");
        break;
    case JSON_STRING:
        json_out_string(w, value->text, 0);
        break;
    case JSON_NUMBER:
    case JSON_ARRAY:
    case JSON_OBJECT:
        wr_view(w, value->text);
        break;
    }
}

size_t push_bytes_max(uint64_t message_bytes)
{
    return message_bytes > SIZE_MAX / GROWTH_MAX - FRAMING_BYTES_MAX
               ? SIZE_MAX
               : (size_t)message_bytes * GROWTH_MAX + FRAMING_BYTES_MAX;
}

/* A large message's room is not kept for the small ones that follow. */
static void shrink(struct buf *text)
{
    if (text->cap > KEPT_BYTES_MAX)
        buf_clear(text);
}

/* What a history keeps comes from the heap (store NULL): there it has its own size. */
static struct blob *frame_of(struct blob_store *store, const uint8_t *text, size_t len)
{
    uint8_t header[WS_FRAME_HEADER_MAX];
    size_t header_bytes = ws_frame_encode(header, WS_TEXT, true, false, len, NULL);
    uint32_t bytes = (uint32_t)(header_bytes + len);
    struct blob *frame = store != NULL ? blob_store_make(store, bytes) : blob_new(bytes);

    if (frame != NULL) {
        memcpy(frame->data, header, header_bytes);
        memcpy(frame->data + header_bytes, text, len);
    }
    return frame;
}

/* All of the text but what the place in the channel's history and the last brace take. */
static bool encode_text(struct worker *w, const struct push *push, struct wr *out)
{
    const struct json *data = push->data;
    size_t value_bytes;

    if (!size_mul(data->text.len, data->type == JSON_STRING ? GROWTH_MAX : 1, &value_bytes) ||
        buf_reserve(&w->text, value_bytes + FRAMING_BYTES_MAX) != OK)
        return false;
    *out = wr_of(w->text.data, w->text.cap);
    json_out_open(out);
    json_out_member(out, "type", push->channel.len > 0 ? VIEW("message") : VIEW("broadcast"));
    if (push->channel.len > 0)
        json_out_member(out, "channel", push->channel);
    json_out_key(out, "data");
    push_value(out, data);
    json_out_key(out, "from");
    json_out_open(out);
    if (push->from_user.len > 0)
        json_out_member(out, "user", push->from_user);
    else
        wr_text(out, "\"server\":true");
    json_out_close(out);
    return !out->failed;
}

/* Under the lock of the channel's history: only the last few bytes are written here. */
static struct blob *finish(void *text, uint64_t offset)
{
    struct wr *out = text;

    json_out_member_u64(out, "offset", offset);
    json_out_close(out);
    return out->failed ? NULL : frame_of(NULL, out->start, wr_len(out));
}

static struct blob *finish_plain(struct worker *w, struct wr *out)
{
    json_out_close(out);
    return out->failed ? NULL : frame_of(w->blobs, out->start, wr_len(out));
}

static int publish_plain(struct worker *w, struct view channel, struct wr *out)
{
    struct blob *frame = finish_plain(w, out);
    int rc = frame != NULL ? hub_publish(w->hub, channel, frame, NULL) : E_NOMEM;

    blob_drop(frame);
    return rc;
}

struct blob *push_broadcast(struct worker *w, const struct json *data)
{
    const struct push push = {{NULL, 0}, data, {NULL, 0}};
    struct blob *frame = NULL;
    struct wr out;

    if (encode_text(w, &push, &out))
        frame = finish_plain(w, &out);
    shrink(&w->text);
    return frame;
}

int push_publish(struct worker *w, const struct push *push)
{
    struct channel_traits traits = access_channel_traits(&w->options->policy, push->channel);
    struct hub_kept kept = {.messages = traits.history_messages,
                            .ttl_ms = traits.history_ttl_ms,
                            .now_ms = loop_now_ms(w->loop),
                            .make = finish};
    struct wr out;
    int rc = E_NOMEM;

    kept.context = &out;
    if (encode_text(w, push, &out))
        rc = traits.history_messages > 0 ? hub_publish_kept(w->hub, push->channel, &kept)
                                         : publish_plain(w, push->channel, &out);
    shrink(&w->text);
    return rc;
}

struct blob *push_news(const struct presence_news *news)
{
    uint8_t bytes[FRAMING_BYTES_MAX];
    struct wr out = wr_of(bytes, sizeof(bytes));

    json_out_open(&out);
    json_out_member(&out, "type", news->is_join ? VIEW("join") : VIEW("leave"));
    json_out_member(&out, "channel", news->channel);
    json_out_member(&out, "user", news->user);
    json_out_close(&out);
    return out.failed ? NULL : frame_of(NULL, bytes, wr_len(&out));
}

struct view push_text(const struct blob *frame)
{
    struct ws_frame head;

    if (ws_frame_decode(&head, frame->data, frame->len, false) != WS_PARSE_DONE)
        return view_of(NULL, 0);
    return view_of((const char *)frame->data + head.header_bytes, (size_t)head.payload_bytes);
}
