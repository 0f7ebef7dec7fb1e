/* SPDX-License-Identifier: Apache-2.0 */
/* audit_report.c: the findings of an audit, for people and as JSON (docs/audit.md has the shape).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_out.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "cli/terminal.h"

/* As long a piece of the secret is never quoted. */
#define SECRET_PIECE 12

static const struct {
    const char *id, *title;
} points[AUDIT_POINTS] = {
    [AUDIT_TLS] = {"tls", "WSS with TLS 1.3"},
    [AUDIT_ORIGIN] = {"origin", "the Origin header is validated"},
    [AUDIT_LOGIN] = {"login", "authentication at connection time"},
    [AUDIT_TOKENS] = {"tokens", "secure token validation"},
    [AUDIT_CHANNELS] = {"channels", "authorization per channel"},
    [AUDIT_MESSAGES] = {"messages", "messages are validated"},
    [AUDIT_RATES] = {"rates", "rates of connections and messages are limited"},
    [AUDIT_SIZE] = {"size", "the size of messages is limited"},
    [AUDIT_TIMEOUTS] = {"timeouts", "connection timeouts"},
    [AUDIT_LOG] = {"log", "security events are logged"},
    [AUDIT_MTLS] = {"mtls", "client certificates for high security"},
    [AUDIT_PING] = {"ping", "heartbeat"},
    [AUDIT_CLOSE] = {"close", "connections close gracefully"},
    [AUDIT_RANDOM] = {"random", "secure random for tokens and secrets"},
};
static const char *const words[AUDIT_VERDICTS] = {[AUDIT_NOTE] = "note",
                                                  [AUDIT_PASS] = "pass",
                                                  [AUDIT_UNKNOWN] = "unknown",
                                                  [AUDIT_FAIL] = "fail"};

bool audit_init(struct audit *a, const char *subject, bool is_server)
{
    memset(a, 0, sizeof(*a));
    a->subject = subject;
    a->is_server = is_server;
    a->findings = calloc(AUDIT_FINDINGS_MAX, sizeof(*a->findings));
    return a->findings != NULL;
}

void audit_clear(struct audit *a)
{
    free(a->findings);
    memset(a, 0, sizeof(*a));
}

void audit_add(struct audit *a, struct audit_place place, const char *format, ...)
{
    struct audit_finding *finding;
    va_list args;

    a->seen[place.point][place.verdict]++;
    if (a->count == AUDIT_FINDINGS_MAX) {
        a->left_out++;
        return;
    }
    finding = &a->findings[a->count++];
    finding->point = place.point;
    finding->verdict = place.verdict;
    finding->line = place.line;
    va_start(args, format);
    (void)vsnprintf(finding->text, sizeof(finding->text), format, args);
    va_end(args);
}

enum audit_verdict audit_verdict_of(const struct audit *a, enum audit_point point)
{
    const uint32_t *seen = a->seen[point];

    if (seen[AUDIT_FAIL] > 0)
        return AUDIT_FAIL;
    return seen[AUDIT_UNKNOWN] > 0 || seen[AUDIT_PASS] == 0 ? AUDIT_UNKNOWN : AUDIT_PASS;
}

static bool has_secret(const struct audit *a, struct view text)
{
    for (size_t i = 0; i + SECRET_PIECE <= a->secret.len; i++)
        if (memmem(text.ptr, text.len, a->secret.ptr + i, SECRET_PIECE) != NULL)
            return true;
    return false;
}

struct audit_quote audit_quote(const struct audit *a, struct view text)
{
    struct audit_quote quote = {"[redacted]"};
    size_t len = 0;

    if (text.len > 0 && has_secret(a, text))
        return quote;
    while (len < text.len && len < sizeof(quote.text) - 4) {
        unsigned char c = (unsigned char)text.ptr[len];

        quote.text[len++] = c >= ' ' && c < 0x7f ? (char)c : '?';
    }
    memcpy(quote.text + len, "...", 4);
    if (len == text.len)
        quote.text[len] = '\0';
    return quote;
}

static unsigned count_verdict(const struct audit *a, enum audit_verdict verdict)
{
    unsigned count = 0;

    for (unsigned i = 0; i < AUDIT_POINTS; i++)
        count += audit_verdict_of(a, (enum audit_point)i) == verdict;
    return count;
}

