/* SPDX-License-Identifier: Apache-2.0 */
/* jwt.h: compact JWS (RFC 7515) with JWT claims (RFC 7519) under keys from the configuration. The
 * key decides the algorithm, never the token (R-J1, R-J2). Verification is pure but for memory from
 * the given arena. */
#ifndef AUTH_JWT_H
#define AUTH_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include "access/identity.h"
#include "access/role.h"
#include "access/scope.h"
#include "base/arena.h"
#include "base/view.h"
#include "crypto/hmac.h"

#define JWT_BYTES_MAX    (8 * 1024)
#define JWT_KEYS_MAX     8
#define JWT_REQUIRED_MAX 16

/* The seam for more algorithms: a key is a row with its own verify. Symmetric and asymmetric keys
 * are different types. */
struct jwt_key {
    const char *algorithm; /* "HS256"; must equal the header's alg exactly */
    char key_id[65];       /* "" = matches any kid, or none */
    int (*verify)(const struct jwt_key *key, struct view signed_part, const uint8_t *signature,
                  size_t signature_bytes);
    struct hmac_key *hmac; /* owned by the issuer */
};
/* Makes a symmetric key: sets every field. algorithm is one of "HS256", "HS384", "HS512" and must
 * live as long as the key; key_id has at most 64 bytes. The caller frees key->hmac. E_UNSUPPORTED
 * (algorithm), E_INVALID (secret shorter than the hash, key_id too long), E_NOMEM, E_CRYPTO. */
int jwt_key_init_hmac(struct jwt_key *key, const char *algorithm, const char *key_id,
                      const void *secret, size_t secret_bytes);
struct key_source;
struct jwks_url;
/* What kind of token a row takes. */
enum jwt_profile {
    JWT_PROFILE_NONE,    /* any JWT that the claims of the row fit; `typ` may be absent */
    JWT_PROFILE_RFC9068, /* OAuth 2.0 access tokens alone: typ at+jwt, and the claims of section 2.2
                            all there. ID tokens of the same issuer do not pass */
};
/* One row of auth.jwt. NULL issuer/audience = switched off by name in the configuration. A claim is
 * a member's name, or a JSON pointer where it begins with a slash (json_claim). A row is symmetric
 * (keys) or asymmetric (public_keys, key_set.h) and never both: with public_keys, nothing looks at
 * keys. */
struct jwt_issuer {
    const char *issuer, *audience;
    const char *user_claim;   /* NULL: "sub" */
    const char *roles_claim;  /* "roles" */
    const char *tenant_claim; /* NULL: none. With it, a token must name a tenant */
    const char *required_claims[JWT_REQUIRED_MAX]; /* must be there and not null */
    uint32_t required_count;
    enum jwt_profile profile;
    uint32_t skew_s; /* 30 */
    struct jwt_key keys[JWT_KEYS_MAX];
    uint32_t keys_count;
    struct key_source *public_keys; /* NULL: symmetric. Owned by the row, shared by all threads */
    struct jwks_url *jwks_url;      /* what fills public_keys; NULL: they came from a file */
};

/* For the event log, never for the client; JWT_EXPIRED alone is told. */
enum jwt_fault {
    JWT_OK,
    JWT_TOO_LONG,
    JWT_MALFORMED,
    JWT_HEADER,
    JWT_ALGORITHM,
    JWT_CRITICAL,
    JWT_UNKNOWN_KEY,
    JWT_SIGNATURE,
    JWT_UNAVAILABLE, /* the keys that could have signed it are not there */
    JWT_TYPE,        /* signed, but no token of the row's profile */
    JWT_CLAIMS,
    JWT_ISSUER,
    JWT_AUDIENCE,
    JWT_SUBJECT,
    JWT_TENANT,
    JWT_REQUIRED, /* a claim that must be there is not */
    JWT_BINDING,  /* bound to a certificate that was not shown, or to something else (cnf) */
    JWT_NOT_YET,
    JWT_EXPIRED,
    JWT_NO_MEMORY
};
const char *jwt_fault_text(enum jwt_fault fault); /* stable snake_case */

/* What a token is measured by: the rows of auth.jwt, the roles and the scopes that mean something,
 * and the certificate that its bearer has shown. */
struct jwt_rules {
    const struct jwt_issuer *issuers;
    uint32_t issuers_count;
    const struct role_set *roles;
    const struct scope_set *scopes;    /* NULL: nothing asks for any; then each has SCOPES_ALL */
    const uint8_t *certificate_sha256; /* 32 bytes: of the client's certificate (DER), which TLS has
                                          verified; NULL: none was shown */
};

/* Checks everything and fills *who (method, user, roles, times, token id). Order: form, header,
 * key, signature, then claims. who->expires_at_s is the first second in which the token is refused:
 * floor(exp) + skew_s, at most in the year 9999. */
enum jwt_fault jwt_verify(struct identity *who, const struct jwt_rules *rules, struct view token,
                          int64_t wall_s, struct arena *arena);

/* Would a verification take so long (P-384, P-521, RSA over 4096 bits) that a worker's other
 * connections would feel it? Decided by the key of ours that the token would be tried with, so only
 * rows with such public keys ever say yes, and symmetric ones never. Pure, and cheap beside any
 * verification. */
bool jwt_is_slow(const struct jwt_rules *rules, struct view token);

/* What a token of ours is to say. Roles and scopes: with blanks between them. */
struct jwt_grant {
    struct view user;
    struct view roles, tenant, scopes; /* empty: not said */
    int64_t wall_s, ttl_s;
};
/* For `gateward token` and `gateward dev`: an HS256/384/512 token with the claims that `issuer`
 * reads, appended to out. E_INVALID: the user or the times. E_DENIED: the row itself would refuse
 * the token: it asks for a claim that only its issuer can fill in, or has a tenant_claim and there
 * is no tenant. E_LIMIT (too long), E_NOMEM, E_CRYPTO. */
struct buf;
int jwt_sign(struct buf *out, const struct jwt_key *key, const struct jwt_issuer *issuer,
             const struct jwt_grant *grant);

#endif
