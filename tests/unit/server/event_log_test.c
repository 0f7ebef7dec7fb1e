/* SPDX-License-Identifier: Apache-2.0 */
/* Events: whatever a stranger chose, a line stays one line of JSON; what is left out is counted
 * exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/status.h"
#include "message/json.h"
#include "server/event_log.h"

static void assert_one_json_line(const char *line, size_t len, struct arena *arena)
{
    struct json *root;
    size_t error_at;

    assert_true(len > 0 && line[len - 1] == '\n');
    assert_null(memchr(line, '\n', len - 1));
    arena_reset(arena);
    assert_int_equal(json_parse(&root, view_of(line, len - 1), NULL, arena, &error_at), OK);
    assert_int_equal(root->type, JSON_OBJECT);
}

static void every_byte_leaves_one_line_of_json(void **state)
{
    char line[EVENT_LINE_MAX], value[300];
    struct arena arena;

    (void)state;
    arena_init(&arena, 65536, 1 << 20);
    for (int byte = 0; byte < 256; byte++) {
        struct event event = {.type = EVENT_ORIGIN_REFUSED, .outcome = OUTCOME_REFUSED};
        memset(value, byte, sizeof(value));
        event.origin = event.path = event.host = event.user = event.channel = event.detail =
            event.action = event.ip = event.connection = view_of(value, sizeof(value));
        assert_one_json_line(line, event_encode(line, sizeof(line), &event, 1795359005648), &arena);
        event.origin = view_of(value, 1);
        event.user = view_of(value, 0);
        assert_one_json_line(line, event_encode(line, sizeof(line), &event, 0), &arena);
    }
    arena_clear(&arena);
}

static void fields_stand_in_order_and_empty_ones_are_left_out(void **state)
{
    char line[EVENT_LINE_MAX];
    struct event event = {.type = EVENT_AUTH_FAILED,
                          .outcome = OUTCOME_REFUSED,
                          .code = "token_signature",
                          .ip = VIEW("192.0.2.1"),
                          .port = 4711,
                          .close_code = 1008};
    size_t len = event_encode(line, sizeof(line), &event, 1795359005648);
    const char *wanted = "{\"time\":\"2026-11-22T14:50:05.648Z\",\"event\":\"auth_failed\","
                         "\"severity\":\"warning\",\"outcome\":\"refused\","
                         "\"code\":\"token_signature\",\"ip\":\"192.0.2.1\",\"port\":4711,"
                         "\"close_code\":1008}\n";

    (void)state;
    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(line, wanted, len);
}

static void a_line_that_does_not_fit_is_no_line(void **state)
{
    char line[64];
    struct event event = {.type = EVENT_SERVER_START, .outcome = OUTCOME_OK};

    (void)state;
    assert_int_equal(event_encode(line, sizeof(line), &event, 0), 0);
}

static void every_type_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < EVENT_TYPES; a++) {
        assert_non_null(event_type_text((enum event_type)a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(event_type_text((enum event_type)a),
                                    event_type_text((enum event_type)b));
    }
}

static int open_log(struct event_log **log, const char *target, struct error *why)
{
    struct event_log_options options = {.target = target};

    return event_log_open(log, &options, why);
}

static size_t count_of(struct view text, const char *word)
{
    size_t count = 0, len = strlen(word);

    for (size_t i = 0; i + len <= text.len; i++)
        count += memcmp(text.ptr + i, word, len) == 0;
    return count;
}

/* Of 5,000 in a burst some lines are written, the rest is told, and together they are 5,000. */
static void a_flood_is_counted_exactly(void **state)
{
    char path[] = "/tmp/gateward-events-XXXXXX";
    int fd = mkstemp(path);
    struct buf text = BUF_INIT(16 << 20);
    struct event_log *log;
    struct event event = {.type = EVENT_MESSAGE_INVALID, .outcome = OUTCOME_REFUSED};
    size_t written, told = 0;
    uint64_t left_out;

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(open_log(&log, path, NULL), OK);
    for (int i = 0; i < 5000; i++)
        event_log_put(log, &event);
    assert_int_equal(event_log_count(log, EVENT_MESSAGE_INVALID), 5000);
    left_out = event_log_left_out(log);
    event_log_close(log);
    assert_int_equal(file_read(&text, path), OK);
    written = count_of(buf_view(&text), "\"event\":\"message_invalid\"");
    assert_true(written >= EVENT_LINES_PER_SECOND && written < 5000);
    assert_int_equal(buf_append(&text, "", 1), OK);
    for (const char *at = (const char *)text.data; (at = strstr(at, "\"count\":")) != NULL; at++)
        told += strtoul(at + strlen("\"count\":"), NULL, 10);
    assert_int_equal(written + told, 5000);
    assert_int_equal(written + left_out, 5000);
    buf_clear(&text);
    (void)unlink(path);
}

