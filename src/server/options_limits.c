/* SPDX-License-Identifier: Apache-2.0 */
/* options_limits.c: which limits only observe, and the numbers that a listener, a route or a role
 * has for itself. */
#include <stdlib.h>

#include "base/status.h"
#include "limit/limit_name.h"
#include "server/options_limits_load.h"

static void report_name(const struct node *item, struct problems *problems)
{
    const char *names[LIMIT_NAMES + 2] = {NULL}, *why = limit_name_always(item->text);

    for (unsigned i = 0; i < LIMIT_NAMES; i++)
        names[i] = limit_name_text((enum limit_name)i);
    names[LIMIT_NAMES] = "all";
    if (why != NULL)
        problems_add(problems, item->line, item->column,
                     "`%s` cannot only observe, it is always enforced: %s",
                     problem_word(item->text).text, why);
    else if (view_eq(item->text, VIEW("connections")))
        problems_add(problems, item->line, item->column,
                     "which one? connections.per_ip, per_user, per_listener or per_route");
    else
        problems_add(problems, item->line, item->column, "`%s` is no limit that can observe%s",
                     problem_word(item->text).text, problems_suggestion(item->text, names).text);
}

static uint32_t read_name(const struct node *item, struct problems *problems)
{
    enum limit_name name;

    if (item->type == NODE_SCALAR && limit_name_find(&name, item->text))
        return UINT32_C(1) << name;
    report_name(item, problems);
    return 0;
}

int options_read_observe(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;
    uint32_t *observed = &l->o.limits.observed;

    if (value->type == NODE_SCALAR) {
        *observed = view_eq(value->text, VIEW("all")) ? LIMIT_ALL : read_name(value, problems);
        return OK;
    }
    if (!option_is_list(value, 2 * LIMIT_NAMES, problems))
        return E_INVALID;
    for (const struct node *item = value->first; item != NULL; item = item->next) {
        if (item->type == NODE_SCALAR && view_eq(item->text, VIEW("all")))
            *observed = LIMIT_ALL;
        else
            *observed |= read_name(item, problems);
    }
    return OK;
}

/* --- numbers of a listener, a route, a role --- */

#define KIB      ((uint64_t)1024)
#define MIB      (1024 * KIB)
#define RATE_MAX ((uint64_t)1000000000)

#define COUNT(key, which, most, text)                                                              \
    {                                                                                              \
        .name = key, .type = OPTION_COUNT, .offset = offsetof(struct own_limits, of[which]),       \
        .min = 1, .max = (most), .help = (text)                                                    \
    }
#define BYTES(key, which, least, most, text)                                                       \
    {                                                                                              \
        .name = key, .type = OPTION_BYTES, .offset = offsetof(struct own_limits, of[which]),       \
        .min = (least), .max = (most), .help = (text)                                              \
    }
#define PER_USER                                                                                   \
    COUNT("per_user", LIMIT_KEY_PER_USER, 10000000, "instead of limits.connections.per_user")

static const struct option own_connections_rows[] = {
    {.name = "total",
     .type = OPTION_COUNT,
     .offset = offsetof(struct own_limits, total),
     .min = 1,
     .max = 10000000,
     .help = "open connections here; above: 503; absent: limits.connections.total alone"},
    PER_USER,
    {0},
};
static const struct option role_connections_rows[] = {PER_USER, {0}};
static const struct option own_messages_rows[] = {
    COUNT("per_minute", LIMIT_KEY_PER_MINUTE, RATE_MAX, "instead of limits.messages.per_minute"),
    COUNT("per_hour", LIMIT_KEY_PER_HOUR, 60 * RATE_MAX, "instead of limits.messages.per_hour"),
    {0},
};
static const struct option own_control_rows[] = {
    COUNT("per_minute", LIMIT_KEY_CONTROL, RATE_MAX, "instead of limits.control_frames.per_minute"),
    {0},
};
static const struct option own_subscribes_rows[] = {
    COUNT("per_minute", LIMIT_KEY_SUBSCRIBES, RATE_MAX, "instead of limits.subscribes.per_minute"),
    {0},
};
static const struct option own_bytes_rows[] = {
    BYTES("per_second", LIMIT_KEY_BYTES, 16 * KIB, 1024 * 1024 * MIB,
          "instead of limits.bytes.per_second"),
    BYTES("burst", LIMIT_KEY_BURST, 16 * KIB, 1024 * 1024 * MIB,
          "of it at once; absent: that of one second, at least one message_size"),
    {0},
};
#define OWN_ROWS                                                                                   \
    {.name = "messages", .type = OPTION_SECTION, .children = own_messages_rows},                   \
        {.name = "control_frames", .type = OPTION_SECTION, .children = own_control_rows},          \
        {.name = "subscribes", .type = OPTION_SECTION, .children = own_subscribes_rows},           \
        {.name = "bytes", .type = OPTION_SECTION, .children = own_bytes_rows},                     \
        BYTES("message_size", LIMIT_KEY_MESSAGE_SIZE, 16, 64 * MIB,                                \
              "instead of limits.message_size"),                                                   \
    {                                                                                              \
        0                                                                                          \
    }
