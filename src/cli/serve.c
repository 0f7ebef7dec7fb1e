/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward serve -c FILE`: nothing is bound before the whole file is good. */
#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/run_server.h"

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward serve -c FILE\n\n"
        "Runs the server with the configuration in FILE. A file with any fault is refused before\n"
        "anything is bound; `gateward check FILE` shows the same faults.\n\n"
        "  -c, --config FILE   the configuration\n"
        "  -h, --help          this text\n\n"
        "SIGTERM or SIGINT drains: no new connections, Close 1001 to everyone, spread over\n"
        "server.drain, then exit 0. A second one ends at once. SIGHUP reads FILE and all that it\n"
        "names again, all or nothing, and loses no connection; docs/reload.md says what can\n"
        "change that way.\n",
        to);
}

int cmd_serve(int argc, char **argv)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *path = NULL;
    struct options *options;
    int c;

    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        if (c == 'h') {
            usage(stdout);
            return CLI_OK;
        }
        if (c != 'c') {
            usage(stderr);
            return CLI_USAGE;
        }
        path = optarg;
    }
    if (path == NULL || optind != argc) {
        usage(stderr);
        return CLI_USAGE;
    }
    options = cli_load(path);
    if (options == NULL)
        return CLI_REFUSED;
    log_level_set((enum log_level)options->log.level);
    return run_server(options, NULL, NULL);
}
