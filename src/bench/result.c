/* SPDX-License-Identifier: Apache-2.0 */
/* result.c: the stretch that is measured, and how it is told. */
#include "bench/result.h"

#include <math.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/status.h"

#define JSON_BYTES_MAX 8192

static const char *const mode_names[] = {[PLAN_ECHO] = "echo",
                                         [PLAN_FANOUT] = "fanout",
                                         [PLAN_CONNECT] = "connect",
                                         [PLAN_IDLE] = "idle",
                                         [PLAN_CHAT] = "chat"};
static const char *const pace_names[] = {
    [PLAN_AWAITED] = "awaited", [PLAN_ACKED] = "acked", [PLAN_AT_RATE] = "rate"};

void result_init(struct result *r, const char *unit)
{
    memset(r, 0, sizeof(*r));
    r->unit = unit;
}

int result_begin(struct result *r, const struct plan *plan, struct error *why)
{
    int rc = usage_cpu_read(&r->before, &plan->pids, why);

    r->own_before_ns = usage_own_ns();
    r->began_ns = clock_mono_ns();
    return rc;
}

int result_end(struct result *r, const struct plan *plan, struct error *why)
{
    r->ended_ns = clock_mono_ns();
    r->own_after_ns = usage_own_ns();
    return usage_cpu_read(&r->after, &plan->pids, why);
}

void result_extra(struct result *r, const char *name, double value)
{
    ASSERT(r->extras_count < RESULT_EXTRAS_MAX);
    r->extras[r->extras_count].name = name;
    r->extras[r->extras_count++].value = value;
}

double result_seconds(const struct result *r)
{
    return (double)(r->ended_ns - r->began_ns) / 1e9;
}

double result_cpu_us(const struct result *r)
{
    return r->after.ns > r->before.ns ? (double)(r->after.ns - r->before.ns) / 1e3 : 0;
}

/* Of the CPU time, what was spent in the program itself and not in the kernel; -1 where the ticks
 * are too few to say. */
static double user_share(const struct result *r)
{
    uint64_t user = r->after.user_ticks - r->before.user_ticks;
    uint64_t system = r->after.system_ticks - r->before.system_ticks;

    return user + system < 5 ? -1 : (double)user / (double)(user + system);
}

static double each(const struct result *r, double sum)
{
    return r->messages > 0 ? sum / (double)r->messages : 0;
}

static double per_second(const struct result *r)
{
    return result_seconds(r) > 0 ? (double)r->messages / result_seconds(r) : 0;
}

/* --- JSON --- */

static void put_number(struct wr *w, const char *key, double value)
{
    char text[64];

    json_out_key(w, key);
    if (!isfinite(value))
        (void)snprintf(text, sizeof(text), "null");
    else
        (void)snprintf(text, sizeof(text), fabs(value) < 1000 ? "%.4f" : "%.1f", value);
    wr_text(w, text);
}

static void put_flag(struct wr *w, const char *key, bool value)
{
    json_out_key(w, key);
    wr_text(w, value ? "true" : "false");
}

static void put_parameters(struct wr *w, const struct plan *plan)
{
    json_out_key(w, "parameters");
    json_out_open(w);
    json_out_member_u64(w, "connections", plan->connections);
    json_out_member_u64(w, "bytes", plan->bytes);
    if (plan->mode == PLAN_ECHO)
        json_out_member_u64(w, "depth", plan->depth);
    if (plan->mode == PLAN_FANOUT)
        json_out_member(w, "pace", view_of_text(pace_names[plan->pace]));
    if (plan->threads > 1)
        json_out_member_u64(w, "threads", plan->threads);
    if (plan->rate > 0)
        put_number(w, "rate", plan->rate);
    if (plan->mode == PLAN_CHAT)
        put_number(w, "churn", plan->churn);
    put_flag(w, "tls", plan->url.is_tls);
    put_flag(w, "compress", plan->offers_deflate);
    put_flag(w, "native", plan->is_native);
    if (plan->mode == PLAN_CONNECT)
        put_flag(w, "resumed", plan->resumes);
    json_out_close(w);
}

static void put_latency(struct wr *w, const struct histogram *h)
{
    json_out_key(w, "latency_us");
    json_out_open(w);
    put_number(w, "mean", (double)histogram_mean(h) / 1e3);
    put_number(w, "p50", (double)histogram_at(h, 0.5) / 1e3);
    put_number(w, "p90", (double)histogram_at(h, 0.9) / 1e3);
    put_number(w, "p99", (double)histogram_at(h, 0.99) / 1e3);
    put_number(w, "p999", (double)histogram_at(h, 0.999) / 1e3);
    put_number(w, "max", (double)h->max / 1e3);
    json_out_member_u64(w, "count", h->count);
    json_out_close(w);
}

