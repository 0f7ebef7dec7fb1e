/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base message */
/* sanitize_fuzz.c: any bytes through all three kinds. The output has only what the kind may write,
 * by a reader of its own and by parsing it once more; cleaning it again changes nothing. */
#include <gumbo.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "html_verdict.h"
#include "message/sanitize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool is_allowed_tag(GumboTag tag)
{
    static const GumboTag tags[] = {
        GUMBO_TAG_B,  GUMBO_TAG_I,  GUMBO_TAG_EM, GUMBO_TAG_STRONG, GUMBO_TAG_U,
        GUMBO_TAG_S,  GUMBO_TAG_P,  GUMBO_TAG_BR, GUMBO_TAG_CODE,   GUMBO_TAG_BLOCKQUOTE,
        GUMBO_TAG_UL, GUMBO_TAG_OL, GUMBO_TAG_LI, GUMBO_TAG_PRE,    GUMBO_TAG_A};

    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        if (tags[i] == tag)
            return true;
    }
    return false;
}

/* Recursion is fine here: the sanitiser has bounded the depth by then. */
static void check_children(const GumboVector *children)
{
    for (unsigned i = 0; i < children->length; i++) {
        const GumboNode *node = children->data[i];

        if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE)
            continue;
        ASSERT(node->type == GUMBO_NODE_ELEMENT);
        ASSERT(node->v.element.tag_namespace == GUMBO_NAMESPACE_HTML);
        ASSERT(is_allowed_tag(node->v.element.tag));
        ASSERT(node->v.element.attributes.length == (node->v.element.tag == GUMBO_TAG_A ? 2 : 0));
        check_children(&node->v.element.children);
    }
}

static void check_tree(struct view html)
{
    GumboOptions options = kGumboDefaultOptions;
    GumboOutput *output;

    options.fragment_context = GUMBO_TAG_BODY;
    output = gumbo_parse_with_options(&options, html.ptr, html.len);
    check_children(&output->root->v.element.children);
    gumbo_destroy_output(&options, output);
}

static void check(struct view out, enum sanitize_kind kind)
{
    if (out.len == 0)
        return;
    if (kind == SANITIZE_ALLOW) {
        ASSERT(html_is_allowed(out));
        check_tree(out);
        return;
    }
    ASSERT(html_is_text(out));
    ASSERT(kind == SANITIZE_STRIP || memchr(out.ptr, '"', out.len) == NULL);
    ASSERT(kind == SANITIZE_STRIP || memchr(out.ptr, '\'', out.len) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena arena;
    char *exact;

    if (len == 0 || len > 2 * SANITIZE_BYTES_MAX)
        return 0;
    exact = malloc(len); /* its end is poisoned, so that a read behind it shows */
    ASSERT(exact != NULL);
    memcpy(exact, data, len);
    arena_init(&arena, 65536, 1024 * 1024);
    for (int k = SANITIZE_ESCAPE; k <= SANITIZE_ALLOW; k++) {
        enum sanitize_kind kind = (enum sanitize_kind)k;
        struct view once, twice;
        int rc = sanitize_text(&once, view_of(exact, len), kind, &arena);

        ASSERT(rc == OK || (rc == E_LIMIT && kind != SANITIZE_ESCAPE));
        if (rc != OK)
            continue;
        check(once, kind);
        ASSERT(sanitize_text(&twice, once, kind, &arena) == OK);
        ASSERT(view_eq(once, twice));
        arena_reset(&arena);
    }
    arena_clear(&arena);
    free(exact);
    return 0;
}
