/* SPDX-License-Identifier: Apache-2.0 */
/* jwk.c: whose key is it, for what, and with which algorithm. One key has one algorithm (RFC 8725
 * section 3.1): that of its `alg`, or the only one that both the key and the configuration allow.
 * Certificates beside a key (x5c, x5t, x5u) are not looked at. */
#include "auth/jwk.h"

#include <string.h>

#include "base/base64.h"
#include "base/status.h"
#include "message/json.h"

/* An 8192 bit modulus with a sign byte or two, in base64url. */
#define NUMBER_TEXT_MAX  1372
#define NUMBER_BYTES_MAX (3 * (NUMBER_TEXT_MAX / 4) + 3)

#define RSA_ALGORITHMS (JWK_ALGORITHM(SIGNATURE_ES256) - 1)

static int answer(int rc, struct error *why, const char *text)
{
    error_set(why, "%s", text);
    return rc;
}

/* Whoever may read the file could sign tokens with such a key. Looked for in keys of every type, so
 * that none slips by as a type that we do not know. */
static int check_public(const struct json *object, struct error *why)
{
    static const struct view members[] = {VIEW("d"),  VIEW("p"),   VIEW("q"),
                                          VIEW("dp"), VIEW("dq"),  VIEW("qi"),
                                          VIEW("k"),  VIEW("oth"), VIEW("priv")};
    struct view type;

    if (json_member_string(object, VIEW("kty"), &type) && view_eq(type, VIEW("oct")))
        return answer(E_DENIED, why,
                      "is a symmetric key (kty oct): a secret, which does not belong "
                      "among public keys");
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (json_member(object, members[i]) == NULL)
            continue;
        error_set(why,
                  "holds a private key (member `" VIEW_FMT "`): only public keys belong here; "
                  "whoever read this file can sign tokens",
                  VIEW_ARG(members[i]));
        return E_DENIED;
    }
    return OK;
}

static int check_use(const struct json *object, struct error *why)
{
    const struct json *use = json_member(object, VIEW("use"));

    if (use == NULL)
        return OK;
    if (use->type != JSON_STRING)
        return answer(E_INVALID, why, "`use` is no string");
    if (!view_eq(use->text, VIEW("sig")))
        return answer(E_UNSUPPORTED, why, "is not for signatures (`use`)");
    return OK;
}

/* RFC 7517 section 4.3. */
static int check_key_ops(const struct json *object, struct error *why)
{
    const struct json *ops = json_member(object, VIEW("key_ops"));
    bool can_verify = false;

    if (ops == NULL)
        return OK;
    if (ops->type != JSON_ARRAY)
        return answer(E_INVALID, why, "`key_ops` is no list");
    for (const struct json *op = ops->first; op != NULL; op = op->next) {
        if (op->type != JSON_STRING)
            return answer(E_INVALID, why, "`key_ops` holds something else than strings");
        can_verify = can_verify || view_eq(op->text, VIEW("verify"));
    }
    if (!can_verify)
        return answer(E_UNSUPPORTED, why, "is not for verifying (`key_ops`)");
    return OK;
}

static int read_id(struct jwk *key, const struct json *object, struct error *why)
{
    const struct json *id = json_member(object, VIEW("kid"));

    if (id == NULL)
        return OK;
    if (id->type != JSON_STRING)
        return answer(E_INVALID, why, "`kid` is no string");
    if (id->text.len > JWK_ID_BYTES_MAX)
        return answer(E_INVALID, why, "`kid` is longer than 256 bytes");
    key->has_key_id = true;
    key->key_id_bytes = (uint16_t)id->text.len;
    memcpy(key->key_id, id->text.ptr, id->text.len);
    return OK;
}

/* What a key of this type and curve could serve at all. */
static int find_family(uint32_t *family, const struct json *object, struct error *why)
{
    static const struct {
        struct view type, curve;
        uint32_t algorithms;
    } rows[] = {
        {VIEW("RSA"), VIEW(""), RSA_ALGORITHMS},
        {VIEW("EC"), VIEW("P-256"), JWK_ALGORITHM(SIGNATURE_ES256)},
        {VIEW("EC"), VIEW("P-384"), JWK_ALGORITHM(SIGNATURE_ES384)},
        {VIEW("EC"), VIEW("P-521"), JWK_ALGORITHM(SIGNATURE_ES512)},
        {VIEW("OKP"), VIEW("Ed25519"), JWK_ALGORITHM(SIGNATURE_EDDSA)},
    };
    struct view type, curve = VIEW("");

    if (!json_member_string(object, VIEW("kty"), &type))
        return answer(E_INVALID, why, "has no `kty`, or one that is no string");
    if ((view_eq(type, VIEW("EC")) || view_eq(type, VIEW("OKP"))) &&
        !json_member_string(object, VIEW("crv"), &curve))
        return answer(E_INVALID, why, "has no `crv`, or one that is no string");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!view_eq(type, rows[i].type) || !view_eq(curve, rows[i].curve))
            continue;
        *family = rows[i].algorithms;
        return OK;
    }
    return answer(E_UNSUPPORTED, why, "is of a type or on a curve that is not known here");
}

