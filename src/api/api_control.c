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

static bool read_action(enum api_moderate_action *out, const struct json *body)
{
    static const char *const words[] = {"kick",   "unkick",        "mute",
                                        "unmute", "close_channel", "open_channel"};
    struct view word;

    if (!json_member_string(body, VIEW("action"), &word))
        return false;
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (view_eq(word, view_of_text(words[i]))) {
            *out = (enum api_moderate_action)i;
            return true;
        }
    }
    return false;
}

static bool is_of_channel(enum api_moderate_action action)
{
    return action == API_CLOSE_CHANNEL || action == API_OPEN_CHANNEL;
}

/* Who: a user; of a kick, exactly one of user and connection; of a whole channel, nobody. */
static enum api_result read_target(struct api_moderate_ask *ask, const struct json *body)
{
    bool has_user = json_member(body, VIEW("user")) != NULL;
    bool has_connection = json_member(body, VIEW("connection")) != NULL;
    struct view connection;

    if (has_user + has_connection != !is_of_channel(ask->action) ||
        (has_connection && ask->action != API_KICK))
        return API_RESULT_FIELD_MISSING;
    if (has_user &&
        (!json_member_string(body, VIEW("user"), &ask->user) || !identity_user_ok(ask->user)))
        return API_RESULT_USER;
    if (has_connection && (!json_member_string(body, VIEW("connection"), &connection) ||
                           !api_ask_connection(ask->connection, connection)))
        return API_RESULT_CONNECTION;
    return API_RESULT_OK;
}

/* A mute needs them; what lifts, and the kick of a connection, which can come back as another, have
 * none. */
static enum api_result read_seconds(struct api_moderate_ask *ask, const struct json *body)
{
    const struct json *seconds = json_member(body, VIEW("seconds"));
    bool has_none = json_member(body, VIEW("connection")) != NULL || ask->action == API_UNKICK ||
                    ask->action == API_UNMUTE || ask->action == API_OPEN_CHANNEL;
    int64_t value;

    if (seconds == NULL)
        return ask->action == API_MUTE ? API_RESULT_FIELD_MISSING : API_RESULT_OK;
    if (has_none)
        return API_RESULT_FIELD_UNKNOWN;
    if (seconds->type != JSON_NUMBER || !json_to_i64(seconds, &value) || value < 1 ||
        value > API_MODERATE_SECONDS_MAX)
        return API_RESULT_SECONDS;
    ask->seconds = (uint32_t)value;
    return API_RESULT_OK;
}

enum api_result api_ask_moderate(struct api_moderate_ask *out, const struct json *body)
{
    static const char *const names[] = {"action", "channel", "user", "connection", "seconds", NULL};
    struct api_moderate_ask ask = {.seconds = 0};
    enum api_result result = api_ask_members(body, names);

    if (result != API_RESULT_OK)
        return result;
    if (!read_action(&ask.action, body))
        return API_RESULT_ACTION;
    if (!json_member_string(body, VIEW("channel"), &ask.channel))
        return API_RESULT_FIELD_MISSING;
    if (!channel_name_ok(ask.channel))
        return API_RESULT_CHANNEL;
    result = read_target(&ask, body);
    if (result == API_RESULT_OK)
        result = read_seconds(&ask, body);
    if (result == API_RESULT_OK)
        *out = ask;
    return result;
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
