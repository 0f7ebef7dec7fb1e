/* SPDX-License-Identifier: Apache-2.0 */
/* tls_taken_test.c: what a peer may say after the handshake, and a table of what it may not, each
 * with the alert that answers it: in one piece, byte by byte, and against a guard page. */
#include "tls_taken_rig.h"

#include <openssl/ssl.h>

#include "three_ways.h"

#define NO_ALERT (-1)

/* ---- the table ---- */

static const struct row {
    const char *script;
    size_t data; /* bytes that come through */
    int alert;
    const char *detail; /* NULL: the connection lives, or was closed */
} rows[] = {
    {"D5", 5, NO_ALERT, NULL},
    {"D5 D0 D1 D16384", 16390, NO_ALERT, NULL},
    {"P0 P1 P255 P16379", 20, NO_ALERT, NULL},
    {"D16384 D16384 D16384 D16384 D16384", 81920, NO_ALERT, NULL},
    {"D16385", 0, 22, "data length too long"},
    {"D5 D16600", 5, 22, "data length too long"},
    {"Z1", 0, 10, "bad record type"},
    {"Z16385", 0, 10, "bad record type"},
    /* types inside and outside */
    {"D3 T20:01", 3, 10, "bad record type"},
    {"T24:0100", 0, 10, "bad record type"},
    {"T19:00", 0, 10, "bad record type"},
    {"T255:00", 0, 10, "bad record type"},
    {"D5 R140303000101", 5, 10, "bad record type"},
    {"R15030300020100", 0, 10, "bad record type"},
    {"R15030300020214", 0, 10, "bad record type"},
    {"R160303000518000001", 0, 10, "bad record type"},
    {"R474554202f", 0, 10, "bad record type"},
    /* headers */
    {"X0301", 0, 50, "wrong version number"},
    {"X0304", 0, 50, "wrong version number"},
    {"X0203", 0, 50, "wrong version number"},
    {"R1703034101", 0, 22, "data length too long"},
    {"R170303ffff", 0, 22, "data length too long"},
    {"R1703030000", 0, 20, "decryption failed or bad record mac"},
    {"R1703030010", 0, 20, "decryption failed or bad record mac"},
    {"R170303001100112233445566778899aabbccddeeff00", 0, 20, "decryption failed or bad record mac"},
    {"D5 R17030300", 5, NO_ALERT, NULL},
    {"D5 R1703034100", 5, NO_ALERT, NULL},
    /* bits, replays, keys */
    {"D2 D5 F5", 2, 20, "decryption failed or bad record mac"},
    {"D5 F10", 0, 20, "decryption failed or bad record mac"},
    {"D5 F11", 0, 20, "decryption failed or bad record mac"},
    {"D5 F26", 0, 20, "decryption failed or bad record mac"},
    {"D5 F0", 0, 10, "bad record type"},
    {"D5 Y", 5, 20, "decryption failed or bad record mac"},
    {"A015a Y", 0, 20, "decryption failed or bad record mac"},
    {"N D5", 0, 20, "decryption failed or bad record mac"},
    {"H1800000100 D5", 0, 20, "decryption failed or bad record mac"},
    {"U0 Y", 0, 20, "decryption failed or bad record mac"},
    /* key updates */
    {"U0 D5 U1 D5", 10, NO_ALERT, NULL},
    {"H180000 H0100 N D5", 5, NO_ALERT, NULL},
    {"H18 H00 H00 H01 H00 N D5", 5, NO_ALERT, NULL},
    {"H1800 D5", 0, 10, "a record inside a handshake message"},
    {"H18000001 D0", 0, 10, "a record inside a handshake message"},
    {"H1800 A015a", 0, 10, "a record inside a handshake message"},
    {"H1800 A0100", 0, NO_ALERT, NULL},
    {"H1800 A0228", 0, NO_ALERT, "sslv3 alert handshake failure"},
    {"H1800000102", 0, 47, "bad key update"},
    {"H18000001ff", 0, 47, "bad key update"},
    {"H18000000", 0, 50, "a handshake message of the wrong length"},
    {"H180000020000", 0, 50, "a handshake message of the wrong length"},
    {"H18010001", 0, 50, "a handshake message of the wrong length"},
    {"H18ffffff", 0, 50, "a handshake message of the wrong length"},
    {"H180000010000", 0, 10, "a key update that does not end its record"},
    {"H18000001001800000100", 0, 10, "a key update that does not end its record"},
    {"H18000001 H0018", 0, 10, "a key update that does not end its record"},
    {"32*U1 D5 32*U0 D5", 10, NO_ALERT, NULL},
    {"33*U0", 0, 10, "too many key updates"},
    {"D5 33*U1", 5, 10, "too many key updates"},
    {"6*H18 H00", 0, 50, "a handshake message of the wrong length"},
    /* other handshake messages */
    {"H00000000", 0, 10, "unexpected message"},
    {"H01000004deadbeef", 0, 10, "unexpected message"},
    {"H01", 0, 10, "unexpected message"},
    {"H02000000", 0, 10, "unexpected message"},
    {"D5 H040000050000000000", 5, 10, "unexpected message"},
    {"H05000000", 0, 10, "unexpected message"},
    {"H0b00000400000000", 0, 10, "unexpected message"},
    {"H0d00000400000000", 0, 10, "unexpected message"},
    {"H0f00000400000000", 0, 10, "unexpected message"},
    {"H14000020", 0, 10, "unexpected message"},
    {"Hfe000020", 0, 10, "unexpected message"},
    {"H", 0, 10, "an empty handshake message or alert"},
    /* floods */
    {"32*D0 D5 32*D0 D5", 10, NO_ALERT, NULL},
    {"33*D0", 0, 10, "too many records without data"},
    {"32*A015a D5", 5, NO_ALERT, NULL},
    {"33*A015a", 0, 10, "too many records without data"},
    {"11*U0 11*D0 10*A015a D1", 1, NO_ALERT, NULL},
    {"11*U0 11*D0 11*A015a", 0, 10, "too many records without data"},
    /* alerts */
    {"A", 0, 10, "an empty handshake message or alert"},
    {"A01", 0, 50, "invalid alert"},
    {"A010000", 0, 50, "invalid alert"},
    {"A01000100", 0, 50, "invalid alert"},
    {"D5 A0214 D5", 5, NO_ALERT, "sslv3 alert bad record mac"},
    {"A0114", 0, NO_ALERT, "sslv3 alert bad record mac"},
    {"A0174", 0, NO_ALERT, "tlsv13 alert certificate required"},
    {"A0164", 0, NO_ALERT, "tlsv1 alert no renegotiation"},
    {"A02c8", 0, NO_ALERT, "an alert of no known kind"},
    {"D5 A0100", 5, NO_ALERT, NULL},
    {"D5 A0200", 5, NO_ALERT, NULL},
    {"D5 A0100 D5 R00", 5, NO_ALERT, NULL},
    {"A015a D1 A0100", 1, NO_ALERT, NULL},
};

