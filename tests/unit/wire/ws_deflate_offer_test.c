/* SPDX-License-Identifier: Apache-2.0 */
/* ws_deflate_offer_test.c: which offers are taken, passed over, or refuse the handshake (R-D1 to
 * R-D4, C-A23, C-B3), and what is answered. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "base/status.h"
#include "three_ways.h"
#include "wire/ws_deflate.h"

static const struct ws_deflate_options plain = {true, false, 15, 6};
static const struct ws_deflate_options takeover = {true, true, 15, 6};
static const struct ws_deflate_options small = {true, true, 10, 6};
static const struct ws_deflate_options off = {false, false, 15, 6};

static int negotiate(struct ws_deflate_params *p, const struct ws_deflate_options *options,
                     const char *offers)
{
    struct guarded g = guarded_copy(offers, strlen(offers));
    int rc = ws_deflate_negotiate(p, options, view_of(g.data, strlen(offers)));

    guarded_free(&g);
    return rc;
}

/* answer NULL: well formed, but none is taken. "!": the grammar is broken. */
struct offer_case {
    const char *offers, *answer;
};

static void run(const struct ws_deflate_options *options, const struct offer_case *cases,
                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ws_deflate_params p = {0};
        char out[256] = "";
        struct wr w = wr_of(out, sizeof(out) - 1);
        int rc = negotiate(&p, options, cases[i].offers);

        if (cases[i].answer != NULL && cases[i].answer[0] == '!') {
            if (rc != E_INVALID)
                fail_msg("taken for well formed: %s", cases[i].offers);
            continue;
        }
        if (rc != OK || p.is_on != (cases[i].answer != NULL))
            fail_msg("%s: rc %d on %d", cases[i].offers, rc, p.is_on);
        if (!p.is_on)
            continue;
        ws_deflate_answer(&w, &p);
        assert_false(w.failed);
        assert_string_equal(out, cases[i].answer);
    }
}

#define RUN(options, cases) run(&(options), cases, sizeof(cases) / sizeof((cases)[0]))
#define BOTH                "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
#define PMD                 "permessage-deflate"

static void by_default_no_context_is_kept(void **unused)
{
    static const struct offer_case cases[] = {
        {PMD, BOTH},
        {PMD "; client_max_window_bits", BOTH},
        {PMD ";client_max_window_bits;server_no_context_takeover", BOTH},
        {PMD "; client_no_context_takeover", BOTH},
        {PMD "; server_max_window_bits=12", BOTH "; server_max_window_bits=12"},
        {PMD "; client_max_window_bits=8", BOTH},
        {"x-unknown; a=b; c=\"d\", " PMD, BOTH},
        {"x-webkit-deflate-frame", NULL},
        {"PERMESSAGE-DEFLATE", NULL},
        {"", NULL},
    };

    (void)unused;
    RUN(plain, cases);
}

static void takeover_is_kept_where_both_allow_it(void **unused)
{
    static const struct offer_case cases[] = {
        {PMD, PMD},
        {PMD "; client_max_window_bits", PMD},
        {PMD "; server_no_context_takeover", PMD "; server_no_context_takeover"},
        {PMD "; client_no_context_takeover", PMD "; client_no_context_takeover"},
        {PMD "; client_no_context_takeover; server_no_context_takeover", BOTH},
    };

    (void)unused;
    RUN(takeover, cases);
}

