/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward reload`: makes the running server read its configuration again, by POST /api/reload,
 * and says what came of it, which a signal cannot. */
#include <getopt.h>

#include "cli/api_call.h"
#include "cli/cli.h"
#include "server/options.h"

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward reload --config FILE\n\n"
        "Makes the running server read its configuration and the TLS files again, all or nothing,\n"
        "and says how many keys have changed, or why it was refused. The file must be one that\n"
        "loads: its internal.address and the first key with the scope `reload` are used.\n\n"
        "  -c, --config FILE    the configuration the server runs with\n"
        "  -h, --help           this text\n\n"
        "Exit code 0: done. 1: refused, or no server answers. 2: not understood.\n",
        to);
}

static int ask(const char *config)
{
    static const struct api_call_request call = {.command = "reload",
                                                 .scope = API_SCOPE_RELOAD,
                                                 .scope_name = "reload",
                                                 .path = "/api/reload",
                                                 .body = {"{}", 2}};
    struct options *o = cli_load(config);
    int exit_code = o != NULL ? api_call(o, &call) : CLI_REFUSED;

    options_free(o);
    return exit_code;
}

int cmd_reload(int argc, char **argv)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *config = NULL;
    int c;

    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        if (c != 'c') {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? CLI_OK : CLI_USAGE;
        }
        config = optarg;
    }
    if (config == NULL || optind != argc) {
        usage(stderr);
        return CLI_USAGE;
    }
    return ask(config);
}
