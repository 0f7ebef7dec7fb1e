/* SPDX-License-Identifier: Apache-2.0 */
/* conn_table.c: the total is one atomic number; per prefix there is a memo entry whose holders are
 * its connections, with the rate of new ones inside. What is taken first is given back when a later
 * check refuses, so a refusal never leaks a count. */
#include "limit/conn_table.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/status.h"
#include "limit/memo.h"

/* When a connection will end is not known: try again in a second. */
#define CONN_RETRY_MS 1000
/* Prefixes remembered beyond those that may be connected: after they have left, until their rate of
 * new connections is idle again. As many again as connections, and not too few on small servers. */
#define CONN_SPARE_PREFIXES 1024

struct conn_table {
    struct memo *memo;
    struct conn_limits limits;
    atomic_uint_least32_t total;
};

struct conn_prefix {
    struct memo_entry entry;
    struct rate_shared rate;
};

/* Family and key, without the padding of struct ip_prefix. */
struct prefix_key {
    char bytes[9];
};

static uint64_t prefix_idle_ns(const struct memo_entry *entry)
{
    const struct conn_prefix *p = (const struct conn_prefix *)entry;

    return atomic_load_explicit(&p->rate.arrival_ns, memory_order_relaxed);
}

static const struct memo_kind prefix_kind = {sizeof(struct conn_prefix), prefix_idle_ns};

static struct prefix_key key_of(struct ip_prefix prefix)
{
    struct prefix_key key;

    key.bytes[0] = (char)prefix.family;
    memcpy(key.bytes + 1, &prefix.key, sizeof(prefix.key));
    return key;
}

int conn_table_new(struct conn_table **out, const struct conn_limits *limits)
{
    struct conn_table *t;
    size_t prefixes;
    int rc;

    if (!size_mul(limits->total, 2, &prefixes) ||
        !size_add(prefixes, CONN_SPARE_PREFIXES, &prefixes))
        return E_LIMIT;
    t = malloc(sizeof(*t));
    if (t == NULL)
        return E_NOMEM;
    rc = memo_new(&t->memo, prefixes, &prefix_kind);
    if (rc != OK) {
        free(t);
        return rc;
    }
    t->limits = *limits;
    atomic_init(&t->total, 0);
    *out = t;
    return OK;
}

void conn_table_free(struct conn_table *t)
{
    if (t == NULL)
        return;
    memo_free(t->memo);
    free(t);
}

static bool total_take(struct conn_table *t)
{
    uint_least32_t seen = atomic_load_explicit(&t->total, memory_order_relaxed);

    do {
        if (seen >= t->limits.total)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&t->total, &seen, seen + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static bool is_waived(struct conn_entry *e, enum conn_verdict verdict)
{
    if ((e->waived >> verdict & 1) == 0)
        return false;
    e->exceeded |= 1U << verdict;
    return true;
}

/* The two checks that come after the connection was counted in at its prefix. */
static enum conn_verdict enter_counted(struct conn_table *t, struct conn_prefix *p,
                                       struct conn_entry *e)
{
    const struct rate_limit *limit = &t->limits.new_per_ip;

    if (!rate_shared_take(&p->rate, limit, e->now_ns) && !is_waived(e, CONN_TOO_FAST)) {
        e->wait_ms = rate_shared_wait_ms(&p->rate, limit, e->now_ns);
        return CONN_TOO_FAST;
    }
    return total_take(t) ? CONN_OK : CONN_FULL;
}

static int hold_prefix(struct conn_table *t, struct ip_prefix prefix, struct conn_entry *e,
                       struct memo_entry **out)
{
    struct prefix_key key = key_of(prefix);
    struct view name = view_of(key.bytes, sizeof(key.bytes));
    int rc = memo_hold(t->memo, name, t->limits.per_ip, e->now_ns, out);

    if (rc == E_LIMIT && is_waived(e, CONN_PER_IP))
        rc = memo_hold(t->memo, name, UINT32_MAX, e->now_ns, out);
    return rc;
}

enum conn_verdict conn_table_enter_waived(struct conn_table *t, struct ip_prefix prefix,
                                          struct conn_entry *e)
{
    struct memo_entry *entry;
    enum conn_verdict verdict;
    int rc;

    e->wait_ms = CONN_RETRY_MS;
    e->exceeded = 0;
    /* Asked here already, so that a full server neither makes entries nor uses up rates. */
    if (conn_table_total(t) >= t->limits.total)
        return CONN_FULL;
    if (prefix.family == 0) {
        verdict = total_take(t) ? CONN_OK : CONN_FULL;
        goto done;
    }
    rc = hold_prefix(t, prefix, e, &entry);
    if (rc != OK)
        return rc == E_LIMIT ? CONN_PER_IP : CONN_FULL;
    verdict = enter_counted(t, (struct conn_prefix *)entry, e);
    if (verdict != CONN_OK)
        memo_drop(t->memo, entry, e->now_ns);
done:
    if (verdict == CONN_OK)
        e->wait_ms = 0;
    return verdict;
}

enum conn_verdict conn_table_enter(struct conn_table *t, struct ip_prefix prefix, uint64_t now_ns,
                                   uint64_t *wait_ms)
{
    struct conn_entry entry = {.now_ns = now_ns};
    enum conn_verdict verdict = conn_table_enter_waived(t, prefix, &entry);

    *wait_ms = entry.wait_ms;
    return verdict;
}

void conn_table_leave(struct conn_table *t, struct ip_prefix prefix, uint64_t now_ns)
{
    struct prefix_key key = key_of(prefix);
    uint_least32_t before;

    if (prefix.family != 0)
        memo_drop_key(t->memo, view_of(key.bytes, sizeof(key.bytes)), now_ns);
    before = atomic_fetch_sub_explicit(&t->total, 1, memory_order_relaxed);
    ASSERT(before > 0);
}

uint32_t conn_table_total(const struct conn_table *t)
{
    return atomic_load_explicit(&t->total, memory_order_relaxed);
}

size_t conn_table_prefixes(const struct conn_table *t)
{
    return memo_count(t->memo);
}
