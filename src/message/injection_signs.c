/* SPDX-License-Identifier: Apache-2.0 */
/* injection_signs.c: the built-in engine. Every sign that occurs adds its weight once to its
 * family. Signs are tried only where their first byte stands; a run of blanks inside one is at most
 * GAP_MAX bytes, so the work is linear in the text however it is made. */
#include "message/injection_table.h"

#include <string.h>

#include "base/status.h"

#define GAP_MAX    32
#define DIGITS_MAX 8
#define NOBODY     UINT16_MAX

struct signs {
    uint16_t first[256]; /* by the first byte of the pattern */
    uint16_t next[INJECTION_SIGNS_MAX];
    bool is_found[INJECTION_SIGNS_MAX];
};

static inline char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_word(char c)
{
    return is_digit(c) || c == '_' || (lower(c) >= 'a' && lower(c) <= 'z');
}

static inline bool is_quote(char c)
{
    return c == '\'' || c == '"';
}

/* A comment of SQL that is no longer than a gap may be; 0 where there is none. */
static size_t comment_length(struct view rest)
{
    if (!view_starts_with(rest, VIEW("/*")))
        return 0;
    for (size_t len = 4; len <= GAP_MAX && len <= rest.len; len++) {
        if (rest.ptr[len - 2] == '*' && rest.ptr[len - 1] == '/')
            return len;
    }
    return 0;
}

/* The bytes of one blank at `at`; 0 where there is none. */
static size_t blank_length(struct view text, size_t at)
{
    struct view rest = view_of(text.ptr + at, text.len - at);

    if (rest.len == 0)
        return 0;
    switch (rest.ptr[0]) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case '\f':
    case '\v':
    case '+':
        return 1;
    case '%':
        return view_starts_with(rest, VIEW("%20")) ? 3 : 0;
    case '/':
        return comment_length(rest);
    default:
        return 0;
    }
}

static size_t skip_blanks(struct view text, size_t at)
{
    size_t begin = at;
    size_t len;

    while (at - begin < GAP_MAX && (len = blank_length(text, at)) > 0)
        at += len;
    return at;
}

/* One element of a pattern at `*at`, which moves behind what it matched. */
static bool element_matches(char element, struct view text, size_t *at)
{
    size_t begin = *at;

    switch (element) {
    case '\1':
        *at = skip_blanks(text, begin);
        return true;
    case ' ':
        *at = skip_blanks(text, begin);
        return *at > begin;
    case '\3':
        while (*at < text.len && *at - begin < DIGITS_MAX && is_digit(text.ptr[*at]))
            (*at)++;
        return *at > begin;
    default:
        if (begin == text.len)
            return false;
        (*at)++;
        return element == '\2' ? is_quote(text.ptr[begin]) : element == lower(text.ptr[begin]);
    }
}

static bool sign_is_at(const char *pattern, struct view text, size_t at)
{
    char last = '\0';

    for (; *pattern != '\0'; pattern++) {
        if (!element_matches(*pattern, text, &at))
            return false;
        last = *pattern;
    }
    return !is_word(last) || at == text.len || !is_word(text.ptr[at]);
}

static void index_signs(struct signs *s)
{
    memset(s->first, 0xff, sizeof(s->first));
    memset(s->is_found, 0, sizeof(s->is_found));
    for (size_t i = 0; i < injection_table_count; i++) {
        uint8_t byte = (uint8_t)injection_table[i].pattern[0];

        s->next[i] = s->first[byte];
        s->first[byte] = (uint16_t)i;
    }
}

/* A member name that is an operator of a document database, and nothing else. */
static bool is_operator(struct view text)
{
    static const char *const words[] = {"$ne",   "$eq",    "$gt",     "$gte",      "$lt",
                                        "$lte",  "$in",    "$nin",    "$or",       "$and",
                                        "$not",  "$nor",   "$exists", "$all",      "$mod",
                                        "$expr", "$regex", "$where",  "$function", "__proto__"};

    if (text.len == 0 || (text.ptr[0] != '$' && text.ptr[0] != '_'))
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (view_eq(text, view_of_text(words[i])))
            return true;
    }
    return false;
}

static void add_signs_at(struct signs *s, struct view text, size_t at, unsigned *scores)
{
    uint8_t byte = (uint8_t)(is_quote(text.ptr[at]) ? '\2' : lower(text.ptr[at]));

    if (at > 0 && is_word((char)byte) && is_word(text.ptr[at - 1]))
        return; /* in the middle of a word */
    for (uint16_t i = s->first[byte]; i != NOBODY; i = s->next[i]) {
        const struct injection_sign *sign = &injection_table[i];

        if (s->is_found[i] || !sign_is_at(sign->pattern, text, at))
            continue;
        s->is_found[i] = true;
        scores[sign->family] += sign->weight;
    }
}

static int judge(void *self, struct view text, struct injection_verdict *verdict)
{
    unsigned scores[INJECTION_FAMILIES] = {0};
    struct signs signs;

    (void)self;
    index_signs(&signs);
    if (is_operator(text))
        scores[INJECTION_NOSQL] = INJECTION_THRESHOLD;
    for (size_t at = 0; at < text.len; at++)
        add_signs_at(&signs, text, at, scores);
    *verdict = (struct injection_verdict){INJECTION_NONE, 0};
    for (unsigned f = INJECTION_NONE + 1; f < INJECTION_FAMILIES; f++) {
        if (scores[f] > verdict->score)
            *verdict = (struct injection_verdict){(enum injection_family)f, scores[f]};
    }
    return OK;
}

const struct injection_ops injection_signs = {"signs", judge, NULL};
