/* SPDX-License-Identifier: Apache-2.0 */
/* sanitize.h: text that people wrote, made safe for pages that show it. Three kinds, all of them
 * idempotent: what one pass has written, the next leaves as it is. Pure; memory from an arena. Text
 * must be valid UTF-8, as json_parse gives it. What is over a ceiling is refused, never passed on.
 *
 *   escape  nothing is lost: & < > " ' become &amp; &lt; &gt; &quot; &#39;. One of these five that
 *           stands there already is kept. For HTML text and quoted attributes.
 *   strip   an HTML5 parser reads it, all tags go, the text stays; script, style and their like go
 *           with all they hold. Character references are decoded; < > and an & that would begin a
 *           reference are written as &lt; &gt; &amp;. For HTML text.
 *   allow   as strip, but these tags stay: b i em strong u s code pre p br ul ol li blockquote, and
 *           a with an absolute http, https or mailto address. For HTML text. */
#ifndef MESSAGE_SANITIZE_H
#define MESSAGE_SANITIZE_H

#include "base/arena.h"
#include "message/json.h"

/* Ceilings of strip and allow, on what goes in (if it holds any & < >) and on what comes out. */
#define SANITIZE_BYTES_MAX          16384
#define SANITIZE_TAGS_MAX           500 /* `<` */
#define SANITIZE_ATTRIBUTES_MAX     16  /* of one tag */
#define SANITIZE_ALL_ATTRIBUTES_MAX 500
#define SANITIZE_DEPTH_MAX          64 /* of tags that stay; deeper ones go, their text stays */
#define SANITIZE_PARSER_MAX         ((size_t)2 * 1024 * 1024) /* bytes the HTML parser may use */

enum sanitize_kind { SANITIZE_ESCAPE, SANITIZE_STRIP, SANITIZE_ALLOW };

struct sanitize_rule {
    struct view pointer; /* RFC 6901; "" is the whole document */
    enum sanitize_kind kind;
};

/* "escape", "strip", "allow"; false for any other word. */
bool sanitize_kind_of(struct view word, enum sanitize_kind *kind);
const char *sanitize_kind_name(enum sanitize_kind kind);
/* Is there none of & < > " ' in it? Such text is the same after any of the three. */
bool sanitize_is_plain(struct view text);
/* *out is `text` itself where nothing changes. E_LIMIT: over a ceiling; E_NOMEM. */
int sanitize_text(struct view *out, struct view text, enum sanitize_kind kind, struct arena *arena);
/* Every string that a pointer names or that lies anywhere below it, rule after rule. A pointer to
 * nothing is fine: whether a member must be there is for a schema to say. Member names below are
 * not rewritten: one that is not plain is E_DENIED. If a string has changed, the text of all arrays
 * and objects is written anew (json_refresh). E_INVALID: no pointer; others as above. After a
 * failure the tree is neither old nor new: throw the message away. */
int sanitize_json(struct json *root, const struct sanitize_rule *rules, size_t count,
                  struct arena *arena);

#endif
