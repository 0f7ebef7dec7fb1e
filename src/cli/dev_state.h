/* SPDX-License-Identifier: Apache-2.0 */
/* dev_state.h: what `gateward dev` keeps between runs: its certificate authority, its certificate,
 * its token secret. */
#ifndef CLI_DEV_STATE_H
#define CLI_DEV_STATE_H

#include "base/buf.h"
#include "base/error.h"

/* Makes `directory` (0700) and whatever is missing or about to expire in it: ca.crt, ca.key,
 * server.crt, server.key, jwt.secret; keys and secrets with mode 0600. */
int dev_state_prepare(const char *directory, struct error *why);
/* A token for `user` with role user, 12 h, under the state's secret. NUL-terminated in *out. */
int dev_state_token(struct buf *out, const char *directory, const char *user, struct error *why);

#endif
