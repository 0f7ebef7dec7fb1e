/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward audit FILE`: a checklist of fourteen points against a configuration. */
#include <getopt.h>
#include <stdio.h>

#include "cli/audit.h"
#include "cli/cli.h"

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward audit FILE [--json]\n\n"
        "Holds a configuration against a checklist of fourteen points and says for each whether "
        "it\n"
        "passes, fails or cannot be told, with the line it stands on (docs/audit.md).\n\n"
        "  --json       the report as JSON\n"
        "  -h, --help   this text\n\n"
        "Exit code 0: nothing failed. 1: a point failed. 2: not understood, or a bad file.\n",
        to);
}

static int audit_file(const char *path, bool is_json)
{
    struct audit audit;
    int code = CLI_USAGE;

    if (!audit_init(&audit, path, false)) {
        (void)fputs("gateward audit: out of memory\n", stderr);
        return CLI_USAGE;
    }
    if (audit_config(&audit, path))
        code = is_json ? audit_print_json(&audit) : audit_print(&audit);
    audit_clear(&audit);
    return code;
}

int cmd_audit(int argc, char **argv)
{
    static const struct option longs[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    bool is_json = false;
    int c;

    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c != 'j') {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? CLI_OK : CLI_USAGE;
        }
        is_json = true;
    }
    if (optind != argc - 1) {
        usage(stderr);
        return CLI_USAGE;
    }
    return audit_file(argv[optind], is_json);
}
