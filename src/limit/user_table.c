/* SPDX-License-Identifier: Apache-2.0 */
/* user_table.c: a memo whose entries matter until both of their limits are full again, which is
 * when both theoretical arrival times have passed. */
#include "limit/user_table.h"

#include <stdlib.h>

#include "base/status.h"

#define USER_MEMORY_MAX_NS (UINT64_C(30) * 24 * 3600 * 1000000000)

struct user_table {
    struct memo *memo;
};

static uint64_t usage_idle_ns(const struct memo_entry *entry)
{
    const struct user_usage *usage = (const struct user_usage *)entry;
    uint64_t minute = atomic_load_explicit(&usage->per_minute.arrival_ns, memory_order_relaxed);
    uint64_t hour = atomic_load_explicit(&usage->per_hour.arrival_ns, memory_order_relaxed);

    return minute > hour ? minute : hour;
}

static const struct memo_kind user_kind = {sizeof(struct user_usage), usage_idle_ns};

/* A limit that refuses everything never has anything to remember. */
static bool is_forgotten_in_time(const struct rate_limit *limit)
{
    if (limit->interval_ns == RATE_REFUSES)
        return true;
    return limit->tolerance_ns <= USER_MEMORY_MAX_NS &&
           limit->interval_ns <= USER_MEMORY_MAX_NS - limit->tolerance_ns;
}

int user_table_new(struct user_table **out, size_t max_users, const struct rate_limit *per_minute,
                   const struct rate_limit *per_hour)
{
    struct user_table *t;
    int rc;

    if (!is_forgotten_in_time(per_minute) || !is_forgotten_in_time(per_hour))
        return E_LIMIT;
    t = malloc(sizeof(*t));
    if (t == NULL)
        return E_NOMEM;
    rc = memo_new(&t->memo, max_users, &user_kind);
    if (rc != OK) {
        free(t);
        return rc;
    }
    *out = t;
    return OK;
}

void user_table_free(struct user_table *t)
{
    if (t == NULL)
        return;
    memo_free(t->memo);
    free(t);
}

int user_table_hold(struct user_table *t, struct view user, uint32_t max_holders, uint64_t now_ns,
                    struct user_usage **out)
{
    struct memo_entry *entry;
    int rc = memo_hold(t->memo, user, max_holders, now_ns, &entry);

    if (rc != OK)
        return rc;
    *out = (struct user_usage *)entry;
    return OK;
}

void user_table_drop(struct user_table *t, struct user_usage *usage)
{
    /* Without the time only an entry that was never used is forgotten here; holds do the rest. */
    memo_drop(t->memo, &usage->entry, 0);
}

size_t user_table_count(struct user_table *t)
{
    return memo_count(t->memo);
}
