/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h: the commands. Each takes its own arguments (argv[0] is its name) and returns the exit code
 * of the process. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include "base/view.h"
#include "config/problems.h"

enum cli_exit {
    CLI_OK = 0,
    CLI_REFUSED = 1, /* the answer is no, or the file is bad */
    CLI_USAGE = 2    /* not a command line we understand */
};

int cmd_audit(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_connect(int argc, char **argv);
int cmd_token(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_revoke(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_session(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_ban(int argc, char **argv);
int cmd_dev(int argc, char **argv);

struct options;
struct role_set;
/* Loads a configuration or prints everything that is wrong with it to stderr. NULL: refused. */
struct options *cli_load(const char *path);
/* Role names apart from each other by commas or blanks, as bits. Reports to stderr and returns
 * false for names that `set` does not know, and for none at all. */
bool cli_roles(const struct role_set *set, const char *text, uint64_t *roles);
/* "15m" as seconds; false unless it is 1 second to a year. */
bool cli_seconds(const char *text, int64_t *seconds);
/* gateward's whole command line: --help, --version, or a command. */
int cli_run(int argc, char **argv);

#endif
