/* SPDX-License-Identifier: Apache-2.0 */
/* heap_trim.c: waits for the quiet after a storm. malloc_trim holds the heap's lock for some
 * milliseconds, so it has no place on the way of a message. */
#include "net/heap_trim.h"

#include <malloc.h>

#define QUIET_MS 1000

static void look(struct timer *timer)
{
    struct heap_trim *t = LINK_ITEM(timer, struct heap_trim, timer);

    if (t->noted != t->seen) {
        t->seen = t->noted;
        timer_start(t->loop, &t->timer, loop_now_ms(t->loop) + QUIET_MS);
    } else if (t->noted >= HEAP_TRIM_FROM) {
        (void)malloc_trim(0);
        t->noted = t->seen = 0;
    }
}

void heap_trim_init(struct heap_trim *t, struct loop *loop)
{
    *t = (struct heap_trim){.loop = loop};
    timer_init(&t->timer, look);
}

void heap_trim_note(struct heap_trim *t)
{
    t->noted++;
    if (!timer_is_running(&t->timer))
        timer_start(t->loop, &t->timer, loop_now_ms(t->loop) + QUIET_MS);
}

void heap_trim_stop(struct heap_trim *t)
{
    timer_stop(&t->timer);
}
