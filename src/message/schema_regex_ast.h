/* SPDX-License-Identifier: Apache-2.0 */
/* schema_regex_ast.h: a parsed regular expression, on its way to an automaton or to PCRE2. For the
 * files schema_regex*.c alone. */
#ifndef MESSAGE_SCHEMA_REGEX_AST_H
#define MESSAGE_SCHEMA_REGEX_AST_H

#include "message/schema_regex.h"

#define REGEX_GROUPS_MAX 64 /* parentheses inside one another */
#define REGEX_REPEAT_MAX 65535
#define REGEX_ENDLESS    UINT32_MAX
#define REGEX_LAST_POINT 0x10ffffU

enum regex_kind {
    REGEX_EMPTY,
    REGEX_CLASS,  /* one code point */
    REGEX_CAT,    /* children one after another */
    REGEX_ALT,    /* one of the children */
    REGEX_REPEAT, /* the child min..max times */
    REGEX_GROUP,  /* the child, kept for back-references */
    REGEX_LOOK,   /* ahead, or behind */
    REGEX_BACK,
    REGEX_BEGIN,
    REGEX_END,
    REGEX_WORD /* \b or \B */
};

struct regex_range {
    uint32_t low, high;
};

/* A set of code points: sorted ranges that do not touch; with properties it is for PCRE2 alone. */
struct regex_class {
    uint32_t first, count;       /* ranges */
    uint32_t names, names_count; /* properties, \p{...} */
    bool is_negated;             /* only with properties; else the ranges are turned round */
};

struct regex_property {
    struct view name;
    bool is_negated;
};

struct regex_node {
    uint8_t kind;
    bool is_negated, is_behind, is_lazy;
    uint32_t first, next; /* child and sibling; 0: none */
    uint32_t min, max;    /* REPEAT; min: index of a CLASS, number of a BACK */
    struct view name;     /* of a GROUP or BACK */
};

struct regex_ast {
    struct arena arena; /* nodes and ranges; thrown away after use */
    struct regex_node *nodes;
    struct regex_class *classes;
    struct regex_range *ranges;
    struct regex_property *properties;
    uint32_t nodes_count, classes_count, ranges_count, properties_count;
    uint32_t nodes_cap, classes_cap, ranges_cap, properties_cap;
    uint32_t groups, root;
    bool needs_pcre;
};

struct regex_parser {
    const char *at, *end, *start;
    uint32_t depth, groups, back_max;
    const char *fault;     /* NULL: none so far */
    struct regex_ast *ast; /* NULL: only the grammar is of interest */
};

/* False with p->fault set. `ast` may be NULL. */
bool regex_parse(struct regex_parser *p, struct view pattern, struct regex_ast *ast);
/* For schema_regex_parse.c: the character or class at p->at (behind the backslash or bracket). */
uint32_t regex_parse_class(struct regex_parser *p);
uint32_t regex_parse_escape(struct regex_parser *p);
uint32_t regex_fail(struct regex_parser *p, const char *text);
uint32_t regex_node_add(struct regex_parser *p, enum regex_kind kind);
uint32_t regex_any(struct regex_parser *p);
uint32_t regex_literal(struct regex_parser *p, uint32_t point);

/* The automaton, or E_LIMIT where the expression is too large for one or no regular one. */
struct regex_automaton;
int regex_automaton_build(struct regex_automaton **out, struct arena *arena,
                          const struct regex_ast *ast);
enum schema_verdict regex_automaton_match(const struct regex_automaton *a, struct view text,
                                          struct schema_regex_scratch *scratch);
uint32_t regex_automaton_words(const struct regex_automaton *a);

/* Writes the expression in PCRE2's syntax; NULL when out of memory or room. */
char *regex_print(const struct regex_ast *ast, struct arena *arena, size_t *len);

#endif
