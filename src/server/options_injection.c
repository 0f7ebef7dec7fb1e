/* SPDX-License-Identifier: Apache-2.0 */
/* options_injection.c: `injection_engine` of a configuration: a module that judges messages, and
 * its rules. Both are loaded here, so that what is wrong with them is known before the start. */
#include <stdlib.h>

#include "base/status.h"
#include "server/injection_module.h"
#include "server/options_messages.h"

const struct option options_injection_rows[] = {
    {.name = "module",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, injection.module),
     .help = "modsecurity, or the absolute path of another module; absent: none is loaded. It and "
             "the folders it is in must belong to root or to the server's user, and nobody else "
             "may write there"},
    {.name = "rules",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, injection.rules),
     .help = "file of rules for it, under the same conditions; read again at each reload"},
    {0},
};

void options_check_injection(const struct message_draft *draft, struct problems *problems)
{
    const struct node *by = node_member(draft->entry, "injection_by");
    const struct node *score = node_member(draft->entry, "injection_score");

    if (!draft->type->is_injection_by_module)
        return;
    if (node_member(draft->entry, "injection") == NULL)
        problems_add(problems, by->line, by->column,
                     "`injection_by`: `injection` must say which texts are judged");
    if (score != NULL)
        problems_add(problems, score->line, score->column,
                     "`injection_score` is about signs; the rules of a module have a threshold of "
                     "their own");
}

static const struct message_type *find_user(const struct loading *l)
{
    for (uint32_t i = 0; i < l->o.messages.count; i++) {
        if (l->o.messages.types[i].is_injection_by_module)
            return &l->o.messages.types[i];
    }
    return NULL;
}

static void load(struct loading *l, struct node *section, struct problems *problems)
{
    const struct node *place = node_member(section, "module");
    struct error why = {{0}, 0, 0};
    char *rules = options_path(l, l->injection.rules, section, problems);

    if (rules != NULL && injection_module_load(&l->o.messages.injection_module, l->injection.module,
                                               rules, &why) != OK)
        problems_add(problems, place->line, place->column, "`injection_engine`: %s", why.text);
    free(rules);
}

void options_finish_injection(struct loading *l, struct node *root, struct problems *problems)
{
    struct node *section = node_member(root, "injection_engine");
    const struct message_type *user = find_user(l);

    if (section == NULL || section->type != NODE_MAP) {
        if (user != NULL)
            problems_add(problems, user->line, 1,
                         "`injection_by: module`: no `injection_engine` says which");
        return;
    }
    if (node_member(section, "module") == NULL || node_member(section, "rules") == NULL)
        problems_add(problems, section->line, section->column,
                     "`injection_engine` needs `module` and `rules`");
    else if (user == NULL)
        problems_add(problems, section->line, section->column,
                     "`injection_engine`: no type of `messages` has `injection_by: module`, so it "
                     "would judge nothing");
    else if (l->injection.module != NULL && l->injection.rules != NULL)
        load(l, section, problems);
}
