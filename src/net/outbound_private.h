/* SPDX-License-Identifier: Apache-2.0 */
/* outbound_private.h: what fetch.c shares with the outbound thread: its transfers. That thread
 * only. */
#ifndef NET_OUTBOUND_PRIVATE_H
#define NET_OUTBOUND_PRIVATE_H

#include <curl/curl.h>

#include "net/outbound.h"

struct outbound_transfer {
    struct link link;
    CURL *easy; /* the owner's; CURLOPT_PRIVATE is the transfer */
    /* Exactly once. status: OK (ask `code`), or E_CLOSED. May free the transfer and its handle. */
    void (*done)(struct outbound_transfer *transfer, CURLcode code, int status);
};

/* E_FULL (too many under way), E_CLOSED, E_NOMEM: `done` is not called. */
int outbound_transfer_add(struct outbound *o, struct outbound_transfer *transfer);

#endif
