/* SPDX-License-Identifier: Apache-2.0 */
/* explain_message.c: `gateward explain --message FILE`: what the policy of its type says of a
 * message, asked of the very functions that the server asks. Rates are not counted. */
#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/status.h"
#include "cli/explain.h"
#include "message/json_pointer.h"
#include "policy/judge.h"

#define ARENA_CHUNK ((size_t)64 * 1024)
#define ARENA_MAX   ((size_t)8 * 1024 * 1024)

static void say_refusal(const struct policy_verdict *v)
{
    (void)printf("refused: %s", policy_reason_text(v->reason));
    if (v->pointer[0] != '\0')
        (void)printf(" at %s", v->pointer);
    if (v->reason == POLICY_INJECTION && view_eq(view_of_text(v->family), VIEW("no_verdict")))
        (void)printf(" (the engine had no verdict)");
    else if (v->family != NULL && v->reason == POLICY_INJECTION)
        (void)printf(" (signs of %s)", v->family);
    (void)printf("; the client hears %s \"" VIEW_FMT "\"\n", policy_reason_code(v->reason),
                 VIEW_ARG(view_of(v->text, v->text_len)));
}

static void on_observed(void *context, const struct policy_verdict *v)
{
    (void)context;
    (void)printf("observed, let through: ");
    say_refusal(v);
}

static int tell(const struct explain_message *m, const struct message_type *type,
                const struct policy_verdict *v)
{
    struct access_question asked = {.who = m->who,
                                    .channel = view_of(v->channel.bytes, v->channel.len),
                                    .action = ACTION_PUBLISH,
                                    .wall_s = m->wall_s};
    char sentence[2048];

    if (type->publish == NULL) {
        (void)printf("passed: " VIEW_FMT " goes to no channel\n", VIEW_ARG(type->name_view));
        return CLI_OK;
    }
    (void)printf("passed: to " VIEW_FMT "\n", VIEW_ARG(asked.channel));
    access_question_explain(sentence, sizeof(sentence), &m->options->policy, &asked, NULL);
    (void)printf("%s\n", sentence);
    return access_decide(&m->options->policy, &asked, NULL) ? CLI_OK : CLI_REFUSED;
}

static int judge(const struct explain_message *m, struct json *root, size_t bytes,
                 struct arena *arena)
{
    const struct message_policy *policy = &m->options->messages;
    struct view by = policy->by != NULL ? view_of_text(policy->by) : VIEW("/type");
    const struct json *name = json_pointer_get(root, by);
    const struct message_type *type = NULL;
    struct message_type without_rate;
    struct schema_scratch *scratch = NULL;
    struct policy_verdict verdict = {.family = NULL};
    struct policy_question q;
    bool is_good;

    if (name != NULL && name->type == JSON_STRING)
        type = message_policy_find(policy, name->text);
    if (type == NULL) {
        (void)printf("refused: no row of `messages` names its type, at " VIEW_FMT
                     "; built-in types alone need none\n",
                     VIEW_ARG(by));
        return CLI_REFUSED;
    }
    without_rate = *type;
    without_rate.rate = (struct message_rate){.has_minute = false};
    if (schema_scratch_new(&scratch) != OK || message_policy_fit(policy, scratch) != OK) {
        schema_scratch_free(scratch);
        (void)fprintf(stderr, "gateward explain: out of memory\n");
        return CLI_REFUSED;
    }
    q = (struct policy_question){.policy = policy,
                                 .type = &without_rate,
                                 .roles = &m->options->policy.roles,
                                 .who = m->who,
                                 .message = root,
                                 .message_bytes = bytes,
                                 .wall_s = m->wall_s,
                                 .scratch = scratch,
                                 .arena = arena,
                                 .observed = on_observed};
    is_good = policy_judge(&q, &verdict);
    schema_scratch_free(scratch);
    if (is_good)
        return tell(m, type, &verdict);
    say_refusal(&verdict);
    return CLI_REFUSED;
}

int explain_message(const struct explain_message *m)
{
    struct buf text = BUF_INIT(m->options->limits.message_bytes_max);
    struct arena arena;
    struct json *root;
    size_t error_at = 0;
    int rc, exit_code = CLI_REFUSED;

    arena_init(&arena, ARENA_CHUNK, ARENA_MAX);
    rc = file_read(&text, m->path);
    if (rc != OK)
        (void)fprintf(stderr, "gateward explain: %s: %s\n", m->path,
                      rc == E_LIMIT ? "larger than limits.message_size" : status_text(rc));
    else if (json_parse(&root, buf_view(&text), NULL, &arena, &error_at) != OK ||
             root->type != JSON_OBJECT)
        (void)printf("refused: no JSON object, or too complex (byte %zu)\n", error_at);
    else
        exit_code = judge(m, root, text.len, &arena);
    arena_clear(&arena);
    buf_clear(&text);
    return exit_code;
}
