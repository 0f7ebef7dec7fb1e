/* SPDX-License-Identifier: Apache-2.0 */
/* internal_metrics.c: GET /metrics. Each worker copies its own numbers, so that counting costs an
 * increment and no lock; how late it came to do so is the lag of its loop. What events count is
 * taken from the event log, which counts all of them, also those that it does not write. No label
 * has a value that a stranger chose. docs/metrics.md describes the same families. */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dirent.h>
#include <stdio.h>

#include "auth/key_set.h"
#include "auth/revocation.h"
#include "base/clock.h"
#include "base/status.h"
#include "server/exposition.h"
#include "server/internal_call.h"
#include "server/memory.h"

#define TEXT_BYTES_MAX (512u * 1024u)
#define COUNTER        EXPOSITION_COUNTER
#define GAUGE          EXPOSITION_GAUGE

struct share { /* of one worker */
    struct metrics counted;
    struct loop_counters loop;
    struct hub_counters hub;
    uint64_t tls_own, tls_openssl; /* open now */
    uint64_t peers, logged_in, subscriptions, channels, queue_bytes, queue_max, lag_ns;
    int64_t memory;
};
struct scrape {
    struct order order; /* first */
    uint64_t asked_ns;
    struct share shares[WORKERS_MAX];
};

/* --- on each worker --- */

static void run(struct worker *w, struct crew_job *work)
{
    struct scrape *scrape = (struct scrape *)(void *)work;
    struct share *share = &scrape->shares[w->index];

    share->lag_ns = clock_mono_ns() - scrape->asked_ns;
    share->counted = w->metrics;
    share->loop = *loop_counters(w->loop);
    share->hub = *hub_counters(w->hub);
    share->peers = w->peers_count;
    share->memory = memory_of_worker(w);
    share->channels = hub_channel_count(w->hub);
    for (struct link *at = w->peers.next; at != &w->peers; at = at->next) {
        const struct peer *p = LINK_ITEM(at, struct peer, link);
        size_t backlog = conn_backlog(&p->conn);
        enum tls_records records;

        if (conn_tls_records(&p->conn, &records))
            *(records == TLS_RECORDS_OWN ? &share->tls_own : &share->tls_openssl) += 1;
        share->logged_in += p->phase == PEER_OPEN && p->who != NULL;
        share->subscriptions += p->subscriber.count;
        share->queue_bytes += backlog;
        if (backlog > share->queue_max)
            share->queue_max = backlog;
    }
}

static void add_up(struct share *all, const struct share *one)
{
    uint64_t *to = (uint64_t *)(void *)&all->counted;
    const uint64_t *from = (const uint64_t *)(const void *)&one->counted;

    for (size_t i = 0; i < sizeof(all->counted) / sizeof(*to); i++)
        to[i] += from[i];
    all->loop.recv_calls += one->loop.recv_calls;
    all->loop.send_calls += one->loop.send_calls;
    all->loop.recv_bytes += one->loop.recv_bytes;
    all->loop.send_bytes += one->loop.send_bytes;
    all->hub.publishes += one->hub.publishes;
    all->hub.deliveries += one->hub.deliveries;
    all->tls_own += one->tls_own;
    all->tls_openssl += one->tls_openssl;
    all->peers += one->peers;
    all->logged_in += one->logged_in;
    all->subscriptions += one->subscriptions;
    all->channels += one->channels;
    all->queue_bytes += one->queue_bytes;
    all->memory += one->memory;
    if (one->queue_max > all->queue_max)
        all->queue_max = one->queue_max;
}

/* --- families --- */

static void put_server(struct wr *w, const struct server *s)
{
    exposition_family(w, "gateward_build_info", GAUGE, "Always 1; the version of the program.");
    exposition_sample(w, "gateward_build_info", "version", GATEWARD_VERSION, 1);
    exposition_one(w, "gateward_workers", GAUGE, "Threads that serve connections.",
                   s->workers_count);
    exposition_one(w, "gateward_draining", GAUGE, "1 from the begin of a graceful end.",
                   atomic_load(&s->drains) != 0);
}

static void put_records(struct wr *w, const struct share *all)
{
    static const char open[] = "gateward_tls_connections", ever[] = "gateward_tls_records_total";

    exposition_family(w, open, GAUGE,
                      "Open TLS connections behind their handshake, by who carries the records.");
    exposition_sample(w, open, "records", "own", all->tls_own);
    exposition_sample(w, open, "records", "openssl", all->tls_openssl);
    exposition_family(
        w, ever, COUNTER,
        "TLS handshakes that succeeded: records carried by us (own), or why by OpenSSL.");
    for (unsigned i = 0; i < TLS_RECORDS_COUNT; i++)
        exposition_sample(w, ever, "reason", tls_records_text((enum tls_records)i),
                          all->counted.tls_records[i]);
}

