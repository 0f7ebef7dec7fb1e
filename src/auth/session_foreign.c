/* SPDX-License-Identifier: Apache-2.0 */
/* session_foreign.c: reading what express-session and others leave in a browser and in a store.
 * Nothing is guessed: what has another type than it should refuses the session as a whole. */
#include "auth/session_foreign.h"

#include <stdio.h>
#include <string.h>

#include "access/scope.h"
#include "auth/iso_date.h"
#include "base/base64.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "message/json_pointer.h"

#define SIGNATURE_CHARS 43 /* 32 bytes in Base64 without padding */
#define COOKIE_CHARS    (2 + SESSION_ID_MAX + 1 + SIGNATURE_CHARS)
/* Numbers above this are milliseconds: as seconds they would lie beyond the year 5000, and as
 * milliseconds those below it lie before 1974. */
#define SECONDS_MAX INT64_C(100000000000)

/* --- cookies --- */

int session_express_key(struct hmac_key **out, struct view secret)
{
    uint8_t padded[32] = {0};
    int rc;

    if (secret.len == 0)
        return E_INVALID;
    if (secret.len >= sizeof(padded))
        return hmac_key_new(out, HMAC_SHA256, secret.ptr, secret.len);
    memcpy(padded, secret.ptr, secret.len);
    rc = hmac_key_new(out, HMAC_SHA256, padded, sizeof(padded));
    secret_wipe(padded, sizeof(padded));
    return rc;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undoes percent-encoding; visible ASCII must come of it. 0: it does not, or there is no room. */
static size_t decode_percent(char *out, size_t cap, struct view text)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        int c = (unsigned char)text.ptr[i];

        if (c == '%') {
            if (text.len - i < 3 || hex(text.ptr[i + 1]) < 0 || hex(text.ptr[i + 2]) < 0)
                return 0;
            c = hex(text.ptr[i + 1]) * 16 + hex(text.ptr[i + 2]);
            i += 2;
        }
        if (c <= ' ' || c > '~' || len >= cap)
            return 0;
        out[len++] = (char)c;
    }
    return len;
}

/* Compared as text: a second spelling of the same bytes is not one that the program has made. */
static bool is_signed(const struct hmac_key *key, struct view id, struct view signature)
{
    char text[BASE64_BYTES(32)];
    uint8_t mac[HMAC_BYTES_MAX];
    bool answer;

    if (key == NULL || hmac_sign(mac, key, id.ptr, id.len) != OK)
        return false;
    (void)base64_encode(text, mac, 32);
    answer = ct_equal(text, signature.ptr, SIGNATURE_CHARS, signature.len);
    secret_wipe(text, sizeof(text));
    secret_wipe(mac, sizeof(mac));
    return answer;
}

bool session_express_id(struct hmac_key *const keys[SESSION_SECRETS_MAX], struct view value,
                        char space[SESSION_ID_MAX], struct view *id)
{
    char text[COOKIE_CHARS];
    struct view found, signature;
    bool is_good = false;
    size_t len;

    if (value.len > 3 * sizeof(text))
        return false;
    len = decode_percent(text, sizeof(text), value);
    if (len < 2 + 1 + 1 + SIGNATURE_CHARS || text[0] != 's' || text[1] != ':' ||
        text[len - SIGNATURE_CHARS - 1] != '.')
        return false;
    found = view_of(text + 2, len - 2 - 1 - SIGNATURE_CHARS);
    signature = view_of(text + len - SIGNATURE_CHARS, SIGNATURE_CHARS);
    for (unsigned i = 0; i < SESSION_SECRETS_MAX; i++)
        is_good = is_signed(keys[i], found, signature) || is_good;
    if (is_good) {
        memcpy(space, found.ptr, found.len);
        *id = view_of(space, found.len);
    }
    secret_wipe(text, sizeof(text));
    return is_good;
}

bool session_foreign_id_ok(struct view id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];

        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
            c != '_' && c != '.' && c != '-')
            return false;
    }
    return id.len >= 16 && id.len <= SESSION_ID_MAX;
}

/* --- values --- */

