/* SPDX-License-Identifier: Apache-2.0 */
/* options_test.c: whole files: the defaults, the agreed format as it stands in the documents, empty
 * and broken files, files from disk, and the shipped examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit_paths.h"
#include "options_fixture.h"

static void defaults_are_the_documented_ones(void **state)
{
    struct options *o = load_good(BASE);

    (void)state;
    assert_true(o->workers >= 1 && o->workers <= 64);
    assert_int_equal(o->drain_ms, 30000);
    assert_null(o->user);
    assert_int_equal(o->auth_timeout_ms, 10000);
    assert_int_equal(o->timeouts.tls_ms, 5000);
    assert_int_equal(o->timeouts.header_ms, 5000);
    assert_int_equal(o->timeouts.ping_ms, 25000);
    assert_int_equal(o->timeouts.pong_ms, 10000);
    assert_int_equal(o->timeouts.close_ms, 2000);
    assert_int_equal(o->limits.connections_total, 10000);
    assert_int_equal(o->limits.connections_per_ip, 100);
    assert_int_equal(o->limits.handshakes_per_second, 50);
    assert_int_equal(o->limits.handshakes_burst, 200);
    assert_int_equal(o->limits.tls_handshakes, 2000);
    assert_int_equal(o->limits.messages_per_minute, 60);
    assert_int_equal(o->limits.messages_per_hour, 1000);
    assert_int_equal(o->limits.control_frames_per_minute, 600);
    assert_int_equal(o->limits.message_bytes, 65536);
    assert_int_equal(o->limits.fragments, 1024);
    assert_int_equal(o->limits.assembly_ms, 30000);
    assert_int_equal(o->limits.subscriptions, 100);
    assert_int_equal(o->limits.channels, 100000);
    assert_int_equal(o->limits.users, 100000);
    assert_int_equal(o->limits.queue_bytes, 262144);
    assert_int_equal(o->limits.queue_stall_ms, 5000);
    assert_false(o->deflate.is_enabled);
    assert_false(o->deflate.allows_context_takeover);
    assert_int_equal(o->deflate.max_window_bits, 15);
    assert_int_equal(o->deflate.level, 6);
    assert_string_equal(o->log.events, "stderr");
    assert_int_equal(o->routes_count, 1);
    assert_string_equal(o->routes[0].path, "/ws");
    assert_int_equal(o->routes[0].kind, ROUTE_CHANNELS);
    assert_int_equal(o->origins_count, 0);
    assert_int_equal(o->policy.roles.count, 4);
    assert_ptr_equal(o->auth.roles, &o->policy.roles);
    assert_int_equal(o->pages_count, 0);
    options_free(o);
    options_free(NULL);
}

static void the_agreed_format_is_taken(void **state)
{
    struct options *o = load_good(
        "server:   {workers: 2, drain: 5s, state_dir: ./state}\n"
        "listen:\n"
        "  - address: 0.0.0.0:8443\n"
        "    tls: {cert: server.crt, key: server.key, min_version: \"1.2\", client_certificates: "
        "off}\n"
        "    trusted_proxies: []\n"
        "    proxy_protocol: false\n"
        "hosts:    []\n"
        "origins:  [https://example.com, \"https://*.example.com\"]\n"
        "auth:\n"
        "  timeout: 10s\n"
        "  jwt:\n"
        "    - {algorithms: [HS256], secret: {file: jwt.secret}, issuer: null, audience: null}\n"
        "  csrf: required_for_cookies\n"
        "roles:    {guest: [read], user: [read, write]}\n"
        "channels:\n"
        "  - {pattern: \"private:room-{room_id}\", allow: [user], deny: [guest]}\n"
        "limits:\n"
        "  connections: {total: 20, per_ip: 4}\n"
        "  messages: {per_minute: 1000000000, per_hour: 60000000000}\n"
        "  message_size: 1MiB\n"
        "log: {events: ./events.log, level: debug}\n"
        "routes:\n"
        "  - {path: /ws, serve: channels}\n"
        "  - {path: /echo, serve: echo}\n");

    (void)state;
    assert_int_equal(o->workers, 2);
    assert_true(o->listeners[0].tls.allows_tls12);
    assert_int_equal(o->listeners[0].line, 3);
    assert_int_equal(o->origins_count, 2);
    assert_true(o->origins[1].is_wildcard);
    assert_int_equal(o->policy.rules[0].line, 16);
    assert_int_equal(o->limits.handshakes_per_second, 10);
    assert_int_equal(o->limits.handshakes_burst, 20);
    assert_int_equal(o->limits.messages_per_minute, 1000000000);
    assert_int_equal(o->limits.queue_bytes, 2 * 1024 * 1024);
    assert_string_equal(o->log.events, fixture_path("./events.log"));
    assert_string_equal(o->state_dir, fixture_path("./state"));
    assert_int_equal(o->routes[1].kind, ROUTE_ECHO);
    options_free(o);
}

static void an_empty_file_shows_the_smallest_one_that_works(void **state)
{
    static const char *const files[] = {"", "# nothing\n", "{}\n", "---\n", AUTH};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        assert_fault(files[i],
                     "t:1:1: there is no listener here. The smallest file that works:\n  listen:");
    /* And it does work. */
    options_free(load_good("  listen: [{address: 127.0.0.1:8080}]\n"
                           "  auth: {jwt: [{algorithms: [HS256], secret: {file: jwt.secret}, "
                           "issuer: null, audience: null}]}\n"
                           "  channels: [{pattern: \"public:chat\"}]"));
}

