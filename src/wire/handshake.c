/* SPDX-License-Identifier: Apache-2.0 */
/* The server's half of the opening handshake: is this request an upgrade that RFC 6455 section 4.2
 * allows, and the 101 that follows. Each step answers with the refusal that the status table gives
 * it; the order of the steps is the order in which they are called in handshake_check. What a
 * refusal looks like stands in refusal.c. */
#include "wire/handshake.h"

#include "base/base64.h"
#include "base/num.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "wire/http_host.h"

#define KEY_BYTES         24
#define KEY_DECODED_BYTES 16
#define ACCEPT_BYTES      28
#define SHA1_BYTES        20
/* Each subprotocol is compared with all before it, so their number has a ceiling. */
#define PROTOCOLS_MAX 32

static const struct view guid = {"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36};

static unsigned count(const struct http1_request *request, struct view name)
{
    return http1_find(request, name, NULL);
}

/* RFC 9112 section 3.2: exactly one, and valid. Beside an absolute-form target it must say the
 * same, so that no two readers of the request can take it for different hosts. */
static enum refusal check_host(const struct http1_request *request)
{
    const struct http1_header *header;
    struct http_host host, authority;

    if (http1_find(request, VIEW("Host"), &header) != 1)
        return REFUSE_HOST_MISSING;
    if (!http_host_parse(&host, header->value))
        return REFUSE_HOST_MISSING;
    if (request->authority.ptr == NULL)
        return REFUSE_NONE;
    if (!http_host_parse(&authority, request->authority))
        return REFUSE_HOST_MISSING;
    if (authority.port != host.port || strcmp(authority.name, host.name) != 0)
        return REFUSE_HOST_MISSING;
    return REFUSE_NONE;
}

/* Fields that must not repeat: two readers could each believe another one (ST-01). */
static enum refusal check_repeats(const struct http1_request *request)
{
    if (count(request, VIEW("Authorization")) > 1)
        return REFUSE_CREDENTIALS_REPEATED;
    if (count(request, VIEW("Sec-WebSocket-Key")) > 1)
        return REFUSE_WS_KEY;
    if (count(request, VIEW("Origin")) > 1 || count(request, VIEW("Sec-WebSocket-Version")) > 1)
        return REFUSE_MALFORMED;
    return REFUSE_NONE;
}

/* How long the body says it is, if that can be said at all (RFC 9112 section 6.3): at most one
 * Content-Length, plain digits, and none beside Transfer-Encoding. */
static enum refusal check_framing(const struct http1_request *request, bool *has_body)
{
    const struct http1_header *header;
    unsigned lengths = http1_find(request, VIEW("Content-Length"), &header);
    bool has_coding = count(request, VIEW("Transfer-Encoding")) > 0;
    uint64_t bytes = 0;

    if (lengths > 1 || (lengths == 1 && has_coding))
        return REFUSE_MALFORMED;
    if (lengths == 1 && !num_parse_u64(header->value, UINT64_MAX, &bytes))
        return REFUSE_MALFORMED;
    *has_body = has_coding || bytes > 0;
    return REFUSE_NONE;
}

static enum refusal check_message(const struct http1_request *request)
{
    enum refusal why = check_host(request);
    bool has_body = true;

    if (why != REFUSE_NONE)
        return why;
    why = check_repeats(request);
    if (why != REFUSE_NONE)
        return why;
    why = check_framing(request, &has_body);
    if (why != REFUSE_NONE)
        return why;
    if (!view_eq(request->method, VIEW("GET")))
        return REFUSE_METHOD;
    return has_body ? REFUSE_BODY : REFUSE_NONE;
}

/* An HTTP/1.0 request cannot ask for an upgrade (RFC 9110 section 7.8). */
static bool is_upgrade(const struct http1_request *request)
{
    return request->minor >= 1 && http1_has_token(request, VIEW("Upgrade"), VIEW("websocket")) &&
           http1_has_token(request, VIEW("Connection"), VIEW("Upgrade"));
}

static enum refusal check_version(const struct http1_request *request)
{
    const struct http1_header *header;

    if (http1_find(request, VIEW("Sec-WebSocket-Version"), &header) == 0)
        return REFUSE_WS_VERSION_MISSING;
    return view_eq(header->value, VIEW("13")) ? REFUSE_NONE : REFUSE_WS_VERSION;
}

/* Base64 of 16 bytes. The bits behind the last byte need not be zero: those of the sample key in
 * RFC 6455 section 4.1 are not. The decoded bytes are of no use to anyone. */
static enum refusal check_key(struct view *key, const struct http1_request *request)
{
    const struct http1_header *header;
    uint8_t decoded[3 * (KEY_BYTES / 4) + 3];

    if (http1_find(request, VIEW("Sec-WebSocket-Key"), &header) != 1)
        return REFUSE_WS_KEY;
    if (header->value.len != KEY_BYTES)
        return REFUSE_WS_KEY;
    if (base64_decode(decoded, header->value) != KEY_DECODED_BYTES)
        return REFUSE_WS_KEY;
    *key = header->value;
    return REFUSE_NONE;
}

/* Walks the elements of all Sec-WebSocket-Protocol headers, which are one list. */
struct protocol_walk {
    const struct http1_request *request;
    uint32_t header;
    struct view rest;
    bool is_inside; /* rest holds what is left of the header before this one */
};

static bool protocol_next(struct protocol_walk *walk, struct view *element)
{
    const struct http1_request *request = walk->request;

    while (!walk->is_inside) {
        const struct http1_header *header;

        if (walk->header == request->headers_count)
            return false;
        header = &request->headers[walk->header++];
        walk->is_inside = view_eq_nocase(header->name, VIEW("Sec-WebSocket-Protocol"));
        walk->rest = header->value;
    }
    walk->is_inside = view_split(walk->rest, ',', element, &walk->rest);
    *element = view_trim(*element);
    return true;
}

/* RFC 6455 section 4.1 (10): tokens, none empty, none twice. */
static enum refusal check_protocols(struct view *protocols, const struct http1_request *request)
{
    struct protocol_walk walk = {.request = request};
    const struct http1_header *header;
    struct view seen[PROTOCOLS_MAX], element;
    unsigned seen_count = 0, i;

    while (protocol_next(&walk, &element)) {
        if (seen_count == PROTOCOLS_MAX || !http1_is_token(element))
            return REFUSE_WS_PROTOCOL;
        for (i = 0; i < seen_count; i++) {
            if (view_eq(seen[i], element))
                return REFUSE_WS_PROTOCOL;
        }
        seen[seen_count++] = element;
    }
    *protocols = VIEW("");
    if (http1_find(request, VIEW("Sec-WebSocket-Protocol"), &header) > 0)
        *protocols = header->value;
    return REFUSE_NONE;
}

/* Several headers are one list (R-H13). Joined they are shorter than the head they stood in, so the
 * scratch memory cannot be too small. */
static enum refusal check_extensions(struct ws_deflate_params *params,
                                     const struct http1_request *request,
                                     const struct ws_deflate_options *options)
{
    const struct view name = VIEW("Sec-WebSocket-Extensions");
    struct ws_deflate_params agreed = {.is_on = false};
    char scratch[HTTP1_HEAD_MAX];
    struct wr joined = wr_of(scratch, sizeof(scratch));
    unsigned headers = 0;
    uint32_t i;

    for (i = 0; i < request->headers_count; i++) {
        if (!view_eq_nocase(request->headers[i].name, name))
            continue;
        headers++;
        if (request->headers[i].value.len > 0 && wr_len(&joined) > 0)
            wr_text(&joined, ", ");
        wr_view(&joined, request->headers[i].value);
    }
    if (headers > 0) {
        if (joined.failed || wr_len(&joined) == 0)
            return REFUSE_WS_EXTENSIONS;
        if (ws_deflate_negotiate(&agreed, options, view_of(scratch, wr_len(&joined))) != 0)
            return REFUSE_WS_EXTENSIONS;
    }
    *params = agreed;
    return REFUSE_NONE;
}

enum refusal handshake_check(struct handshake *upgrade, const struct http1_request *request,
                             const struct ws_deflate_options *deflate)
{
    struct handshake made;
    enum refusal why = check_message(request);

    if (why != REFUSE_NONE)
        return why;
    if (!is_upgrade(request))
        return REFUSE_NOT_UPGRADE;
    why = check_version(request);
    if (why != REFUSE_NONE)
        return why;
    why = check_key(&made.key, request);
    if (why != REFUSE_NONE)
        return why;
    why = check_protocols(&made.protocols, request);
    if (why != REFUSE_NONE)
        return why;
    why = check_extensions(&made.deflate, request, deflate);
    if (why == REFUSE_NONE)
        *upgrade = made;
    return why;
}

bool handshake_offers_protocol(const struct http1_request *request, struct view ours)
{
    struct protocol_walk walk = {.request = request};
    struct view element;

    while (protocol_next(&walk, &element)) {
        if (element.len > 0 && view_eq(element, ours))
            return true;
    }
    return false;
}

int handshake_accept(char out[ACCEPT_BYTES], struct view key)
{
    uint8_t text[KEY_BYTES + 36], sum[SHA1_BYTES];
    int rc;

    if (key.len != KEY_BYTES)
        return E_INVALID;
    memcpy(text, key.ptr, KEY_BYTES);
    memcpy(text + KEY_BYTES, guid.ptr, guid.len);
    rc = digest_sha1(sum, text, sizeof(text));
    if (rc != 0)
        return rc;
    (void)base64_encode(out, sum, sizeof(sum));
    return 0;
}

int handshake_answer(struct wr *w, const struct handshake *upgrade, struct view protocol)
{
    char accept[ACCEPT_BYTES];
    int rc;

    /* The one thing of the client's that is sent back: a token cannot break out of its line. */
    if (protocol.len > 0 && !http1_is_token(protocol))
        return E_INVALID;
    rc = handshake_accept(accept, upgrade->key);
    if (rc != 0)
        return rc;
    wr_text(w, "HTTP/1.1 101 Switching Protocols\r\n"
               "Upgrade: websocket\r\n"
               "Connection: Upgrade\r\n"
               "Sec-WebSocket-Accept: ");
    wr_bytes(w, accept, sizeof(accept));
    wr_text(w, "\r\n");
    if (protocol.len > 0) {
        wr_text(w, "Sec-WebSocket-Protocol: ");
        wr_view(w, protocol);
        wr_text(w, "\r\n");
    }
    if (upgrade->deflate.is_on) {
        wr_text(w, "Sec-WebSocket-Extensions: ");
        ws_deflate_answer(w, &upgrade->deflate);
        wr_text(w, "\r\n");
    }
    wr_text(w, "\r\n");
    return w->failed ? E_LIMIT : 0;
}
