/* SPDX-License-Identifier: Apache-2.0 */
/* options_sessions_redis.c: `auth.sessions.redis` of a configuration: which server, as whom, and
 * how the sessions in it are written. Nothing is connected here. What has no meaning for the chosen
 * decoder is an error, not passed over: somebody believes in it. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "crypto/secret.h"
#include "message/json_pointer.h"
#include "net/redis_url.h"
#include "net/tls.h"
#include "server/options_load.h"

#define SECOND_MS    ((uint64_t)1000)
#define DRAFT(field) offsetof(struct loading, sessions_redis.field)

static const char *const decoder_names[] = {[SESSION_DECODER_GATEWARD] = "gateward",
                                            [SESSION_DECODER_EXPRESS] = "express",
                                            [SESSION_DECODER_JSON] = "json",
                                            NULL};

/* Fetches one secret into `out`. */
static bool fetch_secret(struct buf *out, const struct loading *l, struct node *value,
                         struct problems *problems)
{
    struct secret_draft draft = {0};
    bool is_there = options_read_secret(&draft, l, value, problems);

    if (draft.kid != NULL)
        problems_add(problems, value->line, value->column, "`kid` has no meaning here");
    if (is_there && draft.bytes.len == 0)
        problems_add(problems, value->line, value->column, "this secret is empty");
    if (is_there && buf_append(out, draft.bytes.data, draft.bytes.len) != OK)
        problems_add(problems, value->line, value->column, "out of memory");
    options_clear_secret(&draft);
    return is_there;
}

static int read_password(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;

    buf_init(&l->sessions_redis.password, SECRET_BYTES_MAX);
    return fetch_secret(&l->sessions_redis.password, l, value, problems) ? OK : E_INVALID;
}

static int read_secret(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;
    struct session_redis_draft *draft = &l->sessions_redis;
    struct node *item = value->type == NODE_LIST ? value->first : value;

    if (value->type == NODE_LIST && (value->count == 0 || value->count > SESSION_SECRETS_MAX)) {
        problems_add(problems, value->line, value->column,
                     "`secret` is one secret, or a list of two while they change");
        return E_INVALID;
    }
    for (; item != NULL; item = value->type == NODE_LIST ? item->next : NULL) {
        struct buf *out = &draft->secrets[draft->secrets_count++];

        buf_init(out, SECRET_BYTES_MAX);
        (void)fetch_secret(out, l, item, problems);
    }
    return OK;
}

const struct option options_sessions_redis_rows[] = {
    {.name = "url",
     .type = OPTION_TEXT,
     .offset = DRAFT(url),
     .help = "rediss://host:port/database (TLS), redis:// to this machine, or unix:/path; no "
             "password in it"},
    {.name = "ca",
     .type = OPTION_TEXT,
     .offset = DRAFT(ca),
     .help = "with rediss://: authorities (PEM) to trust instead of the system's"},
    {.name = "insecure_plaintext",
     .type = OPTION_BOOL,
     .offset = DRAFT(insecure_plaintext),
     .fallback = "false",
     .help = "allow redis:// to another machine; the price: whoever is in between reads all "
             "sessions, and makes some"},
    {.name = "username",
     .type = OPTION_TEXT,
     .offset = DRAFT(username),
     .help = "user of the server's access list; absent: its default user"},
    {.name = "password",
     .type = OPTION_CUSTOM,
     .custom = read_password,
     .help = "{file: NAME} or {env: NAME}; absent: the server asks for none"},
    {.name = "decoder",
     .type = OPTION_ENUM,
     .offset = DRAFT(decoder),
     .choices = decoder_names,
     .fallback = "gateward",
     .help = "whose sessions: gateward (made by the HTTP API, shared by all gatewards there), "
             "express (express-session with connect-redis) or json (an id in the cookie, a JSON "
             "text under a key); those of others are read and ended, never changed"},
    {.name = "secret",
     .type = OPTION_CUSTOM,
     .custom = read_secret,
     .help = "of express: what its cookies are signed with, {file: NAME} or {env: NAME}; a list of "
             "two while they change"},
    {.name = "weak_secret_accepted",
     .type = OPTION_BOOL,
     .offset = DRAFT(weak_secret_accepted),
     .fallback = "false",
     .help = "take a short or well-known `secret` of an existing application; the price: who "
             "guesses it needs only a session's id to pose as its user"},
    {.name = "key",
     .type = OPTION_TEXT,
     .offset = DRAFT(key),
     .help = "of express and json: the key of a session, with {id} in it; absent, of express: "
             "sess:{id}"},
    {.name = "user",
     .type = OPTION_TEXT,
     .offset = DRAFT(user),
     .help = "of express and json: JSON pointer to the user's name or number; absent: /user, then "
             "/passport/user"},
    {.name = "roles",
     .type = OPTION_TEXT,
     .offset = DRAFT(roles),
     .help = "of express and json: JSON pointer to a role or a list of roles; absent: /roles"},
    {.name = "tenant",
     .type = OPTION_TEXT,
     .offset = DRAFT(tenant),
     .help = "of express and json: JSON pointer to the tenant; absent: there are none"},
    {.name = "expires",
     .type = OPTION_TEXT,
     .offset = DRAFT(expires),
     .help = "of json: JSON pointer to the end of the session (ISO 8601, or seconds or "
             "milliseconds since 1970); absent: it ends when its key does"},
    {.name = "created",
     .type = OPTION_TEXT,
     .offset = DRAFT(created),
     .help =
         "of express and json: JSON pointer to the moment of the login, as `expires` is written; "
         "absent: nobody knows it, so that a revocation of the user or of a role refuses newer "
         "sessions as well for as long as it is remembered, and channels[].max_auth_age asks "
         "for another login"},
    {.name = "timeout",
     .type = OPTION_MS,
     .offset = DRAFT(timeout_ms),
     .min = 50,
     .max = 10 * SECOND_MS,
     .fallback = "1s",
     .help = "from a question to its answer; then the server counts as out of reach and whoever "
             "shows a cookie is told to try again"},
    {.name = "stale",
     .type = OPTION_MS,
     .offset = DRAFT(stale_ms),
     .min = 5 * SECOND_MS,
     .max = 3600 * SECOND_MS,
     .fallback = "60s",
     .help = "how long connections stay open while their sessions cannot be read again"},
    {0},
};

