/* SPDX-License-Identifier: Apache-2.0 */
/* identity_kept.c: three texts of 227 bytes at most are mostly ten in all. */
#include "access/identity_kept.h"

#include <string.h>

#include "base/assert.h"

_Static_assert(IDENTITY_USER_MAX <= UINT8_MAX && IDENTITY_TENANT_MAX <= UINT8_MAX &&
                   IDENTITY_TOKEN_ID_MAX <= UINT8_MAX,
               "lengths fit a byte");

static size_t bytes_with(size_t text_bytes)
{
    size_t bytes = offsetof(struct identity_kept, text) + text_bytes;

    return bytes > sizeof(struct identity_kept) ? bytes : sizeof(struct identity_kept);
}

size_t identity_kept_bytes(const struct identity *who)
{
    return bytes_with(who->user_bytes + strnlen(who->tenant, IDENTITY_TENANT_MAX) +
                      strnlen(who->token_id, IDENTITY_TOKEN_ID_MAX) +
                      (who->has_session ? IDENTITY_SESSION_BYTES : 0));
}

size_t identity_kept_size(const struct identity_kept *kept)
{
    return bytes_with((size_t)kept->user_bytes + kept->tenant_bytes + kept->token_id_bytes +
                      (kept->has_session ? IDENTITY_SESSION_BYTES : 0));
}

static char *put(char *at, const void *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

void identity_keep(struct identity_kept *kept, const struct identity *who)
{
    char *at = kept->text;

    ASSERT(who->user_bytes <= IDENTITY_USER_MAX);
    kept->roles = who->roles;
    kept->scopes = who->scopes;
    kept->authenticated_at_s = who->authenticated_at_s;
    kept->issued_at_s = who->issued_at_s;
    kept->expires_at_s = who->expires_at_s;
    kept->recheck_at_s = who->recheck_at_s;
    kept->method = (uint8_t)who->method;
    kept->user_bytes = who->user_bytes;
    kept->tenant_bytes = (uint8_t)strnlen(who->tenant, IDENTITY_TENANT_MAX);
    kept->token_id_bytes = (uint8_t)strnlen(who->token_id, IDENTITY_TOKEN_ID_MAX);
    kept->has_session = who->has_session;
    at = put(at, who->user, kept->user_bytes);
    at = put(at, who->tenant, kept->tenant_bytes);
    at = put(at, who->token_id, kept->token_id_bytes);
    if (who->has_session)
        (void)put(at, who->session, sizeof(who->session));
}

static const char *get(char *text, const char *at, size_t len)
{
    memcpy(text, at, len);
    text[len] = '\0';
    return at + len;
}

void identity_recall(struct identity *who, const struct identity_kept *kept)
{
    const char *at = kept->text;

    at = get(who->user, at, kept->user_bytes);
    at = get(who->tenant, at, kept->tenant_bytes);
    at = get(who->token_id, at, kept->token_id_bytes);
    who->has_session = kept->has_session;
    if (kept->has_session)
        memcpy(who->session, at, sizeof(who->session));
    who->user_bytes = kept->user_bytes;
    who->method = (enum identity_method)kept->method;
    who->roles = kept->roles;
    who->scopes = kept->scopes;
    who->authenticated_at_s = kept->authenticated_at_s;
    who->issued_at_s = kept->issued_at_s;
    who->expires_at_s = kept->expires_at_s;
    who->recheck_at_s = kept->recheck_at_s;
}
