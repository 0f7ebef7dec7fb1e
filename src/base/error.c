/* SPDX-License-Identifier: Apache-2.0 */
/* error.c: fills struct error. No translation, no allocation. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

void error_set(struct error *e, const char *format, ...)
{
    va_list args;

    if (e == NULL)
        return;
    e->line = 0;
    e->column = 0;
    va_start(args, format);
    if (vsnprintf(e->text, sizeof(e->text), format, args) < 0)
        e->text[0] = '\0';
    va_end(args);
}