static void report(struct node *section, const char *key, struct problems *problems,
                   const char *text)
{
    const struct node *place = node_member(section, key);

    if (place == NULL)
        place = section;
    problems_add(problems, place->line, place->column, "`%s` %s", key, text);
}

static void check_server(struct loading *l, struct node *section, struct problems *problems)
{
    struct session_redis_draft *draft = &l->sessions_redis;
    struct error why = {{0}, 0, 0};
    struct tls_client *tls = NULL;
    struct redis_url url;

    if (draft->url == NULL) {
        report(section, "url", problems, "is missing: such as rediss://redis.example.com:6380");
        return;
    }
    if (redis_url_parse(&url, view_of_text(draft->url), &why) != OK) {
        report(section, "url", problems, why.text);
        return;
    }
    if (!url.has_tls && !redis_url_is_local(&url) && !draft->insecure_plaintext)
        report(section, "url", problems,
               "leads to another machine without encryption: use rediss:// (or, said out loud, "
               "`insecure_plaintext: true`)");
    if (url.user[0] != '\0' && draft->username != NULL)
        report(section, "username", problems, "stands in the `url` too");
    if ((url.user[0] != '\0' || draft->username != NULL) && draft->password.len == 0)
        report(section, "password", problems, "is missing: a user logs in with one");
    if (draft->ca != NULL && !url.has_tls)
        report(section, "ca", problems, "goes with rediss:// only");
    if (draft->ca == NULL || !url.has_tls)
        return;
    draft->ca_path = options_path(l, draft->ca, node_member(section, "ca"), problems);
    if (draft->ca_path != NULL && tls_client_new(&tls, draft->ca_path, &why) != OK)
        report(section, "ca", problems, why.text);
    tls_client_free(tls);
}

static void check_secrets(const struct session_redis_draft *draft, struct node *section,
                          struct problems *problems)
{
    const struct buf *first = &draft->secrets[0], *second = &draft->secrets[1];
    struct error why = {{0}, 0, 0};

    if (node_member(section, "secret") == NULL)
        report(section, "secret", problems, "is missing: the one that express-session signs with");
    for (unsigned i = 0; i < draft->secrets_count && !draft->weak_secret_accepted; i++)
        if (draft->secrets[i].len > 0 && secret_check_strength(&draft->secrets[i], &why) != OK)
            report(section, "secret", problems, why.text);
    if (draft->secrets_count == 2 && first->len > 0 &&
        ct_equal(first->data, second->data, first->len, second->len))
        report(section, "secret", problems, "is the same one twice");
}