static bool says(const char *script, const char *word)
{
    return strstr(script, word) != NULL;
}

/* The step a row ends with. */
static enum tls_step wanted(const struct row *row)
{
    if (row->detail != NULL)
        return TLS_STEP_FAILED;
    return says(row->script, "A0100") || says(row->script, "A0200") ? TLS_STEP_CLOSED
                                                                    : TLS_STEP_MORE;
}

/* Nothing but the alert was said, and nothing more is said or heard. */
static void check_end(struct taken_rig *r, const struct row *row)
{
    uint8_t content[300], type = 0, byte = 0;
    size_t at = 0, before = r->io->out_len;

    if (row->alert != NO_ALERT) {
        assert_int_equal(taken_rig_take(r, &at, content, &type), 2);
        assert_int_equal(type, 21);
        assert_int_equal(content[0], 2);
        assert_int_equal(content[1], row->alert);
    }
    assert_int_equal(at, r->io->out_len);
    if (row->detail == NULL)
        return;
    assert_string_equal(tls_taken_detail(r->t), row->detail);
    assert_int_equal(taken_rig_feed(r, &byte, 1, 1), TLS_STEP_FAILED);
    assert_false(tls_taken_seal(r->t, r->io, &byte, 1));
    tls_taken_close(r->t, r->io);
    assert_int_equal(r->io->out_len, before);
    assert_string_equal(tls_taken_detail(r->t), row->detail);
}

