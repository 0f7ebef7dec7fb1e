/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c: the table of commands, and what several of them need. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "access/role.h"
#include "base/num.h"
#include "base/status.h"
#include "server/options.h"

#define SECONDS_MAX (366L * 24 * 60 * 60)

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
};
static const struct command commands[] = {
    {"serve", cmd_serve, "run the server: gateward serve -c FILE"},
    {"dev", cmd_dev, "run a development server with a demo page, on this machine only"},
    {"check", cmd_check,
     "check a configuration and say everything that is wrong: gateward check FILE"},
    {"audit", cmd_audit,
     "hold a configuration or a server against the security checklist: gateward audit FILE|URL"},
    {"connect", cmd_connect, "speak WebSocket with a server: gateward connect URL"},
    {"token", cmd_token,
     "make a token: gateward token --config FILE --sub alice --roles user --ttl 1h"},
    {"revoke", cmd_revoke,
     "close a user's, token's or role's connections: gateward revoke --config FILE --user U"},
    {"session", cmd_session,
     "make, show or end sessions of web users: gateward session create --config FILE ..."},
    {"reload", cmd_reload,
     "make the running server read its configuration again: gateward reload --config FILE"},
    {"ban", cmd_ban, "list, begin or lift bans of addresses: gateward ban list --config FILE"},
    {"explain", cmd_explain,
     "say who may do what, and why: gateward explain --config FILE --user U ..."},
    {"bench", cmd_bench, "measure a WebSocket server: gateward bench MODE URL"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *to)
{
    (void)fputs("usage: gateward COMMAND [ARGUMENTS]\n\n"
                "A WebSocket server that is secure unless told otherwise.\n\n",
                to);
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].help);
    (void)fputs(
        "\n  --help, --version\n\n"
        "gateward COMMAND --help says more. Exit codes: 0 done, 1 refused, 2 not understood.\n",
        to);
}

static int unknown(const char *word)
{
    const char *names[COMMANDS + 1] = {NULL};

    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    (void)fprintf(stderr, "gateward: unknown command `%s`%s; see gateward --help\n",
                  problem_word(view_of_text(word)).text,
                  problems_suggestion(view_of_text(word), names).text);
    return CLI_USAGE;
}

int cli_run(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        help(stdout);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        (void)puts("gateward " GATEWARD_VERSION);
        return CLI_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return unknown(argv[1]);
}

struct options *cli_load(const char *path)
{
    struct options *options = NULL;
    struct problems problems;

    problems_init(&problems, path);
    if (options_load(&options, path, &problems) != OK)
        options = NULL;
    problems_print(&problems, stderr);
    problems_clear(&problems);
    return options;
}

static void report_role(const struct role_set *set, struct view name)
{
    const char *names[IDENTITY_ROLES_MAX + 1] = {NULL};

    for (uint32_t i = 0; i < set->count; i++)
        names[i] = set->roles[i].name;
    (void)fprintf(stderr, "gateward: the configuration has no role `%s`%s\n",
                  problem_word(name).text, problems_suggestion(name, names).text);
}

bool cli_seconds(const char *text, int64_t *seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 60 * 60}, {'d', 24 * 60 * 60}};
    size_t len = strlen(text);
    uint64_t number = 0;

    if (len < 2 || !num_parse_u64(view_of(text, len - 1), (uint64_t)SECONDS_MAX, &number) ||
        number == 0)
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].unit != text[len - 1])
            continue;
        *seconds = (int64_t)number * units[i].seconds;
        return *seconds <= SECONDS_MAX;
    }
    return false;
}

bool cli_roles(const struct role_set *set, const char *text, uint64_t *roles)
{
    uint64_t found = 0, bit;
    size_t len;

    for (const char *at = text; *at != '\0'; at += len) {
        at += strspn(at, ", ");
        len = strcspn(at, ", ");
        if (len == 0)
            break;
        bit = role_set_bit(set, view_of(at, len));
        if (bit == 0) {
            report_role(set, view_of(at, len));
            return false;
        }
        found |= bit;
    }
    if (found == 0) {
        (void)fputs("gateward: --roles names no role\n", stderr);
        return false;
    }
    *roles = found;
    return true;
}
