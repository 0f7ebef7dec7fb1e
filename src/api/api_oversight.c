/* SPDX-License-Identifier: Apache-2.0 */
/* api_oversight.c: pages begin behind the last row of the one before, whatever has come or gone
 * meanwhile. */
#include "api/api_oversight.h"

#include "access/channel_name.h"

static enum api_result read_limit(uint32_t *out, const struct json *body)
{
    const struct json *limit = json_member(body, VIEW("limit"));
    int64_t value = API_LIST_MAX;

    if (limit != NULL && (limit->type != JSON_NUMBER || !json_to_i64(limit, &value) || value < 1 ||
                          value > API_LIST_MAX))
        return API_RESULT_LIMIT;
    *out = (uint32_t)value;
    return API_RESULT_OK;
}

/* A text that may be left out, and then stays empty. */
static bool read_text(struct view *out, const struct json *body, struct view name)
{
    return json_member(body, name) == NULL || json_member_string(body, name, out);
}

/* --- bans --- */

static enum api_result read_after(struct api_ban_ask *ask, const struct json *body)
{
    struct view after = {NULL, 0};

    if (!read_text(&after, body, VIEW("after")))
        return API_RESULT_FIELD_MISSING;
    ask->has_after = json_member(body, VIEW("after")) != NULL;
    if (ask->has_after && !ip_address_parse(&ask->ip, after))
        return API_RESULT_AFTER;
    return read_limit(&ask->limit, body);
}

static enum api_result read_ban(struct api_ban_ask *ask, const struct json *body)
{
    const struct json *seconds = json_member(body, VIEW("seconds"));
    struct view ip;
    int64_t value;

    if (!json_member_string(body, VIEW("ip"), &ip))
        return API_RESULT_FIELD_MISSING;
    if (!ip_address_parse(&ask->ip, ip))
        return API_RESULT_IP;
    if (ask->verb == API_BAN_LIFT)
        return API_RESULT_OK;
    if (seconds == NULL)
        return API_RESULT_FIELD_MISSING;
    if (seconds->type != JSON_NUMBER || !json_to_i64(seconds, &value) || value < 1 ||
        value > API_BAN_SECONDS_MAX)
        return API_RESULT_BAN_SECONDS;
    ask->seconds = (uint32_t)value;
    return API_RESULT_OK;
}

enum api_result api_ask_ban(struct api_ban_ask *out, const struct json *body,
                            enum api_ban_verb verb)
{
    static const char *const names[][3] = {[API_BAN_LIST] = {"after", "limit", NULL},
                                           [API_BAN_ADD] = {"ip", "seconds", NULL},
                                           [API_BAN_LIFT] = {"ip", NULL, NULL}};
    struct api_ban_ask ask = {.verb = verb};
    enum api_result result = api_ask_members(body, names[verb]);

    if (result == API_RESULT_OK)
        result = verb == API_BAN_LIST ? read_after(&ask, body) : read_ban(&ask, body);
    if (result == API_RESULT_OK)
        *out = ask;
    return result;
}

/* --- sanctions --- */

/* "CHANNEL", or "CHANNEL USER": neither has a blank. */
static bool read_place(struct api_sanctions_ask *ask, struct view after)
{
    bool has_user = view_split(after, ' ', &ask->after_channel, &ask->after_user);

    return channel_name_ok(ask->after_channel) && (!has_user || identity_user_ok(ask->after_user));
}

enum api_result api_ask_sanctions(struct api_sanctions_ask *out, const struct json *body)
{
    static const char *const names[] = {"channel", "after", "limit", NULL};
    struct api_sanctions_ask ask = {.limit = 0};
    enum api_result result = api_ask_members(body, names);
    struct view after = {NULL, 0};

    if (result == API_RESULT_OK)
        result = read_limit(&ask.limit, body);
    if (result != API_RESULT_OK)
        return result;
    if (!read_text(&ask.channel, body, VIEW("channel")) || !read_text(&after, body, VIEW("after")))
        return API_RESULT_FIELD_MISSING;
    if (json_member(body, VIEW("channel")) != NULL && !channel_name_ok(ask.channel))
        return API_RESULT_CHANNEL;
    if (json_member(body, VIEW("after")) != NULL && !read_place(&ask, after))
        return API_RESULT_AFTER;
    *out = ask;
    return API_RESULT_OK;
}

/* --- presence and history --- */

static enum api_result read_channel(struct api_look_ask *ask, const struct json *body,
                                    const char *const *names)
{
    enum api_result result = api_ask_members(body, names);

    if (result != API_RESULT_OK)
        return result;
    if (!json_member_string(body, VIEW("channel"), &ask->channel))
        return API_RESULT_FIELD_MISSING;
    return channel_name_ok(ask->channel) ? read_limit(&ask->limit, body) : API_RESULT_CHANNEL;
}

enum api_result api_ask_presence(struct api_look_ask *out, const struct json *body)
{
    static const char *const names[] = {"channel", "after", "limit", NULL};
    struct api_look_ask ask = {.limit = 0};
    enum api_result result = read_channel(&ask, body, names);

    if (result != API_RESULT_OK)
        return result;
    if (!read_text(&ask.after, body, VIEW("after")))
        return API_RESULT_FIELD_MISSING;
    if (json_member(body, VIEW("after")) != NULL && !identity_user_ok(ask.after))
        return API_RESULT_AFTER;
    *out = ask;
    return API_RESULT_OK;
}

/* {"epoch": TEXT, "offset": NUMBER}, as an answer says it. */
static bool read_since(struct api_look_ask *ask, const struct json *since)
{
    static const char *const names[] = {"epoch", "offset", NULL};
    const struct json *offset;
    int64_t value;

    if (api_ask_members(since, names) != API_RESULT_OK ||
        !json_member_string(since, VIEW("epoch"), &ask->epoch))
        return false;
    offset = json_member(since, VIEW("offset"));
    if (offset == NULL || offset->type != JSON_NUMBER || !json_to_i64(offset, &value) || value < 0)
        return false;
    ask->offset = (uint64_t)value;
    ask->has_since = true;
    return true;
}

enum api_result api_ask_history(struct api_look_ask *out, const struct json *body)
{
    static const char *const names[] = {"channel", "since", "limit", NULL};
    struct api_look_ask ask = {.limit = 0};
    enum api_result result = read_channel(&ask, body, names);
    const struct json *since;

    if (result != API_RESULT_OK)
        return result;
    since = json_member(body, VIEW("since"));
    if (since != NULL && !read_since(&ask, since))
        return API_RESULT_SINCE;
    *out = ask;
    return API_RESULT_OK;
}
