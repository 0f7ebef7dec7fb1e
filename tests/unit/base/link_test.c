/* SPDX-License-Identifier: Apache-2.0 */
/* link_test.c: the ring keeps its order, and removal is harmless twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/link.h"

struct item {
    int number;
    struct link link;
};

static void items_keep_their_order(void **state)
{
    struct item items[3] = {{1, {NULL, NULL}}, {2, {NULL, NULL}}, {3, {NULL, NULL}}};
    struct link head;
    int expected = 1;

    (void)state;
    link_init(&head);
    assert_true(link_is_alone(&head));
    for (int i = 0; i < 3; i++)
        link_append(&head, &items[i].link);
    for (struct link *l = head.next; l != &head; l = l->next)
        assert_int_equal(LINK_ITEM(l, struct item, link)->number, expected++);
    assert_int_equal(expected, 4);
    link_remove(&items[1].link);
    link_remove(&items[1].link);
    assert_true(link_is_alone(&items[1].link));
    assert_ptr_equal(items[0].link.next, &items[2].link);
    assert_ptr_equal(items[2].link.prev, &items[0].link);
    link_remove(&items[0].link);
    link_remove(&items[2].link);
    assert_true(link_is_alone(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(items_keep_their_order)};

    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
