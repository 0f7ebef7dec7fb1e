/* SPDX-License-Identifier: Apache-2.0 */
/* session_side.h: what session_fuzz.c's peers know, and what they check in all that they are sent.
 */
#ifndef TESTS_SESSION_SIDE_H
#define TESTS_SESSION_SIDE_H

#include "mock_net.h"
#include "server/peer.h"
#include "wire/ws_deflate.h"

#define SLOTS    8
#define FD_FIRST 100000 /* slots in a descriptor's place; no real descriptor is that high */

/* One peer as its own side sees it. */
struct side {
    struct peer *peer; /* NULL: not connected */
    unsigned worker;
    uint8_t *inbox; /* sent and not yet read by the server */
    size_t inbox_bytes;
    struct buf head;
    size_t body_due;
    struct ws_decoder decoder;
    struct ws_inflate *inflate;
    unsigned users; /* bit n: has sent good token n */
    bool has_head, is_upgraded, is_echo, was_welcomed, was_closed;
};

extern struct side sides[SLOTS];

void side_clear(struct side *s);

#endif
