/* SPDX-License-Identifier: Apache-2.0 */
/* Code that is loaded is trusted with everything, so only who could replace the server itself may
 * have written it: each folder down to the file is looked at, links resolved. Rules are looked at
 * in the same way, because they can name scripts. */
#include "server/injection_module.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_out.h"
#include "base/status.h"
#include "gateward_injection.h"

#define REASON_BYTES     512
#define WRAPPED_MAX      32   /* {"text":…} and an end */
#define ON_STACK_BYTES   4096 /* most messages fit, and need no memory */
#define GROWTH_MAX       6    /* \u00xx */
#define TEXT_BYTES_MAX   ((size_t)1024 * 1024)
#define OTHERS_MAY_WRITE (S_IWGRP | S_IWOTH)

struct module_engine {
    const struct gw_injection_module *module;
    void *self;
};

/* --- what may be loaded --- */

static int check_place(const char *path, bool is_folder, struct error *why)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        error_set(why, "%s: %s", path, strerror(errno));
        return E_MISSING;
    }
    if (is_folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)) {
        error_set(why, "%s is no %s", path, is_folder ? "folder" : "regular file");
        return E_INVALID;
    }
    if (st.st_uid != 0 && st.st_uid != geteuid()) {
        error_set(why, "%s belongs to somebody who is neither root nor the user of this process",
                  path);
        return E_DENIED;
    }
    /* In a sticky folder, such as /tmp, nobody can replace what belongs to another. */
    if ((st.st_mode & OTHERS_MAY_WRITE) != 0 && !(is_folder && (st.st_mode & S_ISVTX) != 0)) {
        error_set(why, "%s can be written by others (mode %03o): chmod go-w", path,
                  (unsigned)st.st_mode & 0777);
        return E_DENIED;
    }
    return OK;
}

/* `real` has no links in it. It is cut at each slash and made whole again. */
static int check_real(char *real, struct error *why)
{
    int rc = check_place("/", true, why);

    for (char *c = real + 1; rc == OK && *c != '\0'; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        rc = check_place(real, true, why);
        *c = '/';
    }
    return rc == OK ? check_place(real, false, why) : rc;
}

/* A heap copy without links, of a file that may be trusted. */
static int find_trusted(char **real, const char *path, struct error *why)
{
    int rc;

    *real = realpath(path, NULL);
    if (*real == NULL) {
        error_set(why, "%s: %s", path, strerror(errno));
        return E_MISSING;
    }
    rc = check_real(*real, why);
    if (rc != OK) {
        free(*real);
        *real = NULL;
    }
    return rc;
}

static bool is_name(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_");

    return len > 0 && len <= INJECTION_MODULE_NAME_MAX && text[len] == '\0';
}

static int find_module(char **real, const char *module, struct error *why)
{
    char path[PATH_MAX];

    if (module[0] == '/')
        return find_trusted(real, module, why);
    if (!is_name(module)) {
        error_set(why, "a module is named by an absolute path, or by a name that lies in %s",
                  injection_module_folder);
        return E_INVALID;
    }
    (void)snprintf(path, sizeof(path), "%s/%s.so", injection_module_folder, module);
    return find_trusted(real, path, why);
}

/* --- one message --- */

static enum injection_family family_of(uint32_t family)
{
    static const enum injection_family families[] = {
        [GW_INJECTION_NONE] = INJECTION_OTHER,        [GW_INJECTION_SQL] = INJECTION_SQL,
        [GW_INJECTION_NOSQL] = INJECTION_NOSQL,       [GW_INJECTION_SHELL] = INJECTION_SHELL,
        [GW_INJECTION_PATH] = INJECTION_PATH,         [GW_INJECTION_SCRIPT] = INJECTION_SCRIPT,
        [GW_INJECTION_TEMPLATE] = INJECTION_TEMPLATE, [GW_INJECTION_LDAP] = INJECTION_LDAP,
        [GW_INJECTION_OTHER] = INJECTION_OTHER,
    };

