/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox_test.c: four senders against one loop: nothing lost, order kept, the ceiling held. Made
 * to run under TSan. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/status.h"
#include "net/mailbox.h"

#define SENDERS 4
#define LETTERS 20000

struct desk {
    struct loop *loop;
    struct mailbox *box;
    uintptr_t last[SENDERS];
    size_t opened, expected;
    unsigned disorder;
};
struct sender {
    struct desk *desk;
    size_t number;
    pthread_t thread;
};

static void read_letter(void *context, void *a, void *b)
{
    struct desk *desk = context;
    size_t sender = (size_t)(uintptr_t)a;
    uintptr_t count = (uintptr_t)b;

    if (count != desk->last[sender] + 1)
        desk->disorder++;
    desk->last[sender] = count;
    if (++desk->opened == desk->expected)
        loop_stop(desk->loop);
}

static void *send_all(void *argument)
{
    struct sender *s = argument;

    for (uintptr_t i = 1; i <= LETTERS; i++) {
        struct letter letter = {read_letter, (void *)(uintptr_t)s->number, (void *)i};
        /* Both ways in; a full box is tried again. */
        if (i % 2 == 0) {
            while (!mailbox_post(s->desk->box, letter))
                (void)sched_yield();
        } else {
            while (!mailbox_reserve(s->desk->box))
                (void)sched_yield();
            mailbox_post_reserved(s->desk->box, letter);
        }
    }
    return NULL;
}

static void four_senders_lose_nothing(void **state)
{
    struct desk desk = {.expected = SENDERS * LETTERS};
    struct sender senders[SENDERS];

    (void)state;
    assert_int_equal(loop_new(&desk.loop), OK);
    assert_int_equal(mailbox_new(&desk.box, desk.loop, 100, &desk), OK);
    for (size_t i = 0; i < SENDERS; i++) {
        senders[i].desk = &desk;
        senders[i].number = i;
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    loop_run(desk.loop);
    for (size_t i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
    assert_int_equal(desk.opened, desk.expected);
    assert_int_equal(desk.disorder, 0);
    mailbox_close(desk.box);
    loop_free(desk.loop);
}

static void the_capacity_is_exact_and_close_opens_the_rest(void **state)
{
    struct desk desk = {.expected = SIZE_MAX};
    struct letter letter = {read_letter, NULL, NULL};

    (void)state;
    assert_int_equal(loop_new(&desk.loop), OK);
    assert_int_equal(mailbox_new(&desk.box, desk.loop, 5, &desk), OK);
    for (uintptr_t i = 1; i <= 4; i++) {
        letter.b = (void *)i;
        assert_true(mailbox_post(desk.box, letter));
    }
    assert_true(mailbox_reserve(desk.box));
    assert_false(mailbox_reserve(desk.box));
    assert_false(mailbox_post(desk.box, letter));
    mailbox_unreserve(desk.box);
    assert_true(mailbox_reserve(desk.box));
    letter.b = (void *)(uintptr_t)5;
    mailbox_post_reserved(desk.box, letter);
    assert_int_equal(desk.opened, 0);
    mailbox_close(desk.box);
    assert_int_equal(desk.opened, 5);
    assert_int_equal(desk.disorder, 0);
    loop_free(desk.loop);
}

static void post_again(void *context, void *a, void *b)
{
    struct desk *desk = context;

    (void)a;
    (void)b;
    if (++desk->opened == desk->expected)
        loop_stop(desk->loop);
    else
        assert_true(mailbox_post(desk->box, (struct letter){post_again, NULL, NULL}));
}

static void a_letter_may_post(void **state)
{
    struct desk desk = {.expected = 1000};

    (void)state;
    assert_int_equal(loop_new(&desk.loop), OK);
    assert_int_equal(mailbox_new(&desk.box, desk.loop, 1, &desk), OK);
    assert_true(mailbox_post(desk.box, (struct letter){post_again, NULL, NULL}));
    loop_run(desk.loop);
    assert_int_equal(desk.opened, 1000);
    mailbox_close(desk.box);
    loop_free(desk.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_senders_lose_nothing),
        cmocka_unit_test(the_capacity_is_exact_and_close_opens_the_rest),
        cmocka_unit_test(a_letter_may_post),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