/* Who looks at the end of the file sees that the server ended in order. */
static void the_last_line_is_the_stop(void **state)
{
    char path[] = "/tmp/gateward-events-XXXXXX";
    int fd = mkstemp(path);
    struct buf text = BUF_INIT(16 << 20);
    struct event_log *log;
    struct event event = {.type = EVENT_MESSAGE_INVALID, .outcome = OUTCOME_REFUSED};
    struct event stop = {.type = EVENT_SERVER_STOP, .outcome = OUTCOME_OK};
    const char *last = NULL;

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(open_log(&log, path, NULL), OK);
    for (int i = 0; i < 5000; i++)
        event_log_put(log, &event);
    event_log_put(log, &stop);
    event_log_close(log);
    assert_int_equal(file_read(&text, path), OK);
    assert_int_equal(buf_append(&text, "", 1), OK);
    assert_non_null(strstr((const char *)text.data, "\"event\":\"events_suppressed\""));
    for (const char *at = (const char *)text.data; (at = strstr(at, "\"event\":")) != NULL; at++)
        last = at;
    assert_non_null(last);
    assert_memory_equal(last, "\"event\":\"server_stop\"", strlen("\"event\":\"server_stop\""));
    buf_clear(&text);
    (void)unlink(path);
}

struct seen {
    uint64_t none, twice, other, codes;
};

static void see(void *context, const char *code, uint64_t count)
{
    struct seen *seen = context;

    seen->codes++;
    if (strcmp(code, "none") == 0)
        seen->none = count;
    else if (strcmp(code, "twice") == 0)
        seen->twice = count;
    else if (strcmp(code, "other") == 0)
        seen->other = count;
}

/* By what they say, not by where it lies; and never more than there is room for. */
static void events_are_counted_by_their_code(void **state)
{
    static char codes[EVENT_CODES_MAX][8], again[] = "twice";
    struct event event = {.type = EVENT_AUTH_FAILED, .outcome = OUTCOME_REFUSED};
    struct seen seen = {0, 0, 0, 0};
    struct event_log *log;

    (void)state;
    assert_int_equal(open_log(&log, "off", NULL), OK);
    event_log_put(log, &event);
    event.code = "twice";
    event_log_put(log, &event);
    event.code = again;
    event_log_put(log, &event);
    for (int i = 0; i < EVENT_CODES_MAX; i++) {
        (void)snprintf(codes[i], sizeof(codes[i]), "c%d", i);
        event.code = codes[i];
        event_log_put(log, &event);
    }
    event_log_each_code(log, EVENT_AUTH_FAILED, see, &seen);
    assert_int_equal(seen.none, 1);
    assert_int_equal(seen.twice, 2);
    assert_int_equal(seen.other, 2);
    assert_int_equal(seen.codes, EVENT_CODES_MAX + 1);
    assert_int_equal(event_log_left_out(log), 0);
    event_log_close(log);
}

static void off_still_counts(void **state)
{
    struct event_log *log;
    struct event event = {.type = EVENT_AUTH_OK, .outcome = OUTCOME_OK};

    (void)state;
    assert_int_equal(open_log(&log, "off", NULL), OK);
    event_log_put(log, &event);
    event_log_put(log, &event);
    assert_int_equal(event_log_count(log, EVENT_AUTH_OK), 2);
    event_log_close(log);
    event_log_put(NULL, &event);
}

static void a_target_that_cannot_be_opened_says_so(void **state)
{
    struct event_log *log = NULL;
    struct error why = {0};

    (void)state;
    assert_int_equal(open_log(&log, "/nowhere/at/all.jsonl", &why), E_IO);
    assert_null(log);
    assert_non_null(strstr(why.text, "/nowhere/at/all.jsonl"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_leaves_one_line_of_json),
        cmocka_unit_test(fields_stand_in_order_and_empty_ones_are_left_out),
        cmocka_unit_test(a_line_that_does_not_fit_is_no_line),
        cmocka_unit_test(every_type_has_a_name_of_its_own),
        cmocka_unit_test(a_flood_is_counted_exactly),
        cmocka_unit_test(the_last_line_is_the_stop),
        cmocka_unit_test(events_are_counted_by_their_code),
        cmocka_unit_test(off_still_counts),
        cmocka_unit_test(a_target_that_cannot_be_opened_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
