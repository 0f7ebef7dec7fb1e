/* SPDX-License-Identifier: Apache-2.0 */
/* asker_test.c: who waits for what, with an errand boy in place of the network: requests pile up
 * with him until the test says what came back. Made to run under TSan. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/asker.h"
#include "auth/breaker.h"
#include "base/clock.h"
#include "base/status.h"

#define LOOKUPS_MAX 2048

struct rig {
    struct asker *asker;
    struct outbound *outbound;
    /* The outbound thread's own, but for the counts. */
    struct asker_errand errands[ASKER_UNDER_WAY_MAX + 1];
    unsigned errands_count;
    struct fetch_answer reply;
    atomic_uint sent, under_way, ups, downs;
    atomic_int use; /* verdict of each use */
};
struct asked {
    struct lookup lookup; /* first */
    atomic_uint calls;
};

/* --- the errand boy --- */

static int send_errand(void *context, const struct asker_errand *errand)
{
    struct rig *rig = context;

    assert_true(rig->errands_count < ASKER_UNDER_WAY_MAX);
    rig->errands[rig->errands_count++] = *errand;
    atomic_fetch_add(&rig->under_way, 1);
    atomic_fetch_add(&rig->sent, 1);
    return OK;
}

/* "no": refused; "none": no answer; otherwise yes, and the body is the user. */
static bool judge(void *context, const struct fetch_answer *answer, struct view shown,
                  struct auth_answer *out)
{
    (void)context;
    if (answer->status != OK || view_eq(answer->body, VIEW("none")))
        return false;
    *out = (struct auth_answer){.verdict = AUTH_FAILED, .fault = "refused"};
    if (view_eq(answer->body, VIEW("no")))
        return true;
    out->verdict = AUTH_OK;
    out->fault = NULL;
    (void)snprintf(out->who.user, sizeof(out->who.user), VIEW_FMT, VIEW_ARG(shown));
    out->who.expires_at_s = clock_wall_s() + (view_eq(answer->body, VIEW("short")) ? 1 : 1000);
    return true;
}

static enum auth_verdict use(void *context, const struct identity *who, const char **fault)
{
    struct rig *rig = context;
    int verdict = atomic_load(&rig->use);

    (void)who;
    *fault = verdict == AUTH_OK ? NULL : "scope_missing";
    return (enum auth_verdict)verdict;
}

static const struct asker_ops ops = {send_errand, judge, use};

struct reply_job {
    struct outbound_job job;
    struct rig *rig;
    struct fetch_answer answer;
    unsigned count;
    sem_t done;
};

static void run_reply(struct outbound_job *job, int status)
{
    struct reply_job *r = LINK_ITEM(job, struct reply_job, job);
    struct rig *rig = r->rig;

    (void)status;
    while (r->count-- > 0 && rig->errands_count > 0) {
        struct asker_errand errand = rig->errands[0];

        rig->errands_count--;
        memmove(rig->errands, rig->errands + 1, rig->errands_count * sizeof(errand));
        atomic_fetch_sub(&rig->under_way, 1);
        errand.done(errand.ask, &r->answer);
    }
    (void)sem_post(&r->done);
}

/* The oldest `count` errands come back with this. */
static void reply(struct rig *rig, const char *body, unsigned count)
{
    struct reply_job r = {.job = {.run = run_reply},
                          .rig = rig,
                          .answer = {.status = body != NULL ? OK : E_EXPIRED,
                                     .code = body != NULL ? "fetched" : "deadline",
                                     .http_status = body != NULL ? 200 : 0,
                                     .body = view_of_text(body)},
                          .count = count};

    (void)sem_init(&r.done, 0, 0);
    assert_int_equal(outbound_post(rig->outbound, &r.job), OK);
    (void)sem_wait(&r.done);
    (void)sem_destroy(&r.done);
}

/* --- the rig --- */

static void on_tell(void *context, bool is_up, const char *why)
{
    struct rig *rig = context;

    assert_non_null(why);
    atomic_fetch_add(is_up ? &rig->ups : &rig->downs, 1);
}

static void rig_open(struct rig *rig, uint32_t cache_s, uint32_t deadline_ms)
{
    const struct asker_options options = {&ops, rig, cache_s, deadline_ms};

    assert_int_equal(asker_new(&rig->asker, &options), OK);
    assert_int_equal(outbound_start(&rig->outbound), OK);
    asker_start(rig->asker, rig->outbound, on_tell, rig);
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    if (rig == NULL)
        return -1;
    *state = rig;
    rig_open(rig, 60, 60000);
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    unsigned left;

    for (left = 0; rig->outbound != NULL && left < 100 && atomic_load(&rig->under_way) > 0; left++)
        reply(rig, "no", ASKER_UNDER_WAY_MAX);
    if (rig->outbound != NULL)
        outbound_stop(rig->outbound);
    outbound_free(rig->outbound);
    asker_free(rig->asker);
    free(rig);
    return 0;
}

