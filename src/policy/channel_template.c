/* SPDX-License-Identifier: Apache-2.0 */
/* Filling copies bytes and decides nothing: whether the identity may publish to the channel that
 * comes out is asked of access_decide afterwards, as for a channel that the client named itself. */
#include "policy/channel_template.h"

#include "base/status.h"
#include "base/wr.h"
#include "message/json_pointer.h"

/* One segment's bytes: a channel name without a colon. */
static bool is_segment(struct view v)
{
    return v.len <= CHANNEL_SEGMENT_MAX && channel_name_ok(v) && memchr(v.ptr, ':', v.len) == NULL;
}

static const char *read_hole(struct channel_template_part *part, struct view inside)
{
    part->text = inside;
    if (view_eq(inside, VIEW("user_id")))
        part->kind = TEMPLATE_USER;
    else if (view_eq(inside, VIEW("tenant")))
        part->kind = TEMPLATE_TENANT;
    else if (inside.len > 1 && memchr(inside.ptr, '{', inside.len) == NULL &&
             json_pointer_ok(inside))
        part->kind = TEMPLATE_POINTER;
    else
        return "a variable is {user_id}, {tenant} or a JSON pointer into the message such as "
               "{/room_id}";
    return NULL;
}

static bool add_text(struct channel_template *t, struct view text)
{
    if (text.len == 0)
        return true;
    if (t->count == CHANNEL_TEMPLATE_PARTS_MAX)
        return false;
    t->parts[t->count++] = (struct channel_template_part){TEMPLATE_TEXT, text};
    return true;
}

/* NULL, or what is wrong. */
static const char *read_parts(struct channel_template *t, struct view text)
{
    struct view literal, inside, rest;
    const char *fault;
    bool has_hole = false;

    while (text.len > 0) {
        bool is_hole = view_split(text, '{', &literal, &rest);

        if (memchr(literal.ptr, '}', literal.len) != NULL)
            return "a } without its {";
        if (memchr(literal.ptr, ':', literal.len) != NULL)
            has_hole = false;
        if (!add_text(t, literal))
            return "too many parts";
        if (!is_hole)
            return NULL;
        if (has_hole)
            return "two variables in one segment: what is one name for us must not be two for "
                   "others; put a colon between them";
        has_hole = true;
        if (!view_split(rest, '}', &inside, &text))
            return "a { without its }";
        if (t->count == CHANNEL_TEMPLATE_PARTS_MAX)
            return "too many parts";
        fault = read_hole(&t->parts[t->count++], inside);
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

/* With one byte in each hole it must be a channel name. */
static bool is_name_when_filled(const struct channel_template *t)
{
    char name[CHANNEL_NAME_MAX];
    struct wr w = wr_of(name, sizeof(name));

    for (unsigned i = 0; i < t->count; i++)
        wr_view(&w, t->parts[i].kind == TEMPLATE_TEXT ? t->parts[i].text : VIEW("x"));
    return !w.failed && channel_name_ok(view_of(name, wr_len(&w)));
}

int channel_template_parse(struct channel_template *t, struct view text, struct error *why)
{
    struct channel_template made = {.count = 0};
    const char *fault = read_parts(&made, text);

    if (fault == NULL && !is_name_when_filled(&made))
        fault = "it is no channel name: 1 to 16 segments of A-Z a-z 0-9 _ . - with : between them";
    if (fault != NULL) {
        error_set(why, "%s", fault);
        return E_INVALID;
    }
    *t = made;
    return OK;
}

static enum template_fault find_value(const struct channel_template_part *part,
                                      const struct identity *who, const struct json *message,
                                      struct view *value)
{
    const struct json *node;

    *value = part->text;
    if (part->kind == TEMPLATE_TEXT)
        return TEMPLATE_FILLED;
    if (part->kind == TEMPLATE_POINTER) {
        node = json_pointer_get(message, part->text);
        if (node == NULL)
            return TEMPLATE_MISSING;
        if (node->type != JSON_STRING)
            return TEMPLATE_NOT_STRING;
        *value = node->text;
    } else if (who == NULL) {
        return TEMPLATE_NO_IDENTITY;
    } else {
        *value = part->kind == TEMPLATE_USER ? view_of(who->user, who->user_bytes)
                                             : view_of_text(who->tenant);
        if (part->kind == TEMPLATE_TENANT && value->len == 0)
            return TEMPLATE_NO_TENANT;
    }
    return is_segment(*value) ? TEMPLATE_FILLED : TEMPLATE_BAD_FORMAT;
}

enum template_fault channel_template_fill(const struct channel_template *t,
                                          const struct identity *who, const struct json *message,
                                          struct channel_filled *out)
{
    struct wr w = wr_of(out->bytes, sizeof(out->bytes));

    out->len = 0;
    out->pointer = view_of(NULL, 0);
    for (unsigned i = 0; i < t->count; i++) {
        struct view value;
        enum template_fault fault = find_value(&t->parts[i], who, message, &value);

        if (fault != TEMPLATE_FILLED) {
            if (t->parts[i].kind == TEMPLATE_POINTER)
                out->pointer = t->parts[i].text;
            return fault;
        }
        wr_view(&w, value);
    }
    if (w.failed || !channel_name_ok(view_of(out->bytes, wr_len(&w))))
        return TEMPLATE_TOO_LONG;
    out->len = wr_len(&w);
    return TEMPLATE_FILLED;
}
