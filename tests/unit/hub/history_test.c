/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"
#include "hub/history.h"

static const struct history_limits roomy = {1 << 20, 1 << 19};

struct sender {
    uint32_t bytes;
    int post_answer;
    unsigned posts;
    bool makes_nothing;
};

static struct blob *make(void *context, uint64_t offset)
{
    const struct sender *sender = context;
    struct blob *frame = sender->makes_nothing ? NULL : blob_new(sender->bytes);

    if (frame != NULL) {
        memset(frame->data, 0, frame->len);
        memcpy(frame->data, &offset, sizeof(offset));
    }
    return frame;
}

static int post(void *context, struct blob *frame)
{
    struct sender *sender = context;
    uint64_t offset;

    memcpy(&offset, frame->data, sizeof(offset));
    assert_int_equal(frame->offset, offset);
    assert_true(frame->life > 0);
    sender->posts++;
    return sender->post_answer;
}

static int append_with(struct history *h, const char *channel, struct sender *sender,
                       uint32_t messages, uint64_t now_ms)
{
    struct history_publish publish = {.messages = messages,
                                      .ttl_ms = 1000,
                                      .now_ms = now_ms,
                                      .make = make,
                                      .post = post,
                                      .context = sender};

    return history_append(h, view_of_text(channel), &publish);
}

static void append(struct history *h, const char *channel, uint32_t messages, uint64_t now_ms)
{
    struct sender sender = {.bytes = 100};

    assert_int_equal(append_with(h, channel, &sender, messages, now_ms), OK);
    assert_int_equal(sender.posts, 1);
}

/* The offsets of a batch as text: "3 4 5". */
static const char *ask(struct history *h, const char *channel, const struct history_ask *ask)
{
    static char text[512];
    struct history_batch batch;
    size_t len = 0;
    int rc = history_get(h, view_of_text(channel), ask, &batch);

    if (rc != OK)
        return rc == E_MISSING ? "missing" : rc == E_LIMIT ? "limit" : "?";
    text[0] = '\0';
    for (uint32_t i = 0; i < batch.count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%llu", i > 0 ? " " : "",
                                (unsigned long long)batch.frames[i]->offset);
    history_batch_clear(&batch);
    return text;
}

static const char *last(struct history *h, const char *channel, uint32_t limit, uint64_t now_ms)
{
    struct history_ask asked = {.messages_max = limit, .bytes_max = 1 << 20, .now_ms = now_ms};

    return ask(h, channel, &asked);
}

static const char *resume(struct history *h, const char *channel, struct history_place since,
                          uint64_t upto)
{
    struct history_ask asked = {.is_resume = true,
                                .since = since,
                                .upto = upto,
                                .messages_max = 100,
                                .bytes_max = 1 << 20,
                                .now_ms = 10};

    return ask(h, channel, &asked);
}

static struct history *history_made(const struct history_limits *limits)
{
    struct history *h;

    assert_int_equal(history_new(&h, limits), OK);
    return h;
}

static void the_last_messages_are_kept(void **state)
{
    struct history *h = history_made(&roomy);

    (void)state;
    assert_string_equal(last(h, "a", 10, 10), "");
    for (int i = 0; i < 12; i++)
        append(h, "a", 5, 10);
    append(h, "b", 5, 10);
    assert_string_equal(last(h, "a", 10, 10), "8 9 10 11 12");
    assert_string_equal(last(h, "a", 2, 10), "11 12");
    assert_string_equal(last(h, "a", 0, 10), "");
    assert_string_equal(last(h, "b", 10, 10), "1");
    assert_int_equal(history_place(h, VIEW("a")).offset, 12);
    history_free(h);
}

static void messages_leave_when_their_time_is_over(void **state)
{
    struct history *h = history_made(&roomy);
    size_t full;

    (void)state;
    append(h, "a", 5, 100);
    append(h, "a", 5, 600);
    full = history_bytes(h);
    assert_string_equal(last(h, "a", 10, 1099), "1 2");
    assert_string_equal(last(h, "a", 10, 1100), "2");
    assert_string_equal(last(h, "a", 10, 0), "2"); /* a clock that is behind */
    history_sweep(h, 1600);
    assert_true(history_bytes(h) < full - 200);
    assert_string_equal(last(h, "a", 10, 1600), "");
    /* The place outlives the messages: who missed nothing may go on. */
    assert_int_equal(history_place(h, VIEW("a")).offset, 2);
    append(h, "a", 5, 1700);
    assert_string_equal(last(h, "a", 10, 1700), "3");
    history_free(h);
}

