/* SPDX-License-Identifier: Apache-2.0 */
/* event_chain.c: a chained line ends in ,"prev":"HASH","hash":"HASH"} where the second is the
 * SHA-256, in hexadecimal digits, of all bytes of the line before ,"hash". */
#include "server/event_chain.h"

#include "base/status.h"
#include "crypto/digest.h"

#define PREV       ",\"prev\":\""
#define HASH       ",\"hash\":\""
#define TAIL_BYTES (sizeof(HASH) - 1 + EVENT_HASH_TEXT + 2) /* of ,"hash" to the end */
#define HEAD_BYTES (sizeof(PREV) - 1 + EVENT_HASH_TEXT + 1)

_Static_assert(TAIL_BYTES + HEAD_BYTES - 1 == EVENT_CHAIN_BYTES, "the brace was there before");

static void hash_text(char out[EVENT_HASH_TEXT], struct view bytes)
{
    uint8_t digest[32];

    if (digest_sha256(digest, bytes.ptr, bytes.len) != OK)
        memset(digest, 0, sizeof(digest)); /* fits nothing: the line will be named */
    for (unsigned i = 0; i < sizeof(digest); i++) {
        out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
}

void event_chain_init(struct event_chain *chain)
{
    memset(chain->last, '0', EVENT_HASH_TEXT);
    chain->last[EVENT_HASH_TEXT] = '\0';
}

void event_chain_write(struct event_chain *chain, struct wr *w, struct view line)
{
    size_t before = wr_len(w);

    if (line.len < 2) {
        w->failed = true;
        return;
    }
    wr_bytes(w, line.ptr, line.len - 2); /* without the brace and the line feed */
    wr_text(w, PREV);
    wr_text(w, chain->last);
    wr_u8(w, '"');
    if (w->failed)
        return;
    hash_text(chain->last, view_of(w->start + before, wr_len(w) - before));
    wr_text(w, HASH);
    wr_text(w, chain->last);
    wr_text(w, "\"}\n");
}

static bool has_at(struct view line, size_t at, const char *text)
{
    return memcmp(line.ptr + at, text, strlen(text)) == 0;
}

enum event_link event_chain_check(struct event_chain *chain, struct view line)
{
    char hash[EVENT_HASH_TEXT];
    enum event_link link = EVENT_LINK_GOOD;
    size_t tail, head;
    const char *told;

    if (line.len <= TAIL_BYTES + HEAD_BYTES)
        return EVENT_LINK_NONE;
    tail = line.len - TAIL_BYTES;
    head = tail - HEAD_BYTES;
    if (!has_at(line, head, PREV) || !has_at(line, tail - 1, "\"" HASH) ||
        !has_at(line, line.len - 2, "\"}"))
        return EVENT_LINK_NONE;
    told = line.ptr + tail + sizeof(HASH) - 1;
    hash_text(hash, view_of(line.ptr, tail));
    if (memcmp(line.ptr + head + sizeof(PREV) - 1, chain->last, EVENT_HASH_TEXT) != 0)
        link = EVENT_LINK_BROKEN;
    if (memcmp(hash, told, EVENT_HASH_TEXT) != 0)
        link = EVENT_LINK_CHANGED;
    memcpy(chain->last, told, EVENT_HASH_TEXT);
    return link;
}
