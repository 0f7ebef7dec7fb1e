/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: api message access wire crypto base */
/* Requests of the internal API: any split gives the same request, a body is never longer than was
 * said, and what follows one is never taken for part of it. A whole request goes on to the routes
 * and, as JSON, to the readers of bodies; a batch is walked to its end. */
#include <stdlib.h>

#include "api/api_batch.h"
#include "api/api_routes.h"
#include "base/assert.h"

#define SECRET "0123456789abcdef0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum api_step step;
    enum api_fault fault;
    bool had_head;
    size_t taken;
    struct api_request r;
};

static void feed(struct outcome *o, const uint8_t *data, size_t size, size_t piece)
{
    *o = (struct outcome){.step = API_MORE};
    api_request_init(&o->r);
    while (o->step == API_MORE && o->taken < size) {
        size_t len = size - o->taken < piece ? size - o->taken : piece;
        uint8_t *copy = malloc(len);

        ASSERT(copy != NULL);
        memcpy(copy, data + o->taken, len);
        o->step = api_request_take(&o->r, copy, len);
        free(copy);
        o->taken += len;
        if (o->step == API_HEAD) {
            ASSERT(!o->had_head);
            o->had_head = true;
            o->step = api_request_take(&o->r, NULL, 0);
        }
    }
    o->fault = o->r.fault;
    ASSERT((o->step == API_BAD) == (o->fault != API_OK));
    if (o->step == API_DONE)
        ASSERT(o->had_head && o->r.body.len == o->r.body_bytes && o->r.body.len <= API_BODY_MAX &&
               o->r.head_bytes + o->r.body_bytes == o->r.bytes.len);
}

static void read_control(const struct json *root)
{
    struct api_broadcast_ask broadcast;
    struct api_subscription_ask subscription;
    struct api_disconnect_ask disconnect;
    struct api_list_ask list;

    if (api_ask_broadcast(&broadcast, root) == API_RESULT_OK && broadcast.channels != NULL)
        ASSERT(broadcast.channels->count >= 1 && broadcast.channels->count <= 100);
    if (api_ask_subscription(&subscription, root, false) == API_RESULT_OK)
        ASSERT(identity_user_ok(subscription.user) && subscription.channel.len <= 256);
    if (api_ask_disconnect(&disconnect, root) == API_RESULT_OK && disconnect.user.ptr != NULL)
        ASSERT(identity_user_ok(disconnect.user));
    if (api_ask_channels(&list, root) == API_RESULT_OK)
        ASSERT(list.limit >= 1 && list.limit <= API_LIST_MAX && list.prefix.len <= 256);
    if (api_ask_connections(&list, root) == API_RESULT_OK)
        ASSERT(list.limit >= 1 && list.limit <= API_LIST_MAX && list.user.len <= 64);
}

static void read_oversight(const struct json *root)
{
    struct api_sanctions_ask sanctions;
    struct api_look_ask look;
    struct api_ban_ask ban;

    for (int verb = API_BAN_LIST; verb <= API_BAN_LIFT; verb++) {
        if (api_ask_ban(&ban, root, (enum api_ban_verb)verb) != API_RESULT_OK)
            continue;
        ASSERT(verb != API_BAN_LIST || (ban.limit >= 1 && ban.limit <= API_LIST_MAX));
        ASSERT(verb != API_BAN_ADD || (ban.seconds >= 1 && ban.seconds <= API_BAN_SECONDS_MAX));
        ASSERT(verb == API_BAN_LIST || ban.ip.family == 4 || ban.ip.family == 6);
    }
    if (api_ask_sanctions(&sanctions, root) == API_RESULT_OK)
        ASSERT(sanctions.limit >= 1 && sanctions.after_channel.len <= 256 &&
               sanctions.after_user.len <= 64);
    if (api_ask_presence(&look, root) == API_RESULT_OK)
        ASSERT(look.channel.len > 0 && look.channel.len <= 256 && look.after.len <= 64);
    if (api_ask_history(&look, root) == API_RESULT_OK)
        ASSERT(look.channel.len > 0 && look.limit >= 1 && look.limit <= API_LIST_MAX);
}