static void run_row(const struct row *row, uint16_t suite, size_t step, bool is_guarded)
{
    struct taken_rig *r = taken_rig_open(suite, 0, 0, false);
    struct tls_script script = taken_rig_script(r);
    struct guarded copy;
    enum tls_step answer;

    script_run(&script, row->script);
    copy = guarded_copy(script.bytes, script.len);
    answer = taken_rig_feed(r, is_guarded ? copy.data : script.bytes, script.len,
                            step == 0 ? script.len : step);
    if (answer != wanted(row) || r->plain_len != row->data)
        fprintf(stderr, "%s: step %d, %zu bytes, %s\n", row->script, (int)answer, r->plain_len,
                tls_taken_detail(r->t));
    assert_int_equal(answer, wanted(row));
    assert_int_equal(r->plain_len, row->data);
    check_end(r, row);
    guarded_free(&copy);
    taken_rig_close(r);
}

static void the_table_whole_and_against_a_guard_page(void **state)
{
    (void)state;
    for (size_t s = 0; s < 3; s++)
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            run_row(&rows[i], taken_suites[s], 0, true);
}

static void the_table_byte_by_byte_and_in_odd_pieces(void **state)
{
    static const size_t steps[] = {1, 7, 1448};

    (void)state;
    for (size_t s = 0; s < 3; s++)
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            run_row(&rows[i], taken_suites[s], steps[(i + s) % 3], false);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        run_row(&rows[i], taken_suites[i % 3], 1, false);
}

/* ---- memory ---- */

static void only_what_is_incomplete_is_kept(void **state)
{
    struct taken_rig *r = taken_rig_open(taken_suites[0], 0, 0, false);
    struct tls_script script = taken_rig_script(r);
    size_t idle = tls_taken_bytes(r->t);

    (void)state;
    assert_true(idle <= 256);
    script_run(&script, "D1000 D5");
    for (size_t i = 0; i < script.len; i++) {
        size_t inside = i < 1022 ? i : i - 1022;
        size_t need = i < 1022 ? 1022 : 27;

        assert_int_equal(tls_taken_bytes(r->t), idle + (inside == 0 ? 0 : inside < 5 ? 5 : need));
        assert_int_equal(taken_rig_feed(r, script.bytes + i, 1, 1), TLS_STEP_MORE);
    }
    assert_int_equal(tls_taken_bytes(r->t), idle);
    assert_int_equal(r->plain_len, 1005);
    /* A whole record in one piece is never copied. */
    script.len = 0;
    script_run(&script, "D16384");
    assert_int_equal(taken_rig_feed(r, script.bytes, script.len, script.len), TLS_STEP_MORE);
    assert_int_equal(tls_taken_bytes(r->t), idle);
    taken_rig_close(r);
}

static void a_full_buffer_leaves_the_rest_where_it_is(void **state)
{
    struct taken_rig *r = taken_rig_open(taken_suites[0], 0, 0, false);
    struct tls_script script = taken_rig_script(r);
    size_t n, total = 0;

    (void)state;
    script_run(&script, "D1500 D16384 D16384 D7");
    r->io->in = script.bytes;
    r->io->in_len = script.len;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(tls_taken_open(r->t, r->io, r->plain, sizeof(r->plain), &n),
                         i < 2 ? TLS_STEP_DONE : TLS_STEP_MORE);
        assert_int_equal(n, i == 0 ? 1500 : i == 1 ? 16384 : 16391);
        total += n;
    }
    assert_int_equal(total, 34275);
    taken_rig_close(r);
}

/* ---- key updates ---- */

static void expect_data(struct taken_rig *r, size_t *at, const char *text)
{
    uint8_t content[300], type = 0;

    assert_int_equal(taken_rig_take(r, at, content, &type), strlen(text));
    assert_int_equal(type, 23);
    assert_memory_equal(content, text, strlen(text));
}

static void expect_update(struct taken_rig *r, size_t *at, uint8_t value)
{
    const uint8_t text[5] = {24, 0, 0, 1, value};
    uint8_t content[300], type = 0;

    assert_int_equal(taken_rig_take(r, at, content, &type), 5);
    assert_int_equal(type, 22);
    assert_memory_equal(content, text, 5);
    sealer_update(&r->from);
}

static void feed_line(struct taken_rig *r, struct tls_script *script, const char *line)
{
    script->len = 0;
    script_run(script, line);
    assert_int_equal(taken_rig_feed(r, script->bytes, script->len, script->len), TLS_STEP_MORE);
}

static void say(struct taken_rig *r, const char *text)
{
    assert_true(tls_taken_seal(r->t, r->io, (const uint8_t *)text, strlen(text)));
}

