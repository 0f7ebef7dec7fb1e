/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base access */
/* Input: pattern NL name NL user id. A pattern that parses is matched against the name, and against
 * an oracle that walks the texts byte by byte and tries every length for a variable. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access/channel_name.h"
#include "base/assert.h"
#include "base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_id(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static bool oracle_name_ok(struct view v)
{
    size_t run = 0, segments = 1, i;

    for (i = 0; i < v.len; i++) {
        if (v.ptr[i] == ':') {
            if (run == 0)
                return false;
            run = 0;
            segments++;
        } else if (++run > 64 || (!is_id(v.ptr[i]) && v.ptr[i] != '.')) {
            return false;
        }
    }
    return run > 0 && segments <= 16 && v.len <= 256;
}

static struct view skip(struct view v, size_t bytes)
{
    return view_of(v.ptr + bytes, v.len - bytes);
}

static bool oracle_match(struct view pattern, struct view name, struct view user)
{
    struct view variable, rest;
    size_t len;

    while (pattern.len > 0 && pattern.ptr[0] != '{') {
        if (name.len == 0 || name.ptr[0] != pattern.ptr[0])
            return false;
        pattern = skip(pattern, 1);
        name = skip(name, 1);
    }
    if (pattern.len == 0)
        return name.len == 0;
    (void)view_split(skip(pattern, 1), '}', &variable, &rest);
    for (len = 1; len <= name.len && is_id(name.ptr[len - 1]); len++) {
        if (view_eq(variable, VIEW("tenant")))
            return false; /* who asks here has none */
        if (view_eq(variable, VIEW("user_id")) && !view_eq(view_of(name.ptr, len), user))
            continue;
        if (oracle_match(rest, skip(name, len), user))
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view pattern, name, user, rest;
    struct channel_pattern p;
    struct channel_name split;
    struct identity who;
    struct error why = {{0}, 0, 0};
    unsigned variables = 0, i;
    bool got;

    (void)view_split(view_of(data, size), '\n', &pattern, &rest);
    (void)view_split(rest, '\n', &name, &user);
    ASSERT(channel_name_ok(name) == oracle_name_ok(name));
    if (channel_pattern_parse(&p, pattern, &why) != OK) {
        ASSERT(why.text[0] != '\0');
        return 0;
    }
    memset(&who, 0, sizeof(who));
    user.len = user.len > IDENTITY_USER_MAX ? IDENTITY_USER_MAX : user.len;
    memcpy(who.user, user.ptr, user.len);
    who.user_bytes = (uint8_t)user.len;
    got = channel_pattern_match(&p, name, &who);
    /* A pattern without variables is a name, and matches itself alone. */
    for (i = 0; i < p.count; i++)
        variables += p.segments[i].variable.len > 0;
    if (variables == 0)
        ASSERT(channel_name_ok(pattern) && got == view_eq(pattern, name));
    if (variables <= 4) /* the oracle is exponential in them */
        ASSERT(got == (oracle_name_ok(name) && oracle_match(pattern, name, user)));
    if (channel_name_split(&split, name))
        ASSERT(got == channel_pattern_match_split(&p, &split, &who));
    /* What matches for nobody matches for everybody. */
    if (channel_pattern_match(&p, name, NULL))
        ASSERT(got);
    return 0;
}
