/* SPDX-License-Identifier: Apache-2.0 */
/* One way to run a server from the command line. Signals are taken by a thread of their own with
 * sigwait, so no handler ever interrupts a worker. */
#include "cli/run_server.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/status.h"
#include "limit/limit_name.h"
#include "server/jail.h"

#define DESCRIPTORS_SPARE                                                                          \
    128                         /* the internal API, logs, stores, fetches, and what clients leave \
                                 */
#define DESCRIPTORS_OF_WORKER 8 /* its loop and its wake-ups */

struct watched {
    struct server *server;
    bool takes_hangup;
    atomic_bool has_ended;
};

static void *wait_for_signals(void *argument)
{
    struct watched *watched = argument;
    sigset_t set;
    int which;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigaddset(&set, SIGUSR2); /* ours: the server has ended by itself */
    if (watched->takes_hangup)
        (void)sigaddset(&set, SIGHUP);
    while (sigwait(&set, &which) == 0) {
        if (which == SIGHUP) {
            (void)server_reload(watched->server);
        } else if (which == SIGUSR1) {
            server_reopen_log(watched->server);
        } else if (which != SIGUSR2) {
            server_drain(watched->server); /* before any word about it, which may have to wait */
            log_line(LOG_INFO, "%s: draining; once more ends now",
                     which == SIGTERM ? "SIGTERM" : "SIGINT");
        } else if (atomic_load(&watched->has_ended)) {
            break; /* sent by anyone else it means nothing */
        }
    }
    return NULL;
}

static void block_signals(bool takes_hangup)
{
    sigset_t set;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigaddset(&set, SIGUSR2);
    if (takes_hangup)
        (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* One descriptor a connection. Says so when the system allows fewer than the configuration
 * promises. */
static void raise_descriptors(const struct options *options)
{
    rlim_t ours = DESCRIPTORS_SPARE +
                  options->workers * (DESCRIPTORS_OF_WORKER + 2 * (rlim_t)options->listeners_count);
    rlim_t wanted = (rlim_t)options->limits.connections_total + ours;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur =
        limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= wanted ? wanted : limit.rlim_max;
    if (limit.rlim_max < wanted) {
        struct rlimit higher = {wanted, wanted};
        if (setrlimit(RLIMIT_NOFILE, &higher) == 0)
            return;
        log_line(
            LOG_WARN,
            "limits.connections.total is %llu, but the system allows %llu open files: raise it "
            "(ulimit -n, LimitNOFILE=)",
            (unsigned long long)options->limits.connections_total,
            (unsigned long long)limit.rlim_max);
    }
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Where the system has less, it ends the process before the budget ends anybody. */
static void look_at_memory(const struct options *options)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t wanted = options->limits.memory_bytes + options->limits.history_bytes;

    if (pages > 0 && page > 0 && wanted > (uint64_t)pages * (uint64_t)page)
        log_line(
            LOG_WARN,
            "limits.memory and limits.history.size are %llu MiB, but this machine has %llu MiB",
            (unsigned long long)wanted >> 20,
            (unsigned long long)pages * (unsigned long long)page >> 20);
}

/* In other words than a listener for clients, so that nobody takes it for one. */
static void announce_internal(const struct server *server, const struct options *options)
{
    const struct listen_address *address = &options->internal.address;
    char ip[IP_TEXT_BYTES];

    if (!options->internal.is_on)
        return;
    if (address->unix_path[0] != '\0') {
        log_line(LOG_INFO, "internal API at unix:%s", address->unix_path);
        return;
    }
    ip_address_text(&address->ip, ip);
    log_line(LOG_INFO, "internal API at http://%s%s%s:%u", address->ip.family == 6 ? "[" : "", ip,
             address->ip.family == 6 ? "]" : "", server_internal_port(server));
}

static void announce_listeners(const struct server *server, const struct options *options)
{
    for (uint32_t i = 0; i < options->listeners_count; i++) {
        const struct listen_options *l = &options->listeners[i];
        char ip[IP_TEXT_BYTES];

        if (l->address.unix_path[0] != '\0') {
            log_line(LOG_INFO, "listening on unix:%s", l->address.unix_path);
            continue;
        }
        ip_address_text(&l->address.ip, ip);
        for (uint32_t r = 0; r < options->routes_count; r++)
            log_line(LOG_INFO, "listening on %s://%s%s%s:%u%s",
                     l->tls.sites_count > 0 ? "wss" : "ws", l->address.ip.family == 6 ? "[" : "",
                     ip, l->address.ip.family == 6 ? "]" : "", server_port(server, i),
                     options->routes[r].path);
    }
}

static void announce_observed(const struct options *options)
{
    for (unsigned i = 0; i < LIMIT_NAMES; i++)
        if ((options->limits.observed >> i & 1) != 0)
            log_line(LOG_WARN, "limits.observe: %s is counted, but not enforced",
                     limit_name_text((enum limit_name)i));
}

int run_server(struct options *options,
               void (*announce)(const struct server *server, void *context), void *context)
{
    struct server *server;
    /* In `dev` a hangup is the end of its terminal, and ends it. */
    struct watched watched = {.takes_hangup = announce == NULL};
    struct error why = {0};
    pthread_t signals;
    int rc;

    block_signals(watched.takes_hangup);
    raise_descriptors(options);
    look_at_memory(options);
    if (server_open(&server, options, &why) != OK) {
        (void)fprintf(stderr, "gateward: %s\n", why.text);
        options_free(options);
        return 1;
    }
    if (jail_enter(options->user, &why) != OK) {
        (void)fprintf(stderr, "gateward: %s\n", why.text);
        server_free(server);
        return 1;
    }
    watched.server = server;
    if (pthread_create(&signals, NULL, wait_for_signals, &watched) != 0) {
        (void)fprintf(stderr, "gateward: cannot start a thread\n");
        server_free(server);
        return 1;
    }
    announce_listeners(server, options);
    announce_internal(server, options);
    announce_observed(options);
    if (announce != NULL)
        announce(server, context);
    rc = server_run(server);
    atomic_store(&watched.has_ended, true);
    (void)pthread_kill(signals, SIGUSR2);
    (void)pthread_join(signals, NULL);
    server_free(server);
    log_line(LOG_INFO, "stopped");
    return rc == OK ? 0 : 1;
}
