/* SPDX-License-Identifier: Apache-2.0 */
/* api.c: the connections of the API: at most 64, one request each, a deadline for the request and
 * one for the answer. The key is asked for as soon as the head is there: a stranger's body is never
 * read, let alone parsed. What was begun goes on when its caller goes, so that an answer that is to
 * be kept for the caller's next try is there. */
#include "api/api.h"

#include <stdlib.h>
#include <unistd.h>

#include "access/channel_name.h"
#include "api/api_batch.h"
#include "api/api_replay.h"
#include "api/api_routes.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "net/conn.h"
#include "net/listener.h"
#include "wire/http_host.h"

#define LINGER_MS     1000
#define ARENA_CHUNK   (64u * 1024u)
#define ARENA_MAX     (4u * 1024u * 1024u)
#define OUT_BYTES_MAX (32u * 1024u) /* of an answer that a handler makes at once */

enum phase { PHASE_READ, PHASE_WAIT, PHASE_LINGER };

struct api {
    struct api_options options;
    struct listener *listener;
    struct link conns;
    uint32_t count;
    uint64_t last_call;
    struct arena arena;
    struct api_replays *replays;
    uint64_t counts[API_ROUTES_MAX + 1][API_RESULT_COUNT];
    uint8_t out[OUT_BYTES_MAX]; /* wiped after each use */
};
struct api_conn {
    struct conn conn; /* first */
    struct api *api;
    struct link link;
    struct timer timer;
    struct api_request request;
    const struct api_route *route, *running; /* of the request; of the call that is judged */
    const struct api_key *key;
    uint64_t call;
    struct api_call told; /* its views point to what follows */
    char user[IDENTITY_USER_MAX], detail[CHANNEL_NAME_MAX];
    struct api_batch *batch; /* NULL: the request is one call */
    struct api_replay_entry *replay;
    size_t replay_key_bytes; /* 0: none was sent */
    char replay_key[API_REPLAY_KEY_MAX];
    enum phase phase;
    bool is_gone; /* the caller is; what was begun goes on */
};

static struct api_conn *conn_of(struct conn *c)
{
    return (struct api_conn *)(void *)c;
}

/* --- answers --- */

/* One line for the log about one call. */
static void tell(struct api_conn *c, const struct api_route *route, enum api_result result)
{
    const struct api_options *o = &c->api->options;
    const struct api_result_row *row = api_result_get(result);

    c->api->counts[api_route_index(route)][result]++;
    if (result == API_RESULT_OK && (route == NULL || route->is_quiet))
        return;
    if (result == API_RESULT_DRAINING && route != NULL && route->scopes == API_SCOPE_NONE)
        return; /* a probe that is told so every second is no event */
    c->told.operation = route != NULL ? route->operation : "none";
    c->told.code = row->code;
    c->told.status = row->status;
    c->told.key = view_of_text(c->key != NULL ? c->key->name : NULL);
    o->ops->log(o->server, &c->told);
}

static void answer(struct api_conn *c, enum api_result result, struct view body)
{
    size_t room = API_ANSWER_BYTES_MAX + body.len;
    uint8_t *bytes = malloc(room);
    struct wr w = wr_of(bytes, bytes != NULL ? room : 0);
    bool is_sent = false;

    c->phase = PHASE_LINGER;
    if (bytes != NULL) {
        api_answer_encode(&w, result, body);
        is_sent = !w.failed && conn_write(&c->conn, bytes, wr_len(&w)) == OK;
        secret_wipe(bytes, room);
        free(bytes);
    }
    if (!is_sent) {
        conn_abort(&c->conn);
        return;
    }
    conn_shutdown(&c->conn);
    timer_start(c->api->options.loop, &c->timer, loop_now_ms(c->api->options.loop) + LINGER_MS);
}

static void refuse(struct api_conn *c, enum api_result result)
{
    tell(c, c->route, result);
    answer(c, result, VIEW(""));
}

static void drop(struct api_conn *c)
{
    timer_stop(&c->timer);
    api_request_clear(&c->request);
    api_batch_free(c->batch);
    if (c->replay != NULL)
        api_replay_forget(c->api->replays, c->replay);
    link_remove(&c->link);
    c->api->count--;
    free(c);
}

/* The end of a request that was begun. */
static void finish(struct api_conn *c, enum api_result result, struct view body)
{
    struct api *api = c->api;

    if (c->replay != NULL && result == API_RESULT_OK)
        api_replay_finish(api->replays, c->replay, body, loop_now_ms(api->options.loop));
    else if (c->replay != NULL)
        api_replay_forget(api->replays, c->replay);
    c->replay = NULL;
    if (c->is_gone) {
        drop(c);
        return;
    }
    answer(c, result == API_RESULT_OK && c->route->is_text ? API_RESULT_OK_TEXT : result, body);
    api_batch_free(c->batch);
    c->batch = NULL;
    api_request_clear(&c->request);
}

