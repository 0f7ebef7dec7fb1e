/* SPDX-License-Identifier: Apache-2.0 */
/* asked_claims.c: see asked_claims.h. */
#include "auth/asked_claims.h"

#include <math.h>

static bool is_string(const struct json *value)
{
    return value != NULL && value->type == JSON_STRING;
}

static bool is_absent(const struct json *value)
{
    return value == NULL || value->type == JSON_NULL;
}

bool asked_user(struct identity *who, const struct json *value)
{
    if (!is_string(value) || !identity_user_ok(value->text))
        return false;
    memcpy(who->user, value->text.ptr, value->text.len);
    who->user[value->text.len] = '\0';
    who->user_bytes = (uint8_t)value->text.len;
    return true;
}

bool asked_roles(struct identity *who, const struct role_set *roles, const struct json *value)
{
    struct view rest, role;

    if (is_absent(value))
        return true;
    if (is_string(value)) {
        rest = value->text;
        while (rest.len > 0) {
            (void)view_split(rest, ' ', &role, &rest);
            who->roles |= role_set_bit(roles, role);
        }
        return true;
    }
    if (value->type != JSON_ARRAY)
        return false;
    for (const struct json *one = value->first; one != NULL; one = one->next) {
        if (!is_string(one))
            return false;
        who->roles |= role_set_bit(roles, one->text);
    }
    return true;
}

bool asked_tenant(struct identity *who, const struct json *value)
{
    if (is_absent(value))
        return true;
    if (!is_string(value) || value->text.len > IDENTITY_TENANT_MAX ||
        !identity_user_ok(value->text))
        return false;
    memcpy(who->tenant, value->text.ptr, value->text.len);
    who->tenant[value->text.len] = '\0';
    return true;
}

bool asked_seconds(const struct json *value, int64_t *seconds)
{
    double number;

    if (value == NULL || !json_to_double(value, &number))
        return false;
    if (number > (double)ASKED_LATEST_S)
        number = (double)ASKED_LATEST_S;
    if (number < 0)
        number = 0;
    *seconds = (int64_t)floor(number);
    return true;
}
