/* SPDX-License-Identifier: Apache-2.0 */
/* schema_regex.c: which engine runs an expression, and the limits of PCRE2. What PCRE2 gets has
 * been printed from our own tree, so none of its own syntax (verbs, callouts, \C, inline options)
 * can come in with a pattern. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "base/status.h"
#include "message/schema_regex_ast.h"

/* Backtracking steps from one place in the text. An expression that may begin anywhere is tried at
 * every one of up to 1024 places, so it gets fewer at each. */
#define ANCHORED_STEPS 50000
#define ANYWHERE_STEPS 1000
#define DEPTH_MAX      2000
#define HEAP_KIB_MAX   256

struct schema_regex {
    struct schema_regex *next;
    struct regex_automaton *automaton; /* or: */
    pcre2_code *code;
    bool is_anchored;
};

static int pcre_compile(struct schema_regex *re, struct regex_ast *ast,
                        struct schema_regex_fault *fault)
{
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF |
                       PCRE2_NEVER_BACKSLASH_C | PCRE2_ALLOW_EMPTY_CLASS;
    uint32_t all = 0;
    size_t len = 0, at;
    char *text = regex_print(ast, &ast->arena, &len);
    int error;

    if (text == NULL)
        return E_NOMEM;
    re->code = pcre2_compile((PCRE2_SPTR)text, len, options, &error, &at, NULL);
    if (re->code == NULL && error == PCRE2_ERROR_HEAP_FAILED)
        return E_NOMEM;
    if (re->code == NULL) {
        *fault = (struct schema_regex_fault){
            "the pattern is beyond the engine: an unknown property, look-behind of varying "
            "length, or too large",
            0};
        return E_UNSUPPORTED;
    }
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_ALLOPTIONS, &all);
    re->is_anchored = (all & PCRE2_ANCHORED) != 0;
    return OK;
}

static int compile(struct schema_regex *re, struct arena *arena, struct regex_ast *ast,
                   struct schema_regex_fault *fault)
{
    int rc = E_LIMIT;

    if (!ast->needs_pcre)
        rc = regex_automaton_build(&re->automaton, arena, ast);
    return rc == E_LIMIT ? pcre_compile(re, ast, fault) : rc;
}

int schema_regex_compile(struct schema_regex **out, struct arena *arena, struct view pattern,
                         struct schema_regex_fault *fault)
{
    struct schema_regex *re = arena_alloc(arena, sizeof(*re));
    struct regex_ast ast = {.nodes_count = 0};
    struct regex_parser parser;
    int rc;

    if (re == NULL)
        return E_NOMEM;
    *re = (struct schema_regex){NULL, NULL, NULL, false};
    arena_init(&ast.arena, 16384, 8 * 1024 * 1024);
    parser = (struct regex_parser){.ast = &ast};
    (void)regex_node_add(&parser, REGEX_EMPTY); /* node 0 is none */
    if (!regex_parse(&parser, pattern, &ast)) {
        *fault = (struct schema_regex_fault){parser.fault, (size_t)(parser.at - parser.start)};
        rc = E_INVALID;
    } else {
        rc = compile(re, arena, &ast, fault);
    }
    arena_clear(&ast.arena);
    if (rc == OK)
        *out = re;
    return rc;
}

void schema_regex_free(struct schema_regex *regex)
{
    if (regex != NULL)
        pcre2_code_free(regex->code);
}

struct schema_regex **schema_regex_next(struct schema_regex *regex)
{
    return &regex->next;
}

bool schema_regex_is_linear(const struct schema_regex *regex)
{
    return regex->automaton != NULL;
}

static int sets_fit(struct schema_regex_scratch *scratch, uint32_t words)
{
    uint64_t *sets;

    if (words <= scratch->words_cap)
        return OK;
    sets = calloc((size_t)words * 3, sizeof(uint64_t));
    if (sets == NULL)
        return E_NOMEM;
    free(scratch->sets);
    scratch->sets = sets;
    scratch->words_cap = words;
    return OK;
}

/* PCRE2 keeps its backtracking frames in the match data and makes them larger as it needs them, up
 * to our limit. A match that needs more than that makes them as large as they will ever be, now, so
 * that no check allocates. */
static int frames_fit(pcre2_match_data *data, pcre2_match_context *context)
{
    static const char pattern[] = "^(?:a|aa)*b";
    char text[8192];
    int error;
    size_t at;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, sizeof(pattern) - 1, 0, &error, &at, NULL);

    if (code == NULL)
        return E_NOMEM;
    memset(text, 'a', sizeof(text));
    error = pcre2_match(code, (PCRE2_SPTR)text, sizeof(text), 0, 0, data, context);
    pcre2_code_free(code);
    return error == PCRE2_ERROR_NOMEMORY ? E_NOMEM : OK;
}

int schema_regex_scratch_fit(struct schema_regex_scratch *scratch, const struct schema_regex *re)
{
    pcre2_match_context *context;
    int rc;

    if (re->automaton != NULL)
        return sets_fit(scratch, regex_automaton_words(re->automaton));
    if (scratch->match_data != NULL && scratch->match_context != NULL)
        return OK;
    if (scratch->match_data == NULL)
        scratch->match_data = pcre2_match_data_create(REGEX_GROUPS_MAX, NULL);
    if (scratch->match_context == NULL)
        scratch->match_context = pcre2_match_context_create(NULL);
    if (scratch->match_data == NULL || scratch->match_context == NULL)
        return E_NOMEM;
    context = scratch->match_context;
    (void)pcre2_set_heap_limit(context, HEAP_KIB_MAX);
    rc = frames_fit(scratch->match_data, context);
    (void)pcre2_set_depth_limit(context, DEPTH_MAX);
    return rc;
}

void schema_regex_scratch_clear(struct schema_regex_scratch *scratch)
{
    free(scratch->sets);
    pcre2_match_data_free(scratch->match_data);
    pcre2_match_context_free(scratch->match_context);
    *scratch = (struct schema_regex_scratch){NULL, 0, NULL, NULL};
}

static enum schema_verdict pcre_match(const struct schema_regex *re, struct view text,
                                      struct schema_regex_scratch *scratch)
{
    size_t max =
        re->is_anchored ? SCHEMA_REGEX_ANCHORED_BYTES_MAX : SCHEMA_REGEX_ANYWHERE_BYTES_MAX;
    int rc;

    if (scratch->match_data == NULL || scratch->match_context == NULL || text.len > max)
        return SCHEMA_ERROR;
    (void)pcre2_set_match_limit(scratch->match_context,
                                re->is_anchored ? ANCHORED_STEPS : ANYWHERE_STEPS);
    rc = pcre2_match(re->code, (PCRE2_SPTR)(text.len > 0 ? text.ptr : ""), text.len, 0,
                     PCRE2_NO_UTF_CHECK, scratch->match_data, scratch->match_context);
    if (rc >= 0)
        return SCHEMA_VALID;
    return rc == PCRE2_ERROR_NOMATCH ? SCHEMA_INVALID : SCHEMA_ERROR;
}

enum schema_verdict schema_regex_match(const struct schema_regex *regex, struct view text,
                                       struct schema_regex_scratch *scratch)
{
    if (regex->automaton != NULL)
        return regex_automaton_match(regex->automaton, text, scratch);
    return pcre_match(regex, text, scratch);
}
