/* SPDX-License-Identifier: Apache-2.0 */
/* tls_hello.c: counts its way through record headers and the four bytes in front of the handshake
 * message. It never judges what a ClientHello says: that is the TLS library's job, once all of it
 * is here. */
#include "net/tls_hello.h"

#include <string.h>

#define RECORD_HEADER  5
#define RECORD_MAX     (16 * 1024)
#define TYPE_HANDSHAKE 22
#define MESSAGE_HEADER 4
#define MESSAGE_HELLO  1
#define VERSION_MAJOR  3

/* A record's header at `at`; false when it cannot begin or continue a ClientHello. A piece of it
 * may be missing. */
static bool header_is_fine(const uint8_t *at, size_t len)
{
    size_t bytes;

    if (at[0] != TYPE_HANDSHAKE || (len > 1 && at[1] != VERSION_MAJOR))
        return false;
    if (len < RECORD_HEADER)
        return true;
    bytes = ((size_t)at[3] << 8) | at[4];
    /* RFC 8446 section 5.1: no empty fragments of handshake messages. */
    return bytes > 0 && bytes <= RECORD_MAX;
}

/* Takes the byte at position h->have of the message, while it is one of the first four. */
static bool take_message_header(struct tls_hello *h, uint8_t byte)
{
    if (h->have == 0 && byte != MESSAGE_HELLO)
        return false;
    if (h->have > 0)
        h->need = (h->need << 8) | byte;
    h->have++;
    if (h->have < MESSAGE_HEADER)
        return true;
    h->need += MESSAGE_HEADER;
    return h->need <= TLS_HELLO_MAX;
}

enum tls_hello_step tls_hello_look(struct tls_hello *h, const uint8_t *bytes, size_t len)
{
    while (h->seen < len) {
        size_t left = len - h->seen;
        if (h->record_left == 0) {
            if (!header_is_fine(bytes + h->seen, left))
                return TLS_HELLO_BAD;
            if (left < RECORD_HEADER)
                break;
            h->record_left = ((uint32_t)bytes[h->seen + 3] << 8) | bytes[h->seen + 4];
            h->seen += RECORD_HEADER;
        } else if (h->have < MESSAGE_HEADER) {
            if (!take_message_header(h, bytes[h->seen]))
                return TLS_HELLO_BAD;
            h->seen++;
            h->record_left--;
        } else {
            uint32_t step = h->record_left;
            if (step > left)
                step = (uint32_t)left;
            if (step > h->need - h->have)
                step = h->need - h->have;
            h->seen += step;
            h->have += step;
            h->record_left -= step;
        }
        if (h->have >= MESSAGE_HEADER && h->have >= h->need)
            return TLS_HELLO_DONE;
    }
    return len >= TLS_HELLO_WIRE_MAX ? TLS_HELLO_BAD : TLS_HELLO_MORE;
}

bool tls_hello_is_http(const uint8_t *bytes, size_t len)
{
    static const char *const starts[] = {"GET ",     "POST ",    "HEAD ",  "PUT ",    "PRI ",
                                         "OPTIONS ", "CONNECT ", "PATCH ", "DELETE ", "TRACE "};

    if (len == 0)
        return false;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        size_t n = strlen(starts[i]);
        if (memcmp(bytes, starts[i], len < n ? len : n) == 0)
            return true;
    }
    return false;
}
