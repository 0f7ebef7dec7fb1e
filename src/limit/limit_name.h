/* SPDX-License-Identifier: Apache-2.0 */
/* limit_name.h: the limits that can be told to observe only (`limits.observe`), by their names: in
 * the configuration, as the code of an event, and as the label of a metric. */
#ifndef LIMIT_LIMIT_NAME_H
#define LIMIT_LIMIT_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum limit_name {
    LIMIT_PER_IP,
    LIMIT_PER_USER,
    LIMIT_PER_LISTENER,
    LIMIT_PER_ROUTE,
    LIMIT_HANDSHAKES,
    LIMIT_BANS,
    LIMIT_MESSAGES, /* from here on: a connection may be over it again and again */
    LIMIT_CONTROL_FRAMES,
    LIMIT_SUBSCRIBES,
    LIMIT_BYTES,
    LIMIT_NAMES
};
#define LIMIT_ALL ((UINT32_C(1) << LIMIT_NAMES) - 1)

const char *limit_name_text(enum limit_name name);
bool limit_name_find(enum limit_name *out, struct view text);
/* Why a limit that is none of these is always enforced; NULL: there is no such limit. */
const char *limit_name_always(struct view text);

#endif
