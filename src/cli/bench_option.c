/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `gateward bench`, one row each: what it takes, within which bounds, and for which
 * modes. What they mean together is in bench_plan.c. */
#include <getopt.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/status.h"
#include "bench/word_count.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "crypto/secret.h"

#define SECONDS_MAX 86400.0
#define RATE_MAX    1e8
#define CORE_MAX    1023

#define IN(mode) (1U << PLAN_##mode)
#define ALL      (IN(ECHO) | IN(FANOUT) | IN(CONNECT) | IN(IDLE) | IN(CHAT))
#define TALK     (IN(ECHO) | IN(FANOUT) | IN(CHAT))
#define PUBLISH  (IN(FANOUT) | IN(CHAT))

static const char *const modes[] = {[PLAN_ECHO] = "echo",
                                    [PLAN_FANOUT] = "fanout",
                                    [PLAN_CONNECT] = "connect",
                                    [PLAN_IDLE] = "idle",
                                    [PLAN_CHAT] = "chat"};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static int refuse(const char *what, const char *value)
{
    return bench_complain("%s, not `%s`", what, problem_word(view_of_text(value)).text);
}

static bool decimal(const char *text, double min, double max, double *value)
{
    char *end;
    double number;

    if (text[0] < '0' || text[0] > '9' || strspn(text, "0123456789.") != strlen(text))
        return false;
    number = strtod(text, &end);
    if (*end != '\0' || !isfinite(number) || number < min || number > max)
        return false;
    *value = number;
    return true;
}

/* --- options that need more than a bound --- */

static int take_seconds(struct bench_args *a, char *text)
{
    a->has_seconds = true;
    return decimal(text, 0.01, SECONDS_MAX, &a->plan.seconds)
               ? CLI_OK
               : refuse("--seconds wants 0.01 to 86400", text);
}

static int take_timeout(struct bench_args *a, char *text)
{
    double seconds;

    if (!decimal(text, 0.1, SECONDS_MAX, &seconds))
        return refuse("--timeout wants seconds from 0.1 on", text);
    a->plan.timeout_ns = (uint64_t)(seconds * 1e9);
    return CLI_OK;
}

static int take_messages(struct bench_args *a, char *text)
{
    return num_parse_u64(view_of_text(text), UINT32_MAX, &a->plan.messages) && a->plan.messages > 0
               ? CLI_OK
               : refuse("--messages wants a number from 1 on", text);
}

static int take_rate(struct bench_args *a, char *text)
{
    size_t len = strlen(text);
    uint64_t percent;

    if (len > 1 && text[len - 1] == '%' && a->plan.mode == PLAN_ECHO) {
        if (!num_parse_u64(view_of(text, len - 1), 100, &percent) || percent == 0)
            return refuse("--rate wants 1% to 100%", text);
        a->plan.rate_percent = (uint32_t)percent;
        return CLI_OK;
    }
    return decimal(text, 0.001, RATE_MAX, &a->plan.rate)
               ? CLI_OK
               : refuse("--rate wants messages a second, or for echo a share such as 70%", text);
}

static int take_churn(struct bench_args *a, char *text)
{
    return decimal(text, 0, RATE_MAX, &a->plan.churn)
               ? CLI_OK
               : refuse("--churn wants departures a second", text);
}

static int take_pace(struct bench_args *a, char *text)
{
    a->plan.rate = 0;
    if (strcmp(text, "awaited") == 0) {
        a->plan.pace = PLAN_AWAITED;
        return CLI_OK;
    }
    if (strcmp(text, "acked") == 0) {
        a->plan.pace = PLAN_ACKED;
        return CLI_OK;
    }
    a->plan.pace = PLAN_AT_RATE;
    return decimal(text, 0.001, RATE_MAX, &a->plan.rate)
               ? CLI_OK
               : refuse("--pace wants awaited, acked or publications a second", text);
}

