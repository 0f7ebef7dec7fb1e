/* SPDX-License-Identifier: Apache-2.0 */
/* introspection.c: the question of RFC 7662 section 2.1 and what its answers mean. Waiting, keeping
 * and giving up: asker.c. What a yes says: introspection_answer.c. A status that a token's holder
 * could provoke (400 for one that the server cannot read) refuses that token alone; it must not
 * open the breaker for everyone. */
#include "auth/introspection.h"

#include <stdlib.h>

#include "auth/asker.h"
#include "auth/introspection_answer.h"
#include "base/clock.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#define TOKEN_BYTES_MAX  (8 * 1024)
#define ANSWER_BYTES_MAX (64 * 1024)
#define FORM_BYTES_MAX   (3 * (TOKEN_BYTES_MAX + 2 * 4096) + 256)

struct introspection {
    struct asker *asker;
    struct introspection_rules rules;
    uint64_t required; /* bits of scopes */
    enum client_authentication client_authentication;
    char *url, *ca_pem, *client_id, *client_secret; /* the last two: form-encoded */
    size_t ca_bytes;
    char *issuer, *audience, *user_claim, *roles_claim, *tenant_claim;
    bool allows_loopback_http;
};

/* --- application/x-www-form-urlencoded (RFC 6749 appendix B) --- */

static int form_append(struct buf *out, struct view text)
{
    static const char digits[] = "0123456789ABCDEF";
    int rc = OK;

    for (size_t i = 0; i < text.len && rc == OK; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        char escape[3] = {'%', digits[c >> 4], digits[c & 0xf]};
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '*';

        rc = is_plain ? buf_append(out, &c, 1) : buf_append(out, escape, sizeof(escape));
    }
    return rc;
}

/* A heap copy of `text`, form-encoded; NULL: out of memory, or far too long. */
static char *form_dup(const char *text)
{
    struct buf out = BUF_INIT(3 * 4096);
    char *copy = NULL;

    if (form_append(&out, view_of_text(text)) == OK)
        copy = view_dup(buf_view(&out));
    secret_buf_clear(&out);
    return copy;
}

static int write_form(const struct introspection *in, struct buf *out, struct view token)
{
    int rc = buf_append(out, "token=", 6);

    if (rc == OK)
        rc = form_append(out, token);
    if (rc == OK)
        rc = buf_append(out, "&token_type_hint=access_token", 29);
    if (rc != OK || in->client_authentication != CLIENT_SECRET_POST)
        return rc;
    rc = buf_append(out, "&client_id=", 11);
    if (rc == OK)
        rc = buf_append(out, in->client_id, strlen(in->client_id));
    if (rc == OK)
        rc = buf_append(out, "&client_secret=", 15);
    if (rc == OK)
        rc = buf_append(out, in->client_secret, strlen(in->client_secret));
    return rc;
}

/* --- asker_ops --- */

static int send_token(void *context, const struct asker_errand *errand)
{
    struct introspection *in = context;
    struct buf form = BUF_INIT(FORM_BYTES_MAX);
    bool is_basic = in->client_authentication == CLIENT_SECRET_BASIC;
    struct fetch_request request = {.url = in->url,
                                    .accept = "application/json",
                                    .ca_pem = view_of(in->ca_pem, in->ca_bytes),
                                    .body_type = "application/x-www-form-urlencoded",
                                    .user = is_basic ? in->client_id : NULL,
                                    .password = is_basic ? in->client_secret : NULL,
                                    .bytes_max = ANSWER_BYTES_MAX,
                                    .deadline_ms = errand->deadline_ms,
                                    .expects_refusals = true,
                                    .allows_loopback_http = in->allows_loopback_http};
    int rc = buf_reserve(&form, FORM_BYTES_MAX); /* so that growing leaves no copies behind */

    if (rc == OK)
        rc = write_form(in, &form, errand->shown);
    request.body = buf_view(&form);
    if (rc == OK)
        rc = fetch_start(errand->outbound, &request, errand->done, errand->ask);
    secret_buf_clear(&form);
    return rc;
}

static bool judge_answer(void *context, const struct fetch_answer *answer, struct view shown,
                         struct auth_answer *out)
{
    const struct introspection *in = context;
    unsigned status = answer->http_status;

    if (answer->status == OK)
        return introspection_answer_read(out, &in->rules, answer->body, shown, clock_wall_s());
    if (status != 400 && status != 413 && status != 422 &&
        !(status == 200 && answer->status == E_LIMIT))
        return false;
    *out = (struct auth_answer){.verdict = AUTH_FAILED, .fault = "introspection_refused"};
    return true;
}

/* Here and not when the answer came (C-E1): what one use asks for is not what the next one does. */
static enum auth_verdict check_scopes(void *context, const struct identity *who, const char **fault)
{
    const struct introspection *in = context;

    if ((who->scopes & in->required) == in->required)
        return AUTH_OK;
    *fault = "scope_missing";
    return AUTH_SCOPE;
}

static const struct asker_ops asker_ops = {send_token, judge_answer, check_scopes};

/* --- from outside --- */

/* Every required scope must be known, or it could never be missed. */
static int read_required(struct introspection *in, struct view names,
                         const struct scope_set *scopes)
{
    struct view name;

    while (names.len > 0) {
        uint64_t bit = 0;

        (void)view_split(names, ' ', &name, &names);
        if (scopes != NULL)
            bit = scope_set_bits(scopes, name);
        if (bit == 0)
            return E_INVALID;
        in->required |= bit;
    }
    return OK;
}

