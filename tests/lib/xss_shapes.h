/* SPDX-License-Identifier: Apache-2.0 */
/* xss_shapes.h: an endless, repeatable supply of hostile markup: known shapes of script injection,
 * wrapped, spliced and disturbed. Payload n is the same on every machine. */
#ifndef TESTS_XSS_SHAPES_H
#define TESTS_XSS_SHAPES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define XSS_PAYLOAD_MAX 2048

static const char *const xss_shapes[] = {
    "<script>alert(1)</script>",
    "<ScRiPt >alert(1)</sCrIpT >",
    "<script src=/canary.js></script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script>alert(1)//",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=\"alert(1)\"//",
    "<img/src=x/onerror=alert(1)>",
    "<img src=\"x` `<script>alert(1)</script>\"` `>",
    "<image src=x onerror=alert(1)>",
    "<img src=x:x onerror=&#97;lert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)//",
    "<svg><script>alert(1)</script></svg>",
    "<svg><script>alert&#40;1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a><set attributeName=href to=javascript:alert(1) /><text y=9>x</text></a></svg>",
    "<svg><foreignObject><iframe srcdoc=\"<script>alert(1)</script>\"></foreignObject></svg>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<svg><desc><table><a id=\"</table><img src=1 onerror=alert(1)>\"></desc></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 "
    "onerror=alert(1)&gt;\">",
    "<math><mtext><mglyph><style><img src=x onerror=alert(1)></style></mglyph></mtext></math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<math><annotation-xml encoding=\"text/html\"><style><img src=x onerror=alert(1)></style>",
    "<math href=\"javascript:alert(1)\">x</math>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<noembed><img title=\"</noembed><img src onerror=alert(1)>\"></noembed>",
    "<title><img title=\"</title><img src=x onerror=alert(1)>\">",
    "<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\">",
    "<style><img title=\"</style><img src=x onerror=alert(1)>\">",
    "<xmp><img title=\"</xmp><img src=x onerror=alert(1)>\">",
    "<iframe><img title=\"</iframe><img src=x onerror=alert(1)>\">",
    "<plaintext><img src=x onerror=alert(1)>",
    "<template><img src=x onerror=alert(1)></template>",
    "<template><s><template><s><img src=x onerror=alert(1)>@shafigullin</s></template></s>",
    "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!-- --!><img src=x onerror=alert(1)>",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<!doctype html><img src=x onerror=alert(1)>",
    "<?xml version=\"1.0\"?><img src=x onerror=alert(1)>",
    "<% <img src=x onerror=alert(1)> %>",
    "</ <img src=x onerror=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=\"java\tscript:alert(1)\">x</a>",
    "<a href=\"java&#x0A;script:alert(1)\">x</a>",
    "<a href=\" &#14; javascript:alert(1)\">x</a>",
    "<a href=\"&#106;avascript&colon;alert(1)\">x</a>",
    "<a href=\"javascript&#58alert(1)\">x</a>",
    "<a href=data:text/html,<script>alert(1)</script>>x</a>",
    "<a href=\"https://e.invalid/&quot;onmouseover=alert(1) x=&quot;\">x</a>",
    "<a href='https://e.invalid/' href=javascript:alert(1)>x</a>",
    "<a href=https://e.invalid/`onfocus=alert(1)>x</a>",
    "<a href=\"vbscript:alert(1)\" style=\"x:expression(alert(1))\">x</a>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc=\"&lt;script&gt;alert(1)&lt;/script&gt;\"></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<base href=javascript:/a/-alert(1)///><a href=../l>x</a>",
    "<meta http-equiv=refresh content=\"0;url=/canary\">",
    "<link rel=stylesheet href=/canary.css>",
    "<link rel=import href=/canary>",
    "<style>@import '/canary.css';</style>",
    "<style>*{background:url(/canary)}</style>",
    "<p style=\"background:url(/canary)\">x</p>",
    "<body onload=alert(1)>",
    "<frameset onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)><option>x",
    "<select><style></select><img src=x onerror=alert(1)>",
    "<select><iframe></select><img src=x onerror=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<video src=x onerror=alert(1)>",
    "<audio src=/canary onerror=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<b onmouseover=alert(1)>x</b>",
    "<div style=animation-name:x onanimationstart=alert(1)>",
    "<button form=x formaction=javascript:alert(1)>x</button><form id=x>",
    "<isindex action=javascript:alert(1) type=submit>",
    "<keygen autofocus onfocus=alert(1)>",
    "<table background=/canary><td background=/canary>x",
    "<table><p><a href=https://e.invalid/><table><a href=https://e.invalid/><img src=x "
    "onerror=alert(1)>",
    "\"><img src=x onerror=alert(1)>",
    "'><img src=x onerror=alert(1)>",
    "\" onmouseover=alert(1) x=\"",
    "' autofocus onfocus=alert(1) x='",
    "` onerror=alert(1) `",
    "x onerror=alert(1)",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&amp;lt;script&amp;gt;alert(1)",
    "&#60;img src=x onerror=alert(1)&#62;",
    "&#x3c;img src=x onerror=alert(1)&#x3e;",
    "&lt<img src=x onerror=alert(1)>",
    "\xef\xbc\x9cscript\xef\xbc\x9e"
    "alert(1)",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "<b><p><i>x</b>y</p>z</i>",
    "<p><b><ul><li><p>x</b><ol><li></p></ul>",
    "<pre>\n\n<code>x\n</pre>y</code>",
    "<a href=https://e.invalid/?a&lt;b&copy=1>x<b></a>y",
    "<blockquote><ul><a href=mailto:a@e.invalid><li>x</a><li>y",
    "<em><s><u><strong><code>a</em></s></u></strong></code>",
    "x &amp; y &nbsp; &notit; &#0; &#128; &#xD800; &#x110000; &#13; &",
};

