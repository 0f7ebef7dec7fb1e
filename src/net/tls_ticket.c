/* SPDX-License-Identifier: Apache-2.0 */
/* tls_ticket.c: session tickets under keys of our own (R-T5). OpenSSL would keep one key for the
 * life of the process; these change every 12 h and are gone after 24 h, so a stolen key opens a day
 * at most. Workers share them behind a mutex: it is held for copying 80 bytes, once a handshake. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "net/tls_private.h"

#define NAME_BYTES 16 /* of OpenSSL's ticket layout */
#define IV_BYTES   16

struct ticket_key {
    uint8_t name[NAME_BYTES];
    uint8_t cipher_key[32], mac_key[32];
    uint64_t made_ms;
    bool is_set;
};

struct tls_tickets {
    pthread_mutex_t lock;
    struct ticket_key current, previous;
    EVP_CIPHER *cipher;
};

static void make_key(struct ticket_key *key, uint64_t now_ms)
{
    random_bytes(key->name, sizeof(key->name));
    random_bytes(key->cipher_key, sizeof(key->cipher_key));
    random_bytes(key->mac_key, sizeof(key->mac_key));
    key->made_ms = now_ms;
    key->is_set = true;
}

static void turn_locked(struct tls_tickets *t, uint64_t now_ms)
{
    uint64_t age = now_ms > t->current.made_ms ? now_ms - t->current.made_ms : 0;

    if (age < TLS_TICKET_ROTATE_MS)
        return;
    t->previous = t->current;
    /* Nobody came for a whole period: then the key before this one is too old as well. */
    if (age >= 2 * TLS_TICKET_ROTATE_MS)
        secret_wipe(&t->previous, sizeof(t->previous));
    make_key(&t->current, now_ms);
}

void tls_tickets_turn(struct tls_tickets *t, uint64_t now_ms)
{
    (void)pthread_mutex_lock(&t->lock);
    turn_locked(t, now_ms);
    (void)pthread_mutex_unlock(&t->lock);
}

/* Copies the key to seal with (name NULL) or the one of that name. 0: none; 1: current; 2:
 * previous. */
static int pick(struct tls_tickets *t, const uint8_t *name, struct ticket_key *out)
{
    int found = 0;

    (void)pthread_mutex_lock(&t->lock);
    turn_locked(t, clock_mono_ms());
    if (name == NULL || memcmp(name, t->current.name, NAME_BYTES) == 0) {
        *out = t->current;
        found = 1;
    } else if (t->previous.is_set && memcmp(name, t->previous.name, NAME_BYTES) == 0) {
        *out = t->previous;
        found = 2;
    }
    (void)pthread_mutex_unlock(&t->lock);
    return found;
}

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac_key, sizeof(key->mac_key)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* Answers as SSL_CTX_set_tlsext_ticket_key_evp_cb(3) says: 1 fine, 2 fine but make a new ticket, 0
 * unknown key, -1 error. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int is_sealing)
{
    struct tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct ticket_key key;
    int answer = t != NULL ? pick(t, is_sealing ? NULL : name, &key) : 0;

    if (answer == 0)
        return 0;
    if (is_sealing) {
        memcpy(name, key.name, NAME_BYTES);
        random_bytes(iv, IV_BYTES);
    }
    if (EVP_CipherInit_ex(cipher, t->cipher, NULL, key.cipher_key, iv, is_sealing ? 1 : 0) != 1 ||
        !set_mac(mac, &key))
        answer = -1;
    secret_wipe(&key, sizeof(key));
    return answer;
}

/* The callback must be there all the same: without one OpenSSL uses keys of its own. */
int tls_tickets_none(struct ssl_ctx_st *context)
{
    return SSL_CTX_set_app_data(context, NULL) == 1 && SSL_CTX_set_num_tickets(context, 0) == 1 &&
                   SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) == 1
               ? OK
               : E_CRYPTO;
}

int tls_tickets_new(struct tls_tickets **out, struct ssl_ctx_st *context, uint64_t now_ms)
{
    struct tls_tickets *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return E_NOMEM;
    t->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    if (t->cipher == NULL) {
        free(t);
        return E_CRYPTO;
    }
    (void)pthread_mutex_init(&t->lock, NULL);
    make_key(&t->current, now_ms);
    if (SSL_CTX_set_app_data(context, t) != 1 ||
        SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) != 1) {
        tls_tickets_free(t);
        return E_CRYPTO;
    }
    *out = t;
    return OK;
}

void tls_tickets_free(struct tls_tickets *t)
{
    if (t == NULL)
        return;
    EVP_CIPHER_free(t->cipher);
    (void)pthread_mutex_destroy(&t->lock);
    secret_wipe(t, sizeof(*t));
    free(t);
}
