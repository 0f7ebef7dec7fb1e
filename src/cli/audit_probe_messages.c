/* SPDX-License-Identifier: Apache-2.0 */
/* audit_probe_messages.c: a burst of messages, messages that make no sense, and what a server tells
 * about itself. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "cli/audit_probe.h"
#include "wire/close_code.h"

#define BURST   200
#define SILENCE 1000 /* ms, behind the last answer */

/* --- point 7 --- */

struct burst {
    unsigned answers;
    bool is_limited, is_ended;
    uint64_t ms;
};

static const char *const limit_words[] = {"rate",     "limit",     "too many",
                                          "too fast", "slow down", NULL};

static void run_burst(struct audit_link *l, struct burst *result)
{
    uint64_t start = clock_mono_ms();
    struct ws_frame frame;
    struct view payload;
    int rc = OK;

    for (unsigned i = 0; i < BURST && rc == OK; i++)
        rc = link_send_text(l, "{\"type\":\"ping\"}");
    result->ms = clock_mono_ms() - start;
    /* Twice as many as were sent: whoever says more is not listened to. */
    for (unsigned i = 0; i < 2 * BURST; i++) {
        rc = link_next(l, SILENCE, &frame, &payload);
        if (rc != OK)
            break;
        result->answers++;
        if (probe_has_word(payload, limit_words))
            result->is_limited = true;
    }
    result->is_ended = rc == E_CLOSED;
}

static void judge_burst(struct probe *p, const struct audit_link *l, const struct burst *result)
{
    if (result->is_limited)
        PROBE_ADD(p, AUDIT_RATES, AUDIT_PASS, "%d messages in %" PRIu64 " ms: a limit is told",
                  BURST, result->ms);
    else if (result->is_ended)
        PROBE_ADD(p, AUDIT_RATES, AUDIT_PASS, "%d messages in %" PRIu64 " ms: %s", BURST,
                  result->ms, audit_quote(&p->report, view_of_text(link_ending(l).text)).text);
    else if (result->answers >= BURST)
        PROBE_ADD(p, AUDIT_RATES, AUDIT_FAIL, "%d messages in %" PRIu64 " ms are all answered",
                  BURST, result->ms);
    else
        PROBE_ADD(p, AUDIT_RATES, AUDIT_UNKNOWN,
                  "%d messages in %" PRIu64 " ms: %u answers, none of a limit", BURST, result->ms,
                  result->answers);
}

void probe_burst(struct probe *p)
{
    struct burst result = {0};
    struct audit_link l;

    PROBE_ADD(p, AUDIT_RATES, AUDIT_NOTE,
              "how many connections an address may have is not tried: that would be a flood");
    if (!p->can_log_in && !p->serves_all) {
        PROBE_ADD(p, AUDIT_RATES, AUDIT_UNKNOWN,
                  "without a login (--token-file) messages cannot be sent");
        return;
    }
    if (probe_open_best(p, &l) == OK) {
        run_burst(&l, &result);
        judge_burst(p, &l, &result);
    } else {
        PROBE_ADD(p, AUDIT_RATES, AUDIT_UNKNOWN, "no connection to send messages on");
    }
    link_close(&l);
}

/* --- point 6: what refusals give away --- */

static const char *const inner_words[] = {
    "traceback", "stack trace", ".py\"",  "node_modules", "at object.", "at json.", "syntaxerror",
    "exception", "/usr/",       "/home/", ".java:",       ".go:",       "panic:",   NULL};

static void check_header(struct probe *p, const struct audit_link *l, const char *name)
{
    struct view value = link_header(l, view_of_text(name));
    bool has_digit = false;

    for (size_t i = 0; i < value.len; i++)
        has_digit = has_digit || (value.ptr[i] >= '0' && value.ptr[i] <= '9');
    if (has_digit)
        PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_FAIL, "the header %s tells versions: `%s`", name,
                  audit_quote(&p->report, value).text);
    else if (value.len > 0)
        PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_NOTE, "the header %s says `%s`", name,
                  audit_quote(&p->report, value).text);
}

