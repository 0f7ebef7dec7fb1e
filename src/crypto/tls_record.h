/* SPDX-License-Identifier: Apache-2.0 */
/* tls_record.h: records of TLS 1.3 under application keys (RFC 8446 sections 5.2 to 5.5 and 7.2):
 * seal, open, ratchet. Pure: no socket, no I/O. Key, IV and sequence number live in one struct and
 * go to OpenSSL's AEAD together, anew for each record: nothing is cached between records, so one
 * connection's key can never meet another's number. Not thread-safe: one tls_crypto a loop. */
#ifndef CRYPTO_TLS_RECORD_H
#define CRYPTO_TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_RECORD_HEADER_BYTES 5
#define TLS_RECORD_TAG_BYTES    16
#define TLS_RECORD_PLAIN_MAX    16384 /* of content, without its type and padding */
/* What sealing adds: header, content type, tag. */
#define TLS_RECORD_OVERHEAD (TLS_RECORD_HEADER_BYTES + 1 + TLS_RECORD_TAG_BYTES)
/* The longest body after a header (RFC 8446 section 5.2): 2^14 + 256. */
#define TLS_RECORD_BODY_MAX (TLS_RECORD_PLAIN_MAX + 256)

#define TLS_SECRET_MAX 48

/* Cipher suites that can be taken over, by their numbers on the wire. */
enum tls_suite {
    TLS_SUITE_AES_128_GCM_SHA256 = 0x1301,
    TLS_SUITE_AES_256_GCM_SHA384 = 0x1302,
    TLS_SUITE_CHACHA20_POLY1305_SHA256 = 0x1303
};

enum tls_content {
    TLS_CONTENT_CHANGE_CIPHER_SPEC = 20,
    TLS_CONTENT_ALERT = 21,
    TLS_CONTENT_HANDSHAKE = 22,
    TLS_CONTENT_DATA = 23
};

/* Alerts of RFC 8446 section 6 that a record layer says; 0 stands for none. */
enum tls_alert {
    TLS_ALERT_CLOSE_NOTIFY = 0,
    TLS_ALERT_UNEXPECTED_MESSAGE = 10,
    TLS_ALERT_BAD_RECORD_MAC = 20,
    TLS_ALERT_RECORD_OVERFLOW = 22,
    TLS_ALERT_ILLEGAL_PARAMETER = 47,
    TLS_ALERT_DECODE_ERROR = 50,
    TLS_ALERT_INTERNAL_ERROR = 80,
    TLS_ALERT_USER_CANCELED = 90
};

/* One direction of one connection. Move it, never copy it to have two: a number used twice under
 * one key gives away the key. */
struct tls_keys {
    uint64_t sequence; /* of the next record; changed by seal, open, set and update alone */
    uint16_t suite;    /* enum tls_suite */
    uint8_t secret_bytes;
    uint8_t iv[12];
    uint8_t key[32];
    uint8_t secret[TLS_SECRET_MAX];
};

/* Contexts that all connections of a loop share, and what they need beside. */
struct tls_crypto;
int tls_crypto_new(struct tls_crypto **out); /* E_NOMEM, E_CRYPTO: OpenSSL lacks an algorithm */
void tls_crypto_free(struct tls_crypto *c);  /* wipes; NULL is fine */
/* The contexts still hold the last key that was used: forgets it. For after tls_keys_wipe, when a
 * connection ends; an update does it by itself. */
void tls_crypto_forget(struct tls_crypto *c);

/* Key and IV of a traffic secret, sequence 0. E_INVALID: no such suite, or a secret of another
 * length than its hash. E_CRYPTO. On failure *keys is wiped. */
int tls_keys_set(struct tls_crypto *c, struct tls_keys *keys, uint16_t suite, const uint8_t *secret,
                 size_t secret_bytes);
/* The next generation (RFC 8446 section 7.2), sequence 0. On failure *keys is wiped: the connection
 * ends. */
int tls_keys_update(struct tls_crypto *c, struct tls_keys *keys);
void tls_keys_wipe(struct tls_keys *keys);
/* RFC 8446 section 5.5 allows 2^24.5 full records under one AES-GCM key. A KeyUpdate is due at a
 * quarter of 2^24; at 2^24 nothing is sealed any more. */
#define TLS_KEY_RECORDS_DUE (1u << 22)
#define TLS_KEY_RECORDS_MAX (1u << 24)

/* One record of `len` <= TLS_RECORD_PLAIN_MAX bytes to out, which has room for len +
 * TLS_RECORD_OVERHEAD and may not overlap. Bytes written; 0: OpenSSL failed, the keys were wiped or
 * are worn out; the connection ends. The number is used up in either case. */
struct tls_plain {
    const uint8_t *bytes;
    size_t len;
    uint8_t type; /* enum tls_content */
};
size_t tls_record_seal(struct tls_crypto *c, struct tls_keys *keys, const struct tls_plain *plain,
                       uint8_t *out);

/* What the five bytes of a header say: *body, the length of what follows them. E_DENIED with
 * *alert: unexpected_message (the outer type is not application data), decode_error (not 0x0303),
 * record_overflow (a body over 2^14 + 256), bad_record_mac (too short to hold a type and a tag). */
int tls_record_look(const uint8_t *header, size_t *body, uint8_t *alert);

struct tls_opened {
    uint8_t *plain; /* in: room for the record's body; may be the body itself */
    size_t len;     /* of the content */
    uint8_t type;   /* its enum tls_content; other values are the caller's to refuse */
    uint8_t alert;  /* E_DENIED: enum tls_alert */
};
/* One whole protected record: `record` is its header and the body whose length the header says. OK,
 * or E_DENIED with out->alert set to what the peer is to be told: those of tls_record_look,
 * bad_record_mac (one alert for all that decryption can find), unexpected_message (nothing but
 * padding), record_overflow (content over 2^14), internal_error. What was refused is wiped out of
 * `plain`. The number is used up in either case, unless the header was refused: opening a record of
 * our own under a struct that started at its number moves the number on just as sealing it did. */
int tls_record_open(struct tls_crypto *c, struct tls_keys *keys, const uint8_t *record,
                    struct tls_opened *out);

#endif
