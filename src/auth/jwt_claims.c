/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_claims.c: the claims of RFC 7519 section 4.1. A required claim that is absent and any claim
 * of the wrong type are refused: what is not understood never counts as what is not there (W-16).
 *
 * Time. A token is over from the second of its `exp` on ("on or after", RFC 7519 section 4.1.4),
 * which the skew moves later; a fraction of `exp` is cut off, so that a clock of whole seconds
 * never accepts late. A connection ends at the same moment: identity.expires_at_s is floor(exp) +
 * skew. */
#include "auth/jwt_claims.h"

#include <math.h>
#include <string.h>

#include "access/scope.h"
#include "message/json.h"

/* 9999-12-31: later ends are cut to it, so that sums and milliseconds fit. */
#define LATEST_S INT64_C(253402300799)

static bool is_string(const struct json *claim)
{
    return claim != NULL && claim->type == JSON_STRING;
}

static enum jwt_fault check_issuer(const struct jwt_issuer *issuer, const struct json *claims)
{
    const struct json *iss = json_member(claims, VIEW("iss"));

    if (issuer->issuer == NULL)
        return iss == NULL || is_string(iss) ? JWT_OK : JWT_ISSUER;
    return is_string(iss) && view_eq(iss->text, view_of_text(issuer->issuer)) ? JWT_OK : JWT_ISSUER;
}

/* A string, or an array of nothing but strings; one of them must be ours, byte for byte. */
static enum jwt_fault check_audience(const struct jwt_issuer *issuer, const struct json *claims)
{
    const struct json *aud = json_member(claims, VIEW("aud"));
    struct view ours = view_of_text(issuer->audience);
    bool is_ours = issuer->audience == NULL;

    if (aud == NULL)
        return is_ours ? JWT_OK : JWT_AUDIENCE;
    if (is_string(aud))
        return is_ours || view_eq(aud->text, ours) ? JWT_OK : JWT_AUDIENCE;
    if (aud->type != JSON_ARRAY)
        return JWT_AUDIENCE;
    for (const struct json *one = aud->first; one != NULL; one = one->next) {
        if (!is_string(one))
            return JWT_AUDIENCE;
        is_ours = is_ours || view_eq(one->text, ours);
    }
    return is_ours ? JWT_OK : JWT_AUDIENCE;
}

/* The user's name, and the token's own (jti), which only ever goes to the log and to revocation. */
static enum jwt_fault read_names(struct identity *who, const struct json *claims)
{
    const struct json *sub = json_member(claims, VIEW("sub"));
    const struct json *jti = json_member(claims, VIEW("jti"));

    if (!is_string(sub) || !identity_user_ok(sub->text))
        return JWT_SUBJECT;
    memcpy(who->user, sub->text.ptr, sub->text.len);
    who->user_bytes = (uint8_t)sub->text.len;
    if (jti == NULL)
        return JWT_OK;
    /* It is kept as a C string, where a NUL would make two ids look the same. */
    if (!is_string(jti) || jti->text.len > IDENTITY_TOKEN_ID_MAX ||
        memchr(jti->text.ptr, '\0', jti->text.len) != NULL)
        return JWT_CLAIMS;
    memcpy(who->token_id, jti->text.ptr, jti->text.len);
    return JWT_OK;
}

/* An array of strings, or one string with blanks between the roles. A role that the configuration
 * does not know gives nothing. */
static enum jwt_fault read_roles(struct identity *who, const struct jwt_issuer *issuer,
                                 const struct role_set *roles, const struct json *claims)
{
    const struct json *claim = json_member(claims, view_of_text(issuer->roles_claim));
    struct view rest;

    if (claim == NULL)
        return JWT_OK;
    if (is_string(claim)) {
        rest = claim->text;
        while (rest.len > 0) {
            struct view role;

            (void)view_split(rest, ' ', &role, &rest);
            who->roles |= role_set_bit(roles, role);
        }
        return JWT_OK;
    }
    if (claim->type != JSON_ARRAY)
        return JWT_CLAIMS;
    for (const struct json *one = claim->first; one != NULL; one = one->next) {
        if (!is_string(one))
            return JWT_CLAIMS;
        who->roles |= role_set_bit(roles, one->text);
    }
    return JWT_OK;
}

/* `nbf` and `iat`: may be absent; must be a finite number that does not lie ahead of us by more
 * than the skew. *at_s: the second it names (1 for all that is earlier), or 0 where it is absent.
 */
static enum jwt_fault check_begun(const struct json *claims, struct view name, int64_t latest_s,
                                  int64_t *at_s)
{
    const struct json *claim = json_member(claims, name);
    double date;

    *at_s = 0;
    if (claim == NULL)
        return JWT_OK;
    if (!json_to_double(claim, &date))
        return JWT_CLAIMS;
    if (date > (double)latest_s)
        return JWT_NOT_YET;
    *at_s = date < 1 ? 1 : (int64_t)floor(date);
    return JWT_OK;
}

static enum jwt_fault check_end(struct identity *who, const struct json *claims, uint32_t skew_s,
                                int64_t wall_s)
{
    double date;

    if (!json_to_double(json_member(claims, VIEW("exp")), &date))
        return JWT_CLAIMS;
    if (date > (double)LATEST_S)
        date = (double)LATEST_S;
    if (date < 0)
        date = 0;
    who->expires_at_s = (int64_t)floor(date) + skew_s;
    return wall_s >= who->expires_at_s ? JWT_EXPIRED : JWT_OK;
}

enum jwt_fault jwt_claims_check(struct identity *who, const struct jwt_issuer *issuer,
                                const struct role_set *roles, const struct json *claims,
                                int64_t wall_s)
{
    struct identity found = {
        .method = IDENTITY_JWT, .scopes = SCOPES_ALL, .authenticated_at_s = wall_s};
    int64_t not_before_s;
    enum jwt_fault fault;

    /* A token bound to a key (RFC 7800) must not be taken from someone who has not shown that key,
     * and nothing here asks for one (RFC 8705 section 3). */
    if (claims->type != JSON_OBJECT || json_member(claims, VIEW("cnf")) != NULL)
        return JWT_CLAIMS;
    fault = check_issuer(issuer, claims);
    if (fault == JWT_OK)
        fault = check_audience(issuer, claims);
    if (fault == JWT_OK)
        fault = read_names(&found, claims);
    if (fault == JWT_OK)
        fault = read_roles(&found, issuer, roles, claims);
    if (fault == JWT_OK)
        fault = check_begun(claims, VIEW("nbf"), wall_s + issuer->skew_s, &not_before_s);
    if (fault == JWT_OK)
        fault = check_begun(claims, VIEW("iat"), wall_s + issuer->skew_s, &found.issued_at_s);
    if (fault == JWT_OK)
        fault = check_end(&found, claims, issuer->skew_s, wall_s);
    if (fault == JWT_OK)
        *who = found;
    return fault;
}
