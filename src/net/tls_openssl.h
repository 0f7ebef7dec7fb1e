/* SPDX-License-Identifier: Apache-2.0 */
/* tls_openssl.h: a connection inside OpenSSL, behind tls_stream.h: each one until its handshake is
 * done, and those that stay there for good. Private to net/. */
#ifndef NET_TLS_OPENSSL_H
#define NET_TLS_OPENSSL_H

#include "net/tls_stream.h"

struct ssl_ctx_st;
struct stack_st_X509;
struct tls_taken;
struct x509_st;

struct tls_openssl;
/* `tls` outlives it. E_NOMEM, E_INVALID: no name to expect. */
int tls_openssl_new_server(struct tls_openssl **out, struct tls_io *io, struct tls_server *tls);
int tls_openssl_new_client(struct tls_openssl **out, struct tls_io *io, struct tls_client *tls,
                           const char *server_name);
void tls_openssl_free(struct tls_openssl *s); /* sends nothing; NULL is fine */

/* The secrets of servers' connections under this context come to us; nobody else is told. */
void tls_openssl_hear_secrets(struct ssl_ctx_st *context);
/* After the handshake, once: TLS_RECORDS_OWN, and *out goes on with the records; all that is left
 * to do with s is to free it. Otherwise nothing has happened. */
enum tls_records tls_openssl_take(struct tls_openssl *s, struct tls_taken **out);

/* As in tls_stream.h. */
enum tls_step tls_openssl_handshake(struct tls_openssl *s);
enum tls_step tls_openssl_open(struct tls_openssl *s, uint8_t *plain, size_t cap, size_t *len);
bool tls_openssl_seal(struct tls_openssl *s, const uint8_t *bytes, size_t len);
void tls_openssl_close(struct tls_openssl *s);
int tls_openssl_site(const struct tls_openssl *s);
const char *tls_openssl_version(const struct tls_openssl *s);
const char *tls_openssl_detail(const struct tls_openssl *s);

/* What the peer showed, or NULL; *chain: as it was verified, or NULL. Both belong to OpenSSL. */
struct x509_st *tls_openssl_peer(const struct tls_openssl *s, struct stack_st_X509 **chain);
bool tls_openssl_is_verified(const struct tls_openssl *s);

#endif