static void fire(struct timer *timer)
{
    struct api_conn *c = LINK_ITEM(timer, struct api_conn, timer);

    if (c->phase == PHASE_READ) {
        refuse(c, API_RESULT_TIMEOUT);
    } else if (c->phase == PHASE_WAIT) {
        tell(c, c->running, API_RESULT_UNFINISHED);
        finish(c, API_RESULT_UNFINISHED, VIEW(""));
    } else {
        conn_abort(&c->conn);
    }
}

/* --- calls --- */

static void note(char *out, size_t out_bytes, struct view *told, struct view text)
{
    size_t len = text.len < out_bytes ? text.len : out_bytes;

    if (len > 0)
        memcpy(out, text.ptr, len);
    *told = view_of(out, len);
}

/* API_RESULT_LATER: api_finish brings the answer. Else *body, in api->out. */
static enum api_result run(struct api_conn *c, const struct json *body, struct view *out)
{
    struct api *api = c->api;
    struct api_work work = {.api = &api->options,
                            .key = c->key,
                            .body = body,
                            .call = c->call,
                            .out = wr_of(api->out, sizeof(api->out))};
    enum api_result result = c->running->handle(&work);

    note(c->user, sizeof(c->user), &c->told.user, work.told.user);
    note(c->detail, sizeof(c->detail), &c->told.detail, work.told.detail);
    *out = view_of(api->out, wr_len(&work.out));
    return result == API_RESULT_OK && work.out.failed ? API_RESULT_OVERLOADED : result;
}

static void wait_for(struct api_conn *c)
{
    timer_start(c->api->options.loop, &c->timer,
                loop_now_ms(c->api->options.loop) + API_REQUEST_MS);
}

/* Runs what is left of a batch, as far as it does not have to wait. */
static void go_on(struct api_conn *c)
{
    struct api_operation operation;
    struct view out = VIEW("");
    enum api_result result;

    while (api_batch_next(c->batch, &operation, c->key)) {
        c->running = operation.route;
        c->told.user = c->told.detail = VIEW("");
        result = operation.result;
        if (result == API_RESULT_OK)
            result = run(c, operation.body, &out);
        if (result == API_RESULT_LATER)
            return;
        tell(c, c->running, result);
        api_batch_add(c->batch, result, out);
        secret_wipe(c->api->out, out.len);
    }
    result = api_batch_end(c->batch, &out);
    finish(c, result, out);
}

