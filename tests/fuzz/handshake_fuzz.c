/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto wire */
/* Parse, check, answer. The first byte picks the options and the refusal; the rest is the request.
 * Whatever comes in, what goes out is one well formed answer made of our own lines. */
#include "base/assert.h"
#include "wire/handshake.h"

#define ANSWER_MAX 32768

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool line_starts(struct view line, const char *name)
{
    return view_starts_with(line, view_of_text(name));
}

static bool is_101_line(struct view line)
{
    return view_eq(line, VIEW("Upgrade: websocket")) ||
           view_eq(line, VIEW("Connection: Upgrade")) ||
           (line_starts(line, "Sec-WebSocket-Accept: ") && line.len == 22 + 28) ||
           line_starts(line, "Sec-WebSocket-Protocol: ") ||
           line_starts(line, "Sec-WebSocket-Extensions: permessage-deflate");
}

static bool is_refusal_line(struct view line)
{
    static const char *const names[] = {"Upgrade: websocket",
                                        "Connection: ",
                                        "Content-Type: application/json",
                                        "Content-Length: ",
                                        "X-Content-Type-Options: nosniff",
                                        "Strict-Transport-Security: ",
                                        "Cache-Control: no-store",
                                        "WWW-Authenticate: Bearer ",
                                        "Allow: GET",
                                        "Sec-WebSocket-Version: 13",
                                        "Retry-After: "};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (line_starts(line, names[i]))
            return true;
    }
    return false;
}

/* Walks the head line by line; returns what is behind it. */
static struct view check_head(struct view answer, const char *start, bool (*is_ours)(struct view))
{
    struct view line;
    unsigned lines = 0;
    size_t i;

    for (;;) {
        ASSERT(view_split(answer, '\n', &line, &answer));
        ASSERT(line.len > 0 && line.ptr[line.len - 1] == '\r');
        line.len--;
        for (i = 0; i < line.len; i++)
            ASSERT(line.ptr[i] >= ' ' && line.ptr[i] < 0x7f);
        if (line.len == 0)
            return answer;
        ASSERT(lines == 0 ? line_starts(line, start) : is_ours(line));
        ASSERT(++lines <= 12);
    }
}

static void check_upgrade(const struct http1_request *request, const struct handshake *upgrade,
                          const struct ws_deflate_options *options)
{
    static uint8_t bytes[ANSWER_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));
    struct view ours, rest;

    ASSERT(view_eq(request->method, VIEW("GET")) && request->minor == 1);
    ASSERT(http1_find(request, VIEW("Host"), NULL) == 1);
    ASSERT(http1_find(request, VIEW("Sec-WebSocket-Key"), NULL) == 1);
    ASSERT(http1_find(request, VIEW("Sec-WebSocket-Version"), NULL) == 1);
    ASSERT(http1_find(request, VIEW("Transfer-Encoding"), NULL) == 0);
    ASSERT(http1_has_token(request, VIEW("Upgrade"), VIEW("websocket")));
    ASSERT(http1_has_token(request, VIEW("Connection"), VIEW("upgrade")));
    ASSERT(upgrade->key.len == 24);
    ASSERT(options->is_enabled || !upgrade->deflate.is_on);
    (void)view_split(upgrade->protocols, ',', &ours, &rest);
    ours = view_trim(ours);
    ASSERT(handshake_offers_protocol(request, ours) == (ours.len > 0));
    ASSERT(handshake_answer(&w, upgrade, ours) == 0);
    ASSERT(check_head(view_of(bytes, wr_len(&w)), "HTTP/1.1 101 ", is_101_line).len == 0);
}

static void check_refusal(enum refusal why, bool is_tls)
{
    uint8_t bytes[2048];
    struct wr w = wr_of(bytes, sizeof(bytes));
    struct view body;

    refusal_answer(&w, why, 30, is_tls);
    ASSERT(!w.failed);
    body = check_head(view_of(bytes, wr_len(&w)), "HTTP/1.1 ", is_refusal_line);
    ASSERT(view_starts_with(body, VIEW("{\"error\":{\"code\":\"")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ws_deflate_options options = {.max_window_bits = 15, .level = 1};
    struct http1_request request;
    struct handshake upgrade;
    enum refusal why = REFUSE_MALFORMED;
    size_t scanned = 0, head_bytes;

    if (size == 0)
        return 0;
    options.is_enabled = (data[0] & 1) != 0;
    options.allows_context_takeover = (data[0] & 2) != 0;
    if (http1_parse(&request, (const char *)data + 1, size - 1, &scanned, &head_bytes) ==
        HTTP1_DONE)
        why = handshake_check(&upgrade, &request, &options);
    if (why == REFUSE_NONE)
        check_upgrade(&request, &upgrade, &options);
    else
        check_refusal(why, (data[0] & 4) != 0);
    return 0;
}