static void a_request_is_answered_once_and_before_data(void **state)
{
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        struct taken_rig *r = taken_rig_open(taken_suites[s], 0, 0, false);
        struct tls_script script = taken_rig_script(r);
        size_t at = 0;

        feed_line(r, &script, "U1 D5 U0 U1 U1 D5");
        assert_int_equal(r->io->out_len, 0);
        say(r, "one");
        say(r, "two");
        expect_update(r, &at, 0);
        expect_data(r, &at, "one");
        expect_data(r, &at, "two");
        feed_line(r, &script, "U0");
        say(r, "three");
        expect_data(r, &at, "three");
        feed_line(r, &script, "U1 U1");
        say(r, "four");
        expect_update(r, &at, 0);
        expect_data(r, &at, "four");
        assert_int_equal(at, r->io->out_len);
        taken_rig_close(r);
    }
}

static void thousands_of_updates_both_ways(void **state)
{
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        struct taken_rig *r = taken_rig_open(taken_suites[s], 0, 0, false);
        struct tls_script script = taken_rig_script(r);

        for (unsigned i = 0; i < 2000; i++) {
            size_t at = 0;

            r->io->out_len = 0;
            feed_line(r, &script, i % 3 == 0 ? "U1 U0 D9" : i % 3 == 1 ? "U0 D1 U1" : "D20");
            say(r, "answer");
            if (i % 3 != 2)
                expect_update(r, &at, 0);
            expect_data(r, &at, "answer");
            assert_int_equal(at, r->io->out_len);
        }
        taken_rig_close(r);
    }
}

static void our_own_keys_change_in_time(void **state)
{
    struct taken_rig *r = taken_rig_open(taken_suites[0], 0, 10, false);

    (void)state;
    /* Two tickets came before; so eight fit the first generation, and ten each one after it. */
    for (unsigned i = 0; i < 1000; i++) {
        size_t at = 0;

        r->io->out_len = 0;
        say(r, "x");
        if (i >= 8 && (i - 8) % 10 == 0)
            expect_update(r, &at, 0);
        expect_data(r, &at, "x");
        assert_int_equal(at, r->io->out_len);
    }
    taken_rig_close(r);
}

static void a_peer_with_a_worn_key_is_asked_once(void **state)
{
    struct taken_rig *r = taken_rig_open(taken_suites[2], 0, 10, false);
    struct tls_script script = taken_rig_script(r);
    size_t at = 0;

    (void)state;
    feed_line(r, &script, "9*D1");
    say(r, "a");
    feed_line(r, &script, "D1");
    say(r, "b");
    say(r, "c");
    feed_line(r, &script, "30*D1");
    say(r, "d");
    expect_data(r, &at, "a");
    expect_update(r, &at, 1);
    expect_data(r, &at, "b");
    expect_data(r, &at, "c");
    expect_data(r, &at, "d");
    feed_line(r, &script, "U0 10*D1");
    say(r, "e");
    expect_update(r, &at, 1);
    expect_data(r, &at, "e");
    assert_int_equal(at, r->io->out_len);
    taken_rig_close(r);
}

static void the_default_limit_is_far_below_what_is_allowed(void **state)
{
    struct taken_rig *r = taken_rig_open(taken_suites[0], 0, UINT32_MAX, false);
    size_t at = 0;

    (void)state;
    tls_taken_free(r->t);
    for (unsigned i = 0; i < 2; i++) {
        struct tls_taken_start start = {.crypto = r->crypto};

        r->from.sequence = TLS_KEY_RECORDS_DUE - 1 + i;
        start.read = r->to;
        start.write = r->from;
        r->io->out_len = at = 0;
        assert_int_equal(tls_taken_new(&r->t, &start), OK);
        say(r, "x");
        if (i == 1)
            expect_update(r, &at, 0);
        expect_data(r, &at, "x");
        assert_int_equal(at, r->io->out_len);
        if (i == 0)
            tls_taken_free(r->t);
    }
    assert_true(TLS_KEY_RECORDS_DUE < TLS_KEY_RECORDS_MAX);
    taken_rig_close(r);
}

/* ---- out ---- */

