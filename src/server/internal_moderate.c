/* SPDX-License-Identifier: Apache-2.0 */
/* internal_moderate.c: moderation by a program of the operator, which stands above all users. */
#include <string.h>

#include "base/json_out.h"
#include "base/status.h"
#include "server/internal_call.h"
#include "server/moderation.h"

#define COUNT_BYTES 64

_Static_assert(API_MODERATE_SECONDS_MAX == MODERATION_SECONDS_MAX, "one limit for all");

struct moderate {
    struct order order; /* first */
    struct moderation what;
};

static void run(struct worker *w, struct crew_job *work)
{
    moderation_run(w, &((struct moderate *)(void *)work)->what);
}

static void answer(struct order *order, struct wr *w)
{
    struct moderate *m = (struct moderate *)(void *)order;

    (void)moderation_end(order->internal->server, &m->what);
    json_out_open(w);
    json_out_member_u64(w, "connections", atomic_load_explicit(&m->what.met, memory_order_relaxed));
    json_out_close(w);
    wr_u8(w, '\n');
}

static enum api_result result_of(int status, enum api_moderate_action action)
{
    switch (status) {
    case E_MISSING:
        if (action == API_UNKICK)
            return API_RESULT_NOT_KICKED;
        return action == API_UNMUTE ? API_RESULT_NOT_MUTED : API_RESULT_NOT_CLOSED;
    case E_FULL:
        return API_RESULT_SANCTIONS_FULL;
    default:
        return API_RESULT_OVERLOADED;
    }
}

static void fill(struct moderation *m, const struct api_moderate_ask *ask)
{
    static const enum moderation_verb verbs[] = {
        [API_KICK] = MODERATE_KICK,           [API_UNKICK] = MODERATE_UNKICK,
        [API_MUTE] = MODERATE_MUTE,           [API_UNMUTE] = MODERATE_UNMUTE,
        [API_CLOSE_CHANNEL] = MODERATE_CLOSE, [API_OPEN_CHANNEL] = MODERATE_OPEN};

    m->verb = verbs[ask->action];
    m->by_admin = true;
    m->by_connection = ask->action == API_KICK && ask->user.ptr == NULL;
    memcpy(m->connection, ask->connection, sizeof(m->connection));
    m->seconds = ask->seconds;
    moderation_name(m, ask->channel, ask->user);
    memcpy(m->key, ask->key.ptr, ask->key.len);
}

enum api_result internal_moderate(void *internal, const struct api_moderate_ask *ask,
                                  uint64_t number)
{
    struct internal *in = internal;
    struct moderate *m = (struct moderate *)(void *)internal_order_new(in, sizeof(*m), number);
    int rc;

    if (m == NULL)
        return API_RESULT_OVERLOADED;
    m->order.answer = answer;
    m->order.answer_bytes = COUNT_BYTES;
    m->order.work.run = run;
    fill(&m->what, ask);
    rc = moderation_put(in->server, &m->what, loop_now_ms(internal_worker(in)->loop));
    if (rc == OK)
        return internal_order_start(&m->order);
    internal_order_free(&m->order);
    return result_of(rc, ask->action);
}