static void a_resume_gives_all_or_says_that_it_cannot(void **state)
{
    struct history *h = history_made(&roomy);
    struct history_place start = history_place(h, VIEW("a")), other;
    uint64_t life = start.life;

    (void)state;
    assert_string_equal(resume(h, "a", start, 0), "");
    for (int i = 0; i < 7; i++)
        append(h, "a", 5, 10);
    assert_int_equal(history_place(h, VIEW("a")).life, life);
    assert_string_equal(resume(h, "a", (struct history_place){life, 7}, 7), "");
    assert_string_equal(resume(h, "a", (struct history_place){life, 5}, 7), "6 7");
    assert_string_equal(resume(h, "a", (struct history_place){life, 2}, 7), "3 4 5 6 7");
    assert_string_equal(resume(h, "a", (struct history_place){life, 2}, 4), "3 4");
    assert_string_equal(resume(h, "a", (struct history_place){life, 1}, 7), "missing");
    assert_string_equal(resume(h, "a", start, 7), "missing");
    assert_string_equal(resume(h, "a", (struct history_place){life, 8}, 7), "missing");
    assert_string_equal(resume(h, "a", (struct history_place){life, UINT64_MAX}, 7), "missing");
    assert_string_equal(resume(h, "a", (struct history_place){life + 1, 7}, 7), "missing");
    assert_string_equal(resume(h, "a", (struct history_place){life, 7}, 8), "missing");
    other = history_place(h, VIEW("never"));
    assert_string_equal(resume(h, "never", (struct history_place){other.life, 1}, 1), "missing");
    history_free(h);
}

static void a_resume_that_is_too_large_is_refused(void **state)
{
    struct history *h = history_made(&roomy);
    struct history_ask asked = {.is_resume = true, .upto = 4, .messages_max = 4, .now_ms = 10};

    (void)state;
    asked.since = history_place(h, VIEW("a"));
    for (int i = 0; i < 4; i++)
        append(h, "a", 10, 10);
    asked.bytes_max = 399;
    assert_string_equal(ask(h, "a", &asked), "limit");
    asked.bytes_max = 400;
    assert_string_equal(ask(h, "a", &asked), "1 2 3 4");
    asked.messages_max = 3;
    assert_string_equal(ask(h, "a", &asked), "limit");
    history_free(h);
}

static void pages_go_forward_and_the_newest_come_first_otherwise(void **state)
{
    struct history *h = history_made(&roomy);
    struct history_ask asked = {.has_since = true, .messages_max = 2, .bytes_max = 1000};

    (void)state;
    asked.since = history_place(h, VIEW("a"));
    for (int i = 0; i < 5; i++)
        append(h, "a", 10, 10);
    asked.now_ms = 10;
    assert_string_equal(ask(h, "a", &asked), "1 2");
    asked.since.offset = 4;
    assert_string_equal(ask(h, "a", &asked), "5");
    asked.since.offset = 5;
    assert_string_equal(ask(h, "a", &asked), "");
    asked.since.offset = 0;
    asked.messages_max = 10;
    asked.bytes_max = 250;
    assert_string_equal(ask(h, "a", &asked), "1 2");
    asked.bytes_max = 1; /* one comes at least, or nobody would ever get on */
    assert_string_equal(ask(h, "a", &asked), "1");
    asked.has_since = false;
    assert_string_equal(ask(h, "a", &asked), "5");
    asked.bytes_max = 250;
    assert_string_equal(ask(h, "a", &asked), "4 5");
    history_free(h);
}

static void what_is_not_sent_takes_no_place(void **state)
{
    struct history *h = history_made(&roomy);
    struct sender full = {.bytes = 100, .post_answer = E_FULL};
    struct sender poor = {.makes_nothing = true};

    (void)state;
    assert_int_equal(append_with(h, "a", &full, 5, 10), E_FULL);
    assert_int_equal(append_with(h, "a", &poor, 5, 10), E_NOMEM);
    assert_int_equal(poor.posts, 0);
    assert_int_equal(history_bytes(h), 0);
    append(h, "a", 5, 10);
    assert_int_equal(append_with(h, "a", &full, 5, 10), E_FULL);
    append(h, "a", 5, 10);
    assert_string_equal(last(h, "a", 10, 10), "1 2");
    history_free(h);
}

