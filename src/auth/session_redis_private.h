/* SPDX-License-Identifier: Apache-2.0 */
/* session_redis_private.h: what the session_redis*.c files share. Of a session they know its tail:
 * what stands for the id in its key. Of ours that is the SHA-256 of the id, so that who reads the
 * store cannot log in; other programs use the id itself. */
#ifndef AUTH_SESSION_REDIS_PRIVATE_H
#define AUTH_SESSION_REDIS_PRIVATE_H

#include <pthread.h>

#include "auth/session_redis.h"
#include "base/map.h"

struct session_tail {
    uint16_t len;
    char text[SESSION_ID_MAX];
    uint8_t session[IDENTITY_SESSION_BYTES];
};
/* What one reading of a session says. */
struct session_reading {
    enum auth_verdict verdict;
    const char *fault;
    struct session_facts facts; /* where AUTH_OK, like all below; who is complete */
    uint64_t value_hash;
    int64_t idle_until_s; /* when Redis forgets it; 0: never */
};
struct session_watch { /* one session, however many connections live by it */
    struct redis_ask ask;
    struct session_redis *owner;
    struct link link; /* in owner->ring, unless it is being asked about */
    uint32_t watchers;
    bool is_asked;
    bool is_ended;  /* as far as has been read; a lookup may find it again */
    bool is_known;  /* who, value_hash and ends_at_s are of a reading */
    bool is_full;   /* the question under way is for the value and the time to live */
    bool must_tell; /* somebody watches it who was not there when it ended */
    uint64_t next_ms, asked_ms;
    uint64_t seen_ms;   /* when the last question was put that it answered */
    uint64_t linger_ms; /* kept until then though nobody watches it; 0: not */
    uint64_t value_hash;
    int64_t ends_at_s; /* 0: Redis forgets it in time */
    int64_t touched_at_s;
    struct identity who;
    struct session_tail tail;
};
struct session_redis {
    struct session_store store;
    struct redis *redis;
    enum session_decoder decoder;
    struct session_shape shape;
    char *pointers[5]; /* what shape points to */
    char *key_before, *key_after;
    struct hmac_key *secrets[SESSION_SECRETS_MAX];
    uint64_t stale_ms, hash_key[2];
    pthread_mutex_t lock; /* for the next four */
    struct map watches;
    struct link ring; /* the one to be read next comes first */
    uint32_t lingering;
    bool is_refused;    /* the server answers, but refuses what we ask */
    struct arena arena; /* thread of the connection only */
};

/* --- session_redis.c --- */

/* False: no id that this store could hold. */
bool session_redis_tail(const struct session_redis *s, struct session_tail *out, struct view id);
/* The key of a session. */
#define SESSION_REDIS_KEY_BYTES (SESSION_KEY_MAX + SESSION_ID_MAX)
struct session_key {
    char text[SESSION_REDIS_KEY_BYTES];
    size_t len;
};
struct view session_redis_key(const struct session_redis *s, struct session_key *space,
                              struct view tail);
/* Asks for value and time to live. As redis_ask. */
int session_redis_ask_full(struct session_redis *s, struct redis_ask *ask, struct view tail);
/* On the thread of the connection: what the answer to that means. */
void session_redis_read(struct session_redis *s, const struct redis_ask *ask,
                        const struct redis_value *reply, const struct session_tail *tail,
                        struct session_reading *out);
/* Tells once that the server refuses, or takes, what we ask. */
void session_redis_note(struct session_redis *s, const struct redis_ask *ask,
                        const struct redis_value *reply);

/* --- session_redis_watch.c --- */

void session_redis_turn(void *context, uint64_t now_ms);
/* A session was read by a lookup: watchers hear of a change, and one who watches soon knows from
 * which state on. */
void session_redis_seen(struct session_redis *s, const struct session_tail *tail,
                        const struct session_reading *reading);
/* It has been ended through us. */
void session_redis_ended(struct session_redis *s, struct view tail, enum session_end why);
/* The identity, where it was read within the last second. */
bool session_redis_recall(struct session_redis *s, const struct session_tail *tail, int64_t wall_s,
                          struct identity *who);
struct session_watch *session_redis_watch(struct session_store *store, struct view id);
void session_redis_touch(struct session_store *store, struct session_watch *watch, int64_t wall_s);
void session_redis_unwatch(struct session_store *store, struct session_watch *watch);
void session_redis_clear_watches(struct session_redis *s);

/* --- session_redis_do.c --- */

#define SESSION_USER_KEY_BYTES 128
/* The key of the sorted set of a user's sessions, ours only: tails by the second they idle out. */
struct view session_redis_user_key(char space[SESSION_USER_KEY_BYTES], struct view user);
void session_redis_operate(struct session_store *store, struct session_op *op);
/* One of ours is used now: until when Redis keeps it. Not waited for. */
void session_redis_prolong(struct session_redis *s, struct view tail, struct view user,
                           int64_t idle_until_s);

#endif
