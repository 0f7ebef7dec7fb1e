/* SPDX-License-Identifier: Apache-2.0 */
/* The names of limits. What keeps the process itself alive is not among those that can be waived,
 * and says why. */
#include "limit/limit_name.h"

#include <stddef.h>

static const char *const names[LIMIT_NAMES] = {
    [LIMIT_PER_IP] = "connections.per_ip",
    [LIMIT_PER_USER] = "connections.per_user",
    [LIMIT_PER_LISTENER] = "connections.per_listener",
    [LIMIT_PER_ROUTE] = "connections.per_route",
    [LIMIT_HANDSHAKES] = "handshakes",
    [LIMIT_BANS] = "bans",
    [LIMIT_MESSAGES] = "messages",
    [LIMIT_CONTROL_FRAMES] = "control_frames",
    [LIMIT_SUBSCRIBES] = "subscribes",
    [LIMIT_BYTES] = "bytes",
};

static const char memory[] = "it bounds the memory that a peer can make grow";
static const struct {
    const char *name, *why;
} always[] = {
    {"connections.total", "each connection takes a descriptor, and there are only so many"},
    {"handshakes.tls_at_once", "it refuses nobody: who is over it waits"},
    {"memory", memory},
    {"message_size", memory},
    {"fragments", memory},
    {"assembly", memory},
    {"subscriptions", memory},
    {"channels", memory},
    {"users", memory},
    {"queue", memory},
    {"history", memory},
    {"presence", memory},
};

const char *limit_name_text(enum limit_name name)
{
    return (unsigned)name < LIMIT_NAMES ? names[name] : "unknown";
}

bool limit_name_find(enum limit_name *out, struct view text)
{
    for (unsigned i = 0; i < LIMIT_NAMES; i++) {
        if (!view_eq(text, view_of_text(names[i])))
            continue;
        *out = (enum limit_name)i;
        return true;
    }
    return false;
}

/* queue.size as well as queue. */
static bool is_at_or_below(struct view text, struct view name)
{
    return view_eq(text, name) ||
           (text.len > name.len && text.ptr[name.len] == '.' && view_starts_with(text, name));
}

const char *limit_name_always(struct view text)
{
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        if (is_at_or_below(text, view_of_text(always[i].name)))
            return always[i].why;
    return NULL;
}
