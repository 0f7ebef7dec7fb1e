/* SPDX-License-Identifier: Apache-2.0 */
/* One answer head, in two steps like a request head in wire/http1.c: a scan that looks at each byte
 * once for the end of the head and for bytes that no head may hold, then one parse of the whole.
 * The scan keeps nothing but a position, so every split of the input gets the same verdict. */
#include "client/answer.h"

#include "base/num.h"

static const struct view opening = {"HTTP/1.", 7};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A byte that may stand at `at`. A line begins with a token character: no folding, no empty name.
 */
static bool is_allowed(const char *bytes, size_t at)
{
    unsigned char c = (unsigned char)bytes[at];

    if (at < opening.len)
        return bytes[at] == opening.ptr[at];
    if (bytes[at - 1] == '\n')
        return http1_is_token(view_of(bytes + at, 1));
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

/* Moves *at to `end`. A CR waits for the LF behind it; an LF is only ever passed behind a CR. */
static enum http1_verdict scan(const char *bytes, size_t end, size_t *at, size_t *head_bytes)
{
    size_t i = *at;

    while (i < end) {
        if (bytes[i] != '\r') {
            if (!is_allowed(bytes, i))
                return HTTP1_BAD;
            i++;
            continue;
        }
        if (i < opening.len)
            return HTTP1_BAD;
        if (i + 1 == end)
            break;
        if (bytes[i + 1] != '\n')
            return HTTP1_BAD;
        if (bytes[i - 1] == '\n') {
            *head_bytes = i + 2;
            return HTTP1_DONE;
        }
        i += 2;
    }
    *at = i;
    return HTTP1_MORE;
}

static struct view take_line(struct view *rest)
{
    struct view line;

    (void)view_split(*rest, '\n', &line, rest);
    return view_of(line.ptr, line.len - 1);
}

/* "HTTP/1." digit SP 3digit [SP phrase]; the blank before an empty phrase is often forgotten. */
static bool parse_status_line(struct client_answer *answer, struct view line)
{
    const char *at = line.ptr + opening.len;

    if (line.len < opening.len + 5 || (at[0] != '0' && at[0] != '1') || at[1] != ' ')
        return false;
    if (!is_digit(at[2]) || !is_digit(at[3]) || !is_digit(at[4]))
        return false;
    answer->fields.minor = (uint8_t)(at[0] - '0');
    answer->status = (unsigned)((at[2] - '0') * 100 + (at[3] - '0') * 10 + (at[4] - '0'));
    if (answer->status < 100 || answer->status > 599)
        return false;
    answer->phrase = view_of(at + 5, line.len - opening.len - 5);
    if (answer->phrase.len > 0 && answer->phrase.ptr[0] != ' ')
        return false;
    answer->phrase = view_trim(answer->phrase);
    return true;
}

static bool parse_header(struct http1_header *header, struct view line)
{
    struct view raw;

    if (!view_split(line, ':', &header->name, &raw) || !http1_is_token(header->name))
        return false;
    header->value = view_trim(raw);
    header->has_odd_space = false;
    return true;
}

static enum http1_verdict parse_head(struct client_answer *answer, struct view head)
{
    struct http1_request *fields = &answer->fields;

    if (!parse_status_line(answer, take_line(&head)))
        return HTTP1_BAD;
    fields->headers_count = 0;
    while (head.len > 2) {
        if (fields->headers_count == HTTP1_HEADERS_MAX)
            return HTTP1_TOO_LARGE;
        if (!parse_header(&fields->headers[fields->headers_count], take_line(&head)))
            return HTTP1_BAD;
        fields->headers_count++;
    }
    return HTTP1_DONE;
}

enum http1_verdict client_answer_parse(struct client_answer *answer, const char *bytes, size_t len,
                                       size_t *scanned, size_t *head_bytes)
{
    size_t end = 0;
    enum http1_verdict verdict =
        scan(bytes, len < HTTP1_HEAD_MAX ? len : HTTP1_HEAD_MAX, scanned, &end);

    if (verdict == HTTP1_MORE && len >= HTTP1_HEAD_MAX)
        return HTTP1_TOO_LARGE;
    if (verdict != HTTP1_DONE)
        return verdict;
    verdict = parse_head(answer, view_of(bytes, end));
    if (verdict == HTTP1_DONE)
        *head_bytes = end;
    return verdict;
}

bool client_answer_length(const struct client_answer *answer, uint64_t *bytes)
{
    const struct http1_header *header;

    return http1_find(&answer->fields, VIEW("Content-Length"), &header) == 1 &&
           http1_find(&answer->fields, VIEW("Transfer-Encoding"), NULL) == 0 &&
           num_parse_u64(header->value, UINT32_MAX, bytes);
}
