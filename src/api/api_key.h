/* SPDX-License-Identifier: Apache-2.0 */
/* api_key.h: who may call the API, and for what. Built once from the configuration; any thread may
 * ask. Only the SHA-256 of a secret is needed to serve. */
#ifndef API_API_KEY_H
#define API_API_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/view.h"

#define API_KEYS_MAX     64
#define API_PATTERNS_MAX 64 /* scopes of one key that name channels */
#define API_PATTERN_MAX  256

enum api_scope {
    API_SCOPE_NONE = 0,
    API_SCOPE_TICKETS = 1,
    API_SCOPE_REVOKE = 2,
    API_SCOPE_PUBLISH = 4,
    API_SCOPE_SESSIONS = 8,
    API_SCOPE_BROADCAST = 16,     /* to everybody; to channels: publish */
    API_SCOPE_SUBSCRIPTIONS = 32, /* subscribe and unsubscribe users */
    API_SCOPE_DISCONNECT = 64,
    API_SCOPE_INSPECT = 128, /* who and what is there */
    API_SCOPE_MODERATE = 256,
    API_SCOPE_RELOAD = 512,
    API_SCOPE_BANS = 1024,
    API_SCOPE_PRESENCE = 2048, /* with channels, as publish */
    API_SCOPE_HISTORY = 4096,  /* the same */
    API_SCOPE_ANY = 8191       /* whichever a key has */
};

struct api_key {
    char name[65];
    uint8_t digest[32];
    unsigned scopes;   /* of enum api_scope */
    struct buf secret; /* kept for the command line; a server wipes it before it serves */
    uint32_t patterns_count;
    enum api_scope pattern_scopes[API_PATTERNS_MAX];
    char patterns[API_PATTERNS_MAX][API_PATTERN_MAX + 1];
};
struct api_keys {
    struct api_key *items;
    uint32_t count;
};

/* One more key without scopes. name: [A-Za-z0-9_-]{1,64}. The secret is copied; it must be of the
 * form of RFC 6750 section 2.1, or nobody could send it. E_INVALID, E_EXISTS (name or secret),
 * E_LIMIT, E_NOMEM, E_CRYPTO, each with *why. */
int api_keys_add(struct api_keys *keys, struct view name, struct view secret, struct error *why);
/* "publish:PATTERN", "presence:PATTERN", "history:PATTERN", or a word such as "tickets" (the tables
 * in api_key.c). A pattern is made like a channel name; a segment that is `*` stands for any one
 * segment. E_INVALID, E_EXISTS, E_LIMIT, with *why. */
int api_key_add_scope(struct api_key *key, struct view scope, struct error *why);
void api_keys_forget_secrets(struct api_keys *keys);
void api_keys_clear(struct api_keys *keys);
unsigned api_keys_scopes(const struct api_keys *keys); /* of all keys together */

/* The key whose secret stands in this Authorization value; NULL: none. Takes as long for the last
 * key as for the first, and for a wrong secret as for a right one. */
const struct api_key *api_keys_find(const struct api_keys *keys, struct view authorization);
/* Is `channel` (a channel name) under one of the key's patterns for this, segment by segment? */
bool api_key_may(const struct api_key *key, enum api_scope scope, struct view channel);

#endif