/* C-A23. */
static void window_bits_of_every_kind(void **unused)
{
    static const char *const names[] = {"server_max_window_bits", "client_max_window_bits"};
    static const char *const refused[] = {"0",
                                          "7",
                                          "16",
                                          "015",
                                          "08",
                                          "+9",
                                          "9.0",
                                          "-9",
                                          "1",
                                          "99",
                                          "9a",
                                          "150",
                                          "1000000000000000000009",
                                          "0x9",
                                          "\"16\""};
    static const char *const broken[] = {"",       "\"\"",   "\"9", "9\"",
                                         "\"9\"9", "\"9 \"", "9 9", "\"9\\"};
    char text[256];

    (void)unused;
    for (size_t n = 0; n < 2; n++) {
        struct ws_deflate_params p;

        for (unsigned bits = 8; bits <= 15; bits++) {
            for (int quoted = 0; quoted < 3; quoted++) {
                static const char *const forms[] = {"%s; %s=%u", "%s; %s=\"%u\"",
                                                    "%s; %s = \"\\%u\" "};

                (void)snprintf(text, sizeof(text), forms[quoted], PMD, names[n], bits);
                assert_int_equal(negotiate(&p, &plain, text), OK);
                assert_int_equal(p.is_on,
                                 n == 1 || bits >= 9); /* F-3: zlib cannot deflate with 8 */
                if (!p.is_on)
                    continue;
                assert_int_equal(p.answer_server_window, n == 0);
                assert_int_equal(p.server_max_window_bits, n == 0 ? bits : 15);
                assert_int_equal(p.client_max_window_bits, n == 0 ? 15 : (bits < 9 ? 9 : bits));
            }
        }
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
            (void)snprintf(text, sizeof(text), "%s; %s=%s", PMD, names[n], refused[i]);
            assert_int_equal(negotiate(&p, &plain, text), OK);
            if (p.is_on)
                fail_msg("%s", text);
        }
        for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
            (void)snprintf(text, sizeof(text), "%s; %s=%s", PMD, names[n], broken[i]);
            if (negotiate(&p, &plain, text) != E_INVALID)
                fail_msg("%s", text);
        }
    }
}

static void unfit_offers_are_passed_over(void **unused)
{
    static const struct offer_case cases[] = {
        {PMD "; server_max_window_bits", NULL},
        {PMD "; server_max_window_bits=8", NULL},
        {PMD "; unknown", NULL},
        {PMD "; unknown=1, " PMD, BOTH},
        {PMD "; server_no_context_takeover=1", NULL},
        {PMD "; client_no_context_takeover=\"x\"", NULL},
        {PMD "; server_no_context_takeover; server_no_context_takeover", NULL},
        {PMD "; client_no_context_takeover; client_no_context_takeover", NULL},
        {PMD "; server_max_window_bits=9; server_max_window_bits=9", NULL},
        {PMD "; client_max_window_bits; client_max_window_bits=9", NULL},
        {PMD "; client_max_window_bits; client_max_window_bits", NULL},
        {PMD "; Server_No_Context_Takeover", NULL},
        {PMD "; server_max_window_bits=8, " PMD "; server_max_window_bits=9",
         BOTH "; server_max_window_bits=9"},
        {PMD "; server_max_window_bits=10, " PMD, BOTH "; server_max_window_bits=10"},
    };

    (void)unused;
    RUN(plain, cases);
}

static void a_small_window_of_ours(void **unused)
{
    static const struct offer_case cases[] = {
        {PMD, PMD}, /* the client has not said that it can be restricted */
        {PMD "; client_max_window_bits", PMD "; client_max_window_bits=10"},
        {PMD "; client_max_window_bits=15", PMD "; client_max_window_bits=10"},
        {PMD "; client_max_window_bits=10", PMD},
        {PMD "; client_max_window_bits=8", PMD},
        {PMD "; server_max_window_bits=15", PMD "; server_max_window_bits=10"},
        {PMD "; server_max_window_bits=9", PMD "; server_max_window_bits=9"},
    };
    struct ws_deflate_params p;

    (void)unused;
    RUN(small, cases);
    assert_int_equal(negotiate(&p, &small, PMD), OK);
    assert_int_equal(p.server_max_window_bits, 10);
    assert_int_equal(p.client_max_window_bits, 15);
    assert_int_equal(negotiate(&p, &small, PMD "; client_max_window_bits=8"), OK);
    assert_int_equal(p.client_max_window_bits, 9);
}

