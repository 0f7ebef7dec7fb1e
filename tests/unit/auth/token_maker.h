/* SPDX-License-Identifier: Apache-2.0 */
/* token_maker.h: tokens of any header and payload, right or wrong, under one test key; and the
 * rules that judge them. */
#ifndef TESTS_TOKEN_MAKER_H
#define TESTS_TOKEN_MAKER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwt.h"
#include "base/base64.h"
#include "base/status.h"

#define NOW          INT64_C(1700000000)
#define TEST_SECRET  "h1fkNq0bS2vX8yQm4rTz7uJw9eLc5aPd3gVo6iKx0nBsYtRfMlZpDjHwUeCkAqGo"
#define HS256_HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

struct token {
    char text[3 * JWT_BYTES_MAX];
    size_t len;
};

static inline void token_add(struct token *t, const void *bytes, size_t len)
{
    memcpy(t->text + t->len, bytes, len);
    t->len += len;
}

static inline void token_add_encoded(struct token *t, const void *bytes, size_t len)
{
    t->len += base64url_encode(t->text + t->len, bytes, len);
}

static inline struct view token_view(const struct token *t)
{
    return view_of(t->text, t->len);
}

/* Signs whatever stands in the token and appends the signature. */
static inline void token_sign(struct token *t, const struct hmac_key *key, enum hmac_hash hash)
{
    uint8_t mac[HMAC_BYTES_MAX];

    if (hmac_sign(mac, key, t->text, t->len) != OK)
        abort();
    token_add(t, ".", 1);
    token_add_encoded(t, mac, hmac_bytes(hash));
}

static inline enum hmac_hash hash_of(const char *algorithm)
{
    return strcmp(algorithm, "HS512") == 0   ? HMAC_SHA512
           : strcmp(algorithm, "HS384") == 0 ? HMAC_SHA384
                                             : HMAC_SHA256;
}

/* A token over exactly these two texts, under the secret, whatever the header says. */
static inline void token_make(struct token *t, struct view header, struct view payload,
                              const struct jwt_key *key)
{
    t->len = 0;
    token_add_encoded(t, header.ptr, header.len);
    token_add(t, ".", 1);
    token_add_encoded(t, payload.ptr, payload.len);
    token_sign(t, key->hmac, hash_of(key->algorithm));
}

/* One issuer with one HS256 key, and the roles user, moderator, admin as bits 0, 1, 2. */
struct bench {
    struct jwt_issuer issuer;
    struct role_set roles;
    struct jwt_rules rules;
    struct arena arena;
};

static inline void bench_open(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    b->issuer.roles_claim = "roles";
    b->issuer.skew_s = 30;
    if (jwt_key_init_hmac(&b->issuer.keys[0], "HS256", "", TEST_SECRET, 64) != OK)
        abort();
    b->issuer.keys_count = 1;
    if (role_set_add(&b->roles, VIEW("user"), 3) != OK ||
        role_set_add(&b->roles, VIEW("moderator"), 7) != OK ||
        role_set_add(&b->roles, VIEW("admin"), 15) != OK)
        abort();
    b->rules = (struct jwt_rules){.issuers = &b->issuer, .issuers_count = 1, .roles = &b->roles};
    arena_init(&b->arena, 64 * 1024, 1024 * 1024);
}

static inline void bench_close(struct bench *b)
{
    for (uint32_t i = 0; i < b->issuer.keys_count; i++)
        hmac_key_free(b->issuer.keys[i].hmac);
    arena_clear(&b->arena);
}

static inline enum jwt_fault bench_judge(struct bench *b, struct identity *who, struct view token)
{
    arena_reset(&b->arena);
    return jwt_verify(who, &b->rules, token, NOW, &b->arena);
}

/* The verdict over these two texts, signed with the issuer's first key. */
static inline enum jwt_fault bench_judge_texts(struct bench *b, struct identity *who,
                                               const char *header, const char *payload)
{
    static struct token t;

    token_make(&t, view_of_text(header), view_of_text(payload), &b->issuer.keys[0]);
    return bench_judge(b, who, token_view(&t));
}

#endif
