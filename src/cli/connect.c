/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward connect URL`: the command line, read into struct connect_options. Everything is checked
 * before a single byte leaves. There is no option that switches the verification of the server off.
 */
#include "cli/connect.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/num.h"
#include "base/status.h"
#include "cli/cli.h"
#include "crypto/secret.h"

#define TOKEN_BYTES_MAX   8192
#define HEADERS_BYTES_MAX 8192
#define WAIT_S_MAX        86400
#define COUNT_MAX         UINT32_MAX

enum long_option { OPT_TOKEN = 256, OPT_TOKEN_FILE, OPT_BEARER, OPT_CACERT, OPT_ORIGIN, OPT_PROTOCOL, OPT_COMPRESS, OPT_COUNT, OPT_WAIT };

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward connect URL [OPTIONS]\n\n"
        "Speaks WebSocket with a server: each line of stdin is sent as a message, each text message\n"
        "that comes is a line on stdout. URL is wss://host[:port][/path][?query], or ws:// for\n"
        "plaintext.\n\n"
        "  -s, --subscribe CHANNEL  subscribe after login; may be repeated\n"
        "      --token-file FILE    log in with the token in FILE, which others must not be able to\n"
        "                           read; GATEWARD_TOKEN in the environment does the same\n"
        "      --token TOKEN        the same, but every user of this machine can see it\n"
        "      --bearer             send the token as Authorization header, not as first message\n"
        "      --cacert FILE        trust the authorities in FILE instead of the system's\n"
        "      --origin ORIGIN      send this Origin\n"
        "  -H, --header 'Name: value'  add a header; may be repeated\n"
        "      --protocol NAME      ask for this subprotocol\n"
        "      --compress           offer permessage-deflate\n"
        "      --count N            end after N messages have come\n"
        "      --wait SECONDS       at the end of piped input, end after so much silence (default 1)\n"
        "  -v, --verbose            show headers and frames on stderr, without the token\n"
        "  -h, --help               this text\n\n"
        "Exit codes: 0 closed in order, 1 refused or broken off, 2 not understood.\n",
        to);
}

static int refuse(const char *what, const char *value)
{
    (void)fprintf(stderr, "gateward connect: %s, not `%s`\n", what,
                  problem_word(view_of_text(value)).text);
    return CLI_USAGE;
}

static int complain(const char *what)
{
    (void)fprintf(stderr, "gateward connect: %s\n", what);
    return CLI_USAGE;
}

/* b64token of RFC 6750 section 2.1: what every token is made of, and nothing that could break out of
 * a header line. */
static bool is_token(struct view v)
{
    static const char others[] = "-._~+/=";

    for (size_t i = 0; i < v.len; i++) {
        char c = v.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) &&
            (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return v.len > 0;
}

/* What goes into a header line: no byte that could end it, nothing that is not text. */
static bool is_field_value(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
            return false;
    return true;
}

/* Headers that the handshake itself is made of. */
static bool is_ours(struct view name)
{
    static const char *const ours[] = {"Host", "Upgrade", "Connection", "Content-Length",
                                       "Transfer-Encoding", "Origin"};

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (view_eq_nocase(name, view_of_text(ours[i])))
            return true;
    return name.len >= 14 && view_eq_nocase(view_of(name.ptr, 14), VIEW("Sec-WebSocket-"));
}

static bool add_header(struct connect_options *o, struct view name, struct view value)
{
    return buf_append(&o->headers, name.ptr, name.len) == OK &&
           buf_append(&o->headers, ": ", 2) == OK &&
           buf_append(&o->headers, value.ptr, value.len) == OK &&
           buf_append(&o->headers, "\r\n", 2) == OK;
}

static int take_header(struct connect_options *o, const char *text)
{
    struct view name, value;

    if (!view_split(view_of_text(text), ':', &name, &value) || !http1_is_token(name))
        return complain("-H wants 'Name: value'");
    if (!is_field_value(text))
        return complain("-H: a header must not hold line breaks or control bytes");
    if (is_ours(name))
        return refuse("-H: the handshake makes this header by itself (see --origin, --protocol)", text);
    if (!add_header(o, name, view_trim(value)))
        return complain("-H: too many headers");
    return CLI_OK;
}

/* "1", "0.25": seconds with at most three digits behind the point. */
static bool parse_seconds(const char *text, uint64_t *ms)
{
    struct view whole, part;
    uint64_t seconds, rest = 0;
    char digits[4] = "000";

    if (view_split(view_of_text(text), '.', &whole, &part)) {
        if (part.len == 0 || part.len > 3)
            return false;
        for (size_t i = 0; i < part.len; i++) {
            if (part.ptr[i] < '0' || part.ptr[i] > '9')
                return false;
            digits[i] = part.ptr[i];
        }
        rest = strtoul(digits, NULL, 10);
    }
    if (!num_parse_u64(whole, WAIT_S_MAX, &seconds))
        return false;
    *ms = seconds * 1000 + rest;
    return true;
}

static int keep_token(struct connect_options *o, struct view token)
{
    if (o->token.len > 0)
        return complain("one token is enough: --token or --token-file");
    if (!is_token(token))
        return complain("this is not a token: letters, digits and - . _ ~ + / = only");
    if (buf_append(&o->token, token.ptr, token.len) != OK)
        return complain("the token is too long");
    return CLI_OK;
}

static int take_token_file(struct connect_options *o, const char *path)
{
    struct buf text = BUF_INIT(TOKEN_BYTES_MAX);
    struct error why = {0};
    int rc;

    if (secret_load_file(&text, path, &why) != OK) {
        secret_buf_clear(&text);
        return complain(why.text);
    }
    rc = keep_token(o, view_trim(buf_view(&text)));
    secret_buf_clear(&text);
    return rc;
}

static int take_token_argument(struct connect_options *o, char *argument)
{
    int rc = keep_token(o, view_of_text(argument));

    /* Seconds instead of hours in the list of processes. */
    memset(argument, '*', strlen(argument));
    return rc;
}

static int take_environment(struct connect_options *o)
{
    struct buf text = BUF_INIT(TOKEN_BYTES_MAX);
    struct error why = {0};
    int rc = CLI_OK;

    if (getenv("GATEWARD_TOKEN") == NULL)
        return CLI_OK;
    if (secret_load_env(&text, "GATEWARD_TOKEN", &why) != OK)
        rc = complain(why.text);
    else if (o->token.len == 0)
        rc = keep_token(o, buf_view(&text));
    secret_buf_clear(&text);
    return rc;
}

/* Options whose argument needs a check. */
static int take_checked(struct connect_options *o, int which, char *argument)
{
    switch (which) {
    case 'H':
        return take_header(o, argument);
    case 's':
        if (o->channels_count == CONNECT_CHANNELS_MAX)
            return complain("too many channels");
        o->channels[o->channels_count++] = argument;
        return CLI_OK;
    case OPT_TOKEN:
        return take_token_argument(o, argument);
    case OPT_TOKEN_FILE:
        return take_token_file(o, argument);
    case OPT_ORIGIN:
        o->origin = argument;
        return argument[0] != '\0' && is_field_value(argument) ? CLI_OK : refuse("--origin wants an origin", argument);
    case OPT_PROTOCOL:
        o->protocol = argument;
        return http1_is_token(view_of_text(argument)) ? CLI_OK : refuse("--protocol wants a name", argument);
    case OPT_COUNT:
        if (num_parse_u64(view_of_text(argument), COUNT_MAX, &o->count) && o->count > 0)
            return CLI_OK;
        return refuse("--count wants a number from 1 on", argument);
    case OPT_WAIT:
        if (parse_seconds(argument, &o->wait_ms))
            return CLI_OK;
        return refuse("--wait wants seconds, at most 86400", argument);
    default:
        usage(stderr);
        return CLI_USAGE;
    }
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
            rc = take_checked(o, c, optarg);
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
    int rc = take_environment(o);

    if (rc != CLI_OK)
        return rc;
    if (ws_url_parse(&o->url, view_of_text(url), &fault) != OK) {
        (void)fprintf(stderr, "gateward connect: not an address: `%s`: %s\n",
                      problem_word(view_of_text(url)).text, fault);
        return CLI_USAGE;
    }
    token = buf_view(&o->token);
    if (o->cacert != NULL && !o->url.is_tls)
        return complain("--cacert is for wss://");
    if (o->is_bearer && token.len == 0)
        return complain("--bearer needs a token");
    if (token.len > 0 && !o->url.is_tls && !is_local(&o->url.host))
        (void)fputs("gateward connect: warning: over ws:// everyone on the way can read the token\n", stderr);
    if (o->is_bearer && !add_bearer(o))
        return complain("the headers are too long");
    return buf_append(&o->headers, "", 1) == OK ? CLI_OK : complain("the headers are too long");
}

int cmd_connect(int argc, char **argv)
{
    struct connect_options o = {.headers = BUF_INIT(HEADERS_BYTES_MAX + TOKEN_BYTES_MAX),
                                .token = BUF_INIT(TOKEN_BYTES_MAX),
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
