/* SPDX-License-Identifier: Apache-2.0 */
/* injection.h: does a text look like an attack on what stands behind the server? A verdict, never a
 * change of the text. It is a guess by signs: what keeps SQL out of a database is bound parameters,
 * and this is for operators who want to see or refuse the obvious. Off unless configured. Engines
 * are exchangeable; `injection_signs` is built in: a table of weighted signs, no memory, linear
 * time. */
#ifndef MESSAGE_INJECTION_H
#define MESSAGE_INJECTION_H

#include "message/json.h"

#define INJECTION_THRESHOLD 10 /* the usual one; higher is more tolerant */

enum injection_family {
    INJECTION_NONE,
    INJECTION_SQL,
    INJECTION_NOSQL,
    INJECTION_SHELL,
    INJECTION_PATH,
    INJECTION_SCRIPT,
    INJECTION_TEMPLATE,
    INJECTION_LDAP,
    INJECTION_OTHER,   /* an engine that refuses and does not say of what */
    INJECTION_FAMILIES /* how many there are */
};

struct injection_verdict {
    enum injection_family family; /* the one with the highest score; NONE at 0 */
    unsigned score;
};

struct injection_ops {
    const char *name;
    /* Judges one text. Anything but OK means that there is no verdict. */
    int (*judge)(void *self, struct view text, struct injection_verdict *verdict);
    void (*close)(void *self); /* may be NULL */
};

struct injection_detector {
    const struct injection_ops *ops;
    void *self;         /* the engine's; NULL for injection_signs */
    unsigned threshold; /* from this score on a text is refused; at least 1 */
};

extern const struct injection_ops injection_signs;

/* "sql", "nosql", "shell", "path", "script", "template", "ldap", "other"; "none". */
const char *injection_family_name(enum injection_family family);
/* OK below the threshold, E_DENIED from it on; both with *verdict. What else the engine answers is
 * passed on and a refusal too: no verdict does not mean harmless. */
int injection_check(const struct injection_detector *d, struct view text,
                    struct injection_verdict *verdict);
/* Every string that `pointer` names or that lies below it, and the names of members below it (which
 * is where `{"$ne":null}` hides). *verdict is the highest one seen. A pointer to nothing is OK.
 * E_INVALID: no pointer; E_LIMIT: deeper than JSON_DEPTH_MAX; others as above. */
int injection_check_json(const struct injection_detector *d, const struct json *root,
                         struct view pointer, struct injection_verdict *verdict);

/* An engine that judges all texts of a message at once, by rules and a threshold of its own. */
struct injection_engine {
    /* OK, or E_DENIED with *verdict, about `top` and all below it; anything else: no verdict.
     * `about`: the type of the message. Called by all threads. NULL: there is no such engine. */
    int (*judge)(void *self, struct view about, const struct json *top,
                 struct injection_verdict *verdict);
    void (*close)(void *self);
    void *self;
};
/* What injection_check_json does, by such an engine; E_UNSUPPORTED: there is none. */
int injection_engine_ask(const struct injection_engine *e, struct view about,
                         const struct json *root, struct view pointer,
                         struct injection_verdict *verdict);
/* Harmless twice and on a zeroed one. */
void injection_engine_clear(struct injection_engine *e);

#endif