void probe_leaks(struct probe *p)
{
    struct link_door door = {.origin = "https://audit.invalid\t(", .query = "audit=%zz"};
    struct audit_link l;

    (void)probe_open(p, &l);
    check_header(p, &l, "Server");
    check_header(p, &l, "X-Powered-By");
    link_close(&l);
    (void)link_open(&l, &p->target, &door);
    if (l.status > 101 && probe_has_word(buf_view(&l.head), inner_words))
        PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_FAIL, "a refusal (HTTP %u) tells about the program",
                  l.status);
    else if (l.status > 101)
        PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_PASS, "a refusal (HTTP %u) tells nothing of the program",
                  l.status);
    link_close(&l);
}

/* --- point 6: messages --- */

static void judge_answer(struct probe *p, const char *what, struct view answer)
{
    static const char *const error[] = {"error", "invalid", "unknown",     "malformed",
                                        "bad ",  "format",  "unsupported", NULL};

    if (probe_has_word(answer, inner_words))
        PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_FAIL, "%s makes it tell about the program: `%s`", what,
                  audit_quote(&p->report, answer).text);
    else if (probe_has_word(answer, limit_words))
        PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_UNKNOWN, "%s: a limit came first", what);
    else if (probe_has_word(answer, error) || probe_says_no(answer))
        PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_PASS, "%s is refused: `%s`", what,
                  audit_quote(&p->report, answer).text);
    else
        PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_FAIL, "%s is taken: `%s`", what,
                  audit_quote(&p->report, answer).text);
}

static void judge_end(struct probe *p, const char *what, const struct audit_link *l)
{
    bool is_broken = l->close_code == 0 || l->close_code == CLOSE_INTERNAL ||
                     probe_has_word(view_of_text(l->reason), inner_words);

    PROBE_ADD(p, AUDIT_MESSAGES, is_broken ? AUDIT_FAIL : AUDIT_PASS, "%s %s %s", what,
              is_broken ? "breaks something: the answer is" : "is answered with",
              audit_quote(&p->report, view_of_text(link_ending(l).text)).text);
}

static void check_message(struct probe *p, const char *what, const char *text)
{
    struct ws_frame frame;
    struct view payload;
    struct audit_link l;
    int rc = probe_open_best(p, &l);

    if (rc == OK) {
        (void)link_send_text(&l, text);
        rc = link_next(&l, probe_quiet_ms(p), &frame, &payload);
        if (rc == OK)
            judge_answer(p, what, payload);
        else if (rc == E_CLOSED)
            judge_end(p, what, &l);
        else
            PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_UNKNOWN, "%s is met with silence", what);
    } else if (l.fd < 0) {
        PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_FAIL, "the server stopped answering during the audit");
    }
    link_close(&l);
}

void probe_messages(struct probe *p)
{
    char text[64];

    if (!p->can_log_in && !p->serves_all) {
        PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_NOTE,
                  "with a login (--token-file) more messages could be tried");
        return;
    }
    (void)snprintf(text, sizeof(text), "{\"type\":\"audit_%" PRIx64 "\"}", random_u64());
    check_message(p, "a message of a type that does not exist", text);
}

void probe_broken_text(struct probe *p)
{
    struct audit_link l;
    int rc;

    if (!p->can_log_in && !p->opens_to_all) {
        PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_UNKNOWN,
                  "without a login (--token-file) messages cannot be tried");
        return;
    }
    check_message(p, "text that is no JSON", "{\"type\":");
    rc = probe_open(p, &l);
    if (rc != OK && l.status == 0)
        PROBE_ADD(p, AUDIT_MESSAGES, AUDIT_FAIL, "after that the server does not answer any more");
    link_close(&l);
}
