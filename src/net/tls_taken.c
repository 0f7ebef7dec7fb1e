/* SPDX-License-Identifier: Apache-2.0 */
/* tls_taken.c: what OpenSSL's record layer did for a connection, done by us (RFC 8446 sections 4.6,
 * 5 and 6). Whatever a peer says wrongly ends here: one alert, both keys wiped, and nothing is
 * opened or sealed any more. A header is judged before its body is awaited, a record is opened
 * where it lies, and only one that is incomplete is copied. Records that bring no data are counted
 * together, whatever they are, so no mixture of them gets further than one kind alone. */
#include "net/tls_taken.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "crypto/secret_slab.h"

#define IDLE_MAX       32 /* records without data in a row */
#define TICKET_MAX     (16 * 1024)
#define MESSAGE_HEADER 4

enum { MESSAGE_TICKET = 4, MESSAGE_KEY_UPDATE = 24 };
enum { LEVEL_WARNING = 1, LEVEL_FATAL = 2 };

enum why {
    WHY_NONE,
    WHY_MAC,
    WHY_TYPE,
    WHY_VERSION,
    WHY_LENGTH,
    WHY_INTERLEAVED,
    WHY_UPDATES,
    WHY_IDLE,
    WHY_EMPTY,
    WHY_ALERT,
    WHY_MESSAGE,
    WHY_MESSAGE_LENGTH,
    WHY_BOUNDARY,
    WHY_UPDATE,
    WHY_OUTPUT,
    WHY_CRYPTO,
    WHY_MEMORY,
    WHY_CLOSED,
    WHY_PEER = 0x100 /* plus the alert that it sent */
};

static const char *const texts[] = {
    [WHY_NONE] = "",
    [WHY_MAC] = "decryption failed or bad record mac",
    [WHY_TYPE] = "bad record type",
    [WHY_VERSION] = "wrong version number",
    [WHY_LENGTH] = "data length too long",
    [WHY_INTERLEAVED] = "a record inside a handshake message",
    [WHY_UPDATES] = "too many key updates",
    [WHY_IDLE] = "too many records without data",
    [WHY_EMPTY] = "an empty handshake message or alert",
    [WHY_ALERT] = "invalid alert",
    [WHY_MESSAGE] = "unexpected message",
    [WHY_MESSAGE_LENGTH] = "a handshake message of the wrong length",
    [WHY_BOUNDARY] = "a key update that does not end its record",
    [WHY_UPDATE] = "bad key update",
    [WHY_OUTPUT] = "too much output at once",
    [WHY_CRYPTO] = "the record layer has no key, or OpenSSL failed",
    [WHY_MEMORY] = "out of memory",
    [WHY_CLOSED] = "closed already",
};

struct tls_taken {
    struct tls_crypto *crypto;
    struct secret_slab *slab;
    uint8_t *part; /* of a record; from 5 bytes on with room for all of it */
    struct tls_keys read, write;
    uint32_t key_records;
    uint16_t part_len;
    uint16_t fragment_max;
    uint16_t ticket_left; /* bytes of a ticket that are still to be ignored */
    uint16_t why;
    uint8_t message[MESSAGE_HEADER]; /* of a handshake message that is incomplete */
    uint8_t message_len;
    uint8_t idle; /* records since the last data */
    bool is_client : 1;
    bool is_over : 1;     /* failed */
    bool has_ended : 1;   /* the peer's close_notify came */
    bool said_close : 1;  /* ours is out */
    bool owes_update : 1; /* the peer asked for new keys of ours */
    bool has_asked : 1;   /* we did, since the peer's last ones */
};

int tls_taken_slab_new(struct secret_slab **out)
{
    return secret_slab_new(out, sizeof(struct tls_taken));
}