static int exit_code(const struct audit *a)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fputs("gateward audit: the report cannot be written\n", stderr);
        return CLI_USAGE;
    }
    return count_verdict(a, AUDIT_FAIL) > 0 ? CLI_REFUSED : CLI_OK;
}

/* --- for people --- */

static const char *colour(enum audit_verdict verdict, bool is_terminal)
{
    static const char *const codes[AUDIT_VERDICTS] = {[AUDIT_NOTE] = "",
                                                      [AUDIT_PASS] = "\x1b[32m",
                                                      [AUDIT_UNKNOWN] = "\x1b[33m",
                                                      [AUDIT_FAIL] = "\x1b[31m"};

    return is_terminal ? codes[verdict] : "";
}

static void print_finding(const struct audit *a, const struct audit_finding *finding)
{
    (void)printf("      %-8s", words[finding->verdict]);
    if (finding->line > 0) {
        terminal_put(stdout, view_of_text(a->subject));
        (void)printf(":%d: ", finding->line);
    }
    terminal_put(stdout, view_of_text(finding->text));
    (void)putchar('\n');
}

int audit_print(const struct audit *a)
{
    bool is_terminal = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == NULL;

    for (unsigned i = 0; i < AUDIT_POINTS; i++) {
        enum audit_verdict verdict = audit_verdict_of(a, (enum audit_point)i);

        (void)printf("%s%-8s%s%2u  %s\n", colour(verdict, is_terminal), words[verdict],
                     is_terminal ? "\x1b[0m" : "", i + 1, points[i].title);
        for (uint32_t k = 0; k < a->count; k++)
            if (a->findings[k].point == i)
                print_finding(a, &a->findings[k]);
    }
    if (a->left_out > 0)
        (void)printf("%u more findings are not shown\n", a->left_out);
    (void)printf("%u pass, %u fail, %u unknown\n", count_verdict(a, AUDIT_PASS),
                 count_verdict(a, AUDIT_FAIL), count_verdict(a, AUDIT_UNKNOWN));
    return exit_code(a);
}

/* --- for programs --- */

static void print_string(struct view text)
{
    /* Six bytes for each at worst, and the quotes. */
    static const size_t piece_max = 6 * AUDIT_TEXT_MAX;
    char bytes[6 * AUDIT_TEXT_MAX + 16];
    struct wr w = wr_of(bytes, sizeof(bytes));

    json_out_string(&w, text.len * 6 > piece_max ? view_of(text.ptr, AUDIT_TEXT_MAX) : text, 0);
    (void)fwrite(bytes, 1, w.failed ? 0 : wr_len(&w), stdout);
}

static void print_json_point(const struct audit *a, unsigned point)
{
    const char *comma = "";

    (void)printf("{\"number\":%u,\"id\":\"%s\",\"title\":\"%s\",\"verdict\":\"%s\",\"findings\":[",
                 point + 1, points[point].id, points[point].title,
                 words[audit_verdict_of(a, (enum audit_point)point)]);
    for (uint32_t k = 0; k < a->count; k++) {
        const struct audit_finding *finding = &a->findings[k];

        if (finding->point != point)
            continue;
        (void)printf("%s{\"verdict\":\"%s\",", comma, words[finding->verdict]);
        if (finding->line > 0)
            (void)printf("\"line\":%d,", finding->line);
        (void)fputs("\"text\":", stdout);
        print_string(view_of_text(finding->text));
        (void)putchar('}');
        comma = ",";
    }
    (void)fputs("]}", stdout);
}

int audit_print_json(const struct audit *a)
{
    (void)fputs("{\"subject\":", stdout);
    print_string(view_of_text(a->subject));
    (void)printf(",\"kind\":\"%s\",\"points\":[\n", a->is_server ? "server" : "config");
    for (unsigned i = 0; i < AUDIT_POINTS; i++) {
        print_json_point(a, i);
        (void)fputs(i + 1 < AUDIT_POINTS ? ",\n" : "\n", stdout);
    }
    (void)printf("],\"left_out\":%u,\"pass\":%u,\"fail\":%u,\"unknown\":%u}\n", a->left_out,
                 count_verdict(a, AUDIT_PASS), count_verdict(a, AUDIT_FAIL),
                 count_verdict(a, AUDIT_UNKNOWN));
    return exit_code(a);
}
