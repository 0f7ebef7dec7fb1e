/* SPDX-License-Identifier: Apache-2.0 */
/* answer_cache.h: what others have said of a token or of a request, kept for a while under a hash
 * of it. A table of fixed size: where a place is wanted, the answer that ends soonest gives way,
 * which is a refusal before it is a yes. Any thread. */
#ifndef AUTH_ANSWER_CACHE_H
#define AUTH_ANSWER_CACHE_H

#include "access/identity.h"
#include "auth/auth.h"

#define ANSWER_KEY_BYTES     32
#define ANSWER_CACHE_ENTRIES 65536

struct auth_answer {
    enum auth_verdict verdict;
    const char *fault; /* constant text */
    struct identity who;
};

struct answer_cache;
/* entries: rounded up to a power of two. E_NOMEM. */
int answer_cache_new(struct answer_cache **out, size_t entries);
void answer_cache_free(struct answer_cache *c); /* NULL is fine */
bool answer_cache_find(struct answer_cache *c, const uint8_t key[ANSWER_KEY_BYTES], uint64_t now_ms,
                       struct auth_answer *out);
/* Takes the place of what was kept under the key; until_ms that is not in the future: only removes
 * that. */
struct answer_life {
    uint64_t now_ms, until_ms;
};
void answer_cache_put(struct answer_cache *c, const uint8_t key[ANSWER_KEY_BYTES],
                      const struct auth_answer *answer, struct answer_life life);

#endif
