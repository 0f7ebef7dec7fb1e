/* SPDX-License-Identifier: Apache-2.0 */
/* jail.h: giving up what the server no longer needs once its listeners are bound. Start-up only,
 * before threads. */
#ifndef SERVER_JAIL_H
#define SERVER_JAIL_H

#include "base/error.h"

/* Started as root with a user named: becomes that user for good. Not root, or user NULL: nothing.
 * No core dumps either way (they would hold keys). E_MISSING, E_IO, with *why. */
int jail_enter(const char *user, struct error *why);

#endif
