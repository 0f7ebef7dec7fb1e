/* SPDX-License-Identifier: Apache-2.0 */
/* key_set.c: which keys a token is tried with, and how a set lives and is replaced. The lock of a
 * source guards one pointer and is held for a few instructions; a verification runs outside it, on
 * a set that its reader holds. */
#include "auth/key_set.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "auth/jws.h"
#include "base/assert.h"
#include "base/status.h"

struct key_set {
    atomic_uint holds;
    uint32_t count, room, without_id, ignored;
    struct error ignored_why;
    struct jwk keys[];
};

struct key_source {
    pthread_mutex_t lock;
    struct key_set *set;
    uint32_t algorithms; /* 0: nobody fills it */
    void (*missed)(void *context);
    void *context;
};

int key_set_new(struct key_set **out, uint32_t room)
{
    struct key_set *set;

    if (room > KEY_SET_KEYS_MAX)
        return E_LIMIT;
    set = calloc(1, sizeof(*set) + room * sizeof(set->keys[0]));
    if (set == NULL)
        return E_NOMEM;
    atomic_init(&set->holds, 1);
    set->room = room;
    *out = set;
    return OK;
}

int key_set_add(struct key_set *set, const struct jwk *key)
{
    if (set->count >= set->room)
        return E_LIMIT;
    if (!key->has_key_id && set->without_id >= KEY_SET_TRIES_MAX)
        return E_LIMIT;
    for (uint32_t i = 0; key->has_key_id && i < set->count; i++) {
        if (set->keys[i].has_key_id && view_eq(jwk_id(&set->keys[i]), jwk_id(key)))
            return E_EXISTS;
    }
    set->without_id += !key->has_key_id;
    set->keys[set->count++] = *key;
    return OK;
}

void key_set_ignore(struct key_set *set, const struct error *why)
{
    if (set->ignored++ == 0)
        set->ignored_why = *why;
}

struct key_set *key_set_keep(struct key_set *set)
{
    unsigned before = atomic_fetch_add_explicit(&set->holds, 1, memory_order_relaxed);

    ASSERT(before > 0);
    return set;
}

void key_set_drop(struct key_set *set)
{
    /* Acquire and release: whoever frees sees all that the others did with the set. */
    if (set == NULL || atomic_fetch_sub_explicit(&set->holds, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < set->count; i++)
        jwk_clear(&set->keys[i]);
    free(set);
}

uint32_t key_set_count(const struct key_set *set)
{
    return set->count;
}

const struct jwk *key_set_at(const struct key_set *set, uint32_t index)
{
    return index < set->count ? &set->keys[index] : NULL;
}

uint32_t key_set_ignored(const struct key_set *set)
{
    return set->ignored;
}

const char *key_set_ignored_why(const struct key_set *set)
{
    return set->ignored_why.text;
}

static bool serves(const struct jwk *key, const struct jws *jws)
{
    return view_eq(jws->algorithm, view_of_text(signature_name(jwk_algorithm(key))));
}

static bool has_named_key(const struct key_set *set, const struct jws *jws)
{
    for (uint32_t i = 0; jws->has_key_id && i < set->count; i++) {
        const struct jwk *key = &set->keys[i];

        if (key->has_key_id && view_eq(jwk_id(key), jws->key_id) && serves(key, jws))
            return true;
    }
    return false;
}

/* Is this key, of the right algorithm, to be tried? A key without id answers to names that no key
 * has. */
static bool is_meant(const struct jwk *key, const struct jws *jws, bool is_named)
{
    if (is_named)
        return key->has_key_id && view_eq(jwk_id(key), jws->key_id);
    return !key->has_key_id || !jws->has_key_id;
}

/* The keys that the token is to be tried with. */
struct choice {
    const struct jwk *keys[KEY_SET_TRIES_MAX];
    uint32_t count;
};

/* The answer where none of the keys has signed the token because there is none to try. */
static enum jwt_fault choose(struct choice *choice, const struct key_set *set,
                             const struct jws *jws)
{
    enum jwt_fault fault = JWT_ALGORITHM;
    bool is_named = has_named_key(set, jws);

    choice->count = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (!serves(&set->keys[i], jws))
            continue;
        fault = JWT_UNKNOWN_KEY;
        if (!is_meant(&set->keys[i], jws, is_named))
            continue;
        if (choice->count == KEY_SET_TRIES_MAX) {
            choice->count = 0;
            return JWT_UNKNOWN_KEY;
        }
        choice->keys[choice->count++] = &set->keys[i];
    }
    return fault;
}

