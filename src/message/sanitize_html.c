/* SPDX-License-Identifier: Apache-2.0 */
/* sanitize_html.c: HTML to safe text or to a handful of tags. gumbo builds the tree that a browser
 * would build; nothing of the source is ever copied: we write our own tags around escaped text. We
 * also write only such nestings as every HTML5 parser reads back as the same tree (no block in a p,
 * no a in an a, li only in a list, no format in itself, nothing foreign, no raw text), so that a
 * browser that parses the output cannot build another tree than we meant (mutation XSS), and a
 * second pass changes nothing.
 *
 * gumbo does not expect to run out of memory. It gets a bump allocator over an arena with a
 * ceiling, which leaves the parser by longjmp when that is reached; the arena takes all memory with
 * it. */
#include "message/sanitize_html.h"

#include <gumbo.h>
#include <setjmp.h>

#include "base/code_point.h"
#include "base/status.h"
#include "base/wr.h"
#include "message/sanitize.h"

#define CHUNK_BYTES    ((size_t)64 * 1024)
#define TREE_DEPTH_MAX 600 /* over SANITIZE_TAGS_MAX by what a parser adds of its own */

enum role {
    UNWRAP, /* the tag goes, the text stays: the default for what we do not know */
    DROP,   /* goes with all it holds */
    BREAK,  /* UNWRAP, and the text around it does not run together */
    NEWLINE,
    INLINE,
    LINK,
    BLOCK,
    PARAGRAPH,
    PREFORMATTED,
    LIST,
    ITEM
};

static const uint8_t roles[GUMBO_TAG_LAST + 1] = {
    [GUMBO_TAG_SCRIPT] = DROP,      [GUMBO_TAG_STYLE] = DROP,       [GUMBO_TAG_TEMPLATE] = DROP,
    [GUMBO_TAG_NOSCRIPT] = DROP,    [GUMBO_TAG_TEXTAREA] = DROP,    [GUMBO_TAG_TITLE] = DROP,
    [GUMBO_TAG_XMP] = DROP,         [GUMBO_TAG_IFRAME] = DROP,      [GUMBO_TAG_NOEMBED] = DROP,
    [GUMBO_TAG_NOFRAMES] = DROP,    [GUMBO_TAG_PLAINTEXT] = DROP,   [GUMBO_TAG_OBJECT] = DROP,
    [GUMBO_TAG_APPLET] = DROP,      [GUMBO_TAG_SVG] = DROP,         [GUMBO_TAG_MATH] = DROP,
    [GUMBO_TAG_FRAMESET] = DROP,    [GUMBO_TAG_HEAD] = DROP,

    [GUMBO_TAG_ADDRESS] = BREAK,    [GUMBO_TAG_ARTICLE] = BREAK,    [GUMBO_TAG_ASIDE] = BREAK,
    [GUMBO_TAG_CAPTION] = BREAK,    [GUMBO_TAG_CENTER] = BREAK,     [GUMBO_TAG_DD] = BREAK,
    [GUMBO_TAG_DETAILS] = BREAK,    [GUMBO_TAG_DIR] = BREAK,        [GUMBO_TAG_DIV] = BREAK,
    [GUMBO_TAG_DL] = BREAK,         [GUMBO_TAG_DT] = BREAK,         [GUMBO_TAG_FIELDSET] = BREAK,
    [GUMBO_TAG_FIGCAPTION] = BREAK, [GUMBO_TAG_FIGURE] = BREAK,     [GUMBO_TAG_FOOTER] = BREAK,
    [GUMBO_TAG_FORM] = BREAK,       [GUMBO_TAG_H1] = BREAK,         [GUMBO_TAG_H2] = BREAK,
    [GUMBO_TAG_H3] = BREAK,         [GUMBO_TAG_H4] = BREAK,         [GUMBO_TAG_H5] = BREAK,
    [GUMBO_TAG_H6] = BREAK,         [GUMBO_TAG_HEADER] = BREAK,     [GUMBO_TAG_HR] = BREAK,
    [GUMBO_TAG_MAIN] = BREAK,       [GUMBO_TAG_MENU] = BREAK,       [GUMBO_TAG_NAV] = BREAK,
    [GUMBO_TAG_OPTION] = BREAK,     [GUMBO_TAG_SECTION] = BREAK,    [GUMBO_TAG_SUMMARY] = BREAK,
    [GUMBO_TAG_TABLE] = BREAK,      [GUMBO_TAG_TD] = BREAK,         [GUMBO_TAG_TH] = BREAK,
    [GUMBO_TAG_TR] = BREAK,

    [GUMBO_TAG_B] = INLINE,         [GUMBO_TAG_I] = INLINE,         [GUMBO_TAG_EM] = INLINE,
    [GUMBO_TAG_STRONG] = INLINE,    [GUMBO_TAG_U] = INLINE,         [GUMBO_TAG_S] = INLINE,
    [GUMBO_TAG_CODE] = INLINE,      [GUMBO_TAG_A] = LINK,           [GUMBO_TAG_BR] = NEWLINE,
    [GUMBO_TAG_P] = PARAGRAPH,      [GUMBO_TAG_PRE] = PREFORMATTED, [GUMBO_TAG_BLOCKQUOTE] = BLOCK,
    [GUMBO_TAG_UL] = LIST,          [GUMBO_TAG_OL] = LIST,          [GUMBO_TAG_LI] = ITEM,
};

