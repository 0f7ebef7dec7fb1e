/* SPDX-License-Identifier: Apache-2.0 */
/* schema_regex_build.c: from the tree to positions. The tree is first written as a small program
 * (Thompson, 1968); then each of its steps that consumes something becomes a position, and what can
 * come behind it is found by following the steps that do not. The beginning and the end of the text
 * count as consumed symbols, so that ^ and $ are positions like all others; the rare expressions
 * for which that is not exact (^ behind ^) are left to PCRE2. */
#include "base/status.h"
#include "message/schema_regex_automaton.h"

#define STEPS_MAX   40000
#define FOLLOWS_MAX 131072

enum step_code { STEP_CLASS, STEP_BEGIN, STEP_END, STEP_SPLIT, STEP_JUMP, STEP_MATCH };

struct step {
    uint8_t code;
    uint32_t x,
        y; /* CLASS: class, position; BEGIN, END: -, position; SPLIT: targets; JUMP: target */
};

struct builder {
    const struct regex_ast *ast;
    struct step *steps;
    uint32_t count;
    bool is_too_large;
    uint32_t *positions; /* step of each */
    uint32_t positions_count;
    uint32_t *stack, *seen; /* of the closure */
    uint32_t stamp;
    uint16_t *follow;
    uint32_t follow_count;
};

static uint32_t emit(struct builder *b, enum step_code code, uint32_t x, uint32_t y)
{
    if (b->count == STEPS_MAX) {
        b->is_too_large = true;
        return 0;
    }
    b->steps[b->count] = (struct step){(uint8_t)code, x, y};
    return b->count++;
}

static void emit_node(struct builder *b, uint32_t node);

static void emit_alternatives(struct builder *b, uint32_t child)
{
    uint32_t jumps = UINT32_MAX; /* a list through x */

    for (; child != 0 && !b->is_too_large; child = b->ast->nodes[child].next) {
        bool is_last = b->ast->nodes[child].next == 0;
        uint32_t split = is_last ? 0 : emit(b, STEP_SPLIT, b->count + 1, 0);

        emit_node(b, child);
        if (is_last)
            break;
        jumps = emit(b, STEP_JUMP, jumps, 0);
        b->steps[split].y = b->count;
    }
    while (jumps != UINT32_MAX && !b->is_too_large) {
        uint32_t next = b->steps[jumps].x;

        b->steps[jumps].x = b->count;
        jumps = next;
    }
}

/* x{0,n} is (x(x(x)?)?)?: every way out leads to the same end, so follow sets stay small. */
static void emit_repeat(struct builder *b, const struct regex_node *n)
{
    uint32_t splits = UINT32_MAX; /* a list through y */

    for (uint32_t i = 0; i < n->min && !b->is_too_large; i++)
        emit_node(b, n->first);
    if (n->max == REGEX_ENDLESS) {
        uint32_t split = emit(b, STEP_SPLIT, b->count + 1, 0);

        emit_node(b, n->first);
        (void)emit(b, STEP_JUMP, split, 0);
        b->steps[split].y = b->count;
        return;
    }
    for (uint32_t i = n->min; i < n->max && !b->is_too_large; i++) {
        splits = emit(b, STEP_SPLIT, b->count + 1, splits);
        emit_node(b, n->first);
    }
    while (splits != UINT32_MAX && !b->is_too_large) {
        uint32_t next = b->steps[splits].y;

        b->steps[splits].y = b->count;
        splits = next;
    }
}

/* Recursion as deep as the parentheses, which the parser has counted. */
static void emit_node(struct builder *b, uint32_t node)
{
    const struct regex_node *n = &b->ast->nodes[node];

    if (b->is_too_large)
        return;
    switch ((enum regex_kind)n->kind) {
    case REGEX_CLASS:
        (void)emit(b, STEP_CLASS, n->min, 0);
        break;
    case REGEX_BEGIN:
        (void)emit(b, STEP_BEGIN, 0, 0);
        break;
    case REGEX_END:
        (void)emit(b, STEP_END, 0, 0);
        break;
    case REGEX_ALT:
        emit_alternatives(b, n->first);
        break;
    case REGEX_REPEAT:
        emit_repeat(b, n);
        break;
    case REGEX_CAT:
    case REGEX_GROUP:
        for (uint32_t c = n->first; c != 0; c = b->ast->nodes[c].next)
            emit_node(b, c);
        break;
    case REGEX_EMPTY:
        break;
    default:
        b->is_too_large = true; /* not regular */
    }
}

