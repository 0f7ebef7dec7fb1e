/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base wire */
/* Close payloads: what is taken can be taken again after we have written it, and what we write is
 * always something a peer may take. */
#include "base/assert.h"
#include "wire/close_code.h"
#include "wire/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_encode(unsigned code, struct view reason)
{
    uint8_t out[CLOSE_PAYLOAD_MAX];
    struct view back;
    uint16_t got;
    size_t len = close_payload_encode(out, code, reason);

    ASSERT(len >= 2 && len <= CLOSE_PAYLOAD_MAX);
    ASSERT(close_payload_decode(out, len, &got, &back));
    ASSERT(got == (close_code_may_send(code) ? code : CLOSE_INTERNAL));
    ASSERT(back.len <= reason.len &&
           (back.len == 0 || memcmp(back.ptr, reason.ptr, back.len) == 0));
    if (reason.len <= CLOSE_REASON_MAX && utf8_ok((const uint8_t *)reason.ptr, reason.len))
        ASSERT(back.len == reason.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view reason = view_of(NULL, 0);
    uint16_t code = 0;

    if (close_payload_decode(data, size, &code, &reason)) {
        ASSERT(size == 0 ? code == CLOSE_NO_STATUS : close_code_may_receive(code));
        ASSERT(size == 0 || (reason.len == size - 2 && reason.len <= CLOSE_REASON_MAX));
        ASSERT(utf8_ok((const uint8_t *)reason.ptr, reason.len));
    } else {
        ASSERT(size > 0 && (code == CLOSE_PROTOCOL || code == CLOSE_BAD_DATA));
    }
    if (size >= 2)
        check_encode((unsigned)data[0] << 8 | data[1], view_of(data + 2, size - 2));
    return 0;
}
