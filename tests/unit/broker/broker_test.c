/* SPDX-License-Identifier: Apache-2.0 */
/* broker_test.c: the front hands every call to its engine, with its arguments, and its answer back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/status.h"
#include "broker/broker_engine.h"

static char calls[16];

static void note(char what, unsigned index)
{
    size_t len = strlen(calls);

    calls[len] = what;
    calls[len + 1] = (char)('0' + index);
    calls[len + 2] = '\0';
}

static void fake_join(struct broker *b, unsigned index, struct mailbox *m, broker_deliver d,
                      void *c)
{
    (void)b;
    assert_null(m);
    assert_null(d);
    assert_ptr_equal(c, calls);
    note('j', index);
}
static void fake_leave(struct broker *b, unsigned index)
{
    (void)b;
    note('l', index);
}
static int fake_add(struct broker *b, unsigned index, struct view channel)
{
    (void)b;
    assert_true(view_eq(channel, VIEW("a")));
    note('a', index);
    return E_LIMIT;
}
static void fake_remove(struct broker *b, unsigned index, struct view channel)
{
    (void)b;
    assert_true(view_eq(channel, VIEW("b")));
    note('r', index);
}
static int fake_publish(struct broker *b, unsigned index, struct view channel, struct blob *frame)
{
    (void)b;
    assert_true(view_eq(channel, VIEW("c")));
    assert_null(frame);
    note('p', index);
    return E_FULL;
}
static size_t fake_count(struct broker *b)
{
    (void)b;
    note('c', 6);
    return 7;
}

static int fake_ordered(struct broker *b, unsigned index, struct view channel, struct blob *frame)
{
    (void)b;
    assert_true(view_eq(channel, VIEW("d")));
    assert_null(frame);
    note('o', index);
    return E_NOMEM;
}

static void calls_reach_the_engine(void **state)
{
    static const struct broker_ops ops = {.name = "fake",
                                          .join = fake_join,
                                          .leave = fake_leave,
                                          .interest_add = fake_add,
                                          .interest_remove = fake_remove,
                                          .publish = fake_publish,
                                          .publish_ordered = fake_ordered,
                                          .channel_count = fake_count};
    struct broker b = {&ops};

    (void)state;
    broker_join(&b, 1, NULL, NULL, calls);
    assert_int_equal(broker_interest_add(&b, 2, VIEW("a")), E_LIMIT);
    broker_interest_remove(&b, 3, VIEW("b"));
    assert_int_equal(broker_publish(&b, 4, VIEW("c"), NULL), E_FULL);
    assert_int_equal(broker_publish_ordered(&b, 6, VIEW("d"), NULL), E_NOMEM);
    broker_leave(&b, 5);
    assert_int_equal(broker_channel_count(&b), 7);
    assert_string_equal(calls, "j1a2r3p4o6l5c6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(calls_reach_the_engine)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