int tls_taken_new(struct tls_taken **out, struct tls_taken_start *start)
{
    struct tls_taken *t =
        start->slab != NULL ? secret_slab_take(start->slab) : calloc(1, sizeof(*t));
    uint32_t due = start->key_records;

    if (t != NULL) {
        t->crypto = start->crypto;
        t->slab = start->slab;
        t->read = start->read;
        t->write = start->write;
        t->fragment_max = start->fragment_max;
        if (t->fragment_max == 0 || t->fragment_max > TLS_RECORD_PLAIN_MAX)
            t->fragment_max = TLS_RECORD_PLAIN_MAX;
        t->key_records = due == 0 || due > TLS_KEY_RECORDS_DUE ? TLS_KEY_RECORDS_DUE : due;
        t->is_client = start->is_client;
        *out = t;
    }
    tls_keys_wipe(&start->read);
    tls_keys_wipe(&start->write);
    return t != NULL ? OK : E_NOMEM;
}

static void part_drop(struct tls_taken *t)
{
    free(t->part); /* ciphertext: no secret */
    t->part = NULL;
    t->part_len = 0;
}

void tls_taken_free(struct tls_taken *t)
{
    struct tls_crypto *crypto;

    if (t == NULL)
        return;
    crypto = t->crypto;
    part_drop(t);
    if (t->slab != NULL) {
        secret_slab_give(t->slab, t); /* wipes */
    } else {
        secret_wipe(t, sizeof(*t));
        free(t);
    }
    tls_crypto_forget(crypto);
}

static size_t part_bytes(const struct tls_taken *t)
{
    if (t->part == NULL)
        return 0;
    if (t->part_len < TLS_RECORD_HEADER_BYTES)
        return TLS_RECORD_HEADER_BYTES;
    return TLS_RECORD_HEADER_BYTES + ((size_t)t->part[3] << 8 | t->part[4]);
}

size_t tls_taken_bytes(const struct tls_taken *t)
{
    return sizeof(*t) + part_bytes(t);
}

const char *tls_taken_detail(const struct tls_taken *t)
{
    const char *text;

    if (t->why < WHY_PEER)
        return texts[t->why];
    text = ERR_reason_error_string(
        ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + (t->why - WHY_PEER)));
    return text != NULL ? text : "an alert of no known kind";
}

/* ---- ends ---- */

static enum tls_step give_up(struct tls_taken *t, unsigned why)
{
    tls_keys_wipe(&t->read);
    tls_keys_wipe(&t->write);
    tls_crypto_forget(t->crypto);
    part_drop(t);
    t->is_over = true;
    t->why = (uint16_t)why;
    return TLS_STEP_FAILED;
}

/* One record to io->out. False: no room, or it could not be sealed. */
static bool put(struct tls_taken *t, struct tls_io *io, uint8_t type, const uint8_t *bytes,
                size_t len)
{
    struct tls_plain plain = {bytes, len, type};
    size_t n;

    if (len + TLS_RECORD_OVERHEAD > TLS_OUT_BYTES - io->out_len) {
        t->why = WHY_OUTPUT;
        return false;
    }
    n = tls_record_seal(t->crypto, &t->write, &plain, io->out + io->out_len);
    io->out_len += n;
    if (n == 0)
        t->why = WHY_CRYPTO;
    return n > 0;
}

static enum tls_step refuse(struct tls_taken *t, struct tls_io *io, uint8_t alert, enum why why)
{
    const uint8_t text[2] = {LEVEL_FATAL, alert};

    (void)put(t, io, TLS_CONTENT_ALERT, text,
              sizeof(text)); /* not after our close: no key is left */
    return give_up(t, why);
}

/* Behind what tls_record.h found wrong. */
static enum tls_step refuse_record(struct tls_taken *t, struct tls_io *io, uint8_t alert)
{
    switch (alert) {
    case TLS_ALERT_BAD_RECORD_MAC:
        return refuse(t, io, alert, WHY_MAC);
    case TLS_ALERT_RECORD_OVERFLOW:
        return refuse(t, io, alert, WHY_LENGTH);
    case TLS_ALERT_DECODE_ERROR:
        return refuse(t, io, alert, WHY_VERSION);
    case TLS_ALERT_UNEXPECTED_MESSAGE:
        return refuse(t, io, alert, WHY_TYPE);
    default:
        return refuse(t, io, TLS_ALERT_INTERNAL_ERROR, WHY_CRYPTO);
    }
}

