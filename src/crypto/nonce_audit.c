/* SPDX-License-Identifier: Apache-2.0 */
/* nonce_audit.c: a table from keys to the number that comes next. It knows keys by a SipHash of
 * them alone, so it keeps no secret. It has room for SLOTS keys; when the places of one are taken,
 * an older key is forgotten: it may then miss a repetition, but never sees one that is not there.
 */
#include "crypto/nonce_audit.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/map.h"
#include "base/random.h"
#include "base/status.h"

#define SLOTS (1u << 14)
#define WAYS  4u

struct slot {
    uint64_t name; /* of the key; 0: free */
    uint64_t next; /* the lowest number that may be sealed */
};

struct nonce_audit {
    uint64_t hash_key[2];
    uint32_t turn; /* which way is given up next */
    struct slot slots[SLOTS];
};

int nonce_audit_new(struct nonce_audit **out)
{
    struct nonce_audit *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return E_NOMEM;
    random_bytes(a->hash_key, sizeof(a->hash_key));
    *out = a;
    return OK;
}

void nonce_audit_free(struct nonce_audit *a)
{
    free(a);
}

static struct slot *slot_of(struct nonce_audit *a, const void *key, size_t key_bytes)
{
    uint64_t name = siphash(a->hash_key, key, key_bytes) | 1;
    struct slot *set = &a->slots[(name >> 32) % (SLOTS / WAYS) * WAYS];
    struct slot *found = &set[a->turn++ % WAYS];

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].name == name)
            return &set[i];
        if (set[i].name == 0)
            found = &set[i];
    }
    *found = (struct slot){name, 0};
    return found;
}

void nonce_audit_seal(struct nonce_audit *a, const void *key, size_t key_bytes, uint64_t sequence)
{
    struct slot *slot = slot_of(a, key, key_bytes);

    ASSERT(sequence >= slot->next);
    slot->next = sequence + 1;
}

void nonce_audit_note(struct nonce_audit *a, const void *key, size_t key_bytes, uint64_t sequence)
{
    struct slot *slot = slot_of(a, key, key_bytes);

    if (sequence >= slot->next)
        slot->next = sequence + 1;
}
