/* SPDX-License-Identifier: Apache-2.0 */
/* pushed.h: what a worker keeps of the frame it pushed last. Private to server/. */
#ifndef SERVER_PUSHED_H
#define SERVER_PUSHED_H

#include <stdint.h>

#include "base/blob.h"

/* A compressed copy of the frame pushed last, so that a channel's message is compressed once per
 * window size. */
struct pushed {
    struct blob *plain, *compressed;
    uint8_t window_bits;
};

#endif
