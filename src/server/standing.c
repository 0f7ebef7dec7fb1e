/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that outlive a message, wiped when they have served. */
#include "server/standing.h"

#include <stdlib.h>
#include <string.h>

#include "auth/hook.h"
#include "auth/session_store.h"
#include "crypto/secret.h"

static void forget_token(struct standing *s)
{
    if (s->token != NULL)
        secret_wipe(s->token, s->token_bytes);
    free(s->token);
    s->token = NULL;
    s->token_bytes = 0;
}

bool standing_set_token(struct standing *s, enum credential_kind kind, struct view token)
{
    char *copy = malloc(token.len > 0 ? token.len : 1);

    if (copy == NULL)
        return false;
    forget_token(s);
    memcpy(copy, token.ptr, token.len);
    s->token = copy;
    s->token_bytes = token.len;
    s->kind = kind;
    return true;
}

void standing_set_shown(struct standing *s, struct hook_shown *shown)
{
    hook_shown_free(s->shown);
    s->shown = shown;
    s->kind = CREDENTIAL_HOOK;
}

void standing_forget(struct standing *s)
{
    forget_token(s);
    hook_shown_free(s->shown);
    s->shown = NULL;
}

void standing_take_token(struct standing *s, struct standing *from)
{
    forget_token(s);
    s->kind = from->kind;
    s->token = from->token;
    s->token_bytes = from->token_bytes;
    from->token = NULL;
    from->token_bytes = 0;
}

bool standing_watch(struct standing *s, struct session_store *store)
{
    if (s->kind != CREDENTIAL_SESSION || s->token == NULL || s->watch != NULL)
        return true;
    s->watch = session_store_watch(store, view_of(s->token, s->token_bytes));
    forget_token(s);
    return s->watch != NULL;
}

bool standing_is_empty(const struct standing *s)
{
    return s->token == NULL && s->shown == NULL && s->watch == NULL;
}

void standing_clear(struct standing *s, struct session_store *store)
{
    forget_token(s);
    hook_shown_free(s->shown);
    if (s->watch != NULL)
        session_store_unwatch(store, s->watch);
    *s = (struct standing){.kind = CREDENTIAL_BEARER};
}
