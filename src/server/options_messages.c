/* SPDX-License-Identifier: Apache-2.0 */
/* options_messages.c: `messages` of a configuration: one row a type. What the rows mean is the
 * business of policy/; here a slip of the pen is found, before it opens or closes anything. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "message/json_pointer.h"
#include "net/fetch.h"
#include "server/options_messages.h"

#define HOUR_MS             ((uint64_t)3600 * 1000)
#define MAX_AUTH_AGE_MS     (UINT64_C(3650) * 24 * HOUR_MS)
#define RATE_MAX            ((uint64_t)1000000)
#define POINTERS_MAX        64
#define HOOK_TIMEOUT_MS_MAX ((uint64_t)10 * 1000)

static const char *const permission_names[] = {"none", "read", "write", "moderate", "admin", NULL};
static const unsigned permission_values[] = {0, PERMISSION_READ, PERMISSION_WRITE,
                                             PERMISSION_MODERATE, PERMISSION_ADMIN};
static const char *const reply_names[] = {"ack", "none", NULL};
static const char *const violation_names[] = {"error", "drop", "close", NULL};
static const char *const mode_names[] = {"enforce", "observe", NULL};
static const char *const errors_names[] = {"detailed", "brief", NULL};
static const char *const injection_by_names[] = {"signs", "module", NULL};
static const char *const unavailable_names[] = {"refuse", "accept", NULL};
static const char *const kind_names[] = {"escape", "strip", "allow", NULL};

static int read_roles(struct node *value, void *target, struct problems *problems)
{
    struct message_draft *draft = target;

    draft->type->allow = options_role_list(value, &draft->l->o.policy.roles, problems);
    return OK;
}

static int read_deny(struct node *value, void *target, struct problems *problems)
{
    struct message_draft *draft = target;

    draft->type->deny = options_role_list(value, &draft->l->o.policy.roles, problems);
    return OK;
}

static int read_scopes(struct node *value, void *target, struct problems *problems)
{
    struct message_draft *draft = target;

    draft->type->scopes = options_scope_list(value, &draft->l->o.policy.scopes, problems);
    return OK;
}

static int read_schema(struct node *value, void *target, struct problems *problems)
{
    (void)problems;
    ((struct message_draft *)target)->schema = value;
    return OK;
}

static bool is_pointer(struct view text, const struct node *place, struct problems *problems)
{
    if (json_pointer_ok(text))
        return true;
    problems_add(problems, place->line, place->column,
                 "`%s` is no JSON pointer (RFC 6901), such as /content", problem_word(text).text);
    return false;
}

/* Where texts are looked for: a pointer, or `message` for all of it (a key cannot be empty). A heap
 * copy; NULL is reported. */
static char *read_place(struct view text, const struct node *place, struct problems *problems)
{
    bool is_all = view_eq(text, VIEW("message"));
    char *pointer;

    if (!is_all && !is_pointer(text, place, problems))
        return NULL;
    pointer = view_dup(is_all ? VIEW("") : text);
    if (pointer == NULL)
        problems_add(problems, place->line, place->column, "out of memory");
    return pointer;
}

static void add_rule(struct message_type *type, struct node *member, struct problems *problems)
{
    struct sanitize_rule *rule = &type->sanitize[type->sanitize_count];
    char *pointer;
    int kind = 0;

    member->is_used = true;
    if (!option_choice(member, kind_names, &kind, problems) ||
        !sanitize_kind_of(view_of_text(kind_names[kind]), &rule->kind))
        return;
    pointer = read_place(member->key, member, problems);
    if (pointer == NULL)
        return;
    rule->pointer = view_of_text(pointer);
    type->sanitize_count++;
}

static int read_sanitize(struct node *value, void *target, struct problems *problems)
{
    struct message_type *type = ((struct message_draft *)target)->type;

    if (value->type != NODE_MAP || value->count == 0 || value->count > POINTERS_MAX) {
        problems_add(problems, value->line, value->column,
                     "`sanitize` says what happens to which text, {/content: strip}, for 1 to %d "
                     "JSON pointers",
                     POINTERS_MAX);
        return E_INVALID;
    }
    type->sanitize = options_alloc(value->count, sizeof(*type->sanitize), value, problems);
    if (type->sanitize == NULL)
        return E_INVALID;
    for (struct node *member = value->first; member != NULL; member = member->next)
        add_rule(type, member, problems);
    return OK;
}

