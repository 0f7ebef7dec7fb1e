/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_hmac.c: symmetric keys (RFC 7518 section 3.2): making one, verifying with one, and writing
 * tokens with one. */
#include "auth/jwt.h"

#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/json_out.h"
#include "base/random.h"
#include "base/status.h"

#define HEADER_BYTES_MAX  256
#define PAYLOAD_BYTES_MAX 4096

static const struct {
    const char *name;
    enum hmac_hash hash;
} algorithms[] = {
    {"HS256", HMAC_SHA256},
    {"HS384", HMAC_SHA384},
    {"HS512", HMAC_SHA512},
};

/* -1 for a name that is none of ours. */
static int find_algorithm(const char *name)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, algorithms[i].name) == 0)
            return i;
    }
    return -1;
}

static int verify(const struct jwt_key *key, struct view signed_part, const uint8_t *signature,
                  size_t signature_bytes)
{
    return hmac_verify(key->hmac, signed_part.ptr, signed_part.len, signature, signature_bytes);
}

int jwt_key_init_hmac(struct jwt_key *key, const char *algorithm, const char *key_id,
                      const void *secret, size_t secret_bytes)
{
    struct jwt_key made = {.verify = verify};
    int i = find_algorithm(algorithm);
    int rc;

    if (i < 0)
        return E_UNSUPPORTED;
    if (strlen(key_id) >= sizeof(made.key_id))
        return E_INVALID;
    made.algorithm = algorithm;
    memcpy(made.key_id, key_id, strlen(key_id));
    rc = hmac_key_new(&made.hmac, algorithms[i].hash, secret, secret_bytes);
    if (rc == OK)
        *key = made;
    return rc;
}

static void write_header(struct wr *w, const struct jwt_key *key)
{
    json_out_open(w);
    json_out_member(w, "alg", view_of_text(key->algorithm));
    json_out_member(w, "typ", VIEW("JWT"));
    if (key->key_id[0] != '\0')
        json_out_member(w, "kid", view_of_text(key->key_id));
    json_out_close(w);
}

static void write_roles(struct wr *w, const char *claim, struct view roles)
{
    bool is_first = true;

    wr_u8(w, ',');
    json_out_string(w, view_of_text(claim), 0);
    wr_text(w, ":[");
    while (roles.len > 0) {
        struct view role;

        (void)view_split(roles, ' ', &role, &roles);
        if (role.len == 0)
            continue;
        if (!is_first)
            wr_u8(w, ',');
        is_first = false;
        json_out_string(w, role, 0);
    }
    wr_u8(w, ']');
}

struct span {
    int64_t from_s, to_s;
};

static void write_payload(struct wr *w, const struct jwt_issuer *issuer, struct view subject,
                          struct view roles, struct span span)
{
    uint8_t id[16];
    char id_text[BASE64_BYTES(sizeof(id))];

    random_bytes(id, sizeof(id));
    json_out_open(w);
    if (issuer->issuer != NULL)
        json_out_member(w, "iss", view_of_text(issuer->issuer));
    if (issuer->audience != NULL)
        json_out_member(w, "aud", view_of_text(issuer->audience));
    json_out_member(w, "sub", subject);
    json_out_member_u64(w, "iat", (uint64_t)span.from_s);
    json_out_member_u64(w, "exp", (uint64_t)span.to_s);
    json_out_member(w, "jti", view_of(id_text, base64url_encode(id_text, id, sizeof(id))));
    if (roles.len > 0)
        write_roles(w, issuer->roles_claim, roles);
    json_out_close(w);
}

static int append_encoded(struct buf *out, const void *bytes, size_t len)
{
    int rc = buf_reserve(out, BASE64_BYTES(len));

    if (rc == OK)
        out->len += base64url_encode((char *)out->data + out->len, bytes, len);
    return rc;
}

/* The whole token behind what `out` already holds from `start` on. */
static int append_token(struct buf *out, const struct jwt_key *key, const struct wr *header,
                        const struct wr *payload)
{
    uint8_t mac[HMAC_BYTES_MAX];
    size_t start = out->len;
    int i = find_algorithm(key->algorithm);
    int rc;

    if (i < 0)
        return E_UNSUPPORTED;
    rc = append_encoded(out, header->start, wr_len(header));
    if (rc == OK)
        rc = buf_append(out, ".", 1);
    if (rc == OK)
        rc = append_encoded(out, payload->start, wr_len(payload));
    if (rc == OK)
        rc = hmac_sign(mac, key->hmac, out->data + start, out->len - start);
    if (rc == OK)
        rc = buf_append(out, ".", 1);
    if (rc == OK)
        rc = append_encoded(out, mac, hmac_bytes(algorithms[i].hash));
    if (rc == OK && out->len - start > JWT_BYTES_MAX)
        rc = E_LIMIT;
    if (rc != OK)
        out->len = start;
    return rc;
}

int jwt_sign(struct buf *out, const struct jwt_key *key, const struct jwt_issuer *issuer,
             struct view subject, struct view roles, int64_t wall_s, int64_t ttl_s)
{
    uint8_t header_bytes[HEADER_BYTES_MAX];
    uint8_t payload_bytes[PAYLOAD_BYTES_MAX];
    struct wr header = wr_of(header_bytes, sizeof(header_bytes));
    struct wr payload = wr_of(payload_bytes, sizeof(payload_bytes));
    struct span span = {.from_s = wall_s};

    /* We write no token that we would refuse ourselves. */
    if (!identity_user_ok(subject) || wall_s < 0 || ttl_s <= 0 ||
        __builtin_add_overflow(wall_s, ttl_s, &span.to_s))
        return E_INVALID;
    write_header(&header, key);
    write_payload(&payload, issuer, subject, roles, span);
    if (header.failed || payload.failed)
        return E_LIMIT;
    return append_token(out, key, &header, &payload);
}