static void put_connections(struct wr *w, const struct share *all)
{
    static const char name[] = "gateward_tls_handshakes_total";

    exposition_one(w, "gateward_connections", GAUGE,
                   "Open connections, those at their handshake too.", all->peers);
    exposition_one(w, "gateward_connections_logged_in", GAUGE, "Open connections of a known user.",
                   all->logged_in);
    exposition_one(w, "gateward_connections_accepted_total", COUNTER,
                   "Connections that were let in at the door.", all->counted.connections);
    exposition_family(w, name, COUNTER, "TLS handshakes that have ended.");
    exposition_sample(w, name, "result", "ok", all->counted.tls_ok);
    exposition_sample(w, name, "result", "failed", all->counted.tls_failed);
    put_records(w, all);
    exposition_one(w, "gateward_upgrades_total", COUNTER,
                   "WebSocket handshakes that were answered with 101.", all->counted.upgrades);
}

/* Names that the configuration has chosen; a route's count goes on over a reload. */
static void put_places(struct wr *w, const struct server *s, const struct generation *g)
{
    static const char listeners[] = "gateward_listener_connections";
    static const char routes[] = "gateward_route_connections";

    exposition_family(w, listeners, GAUGE, "Open connections of a listener.");
    for (uint32_t i = 0; i < g->options->listeners_count; i++) {
        char number[12];

        (void)snprintf(number, sizeof(number), "%u", i);
        exposition_sample(w, listeners, "listener", number,
                          atomic_load_explicit(&s->listener_open[i], memory_order_relaxed));
    }
    exposition_family(w, routes, GAUGE, "WebSocket connections of a route.");
    for (uint32_t i = 0; i < g->routes_count; i++)
        exposition_sample(w, routes, "route", g->options->routes[i].path,
                          atomic_load_explicit(&g->route_counts[i]->open, memory_order_relaxed));
}

/* Some refusals share a code: the first of them speaks for all. */
static void put_refusals(struct wr *w, const struct share *all)
{
    static const char name[] = "gateward_handshakes_refused_total";

    exposition_family(w, name, COUNTER, "Requests that were answered with a refusal, by its code.");
    for (unsigned i = REFUSE_NONE + 1; i < REFUSE_COUNT; i++) {
        struct view code = view_of_text(refusal_get((enum refusal)i)->code);
        uint64_t count = 0;
        bool is_first = true;

        for (unsigned other = REFUSE_NONE + 1; other < REFUSE_COUNT; other++) {
            if (!view_eq(code, view_of_text(refusal_get((enum refusal)other)->code)))
                continue;
            is_first = is_first && other >= i;
            count += all->counted.refused[other];
        }
        if (is_first)
            exposition_sample(w, name, "code", code.ptr, count);
    }
}

static void put_logins(struct wr *w, const struct share *all)
{
    static const char *const methods[METRICS_METHODS] = {
        [IDENTITY_JWT] = "jwt",         [IDENTITY_CERTIFICATE] = "certificate",
        [IDENTITY_TICKET] = "ticket",   [IDENTITY_OAUTH2] = "oauth2",
        [IDENTITY_SESSION] = "session", [IDENTITY_HOOK] = "hook"};
    static const char name[] = "gateward_logins_total";

    exposition_family(w, name, COUNTER, "Identities that were accepted, by method.");
    for (unsigned i = IDENTITY_JWT; i < METRICS_METHODS; i++)
        exposition_sample(w, name, "method", methods[i], all->counted.logins[i]);
    exposition_one(w, "gateward_logins_extended_total", COUNTER,
                   "Fresh tokens on connections that were open.", all->counted.extensions);
}

