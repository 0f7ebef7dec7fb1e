/* SPDX-License-Identifier: Apache-2.0 */
/* schema_regex_parse.c: ECMA-262 section 22.2.1 in Unicode mode, with what patterns in the wild
 * need: a lone ] or } or {, and a backslash before any punctuation, mean themselves. What other
 * dialects have and this one has not (\A, (?i), possessive quantifiers) is a fault, never another
 * meaning. One level of parentheses is one level of recursion, counted. */
#include "message/schema_regex_ast.h"

#include "base/code_point.h"

uint32_t regex_fail(struct regex_parser *p, const char *text)
{
    if (p->fault == NULL)
        p->fault = text;
    return 0;
}

static bool peek(const struct regex_parser *p, const char *text)
{
    size_t len = strlen(text);

    return (size_t)(p->end - p->at) >= len && memcmp(p->at, text, len) == 0;
}

static bool skip(struct regex_parser *p, const char *text)
{
    if (!peek(p, text))
        return false;
    p->at += strlen(text);
    return true;
}

static void set_children(struct regex_parser *p, uint32_t node, uint32_t first)
{
    if (p->ast != NULL && p->fault == NULL)
        p->ast->nodes[node].first = first;
}

static bool number(struct regex_parser *p, uint32_t *out)
{
    const char *begin = p->at;
    uint32_t sum = 0;

    for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++)
        sum = sum > REGEX_REPEAT_MAX ? sum : sum * 10 + (uint32_t)(*p->at - '0');
    *out = sum;
    return p->at > begin;
}

/* {n} {n,} {n,m}; anything else in braces is no quantifier and leaves p->at alone. */
static bool braces(struct regex_parser *p, uint32_t *min, uint32_t *max)
{
    const char *begin = p->at;

    if (skip(p, "{") && number(p, min)) {
        *max = *min;
        if (skip(p, ",") && !number(p, max))
            *max = REGEX_ENDLESS;
        if (skip(p, "}"))
            return true;
    }
    p->at = begin;
    return false;
}

static bool quantifier(struct regex_parser *p, uint32_t *min, uint32_t *max)
{
    *min = 0;
    *max = REGEX_ENDLESS;
    if (skip(p, "*"))
        return true;
    if (skip(p, "?")) {
        *max = 1;
        return true;
    }
    if (skip(p, "+")) {
        *min = 1;
        return true;
    }
    return braces(p, min, max);
}

static uint32_t quantified(struct regex_parser *p, uint32_t atom)
{
    uint32_t min, max, node;

    if (p->fault != NULL || !quantifier(p, &min, &max))
        return atom;
    if (max < min)
        return regex_fail(p, "a quantifier's numbers are out of order");
    if (min > REGEX_REPEAT_MAX || (max > REGEX_REPEAT_MAX && max != REGEX_ENDLESS))
        return regex_fail(p, "a quantifier is too large");
    node = regex_node_add(p, REGEX_REPEAT);
    if (p->ast != NULL && p->fault == NULL) {
        p->ast->nodes[node].min = min;
        p->ast->nodes[node].max = max;
        p->ast->nodes[node].is_lazy = peek(p, "?");
        p->ast->nodes[node].first = atom;
    }
    (void)skip(p, "?");
    return node;
}

static uint32_t disjunction(struct regex_parser *p);

/* A group's name up to and over its >. */
static bool group_name(struct regex_parser *p, struct view *out)
{
    const char *begin = p->at;

    while (p->at < p->end && *p->at != '>') {
        char c = *p->at;
        bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

        if (!is_letter && c != '_' && (p->at == begin || c < '0' || c > '9'))
            return false;
        p->at++;
    }
    *out = view_of(begin, (size_t)(p->at - begin));
    return out->len > 0 && out->len <= 32 && skip(p, ">");
}

static uint32_t inside(struct regex_parser *p)
{
    uint32_t child;

    if (++p->depth > REGEX_GROUPS_MAX)
        return regex_fail(p, "parentheses are nested too deeply");
    child = disjunction(p);
    p->depth--;
    if (p->fault == NULL && !skip(p, ")"))
        return regex_fail(p, "a closing parenthesis is missing");
    return child;
}

static uint32_t look(struct regex_parser *p, bool is_behind, bool is_negated)
{
    uint32_t node = regex_node_add(p, REGEX_LOOK);
    uint32_t child = inside(p);

    set_children(p, node, child);
    if (p->ast != NULL && p->fault == NULL) {
        p->ast->nodes[node].is_behind = is_behind;
        p->ast->nodes[node].is_negated = is_negated;
        p->ast->needs_pcre = true;
    }
    return node;
}

/* Behind the opening parenthesis. Look-around takes no quantifier, so it is handled apart. */
static uint32_t group(struct regex_parser *p)
{
    struct view name = VIEW("");
    uint32_t node, child;

    if (skip(p, "?:"))
        return inside(p);
    if (skip(p, "?<") && !group_name(p, &name))
        return regex_fail(p, "a group's name must be letters, digits and underscores");
    if (peek(p, "?"))
        return regex_fail(p, "this kind of group is unknown");
    node = regex_node_add(p, REGEX_GROUP);
    p->groups++;
    child = inside(p);
    set_children(p, node, child);
    if (p->ast != NULL && p->fault == NULL)
        p->ast->nodes[node].name = name;
    return node;
}

