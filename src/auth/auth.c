/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c: the table of methods. A new way to log in is a file of its own that fills struct
 * identity, and one row here. */
#include "auth/auth.h"

#include <string.h>

#include "auth/jwt_lookup.h"
#include "auth/revocation.h"
#include "auth/ticket.h"

/* What every method is handed. */
struct question {
    const struct auth *auth;
    const struct credential *credential;
    int64_t wall_s;
    struct arena *arena;
};

static enum auth_verdict check_jwt(struct identity *who, const struct question *q,
                                   const char **fault)
{
    struct jwt_rules rules = {q->auth->issuers, q->auth->issuers_count, q->auth->roles,
                              q->auth->scopes, q->credential->certificate_sha256};
    enum jwt_fault answer;

    answer = jwt_verify(who, &rules, q->credential->token, q->wall_s, q->arena);
    *fault = jwt_fault_text(answer);
    return jwt_verdict(answer);
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
    struct ticket_shown shown = {q->credential->token, q->credential->origin,
                                 q->credential->now_ms};
    enum ticket_fault answer = TICKET_UNKNOWN;

    if (q->auth->tickets != NULL)
        answer = tickets_redeem(q->auth->tickets, who, &shown);
    *fault = ticket_fault_text(answer);
    who->authenticated_at_s = q->wall_s;
    if (answer == TICKET_OK && who->expires_at_s <= q->wall_s)
        answer = TICKET_EXPIRED; /* the clock was set */
    return answer == TICKET_OK ? AUTH_OK : AUTH_FAILED;
}

static enum auth_verdict (*const methods[CREDENTIAL_KINDS])(struct identity *who,
                                                            const struct question *q,
                                                            const char **fault) = {
    [CREDENTIAL_BEARER] = check_jwt,
    [CREDENTIAL_FIRST_MESSAGE] = check_jwt,
    [CREDENTIAL_CERTIFICATE] = check_certificate,
    [CREDENTIAL_TICKET] = check_ticket,
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
