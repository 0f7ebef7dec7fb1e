/* SPDX-License-Identifier: Apache-2.0 */
/* channel_template.h: the name of a channel with holes, "private:room-{/room_id}", filled for each
 * message. {user_id} and {tenant} come from the identity, {/pointer} from the message. What a
 * stranger puts into a hole can neither open a further segment nor leave the grammar of one, and no
 * segment has two holes, so two different fillings never name the same channel. Pure. */
#ifndef POLICY_CHANNEL_TEMPLATE_H
#define POLICY_CHANNEL_TEMPLATE_H

#include "access/channel_name.h"
#include "message/json.h"

#define CHANNEL_TEMPLATE_PARTS_MAX (3 * CHANNEL_SEGMENTS_MAX)

struct channel_template {
    struct channel_template_part {
        enum { TEMPLATE_TEXT, TEMPLATE_USER, TEMPLATE_TENANT, TEMPLATE_POINTER } kind;
        struct view text; /* as it stands there, or the JSON pointer */
    } parts[CHANNEL_TEMPLATE_PARTS_MAX];
    unsigned count;
};
/* The views point into `text`, which must outlive the template. E_INVALID with *why. */
int channel_template_parse(struct channel_template *t, struct view text, struct error *why);

enum template_fault {
    TEMPLATE_FILLED,
    TEMPLATE_NO_IDENTITY,
    TEMPLATE_NO_TENANT,
    TEMPLATE_MISSING,    /* the pointer names nothing in the message */
    TEMPLATE_NOT_STRING, /* it names something else than a string */
    TEMPLATE_BAD_FORMAT, /* a string that is no [A-Za-z0-9_.-]{1,64} */
    TEMPLATE_TOO_LONG    /* each part is good, the whole is no channel name */
};
struct channel_filled {
    char bytes[CHANNEL_NAME_MAX];
    size_t len;
    struct view pointer; /* of the hole at fault; empty: none is */
};
/* Writes out->bytes and len only where the answer is TEMPLATE_FILLED. */
enum template_fault channel_template_fill(const struct channel_template *t,
                                          const struct identity *who, const struct json *message,
                                          struct channel_filled *out);

#endif
