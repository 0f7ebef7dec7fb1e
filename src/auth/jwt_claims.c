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

#include "base/base64.h"
#include "message/json_pointer.h"

/* 9999-12-31: later ends are cut to it, so that sums and milliseconds fit. */
#define LATEST_S INT64_C(253402300799)

#define SHA256_BYTES      32
#define SHA256_TEXT_BYTES 43 /* in base64url */

const struct json_limits jwt_claims_limits = {.depth = 16, .nodes = 1024};

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
static enum jwt_fault read_names(struct identity *who, const struct jwt_issuer *issuer,
                                 const struct json *claims)
{
    const char *user_claim = issuer->user_claim != NULL ? issuer->user_claim : "sub";
    const struct json *user = json_claim(claims, view_of_text(user_claim));
    const struct json *sub = json_member(claims, VIEW("sub"));
    const struct json *jti = json_member(claims, VIEW("jti"));

    if (!is_string(user) || !identity_user_ok(user->text))
        return JWT_SUBJECT;
    if (sub != NULL && !is_string(sub))
        return JWT_SUBJECT;
    memcpy(who->user, user->text.ptr, user->text.len);
    who->user_bytes = (uint8_t)user->text.len;
    if (jti == NULL)
        return JWT_OK;
    /* It is kept as a C string, where a NUL would make two ids look the same. */
    if (!is_string(jti) || jti->text.len > IDENTITY_TOKEN_ID_MAX ||
        memchr(jti->text.ptr, '\0', jti->text.len) != NULL)
        return JWT_CLAIMS;
    memcpy(who->token_id, jti->text.ptr, jti->text.len);
    return JWT_OK;
}

/* A user without a tenant, where users have one, would be a user of nobody's. */
static enum jwt_fault read_tenant(struct identity *who, const struct jwt_issuer *issuer,
                                  const struct json *claims)
{
    const struct json *tenant;

    if (issuer->tenant_claim == NULL)
        return JWT_OK;
    tenant = json_claim(claims, view_of_text(issuer->tenant_claim));
    if (!is_string(tenant) || tenant->text.len > IDENTITY_TENANT_MAX ||
        !identity_user_ok(tenant->text))
        return JWT_TENANT;
    memcpy(who->tenant, tenant->text.ptr, tenant->text.len);
    return JWT_OK;
}

static bool is_present(const struct json *claims, const char *name)
{
    const struct json *claim = json_claim(claims, view_of_text(name));

    return claim != NULL && claim->type != JSON_NULL;
}

/* RFC 9068 section 2.2: what an access token has beside exp. Types that nobody else looks at are
 * looked at here. */
static bool fits_rfc9068(const struct json *claims)
{
    static const char *const names[] = {"iss", "aud", "sub", "iat", "jti"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!is_present(claims, names[i]))
            return false;
    return is_string(json_member(claims, VIEW("client_id")));
}

static enum jwt_fault check_required(const struct jwt_issuer *issuer, const struct json *claims)
{
    for (uint32_t i = 0; i < issuer->required_count; i++)
        if (!is_present(claims, issuer->required_claims[i]))
            return JWT_REQUIRED;
    if (issuer->profile == JWT_PROFILE_RFC9068 && !fits_rfc9068(claims))
        return JWT_REQUIRED;
    return JWT_OK;
}

static uint64_t role_bit(const void *set, struct view word)
{
    return role_set_bit(set, word);
}

static uint64_t scope_bit(const void *set, struct view word)
{
    return memchr(word.ptr, ' ', word.len) == NULL ? scope_set_bits(set, word) : 0;
}

/* An array of strings, or one string with blanks between the words. A word that the configuration
 * does not know gives nothing. false: neither of the two. */
static bool read_words(uint64_t *bits, const struct json *claim,
                       uint64_t (*bit)(const void *set, struct view word), const void *set)
{
    uint64_t found = 0;

    if (is_string(claim)) {
        struct view word, rest = claim->text;

        while (rest.len > 0) {
            (void)view_split(rest, ' ', &word, &rest);
            if (word.len > 0)
                found |= bit(set, word);
        }
    } else if (claim->type == JSON_ARRAY) {
        for (const struct json *one = claim->first; one != NULL; one = one->next) {
            if (!is_string(one))
                return false;
            if (one->text.len > 0)
                found |= bit(set, one->text);
        }
    } else {
        return false;
    }
    *bits = found;
    return true;
}

static enum jwt_fault read_roles(struct identity *who, const struct jwt_issuer *issuer,
                                 const struct role_set *roles, const struct json *claims)
{
    const struct json *claim = json_claim(claims, view_of_text(issuer->roles_claim));

    if (claim == NULL)
        return JWT_OK;
    return read_words(&who->roles, claim, role_bit, roles) ? JWT_OK : JWT_CLAIMS;
}

