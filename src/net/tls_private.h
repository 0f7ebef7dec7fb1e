/* SPDX-License-Identifier: Apache-2.0 */
/* tls_private.h: what the tls*.c files show to each other and to tests. Private to net/. */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"
#include "crypto/ocsp.h"
#include "net/tls.h"

struct ssl_ctx_st;
struct ssl_st;
struct stack_st_X509;
struct stack_st_X509_CRL;
struct tls_tickets;

/* The OCSP answer about one certificate. */
struct tls_staple {
    pthread_mutex_t lock; /* of the answer: workers send it, the outbound thread replaces it */
    struct buf der;       /* empty: none */
    int64_t until_s;      /* wall clock: no longer sent from then on */
    struct ocsp_subject *about; /* NULL: the issuer is not in the certificate file */
    char *name;                 /* what follows is for tls_staple_follow: the certificate's file */
    char *url;                  /* NULL: the certificate names no responder */
    struct buf request;
};

/* One certificate with all that goes with it. Read-only once made, but for what locks itself. */
struct tls_site {
    struct ssl_ctx_st *context;
    struct tls_tickets *tickets; /* NULL: asks for client certificates, so has none */
    char **names;                /* lower case; "*." stands for one leftmost label */
    uint32_t names_count;
    enum tls_client_policy client;
    struct stack_st_X509 *authorities; /* who signs client certificates; NULL: none is asked for */
    struct stack_st_X509_CRL *crls;    /* NULL: none */
    uint8_t id[32];                    /* session id context: names, policy, certificate, CA, CRL */
    struct tls_staple *staple;         /* NULL: none is ever sent */
};
struct tls_server {
    atomic_uint references;
    struct tls_site *sites;
    uint32_t sites_count;
    bool needs_name;          /* who names no site is turned away */
    enum tls_records records; /* TLS_RECORDS_OWN: of each connection that allows it */
};

/* tls.c */
int tls_set_common(struct ssl_ctx_st *context, int min_version);
int tls_choose_alpn(struct ssl_st *ssl, const unsigned char **out, unsigned char *out_len,
                    const unsigned char *in, unsigned int in_len, void *context);
const char *tls_last_reason(void);
/* The keys of connections under this context are told to nobody, whatever $SSLKEYLOGFILE. */
void tls_keep_keys(struct ssl_ctx_st *context);
struct ssl_ctx_st *tls_server_context(const struct tls_server *t); /* of the first site */
struct ssl_ctx_st *tls_client_context(const struct tls_client *t);
struct tls_tickets *tls_server_tickets(const struct tls_server *t); /* of the first site */

/* tls_site.c: makes a site without its names. On failure it is left for tls_site_clear. */
int tls_site_open(struct tls_site *site, const struct tls_site_options *o, bool allows_tls12,
                  struct error *why);
void tls_site_clear(struct tls_site *site);
/* Puts a connection that is still at its ClientHello under this site. */
bool tls_site_apply(const struct tls_site *site, struct ssl_st *ssl);

/* tls_trust.c: who may sign client certificates, and which of them are taken back. */
int tls_trust_load(struct tls_site *site, const struct tls_site_options *o, struct error *why);
/* Does a verified chain end with the name and key of one of the site's authorities? */
bool tls_trust_knows(const struct tls_site *site, struct stack_st_X509 *chain);
/* Is a certificate of this chain on the site's revocation lists? */
bool tls_trust_revokes(const struct tls_site *site, struct stack_st_X509 *chain);

/* tls_staple.c */
int tls_staple_load(struct tls_site *site, const char *path, struct error *why);
/* A place that is empty yet, with what it takes to fill it. `name` stands for the certificate in
 * the log. */
int tls_staple_follow(struct tls_site *site, const char *name, struct error *why);
/* Any thread: this answer from now on, if it says that the certificate is good. *answer is written
 * for E_DENIED too if that is because it says revoked, and only then is_revoked is true: zero it
 * before. Otherwise the old one stays. */
int tls_staple_take(struct tls_staple *staple, struct view der, struct ocsp_answer *answer,
                    struct error *why);
void tls_staple_drop(struct tls_staple *staple); /* any thread: sends none */
/* The answer of `from`, if it is about the same certificate. Any thread. */
void tls_staple_inherit(struct tls_staple *staple, struct tls_staple *from);
void tls_staple_free(struct tls_staple *staple); /* NULL is fine */

/* tls_names.c */
int tls_names_load(struct tls_site *site, const struct tls_site_options *o, struct error *why);
/* E_EXISTS when two sites have one name. */
int tls_names_check(const struct tls_server *t, struct error *why);
/* The site of this name: exact before wildcard; -1: no site has it. */
int tls_names_find(const struct tls_server *t, struct view name);
/* The server_name extension (RFC 6066 section 3): a list that has, in practice and in TLS 1.3 by
 * rule, one name. False: not of that form. */
bool tls_names_parse(struct view extension, struct view *name);
/* SSL_CTX_set_client_hello_cb; context is the struct tls_server. */
int tls_names_on_hello(struct ssl_st *ssl, int *alert, void *context);

/* tls_ticket.c: the keys that session tickets are sealed with. Any thread. */
#define TLS_TICKET_ROTATE_MS (UINT64_C(12) * 3600 * 1000)
int tls_tickets_new(struct tls_tickets **out, struct ssl_ctx_st *context, uint64_t now_ms);
/* No ticket is made or opened under this context. */
int tls_tickets_none(struct ssl_ctx_st *context);
void tls_tickets_free(struct tls_tickets *t); /* wipes the keys */
/* Makes a new key when the current one is old enough; tickets of the one before it still open until
 * the next change. Called with the time whenever a ticket is made or read. */
void tls_tickets_turn(struct tls_tickets *t, uint64_t now_ms);

#endif
