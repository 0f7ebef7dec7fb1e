/* SPDX-License-Identifier: Apache-2.0 */
/* memory_test.c: the marks of the budget, hit exactly, over two workers; what is counted for one
 * connection and counted off again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "server/memory.h"
#include "server/peer_extra.h"

#define MIB ((int64_t)1 << 20)

/* Two workers of one server with a budget of 100 MiB. */
struct house {
    struct options options;
    struct server server;
    struct worker workers[2];
};

static struct house *open_house(void)
{
    struct house *h = calloc(1, sizeof(*h));

    assert_non_null(h);
    h->options.limits.memory_bytes = 100 * (uint64_t)MIB;
    for (int i = 0; i < 2; i++) {
        h->workers[i].server = &h->server;
        h->workers[i].options = &h->options;
        assert_int_equal(loop_new(&h->workers[i].loop), OK);
    }
    return h;
}

static void close_house(struct house *h)
{
    for (int i = 0; i < 2; i++)
        loop_free(h->workers[i].loop);
    free(h);
}

static void the_marks_count_all_workers(void **state)
{
    struct house *h = open_house();
    struct worker *a = &h->workers[0], *b = &h->workers[1];

    (void)state;
    assert_false(memory_is_tight(a) || memory_is_short(a));
    a->memory_kept = 40 * MIB;
    b->memory_kept = 40 * MIB - 65536;
    assert_false(memory_is_tight(a) || memory_is_tight(b) || memory_is_tight(a));
    b->memory_kept = 40 * MIB;
    assert_true(memory_is_tight(b) && memory_is_tight(a));
    assert_false(memory_is_short(a) || memory_is_short(b));
    b->memory_kept = 50 * MIB;
    assert_true(memory_is_short(b) && memory_is_short(a));
    assert_int_equal(atomic_load(&h->server.memory_used), 90 * MIB);
    /* What one queued, the other may have sent. */
    a->memory_kept = -10 * MIB;
    assert_false(memory_is_tight(a) || memory_is_tight(b));
    assert_int_equal(memory_of_worker(a) + memory_of_worker(b), 40 * MIB);
    h->options.limits.memory_bytes = 16 * (uint64_t)MIB; /* another configuration */
    assert_true(memory_is_short(b));
    a->memory_kept = -60 * MIB;
    assert_false(memory_is_tight(a)); /* below nothing is nothing */
    close_house(h);
}

static void little_is_added_up_later(void **state)
{
    struct house *h = open_house();
    struct worker *a = &h->workers[0];

    (void)state;
    a->memory_kept = 65535;
    (void)memory_is_tight(a);
    assert_int_equal(atomic_load(&h->server.memory_used), 0);
    a->memory_kept = 65536;
    (void)memory_is_tight(a);
    assert_int_equal(atomic_load(&h->server.memory_used), 65536);
    a->memory_kept = 1;
    (void)memory_is_tight(a);
    assert_int_equal(atomic_load(&h->server.memory_used), 65536);
    a->memory_kept = 0;
    (void)memory_is_tight(a);
    assert_int_equal(atomic_load(&h->server.memory_used), 0);
    close_house(h);
}

static void what_a_connection_keeps_is_counted_and_counted_off(void **state)
{
    static const struct ws_limits limits = {
        .message_bytes = 1 << 20, .fragments = 10, .accepts_text = true};
    struct house *h = open_house();
    struct peer *p = calloc(1, sizeof(*p));
    uint8_t begun[1 + 1 + 8 + 100000] = {0x01, 127, 0, 0, 0, 0, 0, 2, 0, 0}; /* 128 KiB to come */
    struct ws_event event;
    size_t used;

    (void)state;
    assert_non_null(p);
    p->worker = &h->workers[0];
    ws_decoder_init(&p->decoder, &limits, NULL);
    memory_note(p);
    assert_int_equal(memory_of_worker(p->worker), 0);
    memset(begun + 10, 'x', sizeof(begun) - 10);
    ws_decode(&p->decoder, begun, sizeof(begun), &used, &event);
    assert_int_equal(event.type, WS_EVENT_MORE);
    memory_note(p);
    memory_note(p); /* the same again is no more */
    assert_in_range(memory_of_worker(p->worker), 100000, 300000);
    assert_int_equal(memory_of_worker(p->worker), ws_decoder_bytes(&p->decoder));
    assert_true(peer_extra_get(p) != NULL && buf_append(&p->extra->head, begun, 5000) == OK);
    memory_note(p);
    assert_int_equal(memory_of_worker(p->worker),
                     ws_decoder_bytes(&p->decoder) + p->extra->head.cap);
    ws_decoder_clear(&p->decoder);
    peer_extra_clear(p);
    memory_note(p);
    assert_int_equal(memory_of_worker(p->worker), 0);
    p->kept_bytes = 7;
    h->workers[0].memory_kept = 7;
    memory_forget(p);
    assert_int_equal(memory_of_worker(p->worker), 0);
    free(p);
    close_house(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_marks_count_all_workers),
        cmocka_unit_test(little_is_added_up_later),
        cmocka_unit_test(what_a_connection_keeps_is_counted_and_counted_off),
    };

    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
