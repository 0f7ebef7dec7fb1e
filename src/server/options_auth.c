/* SPDX-License-Identifier: Apache-2.0 */
/* options_auth.c: `auth` of a configuration: the ways to log in, each with a file of its own. */
#include "auth/hook.h"
#include "auth/introspection.h"
#include "server/options_load.h"

static const char *const csrf_names[] = {
    [CSRF_REQUIRED] = "required_for_cookies", [CSRF_ORIGIN_ONLY] = "origin_only", NULL};

const struct option options_auth_rows[] = {
    {.name = "timeout",
     .type = OPTION_MS,
     .offset = offsetof(struct loading, o.auth_timeout_ms),
     .min = 10,
     .max = 5 * 60 * 1000,
     .fallback = "10s",
     .help = "from the opening of a connection to its login; nothing extends it"},
    {.name = "max_token_age",
     .type = OPTION_MS,
     .offset = offsetof(struct loading, o.max_token_age_ms),
     .min = 1000,
     .max = (uint64_t)30 * 24 * 60 * 60 * 1000,
     .fallback = "24h",
     .help = "where a key has the scope `revoke`: tokens older than this (claim iat) are refused, "
             "and revocations kept that long"},
    {.name = "jwt",
     .type = OPTION_CUSTOM,
     .custom = options_read_jwt,
     .children = options_jwt_rows,
     .help = "who signs tokens"},
    {.name = "sessions", .type = OPTION_SECTION, .children = options_sessions_rows},
    {.name = "oauth2", .type = OPTION_SECTION, .children = options_oauth2_rows},
    {.name = "hook", .type = OPTION_SECTION, .children = options_hook_rows},
    {.name = "client_certificates",
     .type = OPTION_CUSTOM,
     .custom = options_read_certificates,
     .children = options_certificate_rows,
     .help = "which client certificate is which user; the first row that fits decides"},
    {.name = "csrf",
     .type = OPTION_ENUM,
     .offset = offsetof(struct loading, o.csrf),
     .choices = csrf_names,
     .fallback = "required_for_cookies",
     .help = "what a page must show beside a cookie: required_for_cookies (an allowed Origin and a "
             "one-time token) or origin_only; the price of that: nothing but the Origin stands "
             "between a user's session and a page of an origin on the list that an attacker can "
             "write to"},
    {0},
};

void options_clear_auth(struct options *o)
{
    options_clear_jwt(o);
    options_clear_certificates(o);
    options_clear_sessions(o);
    introspection_free(o->auth.introspection);
    hook_free(o->auth.hook);
}
