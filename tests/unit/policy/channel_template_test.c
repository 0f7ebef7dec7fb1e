/* SPDX-License-Identifier: Apache-2.0 */
/* channel_template_test.c: what may stand in a configuration, and what strangers put into holes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/status.h"
#include "policy/channel_template.h"

struct house {
    struct arena arena;
    struct identity who;
    struct channel_template t;
    struct channel_filled out;
};

static void house_init(struct house *h, const char *text)
{
    memset(h, 0, sizeof(*h));
    arena_init(&h->arena, 4096, 65536);
    memcpy(h->who.user, "alice", 5);
    h->who.user_bytes = 5;
    memcpy(h->who.tenant, "acme", 4);
    assert_int_equal(channel_template_parse(&h->t, view_of_text(text), NULL), OK);
}

static enum template_fault fill(struct house *h, const char *message)
{
    struct json *root;
    size_t at;

    assert_int_equal(json_parse(&root, view_of_text(message), NULL, &h->arena, &at), OK);
    return channel_template_fill(&h->t, &h->who, root, &h->out);
}

static void expect_name(struct house *h, const char *message, const char *name)
{
    assert_int_equal(fill(h, message), TEMPLATE_FILLED);
    assert_true(view_eq(view_of(h->out.bytes, h->out.len), view_of_text(name)));
}

static void good_templates_are_filled(void **state)
{
    static const struct {
        const char *text, *message, *name;
    } rows[] = {
        {"public:chat", "{}", "public:chat"},
        {"private:room-{/room_id}", "{\"room_id\":\"42\"}", "private:room-42"},
        {"user:{user_id}:messages", "{\"user_id\":\"eve\"}", "user:alice:messages"},
        {"{tenant}:r:{/a/b}-x", "{\"a\":{\"b\":\"v1.2\"}}", "acme:r:v1.2-x"},
        {"{/a~1b}", "{\"a/b\":\"x\"}", "x"},
        {"l:{/list/1}", "{\"list\":[\"p\",\"q\"]}", "l:q"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct house h;

        house_init(&h, rows[i].text);
        expect_name(&h, rows[i].message, rows[i].name);
        arena_clear(&h.arena);
    }
}

static void bad_templates_are_refused_with_a_reason(void **state)
{
    static const char *const texts[] = {"",
                                        "a:",
                                        ":a",
                                        "a b",
                                        "room-{room_id}",
                                        "{/a}{/b}",
                                        "x{/a",
                                        "x}",
                                        "{}",
                                        "{/}x{/}",
                                        "{/a~2}",
                                        "{/a{b}",
                                        "{tenant",
                                        "{user}",
                                        "a:{/x}{user_id}",
                                        "{/a}-{tenant}",
                                        "*",
                                        "caf\xc3\xa9",
                                        "a:b:c:d:e:f:g:h:i:j:k:l:m:n:o:p:q"};
    struct channel_template t;
    struct error why;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        why.text[0] = '\0';
        assert_int_equal(channel_template_parse(&t, view_of_text(texts[i]), &why), E_INVALID);
        assert_true(why.text[0] != '\0');
    }
}

static void a_hole_holds_one_segment_and_nothing_else(void **state)
{
    static const struct {
        const char *message;
        enum template_fault fault;
    } rows[] = {
        {"{}", TEMPLATE_MISSING},
        {"[]", TEMPLATE_MISSING},
        {"{\"room_id\":42}", TEMPLATE_NOT_STRING},
        {"{\"room_id\":null}", TEMPLATE_NOT_STRING},
        {"{\"room_id\":{\"$ne\":\"\"}}", TEMPLATE_NOT_STRING},
        {"{\"room_id\":[\"1\"]}", TEMPLATE_NOT_STRING},
        {"{\"room_id\":\"\"}", TEMPLATE_BAD_FORMAT},
        {"{\"room_id\":\"1:admin\"}", TEMPLATE_BAD_FORMAT},
        {"{\"room_id\":\":\"}", TEMPLATE_BAD_FORMAT},
        {"{\"room_id\":\"*\"}", TEMPLATE_BAD_FORMAT},
        {"{\"room_id\":\"{user_id}\"}", TEMPLATE_BAD_FORMAT},
        {"{\"room_id\":\"1 2\"}", TEMPLATE_BAD_FORMAT},
        {"{\"room_id\":\"1\\u0000\"}", TEMPLATE_BAD_FORMAT},
        {"{\"room_id\":\"caf\xc3\xa9\"}", TEMPLATE_BAD_FORMAT},
        {"{\"room_id\":\"a/b\"}", TEMPLATE_BAD_FORMAT},
    };
    struct house h;

    (void)state;
    house_init(&h, "private:room-{/room_id}");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(fill(&h, rows[i].message), rows[i].fault);
        assert_int_equal(h.out.len, 0);
        assert_true(view_eq(h.out.pointer, VIEW("/room_id")));
    }
    arena_clear(&h.arena);
}

static void the_whole_must_be_a_name_too(void **state)
{
    struct house h;
    char message[128] = "{\"id\":\"";

    (void)state;
    house_init(&h, "room-{/id}");
    memset(message + 7, 'a', 60); /* 5 + 60 > 64, each by itself is a segment */
    memcpy(message + 67, "\"}", 3);
    assert_int_equal(fill(&h, message), TEMPLATE_TOO_LONG);
    message[66] = '"';
    message[67] = '}';
    message[68] = '\0';
    assert_int_equal(fill(&h, message), TEMPLATE_FILLED);
    arena_clear(&h.arena);
}

static void who_is_not_there_fills_nothing(void **state)
{
    struct house h;
    struct json *root;
    size_t at;

    (void)state;
    house_init(&h, "t:{tenant}:x");
    h.who.tenant[0] = '\0';
    assert_int_equal(fill(&h, "{}"), TEMPLATE_NO_TENANT);
    assert_int_equal(json_parse(&root, VIEW("{}"), NULL, &h.arena, &at), OK);
    assert_int_equal(channel_template_fill(&h.t, NULL, root, &h.out), TEMPLATE_NO_IDENTITY);
    arena_clear(&h.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_templates_are_filled),
        cmocka_unit_test(bad_templates_are_refused_with_a_reason),
        cmocka_unit_test(a_hole_holds_one_segment_and_nothing_else),
        cmocka_unit_test(the_whole_must_be_a_name_too),
        cmocka_unit_test(who_is_not_there_fills_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
