/* SPDX-License-Identifier: Apache-2.0 */
/* session_rig.h: a store of sessions with its outbound thread, and questions that wait for their
 * answer. For the tests of the engines. Include after cmocka.h. */
#ifndef TESTS_SESSION_RIG_H
#define TESTS_SESSION_RIG_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "auth/session_store.h"
#include "base/clock.h"
#include "base/status.h"

struct store_rig {
    struct session_store *store;
    struct outbound *outbound;
    struct role_set roles;
    sem_t ended;
    atomic_int why;
    atomic_uint ups, downs;
};

static inline void rig_ended(void *context, const uint8_t session[IDENTITY_SESSION_BYTES],
                             enum session_end why)
{
    struct store_rig *rig = context;

    (void)session;
    atomic_store(&rig->why, (int)why);
    (void)sem_post(&rig->ended);
}

static inline void rig_tell(void *context, bool is_up, const char *why)
{
    struct store_rig *rig = context;

    if (is_up == (why == NULL))
        atomic_fetch_add(is_up ? &rig->ups : &rig->downs, 1);
}

static inline struct session_store_options rig_options(struct store_rig *rig, uint32_t idle_s,
                                                       uint32_t absolute_s)
{
    if (rig->roles.count == 0) {
        (void)role_set_add(&rig->roles, VIEW("user"), PERMISSION_READ);
        (void)role_set_add(&rig->roles, VIEW("admin"), PERMISSION_ADMIN);
    }
    return (struct session_store_options){idle_s, absolute_s, 1000, &rig->roles};
}

static inline void rig_start(struct store_rig *rig)
{
    struct error why = {{0}, 0, 0};

    (void)sem_init(&rig->ended, 0, 0);
    assert_int_equal(outbound_start(&rig->outbound), OK);
    rig->store->outbound = rig->outbound;
    rig->store->ended = rig_ended;
    rig->store->tell = rig_tell;
    rig->store->context = rig;
    assert_int_equal(session_store_start(rig->store, &why), OK);
}

static inline void rig_stop(struct store_rig *rig)
{
    outbound_stop(rig->outbound);
    outbound_free(rig->outbound);
    session_store_free(rig->store);
    (void)sem_destroy(&rig->ended);
    rig->store = NULL;
}

static inline void rig_done(struct session_op *op)
{
    (void)sem_post(op->context);
}

/* Does it and waits. */
static inline int rig_do(struct store_rig *rig, struct session_op *op)
{
    sem_t done;

    (void)sem_init(&done, 0, 0);
    op->done = rig_done;
    op->context = &done;
    session_store_do(rig->store, op);
    while (sem_wait(&done) != 0)
        continue;
    (void)sem_destroy(&done);
    return op->status;
}

static inline int rig_create(struct store_rig *rig, const char *user, const char *replaces,
                             char id[SESSION_ID_TEXT_BYTES])
{
    struct session_op op = {.verb = SESSION_CREATE,
                            .user = view_of_text(user),
                            .replaces = view_of_text(replaces),
                            .tenant = VIEW("acme"),
                            .roles = VIEW("user admin")};
    int rc = rig_do(rig, &op);

    memcpy(id, op.new_id, SESSION_ID_TEXT_BYTES);
    return rc;
}

static inline int rig_by_id(struct store_rig *rig, enum session_verb verb, const char *id)
{
    struct session_op op = {.verb = verb, .id = view_of_text(id)};

    return rig_do(rig, &op);
}

static inline enum auth_verdict rig_check(struct store_rig *rig, const char *id)
{
    struct identity who;
    const char *fault;

    return session_store_check(rig->store, view_of_text(id), clock_wall_s(), &who, &fault);
}

static inline bool rig_is_told(struct store_rig *rig, unsigned within_ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += within_ms / 1000;
    until.tv_nsec += (long)(within_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return sem_timedwait(&rig->ended, &until) == 0;
}

#endif
