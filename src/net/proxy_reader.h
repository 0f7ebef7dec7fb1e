/* SPDX-License-Identifier: Apache-2.0 */
/* proxy_reader.h: takes the PROXY protocol header off an accepted connection, and not one byte
 * more: what follows (a ClientHello, mostly) stays in the socket for whoever goes on. Loop thread
 * only. Embed it first in your struct. */
#ifndef NET_PROXY_READER_H
#define NET_PROXY_READER_H

#include "base/buf.h"
#include "net/loop.h"
#include "wire/proxy_header.h"

struct proxy_reader;
struct proxy_reader_ops {
    /* Once. fd is yours, without a handle of the loop on it; -1 (and header NULL): it was closed,
     * `fault` says why in a stable word, NULL: the peer went. */
    void (*on_header)(struct proxy_reader *r, int fd, const struct proxy_header *header,
                      const char *fault);
    void (*on_closed)(struct proxy_reader *r); /* free it here; after on_header or after abort */
};
struct proxy_reader {
    uv_poll_t poll;
    struct loop *loop;
    const struct proxy_reader_ops *ops;
    struct timer timer;
    struct buf kept;
    int fd;
    bool is_over;
};

/* Takes over fd (closed on failure too). E_IO. The whole header must be there at deadline_ms. */
int proxy_reader_open(struct proxy_reader *r, struct loop *loop, int fd, uint64_t deadline_ms,
                      const struct proxy_reader_ops *ops);
void proxy_reader_abort(struct proxy_reader *r); /* without on_header */

#endif
