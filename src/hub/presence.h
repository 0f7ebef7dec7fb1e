/* SPDX-License-Identifier: Apache-2.0 */
/* presence.h: who is in which channel, over all workers: connections per user, for the channels
 * that want it. One table for the process, sharded mutexes at coming, going and asking; nothing
 * else touches it. Any thread.
 *
 * News of who came and went is given out by one caller at a time (presence_tell), so every listener
 * hears it in one order. A user counts once, however many connections it has; who leaves and is
 * back within PRESENCE_LEAVE_MS was never away. */
#ifndef HUB_PRESENCE_H
#define HUB_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

#define PRESENCE_USER_MAX 64 /* bytes of a user's id */
#define PRESENCE_LEAVE_MS 1000

struct presence;

/* At most max_users at a time, each counted in every channel it is in. E_NOMEM. */
int presence_new(struct presence **out, size_t max_users);
void presence_free(struct presence *p); /* NULL is fine */
/* One more connection of the user; has_news: the channel is told. E_FULL, E_NOMEM, E_INVALID (an
 * empty or too long user); nothing changes then. */
int presence_enter(struct presence *p, struct view channel, struct view user, bool has_news);
/* One connection less; each enter needs one. */
void presence_leave(struct presence *p, struct view channel, struct view user);

struct presence_user {
    char name[PRESENCE_USER_MAX + 1];
    uint32_t connections;
};
/* Writes up to `room` users, in no order; returns how many there are. */
size_t presence_list(struct presence *p, struct view channel, struct presence_user *users,
                     size_t room);

/* Up to *room users in the order of their names, those behind `after` (empty: from the first);
 * *room becomes how many. Returns how many there are in all. One walk, and memory for the page
 * alone. */
size_t presence_page(struct presence *p, struct view channel, struct view after,
                     struct presence_user *users, size_t *room);

struct presence_news {
    bool is_join;
    struct view channel, user; /* live during the call of `tell` */
};
/* Gives at most `max` news to `tell`; what it refuses (false) is news again the next time. Call it
 * a few times a second, from one thread. tell must not call back in here. */
void presence_tell(struct presence *p, uint64_t now_ms, size_t max,
                   bool (*tell)(void *context, const struct presence_news *news), void *context);
/* Entries of the table. Those who left a moment ago may still be among them. */
size_t presence_count(struct presence *p);

#endif
