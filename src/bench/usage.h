/* SPDX-License-Identifier: Apache-2.0 */
/* usage.h: what processes have used, read from /proc. */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define USAGE_PIDS_MAX 64

struct usage_pids {
    pid_t pids[USAGE_PIDS_MAX];
    uint32_t count;
};
struct usage_cpu {
    uint64_t ns; /* of all threads that live, to the nanosecond */
    uint64_t user_ticks,
        system_ticks; /* counted by the kernel's clock: good for their ratio only */
};
struct usage_memory {
    uint64_t rss_bytes, anonymous_bytes;
};

/* The sum over all of them; nothing at all when there is none. E_MISSING with *why: a process is
 * gone or not ours to look at. */
int usage_cpu_read(struct usage_cpu *out, const struct usage_pids *pids, struct error *why);
int usage_memory_read(struct usage_memory *out, const struct usage_pids *pids, struct error *why);
/* CPU time of this process, in nanoseconds. */
uint64_t usage_own_ns(void);

#endif
