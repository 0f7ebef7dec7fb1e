/* SPDX-License-Identifier: Apache-2.0 */
/* event_end.c: "gateward-event-log-end SEQ MAC ID RUN SEGMENT SEAL", where the seal covers SEQ and
 * MAC. */
#include "server/event_end.h"

#include <errno.h>

#include "base/file.h"
#include "base/num.h"
#include "base/status.h"
#include "crypto/secret.h"

#define WORD    "gateward-event-log-end"
#define END_MAX 512

/* What is sealed. */
static struct view sealed(char out[END_MAX], uint64_t seq, const char *last)
{
    struct wr w = wr_of(out, END_MAX);

    wr_dec(&w, seq);
    wr_u8(&w, ' ');
    wr_bytes(&w, last, EVENT_HASH_TEXT);
    return view_of(out, wr_len(&w));
}

int event_end_write(const char *path, const struct event_chain *chain)
{
    char text[END_MAX], place[END_MAX], mark[EVENT_MARK_MAX], hex[2 * EVENT_KEY_BYTES];
    struct view what = sealed(place, chain->seq, chain->last);
    struct wr w = wr_of(text, sizeof(text));
    uint8_t seal[EVENT_KEY_BYTES];
    int rc = event_seal_end(&chain->seal, seal, what);

    if (rc != OK)
        return rc;
    wr_text(&w, WORD " ");
    wr_view(&w, what);
    wr_u8(&w, ' ');
    wr_view(&w, event_seal_mark(&chain->seal.mark, mark));
    wr_u8(&w, ' ');
    event_hex(hex, seal, sizeof(seal));
    wr_bytes(&w, hex, sizeof(hex));
    wr_u8(&w, '\n');
    return w.failed ? E_LIMIT : file_write(path, text, wr_len(&w), 0600);
}

/* The text without its word and its line feed. */
static bool parse(struct event_end *out, struct view text)
{
    struct view word, seq, last, id, run, segment, seal;

    if (!view_split(text, ' ', &word, &text) || !view_eq(word, VIEW(WORD)) ||
        !view_split(text, ' ', &seq, &text) || !view_split(text, ' ', &last, &text) ||
        last.len != EVENT_HASH_TEXT || !num_parse_u64(seq, UINT64_MAX - 1, &out->seq))
        return false;
    id = text;
    if (!view_split(text, ' ', &run, &text) || !view_split(text, ' ', &run, &text) ||
        !view_split(text, ' ', &segment, &seal))
        return false;
    id.len = (size_t)(segment.ptr + segment.len - id.ptr);
    memcpy(out->last, last.ptr, EVENT_HASH_TEXT);
    return event_seal_mark_read(&out->mark, id) && event_hex_read(out->seal, seal, EVENT_KEY_BYTES);
}

static int verify(const struct event_end *end, struct view key)
{
    struct event_seal seal = {.mark = {.segment = 0}};
    uint8_t mac[EVENT_KEY_BYTES];
    char place[END_MAX];
    int rc = event_seal_find(&seal, key, &end->mark);

    if (rc == OK)
        rc = event_seal_end(&seal, mac, sealed(place, end->seq, end->last));
    if (rc == OK && !ct_equal(mac, end->seal, sizeof(mac), sizeof(mac)))
        rc = E_DENIED;
    event_seal_wipe(&seal);
    return rc == E_LIMIT ? E_DENIED : rc;
}

int event_end_read(struct event_end *out, const char *path, struct view key)
{
    struct event_end end = {.seq = 0};
    struct buf text = BUF_INIT(END_MAX);
    struct view line, rest;
    int rc = file_read(&text, path);

    if (rc != OK) {
        buf_clear(&text);
        return rc == E_IO && errno == ENOENT ? E_MISSING : rc == E_LIMIT ? E_INVALID : rc;
    }
    rc = E_INVALID;
    if (view_split(buf_view(&text), '\n', &line, &rest) && rest.len == 0 && parse(&end, line))
        rc = verify(&end, key);
    if (rc == OK)
        *out = end;
    buf_clear(&text);
    return rc;
}
