/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward connect URL`: the command line, read into struct connect_options. Everything is checked
 * before a single byte leaves. There is no option that switches the verification of the server off.
 */
#include "cli/connect.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "base/status.h"
#include "cli/cli.h"
#include "crypto/secret.h"

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward connect URL [OPTIONS]\n\n"
        "Speaks WebSocket with a server: each line of stdin is sent as a message, each text "
        "message\n"
        "that comes is a line on stdout. URL is wss://host[:port][/path][?query], or ws:// for\n"
        "plaintext.\n\n"
        "  -s, --subscribe CHANNEL  subscribe after login; may be repeated\n"
        "      --token-file FILE    log in with the token in FILE, which others must not be able "
        "to\n"
        "                           read; GATEWARD_TOKEN in the environment does the same\n"
        "      --token TOKEN        the same, but every user of this machine can see it\n"
        "      --bearer             send the token as Authorization header, not as first message\n"
        "      --cacert FILE        trust the authorities in FILE instead of the system's\n"
        "      --origin ORIGIN      send this Origin\n"
        "  -H, --header 'Name: value'  add a header; may be repeated\n"
        "      --protocol NAME      ask for this subprotocol\n"
        "      --compress           offer permessage-deflate\n"
        "      --count N            end after N messages have come\n"
        "      --wait SECONDS       at the end of piped input, end after so much silence (default "
        "1)\n"
        "  -v, --verbose            show headers and frames on stderr, without the token\n"
        "  -h, --help               this text\n\n"
        "Exit codes: 0 closed in order, 1 refused or broken off, 2 not understood.\n",
        to);
}

static const struct option longs[] = {{"subscribe", required_argument, NULL, 's'},
                                      {"token-file", required_argument, NULL, OPT_TOKEN_FILE},
                                      {"token", required_argument, NULL, OPT_TOKEN},
                                      {"bearer", no_argument, NULL, OPT_BEARER},
                                      {"cacert", required_argument, NULL, OPT_CACERT},
                                      {"origin", required_argument, NULL, OPT_ORIGIN},
                                      {"header", required_argument, NULL, 'H'},
                                      {"protocol", required_argument, NULL, OPT_PROTOCOL},
                                      {"compress", no_argument, NULL, OPT_COMPRESS},
                                      {"count", required_argument, NULL, OPT_COUNT},
                                      {"wait", required_argument, NULL, OPT_WAIT},
                                      {"verbose", no_argument, NULL, 'v'},
                                      {"help", no_argument, NULL, 'h'},
                                      {NULL, 0, NULL, 0}};

/* -1: go on; otherwise the exit code. */
static int read_arguments(struct connect_options *o, int argc, char **argv)
{
    int c, rc = CLI_OK;

    while (rc == CLI_OK && (c = getopt_long(argc, argv, "s:H:vh", longs, NULL)) != -1) {
        switch (c) {
        case 'h':
            usage(stdout);
            return CLI_OK;
        case 'v':
            o->is_verbose = true;
            break;
        case OPT_BEARER:
            o->is_bearer = true;
            break;
        case OPT_COMPRESS:
            o->offers_deflate = true;
            break;
        case OPT_CACERT:
            o->cacert = optarg;
            break;
        default:
            rc = connect_take(o, c, optarg);
            break;
        }
    }
    if (rc != CLI_OK)
        return rc;
    if (optind != argc - 1) {
        usage(stderr);
        return CLI_USAGE;
    }
    return -1;
}

static bool is_local(const struct http_host *host)
{
    struct ip_address ip;

    if (ip_address_parse(&ip, view_of_text(host->name)))
        return ip_address_is_loopback(&ip);
    return strcmp(host->name, "localhost") == 0;
}

static bool add_bearer(struct connect_options *o)
{
    return buf_append(&o->headers, "Authorization: Bearer ", 22) == OK &&
           buf_append(&o->headers, o->token.data, o->token.len) == OK &&
           buf_append(&o->headers, "\r\n", 2) == OK;
}

/* What the options mean together. */
static int complete(struct connect_options *o, const char *url)
{
    const char *fault = "";
    struct view token;
    int rc = connect_take_environment(o);

    if (rc != CLI_OK)
        return rc;
    if (ws_url_parse(&o->url, view_of_text(url), &fault) != OK) {
        (void)fprintf(stderr, "gateward connect: not an address: `%s`: %s\n",
                      problem_word(view_of_text(url)).text, fault);
        return CLI_USAGE;
    }
    token = buf_view(&o->token);
    if (o->cacert != NULL && !o->url.is_tls)
        return connect_complain("--cacert is for wss://");
    if (o->is_bearer && token.len == 0)
        return connect_complain("--bearer needs a token");
    if (o->is_bearer && o->has_authorization)
        return connect_complain(
            "--bearer and -H 'Authorization: ...' are two ways to say one thing");
    if (token.len > 0 && !o->url.is_tls && !is_local(&o->url.host))
        (void)fputs(
            "gateward connect: warning: over ws:// everyone on the way can read the token\n",
            stderr);
    if (o->is_bearer && !add_bearer(o))
        return connect_complain("the headers are too long");
    return buf_append(&o->headers, "", 1) == OK ? CLI_OK
                                                : connect_complain("the headers are too long");
}

int cmd_connect(int argc, char **argv)
{
    struct connect_options o = {.headers = BUF_INIT(CONNECT_HEADERS_MAX + CONNECT_TOKEN_MAX),
                                .token = BUF_INIT(CONNECT_TOKEN_MAX),
                                .wait_ms = 1000};
    int exit_code = read_arguments(&o, argc, argv);

    if (exit_code < 0) {
        exit_code = complete(&o, argv[optind]);
        if (exit_code == CLI_OK)
            exit_code = connect_run(&o);
    }
    secret_buf_clear(&o.headers);
    secret_buf_clear(&o.token);
    return exit_code;
}