/* A record that brought no data. TLS_STEP_MORE: go on. */
static enum tls_step note_idle(struct tls_taken *t, struct tls_io *io, enum why why)
{
    if (t->idle >= IDLE_MAX)
        return refuse(t, io, TLS_ALERT_UNEXPECTED_MESSAGE, why);
    t->idle++;
    return TLS_STEP_MORE;
}

/* ---- what records say ---- */

static bool is_inside_message(const struct tls_taken *t)
{
    return t->message_len > 0 || t->ticket_left > 0;
}

static enum tls_step take_alert(struct tls_taken *t, struct tls_io *io, const uint8_t *bytes,
                                size_t len)
{
    if (len == 0)
        return refuse(t, io, TLS_ALERT_UNEXPECTED_MESSAGE, WHY_EMPTY);
    if (len != 2)
        return refuse(t, io, TLS_ALERT_DECODE_ERROR, WHY_ALERT);
    switch (bytes[1]) {
    case TLS_ALERT_CLOSE_NOTIFY:
        t->has_ended = true;
        tls_keys_wipe(&t->read);
        return TLS_STEP_CLOSED;
    case TLS_ALERT_USER_CANCELED:
        if (is_inside_message(t))
            return refuse(t, io, TLS_ALERT_UNEXPECTED_MESSAGE, WHY_INTERLEAVED);
        return note_idle(t, io, WHY_IDLE);
    default:
        /* The level means nothing in TLS 1.3: all others are fatal (section 6). */
        return give_up(t, WHY_PEER + bytes[1]);
    }
}

/* What stands behind the header of a KeyUpdate. Nothing may follow it in its record: what comes
 * after is under another key (section 5.1). */
static enum tls_step take_key_update(struct tls_taken *t, struct tls_io *io, const uint8_t *bytes,
                                     size_t len)
{
    if (len != 1)
        return refuse(t, io, TLS_ALERT_UNEXPECTED_MESSAGE, WHY_BOUNDARY);
    if (bytes[0] > 1)
        return refuse(t, io, TLS_ALERT_ILLEGAL_PARAMETER, WHY_UPDATE);
    t->message_len = 0;
    if (tls_keys_update(t->crypto, &t->read) != OK)
        return refuse(t, io, TLS_ALERT_INTERNAL_ERROR, WHY_CRYPTO);
    t->has_asked = false;
    /* Answered before our next data, once, however often it was asked (section 4.6.3). */
    if (bytes[0] == 1)
        t->owes_update = true;
    return TLS_STEP_MORE;
}

/* The next byte of a message's header. */
static enum tls_step take_header_byte(struct tls_taken *t, struct tls_io *io, uint8_t byte)
{
    size_t size;

    t->message[t->message_len++] = byte;
    if (t->message_len == 1 && byte != MESSAGE_KEY_UPDATE &&
        !(byte == MESSAGE_TICKET && t->is_client))
        return refuse(t, io, TLS_ALERT_UNEXPECTED_MESSAGE, WHY_MESSAGE);
    if (t->message_len < MESSAGE_HEADER)
        return TLS_STEP_MORE;
    size = (size_t)t->message[1] << 16 | (size_t)t->message[2] << 8 | t->message[3];
    if (t->message[0] == MESSAGE_KEY_UPDATE)
        return size == 1 ? TLS_STEP_MORE
                         : refuse(t, io, TLS_ALERT_DECODE_ERROR, WHY_MESSAGE_LENGTH);
    if (size > TICKET_MAX)
        return refuse(t, io, TLS_ALERT_ILLEGAL_PARAMETER, WHY_MESSAGE_LENGTH);
    t->ticket_left = (uint16_t)size;
    t->message_len = 0;
    return TLS_STEP_MORE;
}

