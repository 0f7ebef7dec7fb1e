/* SPDX-License-Identifier: Apache-2.0 */
/* One worker tells all news of presence, so that every listener hears it in one order; a bounded
 * number a round, since each piece goes to everyone in its channel. */
#include "server/channel_tables.h"

#include <stdlib.h>

#include "base/status.h"
#include "hub/presence.h"
#include "limit/sanction_table.h"
#include "server/push.h"

#define ROUND_MS       200
#define IDLE_MS        1000 /* while no rule asks for any of it: one may after a reload */
#define NEWS_MAX       256  /* in one round */
#define ROUNDS_A_SWEEP 5

struct channel_clock {
    struct worker *worker;
    struct timer timer;
    unsigned rounds;
};

static bool tell(void *worker, const struct presence_news *news)
{
    const struct worker *w = worker;
    struct blob *frame = push_news(news);
    int rc = frame != NULL ? hub_publish(w->hub, news->channel, frame, NULL) : E_NOMEM;

    blob_drop(frame);
    return rc == OK;
}

static void fire(struct timer *timer)
{
    struct channel_clock *clock = LINK_ITEM(timer, struct channel_clock, timer);
    struct worker *w = clock->worker;
    uint64_t now_ms = loop_now_ms(w->loop);

    presence_tell(w->server->presence, now_ms, NEWS_MAX, tell, w);
    sanction_table_sweep(w->server->sanctions, now_ms);
    if (++clock->rounds % ROUNDS_A_SWEEP == 0)
        history_sweep(w->server->history, now_ms);
    timer_start(w->loop, timer, now_ms + (w->options->policy.has_traits ? ROUND_MS : IDLE_MS));
}

int channel_tables_open(struct server *s)
{
    const struct limit_options *l = &s->options->limits;
    struct history_limits limits = {l->history_bytes, l->history_channel_bytes};
    int rc = history_new(&s->history, &limits);

    if (rc == OK)
        rc = presence_new(&s->presence, l->presence_users);
    if (rc == OK)
        rc = sanction_table_new(&s->sanctions);
    if (rc != OK)
        return rc;
    s->channel_clock = calloc(1, sizeof(*s->channel_clock));
    if (s->channel_clock == NULL)
        return E_NOMEM;
    s->channel_clock->worker = &s->workers[0];
    timer_init(&s->channel_clock->timer, fire);
    return OK;
}

void channel_tables_close(struct server *s)
{
    free(s->channel_clock);
    sanction_table_free(s->sanctions);
    presence_free(s->presence);
    history_free(s->history);
}

void channel_clock_start(struct channel_clock *clock)
{
    if (clock != NULL)
        timer_start(clock->worker->loop, &clock->timer,
                    loop_now_ms(clock->worker->loop) + ROUND_MS);
}

void channel_clock_stop(struct channel_clock *clock)
{
    if (clock != NULL)
        timer_stop(&clock->timer);
}
