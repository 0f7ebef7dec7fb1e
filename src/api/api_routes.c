/* SPDX-License-Identifier: Apache-2.0 */
/* api_routes.c: one row an endpoint, one handler of at most 40 lines each. docs/http-api.md and
 * docs/openapi.yaml describe the same rows. */
#include "api/api_routes.h"

#include "base/json_out.h"
#include "crypto/secret.h"

static enum api_result say_ok(struct api_work *work)
{
    wr_text(&work->out, "{\"ok\":true}\n");
    return API_RESULT_OK;
}

static enum api_result health_live(struct api_work *work)
{
    return say_ok(work);
}

static enum api_result health_ready(struct api_work *work)
{
    if (!work->api->ops->is_ready(work->api->server))
        return API_RESULT_DRAINING;
    return say_ok(work);
}

static enum api_result tickets(struct api_work *work)
{
    char text[API_TICKET_TEXT_MAX];
    struct api_ticket_ask ask;
    enum api_result result = api_ask_ticket(&ask, work->body, work->api->roles);

    if (result != API_RESULT_OK)
        return result;
    work->told.user = ask.user;
    result = work->api->ops->ticket(work->api->server, &ask, text);
    if (result != API_RESULT_OK)
        return result;
    json_out_open(&work->out);
    json_out_member(&work->out, "ticket", view_of_text(text));
    json_out_member_u64(&work->out, "expires_in", ask.ttl_s);
    json_out_member(&work->out, "url_parameter", VIEW("ticket"));
    json_out_close(&work->out);
    wr_u8(&work->out, '\n');
    return API_RESULT_OK;
}

static enum api_result revoke_them(struct api_work *work)
{
    static const char *const kinds[] = {"user", "token_id", "role", "ip", "connection", "session"};
    struct api_revoke_ask ask;
    enum api_result result = api_ask_revoke(&ask, work->body, work->api->roles);

    if (result != API_RESULT_OK)
        return result;
    if (ask.kind == API_REVOKE_USER)
        work->told.user = ask.value;
    work->told.detail = view_of_text(kinds[ask.kind]);
    return work->api->ops->revoke(work->api->server, &ask, work->call);
}

static enum api_result publish(struct api_work *work)
{
    struct api_publish_ask ask;
    enum api_result result = api_ask_publish(&ask, work->body);

    if (result != API_RESULT_OK)
        return result;
    work->told.detail = ask.channel;
    if (!api_key_may(work->key, API_SCOPE_PUBLISH, ask.channel))
        return API_RESULT_SCOPE_MISSING;
    result = work->api->ops->publish(work->api->server, &ask);
    return result == API_RESULT_OK ? say_ok(work) : result;
}

static enum api_result ask_session(struct api_work *work, enum api_result result,
                                   const struct api_session_ask *ask)
{
    static const char *const verbs[] = {"create", "get", "extend", "end", "end_user"};

    if (result != API_RESULT_OK)
        return result;
    work->told.user = ask->user;
    work->told.detail = view_of_text(verbs[ask->verb]);
    return work->api->ops->session(work->api->server, ask, work->call);
}

static enum api_result session_create(struct api_work *work)
{
    struct api_session_ask ask;

    return ask_session(work, api_ask_session_create(&ask, work->body, work->api->roles), &ask);
}

static enum api_result session_get(struct api_work *work)
{
    struct api_session_ask ask;

    return ask_session(work, api_ask_session(&ask, work->body, API_SESSION_GET), &ask);
}

static enum api_result session_extend(struct api_work *work)
{
    struct api_session_ask ask;

    return ask_session(work, api_ask_session(&ask, work->body, API_SESSION_EXTEND), &ask);
}

static enum api_result session_end(struct api_work *work)
{
    struct api_session_ask ask;

    return ask_session(work, api_ask_session_end(&ask, work->body), &ask);
}

static enum api_result csrf(struct api_work *work)
{
    char text[API_CSRF_TEXT_MAX];
    struct api_csrf_ask ask;
    enum api_result result = api_ask_csrf(&ask, work->body);

