/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward ban`: lists, begins and lifts bans at the running server, by POST /api/bans. */
#include <getopt.h>
#include <string.h>

#include "base/json_out.h"
#include "cli/api_call.h"
#include "cli/cli.h"
#include "server/options.h"

enum verb { VERB_LIST, VERB_ADD, VERB_LIFT };
#define VERBS 3

struct ban_request {
    enum verb verb;
    const char *config, *ip, *after;
    int64_t seconds; /* 0: none were said */
};

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward ban list --config FILE [--after IP]\n"
        "       gateward ban add --config FILE --ip IP --for TIME\n"
        "       gateward ban lift --config FILE --ip IP\n\n"
        "Addresses that may not connect to the running server (limits.bans), an IPv6 address with\n"
        "its whole /64. list prints up to 100 as JSON; `next` says where the next page begins. "
        "add\n"
        "bars an address from now on, and leaves its open connections alone (gateward revoke\n"
        "--ip closes them). lift ends a ban. Uses the first key under internal.keys that has the\n"
        "scope `bans`.\n\n"
        "  -c, --config FILE    the configuration the server runs with\n"
        "  --ip IP              which address\n"
        "  --for TIME           how long: 10m, 2h; at most 7d\n"
        "  --after IP           list: those behind this one\n"
        "  -h, --help           this text\n\n"
        "Exit code 0: done. 1: refused, or no server answers. 2: not understood.\n",
        to);
}

static int ask(const struct options *o, const struct ban_request *request)
{
    static const char *const paths[VERBS] = {"/api/bans", "/api/bans/add", "/api/bans/lift"};
    char text[API_CALL_BODY_MAX];
    struct wr body = wr_of(text, sizeof(text));
    struct api_call_request call = {.command = "ban",
                                    .scope = API_SCOPE_BANS,
                                    .scope_name = "bans",
                                    .path = paths[request->verb]};

    json_out_open(&body);
    if (request->ip != NULL)
        json_out_member(&body, "ip", view_of_text(request->ip));
    if (request->seconds > 0)
        json_out_member_u64(&body, "seconds", (uint64_t)request->seconds);
    if (request->after != NULL)
        json_out_member(&body, "after", view_of_text(request->after));
    json_out_close(&body);
    if (body.failed) {
        (void)fputs("gateward ban: the values are too long\n", stderr);
        return CLI_REFUSED;
    }
    call.body = view_of(text, wr_len(&body));
    return api_call(o, &call);
}

static bool find_verb(enum verb *out, const char *word)
{
    static const char *const verbs[VERBS] = {"list", "add", "lift"};

    for (unsigned i = 0; i < VERBS; i++) {
        if (strcmp(word, verbs[i]) == 0) {
            *out = (enum verb)i;
            return true;
        }
    }
    return false;
}

static bool makes_sense(const struct ban_request *r)
{
    return r->config != NULL && (r->ip != NULL) == (r->verb != VERB_LIST) &&
           (r->seconds > 0) == (r->verb == VERB_ADD) && (r->after == NULL || r->verb == VERB_LIST);
}

/* -1: go on; otherwise the exit code. */
static int read_arguments(struct ban_request *r, int argc, char **argv)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'}, {"ip", required_argument, NULL, 'i'},
        {"for", required_argument, NULL, 'f'},    {"after", required_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        if (c == 'c')
            r->config = optarg;
        else if (c == 'i')
            r->ip = optarg;
        else if (c == 'a')
            r->after = optarg;
        else if (c != 'f' || !cli_seconds(optarg, &r->seconds)) {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? CLI_OK : CLI_USAGE;
        }
    }
    return -1;
}

int cmd_ban(int argc, char **argv)
{
    struct ban_request request = {.config = NULL};
    int exit_code = read_arguments(&request, argc, argv);
    struct options *o;

    if (exit_code >= 0)
        return exit_code;
    if (optind + 1 != argc || !find_verb(&request.verb, argv[optind]) || !makes_sense(&request)) {
        usage(stderr);
        return CLI_USAGE;
    }
    o = cli_load(request.config);
    exit_code = o != NULL ? ask(o, &request) : CLI_REFUSED;
    options_free(o);
    return exit_code;
}
