/* SPDX-License-Identifier: Apache-2.0 */
/* Channel names and patterns. Both are cut at ':' and compared segment by segment, byte for byte
 * (W-17, W-18): nothing a stranger writes is ever part of a pattern, and nothing in a pattern means
 * more than one {variable} a segment. No recursion, no allocation; a name past its ceilings is
 * refused before it is looked at (C-A25). */
#include "access/channel_name.h"

#include "access/grammar.h"
#include "base/status.h"

#define VARIABLE_MAX 32

bool channel_name_split(struct channel_name *out, struct view name)
{
    const char *p = name.ptr, *end, *start;

    out->count = 0;
    if (name.len == 0 || name.len > CHANNEL_NAME_MAX)
        return false;
    end = p + name.len;
    for (;;) {
        if (out->count == CHANNEL_SEGMENTS_MAX)
            return false;
        start = p;
        while (p < end && grammar_has(*p, GRAMMAR_SEGMENT))
            p++;
        if (p == start || p - start > CHANNEL_SEGMENT_MAX)
            return false;
        out->segments[out->count++] = view_of(start, (size_t)(p - start));
        if (p == end)
            return true;
        if (*p != ':')
            return false;
        p++;
    }
}

bool channel_name_ok(struct view name)
{
    struct channel_name parts;

    return channel_name_split(&parts, name);
}