static int choose_algorithm(enum signature_algorithm *chosen, const struct json *object,
                            uint32_t family, uint32_t allowed, struct error *why)
{
    const struct json *name = json_member(object, VIEW("alg"));
    uint32_t left = family & allowed;

    if (name != NULL) {
        int found;

        if (name->type != JSON_STRING)
            return answer(E_INVALID, why, "`alg` is no string");
        found = signature_find(name->text);
        if (found < 0)
            return answer(E_UNSUPPORTED, why, "`alg` is none of the algorithms known here");
        if ((family & JWK_ALGORITHM(found)) == 0)
            return answer(E_INVALID, why, "`alg` does not go with its `kty` and `crv`");
        left &= JWK_ALGORITHM(found);
    }
    if (left == 0)
        return answer(E_UNSUPPORTED, why, "serves none of the `algorithms`");
    if ((left & (left - 1)) != 0)
        return answer(E_INVALID, why,
                      "names no `alg`, and `algorithms` lists several that an RSA "
                      "key could serve; one key has one algorithm");
    *chosen = (enum signature_algorithm)__builtin_ctz(left);
    return OK;
}

/* bytes has room for NUMBER_BYTES_MAX. */
static int read_number(struct view *number, uint8_t *bytes, const struct json *object,
                       const char *name, struct error *why)
{
    struct view text;
    long len;

    if (!json_member_string(object, view_of_text(name), &text)) {
        error_set(why, "has no `%s`, or one that is no string", name);
        return E_INVALID;
    }
    len = text.len <= NUMBER_TEXT_MAX ? base64url_decode(bytes, text) : E_INVALID;
    if (len <= 0) {
        error_set(why, "`%s` is empty, too long or no base64url", name);
        return E_INVALID;
    }
    *number = view_of(bytes, (size_t)len);
    return OK;
}

static int make_key(struct jwk *key, const struct json *object, enum signature_algorithm algorithm,
                    struct error *why)
{
    uint8_t bytes[2][NUMBER_BYTES_MAX];
    bool is_rsa = (JWK_ALGORITHM(algorithm) & RSA_ALGORITHMS) != 0;
    struct view first, second;
    int rc;

    rc = read_number(&first, bytes[0], object, is_rsa ? "n" : "x", why);
    if (rc != OK)
        return rc;
    if (algorithm == SIGNATURE_EDDSA)
        return signature_key_new_ed25519(&key->key, first, why);
    rc = read_number(&second, bytes[1], object, is_rsa ? "e" : "y", why);
    if (rc != OK)
        return rc;
    if (is_rsa)
        return signature_key_new_rsa(&key->key, algorithm, first, second, why);
    return signature_key_new_ec(&key->key, algorithm, first, second, why);
}

int jwk_read(struct jwk *out, const struct json *object, uint32_t algorithms, struct error *why)
{
    struct jwk key = {.key = NULL};
    enum signature_algorithm algorithm = SIGNATURE_RS256;
    uint32_t family = 0;
    int rc;

    if (object->type != JSON_OBJECT)
        return answer(E_INVALID, why, "is no object");
    rc = check_public(object, why);
    if (rc == OK)
        rc = find_family(&family, object, why);
    if (rc == OK)
        rc = check_use(object, why);
    if (rc == OK)
        rc = check_key_ops(object, why);
    if (rc == OK)
        rc = read_id(&key, object, why);
    if (rc == OK)
        rc = choose_algorithm(&algorithm, object, family, algorithms, why);
    if (rc == OK)
        rc = make_key(&key, object, algorithm, why);
    if (rc == OK)
        *out = key;
    return rc;
}

void jwk_clear(struct jwk *key)
{
    signature_key_free(key->key);
    *key = (struct jwk){.key = NULL};
}