void api_finish(struct api *api, uint64_t call, enum api_result result, struct view body)
{
    for (struct link *at = api->conns.next; at != &api->conns; at = at->next) {
        struct api_conn *c = LINK_ITEM(at, struct api_conn, link);

        if (c->call != call || c->phase != PHASE_WAIT)
            continue;
        tell(c, c->running, result);
        if (c->batch != NULL) {
            api_batch_add(c->batch, result, body);
            go_on(c);
        } else {
            finish(c, result, body);
        }
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

/* The head is gone when the body has come. */
static enum api_result read_replay_key(struct api_conn *c)
{
    const struct http1_header *header;
    unsigned count = http1_find(&c->request.head, VIEW("Idempotency-Key"), &header);

    if (count == 0 || c->key == NULL || c->route->is_read)
        return API_RESULT_OK;
    if (count > 1 || !api_replay_key_ok(header->value))
        return API_RESULT_IDEMPOTENCY_KEY;
    memcpy(c->replay_key, header->value.ptr, header->value.len);
    c->replay_key_bytes = header->value.len;
    return API_RESULT_OK;
}

static bool on_head(struct api_conn *c)
{
    enum api_result result = API_RESULT_HOST_UNKNOWN;

    if (host_ok(c))
        result = api_route_find(&c->route, &c->key, &c->request.head, c->api->options.keys);
    if (result == API_RESULT_OK)
        result = read_replay_key(c);
    if (result != API_RESULT_OK)
        refuse(c, result);
    return result == API_RESULT_OK;
}

/* With a key that was used before: its answer, or why there is none. False: go on. */
static bool is_replayed(struct api_conn *c)
{
    static const enum api_result refusals[] = {[API_REPLAY_BUSY] = API_RESULT_IDEMPOTENCY_BUSY,
                                               [API_REPLAY_OTHER] = API_RESULT_IDEMPOTENCY_REUSED,
                                               [API_REPLAY_FULL] = API_RESULT_IDEMPOTENCY_FULL};
    enum api_replay_found found;
    struct api_replay_ask ask;
    struct view body;

    if (c->replay_key_bytes == 0)
        return false;
    ask = (struct api_replay_ask){.owner = view_of_text(c->key->name),
                                  .key = view_of(c->replay_key, c->replay_key_bytes),
                                  .path = view_of_text(c->route->path),
                                  .body = c->request.body};
    found = api_replay_begin(c->api->replays, &c->replay, &body, &ask,
                             loop_now_ms(c->api->options.loop));
    if (found == API_REPLAY_NEW)
        return false;
    if (found == API_REPLAY_KNOWN) {
        note(c->detail, sizeof(c->detail), &c->told.detail, VIEW("replayed"));
        tell(c, c->route, API_RESULT_OK);
        answer(c, API_RESULT_OK, body);
    } else {
        refuse(c, refusals[found]);
    }
    return true;
}

static void begin_batch(struct api_conn *c)
{
    enum api_result result = api_batch_new(&c->batch, c->request.body);

    if (result == API_RESULT_OK) {
        wait_for(c);
        go_on(c);
        return;
    }
    tell(c, c->route, result);
    finish(c, result, VIEW(""));
}

static void begin_call(struct api_conn *c)
{
    struct api *api = c->api;
    enum api_result result = API_RESULT_OK;
    struct view out = VIEW("");
    struct json *body = NULL;
    size_t error_at;

    arena_reset(&api->arena);
    if (c->route->is_post && json_parse(&body, c->request.body, NULL, &api->arena, &error_at) != OK)
        result = API_RESULT_JSON;
    if (result == API_RESULT_OK)
        result = run(c, body, &out);
    if (result == API_RESULT_LATER) {
        api_request_clear(&c->request); /* what the log will want is kept */
        wait_for(c);
        return;
    }
    tell(c, c->running, result);
    finish(c, result, out);
    secret_wipe(api->out, sizeof(api->out)); /* a ticket or a token may stand in it */
}

static void on_request(struct api_conn *c)
{
    if (is_replayed(c)) {
        api_request_clear(&c->request);
        return;
    }
    c->phase = PHASE_WAIT; /* before the handler: its answer may come at once */
    c->running = c->route;
    if (c->route->handle == NULL)
        begin_batch(c);
    else
        begin_call(c);
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
    c->is_gone = true;
    if (c->phase != PHASE_WAIT)
        drop(c);
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

/* Several results may have one code, which is told once. */
static uint64_t count_of(const uint64_t counts[API_RESULT_COUNT], unsigned result)
{
    struct view code = view_of_text(api_result_get((enum api_result)result)->code);
    uint64_t sum = 0;

    for (unsigned i = 0; i < API_RESULT_COUNT; i++) {
        if (!view_eq(code, view_of_text(api_result_get((enum api_result)i)->code)))
            continue;
        if (i < result)
            return 0;
        sum += counts[i];
    }
    return sum;
}

void api_each_count(const struct api *api,
                    void (*each)(void *context, const char *path, const char *code, uint64_t count),
                    void *context)
{
    for (unsigned r = 0; r <= API_ROUTES_MAX; r++) {
        const struct api_route *route = api_route_at(r);

        if (route == NULL && r < API_ROUTES_MAX)
            continue;
        for (unsigned i = 0; i < API_RESULT_COUNT; i++) {
            uint64_t count = count_of(api->counts[r], i);

            if (count > 0)
                each(context, route != NULL ? route->path : "none",
                     api_result_get((enum api_result)i)->code, count);
        }
    }
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
    if (api_replays_new(&api->replays) != OK) {
        (void)close(options->fd);
        free(api);
        return E_NOMEM;
    }
    rc = listener_open(&api->listener, options->loop, options->fd, on_accept, api);
    if (rc != OK) {
        api_free(api);
        return rc;
    }
    *out = api;
    return OK;
}

/* Nobody will answer any more. */
static void end_unanswered(struct api_conn *c)
{
    c->phase = PHASE_LINGER;
    conn_abort(&c->conn);
}

bool api_stop(struct api *api)
{
    struct link *next;

    if (api->listener != NULL)
        listener_close(api->listener);
    api->listener = NULL;
    for (struct link *at = api->conns.next; at != &api->conns; at = next) {
        struct api_conn *c = LINK_ITEM(at, struct api_conn, link);

        next = at->next;
        if (c->is_gone)
            drop(c);
        else if (c->phase != PHASE_LINGER)
            end_unanswered(c); /* what is said already may still leave; its time is short */
    }
    return api->count == 0;
}

void api_free(struct api *api)
{
    if (api == NULL)
        return;
    api_replays_free(api->replays);
    arena_clear(&api->arena);
    free(api);
}