static void on_done(struct lookup *l)
{
    atomic_fetch_add(&((struct asked *)l)->calls, 1);
}

static struct asker_question question_of(const char *shown, bool is_fresh)
{
    struct asker_question q = {.shown = view_of_text(shown), .is_fresh = is_fresh};

    memcpy(q.key, shown, strlen(shown));
    return q;
}

static int ask(struct rig *rig, struct asked *asked, const char *shown)
{
    struct asker_question q = question_of(shown, false);

    asked->lookup = (struct lookup){.done = on_done};
    atomic_store(&asked->calls, 0);
    return asker_lookup(rig->asker, &asked->lookup, &q);
}

static void wait_sent(struct rig *rig, unsigned count)
{
    while (atomic_load(&rig->sent) < count)
        (void)usleep(500);
    (void)usleep(1000);
    assert_int_equal(atomic_load(&rig->sent), count);
}

static enum auth_verdict check(struct rig *rig, const char *shown, const char **fault)
{
    struct asker_question q = question_of(shown, false);
    struct identity who = {.user = "untouched"};
    enum auth_verdict verdict = asker_check(rig->asker, q.key, clock_wall_s(), &who, fault);

    assert_string_equal(who.user, verdict == AUTH_OK ? shown : "untouched");
    return verdict;
}

/* --- tests --- */

static void everyone_waits_for_one_request(void **state)
{
    static struct asked asked[100];
    struct rig *rig = *state;
    const char *fault;

    assert_int_equal(check(rig, "ann", &fault), AUTH_LATER);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(ask(rig, &asked[i], "ann"), OK);
    wait_sent(rig, 1);
    reply(rig, "yes", 1);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(atomic_load(&asked[i].calls), 1);
        assert_int_equal(asked[i].lookup.verdict, AUTH_OK);
        assert_string_equal(asked[i].lookup.who.user, "ann");
    }
    assert_int_equal(check(rig, "ann", &fault), AUTH_OK);
    assert_int_equal(ask(rig, &asked[0], "ann"), OK); /* from what is kept, at once */
    assert_int_equal(atomic_load(&asked[0].calls), 1);
    assert_int_equal(atomic_load(&rig->sent), 1);
}

static void a_fresh_answer_is_asked_for_and_replaces_the_old(void **state)
{
    struct asker_question fresh = question_of("ann", true);
    struct rig *rig = *state;
    struct asked one, two;
    const char *fault;

    assert_int_equal(ask(rig, &one, "ann"), OK);
    wait_sent(rig, 1);
    reply(rig, "yes", 1);
    memset(&two, 0, sizeof(two));
    two.lookup.done = on_done;
    assert_int_equal(asker_lookup(rig->asker, &two.lookup, &fresh), OK);
    wait_sent(rig, 2);
    assert_int_equal(atomic_load(&two.calls), 0);
    assert_int_equal(check(rig, "ann", &fault), AUTH_OK); /* meanwhile the old one holds */
    reply(rig, "no", 1);
    assert_int_equal(two.lookup.verdict, AUTH_FAILED);
    assert_int_equal(check(rig, "ann", &fault), AUTH_FAILED);
    assert_string_equal(fault, "refused");
}

static void a_refusal_is_kept_for_seconds(void **state)
{
    struct rig *rig = *state;
    struct asked asked;
    const char *fault;

    assert_int_equal(ask(rig, &asked, "eve"), OK);
    wait_sent(rig, 1);
    reply(rig, "no", 1);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(ask(rig, &asked, "eve"), OK);
        assert_int_equal(asked.lookup.verdict, AUTH_FAILED);
    }
    assert_int_equal(atomic_load(&rig->sent), 1);
    (void)usleep((ASKER_REFUSED_MS + 100) * 1000);
    assert_int_equal(check(rig, "eve", &fault), AUTH_LATER);
}

