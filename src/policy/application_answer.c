/* SPDX-License-Identifier: Apache-2.0 */
/* The application is the operator's own, but what does not say clearly what to do says nothing. */
#include "policy/application_answer.h"

#include "base/status.h"
#include "message/json.h"

/* [a-z][a-z0-9_]*: a code is a word that programs compare. */
static bool is_code(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        char c = v.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (i > 0 && ((c >= '0' && c <= '9') || c == '_'))))
            return false;
    }
    return v.len > 0 && v.len <= APPLICATION_CODE_MAX;
}

static bool read_action(enum application_action *out, struct view word)
{
    if (view_eq(word, VIEW("accept")))
        *out = APPLICATION_ACCEPT;
    else if (view_eq(word, VIEW("refuse")))
        *out = APPLICATION_REFUSE;
    else if (view_eq(word, VIEW("replace")))
        *out = APPLICATION_REPLACE;
    else
        return false;
    return true;
}

static bool read_error(struct application_answer *a, const struct json *error)
{
    const struct json *code = json_member(error, VIEW("code"));
    const struct json *text = json_member(error, VIEW("message"));

    if (error == NULL)
        return true;
    if (error->type != JSON_OBJECT)
        return false;
    if (code != NULL) {
        if (code->type != JSON_STRING || !is_code(code->text))
            return false;
        a->code = code->text;
    }
    if (text != NULL) {
        if (text->type != JSON_STRING || text->text.len > APPLICATION_TEXT_MAX)
            return false;
        a->text = text->text;
    }
    return true;
}

int application_answer_read(struct application_answer *out, struct json *root)
{
    struct application_answer a = {.code = VIEW("refused"), .text = VIEW("Message refused")};
    struct view action;

    if (root->type != JSON_OBJECT || !json_member_string(root, VIEW("action"), &action) ||
        !read_action(&a.action, action))
        return E_INVALID;
    a.reply = json_member(root, VIEW("reply"));
    a.message = (struct json *)json_member(root, VIEW("message"));
    if (a.action == APPLICATION_REPLACE && (a.message == NULL || a.message->type != JSON_OBJECT))
        return E_INVALID;
    if (a.action == APPLICATION_REFUSE && !read_error(&a, json_member(root, VIEW("error"))))
        return E_INVALID;
    *out = a;
    return OK;
}
