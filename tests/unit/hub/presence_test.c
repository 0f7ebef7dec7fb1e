/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"
#include "hub/hub.h"
#include "hub/presence.h"

#define A VIEW("room-a")
#define B VIEW("room-b")

/* What was told, as text: "+bob -eve". */
struct heard {
    char text[512];
    unsigned refuses; /* this many more */
};

static bool hear(void *context, const struct presence_news *news)
{
    struct heard *heard = context;
    size_t len = strlen(heard->text);

    if (heard->refuses > 0) {
        heard->refuses--;
        return false;
    }
    (void)snprintf(heard->text + len, sizeof(heard->text) - len, "%s%c" VIEW_FMT,
                   len > 0 ? " " : "", news->is_join ? '+' : '-', VIEW_ARG(news->user));
    return true;
}

static const char *news(struct presence *p, uint64_t now_ms)
{
    static struct heard heard;

    memset(&heard, 0, sizeof(heard));
    presence_tell(p, now_ms, 100, hear, &heard);
    return heard.text;
}

static struct presence *presence_made(size_t max)
{
    struct presence *p;

    assert_int_equal(presence_new(&p, max), OK);
    return p;
}

static uint32_t connections(struct presence *p, struct view channel, const char *user)
{
    struct presence_user users[16];
    size_t count = presence_list(p, channel, users, 16);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(users[i].name, user) == 0)
            return users[i].connections;
    }
    return 0;
}

static void users_are_counted_by_connection(void **state)
{
    struct presence *p = presence_made(10);
    struct presence_user one[1];

    (void)state;
    assert_int_equal(presence_list(p, A, one, 1), 0);
    assert_int_equal(presence_enter(p, A, VIEW("bob"), false), OK);
    assert_int_equal(presence_enter(p, A, VIEW("bob"), false), OK);
    assert_int_equal(presence_enter(p, A, VIEW("eve"), false), OK);
    assert_int_equal(presence_enter(p, B, VIEW("eve"), false), OK);
    assert_int_equal(presence_list(p, A, one, 1), 2); /* more than there is room for */
    assert_int_equal(connections(p, A, "bob"), 2);
    assert_int_equal(connections(p, A, "eve"), 1);
    assert_int_equal(connections(p, B, "bob"), 0);
    presence_leave(p, A, VIEW("bob"));
    assert_int_equal(connections(p, A, "bob"), 1);
    presence_leave(p, A, VIEW("bob"));
    assert_int_equal(presence_list(p, A, one, 1), 1);
    presence_leave(p, A, VIEW("eve"));
    presence_leave(p, B, VIEW("eve"));
    assert_int_equal(presence_count(p), 0);
    assert_string_equal(news(p, 5000), ""); /* nobody asked for news */
    presence_free(p);
}

static void pages_are_in_the_order_of_names(void **state)
{
    struct presence *p = presence_made(100);
    struct view room = VIEW("room");
    struct presence_user users[8];
    char name[8];
    size_t found = 3;

    (void)state;
    assert_int_equal(presence_page(p, room, VIEW(""), users, &found), 0);
    assert_int_equal(found, 0);
    for (int i = 0; i < 20; i++) { /* u13, u06, u19, ... */
        (void)snprintf(name, sizeof(name), "u%02d", (i * 13 + 13) % 20);
        assert_int_equal(presence_enter(p, room, view_of_text(name), false), OK);
    }
    assert_int_equal(presence_enter(p, room, VIEW("u01"), false), OK);
    presence_leave(p, room, VIEW("u02"));
    found = 3;
    assert_int_equal(presence_page(p, room, VIEW(""), users, &found), 19);
    assert_int_equal(found, 3);
    assert_string_equal(users[0].name, "u00");
    assert_int_equal(users[1].connections, 2);
    assert_string_equal(users[2].name, "u03");
    found = 8;
    assert_int_equal(presence_page(p, room, VIEW("u17"), users, &found), 19);
    assert_int_equal(found, 2);
    assert_string_equal(users[1].name, "u19");
    presence_free(p);
}

