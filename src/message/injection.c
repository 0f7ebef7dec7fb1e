/* SPDX-License-Identifier: Apache-2.0 */
/* injection.c: an engine's score against the threshold, for one text or for a tree of them. */
#include "message/injection.h"

#include "base/status.h"
#include "message/json_pointer.h"

const char *injection_family_name(enum injection_family family)
{
    static const char *const names[INJECTION_FAMILIES] = {
        [INJECTION_NONE] = "none",         [INJECTION_SQL] = "sql",   [INJECTION_NOSQL] = "nosql",
        [INJECTION_SHELL] = "shell",       [INJECTION_PATH] = "path", [INJECTION_SCRIPT] = "script",
        [INJECTION_TEMPLATE] = "template", [INJECTION_LDAP] = "ldap", [INJECTION_OTHER] = "other",
    };

    return (unsigned)family < INJECTION_FAMILIES ? names[family] : "?";
}

int injection_check(const struct injection_detector *d, struct view text,
                    struct injection_verdict *verdict)
{
    struct injection_verdict found = {INJECTION_NONE, 0};
    int rc = d->ops->judge(d->self, text, &found);

    if (rc != OK)
        return rc;
    *verdict = found;
    return found.score > 0 && found.score >= d->threshold ? E_DENIED : OK;
}

/* Keeps the highest verdict; stops at the first refusal. */
static int check_one(const struct injection_detector *d, struct view text,
                     struct injection_verdict *highest)
{
    struct injection_verdict found = {INJECTION_NONE, 0};
    int rc = text.len == 0 ? OK : injection_check(d, text, &found);

    if (found.score > highest->score)
        *highest = found;
    return rc;
}

static int check_below(const struct injection_detector *d, const struct json *top,
                       struct injection_verdict *highest)
{
    const struct json *open[JSON_DEPTH_MAX];
    const struct json *node = top;
    size_t depth = 0;
    int rc;

    for (;;) {
        rc = depth > 0 ? check_one(d, node->name, highest) : OK;
        if (rc == OK && node->type == JSON_STRING)
            rc = check_one(d, node->text, highest);
        if (rc == OK && node->first != NULL && depth == JSON_DEPTH_MAX)
            rc = E_LIMIT;
        if (rc != OK)
            return rc;
        if (node->first != NULL) {
            open[depth++] = node;
            node = node->first;
            continue;
        }
        while (depth > 0 && node->next == NULL)
            node = open[--depth];
        if (depth == 0)
            return OK;
        node = node->next;
    }
}

int injection_check_json(const struct injection_detector *d, const struct json *root,
                         struct view pointer, struct injection_verdict *verdict)
{
    struct injection_verdict highest = {INJECTION_NONE, 0};
    const struct json *top;
    int rc;

    if (!json_pointer_ok(pointer))
        return E_INVALID;
    top = json_pointer_get(root, pointer);
    rc = top == NULL ? OK : check_below(d, top, &highest);
    if (rc == OK || rc == E_DENIED)
        *verdict = highest;
    return rc;
}

int injection_engine_ask(const struct injection_engine *e, struct view about,
                         const struct json *root, struct view pointer,
                         struct injection_verdict *verdict)
{
    const struct json *top;

    if (e->judge == NULL)
        return E_UNSUPPORTED;
    if (!json_pointer_ok(pointer))
        return E_INVALID;
    top = json_pointer_get(root, pointer);
    return top == NULL ? OK : e->judge(e->self, about, top, verdict);
}

void injection_engine_clear(struct injection_engine *e)
{
    if (e->close != NULL)
        e->close(e->self);
    *e = (struct injection_engine){.judge = NULL};
}
