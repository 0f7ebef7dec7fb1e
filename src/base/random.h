/* SPDX-License-Identifier: Apache-2.0 */
/* random.h: bytes from the kernel's generator (getrandom). Any thread. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills or aborts the process: there is no safe way to go on without randomness. */
void random_bytes(void *out, size_t len);
uint64_t random_u64(void);
/* A cheap non-secret generator for jitter and eviction, seeded once from random_bytes by the
 * caller. */
uint32_t random_jitter(uint64_t *state, uint32_t below);

#endif
