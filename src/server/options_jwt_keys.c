/* SPDX-License-Identifier: Apache-2.0 */
/* options_jwt_keys.c: the keys of one row of auth.jwt. A secret never stands in the file, never in
 * a message, and is wiped as soon as the keys are made. A row is symmetric or asymmetric, so that
 * no token can choose between the two. */
#include <stdlib.h>
#include <string.h>

#include "auth/jwks.h"
#include "auth/jwks_url.h"
#include "base/file.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "crypto/x509.h"
#include "server/options_jwt.h"

#define AUTHORITIES_BYTES_MAX (256 * 1024)

static const struct option secret_rows[] = {
    {.name = "file", .type = OPTION_TEXT, .offset = offsetof(struct secret_draft, file)},
    {.name = "env", .type = OPTION_TEXT, .offset = offsetof(struct secret_draft, env)},
    {.name = "kid", .type = OPTION_TEXT, .offset = offsetof(struct secret_draft, kid)},
    {0},
};

static bool env_name_ok(const char *name)
{
    size_t len = strlen(name);

    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == len &&
           !(name[0] >= '0' && name[0] <= '9');
}

/* The key that the secret stands under; the entry of a list has none of its own. */
static struct view key_of(const struct node *value)
{
    return value->key.len > 0 ? value->key : VIEW("secret");
}

/* Fetches the secret that the draft names. */
static bool load_secret(struct secret_draft *secret, const struct loading *l,
                        const struct node *place, struct problems *problems)
{
    struct error why = {{0}, 0, 0};
    char *path = NULL;
    int rc;

    if (secret->file != NULL) {
        path = options_path(l, secret->file, place, problems);
        if (path == NULL)
            return false;
        rc = secret_load_file(&secret->bytes, path, &why);
    } else if (env_name_ok(secret->env)) {
        rc = secret_load_env(&secret->bytes, secret->env, &why);
    } else {
        error_set(&why, "`%s` is no name for an environment variable",
                  problem_word(view_of_text(secret->env)).text);
        rc = E_INVALID;
    }
    if (rc != OK)
        problems_add(problems, place->line, place->column, "`" VIEW_FMT "`: %s",
                     VIEW_ARG(key_of(place)), why.text);
    free(path);
    return rc == OK;
}

bool options_read_secret(struct secret_draft *secret, const struct loading *l, struct node *value,
                         struct problems *problems)
{
    buf_init(&secret->bytes, SECRET_BYTES_MAX);
    secret->place = value;
    if (value->type != NODE_MAP) {
        /* The value may be the secret: it must not be repeated in the message. */
        problems_add(problems, value->line, value->column,
                     "a secret does not stand in the configuration: put it in a file that only the "
                     "server may read and write "
                     "{file: NAME}, or {env: NAME}");
        return false;
    }
    options_read(secret_rows, value, secret, problems);
    if ((secret->file != NULL) != (secret->env != NULL))
        return load_secret(secret, l, value, problems);
    problems_add(problems, value->line, value->column,
                 "a secret comes either from {file: NAME} or from {env: NAME}");
    return false;
}

void options_clear_secret(struct secret_draft *secret)
{
    secret_buf_clear(&secret->bytes);
    options_clear(secret_rows, secret);
}

static void read_one_secret(struct issuer_draft *draft, struct node *value,
                            struct problems *problems)
{
    struct secret_draft *secret = &draft->secrets[draft->secrets_count++];
    struct error why = {{0}, 0, 0};

    if (options_read_secret(secret, draft->l, value, problems) &&
        secret_check_strength(&secret->bytes, &why) != OK)
        problems_add(problems, value->line, value->column, "`secret`: %s", why.text);
}

