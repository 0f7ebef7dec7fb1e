/* SPDX-License-Identifier: Apache-2.0 */
/* options_hook_test.c: `auth.hook`: what it takes, what is refused and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options_fixture.h"

#define HOOK(text) LISTEN CHANNELS AUTH "  hook: {" text "}\n"
#define URL        "url: https://app.example.com/whoami"

static void without_the_key_nobody_is_asked(void **state)
{
    struct options *o = load_good(BASE);

    (void)state;
    assert_null(o->auth.hook);
    options_free(o);
}

static void a_url_is_enough(void **state)
{
    struct options *o = load_good(HOOK(URL));

    (void)state;
    assert_non_null(o->auth.hook);
    options_free(o);
    o = load_good(
        HOOK("url: \"http://127.0.0.1:8000/whoami\", ca: ca.crt, headers: [Cookie, Authorization], "
             "user: /data/id, roles: /data/roles, tenant: /data/org, expires_in: /ttl, "
             "session: /sid, cache: 0s, recheck: 5s, expires: 10m, timeout: 1s"));
    assert_non_null(o->auth.hook);
    options_free(o);
}

static void values_that_are_refused(void **state)
{
    (void)state;
    assert_fault(HOOK("user: /user"), "t:5:9: `url` is missing");
    assert_fault(HOOK("url: \"http://app.example.com/\""),
                 "t:5:15: `url` must begin with https://");
    assert_fault(HOOK(URL ", headers: []"), "an empty list");
    assert_fault(HOOK(URL ", headers: Cookie"), "t:5:");
    assert_fault(HOOK(URL ", headers: [Host]"), "`Host` is not forwarded");
    assert_fault(HOOK(URL ", headers: [X-Forwarded-For]"), "`X-Forwarded-For` is not forwarded");
    assert_fault(HOOK(URL ", headers: [\"a b\"]"), "`a b` is not forwarded");
    assert_fault(HOOK(URL ", headers: [Cookie, cookie]"), "`cookie` stands here a second time");
    assert_fault(HOOK(URL ", headers: [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q]"), "t:5:");
    assert_fault(HOOK(URL ", user: user"), "`user` is no JSON pointer (RFC 6901), such as /user");
    assert_fault(HOOK(URL ", session: /a~b"), "`session` is no JSON pointer");
    assert_fault(HOOK(URL ", recheck: 1500ms"), "`recheck` must be whole seconds");
    assert_fault(HOOK(URL ", timeout: 50ms"), "`timeout`");
    assert_fault(HOOK(URL ", method: POST"), "unknown key `method`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_key_nobody_is_asked),
        cmocka_unit_test(a_url_is_enough),
        cmocka_unit_test(values_that_are_refused),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
