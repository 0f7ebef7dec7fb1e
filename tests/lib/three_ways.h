/* SPDX-License-Identifier: Apache-2.0 */
/* three_ways.h: memory whose last byte stands against a page that cannot be touched, for decoder
 * tests (STYLE section 11). */
#ifndef TESTS_THREE_WAYS_H
#define TESTS_THREE_WAYS_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded {
    uint8_t *map;
    size_t map_bytes;
    uint8_t *data; /* data[len] faults */
};

static inline struct guarded guarded_copy(const void *bytes, size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guarded g;

    g.map_bytes = (len / page + 2) * page;
    g.map = mmap(NULL, g.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)mprotect(g.map + g.map_bytes - page, page, PROT_NONE);
    g.data = g.map + g.map_bytes - page - len;
    if (len > 0)
        memcpy(g.data, bytes, len);
    return g;
}

static inline void guarded_free(struct guarded *g)
{
    (void)munmap(g->map, g->map_bytes);
}

#endif
