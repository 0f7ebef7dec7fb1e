/* SPDX-License-Identifier: Apache-2.0 */
/* options_jwt.h: private to server/options_jwt*.c: one row of auth.jwt while it is read. */
#ifndef SERVER_OPTIONS_JWT_H
#define SERVER_OPTIONS_JWT_H

#include "server/options_load.h"

#define SECRETS_MAX 2 /* the old one and the new one, while they change */

/* Bits of issuer_draft.algorithms: the symmetric ones first, then the others in the order of enum
 * signature_algorithm. */
#define SYMMETRIC_COUNT 3
#define SYMMETRIC       ((1U << SYMMETRIC_COUNT) - 1)

/* One row of auth.jwt while it is read. */
struct issuer_draft {
    const struct loading *l;
    unsigned algorithms; /* bit n: options_algorithm_names[n] */
    struct secret_draft secrets[SECRETS_MAX];
    unsigned secrets_count;
    char *jwks_file, *jwks_url, *jwks_ca;
    char *issuer, *audience, *kid, *user_claim, *roles_claim, *tenant_claim;
    char *required[JWT_REQUIRED_MAX];
    unsigned required_count;
    int profile; /* enum jwt_profile */
    uint64_t skew_ms;
};

extern const char *const options_algorithm_names[]; /* ends with NULL */

/* --- options_jwt_keys.c --- */
int options_read_secrets(struct node *value, void *target, struct problems *problems);
/* Do the algorithms and the place of the keys go together? */
void options_check_keys(struct node *entry, const struct issuer_draft *draft,
                        struct problems *problems);
/* Makes the keys of a row in which nothing was wrong so far. */
void options_add_keys(struct jwt_issuer *issuer, const struct issuer_draft *draft,
                      struct node *entry, struct problems *problems);
void options_clear_secrets(struct issuer_draft *draft);

#endif
