/* SPDX-License-Identifier: Apache-2.0 */
/* peer_extra.c: made, given back. Whoever uses a field says in its own file what it is for. */
#include "server/peer_extra.h"

#include <stdlib.h>

#include "crypto/secret.h"
#include "server/peer.h"

struct peer_extra *peer_extra_get(struct peer *p)
{
    if (p->extra == NULL)
        p->extra = calloc(1, sizeof(*p->extra));
    if (p->extra != NULL && p->extra->head.max == 0)
        p->extra->head = BUF_INIT(HTTP1_HEAD_MAX + 1);
    return p->extra;
}

/* Is somebody asked, or something awaited? */
static bool is_busy(const struct peer_extra *e)
{
    return e->pending != NULL || e->ask != NULL || e->recheck != NULL || e->hooks_count > 0 ||
           e->pong != NULL || e->head.len > 0 || e->choked_until_ms != 0;
}

/* Does the connection need it for its whole life? */
static bool is_for_good(const struct peer_extra *e)
{
    return e->own_deflate != NULL || e->own_inflate != NULL || e->certificate_ends_s != 0;
}

void peer_extra_tidy(struct peer *p)
{
    const struct peer_extra *e = p->extra;

    if (e == NULL || is_busy(e) || is_for_good(e) ||
        e->refused.arrival_ns > loop_now_ns(p->worker->loop))
        return;
    peer_extra_clear(p);
}

void peer_extra_clear(struct peer *p)
{
    struct peer_extra *e = p->extra;

    if (e == NULL)
        return;
    ws_inflate_free(e->own_inflate);
    ws_deflate_free(e->own_deflate);
    secret_buf_clear(&e->head); /* what has come before the login */
    free(e->pong);
    free(e);
    p->extra = NULL;
}
