/* SPDX-License-Identifier: Apache-2.0 */
/* options_log.c: `log` of a configuration: where events go, and how they hold on to each other. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/status.h"
#include "net/syslog_link.h"
#include "server/event_syslog.h"
#include "server/options_load.h"

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug", NULL};

/* A log cannot be made where there is no folder, and that is better known before the start. */
static void check_folder(const char *path, const struct node *value, struct problems *problems)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    struct stat st;

    if (folder == NULL)
        problems_add(problems, value->line, value->column, "out of memory");
    else if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
        problems_add(problems, value->line, value->column, "`events`: there is no folder %s",
                     problem_word(view_of_text(folder)).text);
    free(folder);
}

/* A word, or a path; a path shows itself by a slash or a dot, so that a mistyped word does not
 * become a file. */
static int read_events(struct node *value, void *target, struct problems *problems)
{
    static const char *const words[] = {"stderr", "stdout", "syslog", "off", NULL};
    struct loading *l = target;
    char *written = NULL;

    if (!option_text(value, &written, problems))
        return E_INVALID;
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(written, words[i]) != 0)
            continue;
        l->o.log.events = written;
        return OK;
    }
    if (strpbrk(written, "/.") == NULL)
        problems_add(problems, value->line, value->column,
                     "`events` is stderr, stdout, syslog, off, or a file such as ./%s%s",
                     problem_word(value->text).text, problems_suggestion(value->text, words).text);
    else
        l->o.log.events = options_path(l, written, value, problems);
    if (l->o.log.events != NULL)
        check_folder(l->o.log.events, value, problems);
    free(written);
    return OK;
}

/* Whoever listens there may come later: only what can never be a socket is a fault. */
static int read_socket(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;
    char *written = NULL;

    if (!option_text(value, &written, problems))
        return E_INVALID;
    l->o.log.syslog_socket = options_path(l, written, value, problems);
    free(written);
    if (l->o.log.syslog_socket != NULL && strlen(l->o.log.syslog_socket) > SYSLOG_PATH_MAX)
        problems_add(problems, value->line, value->column,
                     "`socket`: the path of a socket has at most %d bytes", SYSLOG_PATH_MAX);
    return OK;
}

static const struct option syslog_rows[] = {
    {.name = "socket",
     .type = OPTION_CUSTOM,
     .custom = read_socket,
     .fallback = "/dev/log",
     .help = "of `events: syslog`: the Unix datagram socket of this machine's syslog"},
    {.name = "facility",
     .type = OPTION_ENUM,
     .offset = offsetof(struct loading, o.log.syslog_facility),
     .choices = event_syslog_facilities,
     .fallback = "authpriv",
     .help = "what syslog files them under: user, daemon, auth, authpriv, local0 to local7"},
    {0},
};
const struct option options_log_rows[] = {
    {.name = "events",
     .type = OPTION_CUSTOM,
     .custom = read_events,
     .fallback = "stderr",
     .help = "security events: stderr, stdout, syslog, off or a file such as ./events.log"},
    {.name = "chain",
     .type = OPTION_BOOL,
     .offset = offsetof(struct loading, o.log.chain),
     .fallback = "false",
     .help =
         "each event line carries a hash of the one before it; `gateward audit verify-log` finds "
         "what was changed"},
    {.name = "syslog", .type = OPTION_SECTION, .children = syslog_rows},
    {.name = "level",
     .type = OPTION_ENUM,
     .offset = offsetof(struct loading, o.log.level),
     .choices = level_names,
     .fallback = "info",
     .help = "of the operator's log on stderr"},
    {0},
};

void options_clear_log(struct log_options *log)
{
    free(log->events);
    free(log->syslog_socket);
}
