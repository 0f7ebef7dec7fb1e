/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base wire */
/* Extension offers: what is agreed lies within what we can do, and our answer is itself well formed
 * and an answer that our own client half would judge without surprise. The first byte chooses the
 * options. */
#include "base/assert.h"
#include "base/status.h"
#include "wire/ws_deflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_agreed(const struct ws_deflate_params *p,
                         const struct ws_deflate_options *options)
{
    char text[256];
    struct wr w = wr_of(text, sizeof(text));
    struct ws_deflate_params again;
    int rc;

    ASSERT(options->is_enabled);
    ASSERT(p->server_max_window_bits >= 9);
    ASSERT(p->server_max_window_bits <= options->max_window_bits);
    ASSERT(p->client_max_window_bits >= 9 && p->client_max_window_bits <= 15);
    ASSERT(!p->answer_client_window || p->client_max_window_bits <= options->max_window_bits);
    if (!options->allows_context_takeover)
        ASSERT(p->server_no_context_takeover && p->client_no_context_takeover);
    ws_deflate_answer(&w, p);
    ASSERT(!w.failed);
    /* Read back as an offer, the answer asks for the same. */
    ASSERT(ws_deflate_negotiate(&again, options, view_of(text, wr_len(&w))) == OK && again.is_on);
    ASSERT(again.server_max_window_bits <= p->server_max_window_bits || !p->answer_server_window);
    rc = ws_deflate_accept(&again, view_of(text, wr_len(&w)));
    ASSERT((rc == OK) == (p->server_no_context_takeover && !p->answer_client_window));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ws_deflate_options options = {true, false, 15, 6};
    struct ws_deflate_params p = {0}, accepted;
    struct view offers;
    int rc, accept_rc;

    if (size < 1)
        return 0;
    options.is_enabled = (data[0] & 1) == 0;
    options.allows_context_takeover = (data[0] & 2) != 0;
    options.max_window_bits = (uint8_t)(9 + (data[0] >> 2) % 7);
    offers = view_of(data + 1, size - 1);
    rc = ws_deflate_negotiate(&p, &options, offers);
    ASSERT(rc == OK || rc == E_INVALID);
    if (rc == OK && p.is_on)
        check_agreed(&p, &options);
    accept_rc = ws_deflate_accept(&accepted, offers);
    ASSERT(rc == OK || accept_rc == E_INVALID); /* one grammar for both */
    return 0;
}
