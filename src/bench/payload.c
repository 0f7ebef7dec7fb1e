/* SPDX-License-Identifier: Apache-2.0 */
/* payload.c: words and times. */
#include "bench/payload.h"

#include <string.h>

#include "base/status.h"

static const char mark[] = "gwb:";
#define MARK_BYTES (sizeof(mark) - 1)
#define HEX_DIGITS 16

static const char words[] =
    "Shall we meet at the station at a quarter past nine. The early train is full of people, and "
    "the later one has a coach where one can talk. I bring the tea and you the map. ";

void payload_fill(char *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        size_t once = len - done < sizeof(words) - 1 ? len - done : sizeof(words) - 1;

        memcpy(bytes + done, words, once);
        done += once;
    }
}

void payload_stamp(char *bytes, uint64_t ns)
{
    static const char digits[] = "0123456789abcdef";

    memcpy(bytes, mark, MARK_BYTES);
    for (unsigned i = 0; i < HEX_DIGITS; i++)
        bytes[MARK_BYTES + i] = digits[ns >> (4 * (HEX_DIGITS - 1 - i)) & 15];
    bytes[MARK_BYTES + HEX_DIGITS] = ':';
}

static bool read_stamp(const char *at, uint64_t *ns)
{
    uint64_t value = 0;

    if (memcmp(at, mark, MARK_BYTES) != 0 || at[MARK_BYTES + HEX_DIGITS] != ':')
        return false;
    for (unsigned i = 0; i < HEX_DIGITS; i++) {
        char c = at[MARK_BYTES + i];

        if (c >= '0' && c <= '9')
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *ns = value;
    return true;
}

bool payload_find_stamp(struct view message, struct payload_seen *seen, uint64_t *ns)
{
    const char *at;

    if (message.len < PAYLOAD_STAMP_BYTES)
        return false;
    if (seen->at <= message.len - PAYLOAD_STAMP_BYTES &&
        memcmp(message.ptr + seen->at, seen->text, PAYLOAD_STAMP_BYTES) == 0) {
        *ns = seen->ns;
        return true;
    }
    at = memmem(message.ptr, message.len, mark, MARK_BYTES);
    if (at == NULL || (size_t)(at - message.ptr) > message.len - PAYLOAD_STAMP_BYTES ||
        !read_stamp(at, ns))
        return false;
    seen->at = (size_t)(at - message.ptr);
    seen->ns = *ns;
    memcpy(seen->text, at, PAYLOAD_STAMP_BYTES);
    return true;
}

static int append_payload(struct buf *out, size_t bytes, size_t *at)
{
    int rc = buf_reserve(out, bytes);

    if (rc != OK)
        return rc;
    *at = out->len;
    payload_fill((char *)out->data + out->len, bytes);
    out->len += bytes;
    return OK;
}

int payload_format(struct buf *out, const char *form, size_t bytes, size_t *at)
{
    static const char hole[] = "{data}";
    const char *found = form != NULL ? strstr(form, hole) : NULL;
    int rc;

    *at = 0;
    if (form == NULL)
        return append_payload(out, bytes, at);
    if (found == NULL)
        return buf_append(out, form, strlen(form));
    rc = buf_append(out, form, (size_t)(found - form));
    if (rc == OK)
        rc = append_payload(out, bytes, at);
    if (rc == OK)
        rc = buf_append(out, found + sizeof(hole) - 1, strlen(found + sizeof(hole) - 1));
    return rc;
}
