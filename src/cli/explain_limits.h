/* SPDX-License-Identifier: Apache-2.0 */
/* explain_limits.h: `gateward explain --limits`. Private to cli/. */
#ifndef CLI_EXPLAIN_LIMITS_H
#define CLI_EXPLAIN_LIMITS_H

#include "server/options.h"

struct explain_limits {
    const struct options *options;
    const char *listener, *route, *roles; /* NULL: the first, the first, nobody's */
};
/* Prints each limit, its number and whence it comes; the exit code. */
int explain_limits(const struct explain_limits *asked);

#endif