    return family < sizeof(families) / sizeof(families[0]) ? families[family] : INJECTION_OTHER;
}

static int check(const struct module_engine *e, struct view about, struct view json,
                 struct injection_verdict *verdict)
{
    struct gw_injection_verdict found = {0, 0};
    char type[128];

    (void)snprintf(type, sizeof(type), VIEW_FMT, VIEW_ARG(about));
    if (e->module->check(e->self, type, json.ptr, json.len, &found) != 0)
        return E_LIMIT;
    if (found.is_refused == 0)
        return OK;
    *verdict = (struct injection_verdict){family_of(found.family), 1};
    return E_DENIED;
}

/* An object or a list is handed over as it was written; a text gets its quotes again. */
static bool wrap(struct wr *w, const struct json *top)
{
    json_out_open(w);
    json_out_key(w, "text");
    if (top->type == JSON_STRING)
        json_out_string(w, top->text, 0);
    else
        wr_view(w, top->text);
    json_out_close(w);
    return !w->failed;
}

static int judge_all(void *self, struct view about, const struct json *top,
                     struct injection_verdict *verdict)
{
    size_t growth = top->type == JSON_STRING ? GROWTH_MAX : 1;
    char small[ON_STACK_BYTES], *room = small;
    struct wr w;
    size_t cap;
    int rc;

    if (top->type != JSON_STRING && top->type != JSON_ARRAY && top->type != JSON_OBJECT)
        return OK;
    if (top->text.len > TEXT_BYTES_MAX)
        return E_LIMIT;
    cap = top->text.len * growth + WRAPPED_MAX;
    if (cap > sizeof(small))
        room = malloc(cap);
    if (room == NULL)
        return E_NOMEM;
    w = wr_of(room, cap);
    rc = wrap(&w, top) ? check(self, about, view_of(room, wr_len(&w)), verdict) : E_LIMIT;
    if (room != small)
        free(room);
    return rc;
}

/* --- its life --- */

static void close_engine(void *self)
{
    struct module_engine *e = self;

    e->module->free(e->self);
    free(e);
}

static const struct gw_injection_module *open_module(const char *real, struct error *why)
{
    const struct gw_injection_module *module;
    void *handle = dlopen(real, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    if (handle == NULL) {
        error_set(why, "%s", dlerror());
        return NULL;
    }
    module = dlsym(handle, GW_INJECTION_SYMBOL);
    if (module == NULL)
        error_set(why, "%s is no such module: it exports no " GW_INJECTION_SYMBOL, real);
    else if (module->abi != GW_INJECTION_ABI)
        error_set(why, "%s is made for interface %u, this gateward has %d", real, module->abi,
                  GW_INJECTION_ABI);
    else
        return module; /* loaded once, it stays: libraries in C++ do not like to be unloaded */
    (void)dlclose(handle);
    return NULL;
}

static int start(struct injection_engine *out, const struct gw_injection_module *module,
                 const char *rules, struct error *why)
{
    struct module_engine *e = calloc(1, sizeof(*e));
    char reason[REASON_BYTES] = "";

    if (e == NULL) {
        error_set(why, "out of memory");
        return E_NOMEM;
    }
    e->module = module;
    e->self = module->init(rules, reason, sizeof(reason));
    if (e->self == NULL) {
        error_set(why, "%s", reason);
        free(e);
        return E_INVALID;
    }
    *out = (struct injection_engine){judge_all, close_engine, e};
    return OK;
}

int injection_module_load(struct injection_engine *out, const char *module, const char *rules,
                          struct error *why)
{
    const struct gw_injection_module *loaded = NULL;
    char *code = NULL, *real_rules = NULL;
    int rc = find_module(&code, module, why);

    if (rc == OK)
        rc = find_trusted(&real_rules, rules, why);
    if (rc == OK) {
        loaded = open_module(code, why);
        rc = loaded != NULL ? start(out, loaded, real_rules, why) : E_INVALID;
    }
    free(code);
    free(real_rules);
    return rc;
}
