/* SPDX-License-Identifier: Apache-2.0 */
/* peer_test.c: what a connection holds while it does nothing: logged in, plain, one subscription.
 * The sizes are the compiler's, so the sum is exact, and docs/performance.md says the
 * same. Whoever adds a field meets the ceiling here. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/slab.h"
#include "hub/hub_channel.h"
#include "server/peer.h"

/* Of our own memory. What is the
 * user's rather than the connection's (limit/user_table.h). */
#define IDLE_BYTES_MAX 560

#define CACHE_LINE 64

static size_t print_row(const char *what, size_t bytes, size_t cost)
{
    printf("%-40s %5zu %5zu\n", what, bytes, cost);
    return cost;
}

static void an_idle_connection_costs_what_is_documented(void **state)
{
    const struct identity alice = {.user = "alice.of.sixteen", .user_bytes = 16};
    size_t who = offsetof(struct peer_who, identity) + identity_kept_bytes(&alice);
    size_t slab = peer_who_slab_bytes(&alice);
    size_t total = 0;

    (void)state;
    printf("%-40s %5s %5s\n", "held while idle", "bytes", "cost");
    total += print_row("struct peer, struct conn in it", sizeof(struct peer),
                       slab_item_cost(PEER_SLAB_BYTES));
    total += print_row("struct peer_who, a user of 16 bytes", who, slab_item_cost(slab));
    total += print_row("struct hub_subscription", sizeof(struct hub_subscription),
                       slab_item_cost(sizeof(struct hub_subscription)));
    total += print_row("struct hub_member, up to twice", sizeof(struct hub_member),
                       2 * sizeof(struct hub_member));
    (void)print_row("together", total, total);
    assert_in_range(total, 1, IDLE_BYTES_MAX);
}

/* Between accept and login nothing but the peer is there, unless there is something to keep. */
static void a_silent_connection_costs_no_more_than_itself(void **state)
{
    struct peer p = {.phase = PEER_HEAD};

    (void)state;
    assert_null(p.extra);
    assert_null(p.who);
    assert_null(peer_pending(&p));
    assert_null(peer_ask(&p));
    assert_int_equal(peer_choked_until_ms(&p), 0);
    assert_int_equal(peer_user(&p).len, 0);
}

/* What a message touches follows its connection, and ends before what only an end or a list asks
 * for. */
static void what_a_message_touches_lies_together(void **state)
{
    (void)state;
    assert_in_range(offsetof(struct peer, timer), sizeof(struct conn), 4 * CACHE_LINE);
    assert_in_range(offsetof(struct peer, who), sizeof(struct conn), 3 * CACHE_LINE);
    assert_int_equal(PEER_SLAB_BYTES, 6 * CACHE_LINE);
    assert_true(offsetof(struct peer, link) > offsetof(struct peer, subscriber));
    assert_true(offsetof(struct peer, id) > offsetof(struct peer, subscriber));
}

static void a_prefix_is_counted_once_it_is_known(void **state)
{
    struct peer p = {.ip = {.bytes = {192, 0, 2, 1}, .family = 4}};

    (void)state;
    assert_int_equal(peer_prefix(&p).family, 0);
    p.has_prefix = true;
    assert_true(ip_prefix_eq(peer_prefix(&p), ip_prefix_of(&p.ip)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_connection_costs_what_is_documented),
        cmocka_unit_test(a_silent_connection_costs_no_more_than_itself),
        cmocka_unit_test(what_a_message_touches_lies_together),
        cmocka_unit_test(a_prefix_is_counted_once_it_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
