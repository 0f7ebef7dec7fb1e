/* SPDX-License-Identifier: Apache-2.0 */
/* api.c: the connections of the API: at most 64, one request each, a deadline for the request and
 * one for the answer. The key is asked for as soon as the head is there: a stranger's body is never
 * read, let alone parsed. */
#include "api/api.h"

#include <stdlib.h>
#include <unistd.h>

#include "api/api_routes.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "net/conn.h"
#include "net/listener.h"
#include "wire/http_host.h"

#define LINGER_MS      1000
#define ARENA_CHUNK    (64u * 1024u)
#define ARENA_MAX      (4u * 1024u * 1024u)
#define BODY_BYTES_MAX 1024 /* of our own answers */

enum phase { PHASE_READ, PHASE_WAIT, PHASE_LINGER };

struct api {
    struct api_options options;
    struct listener *listener;
    struct link conns;
    uint32_t count;
    uint64_t last_call;
    struct arena arena;
};
struct api_conn {
    struct conn conn; /* first */
    struct api *api;
    struct link link;
    struct timer timer;
    struct api_request request;
    const struct api_route *route;
    const struct api_key *key;
    uint64_t call;
    struct api_call told; /* without its views: those point into the request */
    char user[IDENTITY_USER_MAX + 1];
    enum phase phase;
};

static struct api_conn *conn_of(struct conn *c)
{
    return (struct api_conn *)(void *)c;
}

/* --- answers --- */

static void tell(struct api_conn *c, enum api_result result)
{
    const struct api_options *o = &c->api->options;
    const struct api_result_row *row = api_result_get(result);

    if (result == API_RESULT_OK && (c->route == NULL || c->route->is_quiet))
        return;
    if (result == API_RESULT_DRAINING && c->route != NULL && c->route->scope == API_SCOPE_NONE)
        return; /* a probe that is told so every second is no event */
    c->told.operation = c->route != NULL ? c->route->operation : "none";
    c->told.code = row->code;
    c->told.status = row->status;
    c->told.key = view_of_text(c->key != NULL ? c->key->name : NULL);
    o->ops->log(o->server, &c->told);
}

static void answer(struct api_conn *c, enum api_result result, struct view body)
{
    uint8_t bytes[API_ANSWER_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));
    bool is_sent;

    tell(c, result);
    api_answer_encode(&w, result, body);
    is_sent = !w.failed && conn_write(&c->conn, bytes, wr_len(&w)) == OK;
    secret_wipe(bytes, sizeof(bytes));
    if (!is_sent) {
        conn_abort(&c->conn);
        return;
    }
    c->phase = PHASE_LINGER;
    conn_shutdown(&c->conn);
    timer_start(c->api->options.loop, &c->timer, loop_now_ms(c->api->options.loop) + LINGER_MS);
}

static void refuse(struct api_conn *c, enum api_result result)
{
    answer(c, result, VIEW(""));
}

static void fire(struct timer *timer)
{
    struct api_conn *c = LINK_ITEM(timer, struct api_conn, timer);

    if (c->phase == PHASE_READ)
        refuse(c, API_RESULT_TIMEOUT);
    else if (c->phase == PHASE_WAIT)
        refuse(c, API_RESULT_UNFINISHED);
    else
        conn_abort(&c->conn);
}

void api_finish(struct api *api, uint64_t call, enum api_result result, struct view body)
{
    for (struct link *at = api->conns.next; at != &api->conns; at = at->next) {
        struct api_conn *c = LINK_ITEM(at, struct api_conn, link);

        if (c->call != call || c->phase != PHASE_WAIT)
            continue;
        answer(c, result, body);
        return;
    }
}

/* --- requests --- */

/* A page that made a name of its own point here (DNS rebinding) comes under that name. */
static bool host_ok(const struct api_conn *c)
{
    const struct http1_header *header;
    struct http_host host;
    struct ip_address ip;

    if (c->api->options.is_unix)
        return true;
    if (http1_find(&c->request.head, VIEW("Host"), &header) != 1 ||
        !http_host_parse(&host, header->value))
        return false;
    if (host.is_ip)
        return ip_address_parse(&ip, view_of(host.name, host.name_bytes)) &&
               ip_address_is_loopback(&ip);
    return view_eq(view_of(host.name, host.name_bytes), VIEW("localhost"));
}

static bool on_head(struct api_conn *c)
{
    enum api_result result = API_RESULT_HOST_UNKNOWN;

    if (host_ok(c))
        result = api_route_find(&c->route, &c->key, &c->request.head, c->api->options.keys);
    if (result != API_RESULT_OK)
        refuse(c, result);
    return result == API_RESULT_OK;
}

