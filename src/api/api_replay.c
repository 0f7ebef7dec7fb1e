/* SPDX-License-Identifier: Apache-2.0 */
/* api_replay.c: a map under a random key, and a ring of the finished ones in the order in which
 * they end. A request is held against an old one by the SHA-256 of its body. */
#include "api/api_replay.h"

#include <stdlib.h>

#include "base/link.h"
#include "base/map.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

/* Room that is kept for the answers of the calls under way. */
#define SPARE_BYTES (4u * 1024u * 1024u)

struct api_replay_entry {
    struct link link; /* of the finished ones; alone while it is under way */
    uint64_t until_ms;
    uint8_t digest[32]; /* of the body */
    char *path, *answer;
    size_t answer_bytes;
    bool is_done;
    size_t name_bytes;
    char name[]; /* owner, NUL, key */
};
struct api_replays {
    struct map entries;
    struct link done; /* oldest first */
    size_t bytes;
};

int api_replays_new(struct api_replays **out)
{
    struct api_replays *replays = calloc(1, sizeof(*replays));

    if (replays == NULL)
        return E_NOMEM;
    map_init(&replays->entries, API_REPLAY_ENTRIES);
    link_init(&replays->done);
    *out = replays;
    return OK;
}

static void entry_free(struct api_replay_entry *entry)
{
    if (entry->answer != NULL)
        secret_wipe(entry->answer, entry->answer_bytes);
    free(entry->answer);
    free(entry->path);
    free(entry);
}

void api_replays_free(struct api_replays *replays)
{
    struct api_replay_entry *entry;
    size_t cursor = 0;

    if (replays == NULL)
        return;
    while ((entry = map_next(&replays->entries, &cursor)) != NULL)
        entry_free(entry);
    map_clear(&replays->entries);
    free(replays);
}

bool api_replay_key_ok(struct view key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] <= ' ' || key.ptr[i] > '~')
            return false;
    }
    return key.len > 0 && key.len <= API_REPLAY_KEY_MAX;
}

void api_replay_forget(struct api_replays *replays, struct api_replay_entry *entry)
{
    (void)map_remove(&replays->entries, view_of(entry->name, entry->name_bytes));
    link_remove(&entry->link);
    replays->bytes -= entry->answer_bytes;
    entry_free(entry);
}

static void drop_old(struct api_replays *replays, uint64_t now_ms)
{
    while (!link_is_alone(&replays->done)) {
        struct api_replay_entry *oldest =
            LINK_ITEM(replays->done.next, struct api_replay_entry, link);

        if (oldest->until_ms > now_ms)
            return;
        api_replay_forget(replays, oldest);
    }
}

static struct api_replay_entry *entry_new(const struct api_replay_ask *ask,
                                          const uint8_t digest[32])
{
    size_t name_bytes = ask->owner.len + 1 + ask->key.len;
    struct api_replay_entry *entry = calloc(1, sizeof(*entry) + name_bytes);

    if (entry == NULL)
        return NULL;
    link_init(&entry->link);
    memcpy(entry->digest, digest, sizeof(entry->digest));
    memcpy(entry->name, ask->owner.ptr, ask->owner.len);
    memcpy(entry->name + ask->owner.len + 1, ask->key.ptr, ask->key.len);
    entry->name_bytes = name_bytes;
    entry->path = view_dup(ask->path);
    if (entry->path == NULL) {
        free(entry);
        return NULL;
    }
    return entry;
}

enum api_replay_found api_replay_begin(struct api_replays *replays, struct api_replay_entry **entry,
                                       struct view *body, const struct api_replay_ask *ask,
                                       uint64_t now_ms)
{
    struct api_replay_entry *fresh, *found;
    uint8_t digest[32];

    drop_old(replays, now_ms);
    if (digest_sha256(digest, ask->body.ptr, ask->body.len) != OK)
        return API_REPLAY_FULL;
    fresh = entry_new(ask, digest);
    if (fresh == NULL)
        return API_REPLAY_FULL;
    found = map_find(&replays->entries, view_of(fresh->name, fresh->name_bytes));
    if (found == NULL && replays->bytes <= API_REPLAY_BYTES_MAX - SPARE_BYTES &&
        map_put(&replays->entries, view_of(fresh->name, fresh->name_bytes), fresh) == OK) {
        *entry = fresh;
        return API_REPLAY_NEW;
    }
    entry_free(fresh);
    if (found == NULL)
        return API_REPLAY_FULL;
    if (memcmp(found->digest, digest, sizeof(digest)) != 0 ||
        !view_eq(view_of_text(found->path), ask->path))
        return API_REPLAY_OTHER;
    if (!found->is_done)
        return API_REPLAY_BUSY;
    *body = view_of(found->answer, found->answer_bytes);
    return API_REPLAY_KNOWN;
}

void api_replay_finish(struct api_replays *replays, struct api_replay_entry *entry,
                       struct view body, uint64_t now_ms)
{
    if (body.len <= API_REPLAY_BYTES_MAX - replays->bytes)
        entry->answer = malloc(body.len + 1);
    if (entry->answer == NULL) {
        api_replay_forget(replays, entry);
        return;
    }
    memcpy(entry->answer, body.ptr, body.len);
    entry->answer_bytes = body.len;
    replays->bytes += body.len;
    entry->is_done = true;
    entry->until_ms = now_ms + API_REPLAY_MS;
    link_append(&replays->done, &entry->link);
}
