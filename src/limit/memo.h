/* SPDX-License-Identifier: Apache-2.0 */
/* memo.h: what is remembered about somebody while anybody holds it, and after that for as long as
 * it matters. A bounded hash table in shards of one mutex each; any thread. Private to this room:
 * it is what user_table and conn_table have in common.
 *
 * An entry says itself from when on it no longer matters (`idle_ns`); that time must not change
 * while nobody holds the entry. So the entries that nobody holds wait in a heap by that time, and
 * the one to forget first is found without a search, exactly.
 *
 * Keys are not kept, only 128 bits of keyed hash: an entry has one size whatever a stranger calls
 * himself, and nobody who does not know the memo's secret finds two keys that share one. */
#ifndef LIMIT_MEMO_H
#define LIMIT_MEMO_H

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

/* The first member of every entry. */
struct memo_entry {
    struct memo_entry *next; /* in the bucket */
    uint64_t hash[2];        /* stands for the key */
    uint32_t heap_at;        /* where it waits in the heap while nobody holds it */
    uint32_t holders;
};

struct memo_kind {
    size_t entry_bytes; /* of the struct that begins with a memo_entry; it starts as zeros */
    uint64_t (*idle_ns)(const struct memo_entry *entry);
};

#define MEMO_KEY_BYTES_MAX 1024

struct memo;
/* E_NOMEM. */
int memo_new(struct memo **out, size_t max_entries, const struct memo_kind *kind);
void memo_free(struct memo *m); /* NULL is fine; nobody may hold anything any more */
/* Finds or makes the entry of `key` and holds it. E_LIMIT: held max_holders times already, or the
 * key is too long. E_FULL: the table is full of entries that matter. E_NOMEM. */
int memo_hold(struct memo *m, struct view key, uint32_t max_holders, uint64_t now_ns,
              struct memo_entry **out);
/* Gives one hold back. The entry may be gone afterwards. now_ns 0 where the time is not known. */
void memo_drop(struct memo *m, struct memo_entry *entry, uint64_t now_ns);
/* The same by key, which must be held. */
void memo_drop_key(struct memo *m, struct view key, uint64_t now_ns);
size_t memo_count(const struct memo *m);

#endif
