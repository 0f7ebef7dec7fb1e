/* SPDX-License-Identifier: Apache-2.0 */
/* options_limits.c: which limits only observe. */
#include "base/status.h"
#include "limit/limit_name.h"
#include "server/options_limits_load.h"

static void report_name(const struct node *item, struct problems *problems)
{
    const char *names[LIMIT_NAMES + 2] = {NULL}, *why = limit_name_always(item->text);

    for (unsigned i = 0; i < LIMIT_NAMES; i++)
        names[i] = limit_name_text((enum limit_name)i);
    names[LIMIT_NAMES] = "all";
    if (why != NULL)
        problems_add(problems, item->line, item->column,
                     "`%s` cannot only observe, it is always enforced: %s",
                     problem_word(item->text).text, why);
    else if (view_eq(item->text, VIEW("connections")))
        problems_add(problems, item->line, item->column,
                     "which one? connections.per_ip or connections.per_user");
    else
        problems_add(problems, item->line, item->column, "`%s` is no limit that can observe%s",
                     problem_word(item->text).text, problems_suggestion(item->text, names).text);
}

static uint32_t read_name(const struct node *item, struct problems *problems)
{
    enum limit_name name;

    if (item->type == NODE_SCALAR && limit_name_find(&name, item->text))
        return UINT32_C(1) << name;
    report_name(item, problems);
    return 0;
}

int options_read_observe(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;
    uint32_t *observed = &l->o.limits.observed;

    if (value->type == NODE_SCALAR) {
        *observed = view_eq(value->text, VIEW("all")) ? LIMIT_ALL : read_name(value, problems);
        return OK;
    }
    if (!option_is_list(value, 2 * LIMIT_NAMES, problems))
        return E_INVALID;
    for (const struct node *item = value->first; item != NULL; item = item->next) {
        if (item->type == NODE_SCALAR && view_eq(item->text, VIEW("all")))
            *observed = LIMIT_ALL;
        else
            *observed |= read_name(item, problems);
    }
    return OK;
}
