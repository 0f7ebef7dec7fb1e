/* SPDX-License-Identifier: Apache-2.0 */
/* redis_url_test.c: addresses of Redis servers, good ones and bad ones, against a guard page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"
#include "net/redis_url.h"
#include "three_ways.h"

static const struct {
    const char *text, *host, *user;
    unsigned port, database;
    bool is_unix, has_tls, is_local;
} good[] = {
    {"redis://localhost", "localhost", "", 6379, 0, false, false, true},
    {"redis://localhost/", "localhost", "", 6379, 0, false, false, true},
    {"redis://redis:7000/3", "redis", "", 7000, 3, false, false, false},
    {"rediss://gate@cache.example.com:6380", "cache.example.com", "gate", 6380, 0, false, true,
     false},
    {"rediss://[2001:db8::1]:1/65535", "2001:db8::1", "", 1, 65535, false, true, false},
    {"redis://[::1]", "::1", "", 6379, 0, false, false, true},
    {"redis://127.0.0.2:6379", "127.0.0.2", "", 6379, 0, false, false, true},
    {"redis://127.example.com", "127.example.com", "", 6379, 0, false, false, false},
    {"unix:/run/redis.sock", "/run/redis.sock", "", 6379, 0, true, false, true},
    {"unix:/run/redis.sock?db=2", "/run/redis.sock", "", 6379, 2, true, false, true},
};

static const char *const bad[] = {
    "",
    "redis:",
    "redis://",
    "http://localhost",
    "redis://user:secret@localhost",
    "redis://:secret@localhost",
    "redis://@localhost",
    "redis://a%20b@localhost",
    "redis://localhost:0",
    "redis://localhost:65536",
    "redis://localhost:",
    "redis://localhost:x",
    "redis://localhost/65536",
    "redis://localhost/x",
    "redis://localhost/1/2",
    "redis://[::1",
    "redis://[::1]x",
    "redis://[]",
    "redis://[::g]",
    "redis://lo calhost",
    "redis://-x",
    "redis://localhost?db=1",
    "unix:",
    "unix:redis.sock",
    "unix:/s?",
    "unix:/s?db=",
    "unix:/s?x=1",
    ("unix:/"
     "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
     "9012345678901234567"),
    "REDIS://localhost",
    "redis://b\xc3\xbc"
    "cher",
};

static void good_addresses_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct guarded g = guarded_copy(good[i].text, strlen(good[i].text));
        struct redis_url u;

        assert_int_equal(redis_url_parse(&u, view_of(g.data, strlen(good[i].text)), NULL), OK);
        assert_string_equal(u.host, good[i].host);
        assert_string_equal(u.user, good[i].user);
        assert_int_equal(u.port, good[i].port);
        assert_int_equal(u.database, good[i].database);
        assert_int_equal(u.is_unix, good[i].is_unix);
        assert_int_equal(u.has_tls, good[i].has_tls);
        assert_int_equal(redis_url_is_local(&u), good[i].is_local);
        guarded_free(&g);
    }
}

static void bad_addresses_are_refused_without_being_repeated(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct guarded g = guarded_copy(bad[i], strlen(bad[i]));
        struct redis_url u = {.port = 7};
        struct error why = {{0}, 0, 0};

        assert_int_equal(redis_url_parse(&u, view_of(g.data, strlen(bad[i])), &why), E_INVALID);
        assert_int_equal(u.port, 7);
        assert_true(why.text[0] != '\0');
        assert_null(strstr(why.text, "secret"));
        guarded_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses_are_read),
        cmocka_unit_test(bad_addresses_are_refused_without_being_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
