/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward bench MODE URL`: help, and from a plan to a result. */
#include "cli/bench.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "bench/run.h"
#include "cli/cli.h"

static void usage(void)
{
    (void)fputs(
        "usage: gateward bench MODE URL [OPTIONS]\n\n"
        "Measures a WebSocket server, gateward or any other. MODE:\n\n"
        "  echo      messages that come back: what a server can do, or how late they are at a "
        "rate\n"
        "  fanout    one publisher, many subscribers\n"
        "  connect   connections that are opened\n"
        "  idle      connections that do nothing, and the memory they cost\n"
        "  chat      people who come, subscribe, say something and leave\n\n",
        stdout);
    (void)fputs("      --connections N      how many; --subscribers means the same\n"
                "      --bytes N            of the data in a message (default 128)\n"
                "      --messages N         measure so many (fanout: publications)\n"
                "      --seconds S          measure for so long (default 5)\n"
                "      --warm-up N          messages before that\n"
                "      --batch N            connections being opened at a time (default 50)\n"
                "      --sources N          come from 127.0.0.1 to 127.0.0.N\n"
                "      --timeout S          how long nothing may come that is due (default 30)\n"
                "      --pid N              the server's process, for CPU and memory; may be "
                "repeated\n"
                "      --pin CORE           stay on this core\n"
                "      --json               one JSON object on stdout\n",
                stdout);
    (void)fputs(
        "echo\n"
        "      --depth N            messages under way on each connection (default 1)\n"
        "      --threads N          of this program, for servers with many cores\n"
        "      --rate R | P%        so many a second by the clock, or this share of what "
        "the\n"
        "                           server can do, which is measured first; latency counts\n"
        "                           from when a message was due\n"
        "fanout\n"
        "      --pace awaited       publish when all have the message before (default)\n"
        "      --pace acked         when the publisher has its answer\n"
        "      --pace R             so many a second\n"
        "      --publish-url URL    where the publisher goes, if not to URL\n"
        "connect\n"
        "      --full, --resumed    TLS handshakes in full (default), or with a ticket\n"
        "      --keep               keep all of them, then close them together\n"
        "idle\n"
        "      --silent             say nothing at all after the TCP connection\n"
        "chat\n"
        "      --rate R, --churn R  publications and departures a second (default 100, "
        "10)\n",
        stdout);
    (void)fputs("how the server is spoken to\n"
                "      --native             gateward's protocol: log in, subscribe, publish\n"
                "      --channel NAME       of --native (default bench)\n"
                "      --hello TEXT         say this first and await a message; may be repeated\n"
                "      --join TEXT          a subscriber says this and awaits a message\n"
                "      --joined WORD        that holds this word; - awaits none\n"
                "      --send TEXT          publish this, or in echo send it; {data} in it is the "
                "data\n"
                "      --answer WORD        in echo: each answer holds this, and is not what was "
                "sent\n"
                "      --ack                the publisher gets an answer to each publication\n"
                "      --count-word WORD    deliveries are the times this comes, not messages\n"
                "      --binary             binary messages\n"
                "      --compress           offer permessage-deflate, which must be accepted\n"
                "      --subprotocol NAME, --origin ORIGIN\n"
                "      --token {env:NAME} | {file:PATH}, --token-file PATH\n"
                "                           with --native in the first message, else in "
                "Authorization\n"
                "      --bearer             in Authorization in any case\n"
                "      --ca FILE            trust the authorities in FILE instead of the "
                "system's\n"
                "      --insecure           trust whatever certificate comes\n\n"
                "Exit codes: 0 measured, 1 something went wrong, 2 not understood.\n"
                "docs/bench.md says what the numbers mean.\n",
                stdout);
}

int bench_complain(const char *format, ...)
{
    va_list list;

    (void)fputs("gateward bench: ", stderr);
    va_start(list, format);
    (void)vfprintf(stderr, format, list);
    va_end(list);
    (void)fputc('\n', stderr);
    return CLI_USAGE;
}

static int measure(const struct plan *plan)
{
    struct result *result = malloc(sizeof(*result));
    struct error why = {.text = "out of memory"};
    int rc = E_NOMEM;
    bool is_told;

    /* A server that is gone is an error to be told, not the end of this process. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (result != NULL)
        rc = bench_run(result, plan, &why);
    if (rc == OK) {
        is_told = plan->is_json ? result_print_json(result, plan, stdout)
                                : result_print_text(result, plan, stdout);
        rc = is_told && fflush(stdout) == 0 ? OK : E_IO;
        error_set(&why, "cannot write the result");
    }
    if (rc != OK)
        (void)bench_complain("%s", why.text);
    free(result);
    return rc == OK ? CLI_OK : CLI_REFUSED;
}

int cmd_bench(int argc, char **argv)
{
    struct bench_args *a = calloc(1, sizeof(*a));
    int rc;

    if (a == NULL)
        return CLI_REFUSED;
    rc = bench_read_arguments(a, argc, argv);
    if (rc == CLI_OK)
        rc = bench_complete(a);
    if (rc == CLI_OK)
        rc = measure(&a->plan);
    if (rc < 0) {
        usage();
        rc = CLI_OK;
    }
    bench_args_clear(a);
    free(a);
    return rc;
}
