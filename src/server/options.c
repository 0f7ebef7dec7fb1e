/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: a configuration from its text to struct options: read all rows, then what follows from
 * several of them, then hand it over whole or not at all. The rows are in options_rows.c and in the
 * file of their subject. */
#include "server/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/introspection.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "server/options_limits_load.h"
#include "server/options_messages.h"

void *options_alloc(size_t count, size_t bytes, const struct node *value, struct problems *problems)
{
    void *memory = count > 0 ? calloc(count, bytes) : NULL;

    if (memory == NULL && count > 0)
        problems_add(problems, value->line, value->column, "out of memory");
    return memory;
}

char *options_path(const struct loading *l, const char *path, const struct node *value,
                   struct problems *problems)
{
    char *joined = NULL;

    if (path[0] == '/' || strcmp(l->directory, ".") == 0)
        joined = strdup(path);
    else if (asprintf(&joined, "%s/%s", l->directory, path) < 0)
        joined = NULL;
    if (joined == NULL)
        problems_add(problems, value->line, value->column, "out of memory");
    return joined;
}

static void clear(struct options *o)
{
    options_clear_listen(o);
    options_clear_auth(o);
    options_clear_access(o);
    message_policy_clear(&o->messages);
    options_clear_internal(o);
    options_clear_limits(o);
    free(o->state_dir);
    free(o->user);
    options_clear_log(&o->log);
    free(o->path);
    flat_free(o->flat);
}

void options_free(struct options *o)
{
    if (o == NULL)
        return;
    clear(o);
    free(o);
}

static void report_nothing(struct problems *problems)
{
    problems_add(problems, 1, 1,
                 "there is no listener here. The smallest file that works:\n"
                 "  listen: [{address: 127.0.0.1:8080}]\n"
                 "  auth: {jwt: [{algorithms: [HS256], secret: {file: jwt.secret}, issuer: null, "
                 "audience: null}]}\n"
                 "  channels: [{pattern: \"public:chat\"}]");
}

/* Moves what was read to its place for good. Pointers between its parts are made here, where
 * nothing moves any more. */
static int hand_over(struct options **out, struct loading *l, struct problems *problems)
{
    struct options *o = malloc(sizeof(*o));

    if (o == NULL) {
        problems_add(problems, 0, 0, "out of memory");
        return E_INVALID;
    }
    *o = l->o;
    o->auth.roles = &o->policy.roles;
    o->auth.scopes = &o->policy.scopes;
    if (access_policy_build(&o->policy) != OK || message_policy_build(&o->messages) != OK ||
        options_make_oauth2(o, l) != OK || options_make_hook(o, l) != OK ||
        options_make_sessions_redis(o, l) != OK) {
        introspection_free(o->auth.introspection);
        hook_free(o->auth.hook);
        access_policy_clear(&o->policy);
        map_clear(&o->messages.by_name);
        free(o);
        problems_add(problems, 0, 0, "out of memory");
        return E_INVALID;
    }
    memset(&l->o, 0, sizeof(l->o));
    *out = o;
    return OK;
}

static void read_root(struct loading *l, struct node *root, struct problems *problems)
{
    bool is_empty = root->type == NODE_NULL || (root->type == NODE_MAP && root->count == 0);

    if (is_empty) {
        report_nothing(problems);
        return;
    }
    if (root->type != NODE_MAP) {
        problems_add(problems, root->line, root->column,
                     "a configuration is made of `key: value` lines");
        return;
    }
    l->has_listen = node_member(root, "listen") != NULL;
    l->has_hosts = node_member(root, "hosts") != NULL;
    options_read(options_rows, root, l, problems);
    if (!l->has_listen)
        report_nothing(problems);
    options_finish_sessions(l, root, problems);
    options_finish_oauth2(l, root, problems);
    options_finish_hook(l, root, problems);
    options_finish_limits(l, root, problems);
    options_finish_injection(l, root, problems);
    options_finish_internal(l, root, problems);
    options_finish_routes(l, problems);
    options_finish_hosts(l, problems);
}

int options_load_text(struct options **out, struct view text, const char *directory,
                      struct problems *problems)
{
    unsigned errors_before = problems->errors;
    struct document *doc = NULL;
    struct loading *l = NULL;
    int rc;

    rc = document_parse(&doc, text, problems);
    if (doc == NULL)
        goto done;
    l = calloc(1, sizeof(*l));
    if (l == NULL) {
        problems_add(problems, 0, 0, "out of memory");
        rc = E_INVALID;
        goto done;
    }
    l->directory = directory;
    l->errors_before = errors_before;
    read_root(l, document_root(doc), problems);
    rc = problems->errors != errors_before ? E_INVALID : hand_over(out, l, problems);
    if (rc == OK && flat_new(&(*out)->flat, document_root(doc)) != OK) {
        problems_add(problems, 0, 0, "out of memory");
        options_free(*out);
        *out = NULL;
        rc = E_INVALID;
    }
done:
    if (l != NULL) {
        clear(&l->o);
        options_clear_oauth2(l);
        options_clear_hook(l);
        options_clear_sessions_redis(l);
        options_clear(options_injection_rows, l);
    }
    free(l);
    document_free(doc);
    return rc;
}

/* "conf/gateward.yaml" -> "conf"; "gateward.yaml" -> "." */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

int options_load(struct options **out, const char *path, struct problems *problems)
{
    struct buf text = BUF_INIT(OPTIONS_FILE_MAX);
    char *directory = directory_of(path);
    int rc;

    if (directory == NULL) {
        problems_add(problems, 0, 0, "out of memory");
        return E_INVALID;
    }
    errno = 0;
    rc = file_read(&text, path);
    if (rc == E_IO)
        problems_add(problems, 0, 0, "cannot be read: %s",
                     errno != 0 ? strerror(errno) : "not a regular file");
    else if (rc == E_LIMIT)
        problems_add(problems, 0, 0, "too big: a configuration has at most 1 MiB");
    else if (rc != OK)
        problems_add(problems, 0, 0, "cannot be read: %s", status_text(rc));
    rc = rc == OK ? options_load_text(out, buf_view(&text), directory, problems) : E_INVALID;
    if (rc == OK) { /* absolute: the working directory may be another one at a reload */
        (void)digest_sha256((*out)->digest, text.data, text.len);
        (*out)->path = realpath(path, NULL);
        if ((*out)->path == NULL) {
            problems_add(problems, 0, 0, "cannot be found again: %s", strerror(errno));
            options_free(*out);
            *out = NULL;
            rc = E_INVALID;
        }
    }
    buf_clear(&text);
    free(directory);
    return rc;
}
