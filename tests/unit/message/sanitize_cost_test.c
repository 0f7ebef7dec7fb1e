/* SPDX-License-Identifier: Apache-2.0 */
/* sanitize_cost_test.c: no text costs much (C-H10, SC-61): what is over the ceilings is refused at
 * once, and the worst that is under them is soon done. Times are the thread's own CPU time, the
 * best of several runs, with more patience for a build with checks in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/status.h"
#include "message/sanitize.h"

#define TOTAL_MAX 65536
#define RUNS      5
#define MS_MAX    5.0

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWER 6.0
#elif defined(__has_feature)
#define SLOWER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ? 6.0 : 1.0)
#else
#define SLOWER 1.0
#endif

static char text[TOTAL_MAX];
static struct arena arena;

static const struct {
    const char *name, *head, *piece;
} families[] = {
    {"open divs", "", "<div>"},
    {"open spans", "", "<span>"},
    {"open formats", "", "<b><i><u><s>"},
    {"formats of many names", "", "<b a=%u>"},
    {"formats and paragraphs", "", "<b a=%u><p>"},
    {"formats closed in the wrong order", "", "<a><b></a>"},
    {"adoption across blocks", "", "<b><div></b>"},
    {"adoption of many formats", "<b a=1><b a=2><b a=3><b a=4><div>", "<i a=%u><div></b>"},
    {"lists", "", "<ul><li>"},
    {"nested links", "", "<a href=https://e/%u>"},
    {"tables", "", "<table>"},
    {"tables with text", "", "<table>x"},
    {"rows", "<table>", "<tr><td>x"},
    {"formats in a table", "<table>", "<b>x"},
    {"selects", "", "<select><option>"},
    {"foreign", "", "<svg><g>"},
    {"foreign and back", "", "<math><mi><p>"},
    {"templates", "", "<template>"},
    {"attributes", "<b ", "a%u "},
    {"attributes in quotes", "<b x='", "'a%u='"},
    {"bare brackets", "", "<"},
    {"bare ampersands", "", "&"},
    {"references", "", "&CounterClockwiseContourIntegral;"},
    {"long references", "", "&#00000000000000000000000000000000000000065;"},
    {"comments", "", "<!--"},
    {"comment ends", "<!--", "-->"},
    {"closing tags", "", "</p>"},
    {"closings of nothing", "<b><i><u><s><a>", "</em>"},
    {"unclosed tags", "", "<a "},
    {"quotes", "<a href=\"", "\"<\""},
    {"greater", "", ">"},
    {"text", "<i>", "x"},
    {"paragraphs in buttons", "", "<button><p>"},
    {"headings", "", "<h1>"},
    {"frames", "", "<frameset><body>"},
    {"nobr", "", "<nobr>"},
    {"rubies", "", "<ruby><rt>"},
};

/* `piece` over and over, `pieces` of it at most; %u in it is its number. */
static struct view fill(const char *head, const char *piece, size_t bytes, unsigned pieces)
{
    size_t len = strlen(head);

    memcpy(text, head, len);
    for (unsigned i = 0; i < pieces; i++) {
        char one[64];
        int one_len;

        one_len = strstr(piece, "%u") == NULL ? snprintf(one, sizeof(one), "%s", piece)
                                              : snprintf(one, sizeof(one), piece, i);
        if (len + (size_t)one_len > bytes)
            break;
        memcpy(text + len, one, (size_t)one_len);
        len += (size_t)one_len;
    }
    return view_of(text, len);
}

static unsigned brackets(const char *piece)
{
    unsigned count = 0;

    for (; *piece != '\0'; piece++)
        count += *piece == '<';
    return count;
}

static double cost_ms(struct view v, enum sanitize_kind kind, int *rc)
{
    double best = 1e9;

    for (int run = 0; run < RUNS; run++) {
        struct timespec a, b;
        struct view out;
        double ms;

        arena_reset(&arena);
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        *rc = sanitize_text(&out, v, kind, &arena);
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
        ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) * 1e-6;
        best = ms < best ? ms : best;
    }
    return best;
}

