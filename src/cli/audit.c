/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward audit FILE|URL`: a checklist of fourteen points against a configuration or a running
 * server. Here: the command line. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "cli/audit_log.h"
#include "cli/audit_probe.h"
#include "cli/cli.h"
#include "crypto/secret.h"

#define TIMEOUT_S_MAX  60
#define PATIENCE_S_MAX 300

enum { OPT_CA = 256, OPT_TOKEN_FILE, OPT_BEARER, OPT_ORIGIN, OPT_TIMEOUT, OPT_PATIENCE, OPT_JSON };

static const struct option longs[] = {{"ca", required_argument, NULL, OPT_CA},
                                      {"cacert", required_argument, NULL, OPT_CA},
                                      {"token-file", required_argument, NULL, OPT_TOKEN_FILE},
                                      {"bearer", no_argument, NULL, OPT_BEARER},
                                      {"origin", required_argument, NULL, OPT_ORIGIN},
                                      {"timeout", required_argument, NULL, OPT_TIMEOUT},
                                      {"patience", required_argument, NULL, OPT_PATIENCE},
                                      {"json", no_argument, NULL, OPT_JSON},
                                      {"help", no_argument, NULL, 'h'},
                                      {NULL, 0, NULL, 0}};

struct audit_request {
    const char *ca, *origin;
    struct buf token;
    uint64_t timeout_ms, patience_ms;
    bool is_bearer, is_json, is_for_server; /* an option was given that only servers have */
};

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward audit FILE [--json]\n"
        "       gateward audit URL [OPTIONS]\n"
        "       gateward audit verify-log [--key FILE] [--end FILE] FILE...\n\n"
        "Holds a configuration, or any WebSocket server (ws:// or wss://), against a checklist of\n"
        "fourteen points and says for each whether it passes, fails or cannot be told, with the\n"
        "line or with what was seen. What a server is asked is in docs/audit.md: a few dozen\n"
        "connections and a few hundred small messages, some of them wrong on purpose. Ask only\n"
        "servers that are yours, or whose owners agree.\n\n"
        "  --ca FILE            trust the certificate authorities in FILE, not the system's\n"
        "  --token-file FILE    log in with the token in FILE, which others must not be able to\n"
        "                       read; it is also sent once in the address\n"
        "  --bearer             it goes into Authorization, not into the first message\n"
        "  --origin ORIGIN      a page that the server lets in\n"
        "  --timeout TIME       how long to wait for each answer (5s)\n"
        "  --patience TIME      how long silent connections wait for their end (35s)\n"
        "  --json               the report as JSON\n"
        "  -h, --help           this text\n\n"
        "Exit code 0: nothing failed. 1: a point failed. 2: not understood, or nothing to audit.\n",
        to);
}

static int complain(const char *what)
{
    (void)fprintf(stderr, "gateward audit: %s\n", what);
    return CLI_USAGE;
}

/* Printable ASCII and no quotation mark: it goes into a header, an address and JSON. */
static bool is_plain(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] <= ' ' || v.ptr[i] >= 0x7f || strchr("\"\\&#", v.ptr[i]) != NULL)
            return false;
    return v.len > 0;
}

static int take_token(struct audit_request *r, const char *path)
{
    struct buf text = BUF_INIT(PROBE_TOKEN_MAX);
    struct error why = {0};
    struct view token;
    int rc = CLI_OK;

    if (secret_load_file(&text, path, &why) != OK) {
        rc = complain(why.text);
    } else {
        token = view_trim(buf_view(&text));
        if (r->token.len > 0 || !is_plain(token) ||
            buf_append(&r->token, token.ptr, token.len) != OK || buf_append(&r->token, "", 1) != OK)
            rc = complain("--token-file wants one token, in visible ASCII");
    }
    secret_buf_clear(&text);
    return rc;
}

static int take_time(uint64_t *ms, const char *text, int64_t most_s)
{
    int64_t seconds = 0;

    if (!cli_seconds(text, &seconds) || seconds > most_s)
        return complain("--timeout wants 1s to 60s, --patience 1s to 300s");
    *ms = (uint64_t)seconds * 1000;
    return CLI_OK;
}

static int take_option(struct audit_request *r, int which, const char *argument)
{
    r->is_for_server = r->is_for_server || which != OPT_JSON;
    switch (which) {
    case OPT_CA:
        r->ca = argument;
        return CLI_OK;
    case OPT_TOKEN_FILE:
        return take_token(r, argument);
    case OPT_BEARER:
        r->is_bearer = true;
        return CLI_OK;
    case OPT_ORIGIN:
        r->origin = argument;
        return is_plain(view_of_text(argument)) && strlen(argument) <= 512
                   ? CLI_OK
                   : complain("--origin wants an origin such as https://example.com");
    case OPT_TIMEOUT:
        return take_time(&r->timeout_ms, argument, TIMEOUT_S_MAX);
    case OPT_PATIENCE:
        return take_time(&r->patience_ms, argument, PATIENCE_S_MAX);
    case OPT_JSON:
        r->is_json = true;
        return CLI_OK;
    default:
        usage(stderr);
        return CLI_USAGE;
    }
}

static int finish(const struct audit *audit, bool is_json)
{
    return is_json ? audit_print_json(audit) : audit_print(audit);
}

static int audit_file(const struct audit_request *r, const char *path)
{
    struct audit audit;
    int code = CLI_USAGE;

    if (r->is_for_server)
        return complain("only --json goes with a file; an address begins with wss:// or ws://");
    if (!audit_init(&audit, path, false))
        return complain("out of memory");
    if (audit_config(&audit, path))
        code = finish(&audit, r->is_json);
    audit_clear(&audit);
    return code;
}

static int audit_server(const struct audit_request *r, const char *address)
{
    struct probe p = {.origin = r->origin,
                      .is_bearer = r->is_bearer,
                      .patience_ms = r->patience_ms,
                      .target = {.ca = r->ca, .timeout_ms = r->timeout_ms}};
    const char *fault = "";
    int code = CLI_USAGE;

    if (ws_url_parse(&p.target.url, view_of_text(address), &fault) != OK) {
        (void)fprintf(stderr, "gateward audit: not an address: `%s`: %s\n",
                      problem_word(view_of_text(address)).text, fault);
        return CLI_USAGE;
    }
    if (r->is_bearer && r->token.len == 0)
        return complain("--bearer needs --token-file");
    if (!audit_init(&p.report, address, true))
        return complain("out of memory");
    if (r->token.len > 0)
        p.token = view_of(r->token.data, r->token.len - 1);
    p.report.secret = p.token;
    p.idle.fd = p.slow.fd = p.mute.fd = -1;
    (void)signal(SIGPIPE, SIG_IGN);
    if (probe_run(&p))
        code = finish(&p.report, r->is_json);
    audit_clear(&p.report);
    return code;
}

int cmd_audit(int argc, char **argv)
{
    struct audit_request r = {.token = BUF_INIT(PROBE_TOKEN_MAX + 1),
                              .timeout_ms = 5000,
                              .patience_ms = PROBE_PATIENCE_MS};
    int c, code = CLI_OK;

    if (argc > 1 && strcmp(argv[1], "verify-log") == 0)
        return audit_verify_log(argc - 1, argv + 1);
    while (code == CLI_OK && (c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c == 'h') {
            usage(stdout);
            secret_buf_clear(&r.token);
            return CLI_OK;
        }
        code = take_option(&r, c, optarg);
    }
    if (code == CLI_OK && optind != argc - 1) {
        usage(stderr);
        code = CLI_USAGE;
    } else if (code == CLI_OK) {
        const char *what = argv[optind];
        bool is_address = strncmp(what, "ws://", 5) == 0 || strncmp(what, "wss://", 6) == 0;

        code = is_address ? audit_server(&r, what) : audit_file(&r, what);
    }
    secret_buf_clear(&r.token);
    return code;
}
