/* SPDX-License-Identifier: Apache-2.0 */
/* options_limits_test.c: which limits only observe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limit/limit_name.h"
#include "options_fixture.h"

static uint32_t observed_by(const char *value)
{
    char text[512];
    struct options *o;
    uint32_t observed;

    (void)snprintf(text, sizeof(text), BASE "limits: {observe: %s}\n", value);
    o = load_good(text);
    observed = o->limits.observed;
    options_free(o);
    return observed;
}

static void limits_observe_by_name(void **state)
{
    struct options *o = load_good(BASE);

    (void)state;
    assert_int_equal(o->limits.observed, 0);
    options_free(o);
    assert_int_equal(observed_by("all"), LIMIT_ALL);
    assert_int_equal(observed_by("[all]"), LIMIT_ALL);
    assert_int_equal(observed_by("[]"), 0);
    assert_int_equal(observed_by("bytes"), 1U << LIMIT_BYTES);
    assert_int_equal(observed_by("[messages, connections.per_ip, messages]"),
                     1U << LIMIT_MESSAGES | 1U << LIMIT_PER_IP);
    for (unsigned i = 0; i < LIMIT_NAMES; i++)
        assert_int_equal(observed_by(limit_name_text((enum limit_name)i)), 1U << i);
}

static void what_cannot_observe_is_refused_with_a_reason(void **state)
{
    (void)state;
    assert_fault(BASE "limits: {observe: [mesages]}\n",
                 "t:5:20: `mesages` is no limit that can observe (did you mean `messages`?)");
    assert_fault(BASE "limits: {observe: [messages, message_size]}\n",
                 "t:5:30: `message_size` cannot only observe, it is always enforced: it bounds the "
                 "memory that a peer can make grow");
    assert_fault(BASE "limits: {observe: connections.total}\n",
                 "cannot only observe, it is always enforced: each connection takes a descriptor");
    assert_fault(BASE "limits: {observe: [connections]}\n",
                 "which one? connections.per_ip, per_user, per_listener or per_route");
    assert_fault(BASE "limits: {observe: {messages: true}}\n", "`observe`");
    assert_fault(BASE "limits: {observe: [[messages]]}\n", "is no limit that can observe");
    assert_fault(BASE "limits: {observe: [al]}\n", "did you mean `all`?");
}

static void limits_of_their_own_are_read(void **state)
{
    struct options *o = load_good(
        BASE "routes: [{path: /ws, limits: {connections: {total: 3, per_user: 4}, messages: "
             "{per_minute: 5, per_hour: 6}, control_frames: {per_minute: 7}, subscribes: "
             "{per_minute: 8}, bytes: {per_second: 16KiB, burst: 17KiB}, message_size: 100}}]\n"
             "limits: {roles: {admin: {message_size: 1MiB}}}\n");
    const struct own_limits *own = &o->routes[0].limits;
    static const uint64_t wanted[LIMIT_KEYS] = {4, 5, 6, 7, 8, 16384, 17408, 100};

    (void)state;
    assert_int_equal(own->total, 3);
    assert_memory_equal(own->of, wanted, sizeof(wanted));
    assert_int_equal(o->limits.by_role_count, 1);
    assert_int_equal(o->limits.by_role[0].role, 8);
    assert_int_equal(o->limits.message_bytes_max, 1024 * 1024);
    assert_int_equal(o->limits.queue_bytes, 2 * 1024 * 1024);
    assert_false(own_limits_are_said(&o->listeners[0].limits));
    options_free(o);
}

static void limits_of_their_own_have_bounds(void **state)
{
    (void)state;
    assert_fault(BASE "routes: [{path: /ws, limits: {messages: {per_minute: 0}}}]\n",
                 "is out of range");
    assert_fault(BASE "routes: [{path: /ws, limits: {message_size: 65MiB}}]\n", "is out of range");
    assert_fault(BASE "routes: [{path: /ws, limits: {connection: {total: 1}}}]\n",
                 "unknown key `connection` (did you mean `connections`?)");
    assert_fault(BASE "routes: [{path: /ws, limits: {bytes: {burst: 64KiB}}}]\n",
                 "`burst` needs `per_second` beside it");
    assert_fault(BASE
                 "routes: [{path: /a}, {path: /e, serve: echo, limits: {message_size: 1KiB}}]\n",
                 "an echo route has fixed limits");
    options_free(load_good(BASE "routes: [{path: /a}, {path: /e, serve: echo, limits: "
                                "{connections: {total: 2}}}]\n"));
    assert_fault(BASE "limits: {roles: {amdin: {message_size: 1KiB}}}\n",
                 "`amdin` is no role: `roles` does not name it (did you mean `admin`?)");
    assert_fault(BASE "limits: {roles: {admin: {connections: {total: 1}}}}\n",
                 "unknown key `total`");
    assert_fault(BASE "limits: {roles: {}}\n", "must name roles and their limits");
    assert_fault(BASE "limits: {roles: [admin]}\n", "must name roles and their limits");
    assert_fault(BASE "limits: {queue: {size: 64KiB}, roles: {admin: {message_size: 128KiB}}}\n",
                 "a queue must have room for one message");
}

#define ROUTE_A(n) "{path: /r" #n "a, limits: {message_size: 1KiB}}, "
#define ROUTES(n)  ROUTE_A(n##0) ROUTE_A(n##1) ROUTE_A(n##2) ROUTE_A(n##3) ROUTE_A(n##4)

static void combinations_have_a_ceiling(void **state)
{
    static const char ten[] =
        BASE "roles: {a: [read], b: [read], c: [read], d: [read], e: [read], f: [read], g: [read], "
             "h: [read], i: [read], j: [read]}\n"
             "limits: {roles: {a: {message_size: 1KiB}, b: {message_size: 1KiB}, c: {message_size: "
             "1KiB}, d: {message_size: 1KiB}, e: {message_size: 1KiB}, f: {message_size: 1KiB}, g: "
             "{message_size: 1KiB}, h: {message_size: 1KiB}, i: {message_size: 1KiB}, j: "
             "{message_size: 1KiB}}}\n";
    char text[4096];
    struct options *o;

    (void)state;
    (void)snprintf(text, sizeof(text), "%sroutes: [%s{path: /ws}]\n", ten,
                   ROUTE_A(1) ROUTE_A(2) ROUTE_A(3));
    o = load_good(text);
    assert_int_equal(options_limit_rows(o), LIMIT_ROWS_MAX);
    options_free(o);
    (void)snprintf(text, sizeof(text), "%sroutes: [%s{path: /ws}]\n", ten, ROUTES(1));
    assert_fault(text, "they make 6144 combinations, at most 4096 are kept");
}

static void the_memory_budget_has_room_for_messages(void **state)
{
    struct options *o = load_good(BASE);

    (void)state;
    assert_int_equal(o->limits.memory_bytes, UINT64_C(512) << 20);
    options_free(o);
    options_free(load_good(BASE "limits: {memory: 16MiB, message_size: 4MiB}\n"));
    assert_fault(BASE "limits: {memory: 15MiB}\n", "is out of range: 16MiB to ");
    assert_fault(BASE "limits: {memory: 16MiB, message_size: 4194305}\n",
                 "limits.memory: there must be room for four messages of the greatest size");
    assert_fault(BASE "limits: {memory: 16MiB, roles: {admin: {message_size: 5MiB}}}\n",
                 "limits.memory: there must be room");
    assert_fault(BASE "limits: {observe: [memory]}\n", "always enforced");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_observe_by_name),
        cmocka_unit_test(what_cannot_observe_is_refused_with_a_reason),
        cmocka_unit_test(limits_of_their_own_are_read),
        cmocka_unit_test(limits_of_their_own_have_bounds),
        cmocka_unit_test(combinations_have_a_ceiling),
        cmocka_unit_test(the_memory_budget_has_room_for_messages),
    };

    return cmocka_run_group_tests_name("options_limits", tests, fixture_open, fixture_close);
}