static void whole_files_can_be_wrong(void **state)
{
    (void)state;
    assert_fault("just text\n", "t:1:1: a configuration is made of `key: value` lines");
    assert_fault("[a, b]\n", "t:1:1: a configuration is made of");
    assert_fault(BASE "limts: {}\n", "t:5:1: unknown key `limts` (did you mean `limits`?)");
    assert_fault(BASE "log: {}\nlog: {}\n",
                 "t:6:1: `log` stands here a second time (first in line 5)");
    assert_fault(BASE "log: &x {}\n", "t:5:6: anchors");
    assert_fault(BASE "messages: [a]\n", "t:5:11: `messages` must name types");
}

static void every_fault_is_told_at_once(void **state)
{
    char *text = problems_of("listen: [{address: nonsense}]\nlimits: {message_size: 1}\nhosts: "
                             "[\"*\"]\norigins: [\"*\"]\n"
                             "colour: red\nlog: {level: loud}\nlimits: {}\n",
                             NULL);

    (void)state;
    for (int line = 1; line <= 7; line++) {
        char place[16];

        (void)snprintf(place, sizeof(place), "t:%d:", line);
        if (strstr(text, place) == NULL)
            fail_msg("nothing about line %d in\n%s", line, text);
    }
    free(text);
}

static void earlier_faults_of_others_do_not_matter(void **state)
{
    struct problems problems;
    struct options *o = NULL;

    (void)state;
    problems_init(&problems, "t");
    problems_add(&problems, 1, 1, "from elsewhere");
    assert_int_equal(options_load_text(&o, VIEW(BASE), fixture.directory, &problems), OK);
    assert_int_equal(o->hosts_count, 3);
    options_free(o);
    problems_clear(&problems);
}

static void files_are_read_from_disk(void **state)
{
    struct options *o = NULL;
    struct problems problems;

    (void)state;
    problems_init(&problems, "extra");
    fixture_write("extra", BASE, strlen(BASE), 0600);
    assert_int_equal(options_load(&o, fixture_path("extra"), &problems), OK);
    options_free(o);
    o = NULL;
    assert_int_equal(options_load(&o, fixture_path("missing.yaml"), &problems), E_INVALID);
    assert_non_null(strstr(problems.items[0].text, "cannot be read: No such file"));
    assert_int_equal(options_load(&o, fixture.directory, &problems), E_INVALID);
    assert_int_equal(problems.errors, 2);
    assert_null(o);
    problems_clear(&problems);
}

static void files_have_a_ceiling(void **state)
{
    char *text = malloc(OPTIONS_FILE_MAX + 1);
    struct options *o = NULL;
    struct problems problems;

    (void)state;
    assert_non_null(text);
    memset(text, '#', OPTIONS_FILE_MAX + 1);
    memcpy(text, BASE, strlen(BASE));
    problems_init(&problems, "extra");
    fixture_write("extra", text, OPTIONS_FILE_MAX, 0600);
    assert_int_equal(options_load(&o, fixture_path("extra"), &problems), OK);
    options_free(o);
    o = NULL;
    fixture_write("extra", text, OPTIONS_FILE_MAX + 1, 0600);
    assert_int_equal(options_load(&o, fixture_path("extra"), &problems), E_INVALID);
    assert_null(o);
    assert_non_null(strstr(problems.items[0].text, "at most 1 MiB"));
    problems_clear(&problems);
    free(text);
}

static void load_example(const char *name)
{
    struct buf text = BUF_INIT(OPTIONS_FILE_MAX);
    char path[1024];

    (void)snprintf(path, sizeof(path), "%s/examples/%s", unit_source_root, name);
    assert_int_equal(file_read(&text, path), OK);
    assert_int_equal(buf_append(&text, "", 1), OK);
    options_free(load_good((const char *)text.data));
    buf_clear(&text);
}

static void the_shipped_examples_are_good(void **state)
{
    (void)state;
    load_example("minimal.yaml");
    load_example("guide.yaml");
    load_example("chat.yaml");
    load_example("internal.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_documented_ones),
        cmocka_unit_test(the_agreed_format_is_taken),
        cmocka_unit_test(an_empty_file_shows_the_smallest_one_that_works),
        cmocka_unit_test(whole_files_can_be_wrong),
        cmocka_unit_test(every_fault_is_told_at_once),
        cmocka_unit_test(earlier_faults_of_others_do_not_matter),
        cmocka_unit_test(files_are_read_from_disk),
        cmocka_unit_test(files_have_a_ceiling),
        cmocka_unit_test(the_shipped_examples_are_good),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