static int take_pid(struct bench_args *a, char *text)
{
    struct usage_pids *pids = &a->plan.pids;
    uint64_t pid;

    if (!num_parse_u64(view_of_text(text), INT32_MAX, &pid) || pid == 0)
        return refuse("--pid wants the number of a process", text);
    if (pids->count == USAGE_PIDS_MAX)
        return bench_complain("at most %d --pid", USAGE_PIDS_MAX);
    pids->pids[pids->count++] = (pid_t)pid;
    return CLI_OK;
}

static int take_pin(struct bench_args *a, char *text)
{
    uint64_t core;

    if (!num_parse_u64(view_of_text(text), CORE_MAX, &core))
        return refuse("--pin wants the number of a core", text);
    a->plan.core = (int)core;
    return CLI_OK;
}

static int take_full(struct bench_args *a, char *text)
{
    (void)text;
    a->asks_for_full = true;
    return CLI_OK;
}

static int add_step(struct bench_args *a, const char *say, bool is_join)
{
    struct plan *plan = &a->plan;

    if (plan->steps_count == PLAN_STEPS_MAX - 2) /* room for those of --native */
        return bench_complain("at most %d --hello and --join", PLAN_STEPS_MAX - 2);
    plan->steps[plan->steps_count++] = (struct plan_step){say, "", is_join};
    a->has_joins = a->has_joins || is_join;
    return CLI_OK;
}

static int take_hello(struct bench_args *a, char *text)
{
    return add_step(a, text, false);
}

static int take_join(struct bench_args *a, char *text)
{
    return add_step(a, text, true);
}

static int take_url(struct ws_url *url, const char *text)
{
    const char *fault = "";

    if (ws_url_parse(url, view_of_text(text), &fault) == OK)
        return CLI_OK;
    return bench_complain("not an address: `%s`: %s", problem_word(view_of_text(text)).text, fault);
}

static int take_publish_url(struct bench_args *a, char *text)
{
    a->plan.has_publish_url = true;
    return take_url(&a->plan.publish_url, text);
}

static int take_count_word(struct bench_args *a, char *text)
{
    size_t len = strlen(text);

    a->plan.count_word = text;
    return len > 0 && len <= WORD_COUNT_BYTES_MAX
               ? CLI_OK
               : refuse("--count-word wants 1 to 64 characters", text);
}

/* What goes into a header line: no byte that could end it, nothing that is not text. */
static bool is_field_value(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    return text[0] != '\0';
}

static int take_origin(struct bench_args *a, char *text)
{
    a->plan.origin = text;
    return is_field_value(text) ? CLI_OK : refuse("--origin wants an origin", text);
}

static int take_subprotocol(struct bench_args *a, char *text)
{
    a->plan.subprotocol = text;
    return http1_is_token(view_of_text(text)) ? CLI_OK : refuse("--subprotocol wants a name", text);
}

/* --- the token: never on the command line --- */

static int load_token(struct bench_args *a, const char *path, const char *name)
{
    struct buf *token = &a->plan.token;
    struct error why = {.text = "out of memory"};
    int rc;

    if (token->len > 0)
        return bench_complain("one token is enough");
    rc = path != NULL ? secret_load_file(token, path, &why) : secret_load_env(token, name, &why);
    if (rc != OK)
        return bench_complain("%s", why.text);
    for (size_t i = 0; i < token->len; i++)
        if (token->data[i] <= ' ' || token->data[i] >= 0x7f)
            return bench_complain("this is not a token: it holds blanks or control bytes");
    return token->len > 0 && buf_append(token, "", 1) == OK ? CLI_OK
                                                            : bench_complain("the token is empty");
}

static int take_token_file(struct bench_args *a, char *text)
{
    return load_token(a, text, NULL);
}

static int take_token(struct bench_args *a, char *text)
{
    size_t len = strlen(text);
    bool is_file = strncmp(text, "{file:", 6) == 0, is_env = strncmp(text, "{env:", 5) == 0;
    char name[4096];

    if ((is_file || is_env) && len > 7 && text[len - 1] == '}' && len < sizeof(name)) {
        (void)snprintf(name, sizeof(name), "%.*s", (int)(len - (is_file ? 7 : 6)),
                       text + (is_file ? 6 : 5));
        return is_file ? load_token(a, name, NULL) : load_token(a, NULL, name);
    }
    /* Seconds instead of hours in the list of processes. */
    memset(text, '*', len);
    return bench_complain("every user of this machine can read a token on a command line: --token "
                          "{env:NAME}, --token {file:PATH} or --token-file PATH");
}

