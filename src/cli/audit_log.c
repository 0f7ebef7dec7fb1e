/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward audit verify-log FILE...`: holds the lines of event logs that were written with
 * `log.chain` against each other, and names each that was changed, or that does not follow the one
 * before it. Several files are read in their order, as a rotation has left them. */
#include "cli/audit_log.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "cli/cli.h"
#include "crypto/secret.h"
#include "server/event_end.h"

#define FAULTS_SHOWN 100

struct check {
    struct event_reader reader;
    const char *path; /* of the line */
    unsigned long long number, lines, faults, without_key;
    struct event_end end; /* seq 0: none was given */
    bool met_end, is_end_other;
};

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward audit verify-log [--key FILE] [--end FILE] FILE...\n\n"
        "Names each line of an event log (log.chain, log.chain_key) that was changed, taken out,\n"
        "put in or moved. Several files: oldest first.\n\n"
        "  --key FILE  what log.chain_key names; without it a log under a key cannot be verified\n"
        "  --end FILE  event_log.end of the state folder, which says how far the log had come:\n"
        "              lines that were cut off its end are found\n\n"
        "Exit code 0: all lines hold. 1: some do not. 2: cannot be read, or not understood.\n",
        to);
}

static void report(struct check *c, const char *what)
{
    if (++c->faults <= FAULTS_SHOWN)
        (void)printf("%s:%llu: %s\n", c->path, c->number, what);
}

/* --- lines --- */

static const char *words_of(enum event_link link, bool is_keyed)
{
    switch (link) {
    case EVENT_LINK_GOOD:
    case EVENT_LINK_MISSING:
        break;
    case EVENT_LINK_CHANGED:
        return is_keyed ? "the line was changed or put in, or the log_mark before it is gone: its "
                          "MAC is not good"
                        : "the line was changed";
    case EVENT_LINK_BROKEN:
        return "does not follow the line before it: lines were taken out, put in or moved here";
    case EVENT_LINK_NONE:
        return "the line carries no hashes";
    case EVENT_LINK_MOVED:
        return "its number has been: it was moved here, or is a copy";
    case EVENT_LINK_UNKNOWN:
        return "cannot be verified: the log_mark of its segment is not here";
    case EVENT_LINK_NO_KEY:
        return "cannot be verified: it is under a key (--key FILE)";
    case EVENT_LINK_OTHER_KEY:
        return "was written under another key";
    }
    return NULL;
}

static void judge(struct check *c, struct view line)
{
    enum event_link link = event_chain_judge(&c->reader, line);
    const struct event_chain *chain = &c->reader.chain;
    char text[128];

    if (link == EVENT_LINK_NO_KEY && c->without_key++ > 0) {
        c->faults++;
        return; /* once is enough */
    }
    if (link == EVENT_LINK_MISSING) {
        (void)snprintf(text, sizeof(text), "%llu line(s) before this one are missing",
                       (unsigned long long)c->reader.missing);
        report(c, text);
    } else if (link == EVENT_LINK_NONE && (line.len == 0 || line.ptr[line.len - 1] != '}')) {
        report(c, "the line is torn off and carries no hashes: the server was killed here, or "
                  "somebody cut it");
    } else if (words_of(link, chain->is_keyed) != NULL) {
        report(c, words_of(link, chain->is_keyed));
    }
    if (c->end.seq == 0 || chain->seq != c->end.seq || c->met_end)
        return;
    c->met_end = true;
    c->is_end_other = memcmp(chain->last, c->end.last, EVENT_HASH_TEXT) != 0;
}

static bool check_file(struct check *c, const char *path)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t len;

    if (f == NULL) {
        (void)fprintf(stderr, "gateward audit: %s: %s\n", path, strerror(errno));
        return false;
    }
    c->path = path;
    c->number = 0;
    while ((len = getline(&line, &room, f)) > 0) {
        c->number++;
        c->lines++;
        if (line[len - 1] == '\n')
            judge(c, view_of(line, (size_t)len - 1));
        else
            report(c, "the line is torn off");
    }
    free(line);
    (void)fclose(f);
    return true;
}

/* --- the end --- */

static void judge_end(struct check *c)
{
    const struct event_chain *chain = &c->reader.chain;

    if (!chain->is_keyed || c->reader.key.len == 0)
        return;
    if (c->end.seq > chain->seq) {
        c->faults++;
        (void)printf("%s: %llu line(s) are missing at the end: the log had come to line %llu\n",
                     c->path, (unsigned long long)(c->end.seq - chain->seq),
                     (unsigned long long)c->end.seq);
    } else if (c->end.seq > 0 && (!c->met_end || c->is_end_other)) {
        c->faults++;
        (void)printf("%s: line %llu is not the one that was written\n", c->path,
                     (unsigned long long)c->end.seq);
    }
    if (!c->reader.has_ended)
        (void)printf("note: the end is open: the server still writes, was killed, or lines are "
                     "missing behind line %llu%s\n",
                     (unsigned long long)chain->seq, c->end.seq > 0 ? "" : " (--end tells more)");
}

static void sum_up(const struct check *c)
{
    const struct event_chain *chain = &c->reader.chain;

    if (c->faults > FAULTS_SHOWN)
        (void)printf("and more\n");
    (void)printf("%llu lines, %llu faults; ", c->lines, c->faults);
    if (chain->is_keyed && c->reader.key.len > 0)
        (void)printf("%s line %llu, and its MAC is %s\n",
                     c->reader.has_ended ? "ended in order by" : "the last is",
                     (unsigned long long)chain->seq, chain->last);
    else
        (void)printf("the last hash is %s\n", chain->last);
}

/* --- the command --- */

static bool load_end(struct check *c, const char *path)
{
    int rc = event_end_read(&c->end, path, c->reader.key);

    if (rc == OK)
        return true;
    if (rc == E_DENIED || rc == E_INVALID) {
        c->faults++;
        (void)printf("%s: not sealed under this key: it says nothing about the end\n", path);
        return true;
    }
    (void)fprintf(stderr, "gateward audit: %s: %s\n", path,
                  rc == E_IO ? strerror(errno) : status_text(rc));
    return false;
}

static int verify(struct check *c, int count, char *const *paths)
{
    for (int i = 0; i < count; i++) {
        if (!check_file(c, paths[i]))
            return CLI_USAGE;
    }
    judge_end(c);
    sum_up(c);
    return c->faults > 0 ? CLI_REFUSED : CLI_OK;
}

static int run(const char *key_path, const char *end_path, int count, char *const *paths)
{
    struct buf key = BUF_INIT(SECRET_BYTES_MAX);
    struct check c = {.lines = 0};
    struct error why = {{0}, 0, 0};
    int exit_code = CLI_USAGE;

    event_chain_init(&c.reader.chain);
    if (key_path != NULL &&
        (secret_load_file(&key, key_path, &why) != OK || secret_check_strength(&key, &why) != OK)) {
        (void)fprintf(stderr, "gateward audit: %s\n", why.text);
    } else {
        c.reader.key = buf_view(&key);
        if (end_path == NULL || load_end(&c, end_path))
            exit_code = verify(&c, count, paths);
    }
    event_seal_wipe(&c.reader.chain.seal);
    secret_buf_clear(&key);
    return exit_code;
}

int audit_verify_log(int argc, char **argv)
{
    static const struct option longs[] = {{"key", required_argument, NULL, 'k'},
                                          {"end", required_argument, NULL, 'e'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *key = NULL, *end = NULL;
    int c;

    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c == 'k') {
            key = optarg;
        } else if (c == 'e') {
            end = optarg;
        } else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? CLI_OK : CLI_USAGE;
        }
    }
    if (optind >= argc || (end != NULL && key == NULL)) {
        usage(stderr);
        return CLI_USAGE;
    }
    return run(key, end, argc - optind, argv + optind);
}
