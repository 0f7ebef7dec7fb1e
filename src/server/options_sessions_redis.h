/* SPDX-License-Identifier: Apache-2.0 */
/* options_sessions_redis.h: private to server/options*.c: auth.sessions.redis while it is read. */
#ifndef SERVER_OPTIONS_SESSIONS_REDIS_H
#define SERVER_OPTIONS_SESSIONS_REDIS_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/session_redis.h"
#include "base/buf.h"

struct session_redis_draft {
    char *url, *ca, *username, *key, *user, *roles, *tenant, *expires, *created;
    char *ca_path; /* of ca, from the directory of the file */
    struct buf password, secrets[SESSION_SECRETS_MAX];
    unsigned secrets_count;
    int decoder; /* enum session_decoder */
    bool weak_secret_accepted, insecure_plaintext;
    uint64_t stale_ms, timeout_ms;
};

#endif
