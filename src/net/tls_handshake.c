/* SPDX-License-Identifier: Apache-2.0 */
/* tls_handshake.c: what it takes to leave OpenSSL. A nonce used twice would give the key away, so
 * the number of the next record is found out, never assumed: a full handshake sends other tickets
 * than a resumed one. Any doubt is an answer other than TLS_RECORDS_OWN, and costs nothing but
 * speed. */
#include "net/tls_handshake.h"

#include <openssl/ssl.h>
#include <string.h>

#include "base/status.h"
#include "crypto/secret.h"
#include "net/tls_taken.h"

#define MESSAGE_HEADER             4
#define MESSAGE_NEW_SESSION_TICKET 4

/* ---- one record at a time ---- */

size_t tls_feed_window(const struct tls_feed *f, const uint8_t *in, size_t len)
{
    uint8_t header[TLS_RECORD_HEADER_BYTES];
    size_t missing = sizeof(header) - f->have, window;

    if (f->left > 0)
        return f->left < len ? f->left : len;
    if (len < missing)
        return len;
    memcpy(header, f->header, f->have);
    memcpy(header + f->have, in, missing);
    window = missing + ((size_t)header[3] << 8 | header[4]);
    return window < len ? window : len;
}

void tls_feed_advance(struct tls_feed *f, const uint8_t *in, size_t len)
{
    while (len > 0) {
        size_t step = 1;

        if (f->left > 0) {
            step = f->left < len ? f->left : len;
            f->left = (uint16_t)(f->left - step);
        } else {
            f->header[f->have++] = *in;
            if (f->have == TLS_RECORD_HEADER_BYTES) {
                f->left = (uint16_t)(f->header[3] << 8 | f->header[4]);
                f->have = 0;
            }
        }
        in += step;
        len -= step;
    }
}

/* ---- the secrets ---- */

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Bytes read; 0: not of the form. */
static uint8_t read_hex(uint8_t out[TLS_SECRET_MAX], const char *hex)
{
    uint8_t n = 0;

    for (; hex[0] != '\0'; hex += 2) {
        int high = nibble(hex[0]), low = high >= 0 ? nibble(hex[1]) : -1;

        if (low < 0 || n == TLS_SECRET_MAX)
            return 0;
        out[n++] = (uint8_t)(high << 4 | low);
    }
    return n;
}

void tls_secrets_note(struct tls_secrets *s, const char *line)
{
    static const char client[] = "CLIENT_TRAFFIC_SECRET_0 ", server[] = "SERVER_TRAFFIC_SECRET_0 ";
    bool is_client = strncmp(line, client, sizeof(client) - 1) == 0;
    uint8_t *len = is_client ? &s->client_bytes : &s->server_bytes;
    const char *hex;

    if (!is_client && strncmp(line, server, sizeof(server) - 1) != 0)
        return;
    hex = strchr(line + sizeof(client) - 1, ' '); /* behind the client's random */
    if (hex == NULL || *len != 0) {
        s->is_bad = true;
        return;
    }
    *len = read_hex(is_client ? s->client : s->server, hex + 1);
    s->is_bad = s->is_bad || *len == 0;
}

void tls_secrets_wipe(struct tls_secrets *s)
{
    secret_wipe(s, sizeof(*s));
}

/* ---- the proof ---- */

/* Whole NewSessionTicket messages, and nothing else? */
static bool are_tickets(const uint8_t *at, size_t len)
{
    while (len > 0) {
        size_t body;

        if (len < MESSAGE_HEADER || at[0] != MESSAGE_NEW_SESSION_TICKET)
            return false;
        body = (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
        if (body > len - MESSAGE_HEADER)
            return false;
        at += MESSAGE_HEADER + body;
        len -= MESSAGE_HEADER + body;
    }
    return true;
}

/* Opens what OpenSSL has sent under the new keys; `write` stands behind it afterwards. The rest of
 * the output buffer is where the plaintext goes, and is wiped. */
static bool opens_all(struct tls_keys *write, const struct tls_handed *h)
{
    struct tls_io *io = h->io;
    uint8_t *scratch = io->out + io->out_len;
    bool is_good = TLS_OUT_BYTES - io->out_len >= TLS_RECORD_BODY_MAX;
    size_t at = h->sent_from;

    while (is_good && at < io->out_len) {
        const uint8_t *record = io->out + at;
        struct tls_opened opened = {.plain = scratch};
        size_t left = io->out_len - at, bytes = TLS_RECORD_HEADER_BYTES;

        if (left > bytes)
            bytes += (size_t)record[3] << 8 | record[4];
        is_good = bytes > TLS_RECORD_HEADER_BYTES && bytes <= left &&
                  tls_record_open(io->crypto, write, record, &opened) == OK &&
                  opened.type == TLS_CONTENT_HANDSHAKE && opened.len > 0 &&
                  are_tickets(opened.plain, opened.len);
        if (is_good)
            secret_wipe(scratch, opened.len);
        at += bytes;
    }
    return is_good;
}

/* Content bytes a record of ours may have (RFC 6066 section 4); 0: as many as ever. */
static uint16_t fragment_max(const SSL *ssl)
{
    static const uint16_t bytes[] = {0, 512, 1024, 2048, 4096};
    uint8_t mode = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl));

    return mode < sizeof(bytes) / sizeof(bytes[0]) ? bytes[mode] : 0;
}

static enum tls_records make_keys(struct tls_taken_start *start, const struct tls_handed *h)
{
    const struct tls_secrets *s = h->secrets;
    uint16_t suite = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(h->ssl));

    if (suite != TLS_SUITE_AES_128_GCM_SHA256 && suite != TLS_SUITE_AES_256_GCM_SHA384 &&
        suite != TLS_SUITE_CHACHA20_POLY1305_SHA256)
        return TLS_RECORDS_SUITE;
    if (s->is_bad || s->client_bytes == 0 || s->server_bytes == 0)
        return TLS_RECORDS_SECRETS;
    if (tls_keys_set(start->crypto, &start->read, suite, s->client, s->client_bytes) != OK ||
        tls_keys_set(start->crypto, &start->write, suite, s->server, s->server_bytes) != OK)
        return TLS_RECORDS_SECRETS;
    if (SSL_has_pending(h->ssl) || SSL_get_shutdown(h->ssl) != 0 || !opens_all(&start->write, h))
        return TLS_RECORDS_MISMATCH;
    return TLS_RECORDS_OWN;
}

enum tls_records tls_handshake_take(struct tls_taken **out, const struct tls_handed *h)
{
    struct tls_taken_start start = {.crypto = h->io->crypto, .slab = h->io->slab};
    enum tls_records answer = TLS_RECORDS_VERSION;

    if (SSL_version(h->ssl) == TLS1_3_VERSION && !SSL_in_init(h->ssl))
        answer = make_keys(&start, h);
    if (answer == TLS_RECORDS_OWN) {
        start.fragment_max = fragment_max(h->ssl);
        if (tls_taken_new(out, &start) != OK)
            answer = TLS_RECORDS_MEMORY;
    }
    tls_keys_wipe(&start.read);
    tls_keys_wipe(&start.write);
    if (answer != TLS_RECORDS_OWN)
        tls_crypto_forget(start.crypto);
    return answer;
}