static void put_messages(struct wr *w, const struct share *all)
{
    exposition_one(w, "gateward_messages_received_total", COUNTER,
                   "Whole messages from clients, control frames apart.", all->counted.messages_in);
    exposition_one(w, "gateward_messages_sent_total", COUNTER,
                   "Messages to clients, control frames apart.", all->counted.messages_out);
    exposition_one(w, "gateward_received_bytes_total", COUNTER,
                   "Bytes from clients as they come from the network.", all->loop.recv_bytes);
    exposition_one(w, "gateward_sent_bytes_total", COUNTER,
                   "Bytes to clients as they go to the network.", all->loop.send_bytes);
    exposition_one(w, "gateward_socket_reads_total", COUNTER, "Reads asked of the kernel.",
                   all->loop.recv_calls);
    exposition_one(w, "gateward_socket_writes_total", COUNTER, "Writes asked of the kernel.",
                   all->loop.send_calls);
    exposition_one(w, "gateward_publishes_total", COUNTER, "Messages published on a channel.",
                   all->hub.publishes);
    exposition_one(w, "gateward_deliveries_total", COUNTER,
                   "Published messages put into the queue of a subscriber.", all->hub.deliveries);
    exposition_one(w, "gateward_messages_rate_limited_total", COUNTER,
                   "Messages refused because of their rate.", all->counted.rate_limited);
    exposition_one(w, "gateward_queue_bytes", GAUGE, "Bytes that wait for clients to take them.",
                   all->queue_bytes);
    exposition_one(w, "gateward_queue_bytes_max", GAUGE,
                   "Bytes that wait for the client with most of them.", all->queue_max);
    exposition_one(w, "gateward_subscriptions", GAUGE, "Subscriptions of all connections.",
                   all->subscriptions);
}

static void put_observed(struct wr *w, const struct share *all)
{
    static const char name[] = "gateward_limits_observed_total";

    exposition_family(w, name, COUNTER,
                      "What limits that only observe would have refused, by limit.");
    for (unsigned i = 0; i < LIMIT_NAMES; i++)
        exposition_sample(w, name, "limit", limit_name_text((enum limit_name)i),
                          all->counted.observed[i]);
}

struct told {
    struct wr *w;
    const char *name, *label;
};

static void put_code(void *context, const char *code, uint64_t count)
{
    struct told *told = context;

    exposition_sample(told->w, told->name, told->label, code, count);
}

static void put_events(struct wr *w, struct event_log *log)
{
    static const struct {
        enum event_type type;
        const char *name, *label, *help;
    } rows[] = {
        {EVENT_CONNECTION_REFUSED, "gateward_connections_refused_total", "reason",
         "Connections over a limit at the door, by reason."},
        {EVENT_AUTH_FAILED, "gateward_login_failures_total", "code",
         "Credentials that were refused, by what was wrong."},
        {EVENT_ACCESS_DENIED, "gateward_access_denied_total", "reason",
         "Subscriptions and publishes that the rules refused, by reason."},
        {EVENT_MESSAGE_INVALID, "gateward_messages_invalid_total", "code",
         "Messages refused for their form or by their schema, by code."},
        {EVENT_LIMIT_EXCEEDED, "gateward_limits_exceeded_total", "limit",
         "Connections or messages over a limit, by limit."},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct told told = {w, rows[i].name, rows[i].label};

        exposition_family(w, rows[i].name, COUNTER, rows[i].help);
        event_log_each_code(log, rows[i].type, put_code, &told);
    }
    exposition_one(w, "gateward_slow_readers_total", COUNTER,
                   "Connections cut off because they took too little too slowly.",
                   event_log_count(log, EVENT_SLOW_READER));
    exposition_family(w, "gateward_events_total", COUNTER,
                      "Security events, those too that no line was written of.");
    for (unsigned i = 0; i < EVENT_TYPES; i++)
        exposition_sample(w, "gateward_events_total", "event", event_type_text((enum event_type)i),
                          event_log_count(log, (enum event_type)i));
    exposition_one(w, "gateward_event_lines_suppressed_total", COUNTER,
                   "Lines left out of the event log.", event_log_left_out(log));
}

static void put_api_call(void *context, const char *path, const char *code, uint64_t count)
{
    static const char *const labels[] = {"path", "code"};

    exposition_sample2(context, "gateward_api_calls_total", labels,
                       (const char *const[]){path, code}, count);
}

static void put_sources(struct wr *w, const struct server *s, const struct auth *auth)
{
    static const char *const names[SOURCES] = {"introspection", "hook", "sessions"};
    static const char up[] = "gateward_identity_source_up", keys[] = "gateward_key_sources";
    const bool is_there[SOURCES] = {auth->introspection != NULL, auth->hook != NULL,
                                    auth->sessions != NULL};
    unsigned down = atomic_load_explicit(&s->sources_down, memory_order_relaxed);
    uint64_t with = 0, without = 0;

    exposition_family(w, up, GAUGE, "1 while whoever is asked about identities answers.");
    for (unsigned i = 0; i < SOURCES; i++) {
        if (is_there[i])
            exposition_sample(w, up, "source", names[i], (down >> i & 1) == 0);
    }
    for (uint32_t i = 0; i < auth->issuers_count; i++) {
        struct key_set *set;

        if (auth->issuers[i].jwks_url == NULL)
            continue;
        set = key_source_keep(auth->issuers[i].public_keys);
        with += set != NULL;
        without += set == NULL;
        key_set_drop(set);
    }
    exposition_family(w, keys, GAUGE,
                      "Issuers whose keys are downloaded, by whether there are any.");
    exposition_sample(w, keys, "state", "ready", with);
    exposition_sample(w, keys, "state", "missing", without);
}