/* The verdict of strip, whose output is never longer. */
static int judge(const char *name, struct view v)
{
    int verdict = OK;

    for (int k = SANITIZE_ESCAPE; k <= SANITIZE_ALLOW; k++) {
        enum sanitize_kind kind = (enum sanitize_kind)k;
        int rc;
        double ms = cost_ms(v, kind, &rc);

        if (getenv("SANITIZE_COSTS") != NULL)
            print_message("%-36s %6s %6zu bytes %8.3f ms rc %d\n", name, sanitize_kind_name(kind),
                          v.len, ms, rc);
        assert_true(rc == OK || rc == E_LIMIT);
        if (ms > MS_MAX * SLOWER)
            fail_msg("%s: %s of %zu bytes took %.2f ms", name, sanitize_kind_name(kind), v.len, ms);
        if (kind == SANITIZE_STRIP)
            verdict = rc;
    }
    return verdict;
}

static void sixty_four_kib_are_refused_or_done_in_five_milliseconds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        (void)judge(families[i].name,
                    fill(families[i].head, families[i].piece, TOTAL_MAX, TOTAL_MAX));
}

static void the_worst_under_the_ceilings_is_done_in_five_milliseconds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        unsigned each = brackets(families[i].piece);
        unsigned pieces =
            each == 0 ? TOTAL_MAX : (SANITIZE_TAGS_MAX - brackets(families[i].head)) / each;

        if (strncmp(families[i].name, "attributes", 10) == 0)
            pieces = SANITIZE_ATTRIBUTES_MAX / 2 - 1;
        (void)judge(families[i].name,
                    fill(families[i].head, families[i].piece, SANITIZE_BYTES_MAX, pieces));
    }
}

/* Formats with as many attributes as there may be; the first of each is different. */
static void many_tags_of_many_attributes_are_done_in_time(void **state)
{
    (void)state;
    for (unsigned each = 1; each <= SANITIZE_ATTRIBUTES_MAX; each *= 2) {
        size_t len = 0;

        for (unsigned tag = 0; tag < SANITIZE_ALL_ATTRIBUTES_MAX / each; tag++) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "<b x%u", tag);
            for (unsigned i = 1; i < each; i++)
                len += (size_t)snprintf(text + len, sizeof(text) - len, " %c", 'a' + (char)i);
            text[len++] = '>';
        }
        assert_int_equal(judge("many tags of many attributes", view_of(text, len)), OK);
    }
    (void)judge("too many",
                fill("", "<b x%u b c d e f g h i j k l m n o>", SANITIZE_BYTES_MAX, 500));
}

/* The adoption agency of HTML5 looks through formats and blocks for every closing tag. */
static void formats_closed_around_blocks_are_done_in_time(void **state)
{
    static const unsigned formats[] = {20, 80, 160, 240};

    (void)state;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        for (unsigned blocks = 1; formats[i] + blocks < SANITIZE_TAGS_MAX; blocks += 60) {
            size_t len = 0;

            for (unsigned f = 0; f < formats[i]; f++)
                len += (size_t)snprintf(text + len, sizeof(text) - len, "<b a=%u>", f);
            for (unsigned b = 0; b < blocks; b++)
                len += (size_t)snprintf(text + len, sizeof(text) - len, "<div>x");
            for (unsigned c = formats[i] + blocks; c < SANITIZE_TAGS_MAX; c++)
                len += (size_t)snprintf(text + len, sizeof(text) - len, "</b>");
            (void)judge("formats closed around blocks", view_of(text, len));
        }
    }
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1024 * 1024, 1024 * 1024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixty_four_kib_are_refused_or_done_in_five_milliseconds),
        cmocka_unit_test(the_worst_under_the_ceilings_is_done_in_five_milliseconds),
        cmocka_unit_test(many_tags_of_many_attributes_are_done_in_time),
        cmocka_unit_test(formats_closed_around_blocks_are_done_in_time),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
