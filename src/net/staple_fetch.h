/* SPDX-License-Identifier: Apache-2.0 */
/* staple_fetch.h: keeps the OCSP answers of certificates fresh (RFC 6960, RFC 6066 section 8): asks
 * the responder that a certificate names, in the background, and puts what it says into the
 * tls_server. No handshake ever waits for it. While a responder cannot be reached the old answer is
 * sent until its own end, then none. An answer "revoked" is not sent, and ends the old one: what
 * has been found false is no longer told. */
#ifndef NET_STAPLE_FETCH_H
#define NET_STAPLE_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "net/outbound.h"
#include "net/tls.h"

/* The next answer is fetched at half of the time that the last one is good for, and between these
 * two from now. */
#define STAPLE_REFRESH_MIN_S (5u * 60)
#define STAPLE_REFRESH_MAX_S (24u * 60 * 60)
/* Failed fetches are repeated after 5 s, 10 s, 20 s, ... give or take a quarter. */
#define STAPLE_RETRY_MIN_MS 5000u
#define STAPLE_RETRY_MAX_MS (10u * 60 * 1000)

enum staple_health { STAPLE_FETCHED, STAPLE_FAILED, STAPLE_REVOKED };

struct staple_news {
    enum staple_health health;
    bool is_change;          /* the health was another before, or this is the first news */
    const char *certificate; /* its file */
    const char *url;         /* NULL: there is nobody to ask, and nothing will be */
    const char *code;        /* stable word: why it failed; "fetched", "revoked" */
    const char *text;        /* for people: what about the answer is wrong; may be empty */
    int64_t until_s;         /* FETCHED: the end of the answer, wall clock */
};

struct staple_fetch;

/* `tell` is called on the outbound thread. E_NOMEM. */
int staple_fetch_new(struct staple_fetch **out,
                     void (*tell)(void *context, const struct staple_news *news), void *context);
/* From now on for the certificates of these (NULL among them is fine), of which references are
 * kept, and for no others. Answers at hand go over to those that stay. Any thread, also before the
 * start and after the stop. E_NOMEM: everything stays as it was. */
int staple_fetch_replace(struct staple_fetch *f, struct tls_server *const *sets, uint32_t count);
/* Once. */
void staple_fetch_start(struct staple_fetch *f, struct outbound *o);
/* Before outbound_stop: nothing is posted any more. Harmless when it was not started. */
void staple_fetch_stop(struct staple_fetch *f);
/* The outbound thread has ended. NULL is fine. */
void staple_fetch_free(struct staple_fetch *f);

#endif
