/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c: the table of methods. A new way to log in is a file of its own that fills struct
 * identity, and one row here. */
#include "auth/auth.h"

#include <string.h>

#include "auth/hook.h"
#include "auth/introspection.h"
#include "auth/jwt_lookup.h"
#include "auth/revocation.h"
#include "auth/session_store.h"
#include "auth/ticket.h"
#include "base/status.h"

/* What every method is handed. */
struct question {
    const struct auth *auth;
    const struct credential *credential;
    int64_t wall_s;
    struct arena *arena;
};

static struct jwt_rules rules_of(const struct auth *auth, const struct credential *credential)
{
    return (struct jwt_rules){.issuers = auth->issuers,
                              .issuers_count = auth->issuers_count,
                              .roles = auth->roles,
                              .scopes = auth->scopes,
                              .certificate_sha256 = credential->certificate_sha256};
}

/* Three parts with dots between them. */
static bool is_jwt_form(struct view token)
{
    unsigned dots = 0;

    for (size_t i = 0; i < token.len; i++)
        dots += token.ptr[i] == '.';
    return dots == 2;
}

/* Where both kinds are taken, the form decides, so that no stranger's answer is asked for about
 * what only a key can say. */
static bool takes_as_jwt(const struct auth *auth, const struct credential *credential)
{
    bool takes_opaque = auth->introspection != NULL && !credential->no_opaque;

    return auth->issuers_count > 0 && !credential->no_jwt &&
           (!takes_opaque || is_jwt_form(credential->token));
}

static enum auth_verdict check_jwt(struct identity *who, const struct question *q,
                                   const char **fault)
{
    struct jwt_rules rules = rules_of(q->auth, q->credential);
    enum jwt_fault answer;

    if (q->auth->verifier != NULL && jwt_is_slow(&rules, q->credential->token))
        return AUTH_LATER;
    answer = jwt_verify(who, &rules, q->credential->token, q->wall_s, q->arena);
    *fault = jwt_fault_text(answer);
    return jwt_verdict(answer);
}

static enum auth_verdict check_token(struct identity *who, const struct question *q,
                                     const char **fault)
{
    const struct credential *c = q->credential;

    if (takes_as_jwt(q->auth, c))
        return check_jwt(who, q, fault);
    *fault = "token_not_taken";
    if (q->auth->introspection == NULL || c->no_opaque)
        return AUTH_FAILED;
    return c->is_fresh
               ? AUTH_LATER
               : introspection_check(q->auth->introspection, c->token, q->wall_s, who, fault);
}

static enum auth_verdict check_session(struct identity *who, const struct question *q,
                                       const char **fault)
{
    *fault = "session_not_taken";
    if (q->auth->sessions == NULL)
        return AUTH_FAILED;
    return session_store_check(q->auth->sessions, q->credential->token, q->wall_s, who, fault);
}

static enum auth_verdict check_hook(struct identity *who, const struct question *q,
                                    const char **fault)
{
    *fault = "hook_not_taken";
    if (q->auth->hook == NULL)
        return AUTH_FAILED;
    return q->credential->is_fresh
               ? AUTH_LATER
               : hook_check(q->auth->hook, q->credential->shown, q->wall_s, who, fault);
}

static enum auth_verdict check_certificate(struct identity *who, const struct question *q,
                                           const char **fault)
{
    enum certificate_fault answer = certificate_identify(
        who, q->auth->certificates, q->auth->certificates_count, q->credential->token, q->wall_s);

    *fault = certificate_fault_text(answer);
    if (answer == CERTIFICATE_OK)
        return AUTH_OK;
    return answer == CERTIFICATE_EXPIRED ? AUTH_EXPIRED : AUTH_FAILED;
}

static enum auth_verdict check_ticket(struct identity *who, const struct question *q,
                                      const char **fault)
{
    struct ticket_shown shown = {q->credential->token, q->credential->origin, q->credential->now_ms,
                                 q->credential->session};
    enum ticket_fault answer = TICKET_UNKNOWN;

    if (q->auth->tickets != NULL)
        answer = tickets_redeem(q->auth->tickets, who, &shown);
    *fault = ticket_fault_text(answer);
    if (answer == TICKET_OK && who->expires_at_s <= q->wall_s)
        answer = TICKET_EXPIRED; /* the clock was set */
    return answer == TICKET_OK ? AUTH_OK : AUTH_FAILED;
}

static enum auth_verdict (*const methods[CREDENTIAL_KINDS])(struct identity *who,
                                                            const struct question *q,
                                                            const char **fault) = {
    [CREDENTIAL_BEARER] = check_token,
    [CREDENTIAL_FIRST_MESSAGE] = check_token,
    [CREDENTIAL_CERTIFICATE] = check_certificate,
    [CREDENTIAL_TICKET] = check_ticket,
    [CREDENTIAL_SESSION] = check_session,
    [CREDENTIAL_HOOK] = check_hook,
};

enum auth_verdict auth_check(const struct auth *auth, const struct credential *credential,
                             int64_t wall_s, struct arena *arena, struct identity *who,
                             const char **fault)
{
    struct question question = {auth, credential, wall_s, arena};
    struct identity found = {.method = IDENTITY_NONE};
    const char *revoked = NULL;
    enum auth_verdict verdict = AUTH_FAILED;
    const char *word = "unknown_method";

    if ((unsigned)credential->kind < CREDENTIAL_KINDS && methods[credential->kind] != NULL)
        verdict = methods[credential->kind](&found, &question, &word);
    if (verdict == AUTH_OK)
        revoked = auth_revoked(auth, &found, wall_s);
    if (revoked != NULL) {
        verdict = AUTH_FAILED;
        word = revoked;
    }
    if (verdict == AUTH_OK)
        *who = found;
    if (fault != NULL)
        *fault = word;
    return verdict;
}

int auth_lookup(const struct auth *auth, const struct credential *credential, int64_t wall_s,
                struct lookup *l)
{
    struct jwt_rules rules = rules_of(auth, credential);

    switch (credential->kind) {
    case CREDENTIAL_BEARER:
    case CREDENTIAL_FIRST_MESSAGE:
        if (takes_as_jwt(auth, credential))
            return jwt_lookup(auth->verifier, l, &rules, credential->token, wall_s);
        return introspection_lookup(auth->introspection, l, credential->token,
                                    credential->is_fresh);
    case CREDENTIAL_SESSION:
        return session_store_lookup(auth->sessions, l, credential->token);
    case CREDENTIAL_HOOK:
        return hook_lookup(auth->hook, l, credential->shown, credential->is_fresh);
    default:
        return E_INVALID; /* the others are known at once */
    }
}

const char *auth_revoked(const struct auth *auth, const struct identity *who, int64_t wall_s)
{
    return auth->revocations != NULL
               ? revocations_judge(auth->revocations, who, auth->roles, wall_s)
               : NULL;
}

static bool is_token_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~+/", c) != NULL);
}

bool auth_bearer_parse(struct view header_value, struct view *token)
{
    struct view scheme;
    struct view rest;
    size_t i = 0;

    if (!view_split(header_value, ' ', &scheme, &rest) || !view_eq_nocase(scheme, VIEW("Bearer")))
        return false;
    while (rest.len > 0 && rest.ptr[0] == ' ') /* 1*SP */
        rest = view_of(rest.ptr + 1, rest.len - 1);
    while (i < rest.len && is_token_byte(rest.ptr[i]))
        i++;
    if (i == 0)
        return false;
    while (i < rest.len && rest.ptr[i] == '=')
        i++;
    if (i != rest.len)
        return false;
    *token = rest;
    return true;
}
