/* SPDX-License-Identifier: Apache-2.0 */
/* handshake_test.c: which upgrade requests are taken, why others are not, and the 101. The rows run
 * against a guard page; http1_test.c has shown that the split of the bytes makes no difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/status.h"
#include "three_ways.h"
#include "wire/handshake.h"

static const struct ws_deflate_options deflate_on = {
    .is_enabled = true, .max_window_bits = 15, .level = 1};
static const struct ws_deflate_options deflate_off = {.is_enabled = false, .max_window_bits = 15};

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

struct parsed {
    struct guarded memory;
    struct http1_request request;
};

static enum http1_verdict parse(struct parsed *p, struct view text)
{
    size_t scanned = 0, head_bytes = 0;

    p->memory = guarded_copy(text.ptr, text.len);
    return http1_parse(&p->request, (char *)p->memory.data, text.len, &scanned, &head_bytes);
}

static enum refusal judge(struct view text, struct handshake *upgrade)
{
    struct parsed p;
    enum refusal why = REFUSE_MALFORMED;

    if (parse(&p, text) == HTTP1_DONE)
        why = handshake_check(upgrade, &p.request, &deflate_on);
    guarded_free(&p.memory);
    return why;
}

struct row {
    struct view text;
    enum refusal why;
};

static void check_rows(const struct row *rows, size_t count)
{
    struct handshake upgrade;
    size_t i;

    for (i = 0; i < count; i++) {
        enum refusal why = judge(rows[i].text, &upgrade);

        if (why != rows[i].why)
            fail_msg("row %zu: %d, expected %d:\n%.*s", i, (int)why, (int)rows[i].why,
                     (int)rows[i].text.len, rows[i].text.ptr);
    }
}

#define HOST     "Host: a.example\r\n"
#define UPGRADE  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define VERSION  "Sec-WebSocket-Version: 13\r\n"
#define KEY_LINE "Sec-WebSocket-Key: " KEY "\r\n"
#define REQUEST(line, headers, why)                                                                \
    {                                                                                              \
        VIEW_CONST(line "\r\n" headers "\r\n"), why                                                \
    }
#define VIEW_CONST(text)                                                                           \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
/* A request that is right but for what `extra` adds. */
#define WITH(extra, why) REQUEST("GET /ws HTTP/1.1", HOST UPGRADE VERSION KEY_LINE extra, why)
#define COUNT(rows)      (sizeof(rows) / sizeof((rows)[0]))

