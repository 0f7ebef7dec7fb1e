/* SPDX-License-Identifier: Apache-2.0 */
/* schema_regex_run.c: the automaton at work. All ways to match are followed at once, so a text is
 * walked once whatever the expression; the work of a step is the number of ways that are alive, and
 * their sum has a ceiling. */
#include "base/code_point.h"
#include "message/schema_regex_automaton.h"

#define WORK_MAX 2000000 /* less than five milliseconds */

static bool takes(const struct regex_wide *w, uint32_t point)
{
    uint32_t low = 0;
    uint32_t high = w->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (point > w->ranges[middle].high)
            low = middle + 1;
        else
            high = middle;
    }
    return low < w->count && w->ranges[low].low <= point;
}

/* The positions that take the code point, all words zeroed before. */
static void wide_accepts(const struct regex_automaton *a, uint32_t point, uint64_t *set)
{
    memset(set, 0, a->words * sizeof(uint64_t));
    for (uint32_t i = 0; i < a->wide_count; i++) {
        if (takes(&a->wide[i], point))
            set[a->wide[i].position / 64] |= 1ULL << (a->wide[i].position % 64);
    }
}

/* Up to 64 positions: sets are single words. */
static enum schema_verdict match_small(const struct regex_automaton *a, struct view text)
{
    const uint8_t *at = (const uint8_t *)text.ptr;
    const uint8_t *end = at + text.len;
    uint64_t waiting = a->start[0];
    uint32_t work = WORK_MAX;

    while (at < end) {
        uint64_t accept, next = a->restart[0];

        if (*at < 128) {
            accept = a->ascii[*at++];
        } else {
            uint32_t point;
            size_t len = code_point_decode(at, (size_t)(end - at), &point);

            if (len == 0 || work <= a->wide_count)
                return SCHEMA_ERROR;
            work -= a->wide_count;
            at += len;
            wide_accepts(a, point, &accept);
        }
        accept &= waiting;
        if ((accept & a->final[0]) != 0)
            return SCHEMA_VALID;
        if (work <= 64)
            return SCHEMA_ERROR;
        for (; accept != 0; accept &= accept - 1, work--)
            next |= a->follow_bits[__builtin_ctzll(accept)];
        waiting = next;
        if (waiting == 0)
            return SCHEMA_INVALID;
    }
    return (waiting & a->end_final[0]) != 0 ? SCHEMA_VALID : SCHEMA_INVALID;
}

/* Sets of many words; only the words from low to high of `waiting` hold anything, and all of `next`
 * is empty between steps, so an expression of a thousand positions costs what is alive in it. */
struct sets {
    uint64_t *waiting, *next, *accept;
    uint32_t low, high;
};

static void wait_for(struct sets *s, uint32_t *low, uint32_t *high, uint32_t position)
{
    uint32_t w = position / 64;

    s->next[w] |= 1ULL << (position % 64);
    *low = w < *low ? w : *low;
    *high = w > *high ? w : *high;
}

/* One code point: *s moves on. Returns the work done, UINT32_MAX for a match, 0 when nothing waits
 * any more. */
static uint32_t step(const struct regex_automaton *a, struct sets *s, const uint64_t *accept)
{
    uint64_t *swap = s->waiting;
    uint32_t work = s->high - s->low + 2 + a->restart_words;
    uint32_t low = UINT32_MAX;
    uint32_t high = 0;

    for (uint32_t w = s->low; w <= s->high; w++) {
        uint64_t active = s->waiting[w] & accept[w];

        s->waiting[w] = 0;
        if ((active & a->final[w]) != 0)
            return UINT32_MAX;
        for (; active != 0; active &= active - 1) {
            uint32_t p = w * 64 + (uint32_t)__builtin_ctzll(active);

            for (uint32_t f = a->follow_at[p]; f < a->follow_at[p + 1]; f++)
                wait_for(s, &low, &high, a->follow[f]);
            work += a->follow_at[p + 1] - a->follow_at[p];
        }
    }
    for (uint32_t w = 0; w < a->restart_words; w++)
        s->next[w] |= a->restart[w];
    if (a->restart_words > 0) {
        low = 0;
        high = high >= a->restart_words ? high : a->restart_words - 1;
    }
    s->waiting = s->next;
    s->next = swap;
    s->low = low;
    s->high = high;
    return low != UINT32_MAX ? work : 0;
}

static enum schema_verdict at_the_end(const struct regex_automaton *a, const struct sets *s)
{
    for (uint32_t w = s->low; w <= s->high; w++) {
        if ((s->waiting[w] & a->end_final[w]) != 0)
            return SCHEMA_VALID;
    }
    return SCHEMA_INVALID;
}

static enum schema_verdict match_large(const struct regex_automaton *a, struct view text,
                                       uint64_t *memory)
{
    struct sets s = {memory, memory + a->words, memory + 2 * (size_t)a->words, 0, a->words - 1};
    const uint8_t *at = (const uint8_t *)text.ptr;
    const uint8_t *end = at + text.len;
    uint32_t left = WORK_MAX;

    memcpy(s.waiting, a->start, a->words * sizeof(uint64_t));
    memset(s.next, 0, a->words * sizeof(uint64_t));
    while (at < end) {
        const uint64_t *accept = a->ascii + (size_t)*at * a->words;
        uint32_t work;

        if (*at >= 128) {
            uint32_t point;
            size_t len = code_point_decode(at, (size_t)(end - at), &point);

            if (len == 0 || left <= a->wide_count + a->words)
                return SCHEMA_ERROR;
            left -= a->wide_count + a->words;
            at += len;
            wide_accepts(a, point, s.accept);
            accept = s.accept;
        } else {
            at++;
        }
        work = step(a, &s, accept);
        if (work == UINT32_MAX || work == 0)
            return work == 0 ? SCHEMA_INVALID : SCHEMA_VALID;
        if (work >= left)
            return SCHEMA_ERROR;
        left -= work;
    }
    return at_the_end(a, &s);
}

enum schema_verdict regex_automaton_match(const struct regex_automaton *a, struct view text,
                                          struct schema_regex_scratch *scratch)
{
    if (a->is_always)
        return SCHEMA_VALID;
    if (a->words == 1)
        return match_small(a, text);
    if (scratch->words_cap < a->words)
        return SCHEMA_ERROR;
    return match_large(a, text, scratch->sets);
}

uint32_t regex_automaton_words(const struct regex_automaton *a)
{
    return a->words;
}
