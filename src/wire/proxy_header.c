/* SPDX-License-Identifier: Apache-2.0 */
/* proxy_header.c: both versions of the PROXY protocol. Only TCP addresses name a client; datagrams
 * cannot be what was accepted here. Extensions of version 2 (TLVs) are skipped unread: nothing in
 * them is needed to know the client. */
#include "wire/proxy_header.h"

#include <string.h>

#include "base/rd.h"

#define V1_LINE_MAX 107 /* with its CRLF, as the protocol has it */
#define V2_FIXED    16
#define V2_TCP4     0x11
#define V2_TCP6     0x21
#define V2_UNIX     0x31
#define V2_UNSPEC   0x00

static const uint8_t v2_mark[12] = "\r\n\r\n\0\r\nQUIT\n";
static const uint8_t v1_mark[6] = "PROXY ";

static bool begins_like(const uint8_t *bytes, size_t len, const uint8_t *mark, size_t mark_bytes)
{
    return memcmp(bytes, mark, len < mark_bytes ? len : mark_bytes) == 0;
}

/* --- version 1 --- */

static bool read_port(struct view text, uint16_t *port)
{
    uint32_t value = 0;

    if (text.len == 0 || text.len > 5 || (text.len > 1 && text.ptr[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    *port = (uint16_t)value;
    return value <= UINT16_MAX;
}

/* "TCP4 192.0.2.1 192.0.2.9 51000 443", or "UNKNOWN" and whatever. */
static bool read_line(struct proxy_header *out, struct view line)
{
    struct view kind, part[4];
    struct ip_address server;
    uint16_t server_port;
    uint8_t family;

    (void)view_split(line, ' ', &kind, &line);
    if (view_eq(kind, VIEW("UNKNOWN")))
        return true;
    family = view_eq(kind, VIEW("TCP4")) ? 4 : view_eq(kind, VIEW("TCP6")) ? 6 : 0;
    for (int i = 0; i < 3; i++) {
        if (!view_split(line, ' ', &part[i], &line))
            return false;
    }
    part[3] = line;
    out->has_client = true;
    return family != 0 && ip_address_parse(&out->client, part[0]) &&
           ip_address_parse(&server, part[1]) && out->client.family == family &&
           server.family == family && read_port(part[2], &out->client_port) &&
           read_port(part[3], &server_port);
}

static enum proxy_step decode_v1(struct proxy_header *out, const uint8_t *bytes, size_t len)
{
    size_t seen = len < V1_LINE_MAX ? len : V1_LINE_MAX;
    const uint8_t *end = memchr(bytes, '\n', seen);
    struct proxy_header header = {0};

    seen = end != NULL ? (size_t)(end - bytes) : seen;
    for (size_t i = 0; i + 1 < seen; i++) {
        if (bytes[i] < ' ' || bytes[i] > '~')
            return PROXY_BAD; /* a CR with anything but LF behind it among them */
    }
    if (end == NULL)
        return len < V1_LINE_MAX ? PROXY_MORE : PROXY_BAD;
    header.bytes = (size_t)(end - bytes) + 1;
    if (header.bytes < sizeof(v1_mark) + 2 || end[-1] != '\r' ||
        !read_line(&header, view_of(bytes + sizeof(v1_mark), header.bytes - sizeof(v1_mark) - 2)))
        return PROXY_BAD;
    *out = header;
    return PROXY_DONE;
}

/* --- version 2 --- */

static bool read_block(struct proxy_header *out, uint8_t family, struct rd *r)
{
    size_t width = family == V2_TCP4 ? 4 : 16;
    struct view client;

    if (family == V2_UNSPEC || family == V2_UNIX)
        return true;
    if (family != V2_TCP4 && family != V2_TCP6)
        return false;
    client = rd_bytes(r, width);
    (void)rd_bytes(r, width);
    out->client_port = rd_u16(r);
    (void)rd_u16(r);
    if (r->failed)
        return false;
    memcpy(out->client.bytes, client.ptr, width);
    out->client.family = family == V2_TCP4 ? 4 : 6;
    out->has_client = true;
    return true;
}

static enum proxy_step decode_v2(struct proxy_header *out, const uint8_t *bytes, size_t len)
{
    struct proxy_header header = {0};
    struct rd r = rd_of(bytes, len);
    uint8_t command, family;
    size_t block;

    if (len > 12 && bytes[12] != 0x20 && bytes[12] != 0x21)
        return PROXY_BAD;
    if (len < V2_FIXED)
        return PROXY_MORE;
    (void)rd_bytes(&r, sizeof(v2_mark));
    command = rd_u8(&r);
    family = rd_u8(&r);
    block = rd_u16(&r);
    if (block > PROXY_HEADER_MAX - V2_FIXED)
        return PROXY_BAD;
    if (rd_left(&r) < block)
        return PROXY_MORE;
    r = rd_of(bytes + V2_FIXED, block);
    if (command == 0x21 && !read_block(&header, family, &r))
        return PROXY_BAD;
    header.bytes = V2_FIXED + block;
    *out = header;
    return PROXY_DONE;
}

enum proxy_step proxy_header_decode(struct proxy_header *out, const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return PROXY_MORE;
    if (begins_like(bytes, len, v2_mark, sizeof(v2_mark)))
        return decode_v2(out, bytes, len);
    if (begins_like(bytes, len, v1_mark, sizeof(v1_mark)))
        return decode_v1(out, bytes, len);
    return PROXY_BAD;
}
