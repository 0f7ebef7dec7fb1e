/* SPDX-License-Identifier: Apache-2.0 */
/* schema_uri.h: references of schemas (RFC 3986 section 5). Pure but for the arena. */
#ifndef MESSAGE_SCHEMA_URI_H
#define MESSAGE_SCHEMA_URI_H

#include "base/arena.h"
#include "base/view.h"

struct schema_uri {
    struct view uri;      /* without fragment */
    struct view fragment; /* percent-decoded */
};

/* `reference` as seen from `base`, which may be empty. E_NOMEM; E_INVALID for a broken escape. */
int schema_uri_resolve(struct schema_uri *out, struct arena *arena, struct view base,
                       struct view reference);

#endif
