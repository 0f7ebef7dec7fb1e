/* SPDX-License-Identifier: Apache-2.0 */
/* hint.h: what the compiler cannot know about a function. */
#ifndef BASE_HINT_H
#define BASE_HINT_H

/* Kept out of its callers, so that they stay small: a short way needs few registers. */
#define APART __attribute__((noinline))
/* Seldom called, too. */
#define COLD __attribute__((cold, noinline))

#endif
