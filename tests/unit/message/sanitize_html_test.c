/* SPDX-License-Identifier: Apache-2.0 */
/* sanitize_html_test.c: what is left of markup, case by case; every case is cleaned twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"
#include "message/sanitize.h"
#include "three_ways.h"

#define REL " rel=\"noopener noreferrer nofollow\""

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 65536, 1024 * 1024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static void expect(enum sanitize_kind kind, const char *in, const char *want)
{
    struct guarded g = guarded_copy(in, strlen(in));
    struct view out = VIEW("?");
    struct view twice = VIEW("?");

    arena_reset(&arena);
    assert_int_equal(sanitize_text(&out, view_of(g.data, strlen(in)), kind, &arena), OK);
    if (!view_eq(out, view_of_text(want)))
        fail_msg("%s: %s became " VIEW_FMT, sanitize_kind_name(kind), in, VIEW_ARG(out));
    assert_int_equal(sanitize_text(&twice, out, kind, &arena), OK);
    if (!view_eq(out, twice))
        fail_msg("%s, second pass: " VIEW_FMT " became " VIEW_FMT, in, VIEW_ARG(out),
                 VIEW_ARG(twice));
    guarded_free(&g);
}

static void strip_keeps_the_text_and_nothing_else(void **state)
{
    static const char *const rows[][2] = {
        {"<b>bold</b> text", "bold text"},
        {"O'Brien said \"hi\"", "O'Brien said \"hi\""},
        {"Tom & Jerry", "Tom & Jerry"},
        {"AT&T", "AT&amp;T"},
        {"Q&", "Q&"},
        {"a && b", "a && b"},
        {"5 < 6 > 4", "5 &lt; 6 &gt; 4"},
        {"caf&eacute; &lt;b&gt; &amp;lt;", "caf\xc3\xa9 &lt;b&gt; &amp;lt;"},
        {"&<!-- x -->lt;b", "&amp;lt;b"},
        {"&<i></i>eacute;", "&amp;eacute;"},
        {"&<i> x</i>", "& x"},
        {"<scr<script>ipt>alert(1)</script>", "ipt&gt;alert(1)"},
        {"<script>alert(1)</script>x", "x"},
        {"x<style>a{}</style>y", "xy"},
        {"x<!-- hidden -->y", "xy"},
        {"<svg><text>t</text></svg>y", "y"},
        {"<math><mi>t</mi></math>y", "y"},
        {"<textarea><b>t</textarea>y", "y"},
        {"<title>t</title><xmp>t</xmp><iframe>t</iframe><noscript>t</noscript>y", "y"},
        {"<template><b>t</b></template>y<plaintext>t", "y"},
        {"one<br>two<p>three</p>four", "one\ntwo\nthree\nfour"},
        {"<table><tr><td>a<td>b</table>", "a\nb"},
        {"<a href=javascript:x>link</a>", "link"},
        {"a\r\nb&#13;c<i>", "a\nb\nc"},
        {"<i", ""},
        {"</p>a", "a"},
        {"<?php echo 1 ?>a<!doctype html><![CDATA[b]]>", "a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(SANITIZE_STRIP, rows[i][0], rows[i][1]);
}

static void allow_keeps_the_few_tags(void **state)
{
    static const char *const rows[][2] = {
        {"<b>a</b><i>b</i><em>c</em><strong>d</strong><u>e</u><s>f</s><code>g</code>",
         "<b>a</b><i>b</i><em>c</em><strong>d</strong><u>e</u><s>f</s><code>g</code>"},
        {"<p>a</p><blockquote>b</blockquote><pre>c</pre>",
         "<p>a</p><blockquote>b</blockquote><pre>c</pre>"},
        {"<ul><li>a<li>b</ul><ol><li>c</ol>", "<ul><li>a</li><li>b</li></ul><ol><li>c</li></ol>"},
        {"a<br/>b<BR>c</br>d", "a<br>b<br>c<br>d"},
        {"<B CLASS=x onclick=y style='a:b' id=z>a", "<b>a</b>"},
        {"<b><p>a</b>b</p>", "<b></b><p><b>a</b>b</p>"},
        {"<p>a<p>b", "<p>a</p><p>b</p>"},
        {"<div>a</div><div>b</div>", "a\nb"},
        {"<h1>t</h1><p>a</p>", "t<p>a</p>"},
        {"<img src=x onerror=alert(1)>a", "a"},
        {"<script>x</script><style>y</style><svg><b>z</b></svg>a", "a"},
        {"<b>a &amp; b &lt;i&gt; \"q\"</b>", "<b>a & b &lt;i&gt; \"q\"</b>"},
        {"<li>alone</li>", "alone"},
        {"<b><b><b>a", "<b>a</b>"},
        {"<span>a</span><font color=red>b</font>", "ab"},
        {"<pre>\n\na</pre>", "<pre>\n\na</pre>"},
        {"<pre>\na</pre>", "<pre>a</pre>"},
        {"<pre><font>\na</pre>", "<pre>\n\na</pre>"},
        {"<form><input name=x><button>go</button></form>", "go"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(SANITIZE_ALLOW, rows[i][0], rows[i][1]);
}

static void links_lead_only_where_they_may(void **state)
{
    static const char *const rows[][2] = {
        {"<a href='https://e.com/?a=1&b=2'>x</a>",
         "<a href=\"https://e.com/?a=1&amp;b=2\"" REL ">x</a>"},
        {"<a href=HTTP://e.com>x</a>", "<a href=\"http://e.com\"" REL ">x</a>"},
        {"<a href=mailto:a@e.com target=_blank rel=opener>x",
         "<a href=\"mailto:a@e.com\"" REL ">x</a>"},
        {"<a href=https://e.com href=javascript:x>x</a>", "<a href=\"https://e.com\"" REL ">x</a>"},
        {"<a href=javascript:x href=https://e.com>x</a>", "x"},
        {"<a href=\"java&#x0A;script:alert(1)\">x</a>", "x"},
        {"<a href=\"&#1;https://e.com\">x</a>", "x"},
        {"<a href=\" https://e.com\">x</a>", "x"},
        {"<a href=data:text/html,x>x</a><a href=//e.com>y</a><a href=/z>z</a><a>w</a>", "xyzw"},
        {"<a href=https://a.com@e.com/>x</a>", "x"},
        {"<a href=https://e.com>x<a href=https://f.com>y",
         "<a href=\"https://e.com\"" REL ">x</a><a href=\"https://f.com\"" REL ">y</a>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(SANITIZE_ALLOW, rows[i][0], rows[i][1]);
}

/* `head`, then `piece` again and again. */
static struct view many(const char *head, const char *piece, size_t count)
{
    static char text[4 * SANITIZE_BYTES_MAX];
    size_t len = strlen(head);

