/* SPDX-License-Identifier: Apache-2.0 */
/* volley.h: one client frame, masked once, many times in a row, so that sending k of them costs one
 * write and no work per message. RFC 6455 section 5.3 wants a new mask for each frame, against
 * caches on the way that a page's script could poison; here is no page and no cache, and a server
 * cannot tell. */
#ifndef BENCH_VOLLEY_H
#define BENCH_VOLLEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"
#include "wire/ws_frame.h"

#define VOLLEY_BYTES                                                                               \
    ((size_t)64 * 1024) /* of copies in a row; one frame of any size always fits                   \
                         */

struct volley {
    uint8_t *bytes;
    size_t frame_bytes;
    uint32_t copies; /* at least 1 */
};

/* At most `copies`. E_NOMEM. */
int volley_init(struct volley *v, enum ws_opcode opcode, struct view payload, uint32_t copies);
/* The same with RSV1: `payload` is compressed. */
int volley_init_compressed(struct volley *v, enum ws_opcode opcode, struct view payload,
                           uint32_t copies);
void volley_clear(struct volley *v);

#endif
