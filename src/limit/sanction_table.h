/* SPDX-License-Identifier: Apache-2.0 */
/* sanction_table.h: who may not speak in a channel, who may not be there at all, and which channels
 * are closed; each until a time. Any thread; a mutex a shard, and none while the table is empty.
 * Bounded: where there is no room the new one is refused, and nothing that still holds is
 * forgotten. Times are milliseconds of one monotonic clock. */
#ifndef LIMIT_SANCTION_TABLE_H
#define LIMIT_SANCTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

/* In the order of their weight. */
enum sanction_kind { SANCTION_CLOSED, SANCTION_KICKED, SANCTION_MUTED, SANCTION_KINDS };

struct sanction {
    enum sanction_kind kind;
    struct view channel, user; /* of SANCTION_CLOSED the user is empty */
    /* Put by an administrator: it holds for administrators too, and only one of them changes it. */
    bool by_admin;
};

#define SANCTIONS_MAX           65536 /* users in channels, and channels */
#define SANCTIONS_CHANNEL_MAX   1024  /* users of one channel */
#define SANCTION_NAME_BYTES_MAX 512   /* of channel and user together */

struct sanction_table;
int sanction_table_new(struct sanction_table **out); /* E_NOMEM */
void sanction_table_free(struct sanction_table *t);  /* NULL is fine */
/* Holds until then, longer or shorter than before. E_FULL; E_DENIED: an administrator has put what
 * is there, and by_admin is not set; E_LIMIT: names too long; E_NOMEM. Nothing changes on failure.
 */
int sanction_table_put(struct sanction_table *t, const struct sanction *s, uint64_t until_ms,
                       uint64_t now_ms);
/* E_MISSING: there is none; E_DENIED as above. */
int sanction_table_lift(struct sanction_table *t, const struct sanction *s, uint64_t now_ms);

struct sanction_question {
    struct view channel, user;
    bool is_admin; /* then only a closed channel and what administrators have put counts */
    bool speaks;   /* SANCTION_MUTED counts too */
    uint64_t now_ms;
};
/* The weightiest that holds: *kind and for how long. False: none does. */
bool sanction_table_find(struct sanction_table *t, const struct sanction_question *asked,
                         enum sanction_kind *kind, uint64_t *left_ms);
/* All that holds for one user in one channel, or for one channel (user empty). */
struct sanction_row {
    uint16_t channel_bytes, user_bytes;
    bool by_admin[SANCTION_KINDS];
    uint64_t left_ms[SANCTION_KINDS]; /* 0: it does not hold */
    char names[SANCTION_NAME_BYTES_MAX];
};
struct sanction_page {
    struct view channel;                   /* of this one alone; empty: of all */
    struct view after_channel, after_user; /* behind this row; empty: from the first */
    uint64_t now_ms;
    size_t room;
};
/* Up to `room` rows in the order of channels and users. How many is the answer. */
size_t sanction_table_page(struct sanction_table *t, const struct sanction_page *page,
                           struct sanction_row *rows);
/* Forgets what is over, in one of the shards; call it about once a second. */
void sanction_table_sweep(struct sanction_table *t, uint64_t now_ms);
size_t sanction_table_count(const struct sanction_table *t); /* records, those that are over too */

#endif
