/* SPDX-License-Identifier: Apache-2.0 */
/* schema_regex_print.c: our tree in PCRE2's syntax. Code points are always written as \x{...}, so
 * nothing in a pattern can be taken for syntax. */
#include <stdio.h>

#include "base/wr.h"
#include "message/schema_regex_ast.h"

#define PRINT_BYTES_MAX (1024 * 1024)

/* The long names of general categories, which PCRE2 10.42 does not know. */
static const struct {
    const char *name, *category;
} categories[] = {
    {"Letter", "L"},
    {"Cased_Letter", "L&"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
    {"Unassigned", "Cn"},
};

static void put_number(struct wr *w, const char *format, uint32_t value)
{
    char text[32];

    (void)snprintf(text, sizeof(text), format, value);
    wr_text(w, text);
}

static void put_property(struct wr *w, const struct regex_property *p)
{
    struct view name = p->name;
    struct view head, tail;

    if (view_split(name, '=', &head, &tail) &&
        (view_eq(head, VIEW("gc")) || view_eq(head, VIEW("General_Category"))))
        name = tail;
    for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++) {
        if (view_eq(name, view_of_text(categories[i].name))) {
            name = view_of_text(categories[i].category);
            break;
        }
    }
    wr_text(w, p->is_negated ? "\\P{" : "\\p{");
    wr_view(w, name);
    wr_text(w, "}");
}

static void put_class(struct wr *w, const struct regex_ast *ast, const struct regex_class *class)
{
    if (class->count == 0 && class->names_count == 0) {
        wr_text(w, "(?!)");
        return;
    }
    wr_text(w, class->is_negated ? "[^" : "[");
    for (uint32_t i = 0; i < class->count; i++) {
        put_number(w, "\\x{%x}", ast->ranges[class->first + i].low);
        put_number(w, "-\\x{%x}", ast->ranges[class->first + i].high);
    }
    for (uint32_t i = 0; i < class->names_count; i++)
        put_property(w, &ast->properties[class->names + i]);
    wr_text(w, "]");
}

static void put_node(struct wr *w, const struct regex_ast *ast, uint32_t node);

static void put_children(struct wr *w, const struct regex_ast *ast, uint32_t child,
                         const char *between)
{
    for (; child != 0 && !w->failed; child = ast->nodes[child].next) {
        put_node(w, ast, child);
        if (ast->nodes[child].next != 0)
            wr_text(w, between);
    }
}

static void put_repeat(struct wr *w, const struct regex_ast *ast, const struct regex_node *n)
{
    wr_text(w, "(?:");
    put_node(w, ast, n->first);
    put_number(w, "){%u,", n->min);
    if (n->max != REGEX_ENDLESS)
        put_number(w, "%u", n->max);
    wr_text(w, n->is_lazy ? "}?" : "}");
}

static void put_group(struct wr *w, const struct regex_ast *ast, const struct regex_node *n)
{
    if (n->kind == REGEX_LOOK) {
        wr_text(w, n->is_behind ? "(?<" : "(?");
        wr_text(w, n->is_negated ? "!" : "=");
    } else if (n->name.len > 0) {
        wr_text(w, "(?<");
        wr_view(w, n->name);
        wr_text(w, ">");
    } else {
        wr_text(w, "(");
    }
    put_children(w, ast, n->first, "");
    wr_text(w, ")");
}

static void put_back(struct wr *w, const struct regex_node *n)
{
    if (n->name.len == 0) {
        put_number(w, "\\g{%u}", n->min);
        return;
    }
    wr_text(w, "\\k<");
    wr_view(w, n->name);
    wr_text(w, ">");
}

static void put_node(struct wr *w, const struct regex_ast *ast, uint32_t node)
{
    const struct regex_node *n = &ast->nodes[node];

    switch ((enum regex_kind)n->kind) {
    case REGEX_CLASS:
        put_class(w, ast, &ast->classes[n->min]);
        break;
    case REGEX_CAT:
        put_children(w, ast, n->first, "");
        break;
    case REGEX_ALT:
        wr_text(w, "(?:");
        put_children(w, ast, n->first, "|");
        wr_text(w, ")");
        break;
    case REGEX_REPEAT:
        put_repeat(w, ast, n);
        break;
    case REGEX_GROUP:
    case REGEX_LOOK:
        put_group(w, ast, n);
        break;
    case REGEX_BACK:
        put_back(w, n);
        break;
    case REGEX_BEGIN:
        wr_text(w, "^");
        break;
    case REGEX_END:
        wr_text(w, "$");
        break;
    case REGEX_WORD:
        wr_text(w, n->is_negated ? "\\B" : "\\b");
        break;
    case REGEX_EMPTY:
        break;
    }
}

char *regex_print(const struct regex_ast *ast, struct arena *arena, size_t *len)
{
    char *text = arena_alloc(arena, PRINT_BYTES_MAX);
    struct wr w;

    if (text == NULL)
        return NULL;
    w = wr_of(text, PRINT_BYTES_MAX);
    put_node(&w, ast, ast->root);
    *len = wr_len(&w);
    return w.failed ? NULL : text;
}
