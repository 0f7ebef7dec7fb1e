/* SPDX-License-Identifier: Apache-2.0 */
/* A worker counts in plain numbers and adds them to the common one when they have changed by
 * MEMORY_BATCH_BYTES: what is compared with the budget is never off by more than that a worker.
 * What waits in queues is counted by the loop, a frame that waits in many of them once. */
#include "server/memory.h"

#include "crypto/secret.h"
#include "server/gate.h"
#include "server/peer_extra.h"

#define MEMORY_BATCH_BYTES (64 * 1024)
/* zlib's own words: 2^(bits+2) + 2^17 and a few KiB to compress, 2^bits and a few to inflate. */
#define DEFLATE_BYTES(bits) (((size_t)1 << ((bits) + 2)) + 128 * 1024 + 6 * 1024)
#define INFLATE_BYTES       (32 * 1024 + 10 * 1024)

int64_t memory_of_worker(const struct worker *w)
{
    return w->memory_kept + loop_queued_bytes(w->loop);
}

static void fold(struct worker *w)
{
    int64_t now = memory_of_worker(w), grown = now - w->memory_told;

    if (grown < MEMORY_BATCH_BYTES && grown > -MEMORY_BATCH_BYTES)
        return;
    (void)atomic_fetch_add_explicit(&w->server->memory_used, grown, memory_order_relaxed);
    w->memory_told = now;
}

static bool is_above(struct worker *w, uint64_t bytes)
{
    int64_t used;

    fold(w);
    used = atomic_load_explicit(&w->server->memory_used, memory_order_relaxed);
    return used > 0 && (uint64_t)used >= bytes;
}

bool memory_is_tight(struct worker *w)
{
    return is_above(w, w->options->limits.memory_bytes / 5 * 4);
}

bool memory_is_short(struct worker *w)
{
    return is_above(w, w->options->limits.memory_bytes / 10 * 9);
}

static bool is_full(struct worker *w)
{
    return is_above(w, w->options->limits.memory_bytes);
}

static size_t kept_for(const struct peer *p)
{
    const struct peer_extra *e = p->extra;
    size_t bytes = ws_decoder_bytes(&p->decoder) + conn_kept_bytes(&p->conn);

    if (e == NULL)
        return bytes;
    bytes += e->head.cap;
    if (e->own_deflate != NULL)
        bytes += DEFLATE_BYTES(p->window_bits);
    if (e->own_inflate != NULL)
        bytes += INFLATE_BYTES;
    return bytes;
}

static void count(struct peer *p, size_t bytes)
{
    p->worker->memory_kept += (int64_t)bytes - (int64_t)p->kept_bytes;
    p->kept_bytes = (uint32_t)bytes; /* of at most a message and a head */
    fold(p->worker);
}

void memory_note(struct peer *p)
{
    count(p, kept_for(p));
}

void memory_forget(struct peer *p)
{
    count(p, 0);
}

static struct event event_of(const struct peer *p, size_t bytes)
{
    struct event event = peer_event(p, EVENT_LIMIT_EXCEEDED, OUTCOME_REFUSED, "memory");

    event.count = bytes;
    return event;
}

/* What it has begun to send goes at once, not when its connection ends. */
static void end_sender(struct peer *p)
{
    struct event event = event_of(p, p->kept_bytes);

    if (!p->is_upgraded) {
        gate_refuse(p, REFUSE_MEMORY, NULL);
        if (p->extra != NULL)
            secret_buf_clear(&p->extra->head);
        return;
    }
    event.close_code = CLOSE_OVERLOAD;
    peer_log(p, &event);
    session_fail(p, CLOSE_OVERLOAD, "Server overloaded, try again later");
    ws_decoder_clear(&p->decoder);
}

bool memory_ends_reader(struct peer *p)
{
    struct event event;

    if (conn_backlog(&p->conn) <= MEMORY_SMALL_BYTES || !memory_is_short(p->worker))
        return false;
    conn_flush(&p->conn); /* perhaps only this turn's burst */
    if (conn_backlog(&p->conn) <= MEMORY_SMALL_BYTES)
        return false;
    if (conn_is_closing(&p->conn))
        return true;
    event = event_of(p, conn_backlog(&p->conn));
    event.close_code = CLOSE_ABNORMAL;
    peer_log(p, &event);
    p->close_code = CLOSE_ABNORMAL;
    p->close_reason = "Memory budget";
    conn_abort(&p->conn); /* a Close behind what it does not read would never be read either */
    return true;
}

void memory_check(struct peer *p)
{
    size_t before = p->kept_bytes;

    memory_note(p);
    if (p->phase >= PEER_CLOSING || conn_is_closing(&p->conn))
        return;
    if ((p->conn.out_bytes > 0 || conn_kept_bytes(&p->conn) > 0) && memory_ends_reader(p))
        return;
    if (p->kept_bytes <= before || p->kept_bytes <= MEMORY_SMALL_BYTES || !is_full(p->worker))
        return;
    end_sender(p);
    memory_note(p);
}
