/* SPDX-License-Identifier: Apache-2.0 */
/* answer_cache.c: sets of eight places; a key may stand in one set alone, chosen by a hash under a
 * key of our own: who sends tokens knows their SHA-256 and could otherwise fill one set at will.
 * Neighbouring sets share a lock. */
#include "auth/answer_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/random.h"
#include "base/status.h"

#define WAYS  8
#define LOCKS 64

struct place {
    uint64_t until_ms; /* 0: empty */
    uint8_t key[ANSWER_KEY_BYTES];
    struct auth_answer answer;
};
struct answer_cache {
    uint64_t hash_key[2];
    size_t sets; /* a power of two */
    struct place *places;
    pthread_mutex_t locks[LOCKS];
};

int answer_cache_new(struct answer_cache **out, size_t entries)
{
    struct answer_cache *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return E_NOMEM;
    c->sets = 1;
    while (c->sets * WAYS < entries)
        c->sets *= 2;
    /* Pages that nobody has written to cost nothing. */
    c->places = calloc(c->sets * WAYS, sizeof(*c->places));
    if (c->places == NULL) {
        free(c);
        return E_NOMEM;
    }
    random_bytes(c->hash_key, sizeof(c->hash_key));
    for (size_t i = 0; i < LOCKS; i++)
        (void)pthread_mutex_init(&c->locks[i], NULL);
    *out = c;
    return OK;
}

void answer_cache_free(struct answer_cache *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < LOCKS; i++)
        (void)pthread_mutex_destroy(&c->locks[i]);
    free(c->places);
    free(c);
}

static size_t set_of(const struct answer_cache *c, const uint8_t key[ANSWER_KEY_BYTES])
{
    return (size_t)siphash(c->hash_key, key, ANSWER_KEY_BYTES) & (c->sets - 1);
}

static struct place *place_of(struct place *set, const uint8_t key[ANSWER_KEY_BYTES])
{
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].until_ms != 0 && memcmp(set[i].key, key, ANSWER_KEY_BYTES) == 0)
            return &set[i];
    }
    return NULL;
}

/* An empty place has ended first of all. */
static struct place *soonest(struct place *set)
{
    struct place *found = set;

    for (size_t i = 1; i < WAYS; i++) {
        if (set[i].until_ms < found->until_ms)
            found = &set[i];
    }
    return found;
}

bool answer_cache_find(struct answer_cache *c, const uint8_t key[ANSWER_KEY_BYTES], uint64_t now_ms,
                       struct auth_answer *out)
{
    size_t set = set_of(c, key);
    pthread_mutex_t *lock = &c->locks[set % LOCKS];
    struct place *place;
    bool is_found;

    (void)pthread_mutex_lock(lock);
    place = place_of(&c->places[set * WAYS], key);
    is_found = place != NULL && now_ms < place->until_ms;
    if (is_found)
        *out = place->answer;
    (void)pthread_mutex_unlock(lock);
    return is_found;
}

void answer_cache_put(struct answer_cache *c, const uint8_t key[ANSWER_KEY_BYTES],
                      const struct auth_answer *answer, struct answer_life life)
{
    size_t set = set_of(c, key);
    pthread_mutex_t *lock = &c->locks[set % LOCKS];
    struct place *place;

    (void)pthread_mutex_lock(lock);
    place = place_of(&c->places[set * WAYS], key);
    if (life.until_ms <= life.now_ms) {
        if (place != NULL)
            memset(place, 0, sizeof(*place));
    } else {
        if (place == NULL)
            place = soonest(&c->places[set * WAYS]);
        memcpy(place->key, key, ANSWER_KEY_BYTES);
        place->answer = *answer;
        place->until_ms = life.until_ms;
    }
    (void)pthread_mutex_unlock(lock);
}
