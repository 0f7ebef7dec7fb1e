/* SPDX-License-Identifier: Apache-2.0 */
/* Which number counts for whom, by the function that makes the server's own rows. */
#include "cli/explain_limits.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "limit/limit_name.h"
#include "server/effective_limits.h"

#define FROM_BYTES 128

static bool find_listener(const struct options *o, const char *address, uint32_t *index)
{
    for (uint32_t i = 0; i < o->listeners_count; i++) {
        if (address != NULL && strcmp(o->listeners[i].address_text, address) != 0)
            continue;
        *index = i;
        return true;
    }
    (void)fprintf(stderr, "gateward explain: no listener has the address %s\n", address);
    return false;
}

static bool find_route(const struct options *o, const char *path, uint32_t *index)
{
    for (uint32_t i = 0; i < o->routes_count; i++) {
        if (path != NULL && strcmp(o->routes[i].path, path) != 0)
            continue;
        *index = i;
        return true;
    }
    (void)fprintf(stderr, "gateward explain: no route has the path %s\n", path);
    return false;
}

static const char *role_name(const struct options *o, uint64_t bit)
{
    for (uint32_t i = 0; i < o->policy.roles.count; i++)
        if (bit >> i == 1)
            return o->policy.roles.roles[i].name;
    return "";
}

static void write_source(char out[FROM_BYTES], const struct options *o,
                         const struct limits_place *at, const struct effective_limits *e,
                         enum limit_key key)
{
    switch ((enum limit_level)e->level[key]) {
    case LIMIT_OF_LISTENER:
        (void)snprintf(out, FROM_BYTES, "listen[%u].limits (%s)", at->listener,
                       o->listeners[at->listener].address_text);
        break;
    case LIMIT_OF_ROUTE:
        (void)snprintf(out, FROM_BYTES, "routes[%u].limits (%s)", at->route,
                       o->routes[at->route].path);
        break;
    case LIMIT_OF_ROLE:
        (void)snprintf(out, FROM_BYTES, "limits.roles.%s",
                       role_name(o, o->limits.by_role[e->role[key]].role));
        break;
    case LIMIT_OF_ALL:
        (void)snprintf(out, FROM_BYTES, "limits");
        break;
    }
}

/* Is what has this key only observed? */
static bool is_observed(const struct options *o, enum limit_key key)
{
    static const enum limit_name names[LIMIT_KEYS] = {
        [LIMIT_KEY_PER_USER] = LIMIT_PER_USER,     [LIMIT_KEY_PER_MINUTE] = LIMIT_MESSAGES,
        [LIMIT_KEY_PER_HOUR] = LIMIT_MESSAGES,     [LIMIT_KEY_CONTROL] = LIMIT_CONTROL_FRAMES,
        [LIMIT_KEY_SUBSCRIBES] = LIMIT_SUBSCRIBES, [LIMIT_KEY_BYTES] = LIMIT_BYTES,
        [LIMIT_KEY_BURST] = LIMIT_BYTES,           [LIMIT_KEY_MESSAGE_SIZE] = LIMIT_NAMES};

    return (o->limits.observed >> names[key] & 1) != 0;
}

static void print_total(const char *what, uint64_t total)
{
    char text[32] = "no limit";

    if (total != 0)
        limit_key_write(text, LIMIT_KEY_PER_USER, total);
    (void)printf("  %-26s  %-8s  %s\n", "connections.total", text, what);
}

static void print_all(const struct options *o, const struct limits_place *at)
{
    struct effective_limits e;

    effective_limits_at(&e, o, at);
    (void)printf("listener %s, route %s\n", o->listeners[at->listener].address_text,
                 o->routes[at->route].path);
    print_total("limits", o->limits.connections_total);
    print_total("listen[].limits", o->listeners[at->listener].limits.total);
    print_total("routes[].limits", o->routes[at->route].limits.total);
    for (unsigned i = 0; i < LIMIT_KEYS; i++) {
        enum limit_key key = (enum limit_key)i;
        char value[32], from[FROM_BYTES];

        limit_key_write(value, key, e.of[key]);
        write_source(from, o, at, &e, key);
        (void)printf("  %-26s  %-8s  %s%s\n", limit_key_text(key), value, from,
                     is_observed(o, key) ? ", only observed" : "");
    }
}

int explain_limits(const struct explain_limits *asked)
{
    const struct options *o = asked->options;
    struct limits_place at = {0, 0, 0};

    if (!find_listener(o, asked->listener, &at.listener) ||
        !find_route(o, asked->route, &at.route) ||
        (asked->roles != NULL && !cli_roles(&o->policy.roles, asked->roles, &at.roles)))
        return CLI_USAGE;
    if (o->routes[at.route].kind == ROUTE_ECHO) {
        (void)printf("route %s is an echo: its limits are fixed\n", o->routes[at.route].path);
        return CLI_OK;
    }
    print_all(o, &at);
    return CLI_OK;
}
