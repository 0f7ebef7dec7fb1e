/* SPDX-License-Identifier: Apache-2.0 */
/* schema_regex_class.c: sets of code points, in brackets or by an escape. Ranges are sorted, joined
 * and, for [^...], turned round here, so that the automaton and PCRE2 see plain ranges. */
#include <stdlib.h>

#include "base/code_point.h"
#include "message/schema_regex_ast.h"

static const struct regex_range digits[] = {{'0', '9'}};
static const struct regex_range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
/* WhiteSpace and LineTerminator of ECMA-262. */
static const struct regex_range spaces[] = {
    {0x09, 0x0d},     {0x20, 0x20},     {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
static const struct regex_range lines[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

/* Room for one more item of a growing array in the arena; false sets the fault. */
static bool room(struct regex_parser *p, void **array, uint32_t count, uint32_t *cap, size_t item)
{
    uint32_t wanted = *cap == 0 ? 32 : *cap * 2;
    void *bigger;

    if (count < *cap)
        return true;
    bigger = arena_alloc(&p->ast->arena, wanted * item);
    if (bigger == NULL) {
        (void)regex_fail(p, "the pattern is too large");
        return false;
    }
    memset(bigger, 0, wanted * item);
    if (count > 0)
        memcpy(bigger, *array, count * item);
    *array = bigger;
    *cap = wanted;
    return true;
}

uint32_t regex_node_add(struct regex_parser *p, enum regex_kind kind)
{
    struct regex_ast *ast = p->ast;

    if (ast == NULL || p->fault != NULL)
        return 0;
    if (!room(p, (void **)&ast->nodes, ast->nodes_count, &ast->nodes_cap, sizeof(*ast->nodes)))
        return 0;
    ast->nodes[ast->nodes_count].kind = (uint8_t)kind;
    return ast->nodes_count++;
}

static void add_range(struct regex_parser *p, uint32_t low, uint32_t high)
{
    struct regex_ast *ast = p->ast;

    if (ast == NULL || p->fault != NULL)
        return;
    if (!room(p, (void **)&ast->ranges, ast->ranges_count, &ast->ranges_cap, sizeof(*ast->ranges)))
        return;
    ast->ranges[ast->ranges_count++] = (struct regex_range){low, high};
}

static void add_ranges(struct regex_parser *p, const struct regex_range *r, size_t count,
                       bool is_negated)
{
    uint32_t from = 0;

    for (size_t i = 0; i < count; i++) {
        if (!is_negated)
            add_range(p, r[i].low, r[i].high);
        else if (r[i].low > from)
            add_range(p, from, r[i].low - 1);
        from = r[i].high + 1;
    }
    if (is_negated)
        add_range(p, from, REGEX_LAST_POINT);
}

static int by_low(const void *a, const void *b)
{
    const struct regex_range *x = a;
    const struct regex_range *y = b;

    return (x->low > y->low) - (x->low < y->low);
}

/* Sorts and joins the ranges from `first` on. */
static void tidy(struct regex_ast *ast, uint32_t first)
{
    uint32_t out = first;

    if (ast->ranges_count == first)
        return;
    qsort(ast->ranges + first, ast->ranges_count - first, sizeof(*ast->ranges), by_low);
    for (uint32_t i = first; i < ast->ranges_count; i++) {
        struct regex_range r = ast->ranges[i];

        if (out > first && r.low <= ast->ranges[out - 1].high + 1) {
            if (r.high > ast->ranges[out - 1].high)
                ast->ranges[out - 1].high = r.high;
        } else {
            ast->ranges[out++] = r;
        }
    }
    ast->ranges_count = out;
}

/* The complement of the tidy ranges from `first` on takes their place. */
static void turn_round(struct regex_parser *p, uint32_t first)
{
    uint32_t count = p->ast->ranges_count - first;
    struct regex_range *copy = arena_alloc(&p->ast->arena, (count + 1) * sizeof(*copy));
    uint32_t from = 0;

    if (copy == NULL) {
        (void)regex_fail(p, "the pattern is too large");
        return;
    }
    if (count > 0)
        memcpy(copy, p->ast->ranges + first, count * sizeof(*copy));
    p->ast->ranges_count = first;
    for (uint32_t i = 0; i < count; i++) {
        if (copy[i].low > from)
            add_range(p, from, copy[i].low - 1);
        from = copy[i].high + 1;
    }
    if (from <= REGEX_LAST_POINT)
        add_range(p, from, REGEX_LAST_POINT);
}

/* The node of what has been collected since `first` range and `names` property. */
static uint32_t class_end(struct regex_parser *p, uint32_t first, uint32_t names, bool is_negated)
{
    struct regex_ast *ast = p->ast;
    uint32_t node;
    bool has_names;

    if (ast == NULL || p->fault != NULL)
        return 0;
    has_names = ast->properties_count > names;
    tidy(ast, first);
    if (is_negated && !has_names)
        turn_round(p, first);
    node = regex_node_add(p, REGEX_CLASS);
    if (p->fault != NULL || !room(p, (void **)&ast->classes, ast->classes_count, &ast->classes_cap,
                                  sizeof(*ast->classes)))
        return 0;
    ast->nodes[node].min = ast->classes_count;
    ast->classes[ast->classes_count++] =
        (struct regex_class){first, ast->ranges_count - first, names, ast->properties_count - names,
                             is_negated && has_names};
    ast->needs_pcre = ast->needs_pcre || has_names;
    return node;
}

uint32_t regex_any(struct regex_parser *p)
{
    uint32_t first = p->ast != NULL ? p->ast->ranges_count : 0;
    uint32_t names = p->ast != NULL ? p->ast->properties_count : 0;

    add_ranges(p, lines, sizeof(lines) / sizeof(lines[0]), true);
    return class_end(p, first, names, false);
}

uint32_t regex_literal(struct regex_parser *p, uint32_t point)
{
    uint32_t first = p->ast != NULL ? p->ast->ranges_count : 0;
    uint32_t names = p->ast != NULL ? p->ast->properties_count : 0;

    add_range(p, point, point);
    return class_end(p, first, names, false);
}

/* `count` hexadecimal digits, or with count 0 as many as come, at least one. */
static bool hex(struct regex_parser *p, size_t count, uint32_t *out)
{
    const char *begin = p->at;
    uint32_t sum = 0;

    while (p->at < p->end && (count == 0 || (size_t)(p->at - begin) < count)) {
        char c = *p->at;
        char lower = (char)(c | 0x20);
        bool is_letter = lower >= 'a' && lower <= 'f';

        if (!is_letter && (c < '0' || c > '9'))
            break;
        sum = sum << 4 | (uint32_t)(is_letter ? lower - 'a' + 10 : c - '0');
        if (sum > REGEX_LAST_POINT)
            return false;
        p->at++;
    }
    *out = sum;
    return count == 0 ? p->at > begin : (size_t)(p->at - begin) == count;
}

/* Behind \u: four digits, two such escapes of a surrogate pair, or {...}. */
static bool unicode_escape(struct regex_parser *p, uint32_t *out)
{
    uint32_t low;

    if (p->at < p->end && *p->at == '{') {
        p->at++;
        return hex(p, 0, out) && p->at < p->end && *p->at++ == '}';
    }
    if (!hex(p, 4, out))
        return false;
    if (*out < 0xd800 || *out > 0xdbff || p->end - p->at < 6 || p->at[0] != '\\' || p->at[1] != 'u')
        return true;
    p->at += 2;
    if (!hex(p, 4, &low) || low < 0xdc00 || low > 0xdfff)
        return false;
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* Behind the backslash: an escape that stands for one code point. */
static bool point_escape(struct regex_parser *p, uint32_t *out)
{
    static const char from[] = "fnrtv0";
    static const char to[] = "\f\n\r\t\v\0";
    char c = *p->at++;
    const char *simple = strchr(from, c);

    if (c == 'u')
        return unicode_escape(p, out);
    if (c == 'x')
        return hex(p, 2, out);
    if (c == 'c' && p->at < p->end && (*p->at | 0x20) >= 'a' && (*p->at | 0x20) <= 'z') {
        *out = (uint32_t)*p->at++ & 31;
        return true;
    }
    if (simple != NULL && c != '\0') {
        *out = (uint8_t)to[simple - from];
        return c != '0' || p->at == p->end || *p->at < '0' || *p->at > '9';
    }
    *out = (uint8_t)c;
    return c > ' ' && c < 127 && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && (c < '0' || c > '9');
}

static bool property(struct regex_parser *p, bool is_negated)
{
    struct regex_ast *ast = p->ast;
    const char *begin;

    if (p->at == p->end || *p->at++ != '{')
        return false;
    for (begin = p->at; p->at < p->end && *p->at != '}'; p->at++) {
        char c = *p->at;

        if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') && c != '_' &&
            c != '=')
            return false;
    }
    if (p->at == p->end || p->at == begin || p->at - begin > 64)
        return false;
    if (ast != NULL && p->fault == NULL &&
        room(p, (void **)&ast->properties, ast->properties_count, &ast->properties_cap,
             sizeof(*ast->properties)))
        ast->properties[ast->properties_count++] =
            (struct regex_property){view_of(begin, (size_t)(p->at - begin)), is_negated};
    p->at++;
    return true;
}

/* Behind the backslash: \d \w \s \p and their opposites. 1: taken, 0: something else, -1: broken.
 */
static int class_escape(struct regex_parser *p)
{
    char c = p->at < p->end ? *p->at : '\0';
    bool is_negated = c >= 'A' && c <= 'Z';

    switch (c | 0x20) {
    case 'd':
        add_ranges(p, digits, sizeof(digits) / sizeof(digits[0]), is_negated);
        break;
    case 'w':
        add_ranges(p, words, sizeof(words) / sizeof(words[0]), is_negated);
        break;
    case 's':
        add_ranges(p, spaces, sizeof(spaces) / sizeof(spaces[0]), is_negated);
        break;
    case 'p':
        p->at++;
        return property(p, is_negated) ? 1 : -1;
    default:
        return 0;
    }
    if (c < 'A')
        return 0;
    p->at++;
    return 1;
}

uint32_t regex_parse_escape(struct regex_parser *p)
{
    uint32_t first = p->ast != NULL ? p->ast->ranges_count : 0;
    uint32_t names = p->ast != NULL ? p->ast->properties_count : 0;
    uint32_t point;
    int taken;

    if (p->at == p->end)
        return regex_fail(p, "the pattern ends in a backslash");
    taken = class_escape(p);
    if (taken < 0)
        return regex_fail(p, "\\p needs {a property}");
    if (taken > 0)
        return class_end(p, first, names, false);
    if (!point_escape(p, &point))
        return regex_fail(p, "this escape is unknown");
    return regex_literal(p, point);
}

/* One side of a range, or a class escape: *is_set tells. */
static bool class_atom(struct regex_parser *p, uint32_t *point, bool *is_set)
{
    size_t len;
    int taken;

    *is_set = false;
    if (*p->at != '\\') {
        len = code_point_decode((const uint8_t *)p->at, (size_t)(p->end - p->at), point);
        p->at += len;
        return len > 0;
    }
    if (++p->at == p->end)
        return false;
    taken = class_escape(p);
    *is_set = taken > 0;
    if (taken != 0)
        return taken > 0;
    if (*p->at == 'b') {
        p->at++;
        *point = 8;
        return true;
    }
    return point_escape(p, point);
}

uint32_t regex_parse_class(struct regex_parser *p)
{
    uint32_t first = p->ast != NULL ? p->ast->ranges_count : 0;
    uint32_t names = p->ast != NULL ? p->ast->properties_count : 0;
    bool is_negated = p->at < p->end && *p->at == '^';

    p->at += is_negated;
    while (p->at < p->end && *p->at != ']' && p->fault == NULL) {
        uint32_t low, high;
        bool low_is_set, high_is_set = false;

        if (!class_atom(p, &low, &low_is_set))
            return regex_fail(p, "a character class has an unknown escape");
        if (low_is_set) /* a dash behind it then means itself */
            continue;
        high = low;
        if (p->end - p->at >= 2 && p->at[0] == '-' && p->at[1] != ']') {
            p->at++;
            if (!class_atom(p, &high, &high_is_set))
                return regex_fail(p, "a character class has an unknown escape");
        }
        if (high_is_set) {
            add_range(p, '-', '-');
            high = low;
        }
        if (high < low)
            return regex_fail(p, "a range in a character class is out of order");
        add_range(p, low, high);
    }
    if (p->at == p->end)
        return regex_fail(p, "a closing bracket is missing");
    p->at++;
    return class_end(p, first, names, is_negated);
}
