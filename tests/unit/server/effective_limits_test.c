/* SPDX-License-Identifier: Apache-2.0 */
/* effective_limits_test.c: the most special level wins, of several roles the most generous, and the
 * table of rows says the same as the rule it is made by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"
#include "options_fixture.h"
#include "server/limit_table.h"

#define ROLES                                                                                      \
    "roles: {guest: [read], user: [read, write], partner: [read, write], admin: [admin]}\n"

/* Two listeners, three routes, three roles, each with something to say. */
static const char text[] =
    "listen:\n"
    "  - {address: \"127.0.0.1:0\"}\n"
    "  - {address: \"127.0.0.1:8081\", limits: {connections: {total: 5, per_user: 7},\n"
    "     messages: {per_minute: 100}, message_size: 2KiB, bytes: {per_second: 32KiB}}}\n"
    "auth: {jwt: [{algorithms: [HS256], secret: {file: jwt.secret}, issuer: null, audience: "
    "null}]}\n"
    "channels: [{pattern: \"public:chat\"}]\n" ROLES "routes:\n"
    "  - {path: /ws}\n"
    "  - {path: /feed, limits: {messages: {per_minute: 200, per_hour: 300}, message_size: 1KiB}}\n"
    "  - {path: /other, limits: {connections: {total: 9}}}\n"
    "limits:\n"
    "  roles:\n"
    "    guest: {messages: {per_minute: 10}, connections: {per_user: 1}}\n"
    "    partner: {messages: {per_minute: 600}, message_size: 1MiB,\n"
    "              bytes: {per_second: 64KiB, burst: 128KiB}}\n"
    "    admin: {subscribes: {per_minute: 77}, bytes: {per_second: 64KiB, burst: 256KiB}}\n";

enum { GUEST = 1, USER = 2, PARTNER = 4, ADMIN = 8 };

static struct effective_limits at(const struct options *o, uint32_t listener, uint32_t route,
                                  uint64_t roles)
{
    const struct limits_place place = {listener, route, roles};
    struct effective_limits e;

    effective_limits_at(&e, o, &place);
    return e;
}

static void expect(const struct effective_limits *e, enum limit_key key, uint64_t value,
                   enum limit_level level)
{
    assert_int_equal(e->of[key], value);
    assert_int_equal(e->level[key], level);
}

static void the_most_special_level_wins(void **state)
{
    struct options *o = load_good(text);
    struct effective_limits e = at(o, 0, 0, 0);

    (void)state;
    expect(&e, LIMIT_KEY_PER_MINUTE, 60, LIMIT_OF_ALL);
    expect(&e, LIMIT_KEY_SUBSCRIBES, 60, LIMIT_OF_ALL);
    expect(&e, LIMIT_KEY_MESSAGE_SIZE, 65536, LIMIT_OF_ALL);
    expect(&e, LIMIT_KEY_BYTES, 0, LIMIT_OF_ALL);
    e = at(o, 1, 0, USER);
    expect(&e, LIMIT_KEY_PER_MINUTE, 100, LIMIT_OF_LISTENER);
    expect(&e, LIMIT_KEY_SUBSCRIBES, 100, LIMIT_OF_LISTENER); /* follows the messages */
    expect(&e, LIMIT_KEY_PER_USER, 7, LIMIT_OF_LISTENER);
    expect(&e, LIMIT_KEY_PER_HOUR, 1000, LIMIT_OF_ALL);
    expect(&e, LIMIT_KEY_BYTES, 32768, LIMIT_OF_LISTENER);
    expect(&e, LIMIT_KEY_BURST, 32768, LIMIT_OF_LISTENER);
    e = at(o, 1, 1, USER);
    expect(&e, LIMIT_KEY_PER_MINUTE, 200, LIMIT_OF_ROUTE);
    expect(&e, LIMIT_KEY_MESSAGE_SIZE, 1024, LIMIT_OF_ROUTE);
    expect(&e, LIMIT_KEY_PER_USER, 7, LIMIT_OF_LISTENER);
    e = at(o, 1, 1, GUEST);
    expect(&e, LIMIT_KEY_PER_MINUTE, 10, LIMIT_OF_ROLE); /* although the route gives more */
    expect(&e, LIMIT_KEY_PER_HOUR, 300, LIMIT_OF_ROUTE);
    expect(&e, LIMIT_KEY_PER_USER, 1, LIMIT_OF_ROLE);
    options_free(o);
}

