/* SPDX-License-Identifier: Apache-2.0 */
/* api_ask.c: each field checked by the grammar of the room that owns it. */
#include "api/api_ask.h"

#include "access/channel_name.h"
#include "base/base64.h"

#define CONNECTION_TEXT_BYTES 22

enum api_result api_ask_members(const struct json *body, const char *const *names)
{
    if (body->type != JSON_OBJECT)
        return API_RESULT_JSON;
    for (const struct json *member = body->first; member != NULL; member = member->next) {
        unsigned i = 0;

        while (names[i] != NULL && !view_eq(member->name, view_of_text(names[i])))
            i++;
        if (names[i] == NULL)
            return API_RESULT_FIELD_UNKNOWN;
    }
    return API_RESULT_OK;
}

enum api_result api_ask_roles(uint64_t *out, const struct json *list, const struct role_set *roles)
{
    uint64_t found = 0, bit;

    if (list == NULL || list->type != JSON_ARRAY)
        return API_RESULT_FIELD_MISSING;
    for (const struct json *one = list->first; one != NULL; one = one->next) {
        if (one->type != JSON_STRING)
            return API_RESULT_FIELD_MISSING;
        bit = role_set_bit(roles, one->text);
        if (bit == 0)
            return API_RESULT_ROLES;
        found |= bit;
    }
    *out = found;
    return API_RESULT_OK;
}

/* Said out loud: a text, or null. */
static enum api_result read_origin(struct view *out, const struct json *origin)
{
    if (origin == NULL || (origin->type != JSON_NULL && origin->type != JSON_STRING))
        return API_RESULT_FIELD_MISSING;
    *out = (struct view){NULL, 0};
    if (origin->type == JSON_NULL)
        return API_RESULT_OK;
    if (origin->text.len == 0 || origin->text.len > API_ORIGIN_BYTES_MAX)
        return API_RESULT_ORIGIN;
    *out = origin->text;
    return API_RESULT_OK;
}

static bool read_seconds(uint32_t *out, const struct json *number, uint32_t max)
{
    int64_t value;

    if (number == NULL)
        return true; /* the default stays */
    if (!json_to_i64(number, &value) || value < 1 || value > max)
        return false;
    *out = (uint32_t)value;
    return true;
}

enum api_result api_ask_ticket(struct api_ticket_ask *out, const struct json *body,
                               const struct role_set *roles)
{
    static const char *const names[] = {"user", "roles", "origin", "ttl", "session_ttl", NULL};
    struct api_ticket_ask ask = {.ttl_s = API_TICKET_TTL_S_MAX, .session_ttl_s = API_SESSION_TTL_S};
    enum api_result result = api_ask_members(body, names);

    if (result != API_RESULT_OK)
        return result;
    if (!json_member_string(body, VIEW("user"), &ask.user))
        return API_RESULT_FIELD_MISSING;
    if (!identity_user_ok(ask.user))
        return API_RESULT_USER;
    result = api_ask_roles(&ask.roles, json_member(body, VIEW("roles")), roles);
    if (result == API_RESULT_OK)
        result = read_origin(&ask.origin, json_member(body, VIEW("origin")));
    if (result != API_RESULT_OK)
        return result;
    if (!read_seconds(&ask.ttl_s, json_member(body, VIEW("ttl")), API_TICKET_TTL_S_MAX))
        return API_RESULT_TTL;
    if (!read_seconds(&ask.session_ttl_s, json_member(body, VIEW("session_ttl")),
                      API_SESSION_TTL_S_MAX))
        return API_RESULT_SESSION_TTL;
    *out = ask;
    return API_RESULT_OK;
}

bool api_session_id_ok(struct view id)
{
    if (id.len == 0 || id.len > API_SESSION_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~')
            return false;
    }
    return true;
}

bool api_ask_connection(uint8_t out[16], struct view text)
{
    uint8_t bytes[3 * (CONNECTION_TEXT_BYTES / 4) + 3];

    if (text.len != CONNECTION_TEXT_BYTES || base64url_decode(bytes, text) != 16)
        return false;
    memcpy(out, bytes, 16);
    return true;
}

static enum api_result read_target(struct api_revoke_ask *ask, const struct role_set *roles)
{
    switch (ask->kind) {
    case API_REVOKE_USER:
        return identity_user_ok(ask->value) ? API_RESULT_OK : API_RESULT_USER;
    case API_REVOKE_ROLE:
        return role_set_bit(roles, ask->value) != 0 ? API_RESULT_OK : API_RESULT_ROLES;
    case API_REVOKE_TOKEN_ID:
        if (ask->value.len == 0 || ask->value.len > IDENTITY_TOKEN_ID_MAX ||
            memchr(ask->value.ptr, '\0', ask->value.len) != NULL)
            return API_RESULT_TOKEN_ID;
        return API_RESULT_OK;
    case API_REVOKE_IP:
        return ip_address_parse(&ask->ip, ask->value) ? API_RESULT_OK : API_RESULT_IP;
    case API_REVOKE_SESSION:
        return api_session_id_ok(ask->value) ? API_RESULT_OK : API_RESULT_SESSION;
    case API_REVOKE_CONNECTION:
        return api_ask_connection(ask->connection, ask->value) ? API_RESULT_OK
                                                               : API_RESULT_CONNECTION;
    }
    return API_RESULT_FIELD_UNKNOWN;
}

enum api_result api_ask_revoke(struct api_revoke_ask *out, const struct json *body,
                               const struct role_set *roles)
{
    static const char *const names[] = {"user",       "token_id", "role", "ip",
                                        "connection", "session",  NULL};
    struct api_revoke_ask ask = {.kind = API_REVOKE_USER};
    enum api_result result = api_ask_members(body, names);
    unsigned kind = 0;

    if (result != API_RESULT_OK)
        return result;
    if (body->count != 1 || body->first->type != JSON_STRING)
        return API_RESULT_FIELD_MISSING; /* exactly one: two would be "and" to one reader, "or" to
                                            another */
    while (!view_eq(body->first->name, view_of_text(names[kind])))
        kind++;
    ask.kind = (enum api_revoke_kind)kind;
    ask.value = body->first->text;
    result = read_target(&ask, roles);
    if (result == API_RESULT_OK)
        *out = ask;
    return result;
}

enum api_result api_ask_publish(struct api_publish_ask *out, const struct json *body)
{
    static const char *const names[] = {"channel", "data", NULL};
    struct api_publish_ask ask = {.data = NULL};
    enum api_result result = api_ask_members(body, names);

    if (result != API_RESULT_OK)
        return result;
    ask.data = json_member(body, VIEW("data"));
    if (!json_member_string(body, VIEW("channel"), &ask.channel) || ask.data == NULL)
        return API_RESULT_FIELD_MISSING;
    if (!channel_name_ok(ask.channel))
        return API_RESULT_CHANNEL;
    *out = ask;
    return API_RESULT_OK;
}
