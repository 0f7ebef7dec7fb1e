/* SPDX-License-Identifier: Apache-2.0 */
/* tls_hello.h: has the whole ClientHello come? Follows records and their fragments (RFC 8446
 * sections 5.1 and 4), looks no deeper, and keeps a few bytes of state, so that OpenSSL's kilobytes
 * are spent only on peers that said hello (F-10). Pure. */
#ifndef NET_TLS_HELLO_H
#define NET_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_HELLO_MAX (16 * 1024) /* the handshake message, its header included */
/* All bytes of a connection until then; a hello in pieces of three bytes still fits when it is of
 * usual size. */
#define TLS_HELLO_WIRE_MAX (TLS_HELLO_MAX + 1024)

struct tls_hello {
    uint32_t seen;        /* bytes of the connection looked at */
    uint32_t record_left; /* of the current record */
    uint32_t have, need;  /* of the handshake message; need is known once have >= 4 */
};
enum tls_hello_step { TLS_HELLO_MORE, TLS_HELLO_DONE, TLS_HELLO_BAD };

/* `bytes` are all bytes since the connection began; looks only at those that are new since the last
 * call. */
enum tls_hello_step tls_hello_look(struct tls_hello *h, const uint8_t *bytes, size_t len);
/* True when the bytes begin like an HTTP request: someone speaks http:// to an https:// port. */
bool tls_hello_is_http(const uint8_t *bytes, size_t len);

#endif
