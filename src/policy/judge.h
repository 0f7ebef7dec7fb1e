/* SPDX-License-Identifier: Apache-2.0 */
/* judge.h: may this message go on, and what of it? One question for each message, cheap things
 * first: size, rate, who sends it, schema, signs of injection, then cleaning, then where it goes.
 * Whether the sender may publish to the channel that comes out is for access_decide to say. No
 * allocation but in the given arena. */
#ifndef POLICY_JUDGE_H
#define POLICY_JUDGE_H

#include "policy/message_policy.h"
#include "policy/usage.h"

enum policy_reason {
    POLICY_PASSED,
    POLICY_TOO_LARGE,
    POLICY_RATE,
    POLICY_NO_IDENTITY,
    POLICY_ROLE_DENIED,
    POLICY_ROLE_NOT_ALLOWED,
    POLICY_NO_PERMISSION,
    POLICY_NO_SCOPE,
    POLICY_AUTH_TOO_OLD, /* nothing else about the sender stands in the way */
    POLICY_SCHEMA,
    POLICY_TOO_COMPLEX, /* a ceiling of the schema or of a sanitiser */
    POLICY_INJECTION,   /* looks like an attack on what stands behind us */
    POLICY_CONTENT,     /* markup in a member's name: no sanitiser can make that safe */
    POLICY_NO_TENANT,   /* the channel has one in its name, the sender has none */
    POLICY_DESTINATION  /* a hole of the channel cannot be filled; told like a broken schema */
};
/* A stable word for logs: "too_large", "no_permission", ... */
const char *policy_reason_text(enum policy_reason reason);
/* The code that the client is told. */
const char *policy_reason_code(enum policy_reason reason);

#define POLICY_TEXT_BYTES 320

struct policy_verdict {
    enum policy_reason reason;
    bool is_first; /* POLICY_RATE: the first refusal of a run */
    /* Of a refusal; the first `text_len` bytes and `pointer` alone are written. */
    char text[POLICY_TEXT_BYTES]; /* for the client; holds bytes of the message: escape it */
    size_t text_len;
    char pointer[256];  /* where in the message, for the log: never its content */
    const char *family; /* POLICY_INJECTION: of what it shows signs; "no_verdict" */
    /* POLICY_PASSED only, of a type with a destination. */
    struct channel_filled channel;
    const struct json *data;
};

struct policy_question {
    const struct message_policy *policy;
    const struct message_type *type;
    const struct role_set *roles;
    const struct identity *who;
    struct json *message; /* cleaned in place */
    size_t message_bytes;
    int64_t wall_s;
    struct policy_meter meter;
    struct schema_scratch *scratch; /* fitted to all schemas of the policy */
    struct arena *arena;
    /* Of a type that is only observed: what would have been refused, each once. */
    void (*observed)(void *context, const struct policy_verdict *verdict);
    void *context;
};

/* Everything. Returns whether reason is POLICY_PASSED. A type that is only observed lets pass what
 * breaks size, rate, sender, schema or shows signs; never what cannot be cleaned or has nowhere to
 * go. */
bool policy_judge(const struct policy_question *q, struct policy_verdict *verdict);
/* The last part alone, cleaning and destination, for a message that was judged and then replaced or
 * read again. */
bool policy_prepare(const struct policy_question *q, struct policy_verdict *verdict);

#endif
