/* SPDX-License-Identifier: Apache-2.0 */
/* log.c: one line, one write(2), so that lines of several threads never mix. Control characters and
 * bytes that are no UTF-8 become \xNN: nobody forges a line or moves the operator's cursor. The
 * level is the one mutable global. */
#include "base/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/code_point.h"
#include "base/wr.h"

#define LOG_TEXT_BYTES 1024 /* longer texts are cut */
#define LOG_WAIT_MS    100  /* for a reader that has fallen behind; then the line is lost */

static atomic_int level_now = LOG_INFO;

void log_level_set(enum log_level level)
{
    atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
}

static void put_hex(struct wr *w, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    char out[4] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};

    wr_bytes(w, out, sizeof(out));
}

static void put_text(struct wr *w, const uint8_t *text, size_t len)
{
    size_t i = 0;

    while (i < len) {
        uint32_t value = 0;
        size_t bytes = code_point_decode(text + i, len - i, &value);
        bool is_raw = bytes > 0 && !code_point_is_control(value);

        if (bytes == 0)
            bytes = 1;
        for (size_t end = i + bytes; i < end; i++) {
            if (is_raw)
                wr_u8(w, text[i]);
            else
                put_hex(w, text[i]);
        }
    }
}

/* Whoever reads our stderr must not be able to stop the service by reading no more. */
static bool is_writable(void)
{
    struct pollfd to = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&to, 1, LOG_WAIT_MS) != 0; /* a fault is for write to find */
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    char text[LOG_TEXT_BYTES], when[CLOCK_TEXT_BYTES];
    uint8_t line[64 + 4 * LOG_TEXT_BYTES];
    struct wr w = wr_of(line, sizeof(line));
    va_list args;
    int len;

    if ((int)level > atomic_load_explicit(&level_now, memory_order_relaxed) || level > LOG_DEBUG)
        return;
    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0)
        return;
    clock_wall_text(clock_wall_ms(), when);
    wr_bytes(&w, when, 19); /* whole seconds: up to the dot */
    wr_text(&w, "Z ");
    wr_text(&w, names[level]);
    wr_u8(&w, ' ');
    put_text(&w, (const uint8_t *)text,
             (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
    wr_u8(&w, '\n');
    /* A log that cannot be written has nowhere to say so, and must not stop the service. */
    if (!is_writable() || write(STDERR_FILENO, line, wr_len(&w)) < 0)
        return;
}
