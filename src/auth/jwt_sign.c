/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_sign.c: tokens of our own, for the command line. What is written is read back by the judge of
 * claims before it is signed, so that no row gets a token that it would refuse. */
#include "auth/jwt.h"

#include "auth/jwt_claims.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/json_out.h"
#include "base/random.h"
#include "base/status.h"
#include "message/json.h"

#define HEADER_BYTES_MAX  256
#define PAYLOAD_BYTES_MAX 4096
#define NAME_BYTES_MAX    256
#define ARENA_BYTES_MAX   ((size_t)256 * 1024)

/* A value and where it is to stand: a name, or what is left of a JSON pointer. */
struct leaf {
    struct view path, value;
    bool is_pointer, is_list;
};
struct leaves {
    struct leaf at[3];
    unsigned count;
};

static void add_leaf(struct leaves *leaves, const char *claim, struct view value, bool is_list)
{
    struct view path = view_of_text(claim);
    bool is_pointer = path.len > 0 && path.ptr[0] == '/';

    if (is_pointer)
        path = view_of(path.ptr + 1, path.len - 1);
    leaves->at[leaves->count++] = (struct leaf){path, value, is_pointer, is_list};
}

/* The member that the leaf is, or is in. Returns whether there is more below it. */
static bool first_name(const struct leaf *leaf, struct view *name, struct view *rest)
{
    if (leaf->is_pointer)
        return view_split(leaf->path, '/', name, rest);
    *name = leaf->path;
    return false;
}

/* ~1 is a slash and ~0 a tilde (RFC 6901 section 4). */
static void write_name(struct wr *w, struct view name, bool is_escaped)
{
    char plain[NAME_BYTES_MAX];
    size_t len = 0;

    if (name.len > sizeof(plain)) {
        w->failed = true;
        return;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (is_escaped && c == '~' && i + 1 < name.len)
            c = name.ptr[++i] == '0' ? '~' : '/';
        plain[len++] = c;
    }
    if (wr_len(w) > 0 && w->ptr[-1] != '{')
        wr_u8(w, ',');
    json_out_string(w, view_of(plain, len), 0);
    wr_u8(w, ':');
}

static void write_value(struct wr *w, const struct leaf *leaf)
{
    struct view word, rest = leaf->value;
    bool is_first = true;

    if (!leaf->is_list) {
        json_out_string(w, leaf->value, 0);
        return;
    }
    wr_u8(w, '[');
    while (rest.len > 0) {
        (void)view_split(rest, ' ', &word, &rest);
        if (word.len == 0)
            continue;
        if (!is_first)
            wr_u8(w, ',');
        is_first = false;
        json_out_string(w, word, 0);
    }
    wr_u8(w, ']');
}

/* The leaves of `mask`, those of one object in one object. */
static void write_leaves(struct wr *w, struct leaves *leaves, unsigned mask)
{
    for (unsigned i = 0; i < leaves->count && !w->failed; i++) {
        struct view name, rest, other;
        unsigned below = 0;

        if ((mask >> i & 1) == 0)
            continue;
        if (!first_name(&leaves->at[i], &name, &rest)) {
            write_name(w, name, leaves->at[i].is_pointer);
            write_value(w, &leaves->at[i]);
            continue;
        }
        for (unsigned k = i; k < leaves->count; k++)
            if ((mask >> k & 1) != 0 && first_name(&leaves->at[k], &other, &rest) &&
                view_eq(other, name)) {
                leaves->at[k].path = rest;
                below |= 1U << k;
            }
        mask &= ~below;
        write_name(w, name, true);
        json_out_open(w);
        write_leaves(w, leaves, below);
        json_out_close(w);
    }
}

static void write_header(struct wr *w, const struct jwt_key *key, const struct jwt_issuer *issuer)
{
    json_out_open(w);
    json_out_member(w, "alg", view_of_text(key->algorithm));
    json_out_member(w, "typ",
                    issuer->profile == JWT_PROFILE_RFC9068 ? VIEW("at+jwt") : VIEW("JWT"));
    if (key->key_id[0] != '\0')
        json_out_member(w, "kid", view_of_text(key->key_id));
    json_out_close(w);
}

