/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h: `gateward audit`: the checklist of fourteen points, and what was found about each of
 * them in a configuration (audit_config.c) or at a running server (audit_probe.c). */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum audit_point {
    AUDIT_TLS,
    AUDIT_ORIGIN,
    AUDIT_LOGIN,
    AUDIT_TOKENS,
    AUDIT_CHANNELS,
    AUDIT_MESSAGES,
    AUDIT_RATES,
    AUDIT_SIZE,
    AUDIT_TIMEOUTS,
    AUDIT_LOG,
    AUDIT_MTLS,
    AUDIT_PING,
    AUDIT_CLOSE,
    AUDIT_RANDOM,
    AUDIT_POINTS
};
/* In this order a point takes the worst of its findings; a note says something without judging. */
enum audit_verdict { AUDIT_NOTE, AUDIT_PASS, AUDIT_UNKNOWN, AUDIT_FAIL, AUDIT_VERDICTS };

#define AUDIT_FINDINGS_MAX 600
#define AUDIT_TEXT_MAX     400

struct audit_finding {
    enum audit_point point;
    enum audit_verdict verdict;
    int line; /* of the configuration; 0: no single line */
    char text[AUDIT_TEXT_MAX];
};
struct audit {
    const char *subject; /* the file or the address; the caller's */
    bool is_server;
    struct view secret; /* never shown; empty: there is none */
    struct audit_finding *findings;
    uint32_t count, left_out; /* left out of the list, but not of the verdicts */
    uint32_t seen[AUDIT_POINTS][AUDIT_VERDICTS];
};

/* false: out of memory. */
bool audit_init(struct audit *a, const char *subject, bool is_server);
void audit_clear(struct audit *a);
/* Where a finding belongs. */
struct audit_place {
    enum audit_point point;
    enum audit_verdict verdict;
    int line;
};
void audit_add(struct audit *a, struct audit_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A point about which nothing was found is unknown. */
enum audit_verdict audit_verdict_of(const struct audit *a, enum audit_point point);

/* A stranger's words inside a finding: short, printable ASCII, and nothing of them where a part of
 * the secret stands in them. */
struct audit_quote {
    char text[80];
};
struct audit_quote audit_quote(const struct audit *a, struct view words);

/* Both write the whole report to stdout and return the exit code of the process: 1 if a point
 * failed. */
int audit_print(const struct audit *a);
int audit_print_json(const struct audit *a);

/* Adds what a configuration says. False: it cannot be loaded, which was told on stderr. */
bool audit_config(struct audit *a, const char *path);

#endif
