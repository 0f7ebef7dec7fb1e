/* SPDX-License-Identifier: Apache-2.0 */
/* session_push.c: what is published to a channel, on its way to one subscriber: a reference to one
 * frame, or to its one compressed copy. */
#include "server/peer.h"

#include <string.h>

#include "base/blob_store.h"
#include "server/memory.h"

/* The pushed frame compressed for this window size; made once and kept until another frame is
 * pushed. */
static struct blob *compressed_push(struct worker *w, uint8_t window_bits, struct blob *frame)
{
    struct pushed *slot = &w->pushed[window_bits];
    struct ws_deflate *deflate;
    uint8_t header[WS_FRAME_HEADER_MAX], *packed;
    struct ws_frame plain;
    size_t packed_bytes, header_bytes;

    if (slot->plain == frame)
        return slot->compressed;
    blob_drop(slot->plain);
    blob_drop(slot->compressed);
    slot->plain = blob_keep(frame);
    slot->compressed = NULL;
    deflate = worker_deflate(w, window_bits);
    if (deflate == NULL ||
        ws_frame_decode(&plain, frame->data, frame->len, false) != WS_PARSE_DONE ||
        plain.payload_bytes < WS_DEFLATE_FROM_BYTES ||
        ws_deflate_message(deflate, frame->data + plain.header_bytes, (size_t)plain.payload_bytes,
                           &packed, &packed_bytes) != OK)
        return NULL;
    header_bytes = ws_frame_encode(header, WS_TEXT, true, true, packed_bytes, NULL);
    slot->compressed = blob_store_make(w->blobs, (uint32_t)(header_bytes + packed_bytes));
    if (slot->compressed != NULL) {
        memcpy(slot->compressed->data, header, header_bytes);
        memcpy(slot->compressed->data + header_bytes, packed, packed_bytes);
    }
    return slot->compressed;
}

void session_deliver(struct hub_subscriber *subscriber, struct blob *frame)
{
    struct peer *p = LINK_ITEM(subscriber, struct peer, subscriber);
    const struct limit_options *limits = &p->worker->options->limits;
    struct blob *packed = NULL;
    size_t backlog;

    if (p->phase >= PEER_CLOSING || conn_is_closing(&p->conn))
        return;
    backlog = conn_backlog(&p->conn);
    if (backlog >
        limits->queue_bytes) { /* perhaps only this turn's burst: ask the kernel before judging */
        conn_flush(&p->conn);
        backlog = conn_backlog(&p->conn);
    }
    if (backlog > limits->queue_bytes) {
        session_slow(p);
        return;
    }
    if (backlog > MEMORY_SMALL_BYTES && memory_ends_reader(p))
        return;
    if (backlog > 0)
        peer_due_by(p, loop_now_ms(p->worker->loop) + limits->queue_stall_ms);
    /* With context takeover the shared copy cannot serve: sent plain, which RFC 7692 section 6
     * always allows. */
    if (p->window_bits != 0 && !p->keeps_context)
        packed = compressed_push(p->worker, p->window_bits, frame);
    p->messages_out++;
    p->worker->metrics.messages_out++;
    if (conn_write_blob(&p->conn, packed != NULL ? packed : frame) != OK)
        conn_abort(&p->conn);
}

static struct view user_of(const struct hub_subscriber *subscriber)
{
    return peer_user(LINK_ITEM(subscriber, const struct peer, subscriber));
}

const struct hub_subscriber_ops session_subscriber = {session_deliver, user_of};