static int read_injection(struct node *value, void *target, struct problems *problems)
{
    struct message_type *type = ((struct message_draft *)target)->type;

    if (!option_is_list(value, POINTERS_MAX, problems))
        return E_INVALID;
    type->injection = options_alloc(value->count, sizeof(*type->injection), value, problems);
    if (type->injection == NULL)
        return E_INVALID;
    for (struct node *item = value->first; item != NULL; item = item->next) {
        char *pointer = NULL;

        if (item->type == NODE_SCALAR)
            pointer = read_place(item->text, item, problems);
        else
            problems_add(problems, item->line, item->column, "a JSON pointer must stand here");
        if (pointer != NULL)
            type->injection[type->injection_count++] = pointer;
    }
    return OK;
}

/* The texts of the type itself. */
static int read_own_text(struct node *value, char **field, struct problems *problems)
{
    return option_text(value, field, problems) ? OK : E_INVALID;
}

static int read_publish(struct node *value, void *target, struct problems *problems)
{
    return read_own_text(value, &((struct message_draft *)target)->type->publish, problems);
}

static int read_data(struct node *value, void *target, struct problems *problems)
{
    struct message_draft *draft = target;

    if (value->type == NODE_SCALAR && view_eq(value->text, VIEW("message")))
        return OK;
    if (value->type == NODE_SCALAR && !is_pointer(value->text, value, problems))
        return E_INVALID;
    return read_own_text(value, &draft->type->data, problems);
}

static int read_url(struct node *value, void *target, struct problems *problems)
{
    struct message_draft *draft = target;
    struct error why = {{0}, 0, 0};

    if (read_own_text(value, &draft->type->hook.url, problems) != OK)
        return E_INVALID;
    if (fetch_url_check(view_of_text(draft->type->hook.url), FETCH_HTTP_LOOPBACK, &why) != OK)
        problems_add(problems, value->line, value->column, "`url` %s", why.text);
    return OK;
}

#define DRAFT(field) offsetof(struct message_draft, field)
#define RATE(key, field, text)                                                                     \
    {                                                                                              \
        .name = key, .type = OPTION_COUNT, .offset = DRAFT(field), .min = 1, .max = RATE_MAX,      \
        .help = (text)                                                                             \
    }
#define WORD(key, field, words, usual, text)                                                       \
    {                                                                                              \
        .name = key, .type = OPTION_ENUM, .offset = DRAFT(field), .choices = words,                \
        .fallback = (usual), .help = (text)                                                        \
    }

static const struct option rate_rows[] = {
    RATE("per_minute", per_minute, "of this type, of one user over all of its connections"),
    RATE("per_hour", per_hour, "the same in an hour"),
    RATE("burst", burst, "of per_minute at once; absent: all of them"),
    RATE("connection_per_minute", connection_per_minute, "of this type, of one connection"),
    {0},
};
static const struct option hook_rows[] = {
    {.name = "url",
     .type = OPTION_CUSTOM,
     .custom = read_url,
     .help =
         "of the application, which is asked about each message by a POST: https://, or http:// "
         "to an address of this machine in digits"},
    {.name = "ca",
     .type = OPTION_TEXT,
     .offset = DRAFT(hook_ca),
     .help = "authorities (PEM) to trust there instead of the system's"},
    {.name = "timeout",
     .type = OPTION_MS,
     .offset = DRAFT(hook_timeout_ms),
     .min = 100,
     .max = HOOK_TIMEOUT_MS_MAX,
     .fallback = "2s",
     .help = "an answer that takes longer is none"},
    WORD("on_unavailable", on_unavailable, unavailable_names, "refuse",
         "what happens to a message about which no answer comes"),
    {0},
};
const struct option options_message_rows[] = {
    WORD("permission", permission, permission_names, "write",
         "what the sender's roles must give; of a built-in type: none, unless it is said"),
    {.name = "roles",
     .type = OPTION_CUSTOM,
     .custom = read_roles,
     .help = "[roles] that may send it; absent or empty: every role"},
    {.name = "deny", .type = OPTION_CUSTOM, .custom = read_deny, .help = "[roles]; beats roles"},
    {.name = "scopes",
     .type = OPTION_CUSTOM,
     .custom = read_scopes,
     .help = "scope, or [scopes], all of which a token must have been given"},
    {.name = "max_auth_age",
     .type = OPTION_MS,
     .offset = DRAFT(max_auth_age_ms),
     .min = 1000,
     .max = MAX_AUTH_AGE_MS,
     .help =
         "how long ago the user may have proved who it is; later the answer is reauth_required"},
    {.name = "size",
     .type = OPTION_BYTES,
     .offset = DRAFT(size),
     .min = 2,
     .max = (uint64_t)64 * 1024 * 1024,
     .help = "one message; absent: limits.message_size"},
    {.name = "rate", .type = OPTION_SECTION, .children = rate_rows},
    {.name = "schema",
     .type = OPTION_CUSTOM,
     .custom = read_schema,
     .help = "JSON Schema 2020-12, written here"},
    {.name = "schema_file",
     .type = OPTION_TEXT,
     .offset = DRAFT(schema_file),
     .help = "the same from a file of JSON"},
    {.name = "injection",
     .type = OPTION_CUSTOM,
     .custom = read_injection,
     .help = "[JSON pointers, or message for all of it]: refused where a text at or below them "
             "shows signs of injection"},
    WORD("injection_by", injection_by, injection_by_names, "signs",
         "what judges these texts: signs (built in) or module (see injection_engine)"),
    {.name = "injection_score",
     .type = OPTION_COUNT,
     .offset = DRAFT(injection_score),
     .min = 1,
     .max = 1000,
     .fallback = "10",
     .help = "refused from this score of the signs on; higher is more tolerant"},
    {.name = "sanitize",
     .type = OPTION_CUSTOM,
     .custom = read_sanitize,
     .help = "{/content: strip}: texts at or below a JSON pointer (or message: all), by escape, "
             "strip or allow"},
    {.name = "publish",
     .type = OPTION_CUSTOM,
     .custom = read_publish,
     .help = "the channel it goes to: \"private:room-{/room_id}\" takes room_id of the message, "
             "{user_id} and {tenant} the sender's own; absent: nowhere"},
    {.name = "data",
     .type = OPTION_CUSTOM,
     .custom = read_data,
     .fallback = "message",
     .help = "what is published: message (all of it but its id) or a JSON pointer into it"},
    WORD("reply", reply, reply_names, "ack", "what the sender hears when all went well"),
    {.name = "hook", .type = OPTION_SECTION, .children = hook_rows},
    WORD("on_violation", on_violation, violation_names, "error",
         "error: an answer that says what is wrong; drop: silence; close: 1008"),
    WORD("mode", mode, mode_names, "enforce",
         "observe: what would be refused is logged (policy_observed) and let through"),
    WORD("errors", errors, errors_names, "detailed",
         "brief: clients hear that a message breaks its schema, not where"),
    {0},
};