static const struct json *find(const struct json *root, const char *pointer)
{
    const struct json *v = pointer != NULL ? json_pointer_get(root, view_of_text(pointer)) : NULL;

    return v != NULL && v->type != JSON_NULL ? v : NULL;
}

/* A name: a string, or an integer as its digits. 0: neither, or too long. */
static size_t name_of(char *out, size_t cap, const struct json *v)
{
    int64_t number;
    int len;

    if (v->type == JSON_NUMBER && json_to_i64(v, &number)) {
        len = snprintf(out, cap, "%lld", (long long)number);
        return len > 0 && (size_t)len < cap ? (size_t)len : 0;
    }
    if (v->type != JSON_STRING || v->text.len >= cap || !identity_user_ok(v->text))
        return 0;
    memcpy(out, v->text.ptr, v->text.len);
    out[v->text.len] = '\0';
    return v->text.len;
}

static bool is_nobody(const struct json *v)
{
    return v == NULL || v->type == JSON_FALSE || (v->type == JSON_STRING && v->text.len == 0);
}

static const char *read_user(struct identity *who, const struct session_shape *shape,
                             const struct json *root)
{
    const struct json *v = NULL;
    size_t len;

    for (unsigned i = 0; i < 2 && is_nobody(v); i++)
        v = find(root, shape->user[i]);
    if (is_nobody(v))
        return "session_anonymous";
    len = name_of(who->user, sizeof(who->user), v);
    if (len == 0)
        return "session_user";
    who->user_bytes = (uint8_t)len;
    return NULL;
}

static bool read_roles(struct identity *who, const struct role_set *set, const struct json *v)
{
    struct view name, rest;

    if (v == NULL)
        return true;
    if (v->type == JSON_STRING) {
        for (rest = v->text; rest.len > 0;) {
            (void)view_split(rest, ' ', &name, &rest);
            who->roles |= role_set_bit(set, name);
        }
        return true;
    }
    if (v->type != JSON_ARRAY)
        return false;
    for (const struct json *item = v->first; item != NULL; item = item->next) {
        if (item->type != JSON_STRING)
            return false;
        who->roles |= role_set_bit(set, item->text);
    }
    return true;
}

static bool read_tenant(struct identity *who, const struct json *v)
{
    return v == NULL || (v->type == JSON_STRING && v->text.len == 0) ||
           name_of(who->tenant, sizeof(who->tenant), v) > 0;
}

static bool read_time(int64_t *wall_s, const struct json *v)
{
    int64_t number = 0;

    if (v == NULL)
        return true;
    if (v->type == JSON_STRING) {
        if (!iso_date_parse(v->text, &number))
            return false;
    } else if (v->type != JSON_NUMBER || !json_to_i64(v, &number)) {
        double fraction; /* Date.now() / 1000 has one */

        if (v->type != JSON_NUMBER || !json_to_double(v, &fraction) || !(fraction > 0) ||
            !(fraction < 1e15))
            return false;
        number = (int64_t)fraction;
    }
    if (number > SECONDS_MAX)
        number /= 1000;
    /* 0 would mean that nothing is said, and a moment before 1970 is as past as 1970. */
    *wall_s = number > 0 ? number : 1;
    return true;
}

const char *session_value_decode(struct session_facts *out, const struct session_shape *shape,
                                 const struct role_set *roles, struct view value,
                                 struct arena *arena)
{
    struct session_facts facts;
    struct json *root = NULL;
    const char *fault;
    size_t error_at;

    memset(&facts, 0, sizeof(facts));
    arena_reset(arena);
    if (value.len > SESSION_VALUE_MAX || json_parse(&root, value, NULL, arena, &error_at) != OK ||
        root->type != JSON_OBJECT)
        return "session_malformed";
    fault = read_user(&facts.who, shape, root);
    if (fault != NULL)
        return fault;
    if (!read_roles(&facts.who, roles, find(root, shape->roles)) ||
        !read_tenant(&facts.who, find(root, shape->tenant)) ||
        !read_time(&facts.ends_at_s, find(root, shape->expires)) ||
        !read_time(&facts.created_at_s, find(root, shape->created)))
        return "session_malformed";
    facts.who.method = IDENTITY_SESSION;
    facts.who.scopes = SCOPES_ALL;
    *out = facts;
    return NULL;
}