static void of_several_roles_the_most_generous_counts(void **state)
{
    struct options *o = load_good(text);
    struct effective_limits e = at(o, 1, 1, GUEST | USER | PARTNER | ADMIN);

    (void)state;
    expect(&e, LIMIT_KEY_PER_MINUTE, 600, LIMIT_OF_ROLE);
    assert_int_equal(o->limits.by_role[e.role[LIMIT_KEY_PER_MINUTE]].role, PARTNER);
    expect(&e, LIMIT_KEY_MESSAGE_SIZE, 1024 * 1024, LIMIT_OF_ROLE);
    expect(&e, LIMIT_KEY_PER_USER, 1, LIMIT_OF_ROLE); /* the others say nothing about it */
    expect(&e, LIMIT_KEY_SUBSCRIBES, 77, LIMIT_OF_ROLE);
    expect(&e, LIMIT_KEY_BYTES, 65536, LIMIT_OF_ROLE);
    expect(&e, LIMIT_KEY_BURST, 256 * 1024, LIMIT_OF_ROLE);
    assert_int_equal(o->limits.by_role[e.role[LIMIT_KEY_BURST]].role, ADMIN);
    e = at(o, 0, 0, PARTNER);
    expect(&e, LIMIT_KEY_SUBSCRIBES, 600, LIMIT_OF_ROLE); /* follows the messages here as well */
    expect(&e, LIMIT_KEY_BURST, 128 * 1024, LIMIT_OF_ROLE);
    options_free(o);
}

static void every_row_is_what_the_rule_says(void **state)
{
    struct options *o = load_good(text);
    struct limit_table *t = NULL;

    (void)state;
    assert_int_equal(options_limit_rows(o), 2 * 2 * 8);
    assert_int_equal(limit_table_new(&t, o), OK);
    for (uint32_t listener = 0; listener < 2; listener++)
        for (uint32_t route = 0; route < 3; route++)
            for (uint64_t roles = 0; roles < 32; roles++) {
                const struct limits_place place = {listener, route, roles};
                const struct limit_row *row = limit_table_row(t, &place);
                struct effective_limits e = at(o, listener, route, roles);
                uint64_t size = e.of[LIMIT_KEY_MESSAGE_SIZE];

                assert_int_equal(row->connections_per_user, e.of[LIMIT_KEY_PER_USER]);
                assert_int_equal(row->open.message_bytes, size);
                assert_int_equal(row->first.message_bytes, size < 10240 ? size : 10240);
                assert_int_equal(row->per_minute.interval_ns,
                                 (60000000000 + e.of[LIMIT_KEY_PER_MINUTE] - 1) /
                                     e.of[LIMIT_KEY_PER_MINUTE]);
                assert_int_equal(row->bytes_in.per_second, e.of[LIMIT_KEY_BYTES]);
                assert_true(row->open.expect_mask && row->open.accepts_text &&
                            !row->open.accepts_binary);
            }
    limit_table_free(t);
    limit_table_free(NULL);
    options_free(o);
}

static void numbers_are_written_as_the_file_has_them(void **state)
{
    char out[32];

    (void)state;
    limit_key_write(out, LIMIT_KEY_PER_MINUTE, 1024);
    assert_string_equal(out, "1024");
    limit_key_write(out, LIMIT_KEY_MESSAGE_SIZE, 65536);
    assert_string_equal(out, "64KiB");
    limit_key_write(out, LIMIT_KEY_MESSAGE_SIZE, 1000);
    assert_string_equal(out, "1000");
    limit_key_write(out, LIMIT_KEY_BURST, 3 << 20);
    assert_string_equal(out, "3MiB");
    limit_key_write(out, LIMIT_KEY_BYTES, 0);
    assert_string_equal(out, "none");
    for (unsigned i = 0; i < LIMIT_KEYS; i++)
        assert_string_not_equal(limit_key_text((enum limit_key)i), "unknown");
    assert_string_equal(limit_key_text(LIMIT_KEYS), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_special_level_wins),
        cmocka_unit_test(of_several_roles_the_most_generous_counts),
        cmocka_unit_test(every_row_is_what_the_rule_says),
        cmocka_unit_test(numbers_are_written_as_the_file_has_them),
    };

    return cmocka_run_group_tests_name("effective_limits", tests, fixture_open, fixture_close);
}