/* --- what follows from several rows --- */

static void finish_rate(struct message_draft *draft, struct problems *problems)
{
    struct message_rate *rate = &draft->type->rate;
    struct node *section = node_member(draft->entry, "rate");
    uint64_t burst = draft->burst != 0 ? draft->burst : draft->per_minute;

    if (draft->burst != 0 && (draft->per_minute == 0 || draft->burst > 60 * draft->per_minute))
        problems_add(problems, section->line, section->column,
                     "`burst` is of per_minute, and at most what an hour gives (60 times it)");
    rate->has_minute = draft->per_minute != 0;
    rate->has_hour = draft->per_hour != 0;
    rate->has_connection = draft->connection_per_minute != 0;
    rate->per_minute = rate_limit_make(draft->per_minute, 60 * 1000, burst);
    rate->per_hour = rate_limit_make(draft->per_hour, HOUR_MS, draft->per_hour);
    rate->connection =
        rate_limit_make(draft->connection_per_minute, 60 * 1000, draft->connection_per_minute);
}

static void finish_hook(struct message_draft *draft, struct problems *problems)
{
    struct node *section = node_member(draft->entry, "hook");
    struct message_hook *hook = &draft->type->hook;
    struct buf pem = BUF_INIT(0);

    if (section == NULL || section->type != NODE_MAP)
        return;
    if (node_member(section, "url") == NULL)
        problems_add(problems, section->line, section->column, "a hook needs a `url`");
    hook->timeout_ms = (uint32_t)draft->hook_timeout_ms;
    hook->on_unavailable = (enum hook_fallback)draft->on_unavailable;
    hook->allows_loopback_http = true;
    if (draft->hook_ca == NULL)
        return;
    options_read_authorities(&pem, draft->l, draft->hook_ca, node_member(section, "ca"), problems);
    hook->ca_bytes = pem.len;
    hook->ca_pem = view_dup(buf_view(&pem));
    if (hook->ca_pem == NULL)
        problems_add(problems, section->line, section->column, "out of memory");
    buf_clear(&pem);
}