struct scratch {
    struct arena memory;
    jmp_buf exhausted;
};

struct html_out {
    struct wr w;
    bool does_allow;
    bool owes_ampersand; /* an & whose spelling depends on the next byte */
    bool owes_break;
    bool is_pre_fresh; /* <pre> has just been written: a parser drops a newline here */
    unsigned tags;
    unsigned depth;
    GumboTag open[SANITIZE_DEPTH_MAX];
};

struct frame {
    const GumboNode *node;
    unsigned next; /* child */
    bool is_written;
};

static bool is_reference_start(char c)
{
    return c == '#' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Before every byte that goes out; `next` is that byte. */
static void settle_ampersand(struct html_out *h, char next)
{
    if (h->owes_ampersand)
        wr_text(&h->w, is_reference_start(next) ? "&amp;" : "&");
    h->owes_ampersand = false;
}

static void put_byte(struct html_out *h, char c)
{
    settle_ampersand(h, c);
    if (h->is_pre_fresh && c == '\n')
        wr_u8(&h->w, '\n');
    h->is_pre_fresh = false;
    switch (c) {
    case '&':
        h->owes_ampersand = true;
        break;
    case '<':
        wr_text(&h->w, "&lt;");
        break;
    case '>':
        wr_text(&h->w, "&gt;");
        break;
    case '\r': /* only as a reference: a raw one is a newline to every parser */
        wr_u8(&h->w, '\n');
        break;
    default:
        wr_u8(&h->w, (uint8_t)c);
    }
}

static void settle_break(struct html_out *h)
{
    bool is_needed = h->owes_break && wr_len(&h->w) > 0 && h->w.ptr[-1] != '\n';

    h->owes_break = false;
    if (is_needed)
        put_byte(h, '\n');
}

/* Returns how many bytes it was. What stands here is valid UTF-8: the parser has seen to that. */
static size_t put_code_point(struct html_out *h, const char *at)
{
    uint8_t first = (uint8_t)*at;
    uint32_t value = first;
    size_t len = 1;

    if (first >= 0x80)
        len = code_point_decode((const uint8_t *)at, strnlen(at, 4), &value);
    if (len == 0 || sanitize_is_odd(value)) {
        settle_ampersand(h, ' ');
        h->is_pre_fresh = false;
        wr_text(&h->w, "\xef\xbf\xbd");
        return len > 0 ? len : 1;
    }
    for (size_t i = 0; i < len; i++)
        put_byte(h, at[i]);
    return len;
}

static void put_text(struct html_out *h, const char *text)
{
    if (*text != '\0')
        settle_break(h);
    while (*text != '\0' && !h->w.failed)
        text += put_code_point(h, text);
}

static void put_tag(struct html_out *h, const char *before, GumboTag tag)
{
    settle_ampersand(h, '<');
    h->is_pre_fresh = false;
    h->tags++;
    wr_text(&h->w, before);
    wr_text(&h->w, gumbo_normalized_tagname(tag));
}

static bool is_open(const struct html_out *h, GumboTag tag)
{
    for (unsigned i = 0; i < h->depth; i++) {
        if (h->open[i] == tag)
            return true;
    }
    return false;
}

/* Would every parser read the tag, written here, as a child of what is open? */
static bool may_stand_here(const struct html_out *h, GumboTag tag)
{
    GumboTag parent = h->depth > 0 ? h->open[h->depth - 1] : GUMBO_TAG_LAST;

    if (!h->does_allow || h->depth == SANITIZE_DEPTH_MAX)
        return false;
    switch ((enum role)roles[tag]) {
    case INLINE:
    case LINK:
        return !is_open(h, tag);
    case ITEM:
        return parent == GUMBO_TAG_UL || parent == GUMBO_TAG_OL;
    case BLOCK:
    case PARAGRAPH:
    case PREFORMATTED:
    case LIST:
        return !is_open(h, GUMBO_TAG_P);
    case UNWRAP:
    case DROP:
    case BREAK:
    case NEWLINE:
        return false;
    }
    return false;
}

static void put_attribute_value(struct html_out *h, struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == '&') /* sanitize_link has refused quotes and brackets */
            wr_text(&h->w, "&amp;");
        else
            wr_u8(&h->w, (uint8_t)v.ptr[i]);
    }
}

