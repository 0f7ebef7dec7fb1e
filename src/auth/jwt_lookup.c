/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_lookup.c: one job a token. What waits is bounded by the thread's queue, and each of them by
 * the longest token. */
#include "auth/jwt_lookup.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "crypto/secret.h"

#define ARENA_CHUNK_BYTES ((size_t)16 * 1024)
#define ARENA_BYTES_MAX                                                                            \
    ((size_t)1024 * 1024) /* as a worker's: 1024 claims and the longest text                       \
                           */
#define CERTIFICATE_SHA_BYTES 32

struct task {
    struct outbound_job job;
    struct lookup *lookup;
    struct jwt_rules rules;
    uint8_t certificate_sha256[CERTIFICATE_SHA_BYTES];
    int64_t wall_s;
    size_t token_bytes;
    char token[];
};

static void task_free(struct task *task)
{
    secret_wipe(task->token, task->token_bytes);
    free(task);
}

static void run(struct outbound_job *job, int status)
{
    struct task *task = LINK_ITEM(job, struct task, job);
    struct lookup *l = task->lookup;
    enum jwt_fault fault;
    struct arena arena;

    if (status != OK) {
        l->verdict = AUTH_UNAVAILABLE;
        l->fault = "shutting_down";
    } else {
        arena_init(&arena, ARENA_CHUNK_BYTES, ARENA_BYTES_MAX);
        fault = jwt_verify(&l->who, &task->rules, view_of(task->token, task->token_bytes),
                           task->wall_s, &arena);
        arena_wipe(&arena); /* the token again, decoded */
        arena_clear(&arena);
        l->verdict = jwt_verdict(fault);
        l->fault = jwt_fault_text(fault);
    }
    task_free(task);
    l->done(l);
}

int jwt_lookup(struct outbound *o, struct lookup *l, const struct jwt_rules *rules,
               struct view token, int64_t wall_s)
{
    /* One byte more than a token may have is enough to be told that it is too long. */
    size_t bytes = token.len > JWT_BYTES_MAX ? JWT_BYTES_MAX + 1 : token.len;
    struct task *task = calloc(1, sizeof(*task) + bytes);
    int rc;

    if (task == NULL)
        return E_NOMEM;
    task->job.run = run;
    task->lookup = l;
    task->rules = *rules;
    if (rules->certificate_sha256 != NULL) {
        memcpy(task->certificate_sha256, rules->certificate_sha256, CERTIFICATE_SHA_BYTES);
        task->rules.certificate_sha256 = task->certificate_sha256;
    }
    task->wall_s = wall_s;
    task->token_bytes = bytes;
    if (bytes > 0)
        memcpy(task->token, token.ptr, bytes);
    rc = outbound_post(o, &task->job);
    if (rc != OK)
        task_free(task);
    return rc;
}