static enum tls_step take_handshake(struct tls_taken *t, struct tls_io *io, const uint8_t *bytes,
                                    size_t len)
{
    enum tls_step step;

    if (len == 0)
        return refuse(t, io, TLS_ALERT_UNEXPECTED_MESSAGE, WHY_EMPTY);
    step = note_idle(t, io, WHY_UPDATES);
    while (step == TLS_STEP_MORE && len > 0) {
        size_t n = 1;

        if (t->message_len == MESSAGE_HEADER)
            return take_key_update(t, io, bytes, len);
        if (t->ticket_left > 0) {
            n = len < t->ticket_left ? len : t->ticket_left;
            t->ticket_left = (uint16_t)(t->ticket_left - n);
        } else {
            step = take_header_byte(t, io, bytes[0]);
        }
        bytes += n;
        len -= n;
    }
    return step;
}

/* One opened record. TLS_STEP_MORE: go on; *data: bytes of it that are the application's. */
static enum tls_step take_record(struct tls_taken *t, struct tls_io *io,
                                 const struct tls_opened *record, size_t *data)
{
    if (record->len > t->fragment_max)
        return refuse(t, io, TLS_ALERT_RECORD_OVERFLOW, WHY_LENGTH);
    switch (record->type) {
    case TLS_CONTENT_DATA:
        if (is_inside_message(t))
            return refuse(t, io, TLS_ALERT_UNEXPECTED_MESSAGE, WHY_INTERLEAVED);
        if (record->len == 0)
            return note_idle(t, io, WHY_IDLE);
        t->idle = 0;
        *data = record->len;
        return TLS_STEP_MORE;
    case TLS_CONTENT_ALERT:
        return take_alert(t, io, record->plain, record->len);
    case TLS_CONTENT_HANDSHAKE:
        return take_handshake(t, io, record->plain, record->len);
    default:
        return refuse(t, io, TLS_ALERT_UNEXPECTED_MESSAGE, WHY_TYPE);
    }
}

/* ---- in ---- */

static void consume(struct tls_io *io, size_t n)
{
    io->in += n;
    io->in_len -= n;
}

/* Gives t->part the room that its header asks for. */
static enum tls_step part_grow(struct tls_taken *t, struct tls_io *io)
{
    uint8_t *grown, alert;
    size_t body;

    if (tls_record_look(t->part, &body, &alert) != OK)
        return refuse_record(t, io, alert);
    grown = realloc(t->part, TLS_RECORD_HEADER_BYTES + body);
    if (grown == NULL)
        return refuse(t, io, TLS_ALERT_INTERNAL_ERROR, WHY_MEMORY);
    t->part = grown;
    return TLS_STEP_MORE;
}

/* Takes input into t->part. TLS_STEP_DONE: the record is whole. */
static enum tls_step part_fill(struct tls_taken *t, struct tls_io *io)
{
    enum tls_step step = TLS_STEP_MORE;

    if (t->part == NULL) {
        t->part = malloc(TLS_RECORD_HEADER_BYTES);
        if (t->part == NULL)
            return refuse(t, io, TLS_ALERT_INTERNAL_ERROR, WHY_MEMORY);
    }
    while (step == TLS_STEP_MORE && io->in_len > 0) {
        size_t missing = part_bytes(t) - t->part_len;
        size_t n = io->in_len < missing ? io->in_len : missing;
        bool was_header = t->part_len < TLS_RECORD_HEADER_BYTES;

        memcpy(t->part + t->part_len, io->in, n);
        t->part_len = (uint16_t)(t->part_len + n);
        consume(io, n);
        if (n == missing)
            step = was_header ? part_grow(t, io) : TLS_STEP_DONE;
    }
    return step;
}

/* The next whole record, in io->in or in t->part. NULL, with *step: there is none, or `room` is too
 * small for it. */