static void finish_destination(struct message_draft *draft, struct problems *problems)
{
    struct message_type *type = draft->type;
    const struct node *place = node_member(draft->entry, "publish");
    struct error why = {{0}, 0, 0};

    if (type->publish != NULL &&
        channel_template_parse(&type->channel, view_of_text(type->publish), &why) != OK)
        problems_add(problems, place->line, place->column, "`publish`: %s", why.text);
    place = node_member(draft->entry, "data");
    if (type->data != NULL && type->publish == NULL && place != NULL)
        problems_add(problems, place->line, place->column,
                     "`data` says what of the message is published, but there is no `publish`");
}

/* `message` only answers, so it may be given a destination; the others have theirs. */
static bool is_builtin(struct view name, bool has_destination)
{
    static const char *const names[] = {
        "publish", "subscribe", "unsubscribe",   "presence", "history",      "ping", "kick",
        "mute",    "unmute",    "close_channel", "unkick",   "open_channel", NULL};

    for (unsigned i = 0; names[i] != NULL; i++) {
        if (view_eq(name, view_of_text(names[i])))
            return true;
    }
    return view_eq(name, VIEW("message")) && !has_destination;
}

static void finish_builtin(struct message_draft *draft, struct problems *problems)
{
    static const char *const keys[] = {"publish", "data", "reply", NULL};
    struct message_type *type = draft->type;

    type->is_builtin = is_builtin(draft->entry->key, type->publish != NULL);
    if (!type->is_builtin)
        return;
    if (node_member(draft->entry, "permission") == NULL)
        type->permission = 0;
    for (unsigned i = 0; keys[i] != NULL; i++) {
        const struct node *place = node_member(draft->entry, keys[i]);

        if (place != NULL)
            problems_add(problems, place->line, place->column,
                         "`%s`: a built-in type goes where it always goes; checks can be added, "
                         "but no destination",
                         keys[i]);
    }
}

static bool is_name(struct view name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
            return false;
    }
    return name.len > 0 && name.len <= MESSAGE_TYPE_NAME_MAX;
}

static void check_name(const struct node *entry, struct problems *problems)
{
    if (!is_name(entry->key))
        problems_add(problems, entry->key_line, entry->key_column,
                     "`%s` is no name for a message type: 1 to %d bytes, no control characters",
                     problem_word(entry->key).text, MESSAGE_TYPE_NAME_MAX);
    else if (view_eq(entry->key, VIEW("auth")))
        problems_add(problems, entry->key_line, entry->key_column,
                     "`auth` is no message like others: `auth` at the top of the file is about it");
}

static void add_type(struct loading *l, struct node *entry, struct problems *problems)
{
    struct message_type *type = &l->o.messages.types[l->o.messages.count++];
    struct message_draft draft = {.l = l, .type = type, .entry = entry};

    entry->is_used = true;
    check_name(entry, problems);
    type->name = view_dup(entry->key);
    if (type->name == NULL)
        problems_add(problems, entry->line, entry->column, "out of memory");
    /* `ping: ` with nothing behind it is a type without any check of its own. */
    options_read(options_message_rows, entry->type == NODE_NULL ? NULL : entry, &draft, problems);
    type->line = entry->key_line;
    type->permission = permission_values[draft.permission];
    type->max_auth_age_s = (uint32_t)(draft.max_auth_age_ms / 1000);
    type->bytes_max = draft.size;
    type->injection_score = (unsigned)draft.injection_score;
    type->is_injection_by_module = draft.injection_by == 1;
    type->is_silent = draft.reply == 1;
    type->on_violation = (enum violation_action)draft.on_violation;
    type->is_observed = draft.mode == 1;
    type->is_brief = draft.errors == 1;
    finish_rate(&draft, problems);
    finish_destination(&draft, problems);
    finish_builtin(&draft, problems);
    finish_hook(&draft, problems);
    options_check_injection(&draft, problems);
    options_message_schema(&draft, problems);
    options_clear(options_message_rows, &draft);
}

int options_read_messages(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;

    if (value->type != NODE_MAP || value->count > MESSAGE_TYPES_MAX) {
        problems_add(problems, value->line, value->column,
                     "`messages` must name types and what they must be, at most %d of them: "
                     "{chat_message: {schema_file: chat_message.json}}",
                     MESSAGE_TYPES_MAX);
        return E_INVALID;
    }
    l->o.messages.types = options_alloc(value->count, sizeof(struct message_type), value, problems);
    if (l->o.messages.types == NULL)
        return E_INVALID;
    for (struct node *entry = value->first; entry != NULL; entry = entry->next)
        add_type(l, entry, problems);
    return OK;
}

int options_read_messages_by(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;

    if (!option_text(value, &l->o.messages.by, problems))
        return E_INVALID;
    return is_pointer(value->text, value, problems) ? OK : E_INVALID;
}
