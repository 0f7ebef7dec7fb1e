/* SPDX-License-Identifier: Apache-2.0 */
/* Each step answers the first thing that is wrong. In observe mode a broken check is told and the
 * next one asked; what later steps need in order to be safe is refused in either mode. */
#include "policy/judge.h"

#include "base/status.h"
#include "base/wr.h"
#include "message/json_encode.h"
#include "message/json_pointer.h"

#define FIELD_BYTES_MAX 64 /* of a name inside a sentence */

struct reason_row {
    const char *word, *code, *text;
};
static const struct reason_row reasons[] = {
    [POLICY_PASSED] = {"passed", "", ""},
    [POLICY_TOO_LARGE] = {"too_large", "too_large", "Message exceeds max size "},
    [POLICY_RATE] = {"rate_limited", "rate_limited", "Rate limit exceeded"},
    [POLICY_NO_IDENTITY] = {"no_identity", "not_allowed", "Not allowed"},
    [POLICY_ROLE_DENIED] = {"role_denied", "not_allowed", "Not allowed"},
    [POLICY_ROLE_NOT_ALLOWED] = {"role_not_allowed", "not_allowed", "Not allowed"},
    [POLICY_NO_PERMISSION] = {"no_permission", "not_allowed", "Not allowed"},
    [POLICY_NO_SCOPE] = {"no_scope", "not_allowed", "Not allowed"},
    [POLICY_AUTH_TOO_OLD] = {"reauth_required", "reauth_required", "Authenticate again"},
    [POLICY_SCHEMA] = {"schema", "schema", "Message does not match its schema"},
    [POLICY_TOO_COMPLEX] = {"too_complex", "too_complex", "Message too complex"},
    [POLICY_INJECTION] = {"injection", "content_refused", "Message content refused"},
    [POLICY_CONTENT] = {"content", "content_refused", "Message content refused"},
    [POLICY_NO_TENANT] = {"no_tenant", "not_allowed", "Not allowed"},
    [POLICY_DESTINATION] = {"destination", "schema", "Message does not match its schema"},
};

const char *policy_reason_text(enum policy_reason reason)
{
    return reasons[reason].word;
}

const char *policy_reason_code(enum policy_reason reason)
{
    return reasons[reason].code;
}

static void set_text(struct policy_verdict *v, const char *before, struct view word,
                     const char *after)
{
    struct wr w = wr_of(v->text, sizeof(v->text));

    wr_text(&w, before);
    if (word.len <= FIELD_BYTES_MAX)
        wr_view(&w, word);
    else
        wr_text(&w, "...");
    wr_text(&w, after);
    v->text_len = wr_len(&w);
}

static void note_pointer(struct policy_verdict *v, struct view pointer)
{
    struct wr w = wr_of(v->pointer, sizeof(v->pointer) - 1);

    wr_view(&w, pointer);
    v->pointer[w.failed ? 0 : wr_len(&w)] = '\0';
}

/* True: the message stops here. */
static bool refuse(const struct policy_question *q, struct policy_verdict *v,
                   enum policy_reason reason)
{
    v->reason = reason;
    if (v->text_len == 0)
        set_text(v, reasons[reason].text, VIEW(""), "");
    if (!q->type->is_observed)
        return true;
    if (q->observed != NULL)
        q->observed(q->context, v);
    v->reason = POLICY_PASSED;
    v->text_len = 0;
    v->pointer[0] = '\0';
    return false;
}

static bool is_too_large(const struct policy_question *q, struct policy_verdict *v)
{
    struct wr w;

    if (q->type->bytes_max == 0 || q->message_bytes <= q->type->bytes_max)
        return false;
    w = wr_of(v->text, sizeof(v->text));
    wr_text(&w, reasons[POLICY_TOO_LARGE].text);
    wr_dec(&w, q->type->bytes_max);
    v->text_len = wr_len(&w);
    return refuse(q, v, POLICY_TOO_LARGE);
}

/* The order of access_decide: a denial first, an old login last. */
static enum policy_reason judge_sender(const struct policy_question *q)
{
    const struct message_type *t = q->type;
    const struct identity *who = q->who;

    if ((t->deny | t->allow | t->permission | t->scopes | t->max_auth_age_s) == 0)
        return POLICY_PASSED;
    if (who == NULL)
        return POLICY_NO_IDENTITY;
    if ((t->deny & who->roles) != 0)
        return POLICY_ROLE_DENIED;
    if (t->allow != 0 && (t->allow & who->roles) == 0)
        return POLICY_ROLE_NOT_ALLOWED;
    if (t->permission != 0 &&
        (role_set_permissions(q->roles, who->roles) & t->permission) != t->permission)
        return POLICY_NO_PERMISSION;
    if ((t->scopes & ~who->scopes) != 0)
        return POLICY_NO_SCOPE;
    if (t->max_auth_age_s != 0 && identity_is_too_old(who, t->max_auth_age_s, q->wall_s))
        return POLICY_AUTH_TOO_OLD;
    return POLICY_PASSED;
}

static bool breaks_schema(const struct policy_question *q, struct policy_verdict *v)
{
    struct schema_violation first;
    enum schema_verdict found;

    if (q->type->schema == NULL)
        return false;
    found = schema_check(q->type->schema, q->message, q->scratch, &first);
    if (found == SCHEMA_VALID)
        return false;
    if (found != SCHEMA_INVALID)
        return refuse(q, v, POLICY_TOO_COMPLEX);
    memcpy(v->pointer, first.pointer, sizeof(v->pointer));
    v->text_len = schema_violation_text(v->text, sizeof(v->text), &first, !q->type->is_brief);
    return refuse(q, v, POLICY_SCHEMA);
}

