/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward revoke`: one POST /api/revoke to the running server. */
#include <getopt.h>

#include "base/json_out.h"
#include "cli/api_call.h"
#include "cli/cli.h"
#include "crypto/secret.h"
#include "server/options.h"

struct revoke_request {
    const char *config, *field, *value;
    unsigned fields;
};

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward revoke --config FILE --user USER | --token-id ID | --role ROLE |\n"
        "                       --ip ADDRESS | --connection ID | --session-file FILE\n\n"
        "Closes the connections of a user, a token, a role, an address or a session, or one\n"
        "connection, at the running server, and refuses what was issued to that user, token or\n"
        "role before now. Uses the first key under internal.keys that has the scope `revoke`.\n\n"
        "  -c, --config FILE    the configuration the server runs with\n"
        "  --session-file FILE  the id of a session stands in FILE; -: stdin\n"
        "  -h, --help           this text\n\n"
        "Exit code 0: done, and the answer says how many connections were closed. 1: refused, or "
        "no\n"
        "server answers. 2: not understood.\n",
        to);
}

static int ask(const struct options *o, const struct revoke_request *request)
{
    char text[API_CALL_BODY_MAX];
    struct wr body = wr_of(text, sizeof(text));
    struct api_call_request call = {.command = "revoke",
                                    .scope = API_SCOPE_REVOKE,
                                    .scope_name = "revoke",
                                    .path = "/api/revoke"};
    int exit_code = CLI_REFUSED;

    json_out_open(&body);
    json_out_member(&body, request->field, view_of_text(request->value));
    json_out_close(&body);
    call.body = view_of(text, wr_len(&body));
    if (body.failed)
        (void)fputs("gateward revoke: the value is too long\n", stderr);
    else
        exit_code = api_call(o, &call);
    secret_wipe(text, sizeof(text));
    return exit_code;
}

/* -1: go on; otherwise the exit code. --session is there to be refused: as the beginning of
 * --session-file it would be taken for it, and an id for a path. */
static int read_arguments(struct revoke_request *request, int argc, char **argv)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"user", required_argument, NULL, 0},
                                          {"token-id", required_argument, NULL, 1},
                                          {"role", required_argument, NULL, 2},
                                          {"ip", required_argument, NULL, 3},
                                          {"connection", required_argument, NULL, 4},
                                          {"session-file", required_argument, NULL, 5},
                                          {"session", required_argument, NULL, '?'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    static const char *const fields[] = {"user", "token_id", "role", "ip", "connection", "session"};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        if (c == 'c') {
            request->config = optarg;
        } else if (c >= 0 && c < 6) {
            request->field = fields[c];
            request->value = optarg;
            request->fields++;
        } else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? CLI_OK : CLI_USAGE;
        }
    }
    return -1;
}

int cmd_revoke(int argc, char **argv)
{
    struct revoke_request request = {.config = NULL};
    char session[API_CALL_SECRET_MAX + 1];
    int exit_code = read_arguments(&request, argc, argv);
    struct options *o;

    if (exit_code >= 0)
        return exit_code;
    if (request.config == NULL || request.fields != 1 || optind != argc) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(request.field, "session") == 0) {
        if (!api_call_read_session("revoke", request.value, session))
            return CLI_REFUSED;
        request.value = session;
    }
    o = cli_load(request.config);
    exit_code = o != NULL ? ask(o, &request) : CLI_REFUSED;
    options_free(o);
    secret_wipe(session, sizeof(session));
    return exit_code;
}
