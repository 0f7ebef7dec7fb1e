/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h: JSON Schema, draft 2020-12. A document is compiled once, at start, into a flat program;
 * messages are checked against it without any allocation. References are answered from the document
 * and from the documents the caller hands over, never from a network. A ceiling that is hit while
 * checking is SCHEMA_ERROR, which a caller treats as a refusal.
 * A schema is read-only once compiled: any number of threads may check with it, each with a scratch
 * of its own. */
#ifndef MESSAGE_SCHEMA_H
#define MESSAGE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"
#include "message/json.h"

#define SCHEMA_STEPS_DEFAULT 1000000 /* instructions, members and items looked at in one check */
#define SCHEMA_DEPTH_DEFAULT 256     /* schemas inside schemas while checking */

struct schema;
struct schema_scratch;

enum schema_verdict {
    SCHEMA_VALID,
    SCHEMA_INVALID,
    SCHEMA_ERROR /* a ceiling was hit: nothing is known, so the answer is no */
};

/* A further document that references may name; `uri` is absolute, without a fragment. */
struct schema_document {
    struct view uri;
    const struct json *root;
};

/* All zero is the strict way. */
struct schema_options {
    bool is_lenient; /* unknown keywords and formats are ignored, as the draft says; else faults */
    bool is_format_off;   /* `format` says nothing about validity */
    struct view source;   /* the text `document` was parsed from, for schema_fault.offset */
    struct view base_uri; /* where the document came from; may be empty */
    const struct schema_document *documents;
    size_t documents_count;
    uint32_t steps, depth; /* ceilings of one check; 0: the defaults above */
};

/* Why a document is no schema. */
struct schema_fault {
    char pointer[256]; /* of the schema at fault; with its URI when in a further document */
    char keyword[64];  /* empty when the schema as a whole is meant */
    char text[256];    /* one sentence */
    size_t offset;     /* of the fault in options.source; 0 when unknown */
};

/* What was wrong with a message first. Views point into the message and into the schema. */
struct schema_violation {
    const char *keyword;        /* "maxLength" */
    const char *schema_pointer; /* of that keyword in the schema document */
    char pointer[256];          /* of the value in the message; cut short, never escaped twice */
    struct view field; /* last name on the way to the value, or the missing name; may be empty */
    uint32_t depth;    /* names and indexes on the way to the value */
    uint64_t limit;    /* of keywords that carry a whole number */
    uint32_t types;    /* of `type`: 1 << enum json_type, and SCHEMA_TYPE_INTEGER */
};
#define SCHEMA_TYPE_INTEGER (1U << 7)

/* Neither `document` nor the options are needed afterwards. E_INVALID (*fault says why), E_LIMIT (a
 * schema larger than any sane one; *fault), E_NOMEM. `options` may be NULL. */
int schema_compile(struct schema **out, const struct json *document,
                   const struct schema_options *options, struct schema_fault *fault);
void schema_free(struct schema *s);
/* Formats and keywords that a lenient compilation ignored, as one comma-separated list, cut at some
 * length; "" when there are none. Lives as long as the schema. */
const char *schema_ignored(const struct schema *s);

/* The memory of checks, one per thread. E_NOMEM. */
int schema_scratch_new(struct schema_scratch **out);
void schema_scratch_free(struct schema_scratch *scratch);
/* Grows it to what `s` can need: once per schema, at start. E_NOMEM. */
int schema_scratch_fit(struct schema_scratch *scratch, const struct schema *s);

/* `first` may be NULL; it is written with SCHEMA_INVALID only. A scratch that has not been fitted
 * is SCHEMA_ERROR where memory is needed. Never allocates. */
enum schema_verdict schema_check(const struct schema *s, const struct json *value,
                                 struct schema_scratch *scratch, struct schema_violation *first);

/* One sentence for people, NUL-terminated, cut at cap: with names from message and schema if
 * is_detailed, else the same for every violation. Returns its length. Names are a stranger's bytes
 * (valid UTF-8, shortened): escape the sentence for where it goes. */
size_t schema_violation_text(char *buf, size_t cap, const struct schema_violation *violation,
                             bool is_detailed);

#endif
