/* SPDX-License-Identifier: Apache-2.0 */
/* ws_deflate.h: permessage-deflate (RFC 7692): offers and answers, and message (de)compression with
 * limits on the output. Not thread-safe. Without context takeover one ws_inflate (of 15 bits) and
 * one ws_deflate for each agreed server_max_window_bits serve all connections of a worker. */
#ifndef WIRE_WS_DEFLATE_H
#define WIRE_WS_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/view.h"
#include "base/wr.h"

#define WS_DEFLATE_FROM_BYTES 64 /* a shorter message only grows */

struct ws_deflate_options { /* ours, from the configuration */
    bool is_enabled;
    bool allows_context_takeover; /* either direction; costs memory per connection */
    uint8_t max_window_bits;      /* 9..15 */
    uint8_t level;                /* 1..9 */
};
struct ws_deflate_params { /* what was agreed */
    bool is_on;
    bool server_no_context_takeover, client_no_context_takeover;
    uint8_t server_max_window_bits, client_max_window_bits; /* 9..15 */
    bool answer_client_window; /* client_max_window_bits goes into the answer */
    bool answer_server_window;
};

/* Goes through the offers of one (joined) Sec-WebSocket-Extensions value in order and takes the
 * first fitting permessage-deflate. Unknown extensions and unfit offers are passed over
 * (R-D1..R-D4). E_INVALID when the header breaks its grammar (R-H13): refuse the handshake.
 * params->is_on says whether one was agreed. Empty `offers`: no header. Linear time. */
int ws_deflate_negotiate(struct ws_deflate_params *params, const struct ws_deflate_options *options,
                         struct view offers);
/* The value for the answer's Sec-WebSocket-Extensions. */
void ws_deflate_answer(struct wr *w, const struct ws_deflate_params *params);
/* Client side: checks a server's answer against WS_DEFLATE_OFFER. E_INVALID: fail the connection.
 */
#define WS_DEFLATE_OFFER                                                                           \
    "permessage-deflate; client_no_context_takeover; server_no_context_takeover"
int ws_deflate_accept(struct ws_deflate_params *params, struct view answer);

struct ws_inflate;
/* window_bits 9..15; keeps_context false resets after each message. */
int ws_inflate_new(struct ws_inflate **out, uint8_t window_bits, bool keeps_context);
void ws_inflate_free(struct ws_inflate *z);
struct ws_inflate_limits { /* of the output of one message (R-D8) */
    uint64_t bytes;
    uint32_t ratio; /* to the input, once past 16 KiB of output; 0 = no such limit */
};
/* Inflates one whole message (the four stripped bytes are fed separately, C-A22). *out points into
 * z, is writable, and valid until the next call. E_INVALID corrupt, E_LIMIT too big, E_NOMEM; after
 * a failure a z that keeps context is of no more use. */
int ws_inflate_message(struct ws_inflate *z, struct view in, struct ws_inflate_limits limits,
                       uint8_t **out, size_t *out_len);

struct ws_deflate;
int ws_deflate_new(struct ws_deflate **out, uint8_t window_bits, uint8_t level, bool keeps_context);
void ws_deflate_free(struct ws_deflate *z);
/* Compresses one message; the trailing 00 00 ff ff is stripped. *out points into z until the next
 * call. */
int ws_deflate_message(struct ws_deflate *z, const uint8_t *in, size_t in_len, uint8_t **out,
                       size_t *out_len);

#endif