    if (result != API_RESULT_OK)
        return result;
    work->told.detail = ask.origin;
    result = work->api->ops->csrf(work->api->server, &ask, text);
    if (result != API_RESULT_OK)
        return result;
    json_out_open(&work->out);
    json_out_member(&work->out, "csrf", view_of_text(text));
    json_out_member_u64(&work->out, "expires_in", API_CSRF_TTL_S);
    json_out_close(&work->out);
    wr_u8(&work->out, '\n');
    secret_wipe(text, sizeof(text));
    return API_RESULT_OK;
}

/* All names are judged before the first message leaves. */
static enum api_result broadcast_to(struct api_work *work, const struct api_broadcast_ask *ask)
{
    uint32_t published = 0;
    bool is_first = true;

    for (const struct json *one = ask->channels->first; one != NULL; one = one->next) {
        if (!api_key_may(work->key, API_SCOPE_PUBLISH, one->text))
            return API_RESULT_SCOPE_MISSING;
    }
    wr_text(&work->out, "{\"overloaded\":[");
    for (const struct json *one = ask->channels->first; one != NULL; one = one->next) {
        struct api_publish_ask publication = {one->text, ask->data};

        if (work->api->ops->publish(work->api->server, &publication) == API_RESULT_OK) {
            published++;
            continue;
        }
        if (!is_first)
            wr_u8(&work->out, ',');
        json_out_string(&work->out, one->text, 0);
        is_first = false;
    }
    wr_u8(&work->out, ']');
    json_out_member_u64(&work->out, "published", published);
    json_out_close(&work->out);
    wr_u8(&work->out, '\n');
    return API_RESULT_OK;
}

static enum api_result broadcast(struct api_work *work)
{
    struct api_broadcast_ask ask;
    enum api_result result = api_ask_broadcast(&ask, work->body);

    if (result != API_RESULT_OK)
        return result;
    if (ask.channels != NULL)
        return broadcast_to(work, &ask);
    work->told.detail = VIEW("*");
    if ((work->key->scopes & API_SCOPE_BROADCAST) == 0)
        return API_RESULT_SCOPE_MISSING;
    return work->api->ops->broadcast(work->api->server, &ask, work->call);
}

static enum api_result subscription(struct api_work *work, bool ends)
{
    struct api_subscription_ask ask;
    enum api_result result = api_ask_subscription(&ask, work->body, ends);

    if (result != API_RESULT_OK)
        return result;
    work->told.user = ask.user;
    work->told.detail = ask.channel;
    return work->api->ops->subscription(work->api->server, &ask, work->call);
}

static enum api_result subscribe(struct api_work *work)
{
    return subscription(work, false);
}

static enum api_result unsubscribe(struct api_work *work)
{
    return subscription(work, true);
}

static enum api_result disconnect(struct api_work *work)
{
    struct api_disconnect_ask ask;
    enum api_result result = api_ask_disconnect(&ask, work->body);

    if (result != API_RESULT_OK)
        return result;
    work->told.user = ask.user;
    work->told.detail = ask.user.ptr != NULL ? VIEW("user") : VIEW("connection");
    return work->api->ops->disconnect(work->api->server, &ask, work->call);
}

static enum api_result moderate(struct api_work *work)
{
    struct api_moderate_ask ask;
    enum api_result result = api_ask_moderate(&ask, work->body);

    if (result != API_RESULT_OK)
        return result;
    ask.key = view_of_text(work->key->name);
    work->told.user = ask.user;
    work->told.detail = ask.channel;
    return work->api->ops->moderate(work->api->server, &ask, work->call);
}

static enum api_result reload(struct api_work *work)
{
    static const char *const names[] = {NULL};
    enum api_result result = api_ask_members(work->body, names);

    return result == API_RESULT_OK ? work->api->ops->reload(work->api->server, work->call) : result;
}

static enum api_result ban(struct api_work *work, enum api_ban_verb verb)
{
    struct api_ban_ask ask;
    enum api_result result = api_ask_ban(&ask, work->body, verb);
    struct view ip = {NULL, 0};

    if (verb != API_BAN_LIST && json_member_string(work->body, VIEW("ip"), &ip))
        work->told.detail = ip;
    if (result != API_RESULT_OK)
        return result;
    ask.key = view_of_text(work->key->name);
    return work->api->ops->ban(work->api->server, &ask, &work->out);
}

static enum api_result ban_list(struct api_work *work)
{
    return ban(work, API_BAN_LIST);
}

