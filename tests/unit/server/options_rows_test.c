/* SPDX-License-Identifier: Apache-2.0 */
/* options_rows_test.c: the plain sections: server, limits, timeouts, compression, log, and what
 * follows from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "options_fixture.h"

static void server_section(void **state)
{
    struct options *o =
        load_good(BASE "server: {workers: 64, drain: 0s, state_dir: /tmp/x, user: root}\n");

    (void)state;
    assert_int_equal(o->workers, 64);
    assert_int_equal(o->drain_ms, 0);
    assert_string_equal(o->state_dir, "/tmp/x");
    assert_string_equal(o->user, "root");
    options_free(o);
    o = load_good(BASE "server: {workers: auto}\n");
    assert_true(o->workers >= 1);
    options_free(o);
    assert_fault(BASE "server: {workers: 0}\n", "t:5:19: `workers`: 0 is out of range: 1 to 64");
    assert_fault(BASE "server: {workers: 65}\n", "1 to 64");
    assert_fault(BASE "server: {workers: many}\n", "`workers`: `many` is not a whole number");
    assert_fault(BASE "server: {user: nobody-of-this-name}\n",
                 "this machine has no user `nobody-of-this-name`");
    assert_fault(BASE "server: {drain: 30}\n", "did you mean `30s`?");
    assert_fault(BASE "server: {wokers: 1}\n", "unknown key `wokers` (did you mean `workers`?)");
    assert_fault(BASE "server:\n", "`server` must hold `key: value` lines; it is empty");
}

static void limits_reach_their_fields(void **state)
{
    struct options *o = load_good(BASE "limits:\n"
                                       "  connections: {total: 1, per_ip: 2}\n"
                                       "  handshakes: {per_second: 3, burst: 4, tls_at_once: 5}\n"
                                       "  messages: {per_minute: 6, per_hour: 7}\n"
                                       "  control_frames: {per_minute: 8}\n"
                                       "  message_size: 100\n"
                                       "  fragments: 10\n"
                                       "  assembly: 11s\n"
                                       "  subscriptions: 12\n"
                                       "  channels: 13\n"
                                       "  users: 14\n"
                                       "  queue: {size: 150, stall: 16ms}\n");
    const struct limit_options *l = &o->limits;

    (void)state;
    assert_int_equal(l->connections_total, 1);
    assert_int_equal(l->connections_per_ip, 2);
    assert_int_equal(l->handshakes_per_second, 3);
    assert_int_equal(l->handshakes_burst, 4);
    assert_int_equal(l->tls_handshakes, 5);
    assert_int_equal(l->messages_per_minute, 6);
    assert_int_equal(l->messages_per_hour, 7);
    assert_int_equal(l->control_frames_per_minute, 8);
    assert_int_equal(l->message_bytes, 100);
    assert_int_equal(l->fragments, 10);
    assert_int_equal(l->assembly_ms, 11000);
    assert_int_equal(l->subscriptions, 12);
    assert_int_equal(l->channels, 13);
    assert_int_equal(l->users, 14);
    assert_int_equal(l->queue_bytes, 150);
    assert_int_equal(l->queue_stall_ms, 16);
    options_free(o);
}

static void limits_follow_from_each_other(void **state)
{
    struct options *o = load_good(BASE "limits: {connections: {per_ip: 30}, message_size: 1MiB}\n");

    (void)state;
    assert_int_equal(o->limits.handshakes_per_second, 15);
    assert_int_equal(o->limits.handshakes_burst, 60);
    assert_int_equal(o->limits.queue_bytes, 2 * 1024 * 1024);
    options_free(o);
    options_free(load_good(BASE "limits: {message_size: 64KiB, queue: {size: 64KiB}}\n"));
    assert_fault(BASE "limits: {message_size: 64KiB, queue: {size: 65535}}\n",
                 "t:5:45: `size`: a queue must have room for one message");
}

static void no_limit_can_be_switched_off_by_zero(void **state)
{
    static const char *const keys[] = {"connections: {total: 0}",
                                       "connections: {per_ip: 0}",
                                       "handshakes: {per_second: 0}",
                                       "handshakes: {burst: 0}",
                                       "handshakes: {tls_at_once: 0}",
                                       "messages: {per_minute: 0}",
                                       "messages: {per_hour: 0}",
                                       "control_frames: {per_minute: 0}",
                                       "message_size: 0",
                                       "fragments: 0",
                                       "assembly: 0s",
                                       "subscriptions: 0",
                                       "channels: 0",
                                       "users: 0",
                                       "queue: {stall: 0s}",
                                       "messages: {per_minute: 1000000001}",
                                       "message_size: 65MiB"};
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        (void)snprintf(text, sizeof(text), BASE "limits: {%s}\n", keys[i]);
        assert_fault(text, " is out of range: ");
    }
}

static void timeouts_have_bounds(void **state)
{
    struct options *o =
        load_good(BASE "timeouts: {tls: 1s, header: 2s, ping: 3s, pong: 4s, close: 500ms}\n");

    (void)state;
    assert_int_equal(o->timeouts.tls_ms, 1000);
    assert_int_equal(o->timeouts.header_ms, 2000);
    assert_int_equal(o->timeouts.ping_ms, 3000);
    assert_int_equal(o->timeouts.pong_ms, 4000);
    assert_int_equal(o->timeouts.close_ms, 500);
    options_free(o);
    assert_fault(BASE "timeouts: {tls: 0s}\n", "out of range: 10ms to 10m");
    assert_fault(BASE "timeouts: {ping: 2h}\n", "out of range: 10ms to 1h");
    assert_fault(BASE "timeouts: {close: 5m}\n", "out of range: 10ms to 1m");
}

static void compression_is_off_unless_said(void **state)
{
    struct options *o = load_good(
        BASE "compression: {enabled: true, context_takeover: true, window_bits: 9, level: 1}\n");

    (void)state;
    assert_true(o->deflate.is_enabled);
    assert_true(o->deflate.allows_context_takeover);
    assert_int_equal(o->deflate.max_window_bits, 9);
    assert_int_equal(o->deflate.level, 1);
    options_free(o);
    assert_fault(BASE "compression: {window_bits: 8}\n", "out of range: 9 to 15");
    assert_fault(BASE "compression: {level: 0}\n", "out of range: 1 to 9");
    assert_fault(BASE "compression: {enabled: on}\n", "did you mean `true`?");
}

static void events_go_to_a_word_or_a_file(void **state)
{
    static const char *const words[] = {"stderr", "stdout", "off"};
    char text[256];
    struct options *o;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(text, sizeof(text), BASE "log: {events: %s}\n", words[i]);
        o = load_good(text);
        assert_string_equal(o->log.events, words[i]);
        assert_int_equal(o->log.level, LOG_INFO);
        options_free(o);
    }
    o = load_good(BASE "log: {events: events.jsonl, level: warn}\n");
    assert_string_equal(o->log.events, fixture_path("events.jsonl"));
    assert_int_equal(o->log.level, LOG_WARN);
    options_free(o);
    assert_fault(BASE "log: {events: logs/events.jsonl}\n",
                 "t:5:15: `events`: there is no folder ");
    assert_fault(BASE "log: {events: sterr}\n", "did you mean `stderr`?");
    assert_fault(BASE "log: {events: false}\n",
                 "`events` is stderr, stdout, syslog, off, or a file");
    assert_fault(BASE "log: {level: loud}\n", "error, warn, info or debug");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_section),
        cmocka_unit_test(limits_reach_their_fields),
        cmocka_unit_test(limits_follow_from_each_other),
        cmocka_unit_test(no_limit_can_be_switched_off_by_zero),
        cmocka_unit_test(timeouts_have_bounds),
        cmocka_unit_test(compression_is_off_unless_said),
        cmocka_unit_test(events_go_to_a_word_or_a_file),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
