/* SPDX-License-Identifier: Apache-2.0 */
/* jws.c: from the bytes of a token to "this key has signed this". A key knows its own algorithm and
 * its own way to verify; the header only picks among keys, so no header can turn one kind of key
 * into another (R-J1, R-J2). Keys named or carried by the token itself (jku, jwk, x5u, x5c) are
 * never looked at (R-J6). */
#include "auth/jws.h"

#include <string.h>

#include "auth/key_set.h"
#include "base/base64.h"
#include "base/status.h"
#include "message/json.h"

#define HEADER_NODES_MAX 128

/* Counts the dots before anything else is done: a million of them costs one pass over 8 KiB
 * (C-D11), and the five segments of an encrypted token are none of ours (R-J11). */
static enum jwt_fault split(struct view parts[3], struct view token)
{
    size_t dots = 0;
    struct view rest;

    if (token.len > JWT_BYTES_MAX)
        return JWT_TOO_LONG;
    for (size_t i = 0; i < token.len; i++)
        dots += token.ptr[i] == '.';
    if (dots != 2)
        return JWT_MALFORMED;
    (void)view_split(token, '.', &parts[0], &rest);
    (void)view_split(rest, '.', &parts[1], &parts[2]);
    if (parts[0].len == 0 || parts[1].len == 0 || parts[2].len == 0)
        return JWT_MALFORMED;
    return JWT_OK;
}

static enum jwt_fault decode(struct view *out, struct view text, struct arena *arena)
{
    char *bytes = arena_alloc(arena, 3 * (text.len / 4) + 3);
    long len;

    if (bytes == NULL)
        return JWT_NO_MEMORY;
    len = base64url_decode(bytes, text);
    if (len <= 0)
        return JWT_MALFORMED;
    *out = view_of(bytes, (size_t)len);
    return JWT_OK;
}

/* RFC 8725 section 3.11: a token that says what it is must be one of those that may open a
 * connection. A logout token, a security event or a proof of possession signed by the same issuer
 * says something else and is refused; one that says nothing is an ordinary JWT (RFC 7519
 * section 5.1 leaves typ optional, and many issuers leave it out). */
static bool type_ok(const struct json *header, bool *is_access_token)
{
    static const struct view types[] = {
        VIEW("at+jwt"),
        VIEW("application/at+jwt"),
        VIEW("JWT"),
        VIEW("application/jwt"),
    };
    const struct json *type = json_member(header, VIEW("typ"));

    if (type == NULL)
        return true;
    if (type->type != JSON_STRING)
        return false;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (!view_eq_nocase(type->text, types[i]))
            continue;
        *is_access_token = i < 2;
        return true;
    }
    return false;
}

static enum jwt_fault read_header(struct jws *jws, const struct json *header)
{
    const struct json *key_id = json_member(header, VIEW("kid"));

    if (header->type != JSON_OBJECT || !json_member_string(header, VIEW("alg"), &jws->algorithm))
        return JWT_HEADER;
    /* We understand no extension, so every form of crit is one we must not process (RFC 7515
     * section 4.1.11, C-D6). */
    if (json_member(header, VIEW("crit")) != NULL)
        return JWT_CRITICAL;
    if (json_member(header, VIEW("enc")) != NULL || json_member(header, VIEW("zip")) != NULL ||
        !type_ok(header, &jws->is_access_token))
        return JWT_HEADER;
    jws->has_key_id = key_id != NULL;
    if (key_id == NULL)
        return JWT_OK;
    if (key_id->type != JSON_STRING || key_id->text.len > JWK_ID_BYTES_MAX)
        return JWT_HEADER;
    jws->key_id = key_id->text;
    return JWT_OK;
}

static enum jwt_fault parse_header(struct jws *jws, struct view segment, struct arena *arena)
{
    static const struct json_limits limits = {.depth = 8, .nodes = HEADER_NODES_MAX};
    struct json *header;
    struct view text;
    enum jwt_fault fault;
    int rc;

    fault = decode(&text, segment, arena);
    if (fault != JWT_OK)
        return fault;
    rc = json_parse(&header, text, &limits, arena, NULL);
    if (rc == E_NOMEM)
        return JWT_NO_MEMORY;
    return rc == OK ? read_header(jws, header) : JWT_HEADER;
}

enum jwt_fault jws_parse(struct jws *jws, struct view token, struct arena *arena)
{
    struct view parts[3];
    enum jwt_fault fault;

    *jws = (struct jws){.signed_part = VIEW("")};
    fault = split(parts, token);
    if (fault == JWT_OK)
        fault = decode(&jws->payload, parts[1], arena);
    if (fault == JWT_OK)
        fault = decode(&jws->signature, parts[2], arena);
    if (fault == JWT_OK)
        fault = parse_header(jws, parts[0], arena);
    if (fault == JWT_OK)
        jws->signed_part = view_of(token.ptr, parts[0].len + 1 + parts[1].len);
    return fault;
}

enum jwt_fault jws_parse_header(struct jws *jws, struct view token, struct arena *arena)
{
    struct view parts[3];
    enum jwt_fault fault;

    *jws = (struct jws){.signed_part = VIEW("")};
    fault = split(parts, token);
    return fault == JWT_OK ? parse_header(jws, parts[0], arena) : fault;
}

static enum jwt_fault check_symmetric(const struct jws *jws, const struct jwt_issuer *issuer)
{
    enum jwt_fault fault = JWT_ALGORITHM;

    for (uint32_t i = 0; i < issuer->keys_count; i++) {
        const struct jwt_key *key = &issuer->keys[i];

        if (!view_eq(jws->algorithm, view_of_text(key->algorithm)))
            continue;
        if (fault == JWT_ALGORITHM)
            fault = JWT_UNKNOWN_KEY;
        if (key->key_id[0] != '\0' && jws->has_key_id &&
            !view_eq(jws->key_id, view_of_text(key->key_id)))
            continue;
        if (key->verify(key, jws->signed_part, (const uint8_t *)jws->signature.ptr,
                        jws->signature.len) == OK)
            return JWT_OK;
        fault = JWT_SIGNATURE;
    }
    return fault;
}

enum jwt_fault jws_check(const struct jws *jws, const struct jwt_issuer *issuer)
{
    return issuer->public_keys == NULL ? check_symmetric(jws, issuer)
                                       : key_source_check(issuer->public_keys, jws);
}