#define XSS_SHAPES (sizeof(xss_shapes) / sizeof(xss_shapes[0]))

static const char *const xss_wrappers[][2] = {
    {"<b>", "</b>"},
    {"<p>", "</p>"},
    {"<pre>\n", "</pre>"},
    {"<ul><li>", "</ul>"},
    {"<a href=https://e.invalid/>", "</a>"},
    {"<blockquote>", ""},
    {"<table><tr><td>", "</table>"},
    {"<table>", "</table>"},
    {"<svg>", "</svg>"},
    {"<svg><desc>", "</desc></svg>"},
    {"<svg><title>", "</title></svg>"},
    {"<svg><foreignObject>", "</foreignObject></svg>"},
    {"<math><mtext>", "</mtext></math>"},
    {"<math><mi><mglyph>", "</math>"},
    {"<noscript>", "</noscript>"},
    {"<template>", "</template>"},
    {"<style>", "</style>"},
    {"<textarea>", "</textarea>"},
    {"<title>", "</title>"},
    {"<select><option>", "</select>"},
    {"<form><div>", "</form>"},
    {"<button>", "</button>"},
    {"<!--", "-->"},
    {"<p title=\"", "\">"},
    {"<p title='", "'>"},
    {"<code><i><u>", "</code>"},
};

static const char *const xss_specks[] = {
    "<",
    ">",
    "\"",
    "'",
    "&",
    "/",
    "=",
    "`",
    "\t",
    "\n",
    "\r",
    "\f",
    " ",
    "\x01",
    "\x7f",
    ";",
    "#",
    "&lt;",
    "&gt;",
    "&quot;",
    "&#60",
    "&#x3C;",
    "&Tab;",
    "&colon;",
    "<!--",
    "-->",
    "]]>",
    "</p>",
    "<p>",
    "</b>",
    "<b>",
    "<a>",
    "</a>",
    "<br>",
    "</br>",
    "\xc2\xa0",
    "\xe2\x80\xa8",
    "\xef\xbb\xbf",
    "<table>",
    "<li>",
    "</ul>",
    "<style>",
    "<svg>",
    "<math>",
    "</svg>",
    "<i>",
};

struct xss_text {
    char *bytes; /* XSS_PAYLOAD_MAX of them */
    size_t len;
};

static inline uint32_t xss_next(uint64_t *seed, size_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*seed >> 33) % below);
}

/* Puts `piece` at `at`, if it fits. */
static inline void xss_insert(struct xss_text *t, size_t at, const char *piece)
{
    size_t len = strlen(piece);

    if (t->len + len > XSS_PAYLOAD_MAX)
        return;
    memmove(t->bytes + at + len, t->bytes + at, t->len - at);
    memcpy(t->bytes + at, piece, len);
    t->len += len;
}

static inline void xss_change_byte(struct xss_text *t, size_t at)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t c = (uint8_t)t->bytes[at];
    char reference[] = {'&', '#', 'x', digits[c >> 4], digits[c & 15], ';', '\0'};

    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
        t->bytes[at] = (char)(c ^ 0x20);
    } else if (c < 0x80) {
        t->bytes[at] = ' ';
        xss_insert(t, at, reference);
    }
}

/* UTF-8 must stay UTF-8: cuts and insertions fall between code points. */
static inline size_t xss_place(const struct xss_text *t, uint64_t *seed)
{
    size_t at = xss_next(seed, t->len + 1);

    while (at < t->len && ((uint8_t)t->bytes[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static inline void xss_mutate(struct xss_text *t, uint64_t *seed)
{
    size_t wrapper = xss_next(seed, sizeof(xss_wrappers) / sizeof(xss_wrappers[0]));
    size_t a = xss_place(t, seed);
    size_t b = xss_place(t, seed);

    switch (xss_next(seed, 8)) {
    case 0:
    case 1:
        xss_insert(t, t->len, xss_wrappers[wrapper][1]);
        xss_insert(t, 0, xss_wrappers[wrapper][0]);
        break;
    case 2:
        xss_insert(t, a, xss_wrappers[wrapper][0]);
        break;
    case 3:
        xss_insert(t, a, xss_shapes[xss_next(seed, XSS_SHAPES)]);
        break;
    case 4:
        if (a < t->len)
            xss_change_byte(t, a);
        break;
    case 5:
        if (a < b && b - a < 12) {
            memmove(t->bytes + a, t->bytes + b, t->len - b);
            t->len -= b - a;
        }
        break;
    default:
        xss_insert(t, a, xss_specks[xss_next(seed, sizeof(xss_specks) / sizeof(xss_specks[0]))]);
    }
}

/* Payload number `index` into `bytes` (XSS_PAYLOAD_MAX); returns its length. The first XSS_SHAPES
 * are the shapes themselves. */
static inline size_t xss_payload(size_t index, char *bytes)
{
    struct xss_text t = {bytes, 0};
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) * (index + 1);

    xss_insert(&t, 0, xss_shapes[index % XSS_SHAPES]);
    if (index < XSS_SHAPES)
        return t.len;
    for (uint32_t left = 1 + xss_next(&seed, 7); left > 0; left--)
        xss_mutate(&t, &seed);
    return t.len;
}

#endif