static void fragments_are_as_long_as_was_agreed(void **state)
{
    static uint8_t content[TLS_RECORD_BODY_MAX], text[40000];
    static const uint16_t agreed[] = {0, 512, 1024, 2048, 4096, 16384, 65535};

    (void)state;
    for (size_t i = 0; i < sizeof(agreed) / sizeof(agreed[0]); i++) {
        struct taken_rig *r = taken_rig_open(taken_suites[i % 3], agreed[i], 0, false);
        size_t most = agreed[i] == 0 || agreed[i] > 16384 ? 16384 : agreed[i];
        struct tls_script script = taken_rig_script(r);
        char line[40];
        uint8_t type;
        size_t at = 0;

        assert_true(tls_taken_seal(r->t, r->io, text, sizeof(text)));
        for (size_t left = sizeof(text); left > 0;) {
            size_t n = left < most ? left : most;

            assert_int_equal(taken_rig_take(r, &at, content, &type), n);
            left -= n;
        }
        assert_int_equal(at, r->io->out_len);
        (void)snprintf(line, sizeof(line), "D%zu D%zu", most, most + 1);
        script_run(&script, line);
        assert_int_equal(taken_rig_feed(r, script.bytes, script.len, script.len), TLS_STEP_FAILED);
        assert_int_equal(r->plain_len, most);
        assert_int_equal(taken_rig_take(r, &at, content, &type), 2);
        assert_int_equal(content[1], 22);
        taken_rig_close(r);
    }
}

static void more_than_fits_is_not_sealed(void **state)
{
    static uint8_t text[TLS_OUT_BYTES];
    struct taken_rig *r = taken_rig_open(taken_suites[0], 0, 0, false);
    size_t fits = TLS_OUT_BYTES - 9 * TLS_RECORD_OVERHEAD;

    (void)state;
    assert_true(tls_taken_seal(r->t, r->io, text, fits));
    assert_int_equal(r->io->out_len, TLS_OUT_BYTES);
    assert_true(tls_taken_seal(r->t, r->io, text, 0));
    assert_false(tls_taken_seal(r->t, r->io, text, 16384));
    assert_string_equal(tls_taken_detail(r->t), "too much output at once");
    r->io->out_len = 0;
    assert_false(tls_taken_seal(r->t, r->io, text, 1));
    taken_rig_close(r);
    for (size_t spare = 0; spare < 2; spare++) {
        r = taken_rig_open(taken_suites[0], 0, 0, false);
        r->io->out_len = TLS_OUT_BYTES - 100 - TLS_RECORD_OVERHEAD + 1 - spare;
        assert_int_equal(tls_taken_seal(r->t, r->io, text, 100), spare == 1);
        assert_true(spare == 0 || r->io->out_len == TLS_OUT_BYTES);
        taken_rig_close(r);
    }
}

static void a_failure_outlasts_the_peers_close(void **state)
{
    struct taken_rig *r = taken_rig_open(taken_suites[0], 0, 0, false);
    struct tls_script script = taken_rig_script(r);
    uint8_t byte = 0;

    (void)state;
    script_run(&script, "A0100");
    assert_int_equal(taken_rig_feed(r, script.bytes, script.len, script.len), TLS_STEP_CLOSED);
    r->io->out_len = TLS_OUT_BYTES;
    assert_false(tls_taken_seal(r->t, r->io, &byte, 1));
    assert_int_equal(taken_rig_feed(r, &byte, 1, 1), TLS_STEP_FAILED);
    taken_rig_close(r);
}

/* ---- closing ---- */

static void close_notify_goes_out_once_and_ends_output(void **state)
{
    struct taken_rig *r = taken_rig_open(taken_suites[1], 0, 0, false);
    struct tls_script script = taken_rig_script(r);
    uint8_t content[300], type = 0;
    size_t at = 0;

    (void)state;
    feed_line(r, &script, "U1 D5");
    say(r, "bye");
    tls_taken_close(r->t, r->io);
    tls_taken_close(r->t, r->io);
    expect_update(r, &at, 0);
    expect_data(r, &at, "bye");
    assert_int_equal(taken_rig_take(r, &at, content, &type), 2);
    assert_int_equal(type, 21);
    assert_int_equal(content[0], 1);
    assert_int_equal(content[1], 0);
    assert_int_equal(at, r->io->out_len);
    assert_false(tls_taken_seal(r->t, r->io, content, 1));
    /* The other direction goes on (RFC 8446 section 6.1), and what is wrong there is not told. */
    feed_line(r, &script, "D5");
    script.len = 0;
    script_run(&script, "H01");
    assert_int_equal(taken_rig_feed(r, script.bytes, script.len, 1), TLS_STEP_FAILED);
    assert_int_equal(at, r->io->out_len);
    taken_rig_close(r);
}