/* --- the process --- */

static uint64_t resident_bytes(void)
{
    unsigned long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    (void)fclose(f);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (folder == NULL)
        return 0;
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count > 3 ? count - 3 : 0; /* . and .. and the folder itself */
}

static void put_process(struct wr *w, const struct server *s)
{
    struct rlimit limit = {0, 0};
    struct rusage usage;
    uint64_t cpu_ns = 0;

    if (getrusage(RUSAGE_SELF, &usage) == 0)
        cpu_ns = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
                 (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    exposition_family(w, "process_cpu_seconds_total", COUNTER, "User and system time.");
    exposition_seconds(w, "process_cpu_seconds_total", NULL, NULL, cpu_ns);
    exposition_one(w, "process_resident_memory_bytes", GAUGE, "Memory in use.", resident_bytes());
    exposition_one(w, "process_open_fds", GAUGE, "Open descriptors.", open_descriptors());
    exposition_one(w, "process_max_fds", GAUGE, "Descriptors that may be open.", limit.rlim_cur);
    exposition_one(w, "process_start_time_seconds", GAUGE, "When it began, in seconds since 1970.",
                   (uint64_t)(clock_wall_s() - (int64_t)((clock_mono_ms() - s->opened_ms) / 1000)));
}

/* --- all of it --- */

static void put_lag(struct wr *w, const struct scrape *scrape, unsigned workers)
{
    static const char name[] = "gateward_loop_lag_seconds";
    char number[12];

    exposition_family(w, name, GAUGE, "How long a worker took to come to this question.");
    for (unsigned i = 0; i < workers; i++) {
        (void)snprintf(number, sizeof(number), "%u", i);
        exposition_seconds(w, name, "worker", number, scrape->shares[i].lag_ns);
    }
}

static void answer(struct order *order, struct wr *w)
{
    struct scrape *scrape = (struct scrape *)(void *)order;
    struct internal *in = order->internal;
    const struct server *s = in->server;
    struct share all = {.peers = 0};

    for (unsigned i = 0; i < s->workers_count; i++)
        add_up(&all, &scrape->shares[i]);
    put_server(w, s);
    put_connections(w, &all);
    put_places(w, s, internal_worker(in)->now);
    put_refusals(w, &all);
    put_logins(w, &all);
    put_messages(w, &all);
    put_observed(w, &all);
    exposition_one(w, "gateward_memory_bytes", GAUGE,
                   "What all connections together make the process keep.",
                   all.memory > 0 ? (uint64_t)all.memory : 0);
    exposition_one(w, "gateward_memory_budget_bytes", GAUGE, "How much that may be.",
                   internal_worker(in)->options->limits.memory_bytes);
    exposition_one(w, "gateward_channels", GAUGE, "Channels that somebody listens to.",
                   s->workers_count == 1 ? all.channels : broker_channel_count(s->broker));
    put_events(w, s->events);
    exposition_family(w, "gateward_api_calls_total", COUNTER,
                      "Calls of the internal API, by endpoint and code of the answer.");
    api_each_count(in->api, put_api_call, w);
    put_sources(w, s, &internal_worker(in)->options->auth);
    if (in->revocations != NULL)
        exposition_one(w, "gateward_revocations", GAUGE, "Revocations that are remembered.",
                       revocations_count(in->revocations));
    put_lag(w, scrape, s->workers_count);
    put_process(w, s);
}

enum api_result internal_metrics(struct internal *in, uint64_t number)
{
    struct scrape *scrape =
        (struct scrape *)(void *)internal_order_new(in, sizeof(*scrape), number);

    if (scrape == NULL)
        return API_RESULT_OVERLOADED;
    scrape->asked_ns = clock_mono_ns();
    scrape->order.work.run = run;
    scrape->order.answer = answer;
    scrape->order.answer_bytes = TEXT_BYTES_MAX;
    return internal_order_start(&scrape->order);
}