static void broken_grammar_refuses(void **unused)
{
    static const struct offer_case cases[] = {
        {" ", "!"},
        {",", "!"},
        {";", "!"},
        {"=", "!"},
        {PMD ";", "!"},
        {PMD "; ;", "!"},
        {PMD "=1", "!"},
        {PMD " x", "!"},
        {PMD "; a b", "!"},
        {PMD "; a==b", "!"},
        {PMD "; =b", "!"},
        {PMD "; a=\"b c\"", "!"},
        {PMD "; a=\"b\x01\"", "!"},
        {PMD "; a=\"b\\\"", "!"},
        {PMD "\r\n", "!"},
        {PMD ", \"x\"", "!"},
        {PMD ", x;", "!"}, /* behind one that fits */
        {"x\x80", "!"},
        {"(comment)", "!"},
        {PMD ",", BOTH}, /* empty elements are no fault */
        {" , ,\t" PMD " , ,", BOTH},
    };

    (void)unused;
    RUN(plain, cases);
    assert_int_equal(negotiate(&(struct ws_deflate_params){0}, &off, PMD ";"), E_INVALID);
}

static void off_takes_none(void **unused)
{
    struct ws_deflate_params p = {.is_on = true};

    (void)unused;
    assert_int_equal(negotiate(&p, &off, PMD), OK);
    assert_false(p.is_on);
    p.is_on = true;
    assert_int_equal(ws_deflate_negotiate(&p, &plain, view_of(NULL, 0)), OK);
    assert_false(p.is_on);
}

static void answers_of_a_server(void **unused)
{
    static const char *const good[] = {BOTH, PMD "; server_no_context_takeover",
                                       BOTH "; server_max_window_bits=15",
                                       BOTH "; server_max_window_bits=\"9\""};
    static const char *const bad[] = {PMD,
                                      "x",
                                      BOTH ", " PMD,
                                      BOTH "; client_max_window_bits=15",
                                      BOTH "; x",
                                      BOTH "; server_max_window_bits",
                                      BOTH "; server_max_window_bits=16",
                                      PMD ";",
                                      ",",
                                      BOTH "; server_no_context_takeover"};
    struct ws_deflate_params p;

    (void)unused;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(ws_deflate_accept(&p, view_of_text(good[i])), OK);
        assert_true(p.is_on && p.server_no_context_takeover && p.client_no_context_takeover);
    }
    assert_int_equal(p.server_max_window_bits, 9);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ws_deflate_accept(&p, view_of_text(bad[i])), E_INVALID);
    assert_int_equal(ws_deflate_accept(&p, view_of(NULL, 0)), OK);
    assert_false(p.is_on);
    assert_int_equal(negotiate(&p, &takeover, WS_DEFLATE_OFFER), OK); /* our two halves agree */
    assert_true(p.is_on);
}

static double seconds_for(const char *text)
{
    struct ws_deflate_params p;
    clock_t start = clock();

    for (int i = 0; i < 20; i++)
        (void)ws_deflate_negotiate(&p, &plain, view_of_text(text));
    return (double)(clock() - start) / CLOCKS_PER_SEC / 20;
}

/* C-B3: ten times the text may not cost a hundred times the work. Sanitizers make it slow, not
 * square. */
static void pathological_text_is_linear(void **unused)
{
    static const char *const units[] = {" ", "\\\\", ",", "a,", ";a", "a;a=\"b\",", "\"", "\\\""};
    static const char *const starts[] = {"b", "b;c=\"", "", "", "b", "", "b;c=", "b;c=\""};
    enum { SIZE = 256 * 1024 };
    char *text = calloc(1, SIZE + 64);

    (void)unused;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t unit = strlen(units[i]), at = strlen(starts[i]);

        memcpy(text, starts[i], at);
        while (at + unit < SIZE) {
            memcpy(text + at, units[i], unit);
            at += unit;
        }
        memcpy(text + at, "x", 2);
        assert_true(seconds_for(text) < 0.1); /* a quadratic reader needs minutes for 256 KiB */
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_no_context_is_kept),
        cmocka_unit_test(takeover_is_kept_where_both_allow_it),
        cmocka_unit_test(window_bits_of_every_kind),
        cmocka_unit_test(unfit_offers_are_passed_over),
        cmocka_unit_test(a_small_window_of_ours),
        cmocka_unit_test(broken_grammar_refuses),
        cmocka_unit_test(off_takes_none),
        cmocka_unit_test(answers_of_a_server),
        cmocka_unit_test(pathological_text_is_linear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
