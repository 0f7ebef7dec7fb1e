/* SPDX-License-Identifier: Apache-2.0 */
/* options_asked.h: private to server/options*.c: auth.oauth2, auth.hook and
 * injection_engine while they are read. */
#ifndef SERVER_OPTIONS_ASKED_H
#define SERVER_OPTIONS_ASKED_H

#include "auth/hook.h"
#include "base/buf.h"

struct oauth2_draft {
    bool is_on;
    char *url, *ca, *client_id, *issuer, *audience, *user_claim, *roles_claim, *tenant_claim;
    struct buf ca_pem, client_secret, scopes; /* scopes: names with single blanks */
    int client_authentication;
    uint64_t cache_ms, recheck_ms, timeout_ms, skew_ms;
};
struct hook_draft {
    bool is_on;
    char *url, *ca, *headers[HOOK_HEADERS_MAX], *user, *roles, *tenant, *expires_in, *session;
    unsigned headers_count;
    struct buf ca_pem;
    uint64_t cache_ms, recheck_ms, expires_ms, timeout_ms;
};
struct injection_draft {
    char *module, *rules;
};

#endif
