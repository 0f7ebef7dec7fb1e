/* SPDX-License-Identifier: Apache-2.0 */
/* json_cost_test.c: no input costs more than its length (C-H1, C-H2). Each family is parsed small
 * and eight times as large: linear work takes 8 times as long, quadratic 64 times; we demand less
 * than 24, of the thread's own CPU time and the best of several runs, so that a busy machine does
 * not matter. Families under the node ceiling are accepted, the rest refused. */
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
#include "message/json.h"

#define SMALL 16384
#define LARGE (8 * SMALL)
#define RUNS  7

static char text[LARGE + 64];
static struct arena arena;

static void repeat(const char *head, const char *piece, const char *tail, size_t bytes)
{
    size_t len = strlen(head);

    memcpy(text, head, len);
    while (len + strlen(piece) + strlen(tail) < bytes) {
        memcpy(text + len, piece, strlen(piece));
        len += strlen(piece);
    }
    (void)snprintf(text + len, sizeof(text) - len, "%s", tail);
}

/* Members of equal length; `format` gets their number. */
static void members(const char *format, size_t bytes)
{
    size_t len = 0;

    text[len++] = '{';
    for (unsigned i = 0; len + 64 < bytes; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, format, i);
    text[len - 1] = '}';
    text[len] = '\0';
}

/* Names that the usual unseeded hashes (31 * h + c) throw together: "Ez" and "FY", in every
 * combination of twelve pairs. */
static void colliding_members(size_t bytes)
{
    size_t len = 0;

    text[len++] = '{';
    for (unsigned i = 0; len + 64 < bytes; i++) {
        text[len++] = '"';
        for (unsigned bit = 0; bit < 13; bit++) {
            memcpy(text + len, (i >> bit & 1) != 0 ? "Ez" : "FY", 2);
            len += 2;
        }
        memcpy(text + len, "\":1,", 4);
        len += 4;
    }
    text[len - 1] = '}';
    text[len] = '\0';
}

static const struct {
    const char *name, *head, *piece, *tail;
} repeats[] = {
    {"ascii string", "\"", "abcdefgh", "\""},
    {"escapes", "\"", "\\n", "\""},
    {"surrogate pairs", "\"", "\\ud83d\\ude00", "\""},
    {"utf-8", "\"", "\xc3\xa9", "\""},
    {"blanks", "[", " ", "1]"},
    {"digits", "", "9", "9"},
    {"zeros behind the point", "0.", "0", "1"},
    {"strings with an escape", "[", "\"\\n......................\",", "1]"},
    {"deep arrays", "[", "[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]],", "1]"},
    {"objects of nine", "[",
     "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,"
     "\"a0000000000000000000\":1},",
     "1]"},
    {"objects of eight", "[",
     "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,"
     "\"h0000000000000000000000000000000000\":1},",
     "1]"},
    {"no closing quote", "\"", "\\\\", "\\\\"},
    {"opening brackets", "", "[", "["},
    {"many nulls", "[", "null            ,", "1]"},
};

static double cpu_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The best of several runs over what stands in `text`. */
static double cost(void)
{
    struct view v = view_of_text(text);
    double best = 1e9;

    for (int run = 0; run < RUNS; run++) {
        double begin = cpu_s();
        struct json *root;
        double took;

        arena_reset(&arena);
        for (int i = 0; i < 4; i++)
            (void)json_parse(&root, v, NULL, &arena, NULL);
        took = cpu_s() - begin;
        best = took < best ? took : best;
    }
    return best;
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 * 1024 * 1024, 16 * 1024 * 1024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static void judge(const char *name, double small, double large)
{
    /* Below 20 us the clock's own grain decides; no family that short can be quadratic. */
    if (large > 20e-6 && large > 24 * small)
        fail_msg("%s: %.1f us became %.1f us", name, small * 1e6, large * 1e6);
}

static void eight_times_the_input_is_not_sixty_four_times_the_work(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(repeats) / sizeof(repeats[0]); i++) {
        double small;

        repeat(repeats[i].head, repeats[i].piece, repeats[i].tail, SMALL);
        small = cost();
        repeat(repeats[i].head, repeats[i].piece, repeats[i].tail, LARGE);
        judge(repeats[i].name, small, cost());
    }
}

static void objects_of_many_members_are_linear_too(void **state)
{
    static const char *const formats[] = {
        "\"%08u\":1,",
        "\"a-long-prefix-that-all-share-%08u\":1,",
        "\"%08u-a-long-ending-that-all-share\":1,",
        "\"\\u0061%08u\":1,",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        double small;

        members(formats[i], SMALL / 2);
        small = cost();
        members(formats[i], LARGE / 2);
        judge(formats[i], small, cost());
    }
}

static void names_made_to_collide_cost_what_others_cost(void **state)
{
    double random_names;
    double collisions;
    struct json *root;

    (void)state;
    members("\"%026u\":1,", LARGE / 2);
    random_names = cost();
    assert_int_equal(json_parse(&root, view_of_text(text), NULL, &arena, NULL), OK);
    colliding_members(LARGE / 2);
    collisions = cost();
    assert_int_equal(json_parse(&root, view_of_text(text), NULL, &arena, NULL), OK);
    assert_true(root->count > 1500);
    if (collisions > 3 * random_names)
        fail_msg("%.1f us against %.1f us", collisions * 1e6, random_names * 1e6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_times_the_input_is_not_sixty_four_times_the_work),
        cmocka_unit_test(objects_of_many_members_are_linear_too),
        cmocka_unit_test(names_made_to_collide_cost_what_others_cost),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
