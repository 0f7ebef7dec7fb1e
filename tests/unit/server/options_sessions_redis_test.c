/* SPDX-License-Identifier: Apache-2.0 */
/* options_sessions_redis_test.c: `auth.sessions.redis`: what makes a store, what is refused and
 * where. No server is needed: reading a configuration connects to nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/session_store.h"
#include "options_fixture.h"

#define REDIS(more, text)                                                                          \
    LISTEN CHANNELS AUTH "  sessions: {store: redis" more ", redis: {" text "}}\n"
#define LOCAL   "url: \"redis://localhost\""
#define EXPRESS LOCAL ", decoder: express"

static bool takes_cookie(const struct options *o, const char *value)
{
    char space[SESSION_ID_MAX];
    struct view id;
    const struct session_store *s = o->sessions.redis;

    return s->ops->id_of_cookie(s, view_of_text(value), space, &id);
}

static void a_store_is_made(void **state)
{
    struct options *o = load_good(REDIS("", LOCAL));

    (void)state;
    assert_int_equal(o->sessions.store, SESSIONS_REDIS);
    assert_non_null(o->sessions.redis);
    assert_ptr_equal(o->sessions.redis->roles, &o->policy.roles);
    assert_int_equal(o->sessions.redis->idle_s, 30 * 60);
    assert_int_equal(o->sessions.redis->absolute_s, 12 * 60 * 60);
    assert_true(takes_cookie(o, "AAAAAAAAAAAAAAAAAAAAAA"));
    assert_false(takes_cookie(o, "AAAAAAAAAAAAAAAAAAAAAB"));
    options_free(o);
    o = load_good(REDIS("", "url: \"unix:/run/redis.sock?db=3\", timeout: 200ms, stale: 30s"));
    options_free(o);
    o = load_good(REDIS("", "url: \"rediss://cache.example.com\", ca: ca.crt, username: gate, "
                            "password: {file: jwt.secret}"));
    options_free(o);
    o = load_good(REDIS("", "url: \"redis://redis:6379\", insecure_plaintext: true"));
    options_free(o);
    o = load_good(REDIS("", LOCAL ", decoder: json, key: \"app:{id}\", user: /u, roles: /r, "
                                  "tenant: /t, expires: /e"));
    assert_true(takes_cookie(o, "0123456789abcdef"));
    options_free(o);
}

static void cookies_of_express_are_checked_with_the_secret(void **state)
{
    static const char *const cookie =
        "s%3A4fSQ0Hd5oNq2tVb8rPzA1kLmXyWcEgJu.cLxYNTONkDPI0R3GpDqv6PJsnvF%2BsoU3HlyUcpfpcME";
    struct options *o;

    (void)state;
    fixture_write("extra", "keyboard cat", 12, 0600);
    o = load_good(REDIS("", EXPRESS ", secret: {file: jwt.secret}"));
    assert_false(takes_cookie(o, cookie));
    options_free(o);
    assert_fault(REDIS("", EXPRESS ", secret: {file: extra}"), "`secret`");
    o = load_good(REDIS("", EXPRESS ", weak_secret_accepted: true, "
                                    "secret: [{file: jwt.secret}, {file: extra}]"));
    assert_true(takes_cookie(o, cookie));
    options_free(o);
    assert_fault(REDIS("", EXPRESS ", secret: [{file: jwt.secret}, {file: jwt.secret}]"),
                 "`secret` is the same one twice");
    assert_fault(REDIS("", EXPRESS ", secret: []"), "a list of two while they change");
    assert_fault(REDIS("", EXPRESS), "`secret` is missing");
    assert_fault(REDIS("", EXPRESS ", secret: \"keyboard cat\""),
                 "a secret does not stand in the configuration");
    assert_fault(REDIS("", EXPRESS ", secret: {file: jwt.secret, kid: a}"), "`kid`");
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *text, *fault;
    } rows[] = {
        {LISTEN CHANNELS AUTH "  sessions: {store: redis}\n", "t:5:13: `redis` is missing"},
        {LISTEN CHANNELS AUTH "  sessions: {redis: {" LOCAL "}}\n",
         "`redis` goes with `store: redis` only"},
        {REDIS("", ""), "`url` is missing"},
        {REDIS("", "url: \"http://localhost\""), "`url` must begin with rediss://"},
        {REDIS("", "url: \"redis://redis:6379\""), "`url` leads to another machine"},
        {REDIS("", "url: \"redis://a:hidden@localhost\""), "`url` a password does not stand"},
        {REDIS("", "url: \"redis://a@localhost\""), "`password` is missing"},
        {REDIS("", "url: \"redis://a@localhost\", username: b, password: {file: jwt.secret}"),
         "`username` stands in the `url` too"},
        {REDIS("", LOCAL ", username: a"), "`password` is missing"},
        {REDIS("", LOCAL ", password: hidden"), "a secret does not stand in the configuration"},
        {REDIS("", LOCAL ", ca: ca.crt"), "`ca` goes with rediss:// only"},
        {REDIS("", "url: \"rediss://localhost\", ca: jwt.secret"), "`ca` cannot read"},
        {REDIS("", LOCAL ", secret: {file: jwt.secret}"), "`secret` goes with `decoder: express`"},
        {REDIS("", LOCAL ", weak_secret_accepted: true"), "goes with `decoder: express` only"},
        {REDIS("", LOCAL ", key: \"a:{id}\""), "`key` goes with `decoder: express` or `json`"},
        {REDIS("", LOCAL ", user: /a"), "`user` goes with"},
        {REDIS("", EXPRESS ", secret: {file: jwt.secret}, expires: /a"), "`expires` goes with"},
        {REDIS("", LOCAL ", decoder: json"), "`key` is missing"},
        {REDIS("", LOCAL ", decoder: json, key: \"a\""), "`key` has {id} in it once"},
        {REDIS("", LOCAL ", decoder: json, key: \"{id}{id}\""), "`key` has {id} in it once"},
        {REDIS("", LOCAL ", decoder: json, key: \"{id}\", user: name"), "`user` is a JSON pointer"},
        {REDIS("", LOCAL ", decoder: json, key: \"{id}\", roles: /~2"),
         "`roles` is a JSON pointer"},
        {REDIS(", idle: 5m", LOCAL ", decoder: json, key: \"{id}\""), "`idle` has no meaning here"},
        {REDIS(", max: 5", LOCAL), "`max` goes with `store: memory`"},
        {REDIS(", file: a.db", LOCAL), "`file` goes with `store: sqlite` only"},
        {REDIS("", LOCAL ", stale: 5500ms"), "`stale` must be whole seconds"},
        {REDIS("", LOCAL ", stale: 1s"), "`stale`"},
        {REDIS("", LOCAL ", timeout: 1m"), "`timeout`"},
        {REDIS("", LOCAL ", decoder: rails"), "`decoder`"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_fault(rows[i].text, rows[i].fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_is_made),
        cmocka_unit_test(cookies_of_express_are_checked_with_the_secret),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
