/* SPDX-License-Identifier: Apache-2.0 */
/* options_sessions.c: `auth.sessions` of a configuration: where the sessions of web users are kept,
 * which cookie carries them, and how long they last. A store that has keys of its own has a section
 * and a file of its own. */
#include <stdlib.h>
#include <string.h>

#include "auth/session_store.h"
#include "server/options_load.h"
#include "wire/cookie.h"

#define SECOND_MS  ((uint64_t)1000)
#define DAY_MS     (24 * 60 * 60 * SECOND_MS)
#define COOKIE_MAX 128

static const char *const store_names[] = {
    [SESSIONS_MEMORY] = "memory", [SESSIONS_SQLITE] = "sqlite", [SESSIONS_REDIS] = "redis", NULL};

const struct option options_sessions_rows[] = {
    {.name = "store",
     .type = OPTION_ENUM,
     .offset = offsetof(struct loading, o.sessions.store),
     .choices = store_names,
     .fallback = "memory",
     .help = "where they are kept: memory (all end with the process), sqlite (a file; they "
             "outlive restarts and power cuts) or redis (see auth.sessions.redis)"},
    {.name = "cookie",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, o.sessions.cookie),
     .fallback = "__Host-session",
     .help = "name of the cookie that carries the id; must begin with __Host-, so that browsers "
             "take it from this very host over https only"},
    {.name = "insecure_cookie_name",
     .type = OPTION_BOOL,
     .offset = offsetof(struct loading, o.sessions.insecure_cookie_name),
     .fallback = "false",
     .help = "allow a `cookie` without __Host-, such as connect.sid of an existing application; "
             "the price: whoever controls a neighbouring subdomain, or the plain http traffic of "
             "a user, can plant a session of their own in that user's browser"},
    {.name = "idle",
     .type = OPTION_MS,
     .offset = offsetof(struct loading, o.sessions.idle_ms),
     .min = SECOND_MS,
     .max = 90 * DAY_MS,
     .fallback = "30m",
     .help = "a session that is not used for this long ends"},
    {.name = "absolute",
     .type = OPTION_MS,
     .offset = offsetof(struct loading, o.sessions.absolute_ms),
     .min = SECOND_MS,
     .max = 90 * DAY_MS,
     .fallback = "12h",
     .help = "a session ends this long after its login, used or not"},
    {.name = "max",
     .type = OPTION_COUNT,
     .offset = offsetof(struct loading, o.sessions.max),
     .min = 1,
     .max = SESSIONS_MAX,
     .fallback = "100000",
     .help = "sessions at a time; above, no new one is made"},
    {.name = "file",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, o.sessions.file),
     .fallback = "sessions.db",
     .help = "with `store: sqlite`: the file, from state_dir; one server at a time"},
    {.name = "redis", .type = OPTION_SECTION, .children = options_sessions_redis_rows},
    {0},
};

static void report(struct node *sessions, const char *key, struct problems *problems,
                   const char *text)
{
    const struct node *place = node_member(sessions, key);

    if (place == NULL)
        place = sessions;
    problems_add(problems, place->line, place->column, "`%s` %s", key, text);
}

static void check_cookie(const struct session_options *s, struct node *sessions,
                         struct problems *problems)
{
    static const struct view prefix = VIEW("__Host-");
    struct view name = view_of_text(s->cookie);

    if (!cookie_name_ok(name) || name.len > COOKIE_MAX)
        report(sessions, "cookie", problems,
               "is no name for a cookie: at most 128 letters, digits and !#$%&'*+-.^_`|~");
    else if (!s->insecure_cookie_name && !(view_starts_with(name, prefix) && name.len > prefix.len))
        report(sessions, "cookie", problems,
               "must begin with __Host-: a cookie of another name can be planted from a "
               "neighbouring subdomain (`insecure_cookie_name: true` allows it all the same)");
}

static void check_times(const struct session_options *s, struct node *sessions,
                        struct problems *problems)
{
    if (s->idle_ms % SECOND_MS != 0)
        report(sessions, "idle", problems, "must be whole seconds");
    if (s->absolute_ms % SECOND_MS != 0)
        report(sessions, "absolute", problems, "must be whole seconds");
    if (s->idle_ms > s->absolute_ms)
        report(sessions, "idle", problems, "is longer than `absolute`: it would never end one");
}

void options_finish_sessions(struct loading *l, struct node *root, struct problems *problems)
{
    struct node *sessions = node_member(node_member(root, "auth"), "sessions");
    struct session_options *s = &l->o.sessions;
    char *path = NULL;

    if (sessions == NULL || sessions->type != NODE_MAP)
        return;
    s->is_on = true;
    if (s->cookie != NULL)
        check_cookie(s, sessions, problems);
    check_times(s, sessions, problems);
    if (s->store != SESSIONS_SQLITE && node_member(sessions, "file") != NULL)
        report(sessions, "file", problems, "goes with `store: sqlite` only");
    options_finish_sessions_redis(l, sessions, problems);
    if (s->file == NULL || s->file[0] == '/' || l->o.state_dir == NULL)
        return;
    if (asprintf(&path, "%s/%s", l->o.state_dir, s->file) < 0) {
        report(sessions, "file", problems, "cannot be kept: out of memory");
        return;
    }
    free(s->file);
    s->file = path;
}

void options_clear_sessions(struct options *o)
{
    free(o->sessions.cookie);
    free(o->sessions.file);
    session_store_free(o->sessions.redis);
}
