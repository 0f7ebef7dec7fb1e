/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base message */
/* Input: one byte of options, a schema, a byte 0xff (which no UTF-8 has), a value. Whatever
 * compiles gives the same verdict twice and with nobody asking why; a violation's sentence is
 * short, ends in NUL and is valid UTF-8; the schema does not need its document any more. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/code_point.h"
#include "base/status.h"
#include "message/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A heap copy of just this size, so that a read behind its end shows. */
static struct view copy(const uint8_t *data, size_t len)
{
    char *bytes = malloc(len > 0 ? len : 1);

    ASSERT(bytes != NULL);
    if (len > 0)
        memcpy(bytes, data, len);
    return view_of(bytes, len);
}

static void check_text(const struct schema_violation *v)
{
    char text[300];

    for (size_t cap = 1; cap < sizeof(text); cap += 37) {
        size_t len = schema_violation_text(text, cap, v, cap % 2 == 0);
        size_t at = 0;

        ASSERT(len < cap && text[len] == '\0');
        while (at < len) {
            uint32_t point;
            size_t step = code_point_decode((const uint8_t *)text + at, len - at, &point);

            ASSERT(step > 0);
            at += step;
        }
    }
}

static void check(const struct schema *s, const struct json *value)
{
    struct schema_scratch *scratch;
    struct schema_violation v;
    enum schema_verdict verdict;

    ASSERT(schema_scratch_new(&scratch) == OK);
    ASSERT(schema_scratch_fit(scratch, s) == OK);
    memset(&v, 0, sizeof(v));
    verdict = schema_check(s, value, scratch, &v);
    ASSERT(schema_check(s, value, scratch, NULL) == verdict);
    ASSERT(schema_check(s, value, scratch, &v) == verdict);
    if (verdict == SCHEMA_INVALID) {
        ASSERT(v.keyword != NULL && v.schema_pointer != NULL);
        check_text(&v);
    }
    schema_scratch_free(scratch);
}

static struct schema *compile(struct view text, uint8_t flags)
{
    struct schema_options options = {.is_lenient = (flags & 1) != 0,
                                     .is_format_off = (flags & 2) != 0,
                                     .source = text,
                                     .steps = 50000};
    struct schema_fault fault;
    struct schema *s = NULL;
    struct arena arena;
    struct json *root;
    int rc;

    arena_init(&arena, 16384, 16 * 1024 * 1024);
    if (json_parse(&root, text, NULL, &arena, NULL) == OK) {
        rc = schema_compile(&s, root, &options, &fault);
        ASSERT((rc == OK) == (s != NULL));
        ASSERT(rc == OK || (fault.text[0] != '\0' && fault.offset <= text.len));
    }
    arena_clear(&arena);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *split = len > 1 ? memchr(data + 1, 0xff, len - 1) : NULL;
    struct view schema_text, value_text;
    struct schema *s;
    struct arena arena;
    struct json *value;

    if (split == NULL || len > 16384)
        return 0;
    schema_text = copy(data + 1, (size_t)(split - data) - 1);
    value_text = copy(split + 1, len - (size_t)(split - data) - 1);
    s = compile(schema_text, data[0]);
    free((void *)(uintptr_t)schema_text.ptr);
    arena_init(&arena, 16384, 16 * 1024 * 1024);
    if (s != NULL && json_parse(&value, value_text, NULL, &arena, NULL) == OK)
        check(s, value);
    arena_clear(&arena);
    schema_free(s);
    free((void *)(uintptr_t)value_text.ptr);
    return 0;
}
