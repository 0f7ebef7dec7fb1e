/* SPDX-License-Identifier: Apache-2.0 */
/* public_maker.h: tokens under private keys of the test's own, and rows that know the public
 * halves. Include after cmocka.h. */
#ifndef TESTS_PUBLIC_MAKER_H
#define TESTS_PUBLIC_MAKER_H

#include "auth/jwks.h"
#include "auth/jws.h"
#include "signer.h"
#include "token_maker.h"

#define GOOD_PAYLOAD "{\"sub\":\"alice\",\"roles\":[\"user\"],\"exp\":1700000600}"

/* A token over exactly these two texts, whatever the header says. */
static inline struct view public_token(struct token *t, const char *header, const char *payload,
                                       const struct signer *s)
{
    uint8_t signature[SIGNER_BYTES_MAX];
    size_t len;

    t->len = 0;
    token_add_encoded(t, header, strlen(header));
    token_add(t, ".", 1);
    token_add_encoded(t, payload, strlen(payload));
    len = signer_sign(signature, s, t->text, t->len);
    token_add(t, ".", 1);
    token_add_encoded(t, signature, len);
    return token_view(t);
}

/* The set of these JWKs ("{...},{...}"), which must be good. */
static inline struct key_set *public_set(const char *jwks, uint32_t algorithms)
{
    static char text[JWKS_BYTES_MAX];
    struct key_set *set = NULL;
    struct error why = {{0}, 0, 0};

    (void)snprintf(text, sizeof(text), "{\"keys\":[%s]}", jwks);
    if (jwks_parse(&set, view_of_text(text), algorithms, &why) != OK)
        fail_msg("refused: %s", why.text);
    return set;
}

/* A row with this set, whose hold it takes. */
static inline void public_row(struct jwt_issuer *issuer, struct key_set *set)
{
    *issuer = (struct jwt_issuer){.roles_claim = "roles", .skew_s = 30};
    assert_int_equal(key_source_new(&issuer->public_keys, set), OK);
}

/* `{"alg":"...","kid":"..."}`; kid NULL: none. */
static inline const char *public_header(const struct signer *s, const char *kid)
{
    static char text[512];

    if (kid == NULL)
        (void)snprintf(text, sizeof(text), "{\"alg\":\"%s\"}", signature_name(s->algorithm));
    else
        (void)snprintf(text, sizeof(text), "{\"alg\":\"%s\",\"kid\":\"%s\"}",
                       signature_name(s->algorithm), kid);
    return text;
}

#endif
