/* SPDX-License-Identifier: Apache-2.0 */
/* options_log.c: `log` of a configuration: where events go, and how they hold on to each other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/status.h"
#include "crypto/secret.h"
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

/* Only looked at here: it is read when the log is opened, before privileges go, and need not be
 * readable afterwards. */
static void check_key(const char *path, const struct node *value, struct problems *problems)
{
    struct buf key = BUF_INIT(SECRET_BYTES_MAX);
    struct error why = {{0}, 0, 0};

    if (access(path, R_OK) != 0 && errno == EACCES)
        return;
    if (secret_load_file(&key, path, &why) != OK || secret_check_strength(&key, &why) != OK)
        problems_add(problems, value->line, value->column, "`chain_key`: %s", why.text);
    secret_buf_clear(&key);
}

struct key_draft {
    char *file;
};
static const struct option key_rows[] = {
    {.name = "file", .type = OPTION_TEXT, .offset = offsetof(struct key_draft, file)},
    {0},
};

/* Not from the environment: what this process was started with stays readable for its user, and
 * then whoever takes it over could write the past anew. */
static int read_chain_key(struct node *value, void *target, struct problems *problems)
{
    struct key_draft draft = {NULL};
    struct loading *l = target;

    if (value->type != NODE_MAP) {
        problems_add(problems, value->line, value->column,
                     "a secret does not stand in the configuration: put it in a file that only the "
                     "server may read and write {file: NAME}");
        return E_INVALID;
    }
    options_read(key_rows, value, &draft, problems);
    if (draft.file == NULL)
        problems_add(problems, value->line, value->column, "`chain_key` is written {file: NAME}");
    else
        l->o.log.chain_key = options_path(l, draft.file, value, problems);
    if (l->o.log.chain_key != NULL)
        check_key(l->o.log.chain_key, value, problems);
    options_clear(key_rows, &draft);
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
    {.name = "chain_key",
     .type = OPTION_CUSTOM,
     .custom = read_chain_key,
     .help = "{file: NAME}, 32 bytes or more: the chain is made with this key, so that nobody else "
             "can write it anew; implies `chain`"},
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
    free(log->chain_key);
}