static void taken(void **state)
{
    static const struct row rows[] = {
        WITH("", REFUSE_NONE),
        WITH("Origin: https://a.example\r\nCookie: a=b\r\nX: y\r\n", REFUSE_NONE),
        WITH("Content-Length: 0\r\n", REFUSE_NONE),
        WITH("Content_Length: 5\r\nTransfer_Encoding: chunked\r\n", REFUSE_NONE),
        WITH("Sec-WebSocket-Protocol: chat, superchat\r\n", REFUSE_NONE),
        WITH("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b,A\r\n", REFUSE_NONE),
        /* Firefox (R-H6) and other ways to say the same */
        REQUEST("GET /ws HTTP/1.1",
                HOST "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n" VERSION KEY_LINE,
                REFUSE_NONE),
        REQUEST("GET /ws HTTP/1.1",
                HOST "UPGRADE: h2c , WEBSOCKET\r\nconnection: keep-alive\r\n"
                     "connection:\tUPGRADE \r\n" VERSION KEY_LINE,
                REFUSE_NONE),
        /* the sample of RFC 6455 section 4.1, whose last bits are not zero (F-6) */
        REQUEST("GET /ws HTTP/1.1",
                HOST UPGRADE VERSION "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n",
                REFUSE_NONE),
        REQUEST("GET https://a.example/ws HTTP/1.1", HOST UPGRADE VERSION KEY_LINE, REFUSE_NONE),
        REQUEST("GET http://A.EXAMPLE/ws HTTP/1.1", HOST UPGRADE VERSION KEY_LINE, REFUSE_NONE),
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void host(void **state)
{
    static const struct row rows[] = {
        REQUEST("GET /ws HTTP/1.1", UPGRADE VERSION KEY_LINE, REFUSE_HOST_MISSING),
        WITH(HOST, REFUSE_HOST_MISSING),
        WITH("host: a.example\r\n", REFUSE_HOST_MISSING),
        REQUEST("GET /ws HTTP/1.1", "Host:\r\n" UPGRADE VERSION KEY_LINE, REFUSE_HOST_MISSING),
        REQUEST("GET /ws HTTP/1.1", "Host: a b\r\n" UPGRADE VERSION KEY_LINE, REFUSE_HOST_MISSING),
        REQUEST("GET /ws HTTP/1.1", "Host: a, b\r\n" UPGRADE VERSION KEY_LINE, REFUSE_HOST_MISSING),
        REQUEST("GET /ws HTTP/1.1", "Host: a/b\r\n" UPGRADE VERSION KEY_LINE, REFUSE_HOST_MISSING),
        REQUEST("GET /ws HTTP/1.1", "Host: u@a\r\n" UPGRADE VERSION KEY_LINE, REFUSE_HOST_MISSING),
        REQUEST("GET /ws HTTP/1.1", "Host: \xe9\r\n" UPGRADE VERSION KEY_LINE, REFUSE_HOST_MISSING),
        REQUEST("GET http://b.example/ws HTTP/1.1", HOST UPGRADE VERSION KEY_LINE,
                REFUSE_HOST_MISSING),
        REQUEST("GET http://a.example:81/ws HTTP/1.1", HOST UPGRADE VERSION KEY_LINE,
                REFUSE_HOST_MISSING),
        REQUEST("GET http://a.example/ws HTTP/1.1", UPGRADE VERSION KEY_LINE, REFUSE_HOST_MISSING),
        REQUEST("POST / HTTP/1.1", "", REFUSE_HOST_MISSING),
        REQUEST("GET / HTTP/1.0", "", REFUSE_HOST_MISSING),
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void repeats(void **state)
{
    static const struct row rows[] = {
        WITH(KEY_LINE, REFUSE_WS_KEY),
        WITH("sec-websocket-key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n", REFUSE_WS_KEY),
        WITH(VERSION, REFUSE_MALFORMED),
        WITH("Sec-WebSocket-Version: 8\r\n", REFUSE_MALFORMED),
        WITH("Origin: https://a\r\nOrigin: https://b\r\n", REFUSE_MALFORMED),
        WITH("Origin: https://a\r\norigin:\r\n", REFUSE_MALFORMED),
        WITH("Authorization: Bearer a\r\nauthorization: Bearer b\r\n", REFUSE_CREDENTIALS_REPEATED),
        /* also where there is no upgrade */
        REQUEST("GET / HTTP/1.1", HOST "Origin: https://a\r\nOrigin: https://a\r\n",
                REFUSE_MALFORMED),
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

/* C-B6: whatever two readers could take for different lengths. */
static void smuggling(void **state)
{
    static const struct row rows[] = {
        WITH("Content-Length: 5\r\n", REFUSE_BODY),
        WITH("Content-Length: 18446744073709551615\r\n", REFUSE_BODY),
        WITH("Transfer-Encoding: chunked\r\n", REFUSE_BODY),
        WITH("Transfer-Encoding: identity\r\n", REFUSE_BODY),
        WITH("Transfer-Encoding:\r\n", REFUSE_BODY),
        WITH("Transfer-Encoding: xchunked\r\n", REFUSE_BODY),
        WITH("transfer-encoding:\tchunked\r\n", REFUSE_BODY),
        WITH("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", REFUSE_BODY),
        WITH("Transfer-Encoding: \"chunked\"\r\n", REFUSE_BODY),
        WITH("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", REFUSE_MALFORMED),
        WITH("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: 0\r\nContent-Length: 0\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: 0\r\ncontent-length: 5\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: 0, 0\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: +5\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: +0\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: -0\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: 0x5\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: 0x0\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: 00\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: 0.0\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: 0 0\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: 0\xa0\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: 18446744073709551616\r\n", REFUSE_MALFORMED),
        WITH("Content-Length:\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: \t\r\n", REFUSE_MALFORMED),
        WITH("Content-Length : 5\r\n", REFUSE_MALFORMED),
        WITH("Content-Length\t: 5\r\n", REFUSE_MALFORMED),
        WITH(" Content-Length: 5\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: 0\r\n 5\r\n", REFUSE_MALFORMED),
        WITH("Content-Length: 0\n\r\n", REFUSE_MALFORMED),
        WITH("X: y\nContent-Length: 5\r\n", REFUSE_MALFORMED),
        WITH("X: y\rContent-Length: 5\r\n", REFUSE_MALFORMED),
        WITH("X: y\0z\r\n", REFUSE_MALFORMED),
        WITH("Transfer-Encoding\0: chunked\r\n", REFUSE_MALFORMED),
        WITH("Transfer-Encoding: chun\x0b"
             "ked\r\n",
             REFUSE_MALFORMED),
        WITH("Trans(fer: chunked\r\n", REFUSE_MALFORMED),
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void method(void **state)
{
    static const struct row rows[] = {
        REQUEST("POST /ws HTTP/1.1", HOST UPGRADE VERSION KEY_LINE, REFUSE_METHOD),
        REQUEST("POST /ws HTTP/1.1", HOST "Content-Length: 0\r\n", REFUSE_METHOD),
        REQUEST("POST /ws HTTP/1.1", HOST "Content-Length: 5\r\n", REFUSE_METHOD),
        REQUEST("PUT /ws HTTP/1.1", HOST "Transfer-Encoding: chunked\r\n", REFUSE_METHOD),
        REQUEST("POST /ws HTTP/1.1", HOST "Content-Length: +5\r\n", REFUSE_MALFORMED),
        REQUEST("HEAD /ws HTTP/1.1", HOST UPGRADE VERSION KEY_LINE, REFUSE_METHOD),
        REQUEST("get /ws HTTP/1.1", HOST UPGRADE VERSION KEY_LINE, REFUSE_METHOD),
        REQUEST("GETX /ws HTTP/1.1", HOST UPGRADE VERSION KEY_LINE, REFUSE_METHOD),
        REQUEST("OPTIONS * HTTP/1.1", HOST, REFUSE_METHOD),
        REQUEST("CONNECT a.example:443 HTTP/1.1", "Host: a.example:443\r\n", REFUSE_METHOD),
        REQUEST("DELETE / HTTP/1.0", HOST, REFUSE_METHOD),
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void not_an_upgrade(void **state)
{
    static const struct row rows[] = {
        REQUEST("GET / HTTP/1.1", HOST, REFUSE_NOT_UPGRADE),
        REQUEST("GET /ws HTTP/1.0", HOST UPGRADE VERSION KEY_LINE, REFUSE_NOT_UPGRADE),
        REQUEST("GET /ws HTTP/1.1", HOST "Upgrade: websocket\r\n" VERSION KEY_LINE,
                REFUSE_NOT_UPGRADE),
        REQUEST("GET /ws HTTP/1.1", HOST "Connection: Upgrade\r\n" VERSION KEY_LINE,
                REFUSE_NOT_UPGRADE),
        REQUEST("GET /ws HTTP/1.1",
                HOST "Upgrade: websocket\r\nConnection: keep-alive\r\n" VERSION KEY_LINE,
                REFUSE_NOT_UPGRADE),
        REQUEST("GET /ws HTTP/1.1",
                HOST "Upgrade: websocket\r\nConnection: Upgraded\r\n" VERSION KEY_LINE,
                REFUSE_NOT_UPGRADE),
        REQUEST("GET /ws HTTP/1.1",
                HOST "Upgrade: websockets\r\nConnection: Upgrade\r\n" VERSION KEY_LINE,
                REFUSE_NOT_UPGRADE),
        REQUEST("GET /ws HTTP/1.1",
                HOST "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n" VERSION KEY_LINE,
                REFUSE_NOT_UPGRADE),
        REQUEST("GET /ws HTTP/1.1", HOST "Upgrade:\r\nConnection:\r\n" VERSION KEY_LINE,
                REFUSE_NOT_UPGRADE),
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

#define WITH_VERSION(value, why)                                                                   \
    REQUEST("GET /ws HTTP/1.1", HOST UPGRADE KEY_LINE "Sec-WebSocket-Version:" value "\r\n", why)

static void version(void **state)
{
    static const struct row rows[] = {
        REQUEST("GET /ws HTTP/1.1", HOST UPGRADE KEY_LINE, REFUSE_WS_VERSION_MISSING),
        /* Hixie-76 (OW-02) */
        REQUEST("GET /ws HTTP/1.1",
                HOST UPGRADE "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
                             "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n",
                REFUSE_WS_VERSION_MISSING),
        WITH_VERSION("13", REFUSE_NONE),
        WITH_VERSION("  13 ", REFUSE_NONE),
        WITH_VERSION(" 8", REFUSE_WS_VERSION),
        WITH_VERSION(" 14", REFUSE_WS_VERSION),
        WITH_VERSION(" 013", REFUSE_WS_VERSION),
        WITH_VERSION(" +13", REFUSE_WS_VERSION),
        WITH_VERSION(" 13, 8", REFUSE_WS_VERSION),
        WITH_VERSION(" 13,", REFUSE_WS_VERSION),
        WITH_VERSION(" 1 3", REFUSE_WS_VERSION),
        WITH_VERSION("", REFUSE_WS_VERSION),
        WITH_VERSION(" 269", REFUSE_WS_VERSION),
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

#define WITH_KEY(value, why)                                                                       \
    REQUEST("GET /ws HTTP/1.1", HOST UPGRADE VERSION "Sec-WebSocket-Key: " value "\r\n", why)

static void key(void **state)
{
    static const struct row rows[] = {
        REQUEST("GET /ws HTTP/1.1", HOST UPGRADE VERSION, REFUSE_WS_KEY),
        WITH_KEY("", REFUSE_WS_KEY),
        WITH_KEY("dGhlIHNhbXBsZSBub25jZQ==", REFUSE_NONE),
        WITH_KEY("////////////////////////", REFUSE_WS_KEY), /* 18 bytes */
        WITH_KEY("dGhlIHNhbXBsZSBub25jZQA=", REFUSE_WS_KEY), /* 17 bytes */
        WITH_KEY("dGhlIHNhbXBsZSBub25j", REFUSE_WS_KEY),
        WITH_KEY("dGhlIHNhbXBsZSBub25jZQ", REFUSE_WS_KEY),
        WITH_KEY("dGhlIHNhbXBsZSBub25jZQ=", REFUSE_WS_KEY),
        WITH_KEY("dGhlIHNhbXBsZSBub25jZQ===", REFUSE_WS_KEY),
        WITH_KEY("dGhlIHNhbXBsZSBub25jZQ==dGhl", REFUSE_WS_KEY),
        WITH_KEY("dGhlIHNhb-BsZSBub25jZQ==", REFUSE_WS_KEY),
        WITH_KEY("dGhlIHNhb BsZSBub25jZQ==", REFUSE_WS_KEY),
        WITH_KEY("dGhl=HNhbXBsZSBub25jZQ==", REFUSE_WS_KEY),
        WITH_KEY("dGhlIHNhbXBsZSBub25jZQ=A", REFUSE_WS_KEY),
        WITH_KEY("dGhlIHNhbXBsZSBub25j\xe9Q==", REFUSE_WS_KEY),
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void protocols(void **state)
{
    static const struct row rows[] = {
        WITH("Sec-WebSocket-Protocol:\r\n", REFUSE_WS_PROTOCOL),
        WITH("Sec-WebSocket-Protocol: a,\r\n", REFUSE_WS_PROTOCOL),
        WITH("Sec-WebSocket-Protocol: ,a\r\n", REFUSE_WS_PROTOCOL),
        WITH("Sec-WebSocket-Protocol: a,,b\r\n", REFUSE_WS_PROTOCOL),
        WITH("Sec-WebSocket-Protocol: a b\r\n", REFUSE_WS_PROTOCOL),
        WITH("Sec-WebSocket-Protocol: a;b\r\n", REFUSE_WS_PROTOCOL),
        WITH("Sec-WebSocket-Protocol: \"a\"\r\n", REFUSE_WS_PROTOCOL),
        WITH("Sec-WebSocket-Protocol: \xe9\r\n", REFUSE_WS_PROTOCOL),
        WITH("Sec-WebSocket-Protocol: a, b, a\r\n", REFUSE_WS_PROTOCOL),
        WITH("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b, a\r\n", REFUSE_WS_PROTOCOL),
        WITH("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol:\r\n", REFUSE_WS_PROTOCOL),
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void protocols_have_a_ceiling(void **state)
{
    char text[8192];
    struct handshake upgrade;
    int count, i, len;

    (void)state;
    for (count = 32; count <= 33; count++) {
        len = sprintf(text, "GET / HTTP/1.1\r\n" HOST UPGRADE VERSION KEY_LINE
                            "Sec-WebSocket-Protocol: p0");
        for (i = 1; i < count; i++)
            len += sprintf(text + len, ",p%d", i);
        len += sprintf(text + len, "\r\n\r\n");
        assert_int_equal(judge(view_of(text, (size_t)len), &upgrade),
                         count == 32 ? REFUSE_NONE : REFUSE_WS_PROTOCOL);
    }
}

static void protocol_is_found_exactly(void **state)
{
    struct parsed p;
    struct handshake upgrade;

    (void)state;
    assert_int_equal(parse(&p, VIEW("GET / HTTP/1.1\r\n" HOST UPGRADE VERSION KEY_LINE
                                    "Sec-WebSocket-Protocol: v1.chat,\tv2.chat\r\n"
                                    "Sec-WebSocket-Protocol: v3.chat\r\n\r\n")),
                     HTTP1_DONE);
    assert_int_equal(handshake_check(&upgrade, &p.request, &deflate_on), REFUSE_NONE);
    assert_true(view_eq(upgrade.protocols, VIEW("v1.chat,\tv2.chat")));
    assert_true(handshake_offers_protocol(&p.request, VIEW("v1.chat")));
    assert_true(handshake_offers_protocol(&p.request, VIEW("v2.chat")));
    assert_true(handshake_offers_protocol(&p.request, VIEW("v3.chat")));
    assert_false(handshake_offers_protocol(&p.request, VIEW("V1.chat")));
    assert_false(handshake_offers_protocol(&p.request, VIEW("v1")));
    assert_false(handshake_offers_protocol(&p.request, VIEW("v1.chat,")));
    guarded_free(&p.memory);
    /* An empty element, which handshake_check would refuse, offers nothing. */
    assert_int_equal(parse(&p, VIEW("GET / HTTP/1.1\r\nSec-WebSocket-Protocol: a,,b\r\n\r\n")),
                     HTTP1_DONE);
    assert_false(handshake_offers_protocol(&p.request, VIEW("")));
    assert_true(handshake_offers_protocol(&p.request, VIEW("b")));
    guarded_free(&p.memory);
}

static void extensions(void **state)
{
    static const struct row rows[] = {
        WITH("Sec-WebSocket-Extensions: permessage-deflate\r\n", REFUSE_NONE),
        WITH("Sec-WebSocket-Extensions: constructor, __proto__; toString=1\r\n", REFUSE_NONE),
        WITH("Sec-WebSocket-Extensions: x; a=\"b\"\r\n", REFUSE_NONE),
        WITH("Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: b\r\n", REFUSE_NONE),
        WITH("Sec-WebSocket-Extensions:\r\nSec-WebSocket-Extensions: b\r\n", REFUSE_NONE),
        WITH("Sec-WebSocket-Extensions:\r\n", REFUSE_WS_EXTENSIONS),
        WITH("Sec-WebSocket-Extensions: \r\nSec-WebSocket-Extensions:\t\r\n", REFUSE_WS_EXTENSIONS),
        WITH("Sec-WebSocket-Extensions: a b\r\n", REFUSE_WS_EXTENSIONS),
        WITH("Sec-WebSocket-Extensions: x; a=\"b c\"\r\n", REFUSE_WS_EXTENSIONS),
        WITH("Sec-WebSocket-Extensions: x; a=\"b\r\n", REFUSE_WS_EXTENSIONS),
        WITH("Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: b c\r\n",
             REFUSE_WS_EXTENSIONS),
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static bool agrees_on_deflate(const char *lines, const struct ws_deflate_options *options)
{
    char text[2048];
    struct parsed p;
    struct handshake upgrade;
    int len = snprintf(text, sizeof(text),
                       "GET / HTTP/1.1\r\n" HOST UPGRADE VERSION KEY_LINE "%s\r\n", lines);

    assert_int_equal(parse(&p, view_of(text, (size_t)len)), HTTP1_DONE);
    assert_int_equal(handshake_check(&upgrade, &p.request, options), REFUSE_NONE);
    guarded_free(&p.memory);
    return upgrade.deflate.is_on;
}

static void extension_headers_are_one_list(void **state)
{
    (void)state;
    assert_false(agrees_on_deflate("", &deflate_on));
    assert_true(agrees_on_deflate("Sec-WebSocket-Extensions: permessage-deflate\r\n", &deflate_on));
    assert_false(
        agrees_on_deflate("Sec-WebSocket-Extensions: permessage-deflate\r\n", &deflate_off));
    assert_true(agrees_on_deflate("Sec-WebSocket-Extensions: x-first; a=1\r\n"
                                  "X: y\r\n"
                                  "sec-websocket-extensions: permessage-deflate\r\n",
                                  &deflate_on));
}

/* C-B3, C-B4: long lists that cost others quadratic time or an exception. Here they only have to
 * get an answer, and the list with a valid grammar must not cost the upgrade. */
static void pathological_lists(void **state)
{
    static const struct {
        const char *front, *fill, *back;
        enum refusal why;
    } rows[] = {
        {"Sec-WebSocket-Extensions: b", " ", "x\r\n", REFUSE_WS_EXTENSIONS},
        {"Sec-WebSocket-Extensions: x; a=\"", "\\a", "\r\n", REFUSE_WS_EXTENSIONS},
        {"Sec-WebSocket-Extensions: x; a=\"", "\\", "\r\n", REFUSE_WS_EXTENSIONS},
        {"Sec-WebSocket-Extensions: a", ";", "\r\n", REFUSE_WS_EXTENSIONS},
        {"Sec-WebSocket-Extensions: a", "n", "\r\n", REFUSE_NONE},
        {"Sec-WebSocket-Protocol: b", " ", "x\r\n", REFUSE_WS_PROTOCOL},
        {"Sec-WebSocket-Protocol: a", ",", "\r\n", REFUSE_WS_PROTOCOL},
        {"Sec-WebSocket-Protocol: a", ",a", "\r\n", REFUSE_WS_PROTOCOL},
        {"Sec-WebSocket-Protocol: a", "p", "\r\n", REFUSE_NONE},
        {"Connection: b", ",", "x\r\n", REFUSE_NONE},
        {"Upgrade: b", " ", "x\r\n", REFUSE_NONE},
    };
    char *text = malloc(HTTP1_HEAD_MAX);
    struct handshake upgrade;
    size_t i, len;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        len = (size_t)sprintf(text, "GET / HTTP/1.1\r\n" HOST UPGRADE VERSION KEY_LINE "%s",
                              rows[i].front);
        while (len < 12000)
            len += (size_t)sprintf(text + len, "%s", rows[i].fill);
        len += (size_t)sprintf(text + len, "%s\r\n", rows[i].back);
        if (judge(view_of(text, len), &upgrade) != rows[i].why)
            fail_msg("%s%s...", rows[i].front, rows[i].fill);
    }
    free(text);
}

static void refused_leaves_the_output_alone(void **state)
{
    struct handshake upgrade;

    (void)state;
    memset(&upgrade, 0x5a, sizeof(upgrade));
    assert_int_equal(judge(VIEW("GET / HTTP/1.1\r\n" HOST UPGRADE VERSION KEY_LINE
                                "Sec-WebSocket-Extensions: a b\r\n\r\n"),
                           &upgrade),
                     REFUSE_WS_EXTENSIONS);
    assert_int_equal(((unsigned char *)&upgrade)[0], 0x5a);
}

static void accept_value(void **state)
{
    char out[28];

    (void)state;
    assert_int_equal(handshake_accept(out, VIEW(KEY)), OK);
    assert_memory_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28);
    assert_int_equal(handshake_accept(out, VIEW("short")), E_INVALID);
}

static void answer_is_exact(void **state)
{
    struct handshake upgrade = {.key = VIEW(KEY)};
    uint8_t bytes[1024];
    struct wr w = wr_of(bytes, sizeof(bytes));
    static const char plain[] = "HTTP/1.1 101 Switching Protocols\r\n"
                                "Upgrade: websocket\r\n"
                                "Connection: Upgrade\r\n"
                                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

    (void)state;
    assert_int_equal(handshake_answer(&w, &upgrade, VIEW("")), OK);
    assert_int_equal(wr_len(&w), sizeof(plain) - 1 + 2);
    assert_memory_equal(bytes, plain, sizeof(plain) - 1);
    assert_memory_equal(bytes + sizeof(plain) - 1, "\r\n", 2);

    w = wr_of(bytes, sizeof(bytes));
    assert_int_equal(handshake_answer(&w, &upgrade, VIEW("v1.chat")), OK);
    assert_memory_equal(bytes + sizeof(plain) - 1, "Sec-WebSocket-Protocol: v1.chat\r\n\r\n", 35);
    assert_int_equal(wr_len(&w), sizeof(plain) - 1 + 35);
}

static void answer_names_the_agreed_extension(void **state)
{
    struct parsed p;
    struct handshake upgrade;
    uint8_t bytes[1024];
    struct wr w = wr_of(bytes, sizeof(bytes) - 1);

    (void)state;
    assert_int_equal(parse(&p, VIEW("GET / HTTP/1.1\r\n" HOST UPGRADE VERSION KEY_LINE
                                    "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")),
                     HTTP1_DONE);
    assert_int_equal(handshake_check(&upgrade, &p.request, &deflate_on), REFUSE_NONE);
    assert_int_equal(handshake_answer(&w, &upgrade, VIEW("")), OK);
    bytes[wr_len(&w)] = '\0';
    assert_non_null(strstr((char *)bytes, "\r\nSec-WebSocket-Extensions: permessage-deflate"));
    guarded_free(&p.memory);
}

static void answer_cannot_be_split(void **state)
{
    struct handshake upgrade = {.key = VIEW(KEY)};
    uint8_t bytes[1024];
    struct wr w = wr_of(bytes, sizeof(bytes));

    (void)state;
    assert_int_equal(handshake_answer(&w, &upgrade, VIEW("a\r\nSet-Cookie: b")), E_INVALID);
    assert_int_equal(handshake_answer(&w, &upgrade, VIEW("a b")), E_INVALID);
    assert_int_equal(handshake_answer(&w, &upgrade, VIEW("a\0b")), E_INVALID);
    assert_int_equal(wr_len(&w), 0);
    w = wr_of(bytes, 100);
    assert_int_equal(handshake_answer(&w, &upgrade, VIEW("")), E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken),
        cmocka_unit_test(host),
        cmocka_unit_test(repeats),
        cmocka_unit_test(smuggling),
        cmocka_unit_test(method),
        cmocka_unit_test(not_an_upgrade),
        cmocka_unit_test(version),
        cmocka_unit_test(key),
        cmocka_unit_test(protocols),
        cmocka_unit_test(protocols_have_a_ceiling),
        cmocka_unit_test(protocol_is_found_exactly),
        cmocka_unit_test(extensions),
        cmocka_unit_test(extension_headers_are_one_list),
        cmocka_unit_test(pathological_lists),
        cmocka_unit_test(refused_leaves_the_output_alone),
        cmocka_unit_test(accept_value),
        cmocka_unit_test(answer_is_exact),
        cmocka_unit_test(answer_names_the_agreed_extension),
        cmocka_unit_test(answer_cannot_be_split),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