int options_read_secrets(struct node *value, void *target, struct problems *problems)
{
    struct issuer_draft *draft = target;
    const struct buf *first = &draft->secrets[0].bytes, *second = &draft->secrets[1].bytes;

    if (value->type != NODE_LIST) {
        read_one_secret(draft, value, problems);
        return OK;
    }
    if (value->count == 0 || value->count > SECRETS_MAX) {
        problems_add(problems, value->line, value->column,
                     "`secret` is one secret, or a list of two while they change");
        return E_INVALID;
    }
    for (struct node *item = value->first; item != NULL; item = item->next)
        read_one_secret(draft, item, problems);
    if (draft->secrets_count == 2 && first->len > 0 &&
        ct_equal(first->data, second->data, first->len, second->len))
        problems_add(problems, value->line, value->column, "both secrets are the same");
    if (draft->secrets_count == 2 && draft->secrets[0].kid != NULL &&
        draft->secrets[1].kid != NULL && strcmp(draft->secrets[0].kid, draft->secrets[1].kid) == 0)
        problems_add(problems, value->line, value->column, "both secrets have the same `kid`");
    return OK;
}

void options_clear_secrets(struct issuer_draft *draft)
{
    for (unsigned i = 0; i < SECRETS_MAX; i++)
        options_clear_secret(&draft->secrets[i]);
}

/* A symmetric key verifies and signs, a public key only verifies; where a token could choose which
 * of the two a key is, everyone could sign. */
void options_check_keys(struct node *entry, const struct issuer_draft *draft,
                        struct problems *problems)
{
    bool has_secret = node_member(entry, "secret") != NULL;
    bool has_file = node_member(entry, "jwks_file") != NULL;
    bool has_url = node_member(entry, "jwks_url") != NULL;
    bool is_symmetric = (draft->algorithms & SYMMETRIC) != 0;
    bool is_asymmetric = (draft->algorithms & ~SYMMETRIC) != 0;
    const char *fault = NULL;

    if (has_secret + has_file + has_url > 1)
        fault = "a row has one of `secret`, `jwks_file` and `jwks_url`: make two rows";
    else if (is_symmetric && is_asymmetric)
        fault = "a row is either symmetric (HS256, HS384, HS512, with `secret`) or asymmetric (the "
                "others, with `jwks_url` or `jwks_file`): make two rows";
    else if (is_asymmetric && has_secret)
        fault = "`secret` goes with HS256, HS384 and HS512 only: the other algorithms take public "
                "keys from `jwks_url` or `jwks_file`";
    else if (is_symmetric && !has_secret && (has_file || has_url))
        fault = "HS256, HS384 and HS512 take a `secret`: `jwks_url` and `jwks_file` hold public "
                "keys";
    else if (!has_secret && (has_file || has_url) && draft->kid != NULL)
        fault = "`kid` goes with `secret` only: public keys bring their own";
    else if (node_member(entry, "jwks_ca") != NULL && !has_url)
        fault = "`jwks_ca` goes with `jwks_url` only";
    else if (!has_secret && !has_file && !has_url && is_asymmetric)
        fault = "`jwks_url` or `jwks_file` is missing: the public keys of the issuer";
    else if (!has_secret && !has_file && !has_url)
        fault = "`secret` is missing: {file: NAME} or {env: NAME}";
    if (fault != NULL)
        problems_add(problems, entry->line, entry->column, "%s", fault);
}

static void add_key(struct jwt_issuer *issuer, const struct issuer_draft *draft,
                    const struct secret_draft *secret, unsigned algorithm,
                    struct problems *problems)
{
    const struct node *place = secret->place;
    const char *kid = secret->kid != NULL ? secret->kid : draft->kid != NULL ? draft->kid : "";
    struct jwt_key *key = &issuer->keys[issuer->keys_count];
    struct error why = {{0}, 0, 0};

    if (issuer->keys_count >= JWT_KEYS_MAX) {
        problems_add(problems, place->line, place->column, "too many keys in one row: at most %d",
                     JWT_KEYS_MAX);
        return;
    }
    if (strlen(kid) >= sizeof(key->key_id)) {
        problems_add(problems, place->line, place->column, "`kid` is too long: at most %zu bytes",
                     sizeof(key->key_id) - 1);
        return;
    }
    if (jwt_key_init_hmac(key, options_algorithm_names[algorithm], kid, secret->bytes.data,
                          secret->bytes.len) != OK) {
        error_set(&why, "too short for %s, which takes %u bytes",
                  options_algorithm_names[algorithm], 32 + 16 * algorithm);
        problems_add(problems, place->line, place->column, "`secret`: %s", why.text);
        return;
    }
    issuer->keys_count++;
}

