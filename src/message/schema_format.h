/* SPDX-License-Identifier: Apache-2.0 */
/* schema_format.h: the formats of JSON Schema (validation, section 7.3). Pure, no allocation,
 * linear in the text, which is valid UTF-8. */
#ifndef MESSAGE_SCHEMA_FORMAT_H
#define MESSAGE_SCHEMA_FORMAT_H

#include <stdbool.h>

#include "base/view.h"

typedef bool schema_format_fn(struct view text);

/* NULL where the format is unknown. */
schema_format_fn *schema_format_find(struct view name);
/* The names, for suggestions; NULL at the end. */
const char *schema_format_name(size_t i);

schema_format_fn schema_format_date_time, schema_format_date, schema_format_time,
    schema_format_duration, schema_format_email, schema_format_idn_email, schema_format_hostname,
    schema_format_idn_hostname, schema_format_ipv4, schema_format_ipv6, schema_format_uri,
    schema_format_uri_reference, schema_format_iri, schema_format_iri_reference,
    schema_format_uri_template;

#endif
