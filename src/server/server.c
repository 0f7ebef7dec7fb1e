/* SPDX-License-Identifier: Apache-2.0 */
/* The running server from the inside of one process: shared tables, workers, and the letters that
 * reach them from other threads. */
#include "server/server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "limit/ban_table.h"
#include "message/json.h"
#include "server/ban.h"
#include "server/channel_tables.h"
#include "server/close_job.h"
#include "server/crew.h"
#include "server/internal.h"
#include "server/online.h"
#include "server/peer.h"
#include "server/push.h"
#include "server/session_stores.h"
#include "server/staples.h"

static int open_tables(struct server *s, struct error *why)
{
    const struct limit_options *l = &s->options->limits;
    const struct limit_row *row =
        limit_table_row(s->first->limits, &(struct limits_place){0, 0, 0});
    const struct event_log_options log = {.target = s->options->log.events,
                                          .syslog_socket = s->options->log.syslog_socket,
                                          .syslog_facility = s->options->log.syslog_facility,
                                          .has_chain = s->options->log.chain ||
                                                       s->options->log.chain_key != NULL,
                                          .chain_key = s->options->log.chain_key,
                                          .state_dir = s->options->state_dir};
    struct conn_limits limits = {
        .total = (uint32_t)l->connections_total,
        .per_ip = (uint32_t)l->connections_per_ip,
        .new_per_ip = rate_limit_make(l->handshakes_per_second, 1000, l->handshakes_burst)};
    int rc;

    rc = event_log_open(&s->events, &log, why);
    if (rc != OK)
        return rc;
    rc = conn_table_new(&s->connections, &limits);
    if (rc == OK)
        rc = user_table_new(&s->users, l->users, &row->per_minute, &row->per_hour);
    if (rc == OK) /* the rates of types are full again within an hour or two: options_messages.c */
        rc = user_table_new(&s->message_users, l->users, &row->per_minute, &row->per_hour);
    if (rc == OK)
        rc = ban_open(s);
    if (rc == OK)
        rc = broker_memory.open(&s->broker, s->workers_count);
    if (rc == OK)
        rc = crew_new(&s->crew, s);
    if (rc == OK)
        rc = closer_new(&s->closer, s);
    if (rc == OK)
        rc = channel_tables_open(s);
    if (rc != OK)
        error_set(why, "cannot prepare the tables: %s", status_text(rc));
    return rc;
}

static int open_tls(struct server *s, struct error *why)
{
    for (uint32_t i = 0; i < s->options->listeners_count; i++) {
        const struct listen_options *l = &s->options->listeners[i];
        int rc;

        if (l->tls.sites_count == 0)
            continue;
        rc = tls_server_new(&s->tls[i], &l->tls, why);
        if (rc != OK)
            return rc;
    }
    return OK;
}

/* One socket a worker: TCP by SO_REUSEPORT on the port the first one got, a Unix socket shared by
 * dup. */
static int bind_listener(struct server *s, uint32_t index, struct error *why)
{
    struct listen_address address = s->options->listeners[index].address;
    bool is_unix = address.unix_path[0] != '\0';
    int rc = listener_probe(&address, why);

    if (rc != OK)
        return rc;
    for (unsigned i = 0; i < s->workers_count; i++) {
        int fd;
        if (i > 0 && is_unix)
            fd = listener_share(s->workers[0].listeners[index].fd);
        else
            fd = listener_bind(&address, &address.port, why);
        if (fd < 0)
            return fd;
        s->workers[i].listeners[index].fd = fd;
    }
    s->ports[index] = address.port;
    return OK;
}

