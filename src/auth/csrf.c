/* SPDX-License-Identifier: Apache-2.0 */
/* csrf.c: a token is time, nonce and MAC in Base64url. Nothing is kept of a token that was issued;
 * of one that was used its nonce is, until its time is over, in a wheel with a slot for each second
 * in which tokens end, so that what is over is found without a walk. The MAC is checked before the
 * lock is taken: only tokens of ours ever reach the table. */
#include "auth/csrf.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/link.h"
#include "base/map.h"
#include "base/random.h"
#include "base/rd.h"
#include "base/status.h"
#include "base/wr.h"
#include "crypto/hmac.h"

#define NONCE_BYTES   16
#define MAC_BYTES     32
#define TOKEN_BYTES   (8 + NONCE_BYTES + MAC_BYTES)
#define TOKEN_CHARS   75 /* of Base64url without padding */
#define ORIGIN_MAX    512
#define AHEAD_S       60 /* a clock that was set back may leave tokens of the near future */
#define SLOTS         2048
#define DROPS_AT_ONCE 32 /* of one call; it adds one at most, so the table drains */

_Static_assert(SLOTS > CSRF_TTL_S + AHEAD_S, "two tokens of one slot end at the same time");
_Static_assert(TOKEN_CHARS < CSRF_TEXT_BYTES, "a token and its NUL have room");

/* What the MAC speaks of; the origin comes last, so everything before it has a fixed place. */
static const char domain[] = "gateward csrf token 1";
#define MESSAGE_MAX (sizeof(domain) + IDENTITY_SESSION_BYTES + 8 + NONCE_BYTES + ORIGIN_MAX)

struct used {
    struct link link;
    int64_t ends_s;
    uint8_t nonce[NONCE_BYTES];
};

struct csrf {
    struct hmac_key *key;
    pthread_mutex_t lock; /* for everything below */
    struct map used;
    struct link slots[SLOTS];
    int64_t swept_s;     /* slots of the seconds up to this one have been looked at */
    int64_t forgotten_s; /* a token that ends by then may have been used: it is over */
};

struct token {
    int64_t issued_s;
    uint8_t nonce[NONCE_BYTES], mac[MAC_BYTES];
};

const char *csrf_fault_text(enum csrf_fault fault)
{
    static const char *const texts[] = {"ok",         "csrf_missing", "csrf_malformed",
                                        "csrf_wrong", "csrf_expired", "csrf_used",
                                        "csrf_full"};

    return (unsigned)fault < sizeof(texts) / sizeof(texts[0]) ? texts[fault] : "csrf_wrong";
}

int csrf_new(struct csrf **out, const uint8_t key[CSRF_KEY_BYTES])
{
    struct csrf *c = calloc(1, sizeof(*c));
    int rc;

    if (c == NULL)
        return E_NOMEM;
    rc = hmac_key_new(&c->key, HMAC_SHA256, key, CSRF_KEY_BYTES);
    if (rc != OK) {
        free(c);
        return rc;
    }
    (void)pthread_mutex_init(&c->lock, NULL);
    map_init(&c->used, CSRF_USED_MAX);
    for (unsigned i = 0; i < SLOTS; i++)
        link_init(&c->slots[i]);
    *out = c;
    return OK;
}

static void forget(struct csrf *c, struct used *one)
{
    (void)map_remove(&c->used, view_of(one->nonce, NONCE_BYTES));
    link_remove(&one->link);
    free(one);
}

void csrf_free(struct csrf *c)
{
    if (c == NULL)
        return;
    for (unsigned i = 0; i < SLOTS; i++) {
        while (!link_is_alone(&c->slots[i]))
            forget(c, LINK_ITEM(c->slots[i].next, struct used, link));
    }
    map_clear(&c->used);
    (void)pthread_mutex_destroy(&c->lock);
    hmac_key_free(c->key);
    free(c);
}

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter + ('a' - 'A')) : letter;
}

/* What is signed; 0: no place that a token can be for. Letters of an origin have no case (R-G1). */
static size_t write_message(uint8_t message[MESSAGE_MAX], const struct csrf_place *place,
                            const struct token *token)
{
    struct wr w = wr_of(message, MESSAGE_MAX);

    if (place->session == NULL || place->origin.len == 0 || place->origin.len > ORIGIN_MAX)
        return 0;
    wr_bytes(&w, domain, sizeof(domain));
    wr_bytes(&w, place->session, IDENTITY_SESSION_BYTES);
    wr_u64(&w, (uint64_t)token->issued_s);
    wr_bytes(&w, token->nonce, NONCE_BYTES);
    for (size_t i = 0; i < place->origin.len; i++)
        wr_u8(&w, (uint8_t)lower(place->origin.ptr[i]));
    return w.failed ? 0 : wr_len(&w);
}

