/* SPDX-License-Identifier: Apache-2.0 */
/* ban_table.c: a fixed array of sets of WAYS entries; an address's hash, keyed so that nobody can
 * aim at a set, says which. Failures are counted by GCRA (rate.h) in the entry. Times are monotonic
 * and never 0. */
#include "limit/ban_table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/random.h"
#include "base/status.h"
#include "limit/rate.h"

#define WAYS   8
#define SHARDS 64
#define SETS   (BAN_ENTRIES / WAYS)

struct entry {
    struct rate failures;
    uint64_t until_ns;  /* end of the last ban */
    uint64_t forget_ns; /* from when on the entry says nothing; 0: it is free */
    struct ip_address address;
    uint32_t times;
};

struct ban_table {
    struct ban_limits limits;
    struct rate_limit rate;
    uint64_t key[2];
    pthread_mutex_t locks[SHARDS];
    struct entry entries[BAN_ENTRIES];
};

int ban_table_new(struct ban_table **out, const struct ban_limits *limits)
{
    struct ban_table *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return E_NOMEM;
    t->limits = *limits;
    /* One less passes: the one that does not is the failure that bans. */
    t->rate = rate_limit_make(limits->failures, limits->within_ns / 1000000, limits->failures - 1);
    random_bytes(t->key, sizeof(t->key));
    for (int i = 0; i < SHARDS; i++)
        (void)pthread_mutex_init(&t->locks[i], NULL);
    *out = t;
    return OK;
}

void ban_table_free(struct ban_table *t)
{
    if (t == NULL)
        return;
    for (int i = 0; i < SHARDS; i++)
        (void)pthread_mutex_destroy(&t->locks[i]);
    free(t);
}

static size_t set_of(const struct ban_table *t, struct ip_prefix prefix)
{
    uint8_t bytes[9];

    memcpy(bytes, &prefix.key, sizeof(prefix.key));
    bytes[8] = prefix.family;
    return (size_t)(siphash(t->key, bytes, sizeof(bytes)) % SETS);
}

static struct entry *find(struct ban_table *t, size_t set, struct ip_prefix prefix, uint64_t now_ns)
{
    for (size_t i = 0; i < WAYS; i++) {
        struct entry *e = &t->entries[set * WAYS + i];
        if (e->forget_ns > now_ns && ip_prefix_eq(ip_prefix_of(&e->address), prefix))
            return e;
    }
    return NULL;
}

/* Who is banned stays before who is not, and then who matters longer. */
static bool matters_less(const struct entry *a, const struct entry *b, uint64_t now_ns)
{
    bool a_banned = a->until_ns > now_ns, b_banned = b->until_ns > now_ns;

    if (a_banned != b_banned)
        return b_banned;
    return a->forget_ns < b->forget_ns;
}

static struct entry *make(struct ban_table *t, size_t set, uint64_t now_ns)
{
    struct entry *least = &t->entries[set * WAYS];

    for (size_t i = 1; i < WAYS; i++) {
        struct entry *e = &t->entries[set * WAYS + i];
        if (matters_less(e, least, now_ns))
            least = e;
    }
    *least = (struct entry){.forget_ns = 0};
    return least;
}

static uint64_t length_of(const struct ban_limits *limits, uint32_t times)
{
    uint64_t length = limits->first_ns;

    for (uint32_t i = 1; i < times && length < limits->longest_ns; i++)
        length *= 2;
    return length < limits->longest_ns ? length : limits->longest_ns;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool count(struct ban_table *t, struct entry *e, uint64_t now_ns, struct ban *ban)
{
    if (rate_take(&e->failures, &t->rate, now_ns)) {
        e->forget_ns = later(e->forget_ns, now_ns + t->limits.within_ns);
        return false;
    }
    e->failures = (struct rate){0};
    if (e->times < UINT32_MAX)
        e->times++;
    ban->left_ns = length_of(&t->limits, e->times);
    ban->times = e->times;
    ban->address = e->address;
    e->until_ns = now_ns + ban->left_ns;
    e->forget_ns = e->until_ns + t->limits.longest_ns;
    return true;
}

bool ban_table_fail(struct ban_table *t, const struct ip_address *address, uint64_t now_ns,
                    struct ban *ban)
{
    struct ip_prefix prefix = ip_prefix_of(address);
    size_t set = set_of(t, prefix);
    pthread_mutex_t *lock = &t->locks[set % SHARDS];
    struct entry *e;
    bool is_ban = false;

    if (prefix.family == 0)
        return false;
    (void)pthread_mutex_lock(lock);
    e = find(t, set, prefix, now_ns);
    if (e == NULL)
        e = make(t, set, now_ns);
    e->address = *address;
    if (e->until_ns <= now_ns) /* what was under way when the ban began makes it no longer */
        is_ban = count(t, e, now_ns, ban);
    (void)pthread_mutex_unlock(lock);
    return is_ban;
}

bool ban_table_put(struct ban_table *t, const struct ip_address *address, uint64_t length_ns,
                   uint64_t now_ns)
{
    struct ip_prefix prefix = ip_prefix_of(address);
    size_t set = set_of(t, prefix);
    pthread_mutex_t *lock = &t->locks[set % SHARDS];
    struct entry *e;

    if (prefix.family == 0)
        return false;
    (void)pthread_mutex_lock(lock);
    e = find(t, set, prefix, now_ns);
    if (e == NULL)
        e = make(t, set, now_ns);
    e->address = *address;
    e->failures = (struct rate){0};
    e->times += e->times == 0;
    e->until_ns = now_ns + length_ns;
    e->forget_ns = e->until_ns + t->limits.longest_ns;
    (void)pthread_mutex_unlock(lock);
    return true;
}

uint64_t ban_table_left_ns(struct ban_table *t, const struct ip_address *address, uint64_t now_ns)
{
    struct ip_prefix prefix = ip_prefix_of(address);
    size_t set = set_of(t, prefix);
    pthread_mutex_t *lock = &t->locks[set % SHARDS];
    const struct entry *e;
    uint64_t left_ns = 0;

    (void)pthread_mutex_lock(lock);
    e = find(t, set, prefix, now_ns);
    if (e != NULL && e->until_ns > now_ns)
        left_ns = e->until_ns - now_ns;
    (void)pthread_mutex_unlock(lock);
    return left_ns;
}

size_t ban_table_list(struct ban_table *t, uint64_t now_ns, struct ban *out, size_t max)
{
    size_t found = 0;

    for (size_t set = 0; set < SETS; set++) {
        pthread_mutex_t *lock = &t->locks[set % SHARDS];
        (void)pthread_mutex_lock(lock);
        for (size_t i = 0; i < WAYS; i++) {
            const struct entry *e = &t->entries[set * WAYS + i];
            if (e->until_ns <= now_ns)
                continue;
            if (found < max)
                out[found] = (struct ban){e->address, e->until_ns - now_ns, e->times};
            found++;
        }
        (void)pthread_mutex_unlock(lock);
    }
    return found;
}

bool ban_table_lift(struct ban_table *t, const struct ip_address *address, uint64_t now_ns)
{
    struct ip_prefix prefix = ip_prefix_of(address);
    size_t set = set_of(t, prefix);
    pthread_mutex_t *lock = &t->locks[set % SHARDS];
    struct entry *e;
    bool was_banned = false;

    (void)pthread_mutex_lock(lock);
    e = find(t, set, prefix, now_ns);
    if (e != NULL) {
        was_banned = e->until_ns > now_ns;
        *e = (struct entry){.forget_ns = 0};
    }
    (void)pthread_mutex_unlock(lock);
    return was_banned;
}
