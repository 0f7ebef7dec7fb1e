/* SPDX-License-Identifier: Apache-2.0 */
/* Opens and closes the store of sessions and what goes with it. The key of the CSRF tokens lies in
 * the state folder, so that a page which was loaded before a restart can still log in after it. */
#include "server/session_stores.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/csrf.h"
#include "auth/session_store.h"
#include "auth/ticket.h"
#include "base/file.h"
#include "base/random.h"
#include "base/status.h"
#include "crypto/secret.h"

static bool has_cookies(const struct options *o)
{
    return o->sessions.is_on || o->auth.hook != NULL;
}

/* --- the key --- */

static int make_key(uint8_t key[CSRF_KEY_BYTES], const char *path, struct error *why)
{
    random_bytes(key, CSRF_KEY_BYTES);
    if (file_write(path, key, CSRF_KEY_BYTES, 0600) == OK)
        return OK;
    error_set(why, "cannot write %s: %s", path, strerror(errno));
    return E_IO;
}

static int read_key(uint8_t key[CSRF_KEY_BYTES], const char *path, struct error *why)
{
    struct buf bytes = BUF_INIT(CSRF_KEY_BYTES);
    struct stat status;
    int rc = file_read(&bytes, path);

    if (rc == E_IO && errno == ENOENT) {
        rc = make_key(key, path, why);
    } else if (rc != OK || bytes.len != CSRF_KEY_BYTES) {
        error_set(why, "%s is no key: delete it, and a new one is made", path);
        rc = E_INVALID;
    } else if (stat(path, &status) != 0 || (status.st_mode & 077) != 0) {
        error_set(why, "%s can be read by others: chmod 600 it", path);
        rc = E_DENIED;
    } else {
        memcpy(key, bytes.data, CSRF_KEY_BYTES);
    }
    secret_buf_clear(&bytes);
    return rc;
}

static int open_csrf(struct server *s, struct error *why)
{
    uint8_t key[CSRF_KEY_BYTES];
    char *path = NULL;
    int rc;

    if (mkdir(s->options->state_dir, 0700) != 0 && errno != EEXIST) {
        error_set(why, "cannot make %s: %s", s->options->state_dir, strerror(errno));
        return E_IO;
    }
    if (asprintf(&path, "%s/csrf.key", s->options->state_dir) < 0) {
        error_set(why, "out of memory");
        return E_NOMEM;
    }
    rc = read_key(key, path, why);
    if (rc == OK) {
        rc = csrf_new(&s->options->auth.csrf, key);
        if (rc != OK)
            error_set(why, "cannot prepare the CSRF tokens: %s", status_text(rc));
    }
    secret_wipe(key, sizeof(key));
    free(path);
    return rc;
}

/* --- the store --- */

static int open_store(struct server *s, struct error *why)
{
    const struct session_options *from = &s->options->sessions;
    struct session_store_options options = {.idle_s = (uint32_t)(from->idle_ms / 1000),
                                            .absolute_s = (uint32_t)(from->absolute_ms / 1000),
                                            .max = (uint32_t)from->max,
                                            .roles = &s->options->policy.roles};
    struct session_store **out = &s->options->auth.sessions;
    int rc = E_INVALID;

    switch ((enum session_engine)from->store) {
    case SESSIONS_MEMORY:
        rc = session_memory_new(out, &options);
        if (rc != OK)
            error_set(why, "cannot prepare the sessions: %s", status_text(rc));
        break;
    case SESSIONS_SQLITE:
        rc = session_sqlite_new(out, &options, from->file, why);
        break;
    case SESSIONS_REDIS: /* made with the options; ours from now on */
        *out = s->options->sessions.redis;
        s->options->sessions.redis = NULL;
        rc = OK;
        break;
    }
    if (rc == OK)
        s->options->auth.session_cookie = from->cookie;
    return rc;
}

int session_stores_open(struct server *s, struct error *why)
{
    struct options *o = s->options;
    int rc = OK;

    if (!has_cookies(o))
        return OK;
    if (o->sessions.is_on)
        rc = open_store(s, why);
    if (rc == OK && o->csrf == CSRF_REQUIRED)
        rc = open_csrf(s, why);
    if (rc == OK && o->auth.tickets == NULL) {
        rc = tickets_new(&s->tickets, TICKETS_MAX);
        if (rc != OK)
            error_set(why, "cannot prepare the tickets: %s", status_text(rc));
        o->auth.tickets = s->tickets;
    }
    return rc;
}

void session_stores_close(struct server *s)
{
    struct auth *auth = &s->options->auth;

    session_store_free(auth->sessions);
    auth->sessions = NULL;
    auth->session_cookie = NULL;
    csrf_free(auth->csrf);
    auth->csrf = NULL;
    if (s->tickets != NULL)
        auth->tickets = NULL;
    tickets_free(s->tickets);
    s->tickets = NULL;
}
