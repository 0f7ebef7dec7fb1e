/* SPDX-License-Identifier: Apache-2.0 */
/* First the seam (what is left of before, and as much of the new bytes), then the new bytes. */
#include "bench/word_count.h"

#include <string.h>

static uint64_t count(struct view word, struct view bytes, size_t *end)
{
    uint64_t found = 0;
    const char *at;

    *end = 0;
    while ((at = memmem(bytes.ptr + *end, bytes.len - *end, word.ptr, word.len)) != NULL) {
        *end = (size_t)(at - bytes.ptr) + word.len;
        found++;
    }
    return found;
}

/* Keeps the last bytes of seam and input that may be the beginning of a word. */
static void keep(struct word_count *w, struct view word, struct view bytes)
{
    char both[2 * WORD_COUNT_BYTES_MAX];
    size_t fresh = bytes.len < word.len - 1 ? bytes.len : word.len - 1, len, kept;

    memcpy(both, w->tail, w->len);
    memcpy(both + w->len, bytes.ptr + bytes.len - fresh, fresh);
    len = w->len + fresh;
    kept = len < word.len - 1 ? len : word.len - 1;
    memcpy(w->tail, both + len - kept, kept);
    w->len = (uint8_t)kept;
}

uint64_t word_count_feed(struct word_count *w, struct view word, struct view bytes)
{
    char seam[2 * WORD_COUNT_BYTES_MAX];
    size_t fresh = bytes.len < word.len - 1 ? bytes.len : word.len - 1, end, used = 0;
    uint64_t found;

    memcpy(seam, w->tail, w->len);
    memcpy(seam + w->len, bytes.ptr, fresh);
    found = count(word, view_of(seam, w->len + fresh), &end);
    if (end > 0) { /* bytes that belong to a word are not looked at again */
        used = end - w->len;
        w->len = 0;
    }
    bytes = view_of(bytes.ptr + used, bytes.len - used);
    found += count(word, bytes, &end);
    if (end > 0)
        w->len = 0;
    keep(w, word, view_of(bytes.ptr + end, bytes.len - end));
    return found;
}