static void each_use_is_measured_again(void **state)
{
    struct rig *rig = *state;
    struct asked asked;
    const char *fault;

    assert_int_equal(ask(rig, &asked, "ann"), OK);
    wait_sent(rig, 1);
    atomic_store(&rig->use, AUTH_SCOPE);
    reply(rig, "yes", 1);
    assert_int_equal(asked.lookup.verdict, AUTH_SCOPE);
    assert_string_equal(asked.lookup.fault, "scope_missing");
    assert_int_equal(check(rig, "ann", &fault), AUTH_SCOPE);
    atomic_store(&rig->use, AUTH_OK);
    assert_int_equal(check(rig, "ann", &fault), AUTH_OK);
    assert_int_equal(ask(rig, &asked, "ann"), OK);
    assert_int_equal(asked.lookup.verdict, AUTH_OK);
    assert_int_equal(atomic_load(&rig->sent), 1);
}

static void nothing_is_kept_past_its_end(void **state)
{
    struct rig *rig = *state;
    struct asked asked;
    struct asker_question q = question_of("ann", false);
    struct identity who;
    const char *fault;

    assert_int_equal(ask(rig, &asked, "ann"), OK);
    wait_sent(rig, 1);
    reply(rig, "short", 1);
    assert_int_equal(asked.lookup.verdict, AUTH_OK);
    assert_int_equal(asker_check(rig->asker, q.key, clock_wall_s() + 2, &who, &fault),
                     AUTH_EXPIRED);
    assert_string_equal(fault, "token_expired");
    (void)usleep(1200 * 1000);
    assert_int_equal(check(rig, "ann", &fault), AUTH_LATER);
}

static void so_many_under_way_and_the_rest_in_a_row(void **state)
{
    static struct asked asked[ASKER_ASKS_MAX + 1];
    struct rig *rig = *state;
    char name[16];

    for (unsigned i = 0; i < ASKER_ASKS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i);
        assert_int_equal(ask(rig, &asked[i], name), OK);
    }
    assert_int_equal(ask(rig, &asked[ASKER_ASKS_MAX], "one-more"), E_FULL);
    assert_int_equal(atomic_load(&asked[ASKER_ASKS_MAX].calls), 0);
    wait_sent(rig, ASKER_UNDER_WAY_MAX);
    for (unsigned i = 0; i < ASKER_ASKS_MAX / ASKER_UNDER_WAY_MAX + 1; i++)
        reply(rig, "yes", ASKER_UNDER_WAY_MAX);
    assert_int_equal(atomic_load(&rig->sent), ASKER_ASKS_MAX);
    for (unsigned i = 0; i < ASKER_ASKS_MAX; i++) {
        assert_int_equal(atomic_load(&asked[i].calls), 1);
        assert_int_equal(asked[i].lookup.verdict, AUTH_OK);
    }
}

static void breaks_after_failures_and_comes_back(void **state)
{
    static struct asked asked[2 * ASKER_UNDER_WAY_MAX], late;
    struct rig *rig = *state;
    const char *fault;
    char name[16];

    for (unsigned i = 0; i < 2 * ASKER_UNDER_WAY_MAX; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i);
        assert_int_equal(ask(rig, &asked[i], name), OK);
    }
    wait_sent(rig, ASKER_UNDER_WAY_MAX);
    reply(rig, NULL, BREAKER_FAILURES);
    assert_int_equal(atomic_load(&rig->downs), 1);
    /* All that waited in the row were told at once, and were never sent. */
    for (unsigned i = ASKER_UNDER_WAY_MAX + BREAKER_FAILURES; i < 2 * ASKER_UNDER_WAY_MAX; i++)
        assert_int_equal(asked[i].lookup.verdict, AUTH_UNAVAILABLE);
    assert_int_equal(check(rig, "ann", &fault), AUTH_UNAVAILABLE);
    assert_int_equal(ask(rig, &late, "ann"), OK);
    assert_int_equal(atomic_load(&late.calls), 1);
    assert_int_equal(late.lookup.verdict, AUTH_UNAVAILABLE);
    reply(rig, NULL, ASKER_UNDER_WAY_MAX); /* the rest of them fail too: no news */
    assert_int_equal(atomic_load(&rig->downs), 1);
    (void)usleep((BREAKER_PAUSE_MS + 50) * 1000);
    assert_int_equal(check(rig, "ann", &fault), AUTH_LATER);
    assert_int_equal(ask(rig, &late, "ann"), OK); /* the probe */
    assert_int_equal(check(rig, "bob", &fault), AUTH_UNAVAILABLE);
    while (atomic_load(&rig->under_way) == 0)
        (void)usleep(500);
    reply(rig, "yes", 1);
    assert_int_equal(late.lookup.verdict, AUTH_OK);
    assert_int_equal(atomic_load(&rig->ups), 1);
    assert_int_equal(check(rig, "bob", &fault), AUTH_LATER);
}