static bool is_same(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static bool literal_ok(struct view v)
{
    size_t i;

    for (i = 0; i < v.len; i++) {
        if (!grammar_has(v.ptr[i], GRAMMAR_SEGMENT))
            return false;
    }
    return true;
}

static bool variable_ok(struct view v)
{
    size_t i;

    if (v.len < 1 || v.len > VARIABLE_MAX || v.ptr[0] < 'a' || v.ptr[0] > 'z')
        return false;
    for (i = 1; i < v.len; i++) {
        char c = v.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

/* Returns NULL, or what is wrong with the segment, as the end of a sentence. */
static const char *segment_parse(struct channel_segment *s, struct view text)
{
    const char *open, *shut;

    memset(s, 0, sizeof(*s));
    if (text.len == 0)
        return "has an empty segment";
    open = memchr(text.ptr, '{', text.len);
    if (open == NULL) {
        s->before = text;
        if (text.len > CHANNEL_SEGMENT_MAX)
            return "has a segment of more than 64 bytes";
        return literal_ok(text) ? NULL
                                : "has a byte that is not one of A-Z a-z 0-9 _ . - in a segment";
    }
    s->before = view_of(text.ptr, (size_t)(open - text.ptr));
    shut = memchr(open, '}', text.len - s->before.len);
    if (shut == NULL)
        return "has a { without its }";
    s->variable = view_of(open + 1, (size_t)(shut - open - 1));
    s->after = view_of(shut + 1, text.len - (size_t)(shut + 1 - text.ptr));
    if (memchr(s->after.ptr, '{', s->after.len) != NULL)
        return "has two variables in one segment; at most one may stand between two ':'";
    if (!variable_ok(s->variable))
        return "has a variable that is not {[a-z][a-z0-9_]*} of at most 32 bytes";
    if (!literal_ok(s->before) || !literal_ok(s->after))
        return "has a byte that is not one of A-Z a-z 0-9 _ . - around a variable";
    if (s->before.len + s->after.len >= CHANNEL_SEGMENT_MAX)
        return "has a segment that leaves its variable no room within 64 bytes";
    s->is_user = is_same(s->variable, VIEW("user_id"));
    s->is_tenant = is_same(s->variable, VIEW("tenant"));
    return NULL;
}

/* {user_id} and {tenant} may stand twice, for both places must be the same id anyway. */
static bool repeats_variable(const struct channel_pattern *p, const struct channel_segment *s)
{
    unsigned i;

    if (s->variable.len == 0 || s->is_user || s->is_tenant)
        return false;
    for (i = 0; i < p->count; i++) {
        if (is_same(p->segments[i].variable, s->variable))
            return true;
    }
    return false;
}

/* The fewest bytes a name that matches can have; a pattern that no name can match is a mistake of
 * its author. */
static size_t shortest_name(const struct channel_pattern *p)
{
    size_t bytes = p->count - 1;
    unsigned i;

    for (i = 0; i < p->count; i++) {
        const struct channel_segment *s = &p->segments[i];

        bytes += s->before.len + s->after.len + (s->variable.len > 0 ? 1 : 0);
    }
    return bytes;
}

/* `text` is the operator's own, but it may hold any byte: no more than the fault is repeated, and
 * never the bytes. */
int channel_pattern_parse(struct channel_pattern *p, struct view text, struct error *why)
{
    struct channel_pattern made = {.text = text};
    size_t start = 0, i;

    if (text.len == 0) {
        error_set(why, "a channel pattern is empty");
        return E_INVALID;
    }
    for (i = 0; i <= text.len; i++) {
        struct channel_segment *s = &made.segments[made.count];
        const char *fault;

        if (i < text.len && text.ptr[i] != ':')
            continue;
        if (made.count == CHANNEL_SEGMENTS_MAX) {
            error_set(why, "the channel pattern has more than %d segments", CHANNEL_SEGMENTS_MAX);
            return E_INVALID;
        }
        fault = segment_parse(s, view_of(text.ptr + start, i - start));
        if (fault == NULL && repeats_variable(&made, s))
            fault =
                "has the same variable twice; each place binds by itself, so give them two names";
        if (fault != NULL) {
            error_set(why, "the channel pattern %s (segment %u)", fault, made.count + 1);
            return E_INVALID;
        }
        made.count++;
        start = i + 1;
    }
    if (shortest_name(&made) > CHANNEL_NAME_MAX) {
        error_set(why, "the channel pattern matches no name of at most %d bytes", CHANNEL_NAME_MAX);
        return E_INVALID;
    }
    *p = made;
    return OK;
}

/* What the variable of a segment stands for in `v`; false where the segment does not match. */
static bool segment_bind(const struct channel_segment *s, struct view v, struct view *bound)
{
    *bound = view_of(NULL, 0);
    if (s->variable.len == 0)
        return is_same(s->before, v);
    if (v.len <= s->before.len + s->after.len)
        return false;
    if (s->before.len > 0 && memcmp(v.ptr, s->before.ptr, s->before.len) != 0)
        return false;
    if (s->after.len > 0 && memcmp(v.ptr + v.len - s->after.len, s->after.ptr, s->after.len) != 0)
        return false;
    *bound = view_of(v.ptr + s->before.len, v.len - s->before.len - s->after.len);
    /* Also where it equals the caller's id: an id outside the grammar binds nothing, however it
     * came in (C-G1). */
    return grammar_is_id(*bound);
}

static bool segment_match(const struct channel_segment *s, struct view v,
                          const struct identity *who)
{
    struct view bound;

    if (!segment_bind(s, v, &bound))
        return false;
    if (s->is_user)
        return who != NULL && is_same(bound, view_of(who->user, who->user_bytes));
    /* `bound` is never empty, so that whoever has no tenant is in none. */
    return !s->is_tenant || (who != NULL && is_same(bound, view_of_text(who->tenant)));
}

bool channel_pattern_match_split(const struct channel_pattern *p, const struct channel_name *name,
                                 const struct identity *who)
{
    unsigned i;

    if (p->count != name->count || p->count == 0)
        return false;
    for (i = 0; i < p->count; i++) {
        if (!segment_match(&p->segments[i], name->segments[i], who))
            return false;
    }
    return true;
}

bool channel_pattern_match_anyone(const struct channel_pattern *p, const struct channel_name *name)
{
    struct view bound;
    unsigned i;

    if (p->count != name->count || p->count == 0)
        return false;
    for (i = 0; i < p->count; i++) {
        if (!segment_bind(&p->segments[i], name->segments[i], &bound))
            return false;
    }
    return true;
}

bool channel_pattern_match(const struct channel_pattern *p, struct view name,
                           const struct identity *who)
{
    struct channel_name parts;

    return channel_name_split(&parts, name) && channel_pattern_match_split(p, &parts, who);
}
