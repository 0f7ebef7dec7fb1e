/* SPDX-License-Identifier: Apache-2.0 */
/* What the options of `gateward bench` mean together: defaults, what contradicts what, and the
 * steps in which a connection is set up. */
#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "base/json_out.h"
#include "base/status.h"
#include "bench/payload.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "crypto/secret.h"

#define CHANNEL_MAX 256

static const uint32_t usual_connections[] = {[PLAN_ECHO] = 50,
                                             [PLAN_FANOUT] = 1000,
                                             [PLAN_CONNECT] = 1000,
                                             [PLAN_IDLE] = 1000,
                                             [PLAN_CHAT] = 100};
static const double usual_seconds[] = {
    [PLAN_ECHO] = 5, [PLAN_FANOUT] = 5, [PLAN_CONNECT] = 0, [PLAN_IDLE] = 3, [PLAN_CHAT] = 5};

static void set_defaults(struct bench_args *a)
{
    struct plan *plan = &a->plan;

    if (plan->connections == 0)
        plan->connections = usual_connections[plan->mode];
    if (!a->has_seconds)
        plan->seconds = plan->is_silent ? 20 : usual_seconds[plan->mode];
    if (plan->mode == PLAN_CHAT && plan->rate == 0)
        plan->rate = 100;
    if (plan->token.len > 0 && !plan->is_native)
        plan->is_bearer = true;
    if (plan->is_native && plan->mode == PLAN_FANOUT && plan->send == NULL)
        plan->gets_ack = true;
}

static bool is_local(const struct http_host *host)
{
    struct ip_address ip;

    if (ip_address_parse(&ip, view_of_text(host->name)))
        return ip_address_is_loopback(&ip);
    return strcmp(host->name, "localhost") == 0;
}

/* What is said aloud, and what is not done at all. */
static int check_trust(const struct plan *plan, const struct ws_url *url)
{
    bool is_near = is_local(&url->host);

    if (plan->token.len > 0 && plan->is_insecure && !is_near)
        return bench_complain("a token is not shown to a server that nobody has verified: "
                              "--insecure and a token go together on this machine only");
    if (plan->is_insecure && !is_near)
        (void)fprintf(stderr, "gateward bench: warning: the certificate of %s is not checked\n",
                      url->host.name);
    if (plan->token.len > 0 && !url->is_tls && !is_near)
        (void)fputs("gateward bench: warning: over ws:// everyone on the way can read the token\n",
                    stderr);
    return CLI_OK;
}

static int check(const struct bench_args *a)
{
    const struct plan *plan = &a->plan;

    if (plan->messages > 0 && a->has_seconds)
        return bench_complain("--messages and --seconds both say when to end: one of them");
    if (plan->threads > plan->connections)
        return bench_complain("--threads: each needs a connection");
    if (plan->threads > 1 && plan->core >= 0)
        return bench_complain("--pin is for one thread (taskset is for several)");
    if (plan->rate > 0 && plan->rate_percent > 0)
        return bench_complain("--rate twice");
    if (plan->bytes == 0 && plan->mode != PLAN_ECHO)
        return bench_complain("--bytes 0 is for echo");
    if (plan->mode == PLAN_CHAT && plan->bytes < PAYLOAD_STAMP_BYTES)
        return bench_complain("chat needs --bytes %d at least: a message carries its time",
                              PAYLOAD_STAMP_BYTES);
    if (plan->send != NULL && plan->mode == PLAN_CHAT && strstr(plan->send, "{data}") == NULL)
        return bench_complain("--send needs {data} in it: a message carries its time");
    if (plan->pace == PLAN_ACKED && !plan->gets_ack)
        return bench_complain("--pace acked needs --ack (or --native): a publisher that is "
                              "answered");
    if (plan->resumes && a->asks_for_full)
        return bench_complain("--full or --resumed, not both");
    if (plan->resumes && !plan->url.is_tls)
        return bench_complain("--resumed is for wss://");
    if ((plan->ca != NULL || plan->is_insecure) && !plan->url.is_tls)
        return bench_complain("--ca and --insecure are for wss://");
    if (plan->ca != NULL && plan->is_insecure)
        return bench_complain("--ca or --insecure, not both");
    if (plan->is_bearer && plan->token.len == 0)
        return bench_complain("--bearer needs a token");
    if (plan->is_native && a->has_joins)
        return bench_complain("--join is for other servers; --native knows what to say");
    if (plan->channel != NULL && !plan->is_native)
        return bench_complain("--channel is for --native");
    if (plan->channel != NULL && strlen(plan->channel) > CHANNEL_MAX)
        return bench_complain("--channel is too long");
    return check_trust(plan, &plan->url);
}

/* --- steps --- */

static void add_step(struct plan *plan, struct plan_step step)
{
    plan->steps[plan->steps_count++] = step; /* bench_option.c has left room for two */
}

static int set_auth(struct bench_args *a)
{
    struct plan *plan = &a->plan;

    if (plan->token.len == 0)
        return CLI_OK;
    if (plan->is_bearer) {
        add_step(plan, (struct plan_step){NULL, "\"welcome\"", false});
        return CLI_OK;
    }
    if (buf_append(&a->auth, "auth:", 5) != OK ||
        buf_append(&a->auth, plan->token.data, plan->token.len) != OK)
        return bench_complain("out of memory");
    add_step(plan, (struct plan_step){(const char *)a->auth.data, "\"welcome\"", false});
    return CLI_OK;
}

static int set_subscribe(struct bench_args *a)
{
    struct wr w;

    if (buf_reserve(&a->join, 8 * CHANNEL_MAX) != OK)
        return bench_complain("out of memory");
    w = wr_of(a->join.data, a->join.cap);
    json_out_open(&w);
    json_out_member(&w, "type", VIEW("subscribe"));
    json_out_member(&w, "channel", view_of_text(a->plan.channel));
    json_out_close(&w);
    wr_u8(&w, '\0');
    add_step(&a->plan, (struct plan_step){(const char *)a->join.data, "\"subscribed\"", true});
    return w.failed ? bench_complain("--channel is too long") : CLI_OK;
}

static int set_steps(struct bench_args *a)
{
    struct plan *plan = &a->plan;
    bool joins = plan->mode == PLAN_FANOUT || plan->mode == PLAN_CHAT ||
                 (plan->mode == PLAN_IDLE && plan->channel != NULL);
    int rc;

    for (uint32_t i = 0; a->joined != NULL && i < plan->steps_count; i++)
        if (plan->steps[i].is_join)
            plan->steps[i].expect = strcmp(a->joined, "-") == 0 ? NULL : a->joined;
    if (a->joined != NULL && !a->has_joins)
        return bench_complain("--joined needs --join");
    if (!plan->is_native)
        return CLI_OK;
    rc = set_auth(a);
    if (plan->channel == NULL)
        plan->channel = "bench";
    return rc == CLI_OK && joins ? set_subscribe(a) : rc;
}

int bench_complete(struct bench_args *a)
{
    int rc;

    set_defaults(a);
    rc = check(a);
    if (rc == CLI_OK && a->plan.has_publish_url)
        rc = check_trust(&a->plan, &a->plan.publish_url);
    return rc == CLI_OK ? set_steps(a) : rc;
}

void bench_args_clear(struct bench_args *a)
{
    secret_buf_clear(&a->plan.token);
    secret_buf_clear(&a->auth);
    buf_clear(&a->join);
}
