/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping for terminals, one code point at a time. Tabs stay. */
#include "cli/terminal.h"

#include "base/code_point.h"

void terminal_put(FILE *to, struct view text)
{
    const uint8_t *bytes = (const uint8_t *)text.ptr;
    size_t len;

    for (size_t i = 0; i < text.len; i += len) {
        uint32_t value = 0;

        len = code_point_decode(bytes + i, text.len - i, &value);
        if (len == 0) {
            (void)fprintf(to, "\\x%02x", (unsigned)bytes[i]);
            len = 1;
        } else if (code_point_is_control(value) && value != '\t') {
            (void)fprintf(to, value < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)value);
        } else {
            (void)fwrite(bytes + i, 1, len, to);
        }
    }
}

void terminal_put_redacted(FILE *to, struct view text, struct view secret)
{
    while (secret.len > 0 && text.len >= secret.len) {
        const char *found = memmem(text.ptr, text.len, secret.ptr, secret.len);
        size_t before;

        if (found == NULL)
            break;
        before = (size_t)(found - text.ptr);
        terminal_put(to, view_of(text.ptr, before));
        (void)fputs("[redacted]", to);
        text = view_of(found + secret.len, text.len - before - secret.len);
    }
    terminal_put(to, text);
}
