/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h: the only place that asks the system for the time. Everyone else is handed now_ms. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_mono_ms(void); /* CLOCK_MONOTONIC: timers and limits */
uint64_t clock_mono_ns(void);
int64_t clock_wall_s(void); /* CLOCK_REALTIME: token claims */
int64_t clock_wall_ms(void);
/* "2026-11-22T14:07:12.345Z"; out must hold CLOCK_TEXT_BYTES. */
#define CLOCK_TEXT_BYTES 25
void clock_wall_text(int64_t wall_ms, char *out);

#endif