static int open_all(struct server *s, struct error *why)
{
    uint32_t count = s->options->listeners_count;
    int rc;

    s->tls = calloc(count, sizeof(s->tls[0]));
    s->ports = calloc(count, sizeof(s->ports[0]));
    s->workers_count = (unsigned)s->options->workers;
    s->workers = calloc(s->workers_count, sizeof(s->workers[0]));
    s->listener_open = calloc(count, sizeof(s->listener_open[0]));
    if (s->tls == NULL || s->ports == NULL || s->workers == NULL || s->listener_open == NULL) {
        error_set(why, "out of memory");
        return E_NOMEM;
    }
    rc = open_tables(s, why);
    if (rc == OK)
        rc = open_tls(s, why);
    if (rc == OK && staples_open(s) != OK) {
        error_set(why, "out of memory");
        rc = E_NOMEM;
    }
    for (unsigned i = 0; rc == OK && i < s->workers_count; i++) {
        rc = worker_open(&s->workers[i], s, i);
        if (rc != OK)
            error_set(why, "cannot prepare worker %u: %s", i, status_text(rc));
    }
    for (uint32_t i = 0; rc == OK && i < count; i++)
        rc = bind_listener(s, i, why);
    if (rc == OK)
        rc = internal_open(s, why);
    return rc == OK ? session_stores_open(s, why) : rc;
}

/* Everything, the options only where they are ours already. */
static void free_parts(struct server *s, bool owns_options)
{
    internal_reload_end(s->internal);
    session_stores_close(s);
    for (unsigned i = 0; s->workers != NULL && i < s->workers_count; i++) {
        if (s->workers[i].server != NULL)
            worker_close(&s->workers[i]);
    }
    internal_free(s->internal);
    closer_free(s->closer);
    crew_free(s->crew);
    staples_free(s);
    free(s->workers);
    for (uint32_t i = 0; s->tls != NULL && i < s->options->listeners_count; i++)
        tls_server_drop(s->tls[i]);
    free(s->tls);
    free(s->ports);
    free(s->listener_open);
    if (s->broker != NULL)
        broker_memory.close(s->broker);
    channel_tables_close(s);
    user_table_free(s->message_users);
    ban_table_free(s->bans);
    user_table_free(s->users);
    conn_table_free(s->connections);
    event_log_close(s->events);
    generation_drop(s->latest);
    if (!owns_options && s->first != NULL)
        s->first->options = NULL;
    generation_drop(s->first);
    (void)pthread_cond_destroy(&s->changes_phase);
    (void)pthread_mutex_destroy(&s->reloading);
    free(s);
}

int server_open(struct server **out, struct options *options, struct error *why)
{
    struct server *s = calloc(1, sizeof(*s));
    int rc;

    if (s == NULL) {
        error_set(why, "out of memory");
        return E_NOMEM;
    }
    s->options = options;
    s->opened_ms = clock_mono_ms();
    (void)pthread_mutex_init(&s->reloading, NULL);
    (void)pthread_cond_init(&s->changes_phase, NULL);
    rc = generation_new(&s->first, options, NULL);
    if (rc == OK)
        s->latest = generation_keep(s->first);
    if (rc == OK)
        rc = open_all(s, why);
    else
        error_set(why, "out of memory");
    if (rc != OK) {
        free_parts(s, false);
        return rc; /* options are still the caller's */
    }
    *out = s;
    return OK;
}

static void *run_thread(void *worker)
{
    worker_run(worker);
    return NULL;
}

static void log_simple(struct server *s, enum event_type type)
{
    struct event event = {.type = type, .outcome = OUTCOME_OK, .detail = VIEW(GATEWARD_VERSION)};

    event_log_put(s->events, &event);
}

/* With `reloading` held: who waits for a reload goes on, or is told that there will be none. */
static void turn_phase(struct server *s, enum server_phase phase)
{
    s->phase = phase;
    (void)pthread_cond_broadcast(&s->changes_phase);
}