static bool is_slow(const struct jwk *key)
{
    switch (jwk_algorithm(key)) {
    case SIGNATURE_ES384:
    case SIGNATURE_ES512:
        return true;
    case SIGNATURE_ES256:
    case SIGNATURE_EDDSA:
        return false;
    default: /* RSA */
        return signature_key_bits(key->key) > KEY_SET_QUICK_RSA_BITS;
    }
}

bool key_set_is_slow(const struct key_set *set, const struct jws *jws)
{
    struct choice choice;

    (void)choose(&choice, set, jws);
    for (uint32_t i = 0; i < choice.count; i++)
        if (is_slow(choice.keys[i]))
            return true;
    return false;
}

bool key_set_has_slow(const struct key_set *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (is_slow(&set->keys[i]))
            return true;
    return false;
}

enum jwt_fault key_set_check(const struct key_set *set, const struct jws *jws)
{
    struct choice choice;
    enum jwt_fault fault = choose(&choice, set, jws);

    for (uint32_t i = 0; i < choice.count; i++) {
        if (signature_verify(choice.keys[i]->key, jws->signed_part.ptr, jws->signed_part.len,
                             jws->signature.ptr, jws->signature.len) == OK)
            return JWT_OK;
        fault = JWT_SIGNATURE;
    }
    return fault;
}

int key_source_new(struct key_source **out, struct key_set *set)
{
    struct key_source *source = calloc(1, sizeof(*source));

    if (source == NULL)
        return E_NOMEM;
    if (pthread_mutex_init(&source->lock, NULL) != 0) {
        free(source);
        return E_NOMEM;
    }
    source->set = set;
    *out = source;
    return OK;
}

void key_source_free(struct key_source *source)
{
    if (source == NULL)
        return;
    key_set_drop(source->set);
    (void)pthread_mutex_destroy(&source->lock);
    free(source);
}

struct key_set *key_source_keep(struct key_source *source)
{
    struct key_set *set;

    (void)pthread_mutex_lock(&source->lock);
    set = source->set == NULL ? NULL : key_set_keep(source->set);
    (void)pthread_mutex_unlock(&source->lock);
    return set;
}

void key_source_replace(struct key_source *source, struct key_set *set)
{
    struct key_set *old;

    (void)pthread_mutex_lock(&source->lock);
    old = source->set;
    source->set = set;
    (void)pthread_mutex_unlock(&source->lock);
    key_set_drop(old);
}

void key_source_follow(struct key_source *source, uint32_t algorithms,
                       void (*missed)(void *context), void *context)
{
    source->algorithms = algorithms;
    source->missed = missed;
    source->context = context;
}

static bool is_followed(const struct key_source *source, const struct jws *jws)
{
    int algorithm = signature_find(jws->algorithm);

    return algorithm >= 0 && (source->algorithms & (UINT32_C(1) << algorithm)) != 0;
}

enum jwt_fault key_source_check(struct key_source *source, const struct jws *jws)
{
    struct key_set *set = key_source_keep(source);
    enum jwt_fault fault = set == NULL ? JWT_ALGORITHM : key_set_check(set, jws);
    bool is_missing = set == NULL;

    key_set_drop(set);
    if ((fault != JWT_ALGORITHM && fault != JWT_UNKNOWN_KEY) || !is_followed(source, jws))
        return fault;
    if (is_missing)
        return JWT_UNAVAILABLE;
    source->missed(source->context);
    return fault;
}