static int ask_engine(const struct policy_question *q, struct view pointer,
                      struct injection_verdict *found)
{
    const struct injection_detector d = {&injection_signs, NULL, q->type->injection_score};

    return q->type->is_injection_by_module
               ? injection_engine_ask(&q->policy->injection_module, q->type->name_view, q->message,
                                      pointer, found)
               : injection_check_json(&d, q->message, pointer, found);
}

static bool shows_injection(const struct policy_question *q, struct policy_verdict *v)
{
    struct injection_verdict found = {INJECTION_NONE, 0};

    for (uint32_t i = 0; i < q->type->injection_count; i++) {
        struct view pointer = view_of_text(q->type->injection[i]);
        int rc = ask_engine(q, pointer, &found);

        if (rc == OK)
            continue;
        v->family = rc == E_DENIED ? injection_family_name(found.family) : "no_verdict";
        note_pointer(v, pointer);
        return refuse(q, v, POLICY_INJECTION);
    }
    return false;
}

/* The checks, which observe mode only watches. True: refused. */
static bool is_refused(const struct policy_question *q, struct policy_verdict *v)
{
    enum policy_reason reason;

    if (is_too_large(q, v))
        return true;
    if (!policy_usage_take(&q->meter, q->policy, q->type, &v->is_first) &&
        refuse(q, v, POLICY_RATE))
        return true;
    reason = judge_sender(q);
    if (reason != POLICY_PASSED && refuse(q, v, reason))
        return true;
    return breaks_schema(q, v) || shows_injection(q, v);
}

/* --- what no mode lets through --- */

static bool stop(struct policy_verdict *v, enum policy_reason reason)
{
    v->reason = reason;
    if (v->text_len == 0)
        set_text(v, reasons[reason].text, VIEW(""), "");
    return false;
}

/* "room_id" of "/room_id"; deeper ones stay pointers. */
static struct view field_name(struct view pointer)
{
    struct view name = pointer.len > 0 ? view_of(pointer.ptr + 1, pointer.len - 1) : pointer;

    return name.len > 0 && memchr(name.ptr, '/', name.len) == NULL ? name : pointer;
}

/* In the words of a schema that had asked for it. */
static bool stop_unfilled(const struct policy_question *q, struct policy_verdict *v,
                          enum template_fault fault)
{
    struct view field = field_name(v->channel.pointer);

    if (fault == TEMPLATE_NO_IDENTITY)
        return stop(v, POLICY_NO_IDENTITY);
    if (fault == TEMPLATE_NO_TENANT)
        return stop(v, POLICY_NO_TENANT);
    note_pointer(v, v->channel.pointer);
    if (q->type->is_brief || field.len == 0)
        return stop(v, POLICY_DESTINATION);
    if (fault == TEMPLATE_MISSING)
        set_text(v, "Missing required field: ", field, "");
    else
        set_text(v, "Field '", field,
                 fault == TEMPLATE_NOT_STRING ? "' must be string" : "' has invalid format");
    return stop(v, POLICY_DESTINATION);
}

static bool clean(const struct policy_question *q, struct policy_verdict *v)
{
    int rc;

    if (q->type->sanitize_count == 0)
        return true;
    rc = sanitize_json(q->message, q->type->sanitize, q->type->sanitize_count, q->arena);
    if (rc == OK)
        return true;
    return stop(v, rc == E_DENIED ? POLICY_CONTENT : POLICY_TOO_COMPLEX);
}

/* The id is between the client and us: it comes back in the answer, subscribers do not get it. */
static bool take_id_out(const struct policy_question *q)
{
    struct json **at = &q->message->first;

    if (q->type->publish == NULL || q->type->data != NULL || q->message->type != JSON_OBJECT)
        return false;
    while (*at != NULL && !view_eq((*at)->name, VIEW("id")))
        at = &(*at)->next;
    if (*at == NULL)
        return false;
    *at = (*at)->next;
    q->message->count--;
    return true;
}

static bool find_data(const struct policy_question *q, struct policy_verdict *v)
{
    struct view pointer = view_of_text(q->type->data);

    v->data = q->type->data == NULL ? q->message : json_pointer_get(q->message, pointer);
    if (v->data != NULL)
        return true;
    note_pointer(v, pointer);
    if (!q->type->is_brief)
        set_text(v, "Missing required field: ", field_name(pointer), "");
    return stop(v, POLICY_DESTINATION);
}

static bool prepare(const struct policy_question *q, struct policy_verdict *v)
{
    const char *text_before = q->message->text.ptr;
    bool has_taken = take_id_out(q);
    enum template_fault fault;

    if (!clean(q, v))
        return false;
    /* A sanitiser that changed something has written all text anew already. */
    if (has_taken && q->message->text.ptr == text_before &&
        json_refresh(q->message, JSON_STYLE_PLAIN, q->arena) != OK)
        return stop(v, POLICY_TOO_COMPLEX);
    if (q->type->publish == NULL)
        return true;
    fault = channel_template_fill(&q->type->channel, q->who, q->message, &v->channel);
    if (fault != TEMPLATE_FILLED)
        return stop_unfilled(q, v, fault);
    return find_data(q, v);
}

static void begin(struct policy_verdict *v)
{
    v->reason = POLICY_PASSED;
    v->is_first = false;
    v->text_len = 0;
    v->pointer[0] = '\0';
    v->channel.len = 0;
    v->data = NULL;
}

bool policy_prepare(const struct policy_question *q, struct policy_verdict *verdict)
{
    begin(verdict);
    return prepare(q, verdict);
}

bool policy_judge(const struct policy_question *q, struct policy_verdict *verdict)
{
    begin(verdict);
    return !is_refused(q, verdict) && prepare(q, verdict);
}
