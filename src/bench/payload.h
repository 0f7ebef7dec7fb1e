/* SPDX-License-Identifier: Apache-2.0 */
/* payload.h: what is sent: words, and in front of them the time, so that whoever receives them can
 * tell how long they were under way. A server that passes data on passes the time on too, whatever
 * it wraps around it. Pure. */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/view.h"

#define PAYLOAD_STAMP_BYTES 21 /* "gwb:", 16 hexadecimal digits, ":" */

/* Letters, blanks and dots: fit for a JSON string as they are, and as compressible as text is. */
void payload_fill(char *bytes, size_t len);
/* Overwrites bytes[0..PAYLOAD_STAMP_BYTES). */
void payload_stamp(char *bytes, uint64_t ns);
/* The last stamp that was found: most messages are copies of the one before, with the same time at
 * the same place. All zero at first. */
struct payload_seen {
    size_t at;
    uint64_t ns;
    char text[PAYLOAD_STAMP_BYTES];
};
/* The time in a message. False: it has none. */
bool payload_find_stamp(struct view message, struct payload_seen *seen, uint64_t *ns);

/* `form` with {data} replaced by `bytes` bytes of payload; the payload alone where form is NULL or
 * has no {data} (then nothing is replaced). *at says where the payload begins. E_NOMEM, E_LIMIT. */
int payload_format(struct buf *out, const char *form, size_t bytes, size_t *at);

#endif
