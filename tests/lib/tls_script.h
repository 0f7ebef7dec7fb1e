/* SPDX-License-Identifier: Apache-2.0 */
/* tls_script.h: what a peer says after its handshake, written as a line of words, for tests:
 *   D5 a record of 5 bytes of data    P9 5 bytes and 9 of padding    Z9 nothing but 9 of padding
 *   H180000.. A0100 a record of handshake or alert bytes    T20:01 one of any type
 *   N new keys of the peer's    U0 U1 a KeyUpdate and then N    R1503.. bytes as they are
 *   Y the last record again    F6 a bit of its byte 6 flipped    X0304 D under another version
 * and 33*D0 for 33 of one. */
#ifndef TESTS_TLS_SCRIPT_H
#define TESTS_TLS_SCRIPT_H

#include <stdio.h>
#include <stdlib.h>

#include "tls_sealer.h"

#define SCRIPT_ROOM (1024 * 1024)

struct tls_script {
    struct tls_keys *keys;
    uint8_t *bytes; /* SCRIPT_ROOM */
    size_t len, last;
    size_t data; /* bytes of data in all D, P and X */
};

static inline size_t script_hex(uint8_t *out, const char *hex)
{
    size_t n = 0;

    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
        out[n++] = (uint8_t)strtoul((char[]){hex[0], hex[1], '\0'}, NULL, 16);
    return n;
}

static inline void script_record(struct tls_script *s, uint8_t type, const uint8_t *bytes,
                                 size_t len, size_t padding)
{
    s->last = s->len;
    s->len += sealer_content(s->keys, s->bytes + s->len, type, bytes, len, padding);
}

/* `n` bytes that tell where in all data they stand. */
static inline const uint8_t *script_data(struct tls_script *s, size_t n)
{
    static uint8_t data[17000];

    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)((s->data + i) * 131 >> 3);
    s->data += n;
    return data;
}

static inline void script_update(struct tls_script *s, const char *value)
{
    const uint8_t text[5] = {24, 0, 0, 1, (uint8_t)atoi(value)};

    script_record(s, 22, text, 5, 0);
    sealer_update(s->keys);
}

static inline void script_versioned(struct tls_script *s, const char *version)
{
    uint8_t inner[6] = {0, 0, 0, 0, 0, 23};

    memcpy(inner, script_data(s, 5), 5);
    s->last = s->len;
    s->bytes[s->len] = 23;
    (void)script_hex(s->bytes + s->len + 1, version);
    s->bytes[s->len + 3] = 0;
    s->bytes[s->len + 4] = 22;
    s->len += sealer_raw(s->keys, s->bytes + s->len, inner, 6);
}

static inline void script_word(struct tls_script *s, const char *word)
{
    static uint8_t bytes[17000];
    const char *rest = word + 1;
    size_t n = (size_t)strtoul(rest, NULL, 10);

    switch (word[0]) {
    case 'D':
        script_record(s, 23, script_data(s, n), n, 0);
        return;
    case 'P':
        script_record(s, 23, script_data(s, 5), 5, n);
        return;
    case 'Z':
        memset(bytes, 0, n);
        s->last = s->len;
        s->len += sealer_inner(s->keys, s->bytes + s->len, bytes, n);
        return;
    case 'H':
    case 'A':
        script_record(s, word[0] == 'H' ? 22 : 21, bytes, script_hex(bytes, rest), 0);
        return;
    case 'T':
        script_record(s, (uint8_t)n, bytes, script_hex(bytes, strchr(word, ':') + 1), 0);
        return;
    case 'N':
        sealer_update(s->keys);
        return;
    case 'U':
        script_update(s, rest);
        return;
    case 'R':
        s->last = s->len;
        s->len += script_hex(s->bytes + s->len, rest);
        return;
    case 'Y':
        memmove(s->bytes + s->len, s->bytes + s->last, s->len - s->last);
        n = s->len;
        s->len += s->len - s->last;
        s->last = n;
        return;
    case 'F':
        s->bytes[s->last + n] ^= 1;
        return;
    case 'X':
        script_versioned(s, rest);
        return;
    default:
        fprintf(stderr, "no such word: %s\n", word);
        abort();
    }
}

static inline void script_run(struct tls_script *s, const char *line)
{
    char *copy = strdup(line), *save = NULL;

    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        char *star = strchr(word, '*');
        long times = star != NULL ? strtol(word, NULL, 10) : 1;

        while (times-- > 0)
            script_word(s, star != NULL ? star + 1 : word);
    }
    free(copy);
}

#endif
