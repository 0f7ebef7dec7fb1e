/* SPDX-License-Identifier: Apache-2.0 */
/* peer_extra_test.c: each thing that still matters keeps it, and nothing else does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/status.h"
#include "server/peer.h"

struct rig {
    struct worker worker;
    struct peer peer;
};

static int begin(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    assert_int_equal(loop_new(&rig->worker.loop), OK);
    rig->peer.worker = &rig->worker;
    *state = rig;
    return 0;
}

static int end(void **state)
{
    struct rig *rig = *state;

    peer_extra_clear(&rig->peer);
    peer_extra_clear(&rig->peer);
    loop_free(rig->worker.loop);
    free(rig);
    return 0;
}

static void nothing_in_it_and_it_goes(void **state)
{
    struct peer *p = &((struct rig *)*state)->peer;

    peer_extra_tidy(p);
    assert_null(p->extra);
    assert_non_null(peer_extra_get(p));
    assert_ptr_equal(peer_extra_get(p), p->extra);
    assert_int_equal(p->extra->head.max, HTTP1_HEAD_MAX + 1);
    peer_extra_tidy(p);
    assert_null(p->extra);
}

/* Sets one thing, sees that it keeps the extra, and takes the thing away again. */
static void is_kept_by(struct peer *p, void *thing, size_t bytes)
{
    assert_ptr_equal(peer_extra_get(p), p->extra);
    memset(thing, 1, bytes);
    peer_extra_tidy(p);
    assert_non_null(p->extra);
    memset(thing, 0, bytes);
}

static void what_matters_keeps_it(void **state)
{
    struct peer *p = &((struct rig *)*state)->peer;
    struct peer_extra *e = peer_extra_get(p);

    is_kept_by(p, &e->pending, sizeof(e->pending));
    is_kept_by(p, &e->ask, sizeof(e->ask));
    is_kept_by(p, &e->recheck, sizeof(e->recheck));
    is_kept_by(p, &e->own_deflate, sizeof(e->own_deflate));
    is_kept_by(p, &e->own_inflate, sizeof(e->own_inflate));
    is_kept_by(p, &e->pong, sizeof(e->pong));
    is_kept_by(p, &e->head.len, sizeof(e->head.len));
    is_kept_by(p, &e->hooks_count, sizeof(e->hooks_count));
    is_kept_by(p, &e->choked_until_ms, sizeof(e->choked_until_ms));
    is_kept_by(p, &e->certificate_ends_s, sizeof(e->certificate_ends_s));
    e->refused.arrival_ns = loop_now_ns(p->worker->loop) + 1000000000;
    peer_extra_tidy(p);
    assert_non_null(p->extra);
    e->refused.arrival_ns = loop_now_ns(p->worker->loop); /* at rest again */
    e->certificate_fault = "certificate_required"; /* told already, or about to be made anew */
    peer_extra_tidy(p);
    assert_null(p->extra);
}

static void what_it_owns_goes_with_it(void **state)
{
    struct peer *p = &((struct rig *)*state)->peer;
    struct peer_extra *e = peer_extra_get(p);

    assert_int_equal(buf_append(&e->head, "GET / HTTP/1.1\r\n", 16), OK);
    e->pong = malloc(126);
    assert_int_equal(ws_inflate_new(&e->own_inflate, 9, true), OK);
    assert_int_equal(ws_deflate_new(&e->own_deflate, 9, 1, true), OK);
    peer_extra_tidy(p);
    assert_ptr_equal(p->extra, e);
    peer_extra_clear(p); /* a leak checker looks on */
    assert_null(p->extra);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_in_it_and_it_goes, begin, end),
        cmocka_unit_test_setup_teardown(what_matters_keeps_it, begin, end),
        cmocka_unit_test_setup_teardown(what_it_owns_goes_with_it, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
