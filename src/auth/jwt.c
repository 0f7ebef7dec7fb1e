/* SPDX-License-Identifier: Apache-2.0 */
/* jwt.c: the order in which a token is judged. Claims are not even parsed before some key of ours
 * has signed them, so a stranger reaches no more code than base64url, one small header and a MAC.
 * Form and signature: jws.c. Claims: jwt_claims.c. */
#include "auth/jwt.h"

#include "auth/jws.h"
#include "auth/jwt_claims.h"
#include "auth/key_set.h"
#include "base/status.h"

/* Holds any header that jws_parse_header takes: its text twice, and 128 nodes. */
#define HEADER_ARENA_BYTES ((size_t)64 * 1024)

const char *jwt_fault_text(enum jwt_fault fault)
{
    static const char *const texts[] = {
        [JWT_OK] = "ok",
        [JWT_TOO_LONG] = "token_too_long",
        [JWT_MALFORMED] = "token_malformed",
        [JWT_HEADER] = "token_header",
        [JWT_ALGORITHM] = "token_algorithm",
        [JWT_CRITICAL] = "token_critical_header",
        [JWT_UNKNOWN_KEY] = "token_unknown_key",
        [JWT_SIGNATURE] = "token_signature",
        [JWT_UNAVAILABLE] = "keys_unavailable",
        [JWT_TYPE] = "token_type",
        [JWT_CLAIMS] = "token_claims",
        [JWT_ISSUER] = "token_issuer",
        [JWT_AUDIENCE] = "token_audience",
        [JWT_SUBJECT] = "token_subject",
        [JWT_TENANT] = "token_tenant",
        [JWT_REQUIRED] = "token_claim_missing",
        [JWT_BINDING] = "token_not_bound",
        [JWT_NOT_YET] = "token_not_yet_valid",
        [JWT_EXPIRED] = "token_expired",
        [JWT_NO_MEMORY] = "out_of_memory",
    };

    return (unsigned)fault < sizeof(texts) / sizeof(texts[0]) ? texts[fault] : "unknown";
}

static enum jwt_fault parse_claims(const struct json **claims, struct view payload,
                                   struct arena *arena)
{
    struct json *root;
    int rc;

    rc = json_parse(&root, payload, &jwt_claims_limits, arena, NULL);
    if (rc != OK)
        return rc == E_NOMEM ? JWT_NO_MEMORY : JWT_CLAIMS;
    *claims = root;
    return JWT_OK;
}

/* A row is a key set together with the issuer and audience it may speak for. The key that verifies
 * decides the row, and the claims must then satisfy that very row: one issuer's key never vouches
 * for another issuer's name (C-D18). Two rows may hold the same secret, so a row that says no does
 * not end the search. Of several refusals we report the one that came furthest, which is the order
 * of enum jwt_fault. */
enum jwt_fault jwt_verify(struct identity *who, const struct jwt_rules *rules, struct view token,
                          int64_t wall_s, struct arena *arena)
{
    const struct json *claims = NULL;
    enum jwt_fault furthest = JWT_ALGORITHM;
    enum jwt_fault fault;
    struct jws jws;

    fault = jws_parse(&jws, token, arena);
    if (fault != JWT_OK)
        return fault;
    for (uint32_t i = 0; i < rules->issuers_count; i++) {
        const struct jwt_issuer *issuer = &rules->issuers[i];

        fault = jws_check(&jws, issuer);
        if (fault == JWT_OK && issuer->profile == JWT_PROFILE_RFC9068 && !jws.is_access_token)
            fault = JWT_TYPE;
        if (fault == JWT_OK && claims == NULL) {
            fault = parse_claims(&claims, jws.payload, arena);
            if (fault != JWT_OK)
                return fault;
        }
        if (fault == JWT_OK)
            fault = jwt_claims_check(who, issuer, rules, claims, wall_s);
        if (fault == JWT_OK)
            return JWT_OK;
        if (fault > furthest)
            furthest = fault;
    }
    return furthest;
}

static bool row_is_slow(const struct jwt_issuer *issuer, const struct jws *jws)
{
    struct key_set *set = issuer->public_keys == NULL ? NULL : key_source_keep(issuer->public_keys);
    bool answer = set != NULL && (jws == NULL ? key_set_has_slow(set) : key_set_is_slow(set, jws));

    key_set_drop(set);
    return answer;
}

/* The token is not even looked at where no row has such a key. */
bool jwt_is_slow(const struct jwt_rules *rules, struct view token)
{
    struct arena arena;
    struct jws jws;
    bool answer = false;

    for (uint32_t i = 0; i < rules->issuers_count && !answer; i++)
        answer = row_is_slow(&rules->issuers[i], NULL);
    if (!answer)
        return false;
    answer = false;
    arena_init(&arena, HEADER_ARENA_BYTES, HEADER_ARENA_BYTES);
    if (jws_parse_header(&jws, token, &arena) == JWT_OK)
        for (uint32_t i = 0; i < rules->issuers_count && !answer; i++)
            answer = row_is_slow(&rules->issuers[i], &jws);
    arena_clear(&arena);
    return answer;
}
