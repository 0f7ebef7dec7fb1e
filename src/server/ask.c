/* SPDX-License-Identifier: Apache-2.0 */
/* The answer comes back as a letter for which room was made before the question went out: it can
 * be late, never lost. */
#include "server/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "server/gate.h"
#include "server/login.h"

static struct ask **slot_of(struct peer *p, enum ask_purpose purpose)
{
    return purpose == ASK_RECHECK ? &p->extra->recheck : &p->extra->ask;
}

static void let_go(struct ask **slot)
{
    if (*slot != NULL)
        (*slot)->peer = NULL;
    *slot = NULL;
}

static void ask_free(struct ask *a)
{
    standing_clear(&a->standing, a->generation->options->auth.sessions);
    generation_drop(a->generation);
    free(a);
}

/* A revocation may have come while the question was under way. */
static void hold_against_revocations(struct ask *a)
{
    const struct worker *w = a->worker;
    const char *revoked;

    if (a->lookup.verdict != AUTH_OK)
        return;
    revoked = auth_revoked(&w->options->auth, &a->lookup.who, loop_wall_s(w->loop));
    if (revoked == NULL)
        return;
    a->lookup.verdict = AUTH_FAILED;
    a->lookup.fault = revoked;
}

static void answer_letter(void *worker, void *ask, void *unused)
{
    struct ask *a = ask;
    struct peer *p = a->peer;

    (void)worker;
    (void)unused;
    a->worker->asks_count--;
    if (p != NULL) {
        *slot_of(p, a->purpose) = NULL;
        hold_against_revocations(a);
        if (conn_is_closing(&p->conn))
            ; /* its end has been seen */
        else if (a->purpose == ASK_GATE)
            /* A reload may have changed what the request is to be asked for: then it is judged as
             * if it had just come. */
            gate_answered(p, a->generation == p->worker->now ? &a->lookup : NULL);
        else
            login_answered(p, a);
    }
    ask_free(a);
}

/* On whatever thread has the answer. */
static void done(struct lookup *l)
{
    struct ask *a = (struct ask *)(void *)l;

    mailbox_post_reserved(a->worker->control, (struct letter){answer_letter, a, NULL});
}

static void keep_id(struct ask *a, const struct json *id)
{
    if (id == NULL || id->text.len > sizeof(a->id_text))
        return;
    memcpy(a->id_text, id->text.ptr, id->text.len);
    a->id = (struct json){.type = id->type, .text = view_of(a->id_text, id->text.len)};
    a->has_id = true;
}

/* What will have to be shown again, should the answer be good. What a request shows is still there
 * when its answer comes. */
static bool keep_credential(struct ask *a, const struct credential *credential)
{
    if (a->purpose == ASK_GATE || a->purpose == ASK_RECHECK)
        return true;
    return standing_set_token(&a->standing, credential->kind, credential->token);
}

int ask_start(struct peer *p, enum ask_purpose purpose, const struct credential *credential,
              const struct json *id)
{
    struct worker *w = p->worker;
    struct ask *a;
    int rc;

    if (peer_extra_get(p) == NULL)
        return E_NOMEM;
    a = calloc(1, sizeof(*a));
    if (a == NULL)
        return E_NOMEM;
    if (w->asks_count >= ASKS_OF_WORKER_MAX) {
        free(a);
        return E_FULL;
    }
    *a = (struct ask){.lookup = {.done = done, .verdict = AUTH_UNAVAILABLE, .fault = "unavailable"},
                      .worker = w,
                      .generation = generation_keep(w->now),
                      .peer = p,
                      .purpose = purpose};
    keep_id(a, id);
    if (!keep_credential(a, credential) || !mailbox_reserve(w->control)) {
        ask_free(a);
        return E_FULL;
    }
    rc = auth_lookup(&w->options->auth, credential, loop_wall_s(w->loop), &a->lookup);
    if (rc != OK) {
        mailbox_unreserve(w->control);
        ask_free(a);
        return rc;
    }
    w->asks_count++;
    let_go(slot_of(p, purpose));
    *slot_of(p, purpose) = a;
    return OK;
}

void ask_drop(struct peer *p)
{
    if (p->extra == NULL)
        return;
    let_go(&p->extra->ask);
    let_go(&p->extra->recheck);
}

void ask_drop_recheck(struct peer *p)
{
    if (p->extra != NULL)
        let_go(&p->extra->recheck);
}
