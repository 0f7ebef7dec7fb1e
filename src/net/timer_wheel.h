/* SPDX-License-Identifier: Apache-2.0 */
/* timer_wheel.h: the wheel behind loop.h's timers, private to net/. Pure: time comes from the
 * caller. Not thread-safe. One turn of the wheel is 4096 ticks of 8 ms (32.8 s); a timer further
 * away waits in the last slot and moves on from there. A bit a slot says where something may stand,
 * so an idle wheel is asked for its next deadline and wakes nobody else. */
#ifndef NET_TIMER_WHEEL_H
#define NET_TIMER_WHEEL_H

#include <stdint.h>

#include "net/loop.h"

#define TIMER_TICK_MS     8
#define TIMER_WHEEL_SLOTS 4096

struct timer_wheel {
    uint64_t tick;    /* everything up to and including this tick has been fired */
    uint64_t summary; /* bit i: bits[i] is not 0 */
    uint64_t bits[TIMER_WHEEL_SLOTS / 64];
    struct link slots[TIMER_WHEEL_SLOTS];
};

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ms);
/* Puts the timer in the slot of its at_ms; it must stand in no slot. */
void timer_wheel_add(struct timer_wheel *w, struct timer *t);
/* Fires what is due at now_ms. Callbacks may add and stop any timer, their own included. */
void timer_wheel_run(struct timer_wheel *w, uint64_t now_ms);
/* When timer_wheel_run must be called next; UINT64_MAX when nothing waits. May be too soon, never
 * too late. */
uint64_t timer_wheel_next_ms(const struct timer_wheel *w);

#endif