static void a_full_table_refuses_and_forgets_nobody(void **state)
{
    struct presence *p = presence_made(2);
    char longest[66];

    (void)state;
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(presence_enter(p, A, VIEW(""), false), E_INVALID);
    assert_int_equal(presence_enter(p, A, view_of(longest, 65), false), E_INVALID);
    assert_int_equal(presence_enter(p, A, view_of(longest, 64), false), OK);
    assert_int_equal(presence_enter(p, B, VIEW("bob"), false), OK);
    assert_int_equal(presence_enter(p, A, VIEW("eve"), false), E_FULL);
    assert_int_equal(presence_enter(p, VIEW("room-c"), VIEW("eve"), false), E_FULL);
    assert_int_equal(presence_enter(p, B, VIEW("bob"), false), OK); /* stands there already */
    assert_int_equal(presence_count(p), 2);
    presence_leave(p, A, view_of(longest, 64));
    assert_int_equal(presence_enter(p, A, VIEW("eve"), false), OK);
    presence_free(p);
}

static void a_user_is_told_once_however_many_connections(void **state)
{
    struct presence *p = presence_made(10);

    (void)state;
    (void)news(p, 1000);
    assert_int_equal(presence_enter(p, A, VIEW("bob"), true), OK);
    assert_string_equal(news(p, 1100), "+bob");
    assert_int_equal(presence_enter(p, A, VIEW("bob"), true), OK);
    presence_leave(p, A, VIEW("bob"));
    assert_string_equal(news(p, 9000), "");
    presence_leave(p, A, VIEW("bob"));
    assert_string_equal(news(p, 9000 + PRESENCE_LEAVE_MS - 1), "");
    assert_int_equal(connections(p, A, "bob"), 0); /* gone for whoever asks */
    assert_string_equal(news(p, 9000 + PRESENCE_LEAVE_MS), "-bob");
    assert_int_equal(presence_count(p), 0);
    presence_free(p);
}

static void who_is_back_in_time_was_never_away(void **state)
{
    struct presence *p = presence_made(10);

    (void)state;
    (void)news(p, 1000);
    assert_int_equal(presence_enter(p, A, VIEW("bob"), true), OK);
    assert_string_equal(news(p, 1100), "+bob");
    for (uint64_t ms = 1200; ms < 9000; ms += 100) {
        presence_leave(p, A, VIEW("bob"));
        assert_string_equal(news(p, ms), "");
        assert_int_equal(presence_enter(p, A, VIEW("bob"), true), OK);
    }
    /* Who came and went between two rounds was never here. */
    assert_int_equal(presence_enter(p, A, VIEW("eve"), true), OK);
    presence_leave(p, A, VIEW("eve"));
    assert_string_equal(news(p, 99000), "");
    assert_int_equal(presence_count(p), 1);
    presence_leave(p, A, VIEW("bob"));
    assert_string_equal(news(p, 199000), "-bob");
    presence_free(p);
}

static void news_that_found_no_room_comes_later(void **state)
{
    struct presence *p = presence_made(10);
    struct heard heard = {.refuses = 1};

    (void)state;
    (void)news(p, 1000);
    assert_int_equal(presence_enter(p, A, VIEW("bob"), true), OK);
    presence_tell(p, 1100, 100, hear, &heard);
    assert_string_equal(heard.text, "");
    presence_tell(p, 1200, 0, hear, &heard);
    assert_string_equal(heard.text, "");
    assert_string_equal(news(p, 1300), "+bob");
    presence_leave(p, A, VIEW("bob"));
    heard.refuses = 1;
    presence_tell(p, 5000, 100, hear, &heard);
    assert_string_equal(heard.text, "");
    assert_string_equal(news(p, 9000), "-bob");
    presence_free(p);
}

/* Four threads come and go, a fifth tells. In the end the news, added up, say who is there. */
struct crowd {
    struct presence *presence;
    unsigned index;
    int balance[8]; /* of the teller: what the news say of each user */
    unsigned faults;
};

static void *come_and_go(void *argument)
{
    const struct crowd *c = argument;
    bool is_here[8] = {false};
    char name[8];

    for (unsigned i = 0; i < 20000; i++) {
        unsigned who = (i * 7 + i / 8 + c->index) % 8;
        struct view user = view_of(name, (size_t)snprintf(name, sizeof(name), "u%u", who));

        if (is_here[who])
            presence_leave(c->presence, A, user);
        else if (presence_enter(c->presence, A, user, true) != OK)
            abort();
        is_here[who] = !is_here[who];
    }
    for (unsigned who = 0; who < 8; who++) {
        struct view user = view_of(name, (size_t)snprintf(name, sizeof(name), "u%u", who));

        if (is_here[who] && who % 2 == 0)
            presence_leave(c->presence, A, user);
        else if (!is_here[who] && who % 2 == 1 && presence_enter(c->presence, A, user, true) != OK)
            abort();
    }
    return NULL;
}

