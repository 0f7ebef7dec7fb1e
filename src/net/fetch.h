/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.h: one HTTPS request and its whole answer, on the outbound thread. What a stranger's server
 * may do is bounded: bytes, time, no redirect, no other protocol, no proxy from the environment, no
 * cookies, no compression, no file of passwords, no log of keys. The certificate is always
 * verified. A connection is used again for the next request where both sides like. */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"
#include "net/outbound.h"

#define FETCH_URL_BYTES_MAX    2048
#define FETCH_BYTES_MAX        (256 * 1024) /* of a body, unless the request says less or more */
#define FETCH_HEADER_BYTES_MAX (64 * 1024)
#define FETCH_DEADLINE_MS      5000 /* from name to last byte, unless the request says otherwise */

#define FETCH_HEADERS_MAX 16
struct fetch_header { /* name: a token; value: not empty, without control characters */
    const char *name;
    struct view value;
};

struct fetch_request {     /* starts zeroed; everything is copied */
    const char *url;       /* from the configuration: nothing of a stranger may be part of it */
    const char *accept;    /* NULL: anything */
    struct view ca_pem;    /* whom to trust instead of the system's authorities; empty: those */
    struct view body;      /* ptr NULL: GET, otherwise POST */
    const char *body_type; /* media type of the body */
    const char *user, *password; /* HTTP Basic; NULL: none. Copies are wiped */
    /* More of the head; values may come from strangers, names not. Copies are wiped. */
    const struct fetch_header *headers;
    unsigned headers_count;
    uint32_t bytes_max, deadline_ms; /* 0: as above */
    /* 4xx is an answer like others to whoever asks: its body is read (and forgotten) up to
     * bytes_max, so that the connection serves the next request too. */
    bool expects_refusals;
    bool allows_loopback_http; /* http:// to an address of this machine, written in digits */
    /* http:// to anyone. For OCSP alone: responders are there to be asked without TLS, what they
     * say is signed and checked by whoever asked, and the address comes from our own certificate.
     */
    bool allows_plain_http;
};

struct fetch_answer {
    int status;       /* OK only for 200 with its whole body; otherwise E_DENIED (other status,
                         certificate), E_LIMIT, E_EXPIRED (deadline), E_IO, E_NOMEM, E_CLOSED */
    const char *code; /* stable word: "fetched", "redirect", "http_status", "certificate", … */
    unsigned http_status; /* 0: none came */
    struct view body;     /* only until the callback returns */
    uint32_t fresh_s;     /* how long it may be kept, where has_freshness */
    bool has_freshness;
};

enum fetch_http { FETCH_HTTP_NOWHERE, FETCH_HTTP_LOOPBACK, FETCH_HTTP_ANYWHERE };
/* Is it a URL that may be fetched? https://host[:port][/path][?query] of visible ASCII, without
 * user name and fragment; http:// only where it is allowed. Pure. E_INVALID with *why. */
int fetch_url_check(struct view url, enum fetch_http http, struct error *why);

/* Any thread. `done` is called once, on the outbound thread, unless this fails: E_INVALID (url, a
 * header, or more than FETCH_HEADERS_MAX of them), E_NOMEM, E_FULL, E_CLOSED. */
int fetch_start(struct outbound *o, const struct fetch_request *request,
                void (*done)(void *context, const struct fetch_answer *answer), void *context);

#endif
