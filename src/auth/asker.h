/* SPDX-License-Identifier: Apache-2.0 */
/* asker.h: what introspection.c and hook.c have in common: somebody is asked over HTTPS who sent
 * something. Answers are kept for a while; whoever wants to know the same at the same time waits
 * for one request; what waits and what is under way has a ceiling and a deadline; who does not
 * answer is left alone for a moment (breaker.h), and everybody is told at once. Any thread. */
#ifndef AUTH_ASKER_H
#define AUTH_ASKER_H

#include "auth/answer_cache.h"
#include "auth/lookup.h"
#include "net/fetch.h"

#define ASKER_SHOWN_MAX     (16 * 1024) /* bytes of one question */
#define ASKER_ASKS_MAX      1024        /* different questions, waiting and under way */
#define ASKER_UNDER_WAY_MAX 24          /* requests at a time */
#define ASKER_WAITERS_MAX   65536
#define ASKER_REFUSED_MS    3000 /* a no is kept so long: a flood of one bad token asks once */

struct asker_errand { /* one request to send */
    struct outbound *outbound;
    struct view shown;
    uint32_t deadline_ms;
    void (*done)(void *ask, const struct fetch_answer *answer);
    void *ask;
};
struct asker_ops {
    /* Outbound thread: sends the request, and answers as fetch_start. */
    int (*send)(void *context, const struct asker_errand *errand);
    /* Outbound thread: what an answer says of `shown`. Fills verdict, fault and identity, and
     * returns true where there is an answer to go by, yes or no. false: there is none, which counts
     * against whoever was asked. */
    bool (*judge)(void *context, const struct fetch_answer *answer, struct view shown,
                  struct auth_answer *out);
    /* Any thread: what is measured at each use of a yes that may have been kept. NULL: nothing. */
    enum auth_verdict (*use)(void *context, const struct identity *who, const char **fault);
};
struct asker_options { /* ops must outlive the asker */
    const struct asker_ops *ops;
    void *context;
    uint32_t cache_s; /* how long a yes is kept; never past its end */
    uint32_t deadline_ms;
};

struct asker;
/* E_NOMEM. */
int asker_new(struct asker **out, const struct asker_options *options);
/* Before anyone asks. `tell`: outbound thread; who is asked stopped answering (`why`: a stable
 * word), or answers again. */
void asker_start(struct asker *a, struct outbound *o,
                 void (*tell)(void *context, bool is_up, const char *why), void *context);
void asker_free(struct asker *a); /* the outbound thread has ended. NULL is fine */

struct asker_question {
    uint8_t key[ANSWER_KEY_BYTES]; /* a hash of what is shown and of whom it is shown to */
    struct view shown;             /* copied where it must be sent */
    bool is_fresh;                 /* an answer that is kept will not do */
};
/* What is known now. AUTH_LATER: lookup; AUTH_UNAVAILABLE: the breaker is open. */
enum auth_verdict asker_check(struct asker *a, const uint8_t key[ANSWER_KEY_BYTES], int64_t wall_s,
                              struct identity *who, const char **fault);
int asker_lookup(struct asker *a, struct lookup *l, const struct asker_question *question);

#endif
