/* SPDX-License-Identifier: Apache-2.0 */
/* heap_trim.h: gives freed heap back to the system after a storm of handshakes. A TLS handshake
 * takes some 70 KB for a moment, and what many of them leave free between the connections that stay
 * would otherwise be kept for ever. Loop thread only. */
#ifndef NET_HEAP_TRIM_H
#define NET_HEAP_TRIM_H

#include "net/loop.h"

struct heap_trim {
    struct timer timer;
    struct loop *loop;
    unsigned noted, seen; /* handshakes since the last trim; how many of them the timer has seen */
};
void heap_trim_init(struct heap_trim *t, struct loop *loop);
/* One more handshake has begun. Once HEAP_TRIM_FROM of them lie behind us and a second has passed
 * without another, the heap is trimmed: never while there is a rush, and never for a trickle. */
#define HEAP_TRIM_FROM 64
void heap_trim_note(struct heap_trim *t);
void heap_trim_stop(struct heap_trim *t);

#endif
