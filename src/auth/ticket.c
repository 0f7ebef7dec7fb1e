/* SPDX-License-Identifier: Apache-2.0 */
/* ticket.c: tickets in shards of one mutex each. All tickets of a shard are forgotten the same time
 * after they end, so the ring in order of issue is (but for the differences of 30 s in their life)
 * the order in which to forget. A ticket is found by the first half of its digest under a keyed
 * hash, and compared whole in constant time. */
#include "auth/ticket.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/link.h"
#include "base/map.h"
#include "base/random.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#define SHARDS       16
#define DIGEST_BYTES 32
#define KEY_BYTES    16 /* of the digest: enough to be alone, and the rest is compared afterwards */

struct ticket {
    struct link link;
    uint8_t digest[DIGEST_BYTES];
    uint64_t expires_ms, forget_ms;
    bool is_used;
    struct identity who;
    uint16_t origin_bytes, session_bytes;
    bool has_origin;
    char text[]; /* origin, then session */
};

struct shard {
    pthread_mutex_t lock;
    struct map map;
    struct link oldest; /* ring in order of issue */
};

struct tickets {
    struct shard shards[SHARDS];
};

const char *ticket_fault_text(enum ticket_fault fault)
{
    static const char *const texts[] = {"ok", "ticket_unknown", "ticket_expired", "ticket_used",
                                        "ticket_origin"};

    return (unsigned)fault < sizeof(texts) / sizeof(texts[0]) ? texts[fault] : "ticket_unknown";
}

int tickets_new(struct tickets **out, uint32_t max)
{
    struct tickets *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return E_NOMEM;
    for (unsigned i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_init(&t->shards[i].lock, NULL);
        map_init(&t->shards[i].map, (max + SHARDS - 1) / SHARDS);
        link_init(&t->shards[i].oldest);
    }
    *out = t;
    return OK;
}

static struct view key_of(const struct ticket *one)
{
    return view_of(one->digest, KEY_BYTES);
}

static void forget(struct shard *s, struct ticket *one)
{
    (void)map_remove(&s->map, key_of(one));
    link_remove(&one->link);
    secret_wipe(one, sizeof(*one) + one->origin_bytes + one->session_bytes);
    free(one);
}

void tickets_free(struct tickets *t)
{
    if (t == NULL)
        return;
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *s = &t->shards[i];

        while (!link_is_alone(&s->oldest))
            forget(s, LINK_ITEM(s->oldest.next, struct ticket, link));
        map_clear(&s->map);
        (void)pthread_mutex_destroy(&s->lock);
    }
    free(t);
}

/* Makes room by what can be missed: past its time of remembrance, or (when the shard is full) over
 * already. A ticket that is still good never makes room. */
static void make_room(struct shard *s, uint64_t now_ms)
{
    while (!link_is_alone(&s->oldest)) {
        struct ticket *one = LINK_ITEM(s->oldest.next, struct ticket, link);
        bool is_full = s->map.count >= s->map.max_count;
        bool is_over = one->is_used || one->expires_ms <= now_ms;

        if (one->forget_ms > now_ms && !(is_full && is_over))
            return;
        forget(s, one);
    }
}

static int put(struct shard *s, struct ticket *one, uint64_t now_ms)
{
    int rc;

    (void)pthread_mutex_lock(&s->lock);
    make_room(s, now_ms);
    rc = map_put(&s->map, key_of(one), one);
    if (rc == OK)
        link_append(&s->oldest, &one->link);
    (void)pthread_mutex_unlock(&s->lock);
    return rc == E_LIMIT ? E_FULL : rc;
}

static struct shard *shard_of(struct tickets *t, const uint8_t *digest)
{
    return &t->shards[digest[KEY_BYTES] % SHARDS];
}

int tickets_issue(struct tickets *t, const struct ticket_offer *offer, uint64_t now_ms,
                  char text[TICKET_TEXT_BYTES])
{
    uint8_t bytes[TICKET_BYTES];
    char made[TICKET_TEXT_BYTES];
    struct ticket *one;
    int rc;

    if (offer->ttl_s == 0 || offer->ttl_s > TICKET_TTL_S_MAX ||
        offer->origin.len > TICKET_ORIGIN_MAX || offer->session.len > TICKET_SESSION_MAX)
        return E_INVALID;
    one = calloc(1, sizeof(*one) + offer->origin.len + offer->session.len);
    if (one == NULL)
        return E_NOMEM;
    random_bytes(bytes, sizeof(bytes));
    made[base64url_encode(made, bytes, sizeof(bytes))] = '\0';
    rc = digest_sha256(one->digest, made, TICKET_TEXT_BYTES - 1);
    one->expires_ms = now_ms + (uint64_t)offer->ttl_s * 1000;
    one->forget_ms = one->expires_ms + TICKET_REMEMBER_MS;
    one->who = offer->who;
    one->has_origin = offer->origin.ptr != NULL;
    one->origin_bytes = (uint16_t)offer->origin.len;
    one->session_bytes = (uint16_t)offer->session.len;
    if (offer->origin.len > 0)
        memcpy(one->text, offer->origin.ptr, offer->origin.len);
    if (offer->session.len > 0)
        memcpy(one->text + offer->origin.len, offer->session.ptr, offer->session.len);
    if (rc == OK)
        rc = put(shard_of(t, one->digest), one, now_ms);
    if (rc == OK)
        memcpy(text, made, sizeof(made));
    else
        free(one);
    secret_wipe(bytes, sizeof(bytes));
    secret_wipe(made, sizeof(made));
    return rc;
}

static enum ticket_fault judge(const struct ticket *one, const struct ticket_shown *shown)
{
    if (one->is_used)
        return TICKET_USED;
    if (one->expires_ms <= shown->now_ms)
        return TICKET_EXPIRED;
    if (one->has_origin && (shown->origin.ptr == NULL ||
                            !view_eq(shown->origin, view_of(one->text, one->origin_bytes))))
        return TICKET_ORIGIN;
    return TICKET_OK;
}

static void tell_session(const struct ticket *one, struct ticket_session *out)
{
    if (out == NULL)
        return;
    memcpy(out->id, one->text + one->origin_bytes, one->session_bytes);
    out->bytes = one->session_bytes;
}

enum ticket_fault tickets_redeem(struct tickets *t, struct identity *who,
                                 const struct ticket_shown *shown)
{
    enum ticket_fault fault = TICKET_UNKNOWN;
    uint8_t digest[DIGEST_BYTES];
    struct ticket *one;
    struct shard *s;

    if (shown->ticket.len != TICKET_TEXT_BYTES - 1 ||
        digest_sha256(digest, shown->ticket.ptr, shown->ticket.len) != OK)
        return TICKET_UNKNOWN;
    s = shard_of(t, digest);
    (void)pthread_mutex_lock(&s->lock);
    one = map_find(&s->map, view_of(digest, KEY_BYTES));
    if (one != NULL && ct_equal(one->digest, digest, DIGEST_BYTES, DIGEST_BYTES)) {
        fault = judge(one, shown);
        if (fault == TICKET_OK) {
            *who = one->who;
            tell_session(one, shown->session);
        }
        if (fault != TICKET_EXPIRED)
            one->is_used = true;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return fault;
}
