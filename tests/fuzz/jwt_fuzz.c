/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto message wire access auth */
/* jwt_fuzz.c: three readings of the input. As a token: never accepted, since nobody but us has the
 * symmetric key, and nobody the private halves of the public ones. As "header LF payload" that we
 * sign: an accepted one gives an identity that keeps every promise of identity.h, the same one each
 * time, and stops being accepted in the second it names or with one bit changed. As the value of an
 * Authorization field. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/jwks.h"
#include "base/assert.h"
#include "base/base64.h"
#include "base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NOW INT64_C(1700000000)

/* The examples of RFC 7517 appendix A.1 and RFC 8037 appendix A.2. */
static const char *const public_keys =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k1\","
    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"},"
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},"
    "{\"kty\":\"RSA\",\"alg\":\"PS256\",\"kid\":\"r\",\"e\":\"AQAB\",\"n\":"
    "\"0vx7agoebGcQSuuPiLJXZptN"
    "9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn"
    "64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7"
    "d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBn"
    "iIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\"}]}";

static struct {
    struct jwt_issuer rows[3];
    struct role_set roles;
    struct scope_set scopes;
    struct jwt_rules rules;
    struct arena arena;
} bench;

static void prepare(void)
{
    static const uint8_t certificate[32] = {0}; /* cnf: 43 times A */
    struct key_set *set = NULL;
    uint64_t bit;

    if (bench.rules.issuers != NULL)
        return;
    bench.rows[0].roles_claim = "roles";
    bench.rows[0].skew_s = 30;
    bench.rows[0].keys_count = 1;
    ASSERT(jwt_key_init_hmac(&bench.rows[0].keys[0], "HS256", "k1",
                             "a secret that no input can know!", 32) == OK);
    bench.rows[1] = bench.rows[0];
    bench.rows[1].keys_count = 0;
    ASSERT(jwks_parse(&set, view_of_text(public_keys), JWK_ALGORITHMS_ALL, NULL) == OK);
    ASSERT(key_source_new(&bench.rows[1].public_keys, set) == OK);
    /* The same secret, other claims: for what the first row refuses. */
    bench.rows[2] = bench.rows[0];
    bench.rows[2].user_claim = "/u/~1name";
    bench.rows[2].roles_claim = "/realm/roles";
    bench.rows[2].tenant_claim = "t";
    bench.rows[2].required_claims[0] = "/u/0";
    bench.rows[2].required_count = 1;
    ASSERT(scope_set_add(&bench.scopes, VIEW("read"), &bit) == OK);
    ASSERT(scope_set_add(&bench.scopes, VIEW("write"), &bit) == OK);
    ASSERT(role_set_add(&bench.roles, VIEW("user"), PERMISSION_READ) == OK);
    ASSERT(role_set_add(&bench.roles, VIEW("admin"), PERMISSION_ADMIN) == OK);
    bench.rules = (struct jwt_rules){.issuers = bench.rows,
                                     .issuers_count = 3,
                                     .roles = &bench.roles,
                                     .scopes = &bench.scopes,
                                     .certificate_sha256 = certificate};
    arena_init(&bench.arena, 65536, 1024 * 1024);
}

static enum jwt_fault judge(struct identity *who, struct view token, int64_t now)
{
    arena_reset(&bench.arena);
    return jwt_verify(who, &bench.rules, token, now, &bench.arena);
}

static size_t sign(char *out, struct view header, struct view payload)
{
    uint8_t mac[HMAC_BYTES_MAX];
    size_t len = base64url_encode(out, header.ptr, header.len);

    out[len++] = '.';
    len += base64url_encode(out + len, payload.ptr, payload.len);
    ASSERT(hmac_sign(mac, bench.rows[0].keys[0].hmac, out, len) == OK);
    out[len++] = '.';
    return len + base64url_encode(out + len, mac, 32);
}

static void check_signed(struct view input)
{
    static char text[3 * JWT_BYTES_MAX];
    struct view header, payload, token;
    struct identity who, again;

    if (!view_split(input, '\n', &header, &payload))
        payload = header, header = VIEW("{\"alg\":\"HS256\"}");
    token = view_of(text, sign(text, header, payload));
    memset(&who, 0x55, sizeof(who));
    again = who;
    if (judge(&who, token, NOW) != JWT_OK) {
        ASSERT(memcmp(&who, &again, sizeof(who)) == 0);
        return;
    }
    ASSERT(who.method == IDENTITY_JWT && who.user_bytes == strlen(who.user));
    ASSERT(identity_user_ok(view_of_text(who.user)));
    ASSERT(strlen(who.token_id) <= IDENTITY_TOKEN_ID_MAX && (who.roles & ~UINT64_C(3)) == 0);
    ASSERT(who.expires_at_s > NOW);
    ASSERT(who.authenticated_at_s > 0 && who.authenticated_at_s <= NOW + 30);
    ASSERT(who.tenant[0] == '\0' || (strlen(who.tenant) <= IDENTITY_TENANT_MAX &&
                                     identity_user_ok(view_of_text(who.tenant))));
    ASSERT(who.scopes == SCOPES_ALL || (who.scopes & ~UINT64_C(3)) == 0);
    ASSERT(judge(&again, token, who.expires_at_s - 1) == JWT_OK);
    ASSERT(again.expires_at_s == who.expires_at_s && again.roles == who.roles &&
           strcmp(again.user, who.user) == 0);
    ASSERT(judge(&again, token, who.expires_at_s) == JWT_EXPIRED);
    text[input.len * 7 % token.len] ^= 1;
    ASSERT(judge(&again, token, NOW) != JWT_OK);
}

static void check_bearer(struct view input)
{
    struct view token;

    if (!auth_bearer_parse(input, &token))
        return;
    ASSERT(token.len > 0 && token.ptr + token.len == input.ptr + input.len);
    ASSERT(memchr(token.ptr, ' ', token.len) == NULL && memchr(token.ptr, ',', token.len) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct identity who;
    char *exact;

    if (len > JWT_BYTES_MAX + 16)
        return 0;
    prepare();
    exact = malloc(len > 0 ? len : 1);
    ASSERT(exact != NULL);
    if (len > 0)
        memcpy(exact, data, len);
    ASSERT(judge(&who, view_of(exact, len), NOW) != JWT_OK);
    ASSERT(!jwt_is_slow(&bench.rules, view_of(exact, len))); /* no key of ours is */
    check_signed(view_of(exact, len));
    check_bearer(view_of(exact, len));
    free(exact);
    return 0;
}