static void the_peers_close_ends_input_alone(void **state)
{
    struct taken_rig *r = taken_rig_open(taken_suites[1], 0, 0, false);
    struct tls_script script = taken_rig_script(r);
    size_t at = 0, n = 1;

    (void)state;
    script_run(&script, "D5 A0100 D5");
    assert_int_equal(taken_rig_feed(r, script.bytes, script.len, script.len), TLS_STEP_CLOSED);
    assert_int_equal(r->io->in_len, 0);
    r->io->in = script.bytes;
    r->io->in_len = script.len;
    assert_int_equal(tls_taken_open(r->t, r->io, r->plain, sizeof(r->plain), &n), TLS_STEP_CLOSED);
    assert_int_equal(n, 0);
    assert_int_equal(r->io->in_len, 0);
    say(r, "still here");
    expect_data(r, &at, "still here");
    tls_taken_close(r->t, r->io);
    assert_int_equal(r->io->out_len, at + 24);
    taken_rig_close(r);
}

static void nothing_is_a_valid_amount(void **state)
{
    struct taken_rig *r = taken_rig_open(taken_suites[0], 0, 0, false);
    size_t n = 1;

    (void)state;
    r->io->in = NULL;
    r->io->in_len = 0;
    assert_int_equal(tls_taken_open(r->t, r->io, r->plain, sizeof(r->plain), &n), TLS_STEP_MORE);
    assert_int_equal(n, 0);
    assert_true(tls_taken_seal(r->t, r->io, NULL, 0));
    assert_int_equal(r->io->out_len, 0);
    assert_string_equal(tls_taken_detail(r->t), "");
    tls_taken_free(NULL);
    taken_rig_close(r);
}

/* ---- as a client ---- */

static void clients_ignore_tickets(void **state)
{
    static const struct row client_rows[] = {
        {"H040000050102030405 D5", 5, NO_ALERT, NULL},
        {"H0400000004000001aa04000002bbbb D5", 5, NO_ALERT, NULL},
        {"H04000003aa Hbb Hcc18000001 H00 N D5", 5, NO_ALERT, NULL},
        {"H040000021111 U1 H040000021111 D5", 5, NO_ALERT, NULL},
        {"H04000003aa D5", 0, 10, "a record inside a handshake message"},
        {"H04004001", 0, 47, "a handshake message of the wrong length"},
        {"H04ffffff", 0, 47, "a handshake message of the wrong length"},
        {"H04004000 31*H00", 0, NO_ALERT, NULL},
        {"H04004000 32*H00", 0, 10, "too many key updates"},
        {"33*H040000021111", 0, 10, "too many key updates"},
        {"H0d000003000000", 0, 10, "unexpected message"},
        {"H01000000", 0, 10, "unexpected message"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(client_rows) / sizeof(client_rows[0]); i++)
        for (size_t step = 1; step < 5000; step = step * 7 + 1) {
            const struct row *row = &client_rows[i];
            struct taken_rig *r = taken_rig_open(taken_suites[i % 3], 0, 0, true);
            struct tls_script script = taken_rig_script(r);

            script_run(&script, row->script);
            assert_int_equal(taken_rig_feed(r, script.bytes, script.len, step), wanted(row));
            assert_int_equal(r->plain_len, row->data);
            check_end(r, row);
            taken_rig_close(r);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_whole_and_against_a_guard_page),
        cmocka_unit_test(the_table_byte_by_byte_and_in_odd_pieces),
        cmocka_unit_test(only_what_is_incomplete_is_kept),
        cmocka_unit_test(a_full_buffer_leaves_the_rest_where_it_is),
        cmocka_unit_test(a_request_is_answered_once_and_before_data),
        cmocka_unit_test(thousands_of_updates_both_ways),
        cmocka_unit_test(our_own_keys_change_in_time),
        cmocka_unit_test(a_peer_with_a_worn_key_is_asked_once),
        cmocka_unit_test(the_default_limit_is_far_below_what_is_allowed),
        cmocka_unit_test(fragments_are_as_long_as_was_agreed),
        cmocka_unit_test(more_than_fits_is_not_sealed),
        cmocka_unit_test(a_failure_outlasts_the_peers_close),
        cmocka_unit_test(close_notify_goes_out_once_and_ends_output),
        cmocka_unit_test(the_peers_close_ends_input_alone),
        cmocka_unit_test(nothing_is_a_valid_amount),
        cmocka_unit_test(clients_ignore_tickets),
    };

    (void)OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, NULL); /* the names of alerts */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