static char *dup_text(const char *text, bool *failed)
{
    char *copy = text == NULL ? NULL : view_dup(view_of_text(text));

    *failed = *failed || (text != NULL && copy == NULL);
    return copy;
}

static int copy_options(struct introspection *in, const struct introspection_options *options)
{
    const struct asker_options asker = {&asker_ops, in, options->cache_s,
                                        options->deadline_ms > 0 ? options->deadline_ms : 1500};
    const char *user = options->user_claim != NULL ? options->user_claim : "sub";
    const char *roles = options->roles_claim != NULL ? options->roles_claim : "roles";
    bool failed = false;

    in->url = dup_text(options->url, &failed);
    in->issuer = dup_text(options->issuer, &failed);
    in->audience = dup_text(options->audience, &failed);
    in->user_claim = dup_text(user, &failed);
    in->roles_claim = dup_text(roles, &failed);
    in->tenant_claim = dup_text(options->tenant_claim, &failed);
    in->client_id = form_dup(options->client_id);
    in->client_secret = form_dup(options->client_secret);
    in->ca_bytes = options->ca_pem.len;
    in->ca_pem = view_dup(options->ca_pem);
    in->client_authentication = options->client_authentication;
    in->allows_loopback_http = options->allows_loopback_http;
    in->rules = (struct introspection_rules){in->issuer,      in->audience,       in->user_claim,
                                             in->roles_claim, in->tenant_claim,   options->roles,
                                             options->scopes, options->recheck_s, options->skew_s};
    if (failed || in->client_id == NULL || in->client_secret == NULL || in->ca_pem == NULL)
        return E_NOMEM;
    return asker_new(&in->asker, &asker);
}

int introspection_new(struct introspection **out, const struct introspection_options *options)
{
    struct introspection *in;
    int rc;

    rc = fetch_url_check(view_of_text(options->url), options->allows_loopback_http, NULL);
    if (rc != OK)
        return rc;
    in = calloc(1, sizeof(*in));
    if (in == NULL)
        return E_NOMEM;
    rc = read_required(in, options->required_scopes, options->scopes);
    if (rc == OK)
        rc = copy_options(in, options);
    if (rc != OK) {
        introspection_free(in);
        return rc;
    }
    *out = in;
    return OK;
}

void introspection_start(struct introspection *in, struct outbound *o,
                         void (*tell)(void *context, bool is_up, const char *why), void *context)
{
    asker_start(in->asker, o, tell, context);
}

uint64_t introspection_scopes(const struct introspection *in)
{
    return in->required;
}

void introspection_free(struct introspection *in)
{
    if (in == NULL)
        return;
    asker_free(in->asker);
    if (in->client_secret != NULL)
        secret_wipe(in->client_secret, strlen(in->client_secret));
    free(in->client_secret);
    free(in->client_id);
    free(in->url);
    free(in->ca_pem);
    free(in->issuer);
    free(in->audience);
    free(in->user_claim);
    free(in->roles_claim);
    free(in->tenant_claim);
    free(in);
}

/* b64token (RFC 6750 section 2.1): 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=" */
static bool token_ok(struct view token)
{
    size_t i = 0, end = token.len;

    if (token.len > TOKEN_BYTES_MAX)
        return false;
    while (end > 0 && token.ptr[end - 1] == '=')
        end--;
    for (; i < end; i++) {
        char c = token.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("-._~+/", c) != NULL)))
            return false;
    }
    return end > 0;
}

/* Over token and endpoint (C-E2): what one server said is no answer of another. */
static bool make_key(const struct introspection *in, struct view token,
                     uint8_t key[ANSWER_KEY_BYTES])
{
    size_t url_bytes = strlen(in->url) + 1; /* with its NUL, which neither part can hold */
    uint8_t both[FETCH_URL_BYTES_MAX + 1 + TOKEN_BYTES_MAX];
    int rc;

    memcpy(both, in->url, url_bytes);
    memcpy(both + url_bytes, token.ptr, token.len);
    rc = digest_sha256(key, both, url_bytes + token.len);
    secret_wipe(both + url_bytes, token.len);
    return rc == OK;
}

enum auth_verdict introspection_check(struct introspection *in, struct view token, int64_t wall_s,
                                      struct identity *who, const char **fault)
{
    uint8_t key[ANSWER_KEY_BYTES];
    const char *word = "token_malformed";
    enum auth_verdict verdict = AUTH_FAILED;

    if (token_ok(token)) {
        word = "out_of_capacity";
        verdict = AUTH_UNAVAILABLE;
        if (make_key(in, token, key))
            verdict = asker_check(in->asker, key, wall_s, who, &word);
    }
    if (fault != NULL)
        *fault = word;
    return verdict;
}

int introspection_lookup(struct introspection *in, struct lookup *l, struct view token,
                         bool is_fresh)
{
    struct asker_question question = {.shown = token, .is_fresh = is_fresh};

    if (!token_ok(token)) {
        l->verdict = AUTH_FAILED;
        l->fault = "token_malformed";
        l->done(l);
        return OK;
    }
    if (!make_key(in, token, question.key))
        return E_NOMEM;
    return asker_lookup(in->asker, l, &question);
}
