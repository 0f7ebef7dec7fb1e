/* SPDX-License-Identifier: Apache-2.0 */
/* schema_regex.h: the regular expressions of ECMA-262 (Unicode mode) that patterns are written in.
 * What is regular runs in an automaton of ours whose cost is linear in the text; look-around,
 * back-references, \b and \p go to PCRE2 under limits. A limit that is hit is SCHEMA_ERROR. */
#ifndef MESSAGE_SCHEMA_REGEX_H
#define MESSAGE_SCHEMA_REGEX_H

#include "base/arena.h"
#include "message/schema.h"

#define SCHEMA_REGEX_PATTERN_MAX 8192
/* Texts for PCRE2: one that starts anywhere costs the square of its length at least. */
#define SCHEMA_REGEX_ANCHORED_BYTES_MAX 4096
#define SCHEMA_REGEX_ANYWHERE_BYTES_MAX 1024

struct schema_regex;

struct schema_regex_fault {
    const char *text;
    size_t at; /* in the pattern */
};

struct schema_regex_scratch {
    uint64_t *sets;     /* two sets of positions */
    uint32_t words_cap; /* of each */
    void *match_data;   /* of PCRE2 */
    void *match_context;
};

/* E_INVALID, E_UNSUPPORTED (valid, but nothing here can run it): *fault says why; E_NOMEM. The
 * regex lies in the arena; schema_regex_free gives back what does not. */
int schema_regex_compile(struct schema_regex **out, struct arena *arena, struct view pattern,
                         struct schema_regex_fault *fault);
void schema_regex_free(struct schema_regex *regex);
/* For lists of them. */
struct schema_regex **schema_regex_next(struct schema_regex *regex);
/* Is it run by our own automaton? */
bool schema_regex_is_linear(const struct schema_regex *regex);

/* Makes room for the regex. E_NOMEM. */
int schema_regex_scratch_fit(struct schema_regex_scratch *scratch, const struct schema_regex *re);
void schema_regex_scratch_clear(struct schema_regex_scratch *scratch);

/* Does it match anywhere in the text, which is valid UTF-8? */
enum schema_verdict schema_regex_match(const struct schema_regex *regex, struct view text,
                                       struct schema_regex_scratch *scratch);
/* Is it a regular expression at all? Never allocates. */
bool schema_regex_ok(struct view pattern);

#endif
