/* SPDX-License-Identifier: Apache-2.0 */
/* assert.c: the last words of a process that found a bug of its own. One write, no allocation, no
 * lock, so that it also works when the heap is what broke. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void assert_failed(const char *text, const char *file, int line)
{
    char out[512];
    int len = snprintf(out, sizeof(out) - 1, "%s:%d: assertion failed: %s", file, line, text);

    if (len > 0) {
        size_t bytes = (size_t)len < sizeof(out) - 2 ? (size_t)len : sizeof(out) - 2;

        out[bytes] = '\n';
        if (write(STDERR_FILENO, out, bytes + 1) < 0)
            abort();
    }
    abort();
}