int csrf_issue(const struct csrf *c, const struct csrf_place *place, int64_t wall_s,
               char text[CSRF_TEXT_BYTES])
{
    struct token token = {.issued_s = wall_s};
    uint8_t message[MESSAGE_MAX], bytes[TOKEN_BYTES];
    struct wr w = wr_of(bytes, sizeof(bytes));
    size_t len;
    int rc;

    random_bytes(token.nonce, NONCE_BYTES);
    len = write_message(message, place, &token);
    if (len == 0 || wall_s < 0)
        return E_INVALID;
    rc = hmac_sign(token.mac, c->key, message, len);
    if (rc != OK)
        return rc;
    wr_u64(&w, (uint64_t)wall_s);
    wr_bytes(&w, token.nonce, NONCE_BYTES);
    wr_bytes(&w, token.mac, MAC_BYTES);
    text[base64url_encode(text, bytes, sizeof(bytes))] = '\0';
    return OK;
}

static bool decode(struct token *token, struct view text)
{
    uint8_t bytes[3 * (TOKEN_CHARS / 4) + 3];
    struct rd r;
    uint64_t issued_s;

    if (text.len != TOKEN_CHARS || base64url_decode(bytes, text) != TOKEN_BYTES)
        return false;
    r = rd_of(bytes, TOKEN_BYTES);
    issued_s = rd_u64(&r);
    memcpy(token->nonce, rd_bytes(&r, NONCE_BYTES).ptr, NONCE_BYTES);
    memcpy(token->mac, rd_bytes(&r, MAC_BYTES).ptr, MAC_BYTES);
    token->issued_s = (int64_t)issued_s;
    return issued_s <= INT64_MAX / 2;
}

/* --- used tokens, under the lock --- */

static struct link *slot_of(struct csrf *c, int64_t second)
{
    return &c->slots[(uint64_t)second % SLOTS];
}

/* Entries of a slot stand in the order in which they end. After a long silence, or where the clock
 * was set back, one turn of the wheel covers every slot. */
static void sweep(struct csrf *c, int64_t wall_s)
{
    unsigned drops = 0;

    if (c->swept_s < wall_s - SLOTS || c->swept_s > wall_s + AHEAD_S)
        c->swept_s = wall_s - SLOTS;
    while (c->swept_s < wall_s) {
        struct link *slot = slot_of(c, c->swept_s + 1);

        while (!link_is_alone(slot)) {
            struct used *one = LINK_ITEM(slot->next, struct used, link);

            if (one->ends_s > wall_s)
                break;
            if (drops++ == DROPS_AT_ONCE)
                return;
            if (one->ends_s > c->forgotten_s)
                c->forgotten_s = one->ends_s;
            forget(c, one);
        }
        c->swept_s++;
    }
}

static enum csrf_fault add(struct csrf *c, const struct token *token, int64_t ends_s)
{
    struct used *one = calloc(1, sizeof(*one));
    int rc;

    if (one == NULL)
        return CSRF_FULL;
    one->ends_s = ends_s;
    memcpy(one->nonce, token->nonce, NONCE_BYTES);
    rc = map_put(&c->used, view_of(one->nonce, NONCE_BYTES), one);
    if (rc == OK)
        link_append(slot_of(c, ends_s), &one->link);
    else
        free(one);
    return rc == OK ? CSRF_OK : CSRF_FULL;
}

static enum csrf_fault use_up(struct csrf *c, const struct token *token, int64_t wall_s)
{
    int64_t ends_s = token->issued_s + CSRF_TTL_S;
    enum csrf_fault fault;

    (void)pthread_mutex_lock(&c->lock);
    sweep(c, wall_s);
    if (map_find(&c->used, view_of(token->nonce, NONCE_BYTES)) != NULL)
        fault = CSRF_USED;
    else if (ends_s <= c->forgotten_s)
        fault = CSRF_EXPIRED;
    else
        fault = add(c, token, ends_s);
    (void)pthread_mutex_unlock(&c->lock);
    return fault;
}

enum csrf_fault csrf_check(struct csrf *c, const struct csrf_place *place, struct view token,
                           int64_t wall_s)
{
    uint8_t message[MESSAGE_MAX];
    struct token shown;
    size_t len;

    if (token.len == 0)
        return CSRF_MISSING;
    if (!decode(&shown, token))
        return CSRF_MALFORMED;
    len = write_message(message, place, &shown);
    if (len == 0 || hmac_verify(c->key, message, len, shown.mac, MAC_BYTES) != OK)
        return CSRF_WRONG;
    if (wall_s - shown.issued_s >= CSRF_TTL_S || shown.issued_s - wall_s > AHEAD_S)
        return CSRF_EXPIRED;
    return use_up(c, &shown, wall_s);
}