static void put_cpu(struct wr *w, const struct result *r)
{
    double us = each(r, result_cpu_us(r)), share = user_share(r);

    put_number(w, "cpu_us_per_message", us);
    put_number(w, "user_us_per_message", share < 0 ? NAN : us * share);
    put_number(w, "system_us_per_message", share < 0 ? NAN : us * (1 - share));
    put_number(w, "cpu_seconds", result_cpu_us(r) / 1e6);
}

static void put_memory(struct wr *w, const struct result *r)
{
    json_out_key(w, "memory");
    json_out_open(w);
    json_out_member_u64(w, "rss_bytes_before", r->memory_before.rss_bytes);
    json_out_member_u64(w, "rss_bytes", r->memory_after.rss_bytes);
    json_out_member_u64(w, "anonymous_bytes_before", r->memory_before.anonymous_bytes);
    json_out_member_u64(w, "anonymous_bytes", r->memory_after.anonymous_bytes);
    json_out_close(w);
}

bool result_print_json(const struct result *r, const struct plan *plan, FILE *to)
{
    char text[JSON_BYTES_MAX];
    struct wr w = wr_of(text, sizeof(text));

    json_out_open(&w);
    json_out_member(&w, "mode", view_of_text(mode_names[plan->mode]));
    json_out_member(&w, "url", view_of_text(plan->url_text));
    put_parameters(&w, plan);
    json_out_member(&w, "unit", view_of_text(r->unit));
    json_out_member_u64(&w, "messages", r->messages);
    put_number(&w, "seconds", result_seconds(r));
    put_number(&w, "per_second", per_second(r));
    if (r->has_latency)
        put_latency(&w, &r->latency);
    if (plan->pids.count > 0)
        put_cpu(&w, r);
    put_number(&w, "generator_cpu_us_per_message",
               each(r, (double)(r->own_after_ns - r->own_before_ns) / 1e3));
    if (r->has_memory)
        put_memory(&w, r);
    for (unsigned i = 0; i < r->extras_count; i++)
        put_number(&w, r->extras[i].name, r->extras[i].value);
    json_out_close(&w);
    wr_u8(&w, '\n');
    return !w.failed && fwrite(text, 1, wr_len(&w), to) == wr_len(&w);
}

/* --- text --- */

static void print_latency(const struct histogram *h, FILE *to)
{
    (void)fprintf(to, "  latency       p50 %.1f us   p90 %.1f   p99 %.1f   p99.9 %.1f   max %.1f\n",
                  (double)histogram_at(h, 0.5) / 1e3, (double)histogram_at(h, 0.9) / 1e3,
                  (double)histogram_at(h, 0.99) / 1e3, (double)histogram_at(h, 0.999) / 1e3,
                  (double)h->max / 1e3);
}

static void print_cpu(const struct result *r, FILE *to)
{
    double us = each(r, result_cpu_us(r)), share = user_share(r);

    (void)fprintf(to, "  server CPU    %.3f us each", us);
    if (share >= 0)
        (void)fprintf(to, " (user %.3f, kernel %.3f)", us * share, us * (1 - share));
    if (us > 0)
        (void)fprintf(to, ", %.0f in a CPU second", 1e6 / us);
    (void)fputc('\n', to);
}

bool result_print_text(const struct result *r, const struct plan *plan, FILE *to)
{
    (void)fprintf(to, "%s %s\n", mode_names[plan->mode], plan->url_text);
    (void)fprintf(to, "  %-13s %llu in %.2f s, %.0f a second\n", r->unit,
                  (unsigned long long)r->messages, result_seconds(r), per_second(r));
    if (r->has_latency)
        print_latency(&r->latency, to);
    if (plan->pids.count > 0)
        print_cpu(r, to);
    (void)fprintf(to, "  own CPU       %.3f us each\n",
                  each(r, (double)(r->own_after_ns - r->own_before_ns) / 1e3));
    if (r->has_memory)
        (void)fprintf(to, "  memory        RSS %.1f MB, was %.1f; anonymous %.1f MB, was %.1f\n",
                      (double)r->memory_after.rss_bytes / 1e6,
                      (double)r->memory_before.rss_bytes / 1e6,
                      (double)r->memory_after.anonymous_bytes / 1e6,
                      (double)r->memory_before.anonymous_bytes / 1e6);
    for (unsigned i = 0; i < r->extras_count; i++)
        (void)fprintf(to, "  %-30s %.2f\n", r->extras[i].name, r->extras[i].value);
    return ferror(to) == 0;
}
