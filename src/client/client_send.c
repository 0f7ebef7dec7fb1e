/* SPDX-License-Identifier: Apache-2.0 */
/* What a client sends: one frame a message, each masked under four fresh bytes of the kernel's
 * generator (RFC 6455 section 5.3). */
#include "base/blob.h"
#include "base/random.h"
#include "base/status.h"
#include "client/client_private.h"
#include "wire/close_code.h"
#include "wire/utf8.h"

/* Below this, deflate rarely wins and never matters. */
#define DEFLATE_BYTES_MIN 64

static int send_bytes(struct client *c, enum ws_opcode opcode, struct view payload, bool has_rsv1)
{
    uint8_t header[WS_FRAME_HEADER_MAX], mask[4];
    struct blob *blob;
    size_t header_bytes;
    int rc;

    if (payload.len > CLIENT_BACKLOG_MAX ||
        conn_backlog(&c->conn) + payload.len > CLIENT_BACKLOG_MAX)
        return E_FULL;
    random_bytes(mask, sizeof(mask));
    header_bytes = ws_frame_encode(header, opcode, true, has_rsv1, payload.len, mask);
    blob = blob_new((uint32_t)(header_bytes + payload.len));
    if (blob == NULL)
        return E_NOMEM;
    memcpy(blob->data, header, header_bytes);
    if (payload.len > 0)
        ws_mask_copy(blob->data + header_bytes, (const uint8_t *)payload.ptr, payload.len, mask, 0);
    rc = conn_write_blob(&c->conn, blob);
    blob_drop(blob);
    return rc;
}

int client_send_frame(struct client *c, enum ws_opcode opcode, struct view payload)
{
    struct client_trace trace = {.is_out = true, .opcode = opcode, .bytes = payload};
    uint8_t *small = NULL;
    size_t small_len = 0;
    int rc;

    client_trace(c, &trace);
    if (c->deflate != NULL && opcode == WS_TEXT && payload.len >= DEFLATE_BYTES_MIN) {
        rc = ws_deflate_message(c->deflate, (const uint8_t *)payload.ptr, payload.len, &small,
                                &small_len);
        if (rc == OK && small_len < payload.len)
            return send_bytes(c, opcode, view_of(small, small_len), true);
    }
    return send_bytes(c, opcode, payload, false);
}

int client_send_text(struct client *c, struct view text)
{
    if (c->state != CLIENT_OPEN)
        return E_CLOSED;
    if (!utf8_ok((const uint8_t *)text.ptr, text.len))
        return E_INVALID;
    return client_send_frame(c, WS_TEXT, text);
}

size_t client_backlog(const struct client *c)
{
    return c->is_connected ? conn_backlog(&c->conn) : 0;
}

void client_close(struct client *c, unsigned code, struct view reason)
{
    uint8_t payload[CLOSE_PAYLOAD_MAX];
    size_t len;

    if (c->state < CLIENT_OPEN) {
        client_abort(c, "given up before the connection was there");
        return;
    }
    if (c->state != CLIENT_OPEN)
        return;
    c->state = CLIENT_CLOSING;
    c->ending.was_ours = true;
    timer_start(c->loop, &c->deadline, loop_now_ms(c->loop) + CLIENT_CLOSE_MS);
    len = close_payload_encode(payload, code, reason);
    if (client_send_frame(c, WS_CLOSE, view_of(payload, len)) != OK)
        client_abort(c, "the Close could not be sent");
}

void client_abort(struct client *c, const char *why)
{
    client_set_ending(c, CLIENT_LOST, CLOSE_ABNORMAL, view_of_text(why));
    c->state = CLIENT_DONE;
    if (c->is_connected)
        conn_abort(&c->conn);
    else
        loop_at_turn_end(c->loop, &c->dial_task);
}

void client_fail(struct client *c, unsigned code, const char *why)
{
    uint8_t payload[CLOSE_PAYLOAD_MAX];
    size_t len = close_payload_encode(payload, code, view_of_text(why));

    client_set_ending(c, CLIENT_BROKEN, code, view_of_text(why));
    /* Behind a Close of ours nothing may follow, not even another Close. */
    if (c->state == CLIENT_OPEN)
        (void)client_send_frame(c, WS_CLOSE, view_of(payload, len));
    c->state = CLIENT_DONE;
    timer_start(c->loop, &c->deadline, loop_now_ms(c->loop) + CLIENT_CLOSE_MS);
    conn_shutdown(&c->conn);
}
