/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward audit verify-log FILE...`: holds the lines of event logs that were written with
 * `log.chain` against each other, and names each that was changed, or that does not follow the one
 * before it. Several files are read in their order, as a rotation has left them. */
#include "cli/audit_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/event_chain.h"

#define FAULTS_SHOWN 100

struct check {
    struct event_chain chain;
    unsigned long long lines, faults;
    bool has_begun;
};

static void report(struct check *c, const char *path, unsigned long long line, const char *what)
{
    if (++c->faults <= FAULTS_SHOWN)
        (void)printf("%s:%llu: %s\n", path, line, what);
}

static void check_line(struct check *c, const char *path, unsigned long long number,
                       struct view line)
{
    enum event_link link;
    bool is_whole = line.len > 0 && line.ptr[line.len - 1] == '\n';

    c->lines++;
    if (!is_whole) {
        report(c, path, number, "the line is torn off");
        return;
    }
    link = event_chain_check(&c->chain, view_of(line.ptr, line.len - 1));
    if (link == EVENT_LINK_BROKEN && !c->has_begun)
        link = EVENT_LINK_GOOD; /* the file before it is not here */
    if (link == EVENT_LINK_CHANGED)
        report(c, path, number, "the line was changed");
    else if (link == EVENT_LINK_BROKEN)
        report(c, path, number,
               "does not follow the line before it: lines were taken out, put in or moved here");
    else if (link == EVENT_LINK_NONE)
        report(c, path, number, "the line carries no hashes");
    c->has_begun = c->has_begun || link != EVENT_LINK_NONE;
}

static bool check_file(struct check *c, const char *path)
{
    FILE *f = fopen(path, "re");
    unsigned long long number = 0;
    char *line = NULL;
    size_t room = 0;
    ssize_t len;

    if (f == NULL) {
        (void)fprintf(stderr, "gateward audit: %s: %s\n", path, strerror(errno));
        return false;
    }
    while ((len = getline(&line, &room, f)) > 0)
        check_line(c, path, ++number, view_of(line, (size_t)len));
    free(line);
    (void)fclose(f);
    return true;
}

int audit_verify_log(int count, char *const *paths)
{
    struct check c = {.lines = 0};

    if (count == 0 || strcmp(paths[0], "--help") == 0 || strcmp(paths[0], "-h") == 0) {
        (void)fprintf(count == 0 ? stderr : stdout,
                      "usage: gateward audit verify-log FILE...\n\n"
                      "Names each line of an event log (log.chain: true) that was changed, taken "
                      "out, put in or moved.\nSeveral files: oldest first. Exit code 0: all lines "
                      "hold. 1: some do not. 2: cannot be read.\n");
        return count == 0 ? 2 : 0;
    }
    event_chain_init(&c.chain);
    for (int i = 0; i < count; i++) {
        if (!check_file(&c, paths[i]))
            return 2;
    }
    if (c.faults > FAULTS_SHOWN)
        (void)printf("and %llu more\n", c.faults - FAULTS_SHOWN);
    (void)printf("%llu lines, %llu faults; the last hash is %s\n", c.lines, c.faults, c.chain.last);
    return c.faults > 0 ? 1 : 0;
}