static void add_secrets(struct jwt_issuer *issuer, const struct issuer_draft *draft,
                        struct problems *problems)
{
    for (unsigned s = 0; s < draft->secrets_count; s++)
        for (unsigned a = 0; a < SYMMETRIC_COUNT; a++)
            if ((draft->algorithms & (1U << a)) != 0)
                add_key(issuer, draft, &draft->secrets[s], a, problems);
}

static void add_public_keys(struct jwt_issuer *issuer, const struct issuer_draft *draft,
                            struct node *entry, struct problems *problems)
{
    const struct node *place = node_member(entry, "jwks_file");
    char *path = options_path(draft->l, draft->jwks_file, place, problems);
    struct error why = {{0}, 0, 0};
    struct key_set *set = NULL;
    int rc;

    if (path == NULL)
        return;
    rc = jwks_load(&set, path, draft->algorithms >> SYMMETRIC_COUNT, &why);
    if (rc == OK && key_source_new(&issuer->public_keys, set) != OK) {
        error_set(&why, "cannot be kept: %s", status_text(E_NOMEM));
        key_set_drop(set);
        rc = E_NOMEM;
    }
    if (rc != OK)
        problems_add(problems, place->line, place->column, "`jwks_file`: %s %s",
                     problem_word(view_of_text(draft->jwks_file)).text, why.text);
    free(path);
}

void options_read_authorities(struct buf *pem, const struct loading *l, const char *path,
                              const struct node *place, struct problems *problems)
{
    char *joined = options_path(l, path, place, problems);
    struct error why = {{0}, 0, 0};
    long seconds;
    int rc;

    buf_init(pem, AUTHORITIES_BYTES_MAX);
    if (joined == NULL)
        return;
    rc = x509_file_expires_in(joined, &seconds, &why);
    if (rc == OK)
        rc = file_read(pem, joined);
    if (rc != OK && why.text[0] == '\0')
        error_set(&why, "cannot be read: %s", status_text(rc));
    if (rc != OK) {
        problems_add(problems, place->line, place->column, "`" VIEW_FMT "`: %s",
                     VIEW_ARG(place->key), why.text);
        buf_clear(pem);
    }
    free(joined);
}

/* Nothing is downloaded here: the server starts without its issuers. */
static void add_key_url(struct jwt_issuer *issuer, const struct issuer_draft *draft,
                        struct node *entry, struct problems *problems)
{
    const struct node *place = node_member(entry, "jwks_url");
    struct jwks_url_options url = {.url = draft->jwks_url,
                                   .algorithms = draft->algorithms >> SYMMETRIC_COUNT};
    struct buf pem = BUF_INIT(0);
    struct error why = {{0}, 0, 0};
    unsigned errors_before = problems->errors;

    if (fetch_url_check(view_of_text(draft->jwks_url), FETCH_HTTP_NOWHERE, &why) != OK)
        problems_add(problems, place->line, place->column, "`jwks_url` %s", why.text);
    if (draft->jwks_ca != NULL)
        options_read_authorities(&pem, draft->l, draft->jwks_ca, node_member(entry, "jwks_ca"),
                                 problems);
    url.ca_pem = buf_view(&pem);
    if (problems->errors == errors_before &&
        (key_source_new(&issuer->public_keys, NULL) != OK ||
         jwks_url_new(&issuer->jwks_url, issuer->public_keys, &url) != OK))
        problems_add(problems, place->line, place->column, "out of memory");
    buf_clear(&pem);
}

void options_add_keys(struct jwt_issuer *issuer, const struct issuer_draft *draft,
                      struct node *entry, struct problems *problems)
{
    if (draft->jwks_file != NULL)
        add_public_keys(issuer, draft, entry, problems);
    else if (draft->jwks_url != NULL)
        add_key_url(issuer, draft, entry, problems);
    else
        add_secrets(issuer, draft, problems);
}
