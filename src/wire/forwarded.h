/* SPDX-License-Identifier: Apache-2.0 */
/* forwarded.h: whose request a trusted proxy passes on, by X-Forwarded-For or by Forwarded (RFC
 * 7239). Pure. Each proxy writes at the right end, so the list is read from there: entries of
 * trusted proxies are stepped over, the first other one is the client, and what stands left of it
 * was written by the client itself and is never looked at. */
#ifndef WIRE_FORWARDED_H
#define WIRE_FORWARDED_H

#include "base/ip_net.h"
#include "wire/http1.h"

/* One of them is read, as the proxy writes one and passes on the other as the client sent it. */
enum forwarded_header { FORWARDED_X_FORWARDED_FOR, FORWARDED_RFC7239 };
enum forwarded_verdict {
    FORWARDED_NOBODY, /* nothing said, or "unknown": the sender is all that is known */
    FORWARDED_CLIENT, /* *client */
    FORWARDED_BAD     /* a trusted proxy has written what is no address */
};
enum forwarded_verdict forwarded_client(struct ip_address *client,
                                        const struct http1_request *request,
                                        enum forwarded_header which, const struct ip_nets *trusted);

#endif
