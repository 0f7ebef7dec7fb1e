/* SPDX-License-Identifier: Apache-2.0 */
/* api_session.c: the id of a session may be one that another program made: of it only the form is
 * known here. */
#include "api/api_session.h"

static enum api_result read_id(struct view *out, const struct json *body, struct view name)
{
    struct view id;

    if (!json_member_string(body, name, &id))
        return API_RESULT_FIELD_MISSING;
    if (!api_session_id_ok(id))
        return API_RESULT_SESSION;
    *out = id;
    return API_RESULT_OK;
}

static enum api_result read_user(struct view *out, const struct json *body)
{
    struct view user;

    if (!json_member_string(body, VIEW("user"), &user))
        return API_RESULT_FIELD_MISSING;
    if (!identity_user_ok(user))
        return API_RESULT_USER;
    *out = user;
    return API_RESULT_OK;
}

/* Each name once, in the order of the configuration: what stands twice in the list is one role. */
static enum api_result read_role_names(struct api_session_ask *out, const struct json *body,
                                       const struct role_set *roles)
{
    struct wr w = wr_of(out->roles, sizeof(out->roles));
    uint64_t bits = 0;
    enum api_result result = api_ask_roles(&bits, json_member(body, VIEW("roles")), roles);

    if (result != API_RESULT_OK)
        return result;
    for (uint32_t i = 0; i < roles->count; i++) {
        if ((bits >> i & 1) == 0)
            continue;
        if (wr_len(&w) > 0)
            wr_u8(&w, ' ');
        wr_text(&w, roles->roles[i].name);
    }
    out->roles_bytes = wr_len(&w);
    return w.failed ? API_RESULT_ROLES : API_RESULT_OK;
}

static enum api_result read_tenant(struct view *out, const struct json *body)
{
    struct view tenant;

    if (json_member(body, VIEW("tenant")) == NULL)
        return API_RESULT_OK;
    if (!json_member_string(body, VIEW("tenant"), &tenant))
        return API_RESULT_FIELD_MISSING;
    if (!identity_user_ok(tenant) || tenant.len > IDENTITY_TENANT_MAX)
        return API_RESULT_TENANT;
    *out = tenant;
    return API_RESULT_OK;
}

enum api_result api_ask_session_create(struct api_session_ask *out, const struct json *body,
                                       const struct role_set *roles)
{
    static const char *const names[] = {"user", "roles", "tenant", "replaces", NULL};
    enum api_result result = api_ask_members(body, names);

    if (result != API_RESULT_OK)
        return result;
    *out = (struct api_session_ask){.verb = API_SESSION_CREATE};
    result = read_user(&out->user, body);
    if (result == API_RESULT_OK)
        result = read_role_names(out, body, roles);
    if (result == API_RESULT_OK)
        result = read_tenant(&out->tenant, body);
    if (result == API_RESULT_OK && json_member(body, VIEW("replaces")) != NULL)
        result = read_id(&out->replaces, body, VIEW("replaces"));
    return result;
}

enum api_result api_ask_session(struct api_session_ask *out, const struct json *body,
                                enum api_session_verb verb)
{
    static const char *const names[] = {"session", NULL};
    enum api_result result = api_ask_members(body, names);

    if (result != API_RESULT_OK)
        return result;
    *out = (struct api_session_ask){.verb = verb};
    return read_id(&out->session, body, VIEW("session"));
}

enum api_result api_ask_session_end(struct api_session_ask *out, const struct json *body)
{
    static const char *const names[] = {"session", "user", NULL};
    enum api_result result = api_ask_members(body, names);

    if (result != API_RESULT_OK)
        return result;
    if (body->count != 1)
        return API_RESULT_FIELD_MISSING; /* exactly one */
    if (json_member(body, VIEW("session")) != NULL)
        return api_ask_session(out, body, API_SESSION_END);
    *out = (struct api_session_ask){.verb = API_SESSION_END_USER};
    return read_user(&out->user, body);
}

enum api_result api_ask_csrf(struct api_csrf_ask *out, const struct json *body)
{
    static const char *const names[] = {"session", "origin", NULL};
    struct api_csrf_ask ask = {.session = {NULL, 0}};
    enum api_result result = api_ask_members(body, names);

    if (result == API_RESULT_OK)
        result = read_id(&ask.session, body, VIEW("session"));
    if (result != API_RESULT_OK)
        return result;
    if (!json_member_string(body, VIEW("origin"), &ask.origin))
        return API_RESULT_FIELD_MISSING;
    if (ask.origin.len == 0 || ask.origin.len > API_ORIGIN_BYTES_MAX)
        return API_RESULT_ORIGIN;
    *out = ask;
    return API_RESULT_OK;
}
