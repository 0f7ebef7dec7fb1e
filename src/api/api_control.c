/* SPDX-License-Identifier: Apache-2.0 */
/* api_control.c: who is meant is always said out loud: a field that is left out is never
 * "everybody" where something is done. */
#include "api/api_control.h"

#include "access/channel_name.h"

enum api_result api_ask_broadcast(struct api_broadcast_ask *out, const struct json *body)
{
    static const char *const names[] = {"channels", "data", NULL};
    enum api_result result = api_ask_members(body, names);
    const struct json *channels, *data;

    if (result != API_RESULT_OK)
        return result;
    channels = json_member(body, VIEW("channels"));
    data = json_member(body, VIEW("data"));
    if (channels == NULL || data == NULL)
        return API_RESULT_FIELD_MISSING;
    if (channels->type == JSON_STRING && view_eq(channels->text, VIEW("*"))) {
        *out = (struct api_broadcast_ask){NULL, data};
        return API_RESULT_OK;
    }
    if (channels->type != JSON_ARRAY || channels->count == 0 ||
        channels->count > API_BROADCAST_CHANNELS_MAX)
        return API_RESULT_CHANNELS;
    for (const struct json *one = channels->first; one != NULL; one = one->next) {
        if (one->type != JSON_STRING || !channel_name_ok(one->text))
            return API_RESULT_CHANNELS;
    }
    *out = (struct api_broadcast_ask){channels, data};
    return API_RESULT_OK;
}

enum api_result api_ask_subscription(struct api_subscription_ask *out, const struct json *body,
                                     bool ends)
{
    static const char *const names[] = {"user", "channel", NULL};
    struct api_subscription_ask ask = {.ends = ends};
    enum api_result result = api_ask_members(body, names);

    if (result != API_RESULT_OK)
        return result;
    if (!json_member_string(body, VIEW("user"), &ask.user) ||
        !json_member_string(body, VIEW("channel"), &ask.channel))
        return API_RESULT_FIELD_MISSING;
    if (!identity_user_ok(ask.user))
        return API_RESULT_USER;
    if (!channel_name_ok(ask.channel))
        return API_RESULT_CHANNEL;
    *out = ask;
    return API_RESULT_OK;
}

enum api_result api_ask_disconnect(struct api_disconnect_ask *out, const struct json *body)
{
    static const char *const names[] = {"user", "connection", "reconnect", NULL};
    struct api_disconnect_ask ask = {.reconnects = false};
    enum api_result result = api_ask_members(body, names);
    const struct json *reconnect;
    struct view connection;
    bool by_user, by_connection;

    if (result != API_RESULT_OK)
        return result;
    by_user = json_member_string(body, VIEW("user"), &ask.user);
    by_connection = json_member_string(body, VIEW("connection"), &connection);
    reconnect = json_member(body, VIEW("reconnect"));
    if (body->count != 1u + (reconnect != NULL) || by_user == by_connection)
        return API_RESULT_FIELD_MISSING; /* exactly one of them */
    if (reconnect != NULL && reconnect->type != JSON_TRUE && reconnect->type != JSON_FALSE)
        return API_RESULT_FIELD_MISSING;
    if (by_user && !identity_user_ok(ask.user))
        return API_RESULT_USER;
    if (by_connection && !api_ask_connection(ask.connection, connection))
        return API_RESULT_CONNECTION;
    ask.reconnects = reconnect != NULL && reconnect->type == JSON_TRUE;
    *out = ask;
    return API_RESULT_OK;
}

/* A text that may be left out, and then stays empty. */
static bool read_text(struct view *out, const struct json *body, struct view name)
{
    return json_member(body, name) == NULL || json_member_string(body, name, out);
}

static enum api_result read_page(struct api_list_ask *ask, const struct json *body)
{
    const struct json *limit = json_member(body, VIEW("limit"));
    int64_t value = API_LIST_MAX;

    if (limit != NULL && (!json_to_i64(limit, &value) || value < 1 || value > API_LIST_MAX))
        return API_RESULT_LIMIT;
    ask->limit = (uint32_t)value;
    return read_text(&ask->after, body, VIEW("after")) ? API_RESULT_OK : API_RESULT_FIELD_MISSING;
}

enum api_result api_ask_channels(struct api_list_ask *out, const struct json *body)
{
    static const char *const names[] = {"prefix", "after", "limit", NULL};
    struct api_list_ask ask = {.kind = API_LIST_CHANNELS};
    enum api_result result = api_ask_members(body, names);

    if (result == API_RESULT_OK)
        result = read_page(&ask, body);
    if (result != API_RESULT_OK)
        return result;
    if (!read_text(&ask.prefix, body, VIEW("prefix")))
        return API_RESULT_FIELD_MISSING;
    if (ask.prefix.len > CHANNEL_NAME_MAX)
        return API_RESULT_PREFIX;
    if (ask.after.len > 0 && !channel_name_ok(ask.after))
        return API_RESULT_AFTER;
    *out = ask;
    return API_RESULT_OK;
}

enum api_result api_ask_connections(struct api_list_ask *out, const struct json *body)
{
    static const char *const names[] = {"user", "after", "limit", NULL};
    struct api_list_ask ask = {.kind = API_LIST_CONNECTIONS};
    enum api_result result = api_ask_members(body, names);

    if (result == API_RESULT_OK)
        result = read_page(&ask, body);
    if (result != API_RESULT_OK)
        return result;
    if (!read_text(&ask.user, body, VIEW("user")))
        return API_RESULT_FIELD_MISSING;
    if (json_member(body, VIEW("user")) != NULL && !identity_user_ok(ask.user))
        return API_RESULT_USER;
    if (ask.after.len > 0 && !api_ask_connection(ask.after_connection, ask.after))
        return API_RESULT_AFTER;
    *out = ask;
    return API_RESULT_OK;
}