static void on_request(struct api_conn *c)
{
    struct api *api = c->api;
    uint8_t out[BODY_BYTES_MAX];
    struct api_work work = {
        .api = &api->options, .key = c->key, .call = c->call, .out = wr_of(out, sizeof(out))};
    struct json *body = NULL;
    enum api_result result = API_RESULT_OK;
    size_t error_at;

    arena_reset(&api->arena);
    if (c->route->is_post && json_parse(&body, c->request.body, NULL, &api->arena, &error_at) != OK)
        result = API_RESULT_JSON;
    work.body = body;
    if (result == API_RESULT_OK) {
        c->phase = PHASE_WAIT; /* before the handler: its answer may come at once */
        result = c->route->handle(&work);
    }
    c->told.user = work.told.user;
    c->told.detail = work.told.detail;
    if (result == API_RESULT_LATER) {
        /* The text of the request goes now; what the log will want is kept. */
        memcpy(c->user, c->told.user.ptr != NULL ? c->told.user.ptr : "", c->told.user.len);
        c->told.user = view_of(c->user, c->told.user.len);
        timer_start(api->options.loop, &c->timer, loop_now_ms(api->options.loop) + API_REQUEST_MS);
    } else {
        answer(c, work.out.failed ? API_RESULT_LATER : result, view_of(out, wr_len(&work.out)));
        c->told.user = c->told.detail = VIEW("");
    }
    secret_wipe(out, sizeof(out)); /* a ticket or a token may stand in it */
    api_request_clear(&c->request);
}

static void on_data(struct conn *conn, uint8_t *data, size_t len)
{
    struct api_conn *c = conn_of(conn);
    enum api_step step;

    if (c->phase != PHASE_READ)
        return;
    step = api_request_take(&c->request, data, len);
    if (step == API_HEAD) {
        if (!on_head(c))
            return;
        step = api_request_take(&c->request, NULL, 0);
        if (step == API_MORE && c->request.wants_continue)
            (void)conn_write(conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
    if (step == API_BAD)
        refuse(c, api_result_of_fault(c->request.fault));
    else if (step == API_DONE)
        on_request(c);
}

static void on_closed(struct conn *conn, enum conn_end end)
{
    struct api_conn *c = conn_of(conn);

    (void)end;
    timer_stop(&c->timer);
    api_request_clear(&c->request);
    link_remove(&c->link);
    c->api->count--;
    free(c);
}

static const struct conn_ops ops = {.on_data = on_data, .on_closed = on_closed};

static void on_accept(void *context, int fd, const struct ip_address *peer, uint16_t port)
{
    struct api *api = context;
    struct api_conn *c;

    c = api->count < API_CONNECTIONS_MAX ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL) {
        (void)close(fd);
        return;
    }
    c->api = api;
    c->call = ++api->last_call;
    c->told.ip = *peer;
    c->told.port = port;
    api_request_init(&c->request);
    timer_init(&c->timer, fire);
    if (conn_open(&c->conn, api->options.loop, fd, NULL, &ops) != OK) {
        free(c);
        return;
    }
    link_append(&api->conns, &c->link);
    api->count++;
    timer_start(api->options.loop, &c->timer, loop_now_ms(api->options.loop) + API_REQUEST_MS);
}

/* --- life --- */

int api_open(struct api **out, const struct api_options *options)
{
    struct api *api = calloc(1, sizeof(*api));
    int rc;

    if (api == NULL) {
        (void)close(options->fd);
        return E_NOMEM;
    }
    api->options = *options;
    link_init(&api->conns);
    arena_init(&api->arena, ARENA_CHUNK, ARENA_MAX);
    rc = listener_open(&api->listener, options->loop, options->fd, on_accept, api);
    if (rc != OK) {
        arena_clear(&api->arena);
        free(api);
        return rc;
    }
    *out = api;
    return OK;
}

bool api_stop(struct api *api)
{
    if (api->listener != NULL)
        listener_close(api->listener);
    api->listener = NULL;
    for (struct link *at = api->conns.next; at != &api->conns; at = at->next) {
        struct api_conn *c = LINK_ITEM(at, struct api_conn, link);

        if (c->phase != PHASE_LINGER)
            conn_abort(&c->conn); /* what is said already may still leave; its time is short */
    }
    return api->count == 0;
}

void api_free(struct api *api)
{
    if (api == NULL)
        return;
    arena_clear(&api->arena);
    free(api);
}
