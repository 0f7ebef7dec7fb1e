/* SPDX-License-Identifier: Apache-2.0 */
/* jwks_source.h: when the key set of an issuer is downloaded, and how long it is believed. Knows no
 * thread, no clock and no network: times come from the caller, what is to be done goes through
 * `ops`. jwks_url.h gives it a real network. */
#ifndef AUTH_JWKS_SOURCE_H
#define AUTH_JWKS_SOURCE_H

#include "auth/jwks.h"
#include "net/fetch.h"

/* A provider's word (Cache-Control, Expires) is followed between these two. The upper one is half
 * of JWKS_STALE_MAX_S, so that an outage at any moment leaves half a day to notice. */
#define JWKS_REFRESH_MIN_S     (5u * 60)
#define JWKS_REFRESH_MAX_S     (12u * 60 * 60)
#define JWKS_REFRESH_DEFAULT_S (60u * 60)
/* Keys end so long after the last good download. */
#define JWKS_STALE_MAX_S (24u * 60 * 60)
/* Tokens that name unknown keys cause one download in this time, whatever became of the last. It
 * counts for all names together, so there is no table of names that a stranger could fill. */
#define JWKS_COOLDOWN_MS 30000u
/* Failed downloads are repeated after 1 s, 2 s, 4 s, ... While there are keys nobody notices, so
 * the pause grows to a minute; without keys everybody waits, so it stays below five seconds. */
#define JWKS_RETRY_MIN_MS         1000u
#define JWKS_RETRY_MAX_MS         60000u
#define JWKS_RETRY_MAX_KEYLESS_MS 4000u /* and a quarter more at most, by chance */

enum jwks_health { JWKS_FETCHED, JWKS_FAILED, JWKS_STALE };

struct jwks_news {
    enum jwks_health health;
    bool is_change;         /* the health was another before, or this is the first news */
    bool has_keys;          /* keys are in force now */
    const char *code;       /* stable word: why it failed; "fetched" */
    const char *text;       /* for people: what about the set is wrong; may be empty */
    uint32_t keys, ignored; /* of a set that was fetched */
};

struct jwks_source_ops {
    /* Begins one download; jwks_source_answer is called later, exactly once, unless this fails. */
    int (*fetch)(void *context);
    /* jwks_source_turn is to be called then; forgets what was said before. */
    void (*wake)(void *context, uint64_t at_ms);
    void (*tell)(void *context, const struct jwks_news *news);
};

struct jwks_source {         /* embedded in its owner; one thread */
    struct key_source *keys; /* the caller's */
    uint32_t algorithms;
    const struct jwks_source_ops *ops;
    void *context;
    uint64_t jitter;     /* state of random_jitter */
    uint64_t started_ms; /* the last download */
    uint64_t next_ms;    /* the next one by itself */
    uint64_t drop_ms;    /* the end of the keys, while there are any */
    uint32_t failures;   /* since the last good download */
    bool is_fetching, is_asked, has_keys, has_told;
    enum jwks_health told;
};

/* Takes over nothing. Seeds its jitter by itself. */
void jwks_source_init(struct jwks_source *s, struct key_source *keys, uint32_t algorithms,
                      const struct jwks_source_ops *ops, void *context);
/* The first download. */
void jwks_source_start(struct jwks_source *s, uint64_t now_ms);
/* A token named a key that is not in the set. */
void jwks_source_ask(struct jwks_source *s, uint64_t now_ms);
void jwks_source_turn(struct jwks_source *s, uint64_t now_ms);
void jwks_source_answer(struct jwks_source *s, const struct fetch_answer *answer, uint64_t now_ms);

#endif
