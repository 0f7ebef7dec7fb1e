/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base message */
/* Input: a pattern, a byte 0xff, a text. What our automaton says, PCRE2 says too: an empty
 * look-ahead in front sends the same expression to it. The checker of the grammar agrees with the
 * compiler on what an expression is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/code_point.h"
#include "base/status.h"
#include "message/schema_regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define PATTERN_MAX 200
#define TEXT_MAX    600

static bool is_utf8(const uint8_t *at, size_t left)
{
    while (left > 0) {
        uint32_t point;
        size_t step = code_point_decode(at, left, &point);

        if (step == 0)
            return false;
        at += step;
        left -= step;
    }
    return true;
}

static enum schema_verdict run(struct view pattern, struct view text, int *rc)
{
    struct schema_regex_scratch scratch = {NULL, 0, NULL, NULL};
    struct schema_regex_fault fault;
    struct schema_regex *regex = NULL;
    enum schema_verdict v = SCHEMA_ERROR;
    struct arena arena;

    arena_init(&arena, 65536, 64 * 1024 * 1024);
    *rc = schema_regex_compile(&regex, &arena, pattern, &fault);
    if (*rc == OK) {
        ASSERT(schema_regex_scratch_fit(&scratch, regex) == OK);
        v = schema_regex_match(regex, text, &scratch);
        ASSERT(schema_regex_match(regex, text, &scratch) == v);
    }
    schema_regex_free(regex);
    schema_regex_scratch_clear(&scratch);
    arena_clear(&arena);
    return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *split = len > 0 ? memchr(data, 0xff, len) : NULL;
    char other[PATTERN_MAX + 16];
    size_t pattern_len, text_len;
    enum schema_verdict ours, theirs;
    char *text;
    int rc, rc_other;

    if (split == NULL || split - data > PATTERN_MAX || len > PATTERN_MAX + TEXT_MAX)
        return 0;
    pattern_len = (size_t)(split - data);
    text_len = len - pattern_len - 1;
    if (!is_utf8(split + 1, text_len))
        return 0;
    text = malloc(text_len + 1);
    ASSERT(text != NULL);
    memcpy(text, split + 1, text_len);
    memcpy(other, "(?=)(?:", 7);
    memcpy(other + 7, data, pattern_len);
    memcpy(other + 7 + pattern_len, ")", 1);
    ours = run(view_of(data, pattern_len), view_of(text, text_len), &rc);
    theirs = run(view_of(other, pattern_len + 8), view_of(text, text_len), &rc_other);
    ASSERT(ours == SCHEMA_ERROR || theirs == SCHEMA_ERROR || ours == theirs);
    ASSERT(rc != OK || schema_regex_ok(view_of(data, pattern_len)));
    free(text);
    return 0;
}