static void number_positions(struct builder *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->steps[i].code > STEP_END)
            continue;
        if (b->positions_count == REGEX_POSITIONS_MAX) {
            b->is_too_large = true;
            return;
        }
        b->steps[i].y = b->positions_count;
        b->positions[b->positions_count++] = i;
    }
}

/* The positions reachable from `from` without consuming anything go to `follow`; true when the end
 * of the expression is reachable too. */
static bool closure(struct builder *b, uint32_t from)
{
    uint32_t depth = 0;
    bool is_match = false;

    b->stamp++;
    b->stack[depth++] = from;
    while (depth > 0) {
        uint32_t at = b->stack[--depth];
        const struct step *s = &b->steps[at];

        if (b->seen[at] == b->stamp)
            continue;
        b->seen[at] = b->stamp;
        if (s->code == STEP_MATCH) {
            is_match = true;
        } else if (s->code > STEP_END) {
            b->stack[depth++] = s->x;
            if (s->code == STEP_SPLIT)
                b->stack[depth++] = s->y;
        } else if (b->follow_count == FOLLOWS_MAX) {
            b->is_too_large = true;
        } else {
            b->follow[b->follow_count++] = (uint16_t)s->y;
        }
    }
    return is_match;
}

static void set_bit(uint64_t *set, uint32_t bit)
{
    set[bit / 64] |= 1ULL << (bit % 64);
}

/* What may wait at the very beginning: positions reachable at once or through a ^. */
static void start_sets(struct builder *b, struct regex_automaton *a)
{
    uint32_t begin = b->follow_count;

    a->is_always = closure(b, 0);
    for (uint32_t i = begin; i < b->follow_count; i++) {
        uint32_t position = b->follow[i];

        if (b->steps[b->positions[position]].code != STEP_BEGIN) {
            set_bit(a->start, position);
            set_bit(a->restart, position);
            if (position / 64 >= a->restart_words)
                a->restart_words = position / 64 + 1;
            continue;
        }
        a->is_always = a->is_always || a->is_final[position];
        for (uint32_t f = a->follow_at[position]; f < a->follow_at[position + 1]; f++)
            set_bit(a->start, a->follow[f]);
    }
    b->follow_count = begin;
}

static enum step_code code_of(const struct builder *b, uint32_t position)
{
    return (enum step_code)b->steps[b->positions[position]].code;
}

static void follow_sets(struct builder *b, struct regex_automaton *a)
{
    for (uint32_t p = 0; p < b->positions_count && !b->is_too_large; p++) {
        enum step_code code = code_of(b, p);
        bool is_match;

        a->follow_at[p] = b->follow_count;
        is_match = closure(b, b->positions[p] + 1);
        a->is_final[p] = is_match;
        if (is_match && code == STEP_CLASS)
            set_bit(a->final, p);
        if (is_match && code == STEP_END)
            set_bit(a->end_final, p);
        /* Beginning and end can be consumed once only. */
        for (uint32_t f = a->follow_at[p]; code != STEP_CLASS && f < b->follow_count; f++)
            b->is_too_large = b->is_too_large || code_of(b, b->follow[f]) == code ||
                              (code == STEP_END && code_of(b, b->follow[f]) == STEP_BEGIN);
    }
    a->follow_at[b->positions_count] = b->follow_count;
}

/* NULL for ^, $ and a class that has no members. */
static const struct regex_class *class_of(const struct builder *b, uint32_t position)
{
    const struct step *s = &b->steps[b->positions[position]];

    return s->code == STEP_CLASS && b->ast->classes[s->x].count > 0 ? &b->ast->classes[s->x] : NULL;
}

static void accept_sets(const struct builder *b, struct regex_automaton *a)
{
    for (uint32_t p = 0; p < b->positions_count; p++) {
        const struct regex_class *class = class_of(b, p);
        const struct regex_range *r = class == NULL ? NULL : b->ast->ranges + class->first;

        if (class == NULL)
            continue;
        for (uint32_t i = 0; i < class->count; i++) {
            for (uint32_t c = r[i].low; c <= r[i].high && c < 128; c++)
                set_bit(a->ascii + (size_t)c * a->words, p);
        }
        a->wide_count += r[class->count - 1].high >= 128;
    }
}

