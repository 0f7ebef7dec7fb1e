/* SPDX-License-Identifier: Apache-2.0 */
/* Rows lie by listener, route and roles, in this order; what has no numbers of its own shares place
 * 0 with all others of its kind. */
#include "server/limit_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

#define FIRST_MESSAGE_BYTES (10u * 1024u) /* before authentication: a token and its wrapping */

struct limit_table {
    uint8_t listener_place[LISTENERS_MAX], route_place[ROUTES_MAX];
    uint32_t routes;                 /* places */
    uint32_t roles_count;            /* those with numbers of their own */
    uint64_t roles[LIMIT_ROLES_MAX]; /* their bits; the others are 0 */
    struct limit_row rows[];
};

static void make_row(struct limit_row *row, const struct options *o, const struct limits_place *at)
{
    struct effective_limits e;
    const uint64_t *of = e.of;

    effective_limits_at(&e, o, at);
    row->per_minute =
        rate_limit_make(of[LIMIT_KEY_PER_MINUTE], 60 * 1000, of[LIMIT_KEY_PER_MINUTE]);
    row->per_hour = rate_limit_make(of[LIMIT_KEY_PER_HOUR], 3600 * 1000, of[LIMIT_KEY_PER_HOUR]);
    row->control_frames = rate_limit_make(of[LIMIT_KEY_CONTROL], 60 * 1000, of[LIMIT_KEY_CONTROL]);
    row->subscribes =
        rate_limit_make(of[LIMIT_KEY_SUBSCRIBES], 60 * 1000, of[LIMIT_KEY_SUBSCRIBES]);
    row->bytes_in = flow_limit_make(of[LIMIT_KEY_BYTES], of[LIMIT_KEY_BURST]);
    row->connections_per_user = (uint32_t)of[LIMIT_KEY_PER_USER];
    row->open = (struct ws_limits){.message_bytes = of[LIMIT_KEY_MESSAGE_SIZE],
                                   .fragments = (uint32_t)o->limits.fragments,
                                   .inflate_ratio = 100,
                                   .expect_mask = true,
                                   .accepts_text = true};
    row->first = row->open;
    if (row->first.message_bytes > FIRST_MESSAGE_BYTES)
        row->first.message_bytes = FIRST_MESSAGE_BYTES;
}

static size_t index_of(const struct limit_table *t, const struct limits_place *at)
{
    size_t place = (size_t)t->listener_place[at->listener] * t->routes + t->route_place[at->route];
    size_t combination = 0;

    for (uint32_t i = 0; i < LIMIT_ROLES_MAX; i++)
        combination |= (size_t)((t->roles[i] & at->roles) != 0) << i;
    return (place << t->roles_count) + combination;
}

/* Is it the first at its place? The others there would make the same rows. */
static bool is_first(const uint8_t *places, uint32_t index)
{
    return memchr(places, places[index], index) == NULL;
}

static void make_rows(struct limit_table *t, const struct options *o, struct limits_place at)
{
    for (uint32_t combination = 0; combination < 1U << t->roles_count; combination++) {
        at.roles = 0;
        for (uint32_t i = 0; i < LIMIT_ROLES_MAX; i++)
            at.roles |= (combination >> i & 1) != 0 ? t->roles[i] : 0;
        make_row(&t->rows[index_of(t, &at)], o, &at);
    }
}

int limit_table_new(struct limit_table **out, const struct options *o)
{
    struct limit_table *t =
        calloc(1, sizeof(*t) + options_limit_rows(o) * sizeof(struct limit_row));
    uint8_t places = 0;

    if (t == NULL)
        return E_NOMEM;
    for (uint32_t i = 0; i < o->listeners_count; i++)
        t->listener_place[i] = own_limits_are_said(&o->listeners[i].limits) ? ++places : 0;
    places = 0;
    for (uint32_t i = 0; i < o->routes_count; i++)
        t->route_place[i] = own_limits_are_said(&o->routes[i].limits) ? ++places : 0;
    t->routes = places + 1U;
    for (uint32_t i = 0; i < o->limits.by_role_count; i++)
        t->roles[i] = o->limits.by_role[i].role;
    t->roles_count = o->limits.by_role_count;
    for (uint32_t l = 0; l < o->listeners_count; l++)
        for (uint32_t r = 0; r < o->routes_count; r++)
            if (is_first(t->listener_place, l) && is_first(t->route_place, r))
                make_rows(t, o, (struct limits_place){l, r, 0});
    *out = t;
    return OK;
}

void limit_table_free(struct limit_table *t)
{
    free(t);
}

const struct limit_row *limit_table_row(const struct limit_table *t, const struct limits_place *at)
{
    return &t->rows[index_of(t, at)];
}