/* The opening tag, if it may stand here; false if only its text stays. */
static bool put_open(struct html_out *h, const GumboElement *element)
{
    enum role role = (enum role)roles[element->tag];
    const GumboAttribute *href = NULL;
    struct view scheme, rest;

    if (!may_stand_here(h, element->tag))
        return false;
    if (role == LINK) { /* of several attributes of one name the first counts */
        href = gumbo_get_attribute(&element->attributes, "href");
        if (href == NULL || !sanitize_link(view_of_text(href->value), &scheme, &rest))
            return false;
    }
    if (role == INLINE || role == LINK)
        settle_break(h);
    h->owes_break = false;
    put_tag(h, "<", element->tag);
    if (href != NULL) {
        wr_text(&h->w, " href=\"");
        wr_view(&h->w, scheme);
        put_attribute_value(h, rest);
        wr_text(&h->w, "\" rel=\"noopener noreferrer nofollow\"");
    }
    wr_u8(&h->w, '>');
    h->is_pre_fresh = role == PREFORMATTED;
    h->open[h->depth++] = element->tag;
    return true;
}

static void put_close(struct html_out *h, GumboTag tag)
{
    put_tag(h, "</", tag);
    wr_u8(&h->w, '>');
    h->depth--;
    h->owes_break = false;
}

static void put_newline(struct html_out *h)
{
    if (!h->does_allow) {
        put_byte(h, '\n');
        return;
    }
    settle_break(h);
    put_tag(h, "<", GUMBO_TAG_BR);
    wr_u8(&h->w, '>');
}

static bool separates(enum role role)
{
    return role >= BREAK && role != NEWLINE && role != INLINE && role != LINK;
}

/* Is the element looked into at all? */
static bool is_entered(const GumboNode *node)
{
    return node->type == GUMBO_NODE_ELEMENT &&
           node->v.element.tag_namespace == GUMBO_NAMESPACE_HTML &&
           (node->parse_flags & GUMBO_INSERTION_FROM_ISINDEX) == 0 &&
           roles[node->v.element.tag] != DROP;
}

/* A node before its children. Returns whether there are children to walk; *is_written is for the
 * way back. */
static bool enter(struct html_out *h, const GumboNode *node, bool *is_written)
{
    if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE) {
        put_text(h, node->v.text.text);
        return false;
    }
    if (!is_entered(node))
        return false;
    if (roles[node->v.element.tag] == NEWLINE) {
        put_newline(h);
        return false;
    }
    *is_written = put_open(h, &node->v.element);
    if (!*is_written && separates((enum role)roles[node->v.element.tag]))
        h->owes_break = true;
    return true;
}

