/* SPDX-License-Identifier: Apache-2.0 */
/* audit_probe_frames.c: frames that no server may take, announcements of more than it should, and
 * the two that it must answer: ping and close. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/status.h"
#include "cli/audit_probe.h"
#include "wire/close_code.h"

#define FRAGMENTS   2000
#define BOMB_BYTES  ((size_t)2 * 1024 * 1024)
#define MIB         (UINT64_C(1024) * 1024)
#define RSV2        0x20u
#define GREETING_MS 100

/* Frames are judged before logins, so any connection will do. */
static bool open_any(struct probe *p, struct audit_link *l, enum audit_point point)
{
    int rc = p->opens_to_all ? probe_open(p, l) : probe_open_best(p, l);

    if (rc == OK && probe_drain(l, GREETING_MS))
        rc = E_CLOSED; /* whatever we sent, it would end */
    if (rc != OK)
        PROBE_ADD(p, point, AUDIT_UNKNOWN,
                  "without a connection (--token-file) frames cannot be "
                  "tried");
    return rc == OK;
}

/* What was sent must end the connection. */
static void must_end(struct probe *p, struct audit_link *l, enum audit_point point,
                     const char *what)
{
    if (link_ends_within(l, probe_quiet_ms(p)))
        PROBE_ADD(p, point, AUDIT_PASS, "%s is answered with %s", what,
                  audit_quote(&p->report, view_of_text(link_ending(l).text)).text);
    else
        PROBE_ADD(p, point, AUDIT_FAIL, "%s does not end the connection", what);
}

static void check_bad_frames(struct probe *p)
{
    static const uint8_t unmasked[] = {WS_BIT_FINAL | WS_TEXT, 2, '{', '}'};
    static const uint8_t reserved[] = {WS_BIT_FINAL | RSV2 | WS_TEXT, WS_BIT_MASKED, 0, 0, 0, 0};
    struct audit_link l;

    if (open_any(p, &l, AUDIT_MESSAGES)) {
        (void)link_write(&l, unmasked, sizeof(unmasked));
        must_end(p, &l, AUDIT_MESSAGES, "a frame without mask");
    }
    link_close(&l);
    if (open_any(p, &l, AUDIT_MESSAGES)) {
        (void)link_write(&l, reserved, sizeof(reserved));
        must_end(p, &l, AUDIT_MESSAGES, "a frame with a reserved bit");
    }
    link_close(&l);
    if (open_any(p, &l, AUDIT_MESSAGES)) {
        (void)link_send(&l, WS_TEXT, VIEW("\xc3\x28 is not UTF-8"));
        must_end(p, &l, AUDIT_MESSAGES, "text that is not UTF-8");
    }
    link_close(&l);
}

/* --- point 8 --- */

/* Only the header of a message is sent: who waits for the rest has agreed to its size. */
static void check_announced(struct probe *p, uint64_t bytes, const char *what)
{
    uint8_t header[WS_FRAME_HEADER_MAX], mask[4];
    struct audit_link l;

    random_bytes(mask, sizeof(mask));
    if (open_any(p, &l, AUDIT_SIZE)) {
        (void)link_write(&l, header, ws_frame_encode(header, WS_TEXT, true, false, bytes, mask));
        must_end(p, &l, AUDIT_SIZE, what);
    }
    link_close(&l);
}

static void check_fragments(struct probe *p)
{
    static uint8_t const first[] = {WS_TEXT, WS_BIT_MASKED, 0, 0, 0, 0};
    uint8_t *bytes = calloc(FRAGMENTS, sizeof(first));
    struct audit_link l;

    if (bytes == NULL)
        return;
    for (size_t i = 0; i < FRAGMENTS; i++) {
        memcpy(bytes + i * sizeof(first), first, sizeof(first));
        if (i > 0)
            bytes[i * sizeof(first)] = WS_CONTINUATION;
    }
    if (open_any(p, &l, AUDIT_SIZE)) {
        (void)link_write(&l, bytes, FRAGMENTS * sizeof(first));
        must_end(p, &l, AUDIT_SIZE, "a message in 2000 empty fragments");
    }
    link_close(&l);
    free(bytes);
}