static const uint8_t *record_next(struct tls_taken *t, struct tls_io *io, size_t room,
                                  enum tls_step *step)
{
    const uint8_t *record = io->in;
    uint8_t alert;
    size_t body;

    *step = TLS_STEP_MORE;
    if (t->part == NULL && io->in_len >= TLS_RECORD_HEADER_BYTES) {
        if (tls_record_look(record, &body, &alert) != OK) {
            *step = refuse_record(t, io, alert);
            return NULL;
        }
        if (room < body) {
            *step = TLS_STEP_DONE;
            return NULL;
        }
        if (io->in_len - TLS_RECORD_HEADER_BYTES >= body) {
            consume(io, TLS_RECORD_HEADER_BYTES + body);
            return record;
        }
    }
    if (io->in_len > 0)
        *step = part_fill(t, io);
    return *step == TLS_STEP_DONE ? t->part : NULL;
}

enum tls_step tls_taken_open(struct tls_taken *t, struct tls_io *io, uint8_t *plain, size_t cap,
                             size_t *len)
{
    enum tls_step step = t->is_over ? TLS_STEP_FAILED : TLS_STEP_MORE;

    ASSERT(cap >= TLS_RECORD_BODY_MAX);
    *len = 0;
    while (step == TLS_STEP_MORE && !t->has_ended) {
        const uint8_t *record = record_next(t, io, cap - *len, &step);
        struct tls_opened opened = {.plain = plain + *len};
        size_t data = 0;
        int rc;

        if (record == NULL)
            return step;
        rc = tls_record_open(t->crypto, &t->read, record, &opened);
        part_drop(t); /* was whole, if there was one */
        step = rc == OK ? take_record(t, io, &opened, &data) : refuse_record(t, io, opened.alert);
        *len += data;
    }
    if (step == TLS_STEP_FAILED || !t->has_ended)
        return step;
    consume(io, io->in_len); /* ignored (section 6.1) */
    return TLS_STEP_CLOSED;
}

/* ---- out ---- */

/* A KeyUpdate before data, when the peer asked for it or a key has sealed enough. A peer whose own
 * key has is asked for a new one, once. */
static bool refresh_keys(struct tls_taken *t, struct tls_io *io)
{
    bool asks = t->read.sequence >= t->key_records && !t->has_asked && !t->has_ended;
    const uint8_t text[5] = {MESSAGE_KEY_UPDATE, 0, 0, 1, asks ? 1 : 0};

    if (!asks && !t->owes_update && t->write.sequence < t->key_records)
        return true;
    if (!put(t, io, TLS_CONTENT_HANDSHAKE, text, sizeof(text)))
        return false;
    t->owes_update = false;
    t->has_asked = t->has_asked || asks;
    if (tls_keys_update(t->crypto, &t->write) == OK)
        return true;
    t->why = WHY_CRYPTO;
    return false;
}

bool tls_taken_seal(struct tls_taken *t, struct tls_io *io, const uint8_t *bytes, size_t len)
{
    if (t->said_close)
        t->why = WHY_CLOSED;
    if (t->is_over || t->said_close)
        return false;
    while (len > 0) {
        size_t n = len < t->fragment_max ? len : t->fragment_max;

        if (!refresh_keys(t, io) || !put(t, io, TLS_CONTENT_DATA, bytes, n)) {
            (void)give_up(t, t->why);
            return false;
        }
        bytes += n;
        len -= n;
    }
    return true;
}

void tls_taken_close(struct tls_taken *t, struct tls_io *io)
{
    static const uint8_t text[2] = {LEVEL_WARNING, TLS_ALERT_CLOSE_NOTIFY};

    if (t->is_over || t->said_close)
        return;
    t->said_close = true;
    if (!put(t, io, TLS_CONTENT_ALERT, text, sizeof(text)))
        (void)give_up(t, t->why);
    tls_keys_wipe(&t->write);
}
