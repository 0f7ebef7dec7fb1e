/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: nothing but the entry; the command table is in cli.c, which tests can link. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_run(argc, argv);
}