static bool add_up(void *context, const struct presence_news *what)
{
    struct crowd *c = context;
    unsigned who = (unsigned)(what->user.ptr[1] - '0');

    c->balance[who] += what->is_join ? 1 : -1;
    if (c->balance[who] < 0 || c->balance[who] > 1)
        c->faults++;
    return true;
}

static void news_add_up_to_who_is_there(void **state)
{
    struct presence *p = presence_made(100);
    struct crowd crowd[4], teller = {.presence = p};
    pthread_t threads[4];
    uint64_t now_ms = 1;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        crowd[i] = (struct crowd){.presence = p, .index = i};
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &crowd[i]), 0);
    }
    for (int i = 0; i < 2000; i++, now_ms += PRESENCE_LEAVE_MS)
        presence_tell(p, now_ms, 100, add_up, &teller);
    for (unsigned i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++, now_ms += PRESENCE_LEAVE_MS)
        presence_tell(p, now_ms, 100, add_up, &teller);
    assert_int_equal(teller.faults, 0);
    for (int who = 0; who < 8; who++)
        assert_int_equal(teller.balance[who], who % 2);
    assert_int_equal(presence_count(p), 4);
    presence_free(p);
}

/* --- through the hub --- */

static void deliver(struct hub_subscriber *s, struct blob *frame)
{
    (void)s;
    (void)frame;
}
static struct view bob(const struct hub_subscriber *s)
{
    (void)s;
    return VIEW("bob");
}
static struct view eve(const struct hub_subscriber *s)
{
    (void)s;
    return VIEW("eve");
}
static const struct hub_subscriber_ops ops_of_bob = {deliver, bob}, ops_of_eve = {deliver, eve};

static void subscriptions_enter_and_every_way_out_leaves(void **state)
{
    const struct hub_how how = {.is_present = true};
    const struct hub_limits limits = {2, 10};
    struct presence *p = presence_made(2);
    struct hub_subscriber s, other;
    struct broker *broker;
    struct hub *hub;

    (void)state;
    assert_int_equal(broker_memory.open(&broker, 1), OK);
    assert_int_equal(hub_new(&hub, &limits, broker, 0), OK);
    hub_share(hub, NULL, p);
    hub_subscriber_init(&s, &ops_of_bob);
    hub_subscriber_init(&other, &ops_of_eve);
    assert_int_equal(hub_subscribe_as(hub, &s, A, &how), OK);
    assert_int_equal(hub_subscribe_as(hub, &s, A, &how), E_EXISTS);
    assert_int_equal(connections(p, A, "bob"), 1);
    assert_int_equal(hub_subscribe(hub, &s, B), OK); /* shows nobody */
    assert_int_equal(connections(p, B, "bob"), 0);
    assert_int_equal(hub_subscribe_as(hub, &s, VIEW("room-c"), &how), E_LIMIT);
    assert_int_equal(presence_count(p), 1);
    assert_int_equal(hub_unsubscribe(hub, &s, A), OK);
    assert_int_equal(presence_count(p), 0);
    hub_leave(hub, &s);
    assert_int_equal(hub_subscribe_as(hub, &s, A, &how), OK);
    assert_int_equal(hub_subscribe_as(hub, &s, B, &how), OK);
    assert_int_equal(hub_subscribe_as(hub, &other, VIEW("room-c"), &how), E_FULL);
    assert_int_equal(other.count, 0);
    assert_int_equal(hub_channel_count(hub), 2);
    hub_leave(hub, &s);
    assert_int_equal(presence_count(p), 0);
    hub_free(hub);
    broker_memory.close(broker);
    presence_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_counted_by_connection),
        cmocka_unit_test(a_full_table_refuses_and_forgets_nobody),
        cmocka_unit_test(pages_are_in_the_order_of_names),
        cmocka_unit_test(a_user_is_told_once_however_many_connections),
        cmocka_unit_test(who_is_back_in_time_was_never_away),
        cmocka_unit_test(news_that_found_no_room_comes_later),
        cmocka_unit_test(news_add_up_to_who_is_there),
        cmocka_unit_test(subscriptions_enter_and_every_way_out_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
