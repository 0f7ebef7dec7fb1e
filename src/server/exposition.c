/* SPDX-License-Identifier: Apache-2.0 */
/* exposition.c: lines of the Prometheus text format, each ending in a line feed. */
#include "server/exposition.h"

void exposition_family(struct wr *w, const char *name, const char *type, const char *help)
{
    wr_text(w, "# HELP ");
    wr_text(w, name);
    wr_u8(w, ' ');
    wr_text(w, help);
    wr_text(w, "\n# TYPE ");
    wr_text(w, name);
    wr_u8(w, ' ');
    wr_text(w, type);
    wr_u8(w, '\n');
}

static void put_label(struct wr *w, const char *label, const char *value)
{
    wr_text(w, label);
    wr_text(w, "=\"");
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            wr_text(w, "\\n");
            continue;
        }
        if (*value == '"' || *value == '\\')
            wr_u8(w, '\\');
        wr_u8(w, (uint8_t)*value);
    }
    wr_u8(w, '"');
}

static void put_head(struct wr *w, const char *name, const char *label, const char *value)
{
    wr_text(w, name);
    if (label != NULL) {
        wr_u8(w, '{');
        put_label(w, label, value);
        wr_u8(w, '}');
    }
    wr_u8(w, ' ');
}

void exposition_sample(struct wr *w, const char *name, const char *label, const char *value,
                       uint64_t number)
{
    put_head(w, name, label, value);
    wr_dec(w, number);
    wr_u8(w, '\n');
}

void exposition_sample2(struct wr *w, const char *name, const char *const labels[2],
                        const char *const values[2], uint64_t number)
{
    wr_text(w, name);
    wr_u8(w, '{');
    put_label(w, labels[0], values[0]);
    wr_u8(w, ',');
    put_label(w, labels[1], values[1]);
    wr_text(w, "} ");
    wr_dec(w, number);
    wr_u8(w, '\n');
}

void exposition_seconds(struct wr *w, const char *name, const char *label, const char *value,
                        uint64_t ns)
{
    uint64_t micros = ns / 1000;

    put_head(w, name, label, value);
    wr_dec(w, micros / 1000000);
    wr_u8(w, '.');
    for (uint64_t digit = 100000; digit > 0; digit /= 10)
        wr_u8(w, (uint8_t)('0' + micros / digit % 10));
    wr_u8(w, '\n');
}

void exposition_one(struct wr *w, const char *name, const char *type, const char *help,
                    uint64_t number)
{
    exposition_family(w, name, type, help);
    exposition_sample(w, name, NULL, NULL, number);
}
