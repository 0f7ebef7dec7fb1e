/* SPDX-License-Identifier: Apache-2.0 */
/* ws_trace_expect.h: what a stream must give, in every way to cut it. Include it behind cmocka.h.
 */
#ifndef TESTS_WS_TRACE_EXPECT_H
#define TESTS_WS_TRACE_EXPECT_H

#include "base/status.h"
#include "wire/ws_deflate.h"
#include "ws_trace.h"

static const struct ws_limits usual = {
    .message_bytes = 65536,
    .fragments = 1024,
    .expect_mask = true,
    .accepts_text = true,
    .accepts_binary = true,
};

/* One trace of all ways to cut `in`, or a failed test. */
static inline struct ws_trace run_all(const struct ws_limits *limits, bool with_inflate,
                                      const struct bytes *in)
{
    static const size_t steps[] = {0, 1, 2, 3, 7, 64, 400, 5000};
    struct ws_inflate *z = NULL;
    struct ws_trace first;
    uint32_t chance = 5;

    if (with_inflate)
        assert_int_equal(ws_inflate_new(&z, 15, false), OK);
    first = ws_trace_run(limits, z, in, 0, NULL);
    for (size_t i = 1; i < sizeof(steps) / sizeof(steps[0]); i++) {
        /* Each step once in even pieces and, the larger ones, once in random ones. */
        for (int is_random = 0; is_random < (steps[i] < 7 ? 1 : 2); is_random++) {
            struct ws_trace t =
                ws_trace_run(limits, z, in, steps[i], is_random == 1 ? &chance : NULL);

            assert_int_equal(t.text.len, first.text.len);
            if (t.text.len > 0)
                assert_memory_equal(t.text.data, first.text.data, t.text.len);
            if (first.fail_reason != NULL)
                assert_string_equal(t.fail_reason, first.fail_reason);
            ws_trace_clear(&t);
        }
    }
    ws_inflate_free(z);
    return first;
}

static inline void expect_fail(const struct ws_limits *limits, bool with_inflate, struct bytes *in,
                               unsigned code)
{
    struct ws_trace t = run_all(limits, with_inflate, in);

    assert_int_equal(t.fail_code, code);
    assert_non_null(t.fail_reason);
    assert_true(strlen(t.fail_reason) <= 123);
    ws_trace_clear(&t);
    in->len = 0;
}

static inline void expect_message(const struct ws_limits *limits, bool with_inflate,
                                  struct bytes *in, const void *payload, size_t len)
{
    struct ws_trace t = run_all(limits, with_inflate, in);

    assert_int_equal(t.fail_code, 0);
    assert_int_equal(t.counts[WS_EVENT_TEXT] + t.counts[WS_EVENT_BINARY], 1);
    assert_int_equal(t.last.len, len);
    if (len > 0)
        assert_memory_equal(t.last.data, payload, len);
    ws_trace_clear(&t);
    in->len = 0;
}

#endif