/* --- the rows --- */

struct row {
    const char *name;
    unsigned modes;
    int (*take)(struct bench_args *a, char *text); /* NULL: by kind */
    enum { FLAG, NUMBER, TEXT } kind;              /* FLAG: no argument */
    size_t at;                                     /* in struct plan */
    uint32_t min, max;
};
#define PUT(member) offsetof(struct plan, member)

static const struct row rows[] = {
    {"connections", ALL, NULL, NUMBER, PUT(connections), 1, PLAN_CONNECTIONS_MAX},
    {"subscribers", IN(FANOUT), NULL, NUMBER, PUT(connections), 1, PLAN_CONNECTIONS_MAX},
    {"bytes", TALK, NULL, NUMBER, PUT(bytes), 0, PLAN_BYTES_MAX},
    {"messages", IN(ECHO) | IN(FANOUT), take_messages, TEXT, 0, 0, 0},
    {"seconds", ALL & ~IN(CONNECT), take_seconds, TEXT, 0, 0, 0},
    {"warm-up", IN(ECHO) | IN(FANOUT), NULL, NUMBER, PUT(warm_up), 0, 1000000000},
    {"threads", IN(ECHO), NULL, NUMBER, PUT(threads), 1, PLAN_THREADS_MAX},
    {"batch", ALL, NULL, NUMBER, PUT(batch), 1, 10000},
    {"sources", ALL, NULL, NUMBER, PUT(sources), 1, 250},
    {"timeout", ALL, take_timeout, TEXT, 0, 0, 0},
    {"pid", ALL, take_pid, TEXT, 0, 0, 0},
    {"pin", ALL, take_pin, TEXT, 0, 0, 0},
    {"json", ALL, NULL, FLAG, PUT(is_json), 0, 0},
    {"depth", IN(ECHO), NULL, NUMBER, PUT(depth), 1, PLAN_DEPTH_MAX},
    {"rate", IN(ECHO) | IN(CHAT), take_rate, TEXT, 0, 0, 0},
    {"pace", IN(FANOUT), take_pace, TEXT, 0, 0, 0},
    {"publish-url", IN(FANOUT), take_publish_url, TEXT, 0, 0, 0},
    {"full", IN(CONNECT), take_full, FLAG, 0, 0, 0},
    {"resumed", IN(CONNECT), NULL, FLAG, PUT(resumes), 0, 0},
    {"keep", IN(CONNECT), NULL, FLAG, PUT(keeps), 0, 0},
    {"silent", IN(IDLE), NULL, FLAG, PUT(is_silent), 0, 0},
    {"churn", IN(CHAT), take_churn, TEXT, 0, 0, 0},
    {"native", ALL, NULL, FLAG, PUT(is_native), 0, 0},
    {"channel", ALL, NULL, TEXT, PUT(channel), 0, 0},
    {"hello", ALL, take_hello, TEXT, 0, 0, 0},
    {"join", PUBLISH | IN(IDLE), take_join, TEXT, 0, 0, 0},
    {"send", PUBLISH | IN(ECHO), NULL, TEXT, PUT(send), 0, 0},
    {"answer", IN(ECHO), NULL, TEXT, PUT(answer), 0, 0},
    {"ack", IN(FANOUT), NULL, FLAG, PUT(gets_ack), 0, 0},
    {"count-word", IN(FANOUT), take_count_word, TEXT, 0, 0, 0},
    {"binary", TALK, NULL, FLAG, PUT(is_binary), 0, 0},
    {"compress", ALL & ~IN(CHAT), NULL, FLAG, PUT(offers_deflate), 0, 0},
    {"subprotocol", ALL, take_subprotocol, TEXT, 0, 0, 0},
    {"origin", ALL, take_origin, TEXT, 0, 0, 0},
    {"token", ALL, take_token, TEXT, 0, 0, 0},
    {"token-file", ALL, take_token_file, TEXT, 0, 0, 0},
    {"bearer", ALL, NULL, FLAG, PUT(is_bearer), 0, 0},
    {"ca", ALL, NULL, TEXT, PUT(ca), 0, 0},
    {"insecure", ALL, NULL, FLAG, PUT(is_insecure), 0, 0},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int take_number(struct plan *plan, const struct row *row, const char *text)
{
    uint64_t number;
    uint32_t value;

    if (!num_parse_u64(view_of_text(text), row->max, &number) || number < row->min)
        return bench_complain("--%s wants a number from %u to %u, not `%s`", row->name, row->min,
                              row->max, problem_word(view_of_text(text)).text);
    value = (uint32_t)number;
    memcpy((char *)plan + row->at, &value, sizeof(value));
    return CLI_OK;
}

static int take_row(struct bench_args *a, const struct row *row, char *text)
{
    char *at = (char *)&a->plan + row->at;
    bool yes = true;

    if ((row->modes & 1U << a->plan.mode) == 0)
        return bench_complain("--%s is not for %s", row->name, modes[a->plan.mode]);
    if (row->take != NULL)
        return row->take(a, text);
    switch (row->kind) {
    case FLAG:
        memcpy(at, &yes, sizeof(yes));
        return CLI_OK;
    case TEXT:
        memcpy(at, &text, sizeof(text));
        return CLI_OK;
    case NUMBER:
        return take_number(&a->plan, row, text);
    }
    return CLI_USAGE;
}

static int read_options(struct bench_args *a, int argc, char **argv)
{
    struct option longs[ROWS + 3];
    int c, rc = CLI_OK;

    memset(longs, 0, sizeof(longs));
    for (size_t i = 0; i < ROWS; i++) {
        longs[i].name = rows[i].name;
        longs[i].has_arg = rows[i].kind == FLAG ? no_argument : required_argument;
        longs[i].val = 256 + (int)i;
    }
    longs[ROWS] = (struct option){"help", no_argument, NULL, 'h'};
    longs[ROWS + 1] = (struct option){"joined", required_argument, NULL, 'j'};
    while (rc == CLI_OK && (c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c == 'h')
            return -1;
        if (c == 'j')
            a->joined = optarg;
        else if (c < 256)
            rc = bench_complain("see gateward bench --help");
        else
            rc = take_row(a, &rows[c - 256], optarg);
    }
    return rc;
}

static int take_mode(struct bench_args *a, const char *word)
{
    const char *names[MODES + 1] = {NULL};

    for (size_t i = 0; i < MODES; i++) {
        names[i] = modes[i];
        if (strcmp(modes[i], word) == 0) {
            a->plan.mode = (enum plan_mode)i;
            return CLI_OK;
        }
    }
    return bench_complain("there is no mode `%s`%s; see gateward bench --help",
                          problem_word(view_of_text(word)).text,
                          problems_suggestion(view_of_text(word), names).text);
}

int bench_read_arguments(struct bench_args *a, int argc, char **argv)
{
    int rc;

    buf_init(&a->plan.token, PLAN_TOKEN_MAX);
    buf_init(&a->auth, BENCH_TEXT_MAX);
    buf_init(&a->join, BENCH_TEXT_MAX);
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return -1;
    if (argc < 2)
        return bench_complain("wants a mode and a URL; see gateward bench --help");
    rc = take_mode(a, argv[1]);
    if (rc != CLI_OK)
        return rc;
    a->plan.warm_up = UINT32_MAX;
    a->plan.bytes = 128;
    a->plan.batch = 50;
    a->plan.sources = a->plan.depth = a->plan.threads = 1;
    a->plan.core = -1;
    a->plan.churn = 10;
    a->plan.timeout_ns = 30000000000U;
    rc = read_options(a, argc - 1, argv + 1);
    if (rc != CLI_OK)
        return rc;
    if (optind != argc - 2)
        return bench_complain("wants one URL; see gateward bench --help");
    a->plan.url_text = argv[argc - 1];
    return take_url(&a->plan.url, a->plan.url_text);
}
