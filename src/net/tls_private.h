/* SPDX-License-Identifier: Apache-2.0 */
/* tls_private.h: what tls.c (contexts) shows to tls_stream.c and to tests. Private to net/. */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

#include <stdint.h>

#include "net/tls.h"

struct ssl_ctx_st;
struct tls_tickets;

struct ssl_ctx_st *tls_server_context(const struct tls_server *t);
struct ssl_ctx_st *tls_client_context(const struct tls_client *t);
struct tls_tickets *tls_server_tickets(const struct tls_server *t);

/* tls_ticket.c: the keys that session tickets are sealed with. Any thread. */
#define TLS_TICKET_ROTATE_MS (UINT64_C(12) * 3600 * 1000)
int tls_tickets_new(struct tls_tickets **out, struct ssl_ctx_st *context, uint64_t now_ms);
void tls_tickets_free(struct tls_tickets *t); /* wipes the keys */
/* Makes a new key when the current one is old enough; tickets of the one before it still open until
 * the next change. Called with the time whenever a ticket is made or read. */
void tls_tickets_turn(struct tls_tickets *t, uint64_t now_ms);

#endif