static void a_channel_is_bounded_in_bytes(void **state)
{
    const struct history_limits small = {1 << 20, 2000};
    struct history *h = history_made(&small);
    struct sender large = {.bytes = 3000};
    struct history_place start = history_place(h, VIEW("a"));

    (void)state;
    for (int i = 0; i < 100; i++) {
        append(h, "a", 1000, 10);
        assert_true(history_bytes(h) <= 2000);
    }
    assert_true(strlen(last(h, "a", 100, 10)) > 0);
    assert_int_equal(append_with(h, "a", &large, 1000, 10), OK);
    assert_true(history_bytes(h) <= 2000);
    assert_string_equal(last(h, "a", 100, 10), "");
    assert_string_equal(resume(h, "a", (struct history_place){start.life, 100}, 101), "missing");
    assert_string_equal(resume(h, "a", (struct history_place){start.life, 101}, 101), "");
    history_free(h);
}

static void over_all_the_least_recently_used_goes_first(void **state)
{
    const struct history_limits small = {64 * 1024, 8 * 1024};
    struct history *h = history_made(&small);
    struct history_place first;
    char name[32];

    (void)state;
    append(h, "busy", 5, 1);
    append(h, "quiet", 5, 1);
    first = history_place(h, VIEW("quiet"));
    for (unsigned i = 0; i < 10000; i++) {
        (void)snprintf(name, sizeof(name), "flood-%u", i);
        append(h, name, 5, 2 + i / 100);
        if (i % 50 == 0)
            append(h, "busy", 5, 2 + i / 100);
        assert_true(history_bytes(h) <= small.bytes);
    }
    assert_string_equal(last(h, "quiet", 10, 200), "");
    assert_true(history_place(h, VIEW("quiet")).life > first.life);
    assert_string_equal(resume(h, "quiet", first, 1), "missing");
    assert_string_equal(last(h, "busy", 10, 150), "197 198 199 200 201");
    history_free(h);
}

static void a_forgotten_channel_begins_a_new_life(void **state)
{
    struct history *h = history_made(&roomy);
    char before[HISTORY_EPOCH_BYTES], after[HISTORY_EPOCH_BYTES];
    struct history_place old, born;

    (void)state;
    append(h, "a", 5, 10);
    append(h, "a", 5, 10);
    old = history_place(h, VIEW("a"));
    history_forget(h, VIEW("never"));
    history_forget(h, VIEW("a"));
    assert_int_equal(history_bytes(h), 0);
    append(h, "a", 5, 10);
    born = history_place(h, VIEW("a"));
    assert_int_equal(born.offset, 1);
    assert_true(history_is_newer(born, old));
    assert_false(history_is_newer(old, born));
    assert_string_equal(resume(h, "a", old, 1), "missing");
    history_epoch(h, VIEW("a"), old.life, before);
    history_epoch(h, VIEW("a"), born.life, after);
    assert_string_not_equal(before, after);
    assert_int_equal(strlen(after), 16);
    history_forget_all(h);
    assert_int_equal(history_bytes(h), 0);
    assert_true(history_is_newer(history_place(h, VIEW("a")), born));
    history_epoch(h, VIEW("b"), born.life, before);
    assert_string_not_equal(before, after);
    history_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_messages_are_kept),
        cmocka_unit_test(messages_leave_when_their_time_is_over),
        cmocka_unit_test(a_resume_gives_all_or_says_that_it_cannot),
        cmocka_unit_test(a_resume_that_is_too_large_is_refused),
        cmocka_unit_test(pages_go_forward_and_the_newest_come_first_otherwise),
        cmocka_unit_test(what_is_not_sent_takes_no_place),
        cmocka_unit_test(a_channel_is_bounded_in_bytes),
        cmocka_unit_test(over_all_the_least_recently_used_goes_first),
        cmocka_unit_test(a_forgotten_channel_begins_a_new_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
