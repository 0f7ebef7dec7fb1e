/* SPDX-License-Identifier: Apache-2.0 */
/* audit_probe_wait.c: connections that say nothing, or begin a request and stop. They wait while
 * everything else is asked, so that patience is spent once. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/status.h"
#include "cli/audit_probe.h"

void probe_wait_begin(struct probe *p)
{
    static const char half[] = "GET / HTTP/1.1\r\nHost: audit.invalid\r\nX-Audit: ";
    struct link_dial as_url = {LINK_AS_URL, TLS_PROBE_ANY, 0},
                     plain = {LINK_PLAIN, TLS_PROBE_ANY, 0};

    p->waiting_since_ms = clock_mono_ms();
    (void)probe_open(p, &p->idle);
    if (link_dial(&p->slow, &p->target, &as_url) == OK)
        (void)link_write(&p->slow, half, sizeof(half) - 1);
    (void)link_dial(&p->mute, &p->target, &plain);
}

void probe_wait_turn(struct probe *p)
{
    if (p->idle.status == 101)
        (void)probe_drain(&p->idle, 1);
}

static uint64_t left_ms(const struct probe *p)
{
    uint64_t end = p->waiting_since_ms + p->patience_ms, now = clock_mono_ms();

    return now < end ? end - now : 0;
}

static void judge_end(struct probe *p, struct audit_link *l, const char *what)
{
    if (l->fd < 0)
        PROBE_ADD(p, AUDIT_TIMEOUTS, AUDIT_UNKNOWN, "%s: no connection", what);
    else if (link_ends_within(l, left_ms(p) + 1))
        PROBE_ADD(p, AUDIT_TIMEOUTS, AUDIT_PASS, "%s is ended within %" PRIu64 " s", what,
                  (clock_mono_ms() - p->waiting_since_ms + 999) / 1000);
    else
        PROBE_ADD(p, AUDIT_TIMEOUTS,
                  p->patience_ms >= PROBE_PATIENCE_MIN ? AUDIT_FAIL : AUDIT_UNKNOWN,
                  "%s is not ended within %" PRIu64 " s", what, p->patience_ms / 1000);
}

static void judge_idle(struct probe *p)
{
    bool is_ended = link_ends_within(&p->idle, left_ms(p) + 1);
    bool is_patient = p->patience_ms >= PROBE_PATIENCE_MIN;

    if (is_ended)
        PROBE_ADD(p, AUDIT_TIMEOUTS, AUDIT_PASS, "a connection that does not log in gets %s",
                  audit_quote(&p->report, view_of_text(link_ending(&p->idle).text)).text);
    else if (!p->serves_all)
        PROBE_ADD(p, AUDIT_TIMEOUTS, is_patient ? AUDIT_FAIL : AUDIT_UNKNOWN,
                  "a connection that does not log in stays open for %" PRIu64 " s",
                  p->patience_ms / 1000);
    else
        PROBE_ADD(p, AUDIT_TIMEOUTS, AUDIT_UNKNOWN, "without logins there is no deadline for one");
    if (p->idle.pings > 0)
        PROBE_ADD(p, AUDIT_PING, AUDIT_PASS, "the server sends pings");
    else if (!is_ended)
        PROBE_ADD(p, AUDIT_PING, is_patient ? AUDIT_FAIL : AUDIT_UNKNOWN,
                  "the server sent no ping in %" PRIu64 " s: dead connections stay unnoticed",
                  p->patience_ms / 1000);
}

void probe_wait_end(struct probe *p)
{
    judge_end(p, &p->slow, "a request that stops half-way");
    judge_end(p, &p->mute, "a connection that says nothing");
    if (p->opens_to_all && p->idle.status == 101)
        judge_idle(p);
    link_close(&p->idle);
    link_close(&p->slow);
    link_close(&p->mute);
}
