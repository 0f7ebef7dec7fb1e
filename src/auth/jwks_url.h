/* SPDX-License-Identifier: Apache-2.0 */
/* jwks_url.h: a key source that is filled from a URL by the outbound thread. The URL comes from the
 * configuration, whole: nothing that a token says is ever part of a request (C-D17). */
#ifndef AUTH_JWKS_URL_H
#define AUTH_JWKS_URL_H

#include "auth/jwks_source.h"

struct jwks_url;

struct jwks_url_options { /* everything is copied */
    const char *url;
    struct view ca_pem;  /* whom to trust instead of the system's authorities; empty: those */
    uint32_t algorithms; /* a bit set, see jwk.h */
};

/* Fills `keys`, which must outlive it, once it has been started; until then a token of this issuer
 * is JWT_UNAVAILABLE. E_INVALID (the URL), E_NOMEM. */
int jwks_url_new(struct jwks_url **out, struct key_source *keys,
                 const struct jwks_url_options *options);
/* Before anyone reads the keys. `tell` is called on the outbound thread. Ends with the outbound
 * thread. E_FULL, E_CLOSED. */
int jwks_url_start(struct jwks_url *u, struct outbound *o,
                   void (*tell)(void *context, const struct jwks_url *from,
                                const struct jwks_news *news),
                   void *context);
/* Not while the outbound thread that it was started on runs. NULL is fine. */
void jwks_url_free(struct jwks_url *u);
const char *jwks_url_text(const struct jwks_url *u);

#endif
