/* SPDX-License-Identifier: Apache-2.0 */
/* close_code.c: which close codes may travel, and the payload of a Close frame (RFC 6455
 * sections 5.5.1 and 7.4). */
#include "wire/close_code.h"

#include <string.h>

#include "wire/utf8.h"

bool close_code_may_receive(unsigned code)
{
    /* 1004 is reserved, 1005, 1006 and 1015 are never on the wire, 1016-2999 belong to a future
     * standard, and above 4999 nothing is defined. 1012, 1013 and 1014 are registered with IANA. */
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

bool close_code_may_send(unsigned code)
{
    return code != 1010 && close_code_may_receive(code); /* 1010 is for clients alone */
}

bool close_payload_decode(const uint8_t *payload, size_t len, uint16_t *code, struct view *reason)
{
    unsigned got;

    if (len == 0) {
        *code = CLOSE_NO_STATUS;
        *reason = view_of(NULL, 0);
        return true;
    }
    *code = CLOSE_PROTOCOL;
    if (len == 1 || len > CLOSE_PAYLOAD_MAX)
        return false;
    got = (unsigned)payload[0] << 8 | payload[1];
    if (!close_code_may_receive(got))
        return false;
    if (!utf8_ok(payload + 2, len - 2)) {
        *code = CLOSE_BAD_DATA;
        return false;
    }
    *code = (uint16_t)got;
    *reason = view_of(payload + 2, len - 2);
    return true;
}

size_t close_payload_encode(uint8_t out[CLOSE_PAYLOAD_MAX], unsigned code, struct view reason)
{
    const uint8_t *text = (const uint8_t *)reason.ptr;
    size_t len = 0;

    if (!close_code_may_send(code))
        code = CLOSE_INTERNAL;
    out[0] = (uint8_t)(code >> 8);
    out[1] = (uint8_t)(code & 0xFF);
    /* A reason that is not UTF-8 would make the peer fail the connection over our own frame: leave
     * it out. */
    if (reason.len > 0 && utf8_ok(text, reason.len))
        len = utf8_cut(text, reason.len, CLOSE_REASON_MAX);
    if (len > 0)
        memcpy(out + 2, text, len);
    return len + 2;
}