static enum api_result ban_add(struct api_work *work)
{
    return ban(work, API_BAN_ADD);
}

static enum api_result ban_lift(struct api_work *work)
{
    return ban(work, API_BAN_LIFT);
}

static enum api_result sanctions(struct api_work *work)
{
    struct api_sanctions_ask ask;
    enum api_result result = api_ask_sanctions(&ask, work->body);

    return result == API_RESULT_OK ? work->api->ops->sanctions(work->api->server, &ask, work->call)
                                   : result;
}

static enum api_result presence(struct api_work *work)
{
    struct api_look_ask ask;
    enum api_result result = api_ask_presence(&ask, work->body);

    if (result != API_RESULT_OK)
        return result;
    work->told.detail = ask.channel;
    if (!api_key_may(work->key, API_SCOPE_PRESENCE, ask.channel))
        return API_RESULT_SCOPE_MISSING;
    return work->api->ops->presence(work->api->server, &ask, &work->out);
}

static enum api_result history(struct api_work *work)
{
    struct api_look_ask ask;
    enum api_result result = api_ask_history(&ask, work->body);

    if (result != API_RESULT_OK)
        return result;
    work->told.detail = ask.channel;
    if (!api_key_may(work->key, API_SCOPE_HISTORY, ask.channel))
        return API_RESULT_SCOPE_MISSING;
    return work->api->ops->history(work->api->server, &ask, work->call);
}

static enum api_result channels(struct api_work *work)
{
    struct api_list_ask ask;
    enum api_result result = api_ask_channels(&ask, work->body);

    return result == API_RESULT_OK ? work->api->ops->list(work->api->server, &ask, work->call)
                                   : result;
}

static enum api_result connections(struct api_work *work)
{
    struct api_list_ask ask;
    enum api_result result = api_ask_connections(&ask, work->body);

    return result == API_RESULT_OK ? work->api->ops->list(work->api->server, &ask, work->call)
                                   : result;
}

static enum api_result info(struct api_work *work)
{
    struct api_list_ask ask = {.kind = API_LIST_INFO};

    return work->api->ops->list(work->api->server, &ask, work->call);
}

static enum api_result metrics(struct api_work *work)
{
    struct api_list_ask ask = {.kind = API_LIST_METRICS};

    return work->api->ops->list(work->api->server, &ask, work->call);
}

enum { POST = 1, QUIET = 2, READ = 4, TEXT = 8 };
#define ROUTE(path, operation, flags, scopes, handle)                                              \
    {                                                                                              \
        path, operation, ((flags)&POST) != 0, ((flags)&TEXT) != 0, ((flags)&QUIET) != 0,           \
            ((flags)&READ) != 0, scopes, handle                                                    \
    }

static const struct api_route routes[] = {
    ROUTE("/health/live", "health", QUIET | READ, API_SCOPE_NONE, health_live),
    ROUTE("/health/ready", "health", QUIET | READ, API_SCOPE_NONE, health_ready),
    ROUTE("/metrics", "metrics", QUIET | READ | TEXT, API_SCOPE_NONE, metrics),
    ROUTE("/api/tickets", "tickets", POST, API_SCOPE_TICKETS, tickets),
    ROUTE("/api/revoke", "revoke", POST, API_SCOPE_REVOKE, revoke_them),
    ROUTE("/api/publish", "publish", POST | QUIET, API_SCOPE_PUBLISH, publish),
    ROUTE("/api/sessions", "sessions", POST, API_SCOPE_SESSIONS, session_create),
    ROUTE("/api/sessions/get", "sessions", POST | QUIET | READ, API_SCOPE_SESSIONS, session_get),
    ROUTE("/api/sessions/extend", "sessions", POST | QUIET, API_SCOPE_SESSIONS, session_extend),
    ROUTE("/api/sessions/end", "sessions", POST, API_SCOPE_SESSIONS, session_end),
    ROUTE("/api/csrf", "csrf", POST | QUIET, API_SCOPE_SESSIONS, csrf),
    ROUTE("/api/broadcast", "broadcast", POST, API_SCOPE_BROADCAST | API_SCOPE_PUBLISH, broadcast),
    ROUTE("/api/subscribe", "subscribe", POST, API_SCOPE_SUBSCRIPTIONS, subscribe),
    ROUTE("/api/unsubscribe", "unsubscribe", POST, API_SCOPE_SUBSCRIPTIONS, unsubscribe),
    ROUTE("/api/disconnect", "disconnect", POST, API_SCOPE_DISCONNECT, disconnect),
    ROUTE("/api/moderate", "moderate", POST, API_SCOPE_MODERATE, moderate),
    ROUTE("/api/sanctions", "sanctions", POST | QUIET | READ, API_SCOPE_MODERATE, sanctions),
    ROUTE("/api/bans", "bans", POST | QUIET | READ, API_SCOPE_BANS, ban_list),
    ROUTE("/api/bans/add", "bans", POST, API_SCOPE_BANS, ban_add),
    ROUTE("/api/bans/lift", "bans", POST, API_SCOPE_BANS, ban_lift),
    ROUTE("/api/reload", "reload", POST, API_SCOPE_RELOAD, reload),
    ROUTE("/api/presence", "presence", POST | QUIET | READ, API_SCOPE_PRESENCE, presence),
    ROUTE("/api/history", "history", POST | QUIET | READ, API_SCOPE_HISTORY, history),
    ROUTE("/api/channels", "channels", POST | QUIET | READ, API_SCOPE_INSPECT, channels),
    ROUTE("/api/connections", "connections", POST | QUIET | READ, API_SCOPE_INSPECT, connections),
    ROUTE("/api/info", "info", QUIET | READ, API_SCOPE_INSPECT, info),
    ROUTE("/api/batch", "batch", POST | QUIET, API_SCOPE_ANY, NULL),
};

