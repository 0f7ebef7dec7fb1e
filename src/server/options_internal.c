/* SPDX-License-Identifier: Apache-2.0 */
/* options_internal.c: `internal` of a configuration: where the HTTP API listens, and who may call
 * it. The address must be this machine's own: what stands behind it has no TLS. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "crypto/secret.h"
#include "server/options_load.h"

/* One entry of internal.keys while it is read. */
struct key_draft {
    const struct loading *l;
    char *name, *file, *env;
    struct buf secret;
    struct node *secret_place, *scopes;
};

static const struct option secret_rows[] = {
    {.name = "file", .type = OPTION_TEXT, .offset = offsetof(struct key_draft, file)},
    {.name = "env", .type = OPTION_TEXT, .offset = offsetof(struct key_draft, env)},
    {0},
};

static int load_secret(struct key_draft *draft, struct error *why, struct problems *problems)
{
    char *path;
    int rc;

    if (draft->env != NULL) {
        rc = secret_load_env(&draft->secret, draft->env, why);
    } else {
        path = options_path(draft->l, draft->file, draft->secret_place, problems);
        rc = path != NULL ? secret_load_file(&draft->secret, path, why) : E_NOMEM;
        free(path);
    }
    return rc == OK ? secret_check_strength(&draft->secret, why) : rc;
}

static int read_secret(struct node *value, void *target, struct problems *problems)
{
    struct key_draft *draft = target;
    struct error why = {{0}, 0, 0};

    draft->secret_place = value;
    if (value->type != NODE_MAP) {
        /* The value may be the secret: it must not be repeated in the message. */
        problems_add(problems, value->line, value->column,
                     "a secret does not stand in the configuration: put it in a file that only the "
                     "server may read and write {file: NAME}, or {env: NAME}");
        return E_INVALID;
    }
    options_read(secret_rows, value, draft, problems);
    if ((draft->file != NULL) == (draft->env != NULL))
        problems_add(problems, value->line, value->column,
                     "a secret comes either from {file: NAME} or from {env: NAME}");
    else if (load_secret(draft, &why, problems) != OK)
        problems_add(problems, value->line, value->column, "`secret`: %s", why.text);
    return OK;
}

static int read_scopes(struct node *value, void *target, struct problems *problems)
{
    struct key_draft *draft = target;

    if (!option_is_list(value, API_PATTERNS_MAX + 16, problems))
        return E_INVALID;
    if (value->count == 0)
        problems_add(problems, value->line, value->column,
                     "`scopes` is empty: a key without one may do nothing");
    draft->scopes = value;
    return OK;
}

static const struct option key_rows[] = {
    {.name = "name",
     .type = OPTION_TEXT,
     .offset = offsetof(struct key_draft, name),
     .help = "how the event log calls whoever has this key"},
    {.name = "secret",
     .type = OPTION_CUSTOM,
     .custom = read_secret,
     .help = "{file: NAME} or {env: NAME}: what is sent as Authorization: Bearer"},
    {.name = "scopes",
     .type = OPTION_CUSTOM,
     .custom = read_scopes,
     .help = "of tickets, revoke, sessions, broadcast, subscriptions, disconnect, inspect, "
             "moderate, reload, bans, and \"publish:CHANNEL\", \"presence:CHANNEL\", "
             "\"history:CHANNEL\", in which a whole segment may be *"},
    {0},
};

static void add_scopes(struct api_key *key, const struct key_draft *draft,
                       struct problems *problems)
{
    struct error why = {{0}, 0, 0};

    for (struct node *item = draft->scopes->first; item != NULL; item = item->next) {
        if (item->type != NODE_SCALAR)
            error_set(&why, "the name of a scope must stand here");
        else if (api_key_add_scope(key, item->text, &why) == OK)
            continue;
        problems_add(problems, item->line, item->column, "`scopes`: %s", why.text);
    }
}

static void add_key(struct loading *l, struct node *entry, struct problems *problems)
{
    struct key_draft draft = {.l = l, .secret = BUF_INIT(SECRET_BYTES_MAX)};
    struct api_keys *keys = &l->o.internal.keys;
    unsigned errors_before = problems->errors;
    struct error why = {{0}, 0, 0};

    options_read(key_rows, entry, &draft, problems);
    if (entry->type == NODE_MAP &&
        (draft.name == NULL || draft.secret_place == NULL || draft.scopes == NULL) &&
        problems->errors == errors_before)
        problems_add(problems, entry->line, entry->column,
                     "a key needs a `name`, a `secret` and `scopes`");
    if (problems->errors == errors_before) {
        if (api_keys_add(keys, view_of_text(draft.name), buf_view(&draft.secret), &why) != OK)
            problems_add(problems, entry->line, entry->column, "key `%s`: %s",
                         problem_word(view_of_text(draft.name)).text, why.text);
        else
            add_scopes(&keys->items[keys->count - 1], &draft, problems);
    }
    secret_buf_clear(&draft.secret);
    options_clear(key_rows, &draft);
    options_clear(secret_rows, &draft);
}

static int read_keys(struct node *value, void *target, struct problems *problems)
{
    if (!option_is_list(value, API_KEYS_MAX, problems))
        return E_INVALID;
    for (struct node *entry = value->first; entry != NULL; entry = entry->next)
        add_key(target, entry, problems);
    return OK;
}

static int read_address(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;
    struct internal_options *internal = &l->o.internal;
    struct error why = {{0}, 0, 0};
    char *text = NULL;

    if (!option_text(value, &text, problems))
        return E_INVALID;
    if (listen_address_parse(&internal->address, text, &why) != OK)
        problems_add(problems, value->line, value->column, "`address`: %s", why.text);
    else if (!listen_address_is_local(&internal->address))
        problems_add(problems, value->line, value->column,
                     "`address`: the internal listener speaks plaintext: it must be on a loopback "
                     "address (127.0.0.1:9443) or a Unix socket (unix:/path)");
    else
        internal->is_on = true;
    free(text);
    return OK;
}

const struct option options_internal_rows[] = {
    {.name = "address",
     .type = OPTION_CUSTOM,
     .custom = read_address,
     .help = "127.0.0.1:9443, [::1]:9443 or unix:/path: this machine only"},
    {.name = "keys",
     .type = OPTION_CUSTOM,
     .custom = read_keys,
     .children = key_rows,
     .help = "who may call /api; absent: nobody"},
    {0},
};

void options_finish_internal(struct loading *l, struct node *root, struct problems *problems)
{
    struct node *internal = node_member(root, "internal");

    if (internal != NULL && internal->type == NODE_MAP && node_member(internal, "address") == NULL)
        problems_add(problems, internal->key_line, internal->key_column,
                     "`internal` needs an `address`: 127.0.0.1:9443 is usual");
    if (l->o.max_token_age_ms % 1000 != 0)
        problems_add(problems, root->line, root->column, "`max_token_age` must be whole seconds");
}

void options_clear_internal(struct options *o)
{
    api_keys_clear(&o->internal.keys);
}