static void leave(struct html_out *h, const struct frame *f)
{
    GumboTag tag = f->node->v.element.tag;

    if (f->is_written)
        put_close(h, tag);
    else if (separates((enum role)roles[tag]))
        h->owes_break = true;
}

static int put_tree(struct html_out *h, const GumboNode *root, struct frame *frames)
{
    unsigned depth = 1;

    frames[0] = (struct frame){root, 0, false};
    while (depth > 0 && !h->w.failed) {
        struct frame *f = &frames[depth - 1];
        const GumboVector *children = &f->node->v.element.children;
        const GumboNode *child;
        bool is_written = false;

        if (f->next == children->length) {
            leave(h, f);
            depth--;
            continue;
        }
        child = children->data[f->next++];
        if (!enter(h, child, &is_written))
            continue;
        if (depth == TREE_DEPTH_MAX)
            return E_LIMIT;
        frames[depth++] = (struct frame){child, 0, is_written};
    }
    settle_ampersand(h, ' ');
    return h->w.failed || h->tags > SANITIZE_TAGS_MAX ? E_LIMIT : OK;
}

static void *scratch_alloc(void *userdata, size_t bytes)
{
    struct scratch *s = userdata;
    void *memory = arena_alloc(&s->memory, bytes);

    if (memory == NULL)
        longjmp(s->exhausted, 1);
    return memory;
}

static void scratch_free(void *userdata, void *memory)
{
    (void)userdata;
    (void)memory;
}

/* The tree below the context element, or NULL when the parser needed more than its ceiling. */
static const GumboNode *parse(struct scratch *s, struct view text)
{
    GumboOptions options = kGumboDefaultOptions;

    options.allocator = scratch_alloc;
    options.deallocator = scratch_free;
    options.userdata = s;
    options.max_errors = 0;
    options.fragment_context = GUMBO_TAG_DIV;
    if (setjmp(s->exhausted) != 0)
        return NULL;
    return gumbo_parse_with_options(&options, text.ptr, text.len)->root;
}

static int clean(struct view *out, struct scratch *s, struct view text, bool does_allow)
{
    struct html_out h = {.does_allow = does_allow};
    const GumboNode *root = parse(s, text);
    struct frame *frames;
    void *bytes;
    int rc;

    if (root == NULL)
        return E_LIMIT;
    frames = arena_alloc(&s->memory, TREE_DEPTH_MAX * sizeof(*frames));
    bytes = arena_alloc(&s->memory, SANITIZE_BYTES_MAX);
    if (frames == NULL || bytes == NULL)
        return E_NOMEM;
    h.w = wr_of(bytes, SANITIZE_BYTES_MAX);
    rc = put_tree(&h, root, frames);
    if (rc == OK)
        *out = view_of(bytes, wr_len(&h.w));
    return rc;
}

int sanitize_html(struct view *out, struct view text, bool does_allow, struct arena *arena)
{
    struct scratch s;
    struct view found;
    char *copy;
    int rc;

    if (memchr(text.ptr, '&', text.len) == NULL && memchr(text.ptr, '<', text.len) == NULL &&
        memchr(text.ptr, '>', text.len) == NULL) {
        *out = text;
        return OK;
    }
    if (!sanitize_is_modest(text))
        return E_LIMIT;
    arena_init(&s.memory, CHUNK_BYTES, SANITIZE_PARSER_MAX);
    rc = clean(&found, &s, text, does_allow);
    if (rc == OK && view_eq(found, text)) {
        *out = text;
    } else if (rc == OK) {
        copy = arena_alloc(arena, found.len);
        if (copy != NULL) {
            memcpy(copy, found.ptr, found.len);
            *out = view_of(copy, found.len);
        }
        rc = copy == NULL ? E_NOMEM : OK;
    }
    arena_clear(&s.memory);
    return rc;
}
