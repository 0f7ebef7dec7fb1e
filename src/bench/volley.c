/* SPDX-License-Identifier: Apache-2.0 */
/* The frame is written once and copied. */
#include "bench/volley.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/status.h"

static int fill(struct volley *v, const uint8_t *header, size_t header_bytes, struct view payload)
{
    uint8_t *at;

    v->bytes = malloc(v->frame_bytes * v->copies);
    if (v->bytes == NULL)
        return E_NOMEM;
    memcpy(v->bytes, header, header_bytes);
    /* The mask is the end of the header. */
    ws_mask_copy(v->bytes + header_bytes, (const uint8_t *)payload.ptr, payload.len,
                 header + header_bytes - 4, 0);
    at = v->bytes;
    for (uint32_t i = 1; i < v->copies; i++)
        memcpy(at + i * v->frame_bytes, at, v->frame_bytes);
    return OK;
}

static int make(struct volley *v, enum ws_opcode opcode, struct view payload, bool has_rsv1)
{
    uint8_t header[WS_FRAME_HEADER_MAX], mask[4];
    size_t header_bytes, fit;

    random_bytes(mask, sizeof(mask));
    header_bytes = ws_frame_encode(header, opcode, true, has_rsv1, payload.len, mask);
    v->frame_bytes = header_bytes + payload.len;
    fit = VOLLEY_BYTES / v->frame_bytes;
    if (fit < v->copies)
        v->copies = fit > 0 ? (uint32_t)fit : 1;
    return fill(v, header, header_bytes, payload);
}

int volley_init(struct volley *v, enum ws_opcode opcode, struct view payload, uint32_t copies)
{
    *v = (struct volley){NULL, 0, copies > 0 ? copies : 1};
    return make(v, opcode, payload, false);
}

int volley_init_compressed(struct volley *v, enum ws_opcode opcode, struct view payload,
                           uint32_t copies)
{
    *v = (struct volley){NULL, 0, copies > 0 ? copies : 1};
    return make(v, opcode, payload, true);
}

void volley_clear(struct volley *v)
{
    free(v->bytes);
    v->bytes = NULL;
}
