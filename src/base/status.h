/* SPDX-License-Identifier: Apache-2.0 */
/* status.h: what a function that can fail answers. 0 is success; failures are negative and closed.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

enum status {
    OK = 0,
    E_NOMEM = -1,       /* the allocator refused */
    E_LIMIT = -2,       /* a ceiling of ours was hit: bytes, items, depth */
    E_INVALID = -3,     /* the input breaks its grammar */
    E_MISSING = -4,     /* what was asked for is not there */
    E_EXISTS = -5,      /* what was to be made is there already */
    E_DENIED = -6,      /* the answer is no */
    E_EXPIRED = -7,     /* it was right once */
    E_IO = -8,          /* the operating system refused; errno says why */
    E_CRYPTO = -9,      /* the crypto library refused */
    E_CLOSED = -10,     /* the other side is gone */
    E_FULL = -11,       /* a bounded queue or table has no room now */
    E_UNSUPPORTED = -12 /* well formed, but nothing we do */
};

/* A short English phrase for `status`, for people; never NULL. */
const char *status_text(int status);

#endif