static void refusals_never_break_it(void **state)
{
    struct rig *rig = *state;
    struct asked asked;
    const char *fault;
    char name[16];

    for (unsigned i = 0; i < 10 * BREAKER_FAILURES; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i);
        assert_int_equal(ask(rig, &asked, name), OK);
        wait_sent(rig, i + 1);
        reply(rig, "no", 1);
        assert_int_equal(asked.lookup.verdict, AUTH_FAILED);
    }
    assert_int_equal(check(rig, "ann", &fault), AUTH_LATER);
    assert_int_equal(atomic_load(&rig->downs), 0);
}

/* What comes to the front of the row too late is not sent any more. */
static void the_deadline_counts_the_time_in_the_row(void **state)
{
    static struct asked asked[ASKER_UNDER_WAY_MAX + 1];
    struct rig *rig = *state;
    const struct asker_options options = {&ops, rig, 60, 50};
    char name[16];

    asker_free(rig->asker);
    assert_int_equal(asker_new(&rig->asker, &options), OK);
    asker_start(rig->asker, rig->outbound, on_tell, rig);
    for (unsigned i = 0; i < ASKER_UNDER_WAY_MAX + 1; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i);
        assert_int_equal(ask(rig, &asked[i], name), OK);
    }
    (void)usleep(100 * 1000);
    assert_true(atomic_load(&rig->sent) <= ASKER_UNDER_WAY_MAX);
    reply(rig, "yes", ASKER_UNDER_WAY_MAX);
    assert_int_equal(asked[ASKER_UNDER_WAY_MAX].lookup.verdict, AUTH_UNAVAILABLE);
    assert_true(atomic_load(&rig->sent) <= ASKER_UNDER_WAY_MAX);
}

static void a_stopped_thread_takes_no_questions(void **state)
{
    struct rig *rig = *state;
    struct asked asked;
    const char *fault;

    outbound_stop(rig->outbound);
    assert_int_equal(ask(rig, &asked, "ann"), E_CLOSED);
    assert_int_equal(atomic_load(&asked.calls), 0);
    assert_int_equal(check(rig, "ann", &fault), AUTH_LATER);
    outbound_free(rig->outbound);
    rig->outbound = NULL;
}

static void too_much_to_show_is_refused(void **state)
{
    static char long_text[ASKER_SHOWN_MAX + 1];
    struct rig *rig = *state;
    struct asker_question q = {.shown = {long_text, sizeof(long_text)}};
    struct lookup l = {.done = on_done};

    assert_int_equal(asker_lookup(rig->asker, &l, &q), E_FULL);
}

struct crowd {
    struct rig *rig;
    struct asked asked[LOOKUPS_MAX / 4];
};

static void *ask_many(void *context)
{
    struct crowd *crowd = context;
    char name[16];

    for (unsigned i = 0; i < LOOKUPS_MAX / 4; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i % 16);
        assert_int_equal(ask(crowd->rig, &crowd->asked[i], name), OK);
        (void)check(crowd->rig, name, &(const char *){NULL});
    }
    return NULL;
}

static void threads_may_ask_while_answers_come(void **state)
{
    static struct crowd crowds[4];
    struct rig *rig = *state;
    pthread_t threads[4];
    unsigned waiting;

    for (unsigned i = 0; i < 4; i++) {
        crowds[i].rig = rig;
        assert_int_equal(pthread_create(&threads[i], NULL, ask_many, &crowds[i]), 0);
    }
    do {
        reply(rig, "yes", ASKER_UNDER_WAY_MAX);
        waiting = 0;
        for (unsigned i = 0; i < 4; i++)
            for (unsigned j = 0; j < LOOKUPS_MAX / 4; j++)
                waiting += atomic_load(&crowds[i].asked[j].calls) == 0;
    } while (waiting > 0);
    for (unsigned i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&rig->sent), 16); /* each of them once */
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(everyone_waits_for_one_request),
        RIGGED(a_fresh_answer_is_asked_for_and_replaces_the_old),
        RIGGED(a_refusal_is_kept_for_seconds),
        RIGGED(each_use_is_measured_again),
        RIGGED(nothing_is_kept_past_its_end),
        RIGGED(so_many_under_way_and_the_rest_in_a_row),
        RIGGED(breaks_after_failures_and_comes_back),
        RIGGED(refusals_never_break_it),
        RIGGED(the_deadline_counts_the_time_in_the_row),
        RIGGED(a_stopped_thread_takes_no_questions),
        RIGGED(too_much_to_show_is_refused),
        RIGGED(threads_may_ask_while_answers_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
