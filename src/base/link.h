/* SPDX-License-Identifier: Apache-2.0 */
/* link.h: an intrusive doubly linked ring. A head is a link that stands in no item. Not
 * thread-safe. */
#ifndef BASE_LINK_H
#define BASE_LINK_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *next, *prev;
};

#define LINK_ITEM(pointer, type, member)                                                           \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void link_init(struct link *l)
{
    l->next = l->prev = l;
}
static inline bool link_is_alone(const struct link *l)
{
    return l->next == l;
}
/* Puts `item` last in the ring of `head`. `item` must be in no ring. */
static inline void link_append(struct link *head, struct link *item)
{
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}
/* Takes `item` out of whatever ring it is in; it is alone afterwards, and removing it again is
 * harmless. */
static inline void link_remove(struct link *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    link_init(item);
}

#endif