/* `scope` (RFC 8693 section 4.2), or `scp` as some providers call it. They only ever take away, so
 * of a token that has both, what stands in both counts. One that has neither was not delegated,
 * unless the row is for access tokens, which always are. */
static enum jwt_fault read_scopes(struct identity *who, const struct jwt_issuer *issuer,
                                  const struct scope_set *scopes, const struct json *claims)
{
    static const struct view names[] = {VIEW("scope"), VIEW("scp")};
    static const struct scope_set none = {.count = 0};
    bool has_claim = false;
    uint64_t granted = SCOPES_ALL;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct json *claim = json_member(claims, names[i]);
        uint64_t bits;

        if (claim == NULL)
            continue;
        if (!read_words(&bits, claim, scope_bit, scopes != NULL ? scopes : &none))
            return JWT_CLAIMS;
        granted &= bits;
        has_claim = true;
    }
    if (!has_claim && issuer->profile == JWT_PROFILE_RFC9068)
        granted = 0;
    who->scopes = scopes != NULL ? granted : SCOPES_ALL;
    return JWT_OK;
}

/* A token bound to a key (RFC 7800) must not be taken from someone who has not shown that key. The
 * one proof we can see is the client's certificate (RFC 8705 section 3.1); a binding to anything
 * else, or to more, is one that we cannot check. */
static enum jwt_fault check_binding(const struct json *claims, const uint8_t *certificate_sha256)
{
    const struct json *cnf = json_member(claims, VIEW("cnf"));
    const struct json *thumbprint = json_member(cnf, VIEW("x5t#S256"));
    uint8_t digest[3 * (SHA256_TEXT_BYTES / 4) + 3];

    if (cnf == NULL)
        return JWT_OK;
    if (cnf->type != JSON_OBJECT || cnf->count != 1 || !is_string(thumbprint) ||
        thumbprint->text.len != SHA256_TEXT_BYTES ||
        base64url_decode(digest, thumbprint->text) != SHA256_BYTES)
        return JWT_BINDING;
    if (certificate_sha256 == NULL || memcmp(digest, certificate_sha256, SHA256_BYTES) != 0)
        return JWT_BINDING;
    return JWT_OK;
}

/* `nbf`, `iat`, `auth_time`: may be absent; must be a finite number that does not lie ahead of us
 * by more than the skew. *at_s: the second it names (1 for all that is earlier), or 0 where it is
 * absent.
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

/* When the user last proved who it is: auth_time (OpenID Connect Core section 2), else the issue,
 * else now. */
static enum jwt_fault read_begin(struct identity *who, const struct json *claims, int64_t wall_s,
                                 uint32_t skew_s)
{
    int64_t latest_s = wall_s + skew_s;
    int64_t not_before_s, authenticated_at_s;
    enum jwt_fault fault;

    fault = check_begun(claims, VIEW("nbf"), latest_s, &not_before_s);
    if (fault == JWT_OK)
        fault = check_begun(claims, VIEW("iat"), latest_s, &who->issued_at_s);
    if (fault == JWT_OK)
        fault = check_begun(claims, VIEW("auth_time"), latest_s, &authenticated_at_s);
    if (fault != JWT_OK)
        return fault;
    who->authenticated_at_s = authenticated_at_s != 0 ? authenticated_at_s
                              : who->issued_at_s != 0 ? who->issued_at_s
                                                      : wall_s;
    return JWT_OK;
}

enum jwt_fault jwt_claims_check(struct identity *who, const struct jwt_issuer *issuer,
                                const struct jwt_rules *rules, const struct json *claims,
                                int64_t wall_s)
{
    struct identity found = {.method = IDENTITY_JWT};
    enum jwt_fault fault;

    if (claims->type != JSON_OBJECT)
        return JWT_CLAIMS;
    fault = check_issuer(issuer, claims);
    if (fault == JWT_OK)
        fault = check_audience(issuer, claims);
    if (fault == JWT_OK)
        fault = read_names(&found, issuer, claims);
    if (fault == JWT_OK)
        fault = read_tenant(&found, issuer, claims);
    if (fault == JWT_OK)
        fault = check_required(issuer, claims);
    if (fault == JWT_OK)
        fault = read_roles(&found, issuer, rules->roles, claims);
    if (fault == JWT_OK)
        fault = read_scopes(&found, issuer, rules->scopes, claims);
    if (fault == JWT_OK)
        fault = check_binding(claims, rules->certificate_sha256);
    if (fault == JWT_OK)
        fault = read_begin(&found, claims, wall_s, issuer->skew_s);
    if (fault == JWT_OK)
        fault = check_end(&found, claims, issuer->skew_s, wall_s);
    if (fault == JWT_OK)
        *who = found;
    return fault;
}