/* Keys that say nothing to this decoder. */
static void check_meaning(const struct loading *l, struct node *sessions, struct node *section,
                          struct problems *problems)
{
    enum {
        OURS = 1 << SESSION_DECODER_GATEWARD,
        EXPRESS = 1 << SESSION_DECODER_EXPRESS,
        JSON = 1 << SESSION_DECODER_JSON
    };
    static const struct {
        const char *key, *fault;
        unsigned decoders;
    } rows[] = {
        {"secret", "goes with `decoder: express` only", EXPRESS},
        {"weak_secret_accepted", "goes with `decoder: express` only", EXPRESS},
        {"key", "goes with `decoder: express` or `json` only", EXPRESS | JSON},
        {"user", "goes with `decoder: express` or `json` only", EXPRESS | JSON},
        {"roles", "goes with `decoder: express` or `json` only", EXPRESS | JSON},
        {"tenant", "goes with `decoder: express` or `json` only", EXPRESS | JSON},
        {"expires", "goes with `decoder: json` only", JSON},
        {"created", "goes with `decoder: express` or `json` only", EXPRESS | JSON},
    };
    unsigned bit = 1U << l->sessions_redis.decoder;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if ((rows[i].decoders & bit) == 0 && node_member(section, rows[i].key) != NULL)
            report(section, rows[i].key, problems, rows[i].fault);
    if (bit != OURS && node_member(sessions, "idle") != NULL)
        report(sessions, "idle", problems,
               "has no meaning here: the program that makes the sessions decides when they idle "
               "out");
    if (node_member(sessions, "max") != NULL)
        report(sessions, "max", problems, "goes with `store: memory` and `sqlite` only");
}

static void check_shape(const struct session_redis_draft *draft, struct node *section,
                        struct problems *problems)
{
    const struct {
        const char *key, *pointer;
    } pointers[] = {{"user", draft->user},
                    {"roles", draft->roles},
                    {"tenant", draft->tenant},
                    {"expires", draft->expires},
                    {"created", draft->created}};

    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++)
        if (pointers[i].pointer != NULL &&
            (pointers[i].pointer[0] != '/' || !json_pointer_ok(view_of_text(pointers[i].pointer))))
            report(section, pointers[i].key, problems,
                   "is a JSON pointer (RFC 6901), such as /user/id");
    if (draft->decoder == SESSION_DECODER_JSON && draft->key == NULL)
        report(section, "key", problems, "is missing: such as session:{id}");
    if (draft->key != NULL && !session_key_ok(view_of_text(draft->key)))
        report(section, "key", problems,
               "has {id} in it once, no blanks, and at most 256 bytes: such as session:{id}");
}

void options_finish_sessions_redis(struct loading *l, struct node *sessions,
                                   struct problems *problems)
{
    struct session_redis_draft *draft = &l->sessions_redis;
    struct node *section = node_member(sessions, "redis");

    if (l->o.sessions.store != SESSIONS_REDIS) {
        if (section != NULL)
            report(sessions, "redis", problems, "goes with `store: redis` only");
        return;
    }
    if (section == NULL || section->type != NODE_MAP) {
        report(sessions, "redis", problems,
               "is missing: such as {url: \"rediss://redis.example.com:6380\"}");
        return;
    }
    check_server(l, section, problems);
    check_meaning(l, sessions, section, problems);
    check_shape(draft, section, problems);
    if (draft->decoder == SESSION_DECODER_EXPRESS)
        check_secrets(draft, section, problems);
    if (draft->stale_ms % SECOND_MS != 0)
        report(section, "stale", problems, "must be whole seconds");
}

int options_make_sessions_redis(struct options *o, const struct loading *l)
{
    const struct session_redis_draft *draft = &l->sessions_redis;
    const struct session_redis_options options = {
        .redis = {.url = draft->url,
                  .ca_path = draft->ca_path,
                  .username = draft->username,
                  .password = buf_view(&draft->password),
                  .deadline_ms = (uint32_t)draft->timeout_ms},
        .decoder = (enum session_decoder)draft->decoder,
        .secrets = {buf_view(&draft->secrets[0]), buf_view(&draft->secrets[1])},
        .key = draft->key,
        .user = draft->user,
        .roles_pointer = draft->roles,
        .tenant = draft->tenant,
        .expires = draft->expires,
        .created = draft->created,
        .roles = &o->policy.roles,
        .idle_s = (uint32_t)(o->sessions.idle_ms / SECOND_MS),
        .absolute_s = (uint32_t)(o->sessions.absolute_ms / SECOND_MS),
        .stale_s = (uint32_t)(draft->stale_ms / SECOND_MS)};

    if (!o->sessions.is_on || o->sessions.store != SESSIONS_REDIS)
        return OK;
    return session_redis_new(&o->sessions.redis, &options, NULL);
}

void options_clear_sessions_redis(struct loading *l)
{
    struct session_redis_draft *draft = &l->sessions_redis;

    options_clear(options_sessions_redis_rows, l);
    free(draft->ca_path);
    secret_buf_clear(&draft->password);
    for (unsigned i = 0; i < SESSION_SECRETS_MAX; i++)
        secret_buf_clear(&draft->secrets[i]);
}
