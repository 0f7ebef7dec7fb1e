/* SPDX-License-Identifier: Apache-2.0 */
/* application_answer.h: what the application says of a message it was asked about:
 * {"action":"accept"|"refuse"|"replace","message":{...},"reply":...,"error":{"code":...,
 * "message":...}}. Pure. */
#ifndef POLICY_APPLICATION_ANSWER_H
#define POLICY_APPLICATION_ANSWER_H

#include "message/json.h"

#define APPLICATION_CODE_MAX 64  /* bytes */
#define APPLICATION_TEXT_MAX 256 /* bytes */

enum application_action { APPLICATION_ACCEPT, APPLICATION_REFUSE, APPLICATION_REPLACE };
struct application_answer {
    enum application_action action;
    struct json *message;     /* REPLACE: what takes its place; an object */
    const struct json *reply; /* for the sender; NULL: none */
    struct view code, text;   /* REFUSE; as the answer says, else "refused", "Message refused" */
};
/* E_INVALID: no answer to go by. Members that are not named here are passed over. */
int application_answer_read(struct application_answer *out, struct json *root);

#endif