/* The positions that take anything beyond ASCII, with their own copy of the ranges. */
static int wide_sets(const struct builder *b, struct regex_automaton *a, struct arena *arena)
{
    struct regex_wide *wide = arena_alloc(arena, a->wide_count * sizeof(*wide));

    if (wide == NULL)
        return E_NOMEM;
    a->wide = wide;
    for (uint32_t p = 0; p < b->positions_count; p++) {
        const struct regex_class *class = class_of(b, p);
        const struct regex_range *r = class == NULL ? NULL : b->ast->ranges + class->first;
        struct regex_range *copy;

        if (class == NULL || r[class->count - 1].high < 128)
            continue;
        copy = arena_alloc(arena, class->count * sizeof(*copy));
        if (copy == NULL)
            return E_NOMEM;
        memcpy(copy, r, class->count * sizeof(*copy));
        *wide++ = (struct regex_wide){copy, class->count, p};
    }
    return OK;
}

static void *zeroed(struct arena *arena, size_t bytes)
{
    void *out = arena_alloc(arena, bytes);

    if (out != NULL)
        memset(out, 0, bytes);
    return out;
}

static int automaton_room(struct regex_automaton **out, struct arena *arena,
                          const struct builder *b)
{
    struct regex_automaton *a = zeroed(arena, sizeof(*a));
    uint32_t positions = b->positions_count;
    uint32_t words = (positions + 63) / 64 + (positions == 0);

    if (a == NULL)
        return E_NOMEM;
    a->positions = positions;
    a->words = words;
    a->ascii = zeroed(arena, (size_t)words * 8 * 128);
    a->start = zeroed(arena, (size_t)words * 8 * 4);
    a->is_final = zeroed(arena, positions + 1);
    a->follow_at = zeroed(arena, ((size_t)positions + 1) * sizeof(uint32_t));
    a->follow = b->follow; /* until its size is known */
    if (a->ascii == NULL || a->start == NULL || a->is_final == NULL || a->follow_at == NULL)
        return E_NOMEM;
    a->restart = a->start + words;
    a->final = a->restart + words;
    a->end_final = a->final + words;
    *out = a;
    return OK;
}

/* The follow lists move into the arena; small automata get them as masks too. */
static int keep_follows(const struct builder *b, struct regex_automaton *a, struct arena *arena)
{
    uint16_t *list = arena_alloc(arena, ((size_t)b->follow_count + 1) * sizeof(*list));

    a->follow_bits = zeroed(arena, 64 * sizeof(uint64_t));
    if (list == NULL || a->follow_bits == NULL)
        return E_NOMEM;
    memcpy(list, b->follow, b->follow_count * sizeof(*list));
    a->follow = list;
    for (uint32_t p = 0; a->words == 1 && p < a->positions; p++) {
        for (uint32_t f = a->follow_at[p]; f < a->follow_at[p + 1]; f++)
            set_bit(&a->follow_bits[p], list[f]);
    }
    return OK;
}

static int builder_room(struct builder *b, struct arena *tmp)
{
    b->steps = arena_alloc(tmp, STEPS_MAX * sizeof(*b->steps));
    b->positions = arena_alloc(tmp, REGEX_POSITIONS_MAX * sizeof(uint32_t));
    b->stack = arena_alloc(tmp, 2 * STEPS_MAX * sizeof(uint32_t));
    b->seen = zeroed(tmp, STEPS_MAX * sizeof(uint32_t));
    b->follow = arena_alloc(tmp, FOLLOWS_MAX * sizeof(uint16_t));
    return b->steps == NULL || b->positions == NULL || b->stack == NULL || b->seen == NULL ||
                   b->follow == NULL
               ? E_NOMEM
               : OK;
}

static int build(struct builder *b, struct regex_automaton **out, struct arena *arena)
{
    struct regex_automaton *a;
    int rc;

    emit_node(b, b->ast->root);
    (void)emit(b, STEP_MATCH, 0, 0);
    number_positions(b);
    if (b->is_too_large)
        return E_LIMIT;
    rc = automaton_room(&a, arena, b);
    if (rc != OK)
        return rc;
    follow_sets(b, a);
    if (b->is_too_large)
        return E_LIMIT;
    start_sets(b, a);
    accept_sets(b, a);
    rc = wide_sets(b, a, arena);
    if (rc == OK)
        rc = keep_follows(b, a, arena);
    if (rc == OK)
        *out = a;
    return rc;
}

int regex_automaton_build(struct regex_automaton **out, struct arena *arena,
                          const struct regex_ast *ast)
{
    struct builder b = {.ast = ast};
    struct arena tmp;
    int rc;

    arena_init(&tmp, 256 * 1024, 8 * 1024 * 1024);
    rc = builder_room(&b, &tmp);
    if (rc == OK)
        rc = build(&b, out, arena);
    arena_clear(&tmp);
    return rc;
}