const struct option options_own_limits_rows[] = {
    {.name = "connections", .type = OPTION_SECTION, .children = own_connections_rows}, OWN_ROWS};
const struct option options_role_limits_rows[] = {
    {.name = "connections", .type = OPTION_SECTION, .children = role_connections_rows}, OWN_ROWS};

void options_check_own_limits(struct node *value, const struct own_limits *own,
                              struct problems *problems)
{
    struct node *burst = node_member(node_member(value, "bytes"), "burst");

    if (burst != NULL && own->of[LIMIT_KEY_BYTES] == 0)
        problems_add(problems, burst->line, burst->column,
                     "`burst` needs `per_second` beside it: together they are one limit");
}

static void add_role(struct loading *l, struct node *member, struct problems *problems)
{
    struct limit_options *limits = &l->o.limits;
    uint64_t role = role_set_bit(&l->o.policy.roles, member->key);
    const char *names[IDENTITY_ROLES_MAX + 1] = {NULL};
    struct role_limits *entry = &limits->by_role[limits->by_role_count];

    member->is_used = true;
    for (uint32_t i = 0; i < l->o.policy.roles.count; i++)
        names[i] = l->o.policy.roles.roles[i].name;
    options_read(options_role_limits_rows, member, &entry->limits, problems);
    options_check_own_limits(member, &entry->limits, problems);
    if (role == 0) {
        problems_add(problems, member->key_line, member->key_column,
                     "`%s` is no role: `roles` does not name it%s", problem_word(member->key).text,
                     problems_suggestion(member->key, names).text);
        return;
    }
    entry->role = role;
    limits->by_role_count++;
}

int options_read_role_limits(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;

    if (value->type != NODE_MAP || value->count == 0) {
        problems_add(problems, value->line, value->column,
                     "`roles` must name roles and their limits: {guest: {messages: {per_minute: "
                     "10}}}");
        return E_INVALID;
    }
    if (value->count > LIMIT_ROLES_MAX) {
        problems_add(problems, value->line, value->column,
                     "at most %d roles can have limits of their own", LIMIT_ROLES_MAX);
        return E_INVALID;
    }
    l->o.limits.by_role =
        options_alloc(value->count, sizeof(l->o.limits.by_role[0]), value, problems);
    for (struct node *member = value->first; member != NULL && l->o.limits.by_role != NULL;
         member = member->next)
        add_role(l, member, problems);
    return OK;
}

/* --- all of them together --- */

size_t options_limit_rows(const struct options *o)
{
    size_t listeners = 1, routes = 1;

    for (uint32_t i = 0; i < o->listeners_count; i++)
        listeners += own_limits_are_said(&o->listeners[i].limits);
    for (uint32_t i = 0; i < o->routes_count; i++)
        routes += own_limits_are_said(&o->routes[i].limits);
    return (listeners * routes) << o->limits.by_role_count;
}

static void note_size(struct limit_options *limits, const struct own_limits *own)
{
    uint64_t bytes = own->of[LIMIT_KEY_MESSAGE_SIZE];

    if (bytes > limits->message_bytes_max)
        limits->message_bytes_max = bytes;
}

void options_finish_own_limits(struct loading *l, struct problems *problems)
{
    const struct options *o = &l->o;
    struct limit_options *limits = &l->o.limits;

    limits->all = (struct own_limits){.of = {
                                          [LIMIT_KEY_PER_USER] = limits->connections_per_user,
                                          [LIMIT_KEY_PER_MINUTE] = limits->messages_per_minute,
                                          [LIMIT_KEY_PER_HOUR] = limits->messages_per_hour,
                                          [LIMIT_KEY_CONTROL] = limits->control_frames_per_minute,
                                          [LIMIT_KEY_SUBSCRIBES] = limits->subscribes_per_minute,
                                          [LIMIT_KEY_BYTES] = limits->bytes_per_second,
                                          [LIMIT_KEY_BURST] = limits->bytes_burst,
                                          [LIMIT_KEY_MESSAGE_SIZE] = limits->message_bytes,
                                      }};
    limits->message_bytes_max = limits->message_bytes;
    for (uint32_t i = 0; i < o->listeners_count; i++)
        note_size(limits, &o->listeners[i].limits);
    for (uint32_t i = 0; i < o->routes_count; i++)
        note_size(limits, &o->routes[i].limits);
    for (uint32_t i = 0; i < limits->by_role_count; i++)
        note_size(limits, &limits->by_role[i].limits);
    if (limits->message_bytes_max > limits->memory_bytes / 4)
        problems_add(problems, 0, 0,
                     "limits.memory: there must be room for four messages of the greatest size "
                     "(message_size)");
    if (options_limit_rows(o) > LIMIT_ROWS_MAX)
        problems_add(problems, 0, 0,
                     "too many listeners, routes and roles have limits of their own: they make %zu "
                     "combinations, at most %d are kept",
                     options_limit_rows(o), LIMIT_ROWS_MAX);
}

void options_clear_limits(struct options *o)
{
    free(o->limits.by_role);
}
