/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and ends a configuration in force. */
#include "server/generation.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

#define ECHO_MESSAGE_BYTES (16u * 1024u * 1024u)
#define ECHO_FRAGMENTS     (1u << 20)

/* Of the same route before, or a new one; NULL: out of memory. */
static struct route_count *count_of(const struct generation *before,
                                    const struct route_options *route)
{
    struct route_count *count;

    for (uint32_t i = 0; before != NULL && i < before->options->routes_count; i++) {
        const struct route_options *was = &before->options->routes[i];

        if (strcmp(was->path, route->path) != 0 || was->kind != route->kind)
            continue;
        (void)atomic_fetch_add_explicit(&before->route_counts[i]->holds, 1, memory_order_relaxed);
        return before->route_counts[i];
    }
    count = calloc(1, sizeof(*count));
    if (count != NULL)
        atomic_init(&count->holds, 1);
    return count;
}

static void drop_counts(struct generation *g)
{
    for (uint32_t i = 0; g->route_counts != NULL && i < g->routes_count; i++) {
        struct route_count *count = g->route_counts[i];

        if (count != NULL && atomic_fetch_sub_explicit(&count->holds, 1, memory_order_acq_rel) == 1)
            free(count);
    }
    free(g->route_counts);
}

static int make_counts(struct generation *g, const struct generation *before)
{
    g->route_counts = calloc(g->options->routes_count, sizeof(g->route_counts[0]));
    if (g->route_counts == NULL)
        return E_NOMEM;
    for (uint32_t i = 0; i < g->options->routes_count; i++) {
        g->route_counts[i] = count_of(before, &g->options->routes[i]);
        if (g->route_counts[i] == NULL)
            return E_NOMEM;
    }
    return OK;
}

int generation_new(struct generation **out, struct options *options,
                   const struct generation *before)
{
    struct generation *g = calloc(1, sizeof(*g));
    int rc;

    if (g == NULL)
        return E_NOMEM;
    g->options = options;
    g->routes_count = options->routes_count;
    g->is_first = before == NULL;
    atomic_init(&g->holds, 1);
    g->limits_echo = (struct ws_limits){.message_bytes = ECHO_MESSAGE_BYTES,
                                        .fragments = ECHO_FRAGMENTS,
                                        .expect_mask = true,
                                        .accepts_text = true,
                                        .accepts_binary = true};
    rc = make_counts(g, before);
    if (rc == OK)
        rc = limit_table_new(&g->limits, options);
    if (rc != OK) {
        drop_counts(g);
        free(g);
        return rc;
    }
    *out = g;
    return OK;
}

struct generation *generation_keep(struct generation *g)
{
    (void)atomic_fetch_add_explicit(&g->holds, 1, memory_order_relaxed);
    return g;
}

/* What was borrowed goes on without us. */
static void give_back(struct options *o)
{
    for (uint32_t i = 0; i < o->auth.issuers_count; i++) {
        if (o->auth.issuers[i].jwks_url == NULL)
            continue;
        o->auth.issuers[i].jwks_url = NULL;
        o->auth.issuers[i].public_keys = NULL;
    }
    o->auth.introspection = NULL;
    o->auth.hook = NULL;
}

void generation_drop(struct generation *g)
{
    if (g == NULL || atomic_fetch_sub_explicit(&g->holds, 1, memory_order_acq_rel) > 1)
        return;
    if (!g->is_first)
        give_back(g->options);
    drop_counts(g);
    limit_table_free(g->limits);
    options_free(g->options);
    free(g);
}
