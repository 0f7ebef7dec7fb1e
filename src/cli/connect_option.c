/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of single options, each checked before it is kept: headers, tokens, numbers. What
 * they mean together is in connect.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/status.h"
#include "cli/cli.h"
#include "cli/connect.h"
#include "crypto/secret.h"

#define WAIT_S_MAX 86400
#define COUNT_MAX  UINT32_MAX

static int refuse(const char *what, const char *value)
{
    (void)fprintf(stderr, "gateward connect: %s, not `%s`\n", what,
                  problem_word(view_of_text(value)).text);
    return CLI_USAGE;
}

int connect_complain(const char *what)
{
    (void)fprintf(stderr, "gateward connect: %s\n", what);
    return CLI_USAGE;
}

/* b64token of RFC 6750 section 2.1: what every token is made of, and nothing that could break out
 * of a header line. */
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
    static const char *const ours[] = {"Host",           "Upgrade",           "Connection",
                                       "Content-Length", "Transfer-Encoding", "Origin"};

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
        return connect_complain("-H wants 'Name: value'");
    if (!is_field_value(text))
        return connect_complain("-H: a header must not hold line breaks or control bytes");
    if (is_ours(name))
        return refuse("-H: the handshake makes this header by itself (see --origin, --protocol)",
                      text);
    if (!add_header(o, name, view_trim(value)))
        return connect_complain("-H: too many headers");
    if (view_eq_nocase(name, VIEW("Authorization")))
        o->has_authorization = true;
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
        return connect_complain("one token is enough: --token or --token-file");
    if (!is_token(token))
        return connect_complain("this is not a token: letters, digits and - . _ ~ + / = only");
    if (buf_append(&o->token, token.ptr, token.len) != OK)
        return connect_complain("the token is too long");
    return CLI_OK;
}

static int take_token_file(struct connect_options *o, const char *path)
{
    struct buf text = BUF_INIT(CONNECT_TOKEN_MAX);
    struct error why = {0};
    int rc;

    if (secret_load_file(&text, path, &why) != OK) {
        secret_buf_clear(&text);
        return connect_complain(why.text);
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

int connect_take_environment(struct connect_options *o)
{
    struct buf text = BUF_INIT(CONNECT_TOKEN_MAX);
    struct error why = {0};
    int rc = CLI_OK;

    if (getenv("GATEWARD_TOKEN") == NULL)
        return CLI_OK;
    if (secret_load_env(&text, "GATEWARD_TOKEN", &why) != OK)
        rc = connect_complain(why.text);
    else if (o->token.len == 0)
        rc = keep_token(o, buf_view(&text));
    secret_buf_clear(&text);
    return rc;
}

/* Options whose argument needs a check. */
int connect_take(struct connect_options *o, int which, char *argument)
{
    switch (which) {
    case 'H':
        return take_header(o, argument);
    case 's':
        if (o->channels_count == CONNECT_CHANNELS_MAX)
            return connect_complain("too many channels");
        o->channels[o->channels_count++] = argument;
        return CLI_OK;
    case OPT_TOKEN:
        return take_token_argument(o, argument);
    case OPT_TOKEN_FILE:
        return take_token_file(o, argument);
    case OPT_ORIGIN:
        o->origin = argument;
        return argument[0] != '\0' && is_field_value(argument)
                   ? CLI_OK
                   : refuse("--origin wants an origin", argument);
    case OPT_PROTOCOL:
        o->protocol = argument;
        return http1_is_token(view_of_text(argument)) ? CLI_OK
                                                      : refuse("--protocol wants a name", argument);
    case OPT_COUNT:
        if (num_parse_u64(view_of_text(argument), COUNT_MAX, &o->count) && o->count > 0)
            return CLI_OK;
        return refuse("--count wants a number from 1 on", argument);
    case OPT_WAIT:
        if (parse_seconds(argument, &o->wait_ms))
            return CLI_OK;
        return refuse("--wait wants seconds, at most 86400", argument);
    default:
        return connect_complain("see gateward connect --help");
    }
}