#define ROUTES_COUNT (sizeof(routes) / sizeof(routes[0]))
_Static_assert(ROUTES_COUNT <= API_ROUTES_MAX, "each has a place where it is counted");

unsigned api_route_index(const struct api_route *route)
{
    return route != NULL ? (unsigned)(route - routes) : API_ROUTES_MAX;
}

const struct api_route *api_route_at(unsigned index)
{
    return index < ROUTES_COUNT ? &routes[index] : NULL;
}

const struct api_route *api_route_of_path(struct view path)
{
    for (size_t i = 0; i < ROUTES_COUNT; i++) {
        if (view_eq(path, view_of_text(routes[i].path)))
            return &routes[i];
    }
    return NULL;
}

/* application/json, with `charset=utf-8` at most. */
static bool is_json(const struct http1_request *head)
{
    const struct http1_header *header;
    struct view type, parameter;

    if (http1_find(head, VIEW("Content-Type"), &header) != 1)
        return false;
    if (view_split(header->value, ';', &type, &parameter) &&
        !view_eq_nocase(view_trim(parameter), VIEW("charset=utf-8")))
        return false;
    return view_eq_nocase(view_trim(type), VIEW("application/json"));
}

static enum api_result ask_key(const struct api_key **key, const struct api_route *route,
                               const struct http1_request *head, const struct api_keys *keys)
{
    const struct http1_header *header;

    *key = NULL;
    if (route->scopes == API_SCOPE_NONE)
        return API_RESULT_OK;
    if (http1_find(head, VIEW("Authorization"), &header) != 1)
        return API_RESULT_KEY_INVALID;
    *key = api_keys_find(keys, header->value);
    if (*key == NULL)
        return API_RESULT_KEY_INVALID;
    return ((*key)->scopes & route->scopes) != 0 ? API_RESULT_OK : API_RESULT_SCOPE_MISSING;
}

enum api_result api_route_find(const struct api_route **route, const struct api_key **key,
                               const struct http1_request *head, const struct api_keys *keys)
{
    const struct api_route *found = api_route_of_path(head->path);
    enum api_result result;

    *route = NULL;
    *key = NULL;
    if (found == NULL)
        return API_RESULT_NOT_FOUND;
    *route = found;
    if (head->query.ptr != NULL)
        return API_RESULT_BAD_REQUEST; /* nothing here takes one, and a key must not stand there */
    if (!view_eq(head->method, found->is_post ? VIEW("POST") : VIEW("GET")))
        return found->is_post ? API_RESULT_METHOD_POST : API_RESULT_METHOD_GET;
    result = ask_key(key, found, head, keys);
    if (result == API_RESULT_OK && found->is_post && !is_json(head))
        return API_RESULT_MEDIA_TYPE;
    return result;
}
