/* SPDX-License-Identifier: Apache-2.0 */
/* publisher.c: one text; only the time in it changes. */
#include "bench/publisher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "bench/payload.h"

#define TEXT_BYTES_MAX (PLAN_BYTES_MAX + 65536)

int publisher_init(struct publisher *p, struct crowd *c, struct histogram *latency)
{
    const struct plan *plan = c->plan;
    char *native = NULL;
    int rc;

    *p = (struct publisher){.crowd = c, .latency = latency};
    buf_init(&p->text, TEXT_BYTES_MAX);
    if (plan->send == NULL && plan->is_native &&
        asprintf(&native, "{\"type\":\"publish\",\"channel\":\"%s\",\"data\":\"{data}\"}",
                 plan->channel) < 0)
        return E_NOMEM;
    rc = payload_format(&p->text, native != NULL ? native : plan->send, plan->bytes, &p->stamp_at);
    free(native);
    p->has_stamp = plan->bytes >= PAYLOAD_STAMP_BYTES && !plan->offers_deflate &&
                   (plan->send == NULL || strstr(plan->send, "{data}") != NULL);
    return rc;
}

void publisher_clear(struct publisher *p)
{
    buf_clear(&p->text);
}

void publisher_send(struct publisher *p, struct bench_link *l, uint64_t due_ns)
{
    if (p->has_stamp)
        payload_stamp((char *)p->text.data + p->stamp_at, due_ns);
    p->published++;
    bench_link_send(p->crowd, l, p->crowd->plan->is_binary ? WS_BINARY : WS_TEXT,
                    buf_view(&p->text));
}

bool publisher_heard(struct publisher *p, const struct frame_event *event)
{
    static const char error[] = "\"type\":\"error\"";
    uint64_t now = p->crowd->now_ns, then;

    if (p->has_stamp && payload_find_stamp(event->begin, &p->seen, &then)) {
        histogram_add(p->latency, now > then ? now - then : 0);
        return true;
    }
    if (p->crowd->plan->is_native &&
        memmem(event->begin.ptr, event->begin.len, error, sizeof(error) - 1) != NULL)
        crowd_fail(p->crowd, "the server does not publish it: " VIEW_FMT, VIEW_ARG(event->begin));
    return false;
}
