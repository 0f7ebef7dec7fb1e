/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in a row are frames: the server's own decoder reads them back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/status.h"
#include "bench/payload.h"
#include "bench/volley.h"

static void read_back(size_t bytes, uint32_t copies, bool is_compressed)
{
    char *text = malloc(bytes + 1);
    struct view payload = view_of(text, bytes);
    struct volley v;

    assert_non_null(text);
    payload_fill(text, bytes);
    assert_int_equal(is_compressed ? volley_init_compressed(&v, WS_BINARY, payload, copies)
                                   : volley_init(&v, WS_TEXT, payload, copies),
                     OK);
    assert_true(v.copies >= 1 && v.copies <= (copies > 0 ? copies : 1));
    assert_true(v.copies == 1 || v.copies * v.frame_bytes <= VOLLEY_BYTES);
    for (uint32_t i = 0; i < v.copies; i++) {
        uint8_t *at = v.bytes + i * v.frame_bytes;
        struct ws_frame frame;

        assert_int_equal(ws_frame_decode(&frame, at, v.frame_bytes, true), WS_PARSE_DONE);
        assert_true(frame.is_final);
        assert_int_equal(frame.has_rsv1, is_compressed);
        assert_int_equal(frame.opcode, is_compressed ? WS_BINARY : WS_TEXT);
        assert_int_equal(frame.header_bytes + frame.payload_bytes, v.frame_bytes);
        ws_mask_apply(at + frame.header_bytes, bytes, frame.mask, 0);
        assert_memory_equal(at + frame.header_bytes, text, bytes);
    }
    volley_clear(&v);
    free(text);
}

static void every_copy_is_the_same_frame(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 1024, 65535, 65536, 200000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        read_back(sizes[i], 1, false);
        read_back(sizes[i], 64, false);
        read_back(sizes[i], 0, true);
    }
}

static void copies_have_a_ceiling(void **state)
{
    struct volley v;

    (void)state;
    assert_int_equal(volley_init(&v, WS_TEXT, VIEW("0123456789"), UINT32_MAX), OK);
    assert_int_equal(v.copies, VOLLEY_BYTES / 16);
    volley_clear(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_copy_is_the_same_frame),
        cmocka_unit_test(copies_have_a_ceiling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
