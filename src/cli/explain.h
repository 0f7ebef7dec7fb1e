/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h: what the halves of `gateward explain` share. Private to cli/. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "cli/cli.h"
#include "server/options.h"

struct explain_message {
    const struct options *options;
    const struct identity *who;
    const char *path; /* of a file with one message */
    int64_t wall_s;
};
/* Prints what the policy of the message's type says. An exit code. */
int explain_message(const struct explain_message *m);

#endif
