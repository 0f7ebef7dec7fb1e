/* SPDX-License-Identifier: Apache-2.0 */
/* One level after the other, the most special last. Rate and burst of bytes are one thing: whoever
 * says the rate says both. */
#include "server/effective_limits.h"

#include <inttypes.h>
#include <stdio.h>

struct merging {
    struct effective_limits *out;
    uint8_t level, role;
};

static void take(const struct merging *m, unsigned key, uint64_t value)
{
    m->out->of[key] = value;
    m->out->level[key] = m->level;
    m->out->role[key] = m->role;
}

static void take_bytes(const struct merging *m, const struct own_limits *own)
{
    take(m, LIMIT_KEY_BYTES, own->of[LIMIT_KEY_BYTES]);
    take(m, LIMIT_KEY_BURST, own->of[LIMIT_KEY_BURST]);
}

/* What a listener or a route says. */
static void lay_over(const struct merging *m, const struct own_limits *own)
{
    for (unsigned key = 0; key < LIMIT_KEYS; key++)
        if (key != LIMIT_KEY_BYTES && key != LIMIT_KEY_BURST && own->of[key] != 0)
            take(m, key, own->of[key]);
    if (own->of[LIMIT_KEY_BYTES] != 0)
        take_bytes(m, own);
}

/* What one of the user's roles says, behind others that may have said less. */
static void lay_role_over(const struct merging *m, const struct own_limits *own)
{
    const struct effective_limits *out = m->out;

    for (unsigned key = 0; key < LIMIT_KEYS; key++)
        if (key != LIMIT_KEY_BYTES && key != LIMIT_KEY_BURST && own->of[key] != 0 &&
            (out->level[key] != LIMIT_OF_ROLE || own->of[key] > out->of[key]))
            take(m, key, own->of[key]);
    if (own->of[LIMIT_KEY_BYTES] == 0)
        return;
    if (out->level[LIMIT_KEY_BYTES] != LIMIT_OF_ROLE ||
        own->of[LIMIT_KEY_BYTES] > out->of[LIMIT_KEY_BYTES] ||
        (own->of[LIMIT_KEY_BYTES] == out->of[LIMIT_KEY_BYTES] &&
         own->of[LIMIT_KEY_BURST] > out->of[LIMIT_KEY_BURST]))
        take_bytes(m, own);
}

static void derive(struct effective_limits *out, unsigned key, unsigned from)
{
    out->of[key] = out->of[from];
    out->level[key] = out->level[from];
    out->role[key] = out->role[from];
}

void effective_limits_at(struct effective_limits *out, const struct options *o,
                         const struct limits_place *at)
{
    const struct limit_options *l = &o->limits;
    struct merging m = {out, LIMIT_OF_ALL, 0};
    uint64_t *of = out->of;

    *out = (struct effective_limits){.of = {0}};
    for (unsigned key = 0; key < LIMIT_KEYS; key++)
        take(&m, key, l->all.of[key]);
    m.level = LIMIT_OF_LISTENER;
    lay_over(&m, &o->listeners[at->listener].limits);
    m.level = LIMIT_OF_ROUTE;
    lay_over(&m, &o->routes[at->route].limits);
    m.level = LIMIT_OF_ROLE;
    for (uint32_t i = 0; i < l->by_role_count; i++) {
        m.role = (uint8_t)i;
        if ((l->by_role[i].role & at->roles) != 0)
            lay_role_over(&m, &l->by_role[i].limits);
    }
    if (of[LIMIT_KEY_SUBSCRIBES] == 0)
        derive(out, LIMIT_KEY_SUBSCRIBES, LIMIT_KEY_PER_MINUTE);
    if (of[LIMIT_KEY_BURST] == 0 && of[LIMIT_KEY_BYTES] != 0)
        of[LIMIT_KEY_BURST] = of[LIMIT_KEY_BYTES] > of[LIMIT_KEY_MESSAGE_SIZE]
                                  ? of[LIMIT_KEY_BYTES]
                                  : of[LIMIT_KEY_MESSAGE_SIZE];
}

/* --- for people --- */

const char *limit_key_text(enum limit_key key)
{
    static const char *const names[LIMIT_KEYS] = {
        [LIMIT_KEY_PER_USER] = "connections.per_user",
        [LIMIT_KEY_PER_MINUTE] = "messages.per_minute",
        [LIMIT_KEY_PER_HOUR] = "messages.per_hour",
        [LIMIT_KEY_CONTROL] = "control_frames.per_minute",
        [LIMIT_KEY_SUBSCRIBES] = "subscribes.per_minute",
        [LIMIT_KEY_BYTES] = "bytes.per_second",
        [LIMIT_KEY_BURST] = "bytes.burst",
        [LIMIT_KEY_MESSAGE_SIZE] = "message_size",
    };

    return (unsigned)key < LIMIT_KEYS ? names[key] : "unknown";
}

void limit_key_write(char out[32], enum limit_key key, uint64_t value)
{
    bool is_size =
        key == LIMIT_KEY_BYTES || key == LIMIT_KEY_BURST || key == LIMIT_KEY_MESSAGE_SIZE;

    if (is_size && value == 0)
        (void)snprintf(out, 32, "none");
    else if (is_size && value % (1024 * 1024) == 0)
        (void)snprintf(out, 32, "%" PRIu64 "MiB", value / 1024 / 1024);
    else if (is_size && value % 1024 == 0)
        (void)snprintf(out, 32, "%" PRIu64 "KiB", value / 1024);
    else
        (void)snprintf(out, 32, "%" PRIu64, value);
}