/* A ping with a very long member: harmless to whoever reads all of it. */
static void send_bomb(struct audit_link *l)
{
    static const char head[] = "{\"type\":\"ping\",\"audit\":\"", tail[] = "\"}";
    uint8_t header[WS_FRAME_HEADER_MAX], mask[4] = {0, 0, 0, 0};
    uint8_t *text = malloc(BOMB_BYTES), *small;
    struct ws_deflate *z = NULL;
    size_t len;

    if (text != NULL) {
        memset(text, 'a', BOMB_BYTES);
        memcpy(text, head, sizeof(head) - 1);
        memcpy(text + BOMB_BYTES - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
    }
    if (text != NULL && ws_deflate_new(&z, 15, 9, false) == OK &&
        ws_deflate_message(z, text, BOMB_BYTES, &small, &len) == OK) {
        (void)link_write(l, header, ws_frame_encode(header, WS_TEXT, true, true, len, mask));
        (void)link_write(l, small, len);
    }
    ws_deflate_free(z);
    free(text);
}

static void check_compression(struct probe *p)
{
    struct link_door door = {.origin = p->origin, .offers_deflate = true};
    struct audit_link l;
    int rc = link_open(&l, &p->target, &door);

    if (rc == OK && l.has_deflate) {
        send_bomb(&l);
        must_end(p, &l, AUDIT_SIZE, "2 MiB in 2 KiB of compressed bytes");
    } else if (rc == OK) {
        PROBE_ADD(p, AUDIT_SIZE, AUDIT_PASS, "messages are not compressed");
    }
    link_close(&l);
}

/* --- points 12 and 13 --- */

static void check_ping(struct probe *p)
{
    struct audit_link l;
    struct ws_frame frame;
    struct view payload = {"", 0};
    int rc;

    if (open_any(p, &l, AUDIT_PING)) {
        (void)link_send(&l, WS_PING, VIEW("audit"));
        do {
            rc = link_next(&l, p->target.timeout_ms, &frame, &payload);
        } while (rc == OK && frame.opcode != WS_PONG);
        if (rc == OK && view_eq(payload, VIEW("audit")))
            PROBE_ADD(p, AUDIT_PING, AUDIT_PASS, "a ping is answered");
        else if (rc == E_CLOSED)
            PROBE_ADD(p, AUDIT_PING, AUDIT_FAIL, "a ping is answered with %s",
                      audit_quote(&p->report, view_of_text(link_ending(&l).text)).text);
        else
            PROBE_ADD(p, AUDIT_PING, AUDIT_FAIL, "a ping is not answered with its own words");
    }
    link_close(&l);
}

static void check_close(struct probe *p)
{
    static const char normal[] = {0x03, (char)0xe8};
    struct audit_link l;

    if (open_any(p, &l, AUDIT_CLOSE)) {
        (void)link_send(&l, WS_CLOSE, view_of(normal, sizeof(normal)));
        (void)link_ends_within(&l, p->target.timeout_ms);
        if (l.close_code == CLOSE_NORMAL)
            PROBE_ADD(p, AUDIT_CLOSE, AUDIT_PASS, "Close 1000 is answered with Close 1000");
        else
            PROBE_ADD(p, AUDIT_CLOSE, AUDIT_FAIL, "Close 1000 is answered with %s",
                      l.close_code == 0 && !l.is_ended
                          ? "nothing"
                          : audit_quote(&p->report, view_of_text(link_ending(&l).text)).text);
    }
    link_close(&l);
}

void probe_frames(struct probe *p)
{
    check_bad_frames(p);
    check_announced(p, 16 * MIB, "a message of 16 MiB, announced");
    check_announced(p, MIB + 1, "a message of just over 1 MiB, announced");
    check_fragments(p);
    check_compression(p);
    check_ping(p);
    check_close(p);
}
