/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base wire */
/* The decoder from bytes to messages: the same bytes tell the same however they are cut, text is
 * UTF-8, and what is held stays below the limit. The first two bytes choose limits and cuts. */
#include "../unit/wire/ws_trace.h"

#include "base/assert.h"
#include "wire/close_code.h"
#include "wire/utf8.h"
#include "wire/ws_deflate.h"

#define PARTIAL_MOST 512 /* more than the fixed part of what a decoder holds */
#define GATHER_SLACK (1024 + 64)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_events(const struct ws_trace *t, const struct ws_limits *limits)
{
    for (size_t at = 0; at < t->text.len;) {
        enum ws_event_type type = t->text.data[at];
        uint64_t len;

        memcpy(&len, t->text.data + at + 3, sizeof(len));
        at += 11;
        if (type == WS_EVENT_TEXT || type == WS_EVENT_BINARY)
            ASSERT(len <= limits->message_bytes);
        else
            ASSERT(len <= WS_CONTROL_PAYLOAD_MAX);
        if (type == WS_EVENT_TEXT)
            ASSERT(utf8_ok(t->text.data + at, (size_t)len) && limits->accepts_text);
        if (type == WS_EVENT_BINARY)
            ASSERT(limits->accepts_binary);
        at += (size_t)len;
    }
    ASSERT(t->peak_bytes <= PARTIAL_MOST + limits->message_bytes + GATHER_SLACK);
    if (t->counts[WS_EVENT_FAIL] == 0)
        return;
    ASSERT(t->counts[WS_EVENT_FAIL] == 1 && close_code_may_send(t->fail_code));
    ASSERT(t->fail_reason != NULL && strlen(t->fail_reason) <= CLOSE_REASON_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ws_limits limits = {0};
    struct ws_inflate *inflate = NULL;
    struct ws_trace whole, cut;
    struct bytes in;
    uint32_t chance;
    size_t steps[] = {1, 0};

    if (size < 2)
        return 0;
    limits.expect_mask = (data[0] & 1) == 0;
    limits.accepts_text = (data[0] & 2) == 0;
    limits.accepts_binary = (data[0] & 4) == 0;
    limits.message_bytes = (data[0] & 8) == 0 ? 4000 : 40;
    limits.fragments = (data[0] & 16) == 0 ? 1000 : 3;
    limits.inflate_ratio = (data[0] & 32) == 0 ? 0 : 10;
    if ((data[0] & 64) == 0)
        ASSERT(ws_inflate_new(&inflate, 15, false) == 0);
    chance = data[1];
    steps[1] = 1 + data[1] / 4;
    in = (struct bytes){(uint8_t *)(uintptr_t)(data + 2), size - 2, 0};
    whole = ws_trace_run(&limits, inflate, &in, size, NULL);
    check_events(&whole, &limits);
    for (size_t i = 0; i < 2; i++) {
        cut = ws_trace_run(&limits, inflate, &in, steps[i], i == 1 ? &chance : NULL);
        check_events(&cut, &limits);
        ASSERT(cut.text.len == whole.text.len);
        ASSERT(cut.text.len == 0 || memcmp(cut.text.data, whole.text.data, cut.text.len) == 0);
        ASSERT(whole.fail_reason == NULL || strcmp(whole.fail_reason, cut.fail_reason) == 0);
        ws_trace_clear(&cut);
    }
    ws_trace_clear(&whole);
    ws_inflate_free(inflate);
    return 0;
}