int server_run(struct server *s)
{
    struct error why = {{0}, 0, 0};
    unsigned started;
    int rc;

    (void)pthread_mutex_lock(&s->reloading);
    rc = online_start(s, &why);
    turn_phase(s, rc == OK ? SERVER_ONLINE : SERVER_ENDED);
    (void)pthread_mutex_unlock(&s->reloading);
    if (rc != OK) {
        log_line(LOG_ERROR, "%s", why.text);
        online_stop(s);
        return rc;
    }
    log_simple(s, EVENT_SERVER_START);
    atomic_store(&s->running, 1);
    for (started = 1; started < s->workers_count; started++) {
        (void)atomic_fetch_add(&s->running, 1);
        if (pthread_create(&s->workers[started].thread, NULL, run_thread, &s->workers[started]) !=
            0) {
            (void)atomic_fetch_sub(&s->running, 1);
            log_line(LOG_ERROR, "cannot start worker %u: out of threads", started);
            break;
        }
    }
    if (started < s->workers_count)
        server_drain(s); /* half a server would lose what is published to the other half */
    worker_run(&s->workers[0]);
    for (unsigned i = 1; i < started; i++)
        (void)pthread_join(s->workers[i].thread, NULL);
    (void)pthread_mutex_lock(&s->reloading);
    turn_phase(s, SERVER_ENDED);
    (void)pthread_mutex_unlock(&s->reloading);
    online_stop(s);
    log_simple(s, EVENT_SERVER_STOP);
    return started < s->workers_count ? E_NOMEM : OK;
}

/* While we still listen the path is ours; once we do not, a successor may have taken it. */
static void remove_unix_sockets(const struct server *s)
{
    for (uint32_t i = 0; i < s->options->listeners_count; i++) {
        const char *path = s->options->listeners[i].address.unix_path;
        if (path[0] != '\0')
            (void)unlink(path);
    }
}

void server_drain(struct server *s)
{
    unsigned before = atomic_fetch_add(&s->drains, 1);

    if (before == 0) {
        log_simple(s, EVENT_SERVER_DRAIN);
        remove_unix_sockets(s);
    }
    if (before >= DRAINS_MAX)
        return; /* the second call has ended everything already */
    for (unsigned i = 0; i < s->workers_count;
         i++) /* however full the box: worker_open kept places */
        mailbox_post_reserved(s->workers[i].control,
                              (struct letter){worker_drain_letter, NULL, NULL});
}

void server_reopen_log(struct server *s)
{
    event_log_reopen(s->events);
}

void server_free(struct server *s)
{
    if (s != NULL)
        free_parts(s, true);
}

uint16_t server_internal_port(const struct server *s)
{
    return internal_port(s->internal);
}

uint16_t server_port(const struct server *s, unsigned listener)
{
    return listener < s->options->listeners_count ? s->ports[listener] : 0;
}

/* --- publishing from outside --- */

struct outside_publish {
    size_t channel_bytes, data_bytes;
    char bytes[];
};

static void publish_letter(void *worker, void *a, void *b)
{
    struct worker *w = worker;
    struct outside_publish *item = a;
    struct view channel = view_of(item->bytes, item->channel_bytes);
    struct json *data;
    size_t error_at;

    (void)b;
    arena_reset(&w->arena);
    if (json_parse(&data, view_of(item->bytes + item->channel_bytes, item->data_bytes), NULL,
                   &w->arena, &error_at) == OK) {
        struct push push = {channel, data, VIEW("")};

        if (push_publish(w, &push) != OK)
            log_line(LOG_WARN, "a message of the program was not delivered: queues are full");
    }
    free(item);
}

int server_publish(struct server *s, struct view channel, struct view data)
{
    struct arena arena;
    struct json *root;
    struct outside_publish *item;
    size_t error_at;
    int rc;

    if (!channel_name_ok(channel))
        return E_INVALID;
    arena_init(&arena, ARENA_CHUNK_BYTES, ARENA_BYTES_MAX);
    rc = json_parse(&root, data, NULL, &arena, &error_at);
    arena_clear(&arena);
    if (rc != OK)
        return E_INVALID;
    item = malloc(sizeof(*item) + channel.len + data.len);
    if (item == NULL)
        return E_NOMEM;
    item->channel_bytes = channel.len;
    item->data_bytes = data.len;
    memcpy(item->bytes, channel.ptr, channel.len);
    memcpy(item->bytes + channel.len, data.ptr, data.len);
    if (!mailbox_post(s->workers[0].control, (struct letter){publish_letter, item, NULL})) {
        free(item);
        return E_FULL;
    }
    return OK;
}
