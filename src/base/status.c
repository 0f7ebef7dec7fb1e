/* SPDX-License-Identifier: Apache-2.0 */
/* status.c: the phrase for each status. A number nobody knows still gets a phrase, because it ends
 * up in a log line. */
#include "base/status.h"

const char *status_text(int status)
{
    static const char *const phrases[] = {
        [-OK] = "success",
        [-E_NOMEM] = "out of memory",
        [-E_LIMIT] = "a limit was reached",
        [-E_INVALID] = "malformed input",
        [-E_MISSING] = "not found",
        [-E_EXISTS] = "already there",
        [-E_DENIED] = "not allowed",
        [-E_EXPIRED] = "expired",
        [-E_IO] = "input/output error",
        [-E_CRYPTO] = "cryptographic failure",
        [-E_CLOSED] = "closed by the other side",
        [-E_FULL] = "no room left",
        [-E_UNSUPPORTED] = "not supported",
    };

    if (status > 0 || status < E_UNSUPPORTED)
        return "unknown status";
    return phrases[-status];
}