    memcpy(text, head, len);
    for (size_t i = 0; i < count; i++, len += strlen(piece)) {
        assert_true(len + strlen(piece) <= sizeof(text));
        memcpy(text + len, piece, strlen(piece));
    }
    return view_of(text, len);
}

static int verdict(struct view text, enum sanitize_kind kind)
{
    struct view out = VIEW("untouched");
    int rc;

    arena_reset(&arena);
    rc = sanitize_text(&out, text, kind, &arena);
    assert_true(rc == OK || view_eq(out, VIEW("untouched")));
    return rc;
}

static void ceilings_hold_to_the_byte(void **state)
{
    (void)state;
    for (int k = SANITIZE_STRIP; k <= SANITIZE_ALLOW; k++) {
        enum sanitize_kind kind = (enum sanitize_kind)k;

        assert_int_equal(verdict(many("<b>", "x", SANITIZE_BYTES_MAX - 3), SANITIZE_STRIP), OK);
        assert_int_equal(verdict(many("<b>", "x", SANITIZE_BYTES_MAX - 2), kind), E_LIMIT);
        assert_int_equal(verdict(many("", "x", 2 * SANITIZE_BYTES_MAX), kind), OK);
        assert_int_equal(verdict(many("", "\"", 2 * SANITIZE_BYTES_MAX), kind), OK);
        assert_int_equal(verdict(many("", "<br>", SANITIZE_TAGS_MAX), kind), OK);
        assert_int_equal(verdict(many("", "<br>", SANITIZE_TAGS_MAX + 1), kind), E_LIMIT);
        assert_int_equal(verdict(many("<b", " a=1", SANITIZE_ATTRIBUTES_MAX), kind), OK);
        assert_int_equal(verdict(many("<b", " a=1", SANITIZE_ATTRIBUTES_MAX + 1), kind), E_LIMIT);
    }
    assert_int_equal(verdict(many("", "<b a b c d e f g h i j>", 50), SANITIZE_STRIP), OK);
    assert_int_equal(verdict(many("<b a>", "<b a b c d e f g h i j>", 50), SANITIZE_STRIP),
                     E_LIMIT);
    assert_int_equal(verdict(many("<b>", "x", SANITIZE_BYTES_MAX - 7), SANITIZE_ALLOW), OK);
    assert_int_equal(verdict(many("<b>", "x", SANITIZE_BYTES_MAX - 6), SANITIZE_ALLOW), E_LIMIT);
    assert_int_equal(verdict(many("", ">", SANITIZE_BYTES_MAX / 4), SANITIZE_STRIP), OK);
    assert_int_equal(verdict(many("", ">", SANITIZE_BYTES_MAX / 4 + 1), SANITIZE_STRIP), E_LIMIT);
}

static void output_over_the_tag_ceiling_is_refused(void **state)
{
    (void)state;
    assert_int_equal(verdict(many("<ul>", "<li>", 249), SANITIZE_ALLOW), OK);
    assert_int_equal(verdict(many("<ul>", "<li>", 250), SANITIZE_ALLOW), E_LIMIT);
}

static void a_parser_that_wants_more_memory_is_left(void **state)
{
    char text[SANITIZE_BYTES_MAX] = "";
    size_t len = 0;

    (void)state;
    /* Each <p> makes the parser build all open formats again. */
    for (unsigned i = 0; i < 200; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "<b x%u=1>", i);
    for (unsigned i = 0; i < 290; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "<p>x</b>");
    assert_int_equal(verdict(view_of(text, len), SANITIZE_ALLOW), E_LIMIT);
}

static void nesting_deeper_than_the_ceiling_loses_tags_but_no_text(void **state)
{
    struct view out = VIEW("");
    unsigned tags = 0;

    (void)state;
    assert_int_equal(sanitize_text(&out, many("", "<blockquote>x", 100), SANITIZE_ALLOW, &arena),
                     OK);
    for (size_t i = 0; i + 12 <= out.len; i++)
        tags += memcmp(out.ptr + i, "<blockquote>", 12) == 0;
    assert_int_equal(tags, SANITIZE_DEPTH_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strip_keeps_the_text_and_nothing_else),
        cmocka_unit_test(allow_keeps_the_few_tags),
        cmocka_unit_test(links_lead_only_where_they_may),
        cmocka_unit_test(ceilings_hold_to_the_byte),
        cmocka_unit_test(output_over_the_tag_ceiling_is_refused),
        cmocka_unit_test(a_parser_that_wants_more_memory_is_left),
        cmocka_unit_test(nesting_deeper_than_the_ceiling_loses_tags_but_no_text),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
