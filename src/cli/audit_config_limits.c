/* SPDX-License-Identifier: Apache-2.0 */
/* audit_config_limits.c: every number that stops somebody, against the most that still stops
 * anybody. What the file does not say has its default, which is below all of these. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/audit_lint.h"
#include "limit/limit_name.h"

#define SECOND UINT64_C(1000)
#define HOUR   (3600 * SECOND)
#define MIB    (UINT64_C(1024) * 1024)

enum unit { UNIT_COUNT, UNIT_BYTES, UNIT_MS };
struct ceiling {
    const char *path;
    enum audit_point point;
    enum unit unit;
    size_t offset;
    uint64_t most;
    const char *why;
};
#define AT(field) offsetof(struct options, field)

static const struct ceiling ceilings[] = {
    {"limits.messages.per_minute", AUDIT_RATES, UNIT_COUNT, AT(limits.messages_per_minute), 6000,
     "more than 100 a second from one connection"},
    {"limits.messages.per_hour", AUDIT_RATES, UNIT_COUNT, AT(limits.messages_per_hour), 360000,
     "more than 100 a second from one connection"},
    {"limits.connections.per_ip", AUDIT_RATES, UNIT_COUNT, AT(limits.connections_per_ip), 10000,
     "one address is let in too often"},
    {"limits.handshakes.per_second", AUDIT_RATES, UNIT_COUNT, AT(limits.handshakes_per_second),
     5000, "handshakes cost the most of all"},
    {"limits.control_frames.per_minute", AUDIT_RATES, UNIT_COUNT,
     AT(limits.control_frames_per_minute), 60000, "each ping is answered"},
    {"limits.message_size", AUDIT_SIZE, UNIT_BYTES, AT(limits.message_bytes), MIB,
     "a message is kept in memory until it is complete"},
    {"limits.queue.size", AUDIT_SIZE, UNIT_BYTES, AT(limits.queue_bytes), 16 * MIB,
     "a reader that takes nothing holds this much"},
    {"limits.fragments", AUDIT_SIZE, UNIT_COUNT, AT(limits.fragments), 65536,
     "tiny frames cost more than their bytes"},
    {"auth.timeout", AUDIT_TIMEOUTS, UNIT_MS, AT(auth_timeout_ms), 30 * SECOND,
     "strangers hold connections this long"},
    {"timeouts.tls", AUDIT_TIMEOUTS, UNIT_MS, AT(timeouts.tls_ms), 30 * SECOND,
     "strangers hold connections this long"},
    {"timeouts.header", AUDIT_TIMEOUTS, UNIT_MS, AT(timeouts.header_ms), 30 * SECOND,
     "strangers hold connections this long"},
    {"limits.assembly", AUDIT_TIMEOUTS, UNIT_MS, AT(limits.assembly_ms), 120 * SECOND,
     "a message that never ends holds its memory this long"},
    {"limits.queue.stall", AUDIT_TIMEOUTS, UNIT_MS, AT(limits.queue_stall_ms), 60 * SECOND,
     "a reader that takes nothing stays this long"},
    {"timeouts.ping", AUDIT_PING, UNIT_MS, AT(timeouts.ping_ms), 120 * SECOND,
     "dead connections stay unnoticed"},
    {"timeouts.pong", AUDIT_PING, UNIT_MS, AT(timeouts.pong_ms), 60 * SECOND,
     "dead connections stay unnoticed"},
    {"timeouts.close", AUDIT_CLOSE, UNIT_MS, AT(timeouts.close_ms), 30 * SECOND,
     "who does not answer a Close stays this long"},
};
/* Only where the file has auth.sessions. */
static const struct ceiling session_ceilings[] = {
    {"auth.sessions.idle", AUDIT_TOKENS, UNIT_MS, AT(sessions.idle_ms), 24 * HOUR,
     "a forgotten browser stays logged in"},
    {"auth.sessions.absolute", AUDIT_TOKENS, UNIT_MS, AT(sessions.absolute_ms), 30 * 24 * HOUR,
     "a stolen session is good this long"},
};

static uint64_t value_of(const struct options *o, const struct ceiling *ceiling)
{
    uint64_t value;

    memcpy(&value, (const char *)o + ceiling->offset, sizeof(value));
    return value;
}

static void write_value(char out[32], uint64_t value, enum unit unit)
{
    if (unit == UNIT_BYTES && value % 1024 == 0)
        (void)snprintf(out, 32, "%" PRIu64 "KiB", value / 1024);
    else if (unit == UNIT_BYTES)
        (void)snprintf(out, 32, "%" PRIu64 " bytes", value);
    else if (unit == UNIT_MS && value % SECOND == 0)
        (void)snprintf(out, 32, "%" PRIu64 "s", value / SECOND);
    else
        (void)snprintf(out, 32, "%" PRIu64 "%s", value, unit == UNIT_MS ? "ms" : "");
}