static uint32_t back_reference(struct regex_parser *p)
{
    struct view name = VIEW("");
    uint32_t group_number = 0;
    uint32_t node;

    if (skip(p, "k") && (!skip(p, "<") || !group_name(p, &name)))
        return regex_fail(p, "\\k needs a group's name");
    if (name.len == 0 && (!number(p, &group_number) || group_number > 99))
        return regex_fail(p, "no such group");
    p->back_max = group_number > p->back_max ? group_number : p->back_max;
    node = regex_node_add(p, REGEX_BACK);
    if (p->ast != NULL && p->fault == NULL) {
        p->ast->nodes[node].min = group_number;
        p->ast->nodes[node].name = name;
        p->ast->needs_pcre = true;
    }
    return node;
}

static uint32_t escape(struct regex_parser *p)
{
    char c = p->at < p->end ? *p->at : '\0';

    if (c == 'k' || (c >= '1' && c <= '9'))
        return back_reference(p);
    return regex_parse_escape(p);
}

static uint32_t literal(struct regex_parser *p)
{
    uint32_t point;
    size_t len = code_point_decode((const uint8_t *)p->at, (size_t)(p->end - p->at), &point);

    if (len == 0)
        return regex_fail(p, "the pattern is not valid UTF-8");
    p->at += len;
    return regex_literal(p, point);
}

static uint32_t atom(struct regex_parser *p)
{
    uint32_t min, max;

    if (skip(p, "."))
        return regex_any(p);
    if (skip(p, "["))
        return regex_parse_class(p);
    if (skip(p, "("))
        return group(p);
    if (skip(p, "\\"))
        return escape(p);
    if (quantifier(p, &min, &max))
        return regex_fail(p, "there is nothing to repeat");
    return literal(p);
}

static uint32_t word_edge(struct regex_parser *p, bool is_negated)
{
    uint32_t node = regex_node_add(p, REGEX_WORD);

    if (p->ast != NULL && p->fault == NULL) {
        p->ast->nodes[node].is_negated = is_negated;
        p->ast->needs_pcre = true;
    }
    return node;
}

static uint32_t term(struct regex_parser *p)
{
    if (skip(p, "^"))
        return regex_node_add(p, REGEX_BEGIN);
    if (skip(p, "$"))
        return regex_node_add(p, REGEX_END);
    if (skip(p, "\\b"))
        return word_edge(p, false);
    if (skip(p, "\\B"))
        return word_edge(p, true);
    if (skip(p, "(?="))
        return look(p, false, false);
    if (skip(p, "(?!"))
        return look(p, false, true);
    if (skip(p, "(?<="))
        return look(p, true, false);
    if (skip(p, "(?<!"))
        return look(p, true, true);
    return quantified(p, atom(p));
}

/* Hangs `node` behind the last child of `parent`. */
static void append(struct regex_parser *p, uint32_t parent, uint32_t *last, uint32_t node)
{
    if (p->ast == NULL || p->fault != NULL)
        return;
    if (*last == 0)
        p->ast->nodes[parent].first = node;
    else
        p->ast->nodes[*last].next = node;
    *last = node;
}

static uint32_t alternative(struct regex_parser *p)
{
    uint32_t node = regex_node_add(p, REGEX_CAT);
    uint32_t last = 0;

    while (p->fault == NULL && p->at < p->end && *p->at != '|' && *p->at != ')') {
        uint32_t child = term(p);

        append(p, node, &last, child);
    }
    return node;
}

static uint32_t disjunction(struct regex_parser *p)
{
    uint32_t node = regex_node_add(p, REGEX_ALT);
    uint32_t last = 0;

    do {
        uint32_t child = alternative(p);

        append(p, node, &last, child);
    } while (p->fault == NULL && skip(p, "|"));
    return node;
}

/* \k<name> must name a group. */
static void check_names(struct regex_parser *p)
{
    const struct regex_ast *ast = p->ast;

    for (uint32_t i = 1; i < ast->nodes_count; i++) {
        bool is_found = ast->nodes[i].kind != REGEX_BACK || ast->nodes[i].name.len == 0;

        for (uint32_t j = 1; j < ast->nodes_count && !is_found; j++)
            is_found = ast->nodes[j].kind == REGEX_GROUP &&
                       view_eq(ast->nodes[j].name, ast->nodes[i].name);
        if (!is_found)
            (void)regex_fail(p, "no group has this name");
    }
}

bool regex_parse(struct regex_parser *p, struct view pattern, struct regex_ast *ast)
{
    uint32_t root;

    *p = (struct regex_parser){pattern.ptr, pattern.ptr + pattern.len, pattern.ptr, 0, 0, 0, NULL,
                               ast};
    if (pattern.len > SCHEMA_REGEX_PATTERN_MAX) {
        (void)regex_fail(p, "the pattern is too long");
        return false;
    }
    root = disjunction(p);
    if (p->fault == NULL && p->at < p->end)
        (void)regex_fail(p, "a parenthesis closes nothing");
    if (p->fault == NULL && p->back_max > p->groups)
        (void)regex_fail(p, "no such group");
    if (p->fault == NULL && ast != NULL) {
        ast->root = root;
        ast->groups = p->groups;
        check_names(p);
    }
    return p->fault == NULL;
}

bool schema_regex_ok(struct view pattern)
{
    struct regex_parser p;

    return regex_parse(&p, pattern, NULL);
}