static void read_body(struct view body)
{
    static struct role_set roles;
    struct api_publish_ask publish;
    struct api_revoke_ask revoke;
    struct api_ticket_ask ticket;
    struct arena arena;
    struct json *root;
    size_t error_at;

    if (roles.count == 0)
        (void)role_set_add(&roles, VIEW("user"), PERMISSION_READ);
    arena_init(&arena, 65536, 4 << 20);
    if (json_parse(&root, body, NULL, &arena, &error_at) == 0) {
        if (api_ask_ticket(&ticket, root, &roles) == API_RESULT_OK)
            ASSERT(identity_user_ok(ticket.user) && ticket.ttl_s >= 1 && ticket.ttl_s <= 30 &&
                   ticket.session_ttl_s <= API_SESSION_TTL_S_MAX);
        if (api_ask_revoke(&revoke, root, &roles) == API_RESULT_OK)
            ASSERT(revoke.value.len > 0 && revoke.value.len <= 128);
        if (api_ask_publish(&publish, root) == API_RESULT_OK)
            ASSERT(publish.data != NULL && publish.channel.len <= 256);
        read_control(root);
        read_oversight(root);
    }
    arena_clear(&arena);
}

static void walk_batch(struct view body, const struct api_key *key)
{
    struct api_operation operation;
    struct api_batch *batch;
    unsigned count = 0;
    struct view results;

    if (api_batch_new(&batch, body) != API_RESULT_OK)
        return;
    while (api_batch_next(batch, &operation, key)) {
        count++;
        if (operation.result == API_RESULT_OK)
            ASSERT((operation.route->scopes & key->scopes) != 0 && operation.route->is_post);
        api_batch_add(batch, operation.result, VIEW("{}"));
    }
    ASSERT(count >= 1 && count <= API_BATCH_MAX);
    ASSERT(api_batch_end(batch, &results) == API_RESULT_OK);
    api_batch_free(batch);
}

static void go_on(const struct outcome *o)
{
    static struct api_keys keys;
    const struct api_route *route;
    const struct api_key *key;

    if (keys.count == 0) {
        ASSERT(api_keys_add(&keys, VIEW("one"), VIEW(SECRET), NULL) == 0);
        ASSERT(api_key_add_scope(&keys.items[0], VIEW("revoke"), NULL) == 0);
        api_keys_forget_secrets(&keys);
    }
    if (api_route_find(&route, &key, &o->r.head, &keys) == API_RESULT_OK) {
        ASSERT(route->scopes == API_SCOPE_NONE || key != NULL);
        ASSERT(route->scopes == API_SCOPE_NONE || (route->scopes & API_SCOPE_REVOKE) != 0);
    }
    read_body(o->r.body);
    walk_batch(o->r.body, &keys.items[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 3, 7};
    struct outcome whole, split;

    feed(&whole, data, size, size > 0 ? size : 1);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        feed(&split, data, size, pieces[i]);
        /* A split request is done at its end; whole, what stands behind it is seen as well. */
        if (split.step == API_DONE && split.r.bytes.len < size)
            ASSERT(whole.step == API_BAD);
        else
            ASSERT(split.step == whole.step);
        if (whole.step == API_DONE)
            ASSERT(view_eq(whole.r.body, split.r.body));
        api_request_clear(&split.r);
    }
    if (whole.step == API_DONE) {
        /* The views of the head point into what a later take may have moved. */
        struct outcome again;
        size_t scanned = 0, head_bytes;

        again = whole;
        ASSERT(http1_parse(&again.r.head, (const char *)whole.r.bytes.data, whole.r.bytes.len,
                           &scanned, &head_bytes) == HTTP1_DONE);
        go_on(&again);
    }
    api_request_clear(&whole.r);
    return 0;
}
