/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base message access policy limit */
/* Input: template NL tenant NL message. What is filled is a channel name with as many segments as
 * the template has, its literal text stands where it stood, and the same holes give the same name.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "policy/channel_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned colons(struct view v)
{
    unsigned count = 0;

    for (size_t i = 0; i < v.len; i++)
        count += v.ptr[i] == ':';
    return count;
}

/* Walks the name along the parts: text must be met to the byte, a hole eats up to the text or colon
 * behind it. */
static void check_parts(const struct channel_template *t, struct view name)
{
    for (unsigned i = 0; i < t->count; i++) {
        const struct channel_template_part *part = &t->parts[i];
        struct view next = i + 1 < t->count ? t->parts[i + 1].text : VIEW("");
        size_t len = 0;

        if (part->kind == TEMPLATE_TEXT) {
            ASSERT(view_starts_with(name, part->text));
            len = part->text.len;
        } else {
            while (len < name.len && name.ptr[len] != ':')
                len++;
            /* The rest of the segment behind the hole is literal. */
            for (size_t j = 0; j < next.len && next.ptr[j] != ':'; j++)
                len--;
            ASSERT(len >= 1 && len <= CHANNEL_SEGMENT_MAX);
        }
        name = view_of(name.ptr + len, name.len - len);
    }
    ASSERT(name.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text, tenant, message, rest;
    struct channel_template t;
    struct channel_filled out, again;
    struct identity who = {.user = "alice", .user_bytes = 5};
    struct error why = {{0}, 0, 0};
    struct arena arena;
    struct json *root;
    size_t at;

    (void)view_split(view_of(data, size), '\n', &text, &rest);
    (void)view_split(rest, '\n', &tenant, &message);
    if (channel_template_parse(&t, text, &why) != OK) {
        ASSERT(why.text[0] != '\0');
        return 0;
    }
    if (tenant.len <= IDENTITY_TENANT_MAX && memchr(tenant.ptr, 0, tenant.len) == NULL)
        memcpy(who.tenant, tenant.ptr, tenant.len);
    arena_init(&arena, 4096, 1 << 20);
    if (json_parse(&root, message, NULL, &arena, &at) == OK &&
        channel_template_fill(&t, &who, root, &out) == TEMPLATE_FILLED) {
        struct view name = view_of(out.bytes, out.len);

        ASSERT(channel_name_ok(name));
        ASSERT(colons(name) + 1 <= CHANNEL_SEGMENTS_MAX);
        check_parts(&t, name);
        ASSERT(channel_template_fill(&t, &who, root, &again) == TEMPLATE_FILLED);
        ASSERT(view_eq(name, view_of(again.bytes, again.len)));
    }
    arena_clear(&arena);
    return 0;
}
