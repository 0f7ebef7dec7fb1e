/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h: one budget (`limits.memory`) for what all connections together make the process keep:
 * output that waits for them, messages and request heads that are not complete, what came while
 * somebody was asked, compressors of their own. Above four fifths of it nobody new is let in; above
 * nine tenths, who lets more output wait is ended; above all of it, who sends more that has to be
 * kept. Who is small or idle goes on. Private to server/. Worker
 * thread only, but for memory_total. */
#ifndef SERVER_MEMORY_H
#define SERVER_MEMORY_H

#include "server/peer.h"

/* So much anybody may have, however full it is: a small message in two pieces. */
#define MEMORY_SMALL_BYTES 4096

/* Counts anew what is kept for p; call it when that may have changed. */
void memory_note(struct peer *p);
/* The same when p is gone. */
void memory_forget(struct peer *p);
/* The same after input, where p may have grown: then, if there is no room for it, p is ended. */
void memory_check(struct peer *p);
/* Where nothing was kept and nothing is, which is what most input leaves, nothing is to be done. */
static inline void memory_after_input(struct peer *p)
{
    if (p->decoder.partial != NULL || p->extra != NULL || p->kept_bytes != 0 ||
        p->conn.out_bytes != 0 || p->conn.has_backlog)
        memory_check(p);
}
bool memory_is_tight(struct worker *w); /* nobody new */
bool memory_is_short(struct worker *w); /* no more output that waits */
/* Is there no room for what waits for p? Asks the kernel first. Then p is ended, true. */
bool memory_ends_reader(struct peer *p);
/* Of one worker: its own share, which may be negative where others' blobs ended here. */
int64_t memory_of_worker(const struct worker *w);

#endif
