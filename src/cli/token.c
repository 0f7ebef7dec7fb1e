/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward token`: a token signed with the secret of a configuration, alone on stdout so that a
 * script can take it. The secret comes from where the configuration says, never from the command
 * line, where every user of the machine could read it. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/status.h"
#include "cli/cli.h"
#include "crypto/secret.h"
#include "server/options.h"

struct token_request {
    const char *config, *subject, *roles, *tenant, *scopes, *ttl;
    uint64_t issuer;
};

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward token --config FILE --sub USER --roles ROLES [--ttl TIME]\n"
        "                      [--tenant NAME] [--scopes SCOPES] [--issuer-index N]\n\n"
        "Prints a token signed with the first secret of a row of auth.jwt. A row with public\n"
        "keys (jwks_file) cannot sign: its tokens come from the issuer.\n\n"
        "  -c, --config FILE     the configuration\n"
        "      --sub USER        who: A-Z a-z 0-9 _ -, at most 64\n"
        "      --roles ROLES     roles of the configuration, with commas between them\n"
        "      --tenant NAME     whose user, where the row has a tenant_claim\n"
        "      --scopes SCOPES   claim scope, with commas between them; absent: no such claim\n"
        "      --ttl TIME        how long it is good: 30s, 15m, 12h, 7d (default 1h)\n"
        "      --issuer-index N  which row of auth.jwt, from 0 (default 0)\n"
        "  -h, --help            this text\n",
        to);
}

static int refuse(const char *what, const char *value)
{
    (void)fprintf(stderr, "gateward token: %s, not `%s`\n", what,
                  problem_word(view_of_text(value)).text);
    return CLI_USAGE;
}

/* The same names, one blank between them: what the claim holds. */
static void join_roles(struct buf *out, const struct role_set *set, uint64_t roles)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if ((roles >> i & 1) == 0)
            continue;
        if (out->len > 0)
            (void)buf_append(out, " ", 1);
        (void)buf_append(out, set->roles[i].name, strlen(set->roles[i].name));
    }
}

/* "a,b" as the claim writes it: "a b". NULL: nothing. */
static int join_scopes(struct buf *out, const char *list)
{
    struct view name, rest = view_of_text(list != NULL ? list : "");

    while (rest.len > 0) {
        (void)view_split(rest, ',', &name, &rest);
        if (!scope_name_ok(name))
            return E_INVALID;
        if ((out->len > 0 && buf_append(out, " ", 1) != OK) ||
            buf_append(out, name.ptr, name.len) != OK)
            return E_LIMIT;
    }
    return OK;
}

static int print_token(const struct options *o, const struct token_request *request, int64_t ttl_s)
{
    const struct jwt_issuer *issuer = &o->auth.issuers[request->issuer];
    struct buf token = BUF_INIT(JWT_BYTES_MAX), names = BUF_INIT(8192), scopes = BUF_INIT(8192);
    struct jwt_grant grant = {
        .user = view_of_text(request->subject), .wall_s = clock_wall_s(), .ttl_s = ttl_s};
    uint64_t roles = 0;
    int exit_code = CLI_USAGE;
    int rc;

    if (request->tenant != NULL)
        grant.tenant = view_of_text(request->tenant);
    if (!cli_roles(&o->policy.roles, request->roles, &roles))
        goto done;
    join_roles(&names, &o->policy.roles, roles);
    if (request->tenant != NULL && issuer->tenant_claim == NULL) {
        (void)fprintf(stderr, "gateward token: --tenant: auth.jwt[%u] has no tenant_claim\n",
                      (unsigned)request->issuer);
        goto done;
    }
    rc = join_scopes(&scopes, request->scopes);
    if (rc != OK) {
        exit_code =
            refuse("--scopes must be names of RFC 6749 with commas between them", request->scopes);
        goto done;
    }
    grant.roles = buf_view(&names);
    grant.scopes = buf_view(&scopes);
    rc = jwt_sign(&token, &issuer->keys[0], issuer, &grant);
    exit_code = CLI_REFUSED;
    if (rc == E_DENIED) {
        (void)fprintf(stderr,
                      "gateward token: auth.jwt[%u] would refuse the token itself: it asks for%s "
                      "claims that only\nits issuer can fill in (required_claims)\n",
                      (unsigned)request->issuer,
                      issuer->tenant_claim != NULL && request->tenant == NULL ? " --tenant, or for"
                                                                              : "");
        goto done;
    }
    if (rc != OK) {
        (void)fprintf(stderr, "gateward token: cannot sign: %s\n", status_text(rc));
        goto done;
    }
    if (printf(VIEW_FMT "\n", VIEW_ARG(buf_view(&token))) > 0 && fflush(stdout) == 0)
        exit_code = CLI_OK;
done:
    secret_buf_clear(&token);
    buf_clear(&names);
    buf_clear(&scopes);
    return exit_code;
}

static int make_token(const struct token_request *request)
{
    struct options *o;
    int64_t ttl_s = 0;
    int exit_code;

    if (!identity_user_ok(view_of_text(request->subject)))
        return refuse("--sub must be 1 to 64 of A-Z a-z 0-9 _ -", request->subject);
    if (request->tenant != NULL && (strlen(request->tenant) > IDENTITY_TENANT_MAX ||
                                    !identity_user_ok(view_of_text(request->tenant))))
        return refuse("--tenant must be 1 to 32 of A-Z a-z 0-9 _ -", request->tenant);
    if (!cli_seconds(request->ttl, &ttl_s))
        return refuse("--ttl must be a time from 1s to 366d, such as 15m", request->ttl);
    o = cli_load(request->config);
    if (o == NULL)
        return CLI_REFUSED;
    if (request->issuer >= o->auth.issuers_count) {
        (void)fprintf(
            stderr,
            "gateward token: the configuration has %u rows under auth.jwt, counted from 0\n",
            (unsigned)o->auth.issuers_count);
        exit_code = CLI_USAGE;
    } else if (o->auth.issuers[request->issuer].keys_count == 0) {
        (void)fprintf(
            stderr,
            "gateward token: auth.jwt[%u] holds public keys (jwks_file), which verify and "
            "cannot sign: its tokens come\nfrom the issuer. --issuer-index chooses another "
            "row; one with a `secret` can sign.\n",
            (unsigned)request->issuer);
        exit_code = CLI_USAGE;
    } else {
        exit_code = print_token(o, request, ttl_s);
    }
    options_free(o);
    return exit_code;
}

/* -1: go on; otherwise the exit code. */
static int read_arguments(struct token_request *request, int argc, char **argv)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"sub", required_argument, NULL, 'u'},
                                          {"roles", required_argument, NULL, 'r'},
                                          {"tenant", required_argument, NULL, 'n'},
                                          {"scopes", required_argument, NULL, 's'},
                                          {"ttl", required_argument, NULL, 't'},
                                          {"issuer-index", required_argument, NULL, 'i'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        if (c == 'c')
            request->config = optarg;
        else if (c == 'u')
            request->subject = optarg;
        else if (c == 'r')
            request->roles = optarg;
        else if (c == 'n')
            request->tenant = optarg;
        else if (c == 's')
            request->scopes = optarg;
        else if (c == 't')
            request->ttl = optarg;
        else if (c == 'i' && num_parse_u64(view_of_text(optarg), 1000, &request->issuer))
            continue;
        else if (c == 'i')
            return refuse("--issuer-index must be a number", optarg);
        else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? CLI_OK : CLI_USAGE;
        }
    }
    return -1;
}

int cmd_token(int argc, char **argv)
{
    struct token_request request = {.ttl = "1h"};
    int exit_code = read_arguments(&request, argc, argv);

    if (exit_code >= 0)
        return exit_code;
    if (request.config == NULL || request.subject == NULL || request.roles == NULL ||
        optind != argc) {
        usage(stderr);
        return CLI_USAGE;
    }
    return make_token(&request);
}
