/* SPDX-License-Identifier: Apache-2.0 */
/* sanitize_payload_test.c: thousands of hostile texts through all three kinds. Of each: the output
 * is clean by a reader that knows nothing of the sanitiser, and cleaning it again changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"
#include "html_fixtures.h"
#include "html_verdict.h"
#include "message/sanitize.h"
#include "xss_shapes.h"

#define PAYLOADS 10000

struct tally {
    struct arena arena;
    size_t cleaned, refused;
};

static int setup(void **state)
{
    static struct tally tally;

    arena_init(&tally.arena, 65536, 1024 * 1024);
    *state = &tally;
    return 0;
}

static int teardown(void **state)
{
    struct tally *tally = *state;

    arena_clear(&tally->arena);
    return 0;
}

static bool is_clean(struct view out, enum sanitize_kind kind)
{
    if (kind == SANITIZE_ALLOW)
        return html_is_allowed(out);
    return html_is_text(out) &&
           (kind != SANITIZE_ESCAPE ||
            (memchr(out.ptr, '"', out.len) == NULL && memchr(out.ptr, '\'', out.len) == NULL));
}

static void judge(void *self, struct view text)
{
    struct tally *tally = self;

    for (int k = SANITIZE_ESCAPE; k <= SANITIZE_ALLOW; k++) {
        enum sanitize_kind kind = (enum sanitize_kind)k;
        struct view once = VIEW("?");
        struct view twice = VIEW("?");
        int rc;

        arena_reset(&tally->arena);
        if (text.len == 0)
            continue;
        rc = sanitize_text(&once, text, kind, &tally->arena);
        tally->cleaned += rc == OK;
        tally->refused += rc == E_LIMIT;
        if (rc == E_LIMIT)
            continue;
        assert_int_equal(rc, OK);
        if (once.len > 0 && !is_clean(once, kind))
            fail_msg("%s let through: " VIEW_FMT "\nfrom: " VIEW_FMT, sanitize_kind_name(kind),
                     VIEW_ARG(once), VIEW_ARG(text));
        assert_int_equal(sanitize_text(&twice, once, kind, &tally->arena), OK);
        if (!view_eq(once, twice))
            fail_msg("%s made\n" VIEW_FMT "\nand then\n" VIEW_FMT "\nfrom: " VIEW_FMT,
                     sanitize_kind_name(kind), VIEW_ARG(once), VIEW_ARG(twice), VIEW_ARG(text));
    }
}

static void generated_payloads_come_out_clean_and_stay_so(void **state)
{
    struct tally *tally = *state;
    char bytes[XSS_PAYLOAD_MAX];

    tally->cleaned = tally->refused = 0;
    for (size_t i = 0; i < PAYLOADS; i++)
        judge(tally, view_of(bytes, xss_payload(i, bytes)));
    assert_true(tally->cleaned > PAYLOADS * 3 * 99 / 100);
}

static void fixtures(struct tally *tally, const char *folder)
{
    tally->cleaned = tally->refused = 0;
    if (!html_fixtures(folder, judge, tally)) {
        print_message("there is no html5lib-tests/%s\n", folder);
        skip();
    }
    assert_true(tally->cleaned > 1000);
    assert_true(tally->refused * 100 < tally->cleaned);
}

static void tokenizer_fixtures_come_out_clean_and_stay_so(void **state)
{
    fixtures(*state, "tokenizer");
}

static void tree_fixtures_come_out_clean_and_stay_so(void **state)
{
    fixtures(*state, "tree-construction");
}

/* A reader that finds nothing would prove nothing. */
static void the_reader_sees_what_must_not_be_there(void **state)
{
    static const char *const bad[] = {
        "<script>",
        "<b onclick=x>a</b>",
        "<b >a</b>",
        "<b>a",
        "a</b>",
        "<b><i>a</b></i>",
        "<a href=\"javascript:x\" rel=\"noopener noreferrer nofollow\">a</a>",
        "<a href=\"https://e\">a</a>",
        "<a href=\"https://e\" rel=\"noopener noreferrer nofollow\">a",
        "a > b",
        "<",
        "<!-- -->"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (html_is_allowed(view_of_text(bad[i])))
            fail_msg("passed: %s", bad[i]);
    }
    assert_true(html_is_allowed(VIEW("<p>a<b>b<br></b></p><a href=\"https://e\" rel=\"noopener "
                                     "noreferrer nofollow\">a</a>")));
    assert_false(html_is_text(VIEW("a<b")));
    assert_false(html_is_text(VIEW("a>b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_payloads_come_out_clean_and_stay_so),
        cmocka_unit_test(tokenizer_fixtures_come_out_clean_and_stay_so),
        cmocka_unit_test(tree_fixtures_come_out_clean_and_stay_so),
        cmocka_unit_test(the_reader_sees_what_must_not_be_there),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
