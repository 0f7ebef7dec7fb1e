/* SPDX-License-Identifier: Apache-2.0 */
/* session_redis.h: sessions in a Redis or Valkey server: ours, which several gatewards then share,
 * or those of an existing application, which are read and ended, never changed. Any thread. */
#ifndef AUTH_SESSION_REDIS_H
#define AUTH_SESSION_REDIS_H

#include "auth/session_foreign.h"
#include "net/redis.h"

#define SESSION_KEY_MAX      256  /* of a key in Redis, without the id */
#define SESSIONS_OF_USER_MAX 1000 /* of ours: logged in at a time */

enum session_decoder {
    SESSION_DECODER_GATEWARD, /* ours */
    SESSION_DECODER_EXPRESS,  /* express-session with connect-redis */
    SESSION_DECODER_JSON      /* an id in a cookie, a JSON text under a key */
};
struct session_redis_options { /* starts zeroed; everything is copied but roles */
    struct redis_options
        redis; /* url, ca_path, username, password, deadline_ms; the rest is ours */
    enum session_decoder decoder;
    struct view secrets[SESSION_SECRETS_MAX];            /* of express */
    const char *key;                                     /* with {id} once; NULL: sess:{id} */
    const char *user, *roles_pointer, *tenant, *expires; /* pointers; NULL: the usual places */
    const char *created;                                 /* the same; NULL: nobody knows */
    const struct role_set *roles;
    uint32_t idle_s, absolute_s;
    uint32_t stale_s; /* a watched session that could not be read for so long ends */
};
/* Connects to nobody. E_INVALID, E_IO, E_NOMEM with *why. */
int session_redis_new(struct session_store **out, const struct session_redis_options *options,
                      struct error *why);
/* A key template: printable, {id} once. */
bool session_key_ok(struct view key);

#endif
