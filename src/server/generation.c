/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and ends a configuration in force. */
#include "server/generation.h"

#include <stdlib.h>

#include "base/status.h"

#define ECHO_MESSAGE_BYTES  (16u * 1024u * 1024u)
#define ECHO_FRAGMENTS      (1u << 20)
#define FIRST_MESSAGE_BYTES (10u * 1024u) /* before authentication: a token and its wrapping */

static void make_limits(struct generation *g)
{
    const struct limit_options *l = &g->options->limits;

    g->per_minute = rate_limit_make(l->messages_per_minute, 60 * 1000, l->messages_per_minute);
    g->per_hour = rate_limit_make(l->messages_per_hour, 3600 * 1000, l->messages_per_hour);
    g->control_frames =
        rate_limit_make(l->control_frames_per_minute, 60 * 1000, l->control_frames_per_minute);
    g->subscribes = rate_limit_make(l->subscribes_per_minute, 60 * 1000, l->subscribes_per_minute);
    g->bytes_in = flow_limit_make(l->bytes_per_second, l->bytes_burst);
    g->limits_channels = (struct ws_limits){.message_bytes = l->message_bytes,
                                            .fragments = (uint32_t)l->fragments,
                                            .inflate_ratio = 100,
                                            .expect_mask = true,
                                            .accepts_text = true};
    g->limits_first = g->limits_channels;
    if (g->limits_first.message_bytes > FIRST_MESSAGE_BYTES)
        g->limits_first.message_bytes = FIRST_MESSAGE_BYTES;
    g->limits_echo = (struct ws_limits){.message_bytes = ECHO_MESSAGE_BYTES,
                                        .fragments = ECHO_FRAGMENTS,
                                        .expect_mask = true,
                                        .accepts_text = true,
                                        .accepts_binary = true};
}

int generation_new(struct generation **out, struct options *options, bool is_first)
{
    struct generation *g = calloc(1, sizeof(*g));

    if (g == NULL)
        return E_NOMEM;
    g->options = options;
    g->is_first = is_first;
    atomic_init(&g->holds, 1);
    make_limits(g);
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
    options_free(g->options);
    free(g);
}

const struct ws_limits *generation_limits(const struct generation *from,
                                          const struct ws_limits *limits,
                                          const struct generation *to)
{
    if (limits == &from->limits_echo)
        return &to->limits_echo;
    return limits == &from->limits_first ? &to->limits_first : &to->limits_channels;
}
