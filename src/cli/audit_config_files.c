/* SPDX-License-Identifier: Apache-2.0 */
/* audit_config_files.c: the event log, secrets, and the modes of the files that a configuration
 * names. What others can read of keys and secrets is refused when they are loaded; here it is also
 * named what the group can read, and what others can change. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/audit_lint.h"

static bool find_file(const struct lint *lint, struct view name, struct stat *st)
{
    char path[4096];
    int len = name.len > 0 && name.ptr[0] == '/'
                  ? snprintf(path, sizeof(path), VIEW_FMT, VIEW_ARG(name))
                  : snprintf(path, sizeof(path), "%s/" VIEW_FMT, lint->directory, VIEW_ARG(name));

    return len > 0 && (size_t)len < sizeof(path) && stat(path, st) == 0;
}

/* --- point 10 --- */

static void check_log(const struct lint *lint)
{
    const char *events = lint->o->log.events;
    int line = lint_line(lint_find(lint->root, "log.events"), "");
    struct stat st;

    if (strcmp(events, "off") == 0)
        LINT_FAIL(lint, AUDIT_LOG, line, "log.events: off: attacks leave no trace");
    else if (strcmp(events, "stderr") != 0 && strcmp(events, "stdout") != 0 &&
             strcmp(events, "syslog") != 0 && stat(events, &st) == 0 && S_ISREG(st.st_mode) &&
             (st.st_mode & 022) != 0)
        LINT_FAIL(lint, AUDIT_LOG, line, "the event log %s can be changed by others (mode %03o)",
                  events, (unsigned)st.st_mode & 0777);
    else
        LINT_PASS(lint, AUDIT_LOG, line, "security events go to %s%s", events,
                  line == 0 ? " (default)" : "");
}

/* --- point 14 --- */

static void check_key_file(const struct lint *lint, const struct node *value)
{
    struct stat st;

    if (value->type != NODE_SCALAR || !find_file(lint, value->text, &st))
        return;
    if ((st.st_mode & 077) != 0)
        LINT_FAIL(lint, AUDIT_RANDOM, value->line,
                  "%s can be read by others than its owner (mode %03o, should be 600)",
                  problem_word(value->text).text, (unsigned)st.st_mode & 0777);
    else
        LINT_PASS(lint, AUDIT_RANDOM, value->line, "only its owner can read %s",
                  problem_word(value->text).text);
}

/* {file: NAME} is a secret wherever it stands, `key` and a private key beside a certificate. Depth
 * is bounded by the document. */
static void check_secrets(const struct lint *lint, struct node *from)
{
    for (struct node *member = from->first; member != NULL; member = member->next) {
        if (member->type == NODE_MAP || member->type == NODE_LIST) {
            check_secrets(lint, member);
            continue;
        }
        if (from->type != NODE_MAP)
            continue;
        if (view_eq(member->key, VIEW("file")) && from->first->next == NULL)
            check_key_file(lint, member);
        else if (view_eq(member->key, VIEW("file")) && node_member(from, "kid") != NULL)
            check_key_file(lint, member);
        else if (view_eq(member->key, VIEW("key")) && node_member(from, "cert") != NULL)
            check_key_file(lint, member);
    }
}

void lint_files(const struct lint *lint)
{
    struct stat st;

    check_log(lint);
    LINT_PASS(
        lint, AUDIT_RANDOM, 0,
        "ids, tickets and CSRF tokens come from the system's generator; secrets have at least "
        "32 bytes and are no known samples");
    check_secrets(lint, lint->root);
    if (stat(lint->path, &st) == 0 && (st.st_mode & 022) != 0)
        LINT_FAIL(lint, AUDIT_RANDOM, 0,
                  "the configuration itself can be changed by others (mode %03o)",
                  (unsigned)st.st_mode & 0777);
}