static void check_ceiling(const struct lint *lint, const struct ceiling *ceiling)
{
    uint64_t value = value_of(lint->o, ceiling);
    bool is_written = lint_find(lint->root, ceiling->path) != NULL;
    int line = is_written ? lint_root_line(lint, ceiling->path) : 0;
    char is[32], most[32];

    write_value(is, value, ceiling->unit);
    write_value(most, ceiling->most, ceiling->unit);
    if (value > ceiling->most)
        LINT_FAIL(lint, ceiling->point, line, "%s: %s is more than %s: %s", ceiling->path, is, most,
                  ceiling->why);
    else
        LINT_PASS(lint, ceiling->point, line, "%s: %s%s", ceiling->path, is,
                  is_written ? "" : " (default)");
}

/* The number of one listener, route or role against the ceiling of the number for all. */
static void check_own(const struct lint *lint, const struct own_limits *own, const char *whose,
                      int line)
{
    static const char *const paths[LIMIT_KEYS] = {
        [LIMIT_KEY_PER_MINUTE] = "limits.messages.per_minute",
        [LIMIT_KEY_PER_HOUR] = "limits.messages.per_hour",
        [LIMIT_KEY_CONTROL] = "limits.control_frames.per_minute",
        [LIMIT_KEY_MESSAGE_SIZE] = "limits.message_size"};
    char is[32], most[32];

    for (size_t i = 0; i < sizeof(ceilings) / sizeof(ceilings[0]); i++) {
        const struct ceiling *c = &ceilings[i];

        for (unsigned key = 0; key < LIMIT_KEYS; key++) {
            if (paths[key] == NULL || strcmp(paths[key], c->path) != 0 || own->of[key] <= c->most)
                continue;
            write_value(is, own->of[key], c->unit);
            write_value(most, c->most, c->unit);
            LINT_FAIL(lint, c->point, line, "%s of %s: %s is more than %s: %s",
                      c->path + strlen("limits."), whose, is, most, c->why);
        }
    }
}

static void check_all_own(const struct lint *lint)
{
    const struct options *o = lint->o;
    struct node *listen = lint_find(lint->root, "listen"),
                *routes = lint_find(lint->root, "routes");

    for (uint32_t i = 0; i < o->listeners_count; i++)
        check_own(lint, &o->listeners[i].limits, o->listeners[i].address_text,
                  lint_line(lint_item(listen, i), "limits"));
    for (uint32_t i = 0; i < o->routes_count; i++)
        check_own(lint, &o->routes[i].limits, o->routes[i].path,
                  lint_line(lint_item(routes, i), "limits"));
    for (uint32_t i = 0; i < o->limits.by_role_count; i++)
        check_own(lint, &o->limits.by_role[i].limits, "a role",
                  lint_root_line(lint, "limits.roles"));
}

static void check_observed(const struct lint *lint)
{
    for (unsigned i = 0; i < LIMIT_NAMES; i++)
        if ((lint->o->limits.observed >> i & 1) != 0)
            LINT_FAIL(lint, AUDIT_RATES, lint_root_line(lint, "limits.observe"),
                      "limits.observe: %s is counted, but stops nobody",
                      limit_name_text((enum limit_name)i));
}

void lint_limits(const struct lint *lint)
{
    const struct limit_options *limits = &lint->o->limits;

    for (size_t i = 0; i < sizeof(ceilings) / sizeof(ceilings[0]); i++)
        check_ceiling(lint, &ceilings[i]);
    for (size_t i = 0; lint->o->sessions.is_on && i < 2; i++)
        check_ceiling(lint, &session_ceilings[i]);
    check_observed(lint);
    check_all_own(lint);
    if (limits->connections_per_ip >= limits->connections_total)
        LINT_FAIL(lint, AUDIT_RATES, lint_root_line(lint, "limits.connections.per_ip"),
                  "one address may take all %" PRIu64 " connections (limits.connections)",
                  limits->connections_total);
    if (lint->o->deflate.is_enabled && lint->o->deflate.allows_context_takeover)
        LINT_FAIL(lint, AUDIT_SIZE, lint_root_line(lint, "compression.context_takeover"),
                  "context_takeover keeps up to 300 KiB for each connection, and secrets may be "
                  "guessed from lengths");
    if (lint->o->drain_ms == 0)
        LINT_FAIL(lint, AUDIT_CLOSE, lint_root_line(lint, "server.drain"),
                  "server.drain: 0s cuts every connection off when the server stops");
    else
        LINT_PASS(lint, AUDIT_CLOSE, lint_line(lint_find(lint->root, "server.drain"), ""),
                  "a stop says Close 1001 to everyone over %" PRIu64 " ms", lint->o->drain_ms);
}
