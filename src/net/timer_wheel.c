/* SPDX-License-Identifier: Apache-2.0 */
/* timer_wheel.c: a hashed timer wheel with a two-level bit map of its slots. Stopping a timer
 * unlinks it and leaves its slot's bit behind: a set bit over an empty slot costs one needless
 * wake-up, and timer_stop needs no way to the wheel. */
#include "net/timer_wheel.h"

#define SLOT_MASK (TIMER_WHEEL_SLOTS - 1)

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ms)
{
    w->tick = now_ms / TIMER_TICK_MS;
    w->summary = 0;
    for (size_t i = 0; i < TIMER_WHEEL_SLOTS / 64; i++)
        w->bits[i] = 0;
    for (size_t i = 0; i < TIMER_WHEEL_SLOTS; i++)
        link_init(&w->slots[i]);
}

void timer_wheel_add(struct timer_wheel *w, struct timer *t)
{
    uint64_t tick = t->at_ms / TIMER_TICK_MS + (t->at_ms % TIMER_TICK_MS != 0);
    size_t slot;

    if (tick <= w->tick)
        tick = w->tick + 1;
    if (tick - w->tick >= TIMER_WHEEL_SLOTS)
        tick = w->tick + TIMER_WHEEL_SLOTS - 1;
    slot = (size_t)(tick & SLOT_MASK);
    link_append(&w->slots[slot], &t->link);
    w->bits[slot / 64] |= UINT64_C(1) << (slot % 64);
    w->summary |= UINT64_C(1) << (slot / 64);
}

/* The distance from `slot` to the next marked slot, going round; TIMER_WHEEL_SLOTS when none is
 * marked. */
static size_t distance_to_marked(const struct timer_wheel *w, size_t slot)
{
    size_t word = slot / 64;
    uint64_t rest = w->bits[word] >> (slot % 64);
    uint64_t after;
    size_t found;

    if (rest != 0)
        return (size_t)__builtin_ctzll(rest);
    if (w->summary == 0)
        return TIMER_WHEEL_SLOTS;
    after = word == 63 ? 0 : w->summary & (~UINT64_C(0) << (word + 1));
    word = (size_t)__builtin_ctzll(after != 0 ? after : w->summary);
    found = word * 64 + (size_t)__builtin_ctzll(w->bits[word]);
    return (found - slot) & SLOT_MASK;
}

/* Moves all timers of one slot behind `due` and clears its mark. */
static void empty_slot(struct timer_wheel *w, size_t slot, struct link *due)
{
    struct link *head = &w->slots[slot];

    w->bits[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    if (w->bits[slot / 64] == 0)
        w->summary &= ~(UINT64_C(1) << (slot / 64));
    if (link_is_alone(head))
        return;
    head->next->prev = due->prev;
    due->prev->next = head->next;
    head->prev->next = due;
    due->prev = head->prev;
    link_init(head);
}

void timer_wheel_run(struct timer_wheel *w, uint64_t now_ms)
{
    uint64_t now_tick = now_ms / TIMER_TICK_MS;
    uint64_t first, step;
    struct link due;

    if (now_tick <= w->tick)
        return;
    link_init(&due);
    first = w->tick + 1;
    /* After a pause longer than a whole turn every slot is due once, not once a turn. */
    if (now_tick - w->tick > TIMER_WHEEL_SLOTS)
        first = now_tick - TIMER_WHEEL_SLOTS + 1;
    for (;;) {
        step = distance_to_marked(w, (size_t)(first & SLOT_MASK));
        if (step >= TIMER_WHEEL_SLOTS || first + step > now_tick)
            break;
        first += step;
        empty_slot(w, (size_t)(first & SLOT_MASK), &due);
        first++;
    }
    /* Set before anything fires: what callbacks start lands behind now and cannot keep this loop
     * going. */
    w->tick = now_tick;
    while (!link_is_alone(&due)) {
        struct timer *t = LINK_ITEM(due.next, struct timer, link);
        link_remove(&t->link);
        if (t->at_ms > now_ms)
            timer_wheel_add(w, t);
        else
            t->fire(t);
    }
}

uint64_t timer_wheel_next_ms(const struct timer_wheel *w)
{
    size_t step = distance_to_marked(w, (size_t)((w->tick + 1) & SLOT_MASK));

    if (step >= TIMER_WHEEL_SLOTS)
        return UINT64_MAX;
    return (w->tick + 1 + step) * TIMER_TICK_MS;
}
