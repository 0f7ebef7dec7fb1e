/* SPDX-License-Identifier: Apache-2.0 */
/* event_seal.c: every step is HMAC-SHA-256 under the key before it, over a word that says what is
 * made: no key tells anything about the one it came from, or about its sisters. */
#include "server/event_seal.h"

#include <string.h>

#include "base/num.h"
#include "base/random.h"
#include "base/status.h"
#include "base/wr.h"
#include "crypto/hmac.h"
#include "crypto/secret.h"

static int mac_of(uint8_t out[EVENT_KEY_BYTES], struct view key, struct view bytes)
{
    struct hmac_key *hmac = NULL;
    int rc = hmac_key_new(&hmac, HMAC_SHA256, key.ptr, key.len);

    if (rc == OK)
        rc = hmac_sign(out, hmac, bytes.ptr, bytes.len);
    hmac_key_free(hmac);
    return rc;
}

/* out may be the key itself. */
static int derive(uint8_t out[EVENT_KEY_BYTES], const uint8_t key[EVENT_KEY_BYTES],
                  struct view word)
{
    return mac_of(out, view_of(key, EVENT_KEY_BYTES), word);
}

static int begin(struct event_seal *s, struct view key, const uint8_t run[EVENT_RUN_BYTES])
{
    static const struct view id_word = VIEW("gateward event log: id"),
                             run_word = VIEW("gateward event log: run ");
    uint8_t id[EVENT_KEY_BYTES], text[64];
    int rc = mac_of(id, key, id_word);

    *s = (struct event_seal){.mark = {.segment = 0}};
    memcpy(s->mark.run, run, EVENT_RUN_BYTES);
    memcpy(text, run_word.ptr, run_word.len);
    memcpy(text + run_word.len, run, EVENT_RUN_BYTES);
    if (rc == OK)
        rc = mac_of(s->next, key, view_of(text, run_word.len + EVENT_RUN_BYTES));
    if (rc == OK)
        memcpy(s->mark.id, id, EVENT_ID_BYTES);
    return rc;
}

int event_seal_begin(struct event_seal *s, struct view key)
{
    uint8_t run[EVENT_RUN_BYTES];

    random_bytes(run, sizeof(run));
    return begin(s, key, run);
}

int event_seal_turn(struct event_seal *s)
{
    int rc = derive(s->line, s->next, VIEW("line"));

    if (rc == OK)
        rc = derive(s->end, s->next, VIEW("end"));
    if (rc == OK)
        rc = derive(s->next, s->next, VIEW("next"));
    if (rc == OK)
        s->mark.segment++;
    return rc;
}

/* Marks are read in their order nearly always: then it is one step. */
int event_seal_find(struct event_seal *s, struct view key, const struct event_mark *mark)
{
    struct event_seal found = *s;
    int rc = OK;

    if (memcmp(s->mark.run, mark->run, EVENT_RUN_BYTES) != 0 || s->mark.segment >= mark->segment)
        rc = begin(&found, key, mark->run);
    if (rc == OK && memcmp(found.mark.id, mark->id, EVENT_ID_BYTES) != 0)
        rc = E_DENIED;
    if (rc == OK && mark->segment - found.mark.segment > EVENT_SEEK_MAX)
        rc = E_LIMIT;
    while (rc == OK && found.mark.segment < mark->segment)
        rc = event_seal_turn(&found);
    if (rc == OK)
        *s = found;
    event_seal_wipe(&found);
    return rc;
}

int event_seal_line(struct event_seal *s, uint8_t mac[EVENT_KEY_BYTES], struct view line)
{
    int rc = mac_of(mac, view_of(s->line, EVENT_KEY_BYTES), line);

    return rc == OK ? event_seal_skip(s, 1) : rc;
}

int event_seal_skip(struct event_seal *s, uint64_t lines)
{
    int rc = lines <= EVENT_SKIP_MAX ? OK : E_LIMIT;

    for (uint64_t i = 0; rc == OK && i < lines; i++)
        rc = derive(s->line, s->line, VIEW("next line"));
    return rc;
}

int event_seal_end(const struct event_seal *s, uint8_t mac[EVENT_KEY_BYTES], struct view text)
{
    return mac_of(mac, view_of(s->end, EVENT_KEY_BYTES), text);
}

void event_seal_wipe(struct event_seal *s)
{
    secret_wipe(s, sizeof(*s));
}

/* --- text --- */

void event_hex(char *out, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool event_hex_read(uint8_t *out, struct view text, size_t count)
{
    if (text.len != 2 * count)
        return false;
    for (size_t i = 0; i < count; i++) {
        int high = digit_of(text.ptr[2 * i]), low = digit_of(text.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

struct view event_seal_mark(const struct event_mark *mark, char out[EVENT_MARK_MAX])
{
    struct wr w = wr_of(out, EVENT_MARK_MAX);
    char hex[2 * EVENT_RUN_BYTES];

    event_hex(hex, mark->id, EVENT_ID_BYTES);
    wr_bytes(&w, hex, 2 * EVENT_ID_BYTES);
    wr_u8(&w, ' ');
    event_hex(hex, mark->run, EVENT_RUN_BYTES);
    wr_bytes(&w, hex, 2 * EVENT_RUN_BYTES);
    wr_u8(&w, ' ');
    wr_dec(&w, mark->segment);
    return view_of(out, wr_len(&w));
}

bool event_seal_mark_read(struct event_mark *out, struct view text)
{
    struct view id, run, segment;
    struct event_mark mark;
    uint64_t number;

    if (!view_split(text, ' ', &id, &text) || !view_split(text, ' ', &run, &segment) ||
        !event_hex_read(mark.id, id, EVENT_ID_BYTES) ||
        !event_hex_read(mark.run, run, EVENT_RUN_BYTES) ||
        !num_parse_u64(segment, UINT32_MAX, &number) || number == 0)
        return false;
    mark.segment = (uint32_t)number;
    *out = mark;
    return true;
}