static void write_payload(struct wr *w, const struct jwt_issuer *issuer,
                          const struct jwt_grant *grant, int64_t ends_s)
{
    const char *user_claim = issuer->user_claim != NULL ? issuer->user_claim : "sub";
    struct leaves leaves = {.count = 0};
    uint8_t id[16];
    char id_text[BASE64_BYTES(sizeof(id))];

    random_bytes(id, sizeof(id));
    json_out_open(w);
    if (issuer->issuer != NULL)
        json_out_member(w, "iss", view_of_text(issuer->issuer));
    if (issuer->audience != NULL)
        json_out_member(w, "aud", view_of_text(issuer->audience));
    json_out_member(w, "sub", grant->user);
    json_out_member_u64(w, "iat", (uint64_t)grant->wall_s);
    json_out_member_u64(w, "exp", (uint64_t)ends_s);
    json_out_member(w, "jti", view_of(id_text, base64url_encode(id_text, id, sizeof(id))));
    if (issuer->profile == JWT_PROFILE_RFC9068)
        json_out_member(w, "client_id", VIEW("gateward"));
    if (grant->scopes.len > 0)
        json_out_member(w, "scope", grant->scopes);
    if (!view_eq(view_of_text(user_claim), VIEW("sub")) &&
        !view_eq(view_of_text(user_claim), VIEW("/sub")))
        add_leaf(&leaves, user_claim, grant->user, false);
    if (grant->roles.len > 0)
        add_leaf(&leaves, issuer->roles_claim, grant->roles, true);
    if (issuer->tenant_claim != NULL && grant->tenant.len > 0)
        add_leaf(&leaves, issuer->tenant_claim, grant->tenant, false);
    write_leaves(w, &leaves, (1U << leaves.count) - 1);
    json_out_close(w);
}

/* Two claims in one place make no object, and claims that the row asks for may be missing: the
 * judge knows. */
static int check_payload(const struct jwt_issuer *issuer, struct view payload, int64_t wall_s)
{
    static const struct role_set no_roles = {.count = 0};
    struct jwt_rules rules = {.roles = &no_roles};
    struct identity who;
    struct json *claims;
    struct arena arena;
    int rc;

    arena_init(&arena, ARENA_BYTES_MAX / 16, ARENA_BYTES_MAX);
    rc = json_parse(&claims, payload, &jwt_claims_limits, &arena, NULL);
    if (rc != OK)
        rc = rc == E_NOMEM ? E_NOMEM : E_DENIED;
    else if (jwt_claims_check(&who, issuer, &rules, claims, wall_s) != JWT_OK)
        rc = E_DENIED;
    arena_clear(&arena);
    return rc;
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
    int rc;

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
        rc = append_encoded(out, mac, hmac_key_bytes(key->hmac));
    if (rc == OK && out->len - start > JWT_BYTES_MAX)
        rc = E_LIMIT;
    if (rc != OK)
        out->len = start;
    return rc;
}

int jwt_sign(struct buf *out, const struct jwt_key *key, const struct jwt_issuer *issuer,
             const struct jwt_grant *grant)
{
    uint8_t header_bytes[HEADER_BYTES_MAX];
    uint8_t payload_bytes[PAYLOAD_BYTES_MAX];
    struct wr header = wr_of(header_bytes, sizeof(header_bytes));
    struct wr payload = wr_of(payload_bytes, sizeof(payload_bytes));
    int64_t ends_s;
    int rc;

    if (!identity_user_ok(grant->user) || grant->wall_s < 0 || grant->ttl_s <= 0 ||
        __builtin_add_overflow(grant->wall_s, grant->ttl_s, &ends_s))
        return E_INVALID;
    write_header(&header, key, issuer);
    write_payload(&payload, issuer, grant, ends_s);
    if (header.failed || payload.failed)
        return E_LIMIT;
    rc = check_payload(issuer, view_of(payload.start, wr_len(&payload)), grant->wall_s);
    return rc == OK ? append_token(out, key, &header, &payload) : rc;
}
