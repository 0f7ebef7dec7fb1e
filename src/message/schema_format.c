/* SPDX-License-Identifier: Apache-2.0 */
/* schema_format.c: the table of formats, and the short ones: uuid, JSON pointers, regex. Times,
 * hosts and URIs have files of their own. */
#include "message/schema_format.h"

#include "message/json_pointer.h"
#include "message/schema_regex.h"

/* RFC 4122: 8-4-4-4-12 hexadecimal digits. */
static bool uuid(struct view text)
{
    if (text.len != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        char c = text.ptr[i];
        char lower = (char)(c | 0x20);

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-')
                return false;
        } else if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'f')) {
            return false;
        }
    }
    return true;
}

/* A number without leading zeros, then # or a JSON pointer. */
static bool relative_json_pointer(struct view text)
{
    size_t at = 0;

    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
        at++;
    if (at == 0 || (at > 1 && text.ptr[0] == '0'))
        return false;
    if (text.len - at == 1 && text.ptr[at] == '#')
        return true;
    return json_pointer_ok(view_of(text.ptr + at, text.len - at));
}

static const struct {
    const char *name;
    schema_format_fn *check;
} formats[] = {
    {"date-time", schema_format_date_time},
    {"date", schema_format_date},
    {"time", schema_format_time},
    {"duration", schema_format_duration},
    {"email", schema_format_email},
    {"idn-email", schema_format_idn_email},
    {"hostname", schema_format_hostname},
    {"idn-hostname", schema_format_idn_hostname},
    {"ipv4", schema_format_ipv4},
    {"ipv6", schema_format_ipv6},
    {"uri", schema_format_uri},
    {"uri-reference", schema_format_uri_reference},
    {"iri", schema_format_iri},
    {"iri-reference", schema_format_iri_reference},
    {"uri-template", schema_format_uri_template},
    {"uuid", uuid},
    {"json-pointer", json_pointer_ok},
    {"relative-json-pointer", relative_json_pointer},
    {"regex", schema_regex_ok},
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

schema_format_fn *schema_format_find(struct view name)
{
    for (size_t i = 0; i < FORMATS; i++) {
        if (view_eq(name, view_of_text(formats[i].name)))
            return formats[i].check;
    }
    return NULL;
}

const char *schema_format_name(size_t i)
{
    return i < FORMATS ? formats[i].name : NULL;
}
