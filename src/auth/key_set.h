/* SPDX-License-Identifier: Apache-2.0 */
/* key_set.h: the public keys of one issuer. A set never changes: who wants other keys makes another
 * set and puts it in the place of the old one, which ends when its last reader lets go of it. */
#ifndef AUTH_KEY_SET_H
#define AUTH_KEY_SET_H

#include "auth/jwk.h"
#include "auth/jwt.h"

struct jws;

#define KEY_SET_KEYS_MAX 100
/* So many keys at most are tried for one token, however little it says about its key: a
 * verification costs a hundred times what the rest of a token does. */
#define KEY_SET_TRIES_MAX 4

struct key_set;

/* An empty set with room for `room` keys (at most KEY_SET_KEYS_MAX), held once. E_LIMIT, E_NOMEM.
 */
int key_set_new(struct key_set **out, uint32_t room);
/* Only before anyone else sees the set. On success the key is the set's. E_EXISTS: there is a key
 * of that id already. E_LIMIT: no room, or too many keys without id. */
int key_set_add(struct key_set *set, const struct jwk *key);
/* Only before anyone else sees the set: counts a key that was left out, and keeps the first reason.
 */
void key_set_ignore(struct key_set *set, const struct error *why);
/* From any thread. NULL may be dropped. */
struct key_set *key_set_keep(struct key_set *set);
void key_set_drop(struct key_set *set);

uint32_t key_set_count(const struct key_set *set);
/* NULL past the end. */
const struct jwk *key_set_at(const struct key_set *set, uint32_t index);
uint32_t key_set_ignored(const struct key_set *set);
/* Why the first of them was left out: "key 2 is not for ..."; "" when none was. */
const char *key_set_ignored_why(const struct key_set *set);

/* JWT_OK when a key of exactly the algorithm that the token names has signed it. A token that names
 * a key is tried with that key, or with those that have no id where there is none of its name; one
 * that names none is tried with all. More than KEY_SET_TRIES_MAX keys to try is
 * JWT_UNKNOWN_KEY. */
enum jwt_fault key_set_check(const struct key_set *set, const struct jws *jws);

/* Would key_set_check use a key whose signatures take long to verify: P-384, P-521, or RSA over
 * KEY_SET_QUICK_RSA_BITS? */
#define KEY_SET_QUICK_RSA_BITS 4096
bool key_set_is_slow(const struct key_set *set, const struct jws *jws);
/* Is there any such key? */
bool key_set_has_slow(const struct key_set *set);

/* The place from which readers on any thread take the set that holds now. */
struct key_source;

/* Takes the caller's hold on `set`, which may be NULL: none yet. E_NOMEM. */
int key_source_new(struct key_source **out, struct key_set *set);
void key_source_free(struct key_source *source);
/* Before anyone reads: whoever fills this source is told, on the reader's thread, of each token of
 * one of `algorithms` (see jwk.h) whose key the set lacks. It may not wait. */
void key_source_follow(struct key_source *source, uint32_t algorithms,
                       void (*missed)(void *context), void *context);
/* The set that holds now, to be dropped; NULL while there is none. */
struct key_set *key_source_keep(struct key_source *source);
/* key_set_check with the set that holds now. JWT_UNAVAILABLE: there is none, and the token is of an
 * algorithm that it would serve. */
enum jwt_fault key_source_check(struct key_source *source, const struct jws *jws);
/* From now on `set`, whose hold it takes (NULL: none); the keys of the old set serve nobody who
 * asks later. */
void key_source_replace(struct key_source *source, struct key_set *set);

#endif
