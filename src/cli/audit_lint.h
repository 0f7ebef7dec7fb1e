/* SPDX-License-Identifier: Apache-2.0 */
/* audit_lint.h: a configuration while it is audited: what it means (options) beside how it was
 * written (the document, which knows the lines). Private to audit_config*.c. */
#ifndef CLI_AUDIT_LINT_H
#define CLI_AUDIT_LINT_H

#include "cli/audit.h"
#include "config/node.h"
#include "server/options.h"

struct lint {
    struct audit *report;
    const struct options *o;
    struct node *root;
    const char *path, *directory; /* of the configuration */
};

/* "limits.message_size" below `from` (may be NULL); NULL: not written. */
struct node *lint_find(struct node *from, const char *path);
struct node *lint_item(struct node *list, uint32_t index); /* NULL: there is none */
/* The line of the key at `path` below `from` (may be NULL), or of the nearest thing above it that
 * was written, `from` included; 0: none was. */
int lint_line(struct node *from, const char *path);
int lint_root_line(const struct lint *lint, const char *path);
bool lint_is_true(struct node *from, const char *path);

#define LINT_FAIL(lint, point, line, ...)                                                          \
    audit_add((lint)->report, (struct audit_place){(point), AUDIT_FAIL, (line)}, __VA_ARGS__)
#define LINT_PASS(lint, point, line, ...)                                                          \
    audit_add((lint)->report, (struct audit_place){(point), AUDIT_PASS, (line)}, __VA_ARGS__)
#define LINT_NOTE(lint, point, line, ...)                                                          \
    audit_add((lint)->report, (struct audit_place){(point), AUDIT_NOTE, (line)}, __VA_ARGS__)
#define LINT_UNKNOWN(lint, point, line, ...)                                                       \
    audit_add((lint)->report, (struct audit_place){(point), AUDIT_UNKNOWN, (line)}, __VA_ARGS__)

/* audit_config_access.c: points 2 to 6: who gets in, and what may be done then. */
void lint_access(const struct lint *lint);
/* audit_config_limits.c: points 7 to 9, 12 and 13: the numbers. */
void lint_limits(const struct lint *lint);
/* audit_config_files.c: points 10 and 14: the log, secrets, and who else can touch the files. */
void lint_files(const struct lint *lint);

#endif
