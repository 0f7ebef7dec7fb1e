/* SPDX-License-Identifier: Apache-2.0 */
/* One publish, one frame: header and JSON in one refcounted blob. */
#include "server/push.h"

#include <string.h>

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

struct blob *push_encode(struct worker *w, struct view channel, const struct json *data,
                         struct view from_user)
{
    uint8_t header[WS_FRAME_HEADER_MAX];
    size_t header_bytes, text_bytes, value_bytes;
    struct blob *frame;
    struct wr out;

    if (!size_mul(data->text.len, data->type == JSON_STRING ? GROWTH_MAX : 1, &value_bytes) ||
        buf_reserve(&w->text, value_bytes + FRAMING_BYTES_MAX) != OK)
        return NULL;
    out = wr_of(w->text.data, w->text.cap);
    json_out_open(&out);
    json_out_member(&out, "type", channel.len > 0 ? VIEW("message") : VIEW("broadcast"));
    if (channel.len > 0)
        json_out_member(&out, "channel", channel);
    json_out_key(&out, "data");
    push_value(&out, data);
    json_out_key(&out, "from");
    json_out_open(&out);
    if (from_user.len > 0)
        json_out_member(&out, "user", from_user);
    else
        wr_text(&out, "\"server\":true");
    json_out_close(&out);
    json_out_close(&out);
    if (out.failed)
        return NULL;
    text_bytes = wr_len(&out);
    header_bytes = ws_frame_encode(header, WS_TEXT, true, false, text_bytes, NULL);
    frame = blob_new((uint32_t)(header_bytes + text_bytes));
    if (frame != NULL) {
        memcpy(frame->data, header, header_bytes);
        memcpy(frame->data + header_bytes, w->text.data, text_bytes);
    }
    shrink(&w->text);
    return frame;
}
