/* SPDX-License-Identifier: Apache-2.0 */
/* A strict parser for one HTTP/1.1 request head (RFC 9112), in two steps. The scan looks at every
 * byte once, in the order of arrival, for the end of the head and for bytes that no head may hold;
 * all it keeps is a position, because what it must know of the past (is this the start of a line?)
 * stands in the byte before. When the head is complete it is parsed once. So dripping bytes costs
 * no more than sending them whole (C-B2), and every split of the input gets the same verdict.
 * Whatever two parsers could read differently (request smuggling, C-B6) is refused, never repaired.
 * Nothing is decoded. */
#include "wire/http1.h"

#include "wire/http_host.h"

#define METHOD_MAX 32
/* The longest request line we could accept, with its CRLF. */
#define LINE_MAX_BYTES (METHOD_MAX + 1 + HTTP1_TARGET_MAX + 1 + 8 + 2)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* tchar, RFC 9110 section 5.6.2 */
static bool is_tchar(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c))
        return true;
    switch (c) {
    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '-':
    case '.':
    case '^':
    case '_':
    case '`':
    case '|':
    case '~':
        return true;
    default:
        return false;
    }
}

bool http1_is_token(struct view v)
{
    size_t i;

    for (i = 0; i < v.len; i++) {
        if (!is_tchar(v.ptr[i]))
            return false;
    }
    return v.len > 0;
}

/* Bytes that may stand inside a line: visible ASCII, SP, HTAB and obs-text, which is never
 * interpreted. */
static bool is_line_byte(char c)
{
    unsigned char u = (unsigned char)c;

    return (u >= 0x20 && u != 0x7f) || u == '\t';
}

/* An LF is only ever passed behind a CR, so the byte before tells. */
static bool is_line_start(const char *bytes, size_t at)
{
    return at == 0 || bytes[at - 1] == '\n';
}

/* Moves *at towards `end`. A line must begin with a token character: that refuses obs-fold, an
 * empty header name and empty lines before the request line as soon as they show. A CR waits for
 * the byte behind it. */
static enum http1_verdict scan(const char *bytes, size_t end, size_t *at, size_t *head_bytes)
{
    size_t i = *at;

    while (i < end) {
        char c = bytes[i];

        if (c != '\r') {
            if (is_line_start(bytes, i) ? !is_tchar(c) : !is_line_byte(c))
                return HTTP1_BAD;
            i++;
            continue;
        }
        if (i == 0)
            return HTTP1_BAD;
        if (i + 1 == end)
            break;
        if (bytes[i + 1] != '\n')
            return HTTP1_BAD;
        if (is_line_start(bytes, i)) {
            *head_bytes = i + 2;
            return HTTP1_DONE;
        }
        i += 2;
    }
    *at = i;
    return HTTP1_MORE;
}

/* Asked once, when LINE_MAX_BYTES have arrived: has the request line an end that could still be
 * accepted? */
static enum http1_verdict check_line_length(const char *bytes)
{
    if (memchr(bytes, '\r', LINE_MAX_BYTES - 1) != NULL)
        return HTTP1_MORE;
    return memchr(bytes, ' ', METHOD_MAX + 1) != NULL ? HTTP1_TARGET_TOO_LONG : HTTP1_BAD;
}

static enum http1_verdict find_end(const char *bytes, size_t len, size_t *scanned,
                                   size_t *head_bytes)
{
    enum http1_verdict verdict;

    if (*scanned < LINE_MAX_BYTES) {
        verdict = scan(bytes, len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES, scanned, head_bytes);
        if (verdict != HTTP1_MORE || len < LINE_MAX_BYTES)
            return verdict;
        verdict = check_line_length(bytes);
        if (verdict != HTTP1_MORE)
            return verdict;
    }
    verdict = scan(bytes, len < HTTP1_HEAD_MAX ? len : HTTP1_HEAD_MAX, scanned, head_bytes);
    if (verdict == HTTP1_MORE && len >= HTTP1_HEAD_MAX)
        return HTTP1_TOO_LARGE;
    return verdict;
}

static enum http1_verdict parse_version(struct http1_request *request, struct view text)
{
    size_t i;

    if (view_eq(text, VIEW("HTTP/1.1")) || view_eq(text, VIEW("HTTP/1.0"))) {
        request->minor = (uint8_t)(text.ptr[7] - '0');
        return HTTP1_DONE;
    }
    if (!view_starts_with(text, VIEW("HTTP/")) || text.len == 5)
        return HTTP1_BAD;
    for (i = 5; i < text.len; i++) {
        if (!is_digit(text.ptr[i]) && text.ptr[i] != '.')
            return HTTP1_BAD;
    }
    return HTTP1_VERSION;
}

static void split_query(struct http1_request *request, struct view path_and_query)
{
    struct view tail;

    request->query = (struct view){NULL, 0};
    if (view_split(path_and_query, '?', &request->path, &tail))
        request->query = tail;
}

/* scheme "://" authority [path] ["?" query]; only http and https carry a resource for us (RFC 6455
 * section 4.2.1). */
static bool parse_absolute(struct http1_request *request)
{
    struct view rest = request->target;
    struct http_host host;
    size_t scheme_bytes, n = 0;

    if (rest.len >= 7 && view_eq_nocase(view_of(rest.ptr, 7), VIEW("http://")))
        scheme_bytes = 7;
    else if (rest.len >= 8 && view_eq_nocase(view_of(rest.ptr, 8), VIEW("https://")))
        scheme_bytes = 8;
    else
        return false;
    rest = view_of(rest.ptr + scheme_bytes, rest.len - scheme_bytes);
    while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?')
        n++;
    request->authority = view_of(rest.ptr, n);
    if (!http_host_parse(&host, request->authority))
        return false;
    split_query(request, view_of(rest.ptr + n, rest.len - n));
    if (request->path.len == 0)
        request->path = VIEW("/"); /* RFC 9110 section 4.2.3 */
    return true;
}

/* Authority-form belongs to CONNECT and asterisk-form to OPTIONS (RFC 9112 section 3.2); they get
 * as far as the 405. */
static bool parse_target(struct http1_request *request)
{
    struct view target = request->target;
    struct http_host host;
    size_t i;

    for (i = 0; i < target.len; i++) {
        unsigned char u = (unsigned char)target.ptr[i];

        if (u <= 0x20 || u >= 0x7f || u == '#')
            return false;
    }
    request->authority = (struct view){NULL, 0};
    request->query = (struct view){NULL, 0};
    if (view_eq(request->method, VIEW("CONNECT"))) {
        request->path = VIEW("");
        request->authority = target;
        return http_host_parse(&host, target) && host.port != 0;
    }
    if (target.ptr[0] == '/') {
        split_query(request, target);
        return true;
    }
    if (view_eq(target, VIEW("*"))) {
        request->path = target;
        return view_eq(request->method, VIEW("OPTIONS"));
    }
    return parse_absolute(request);
}

/* method SP target SP version, with exactly these two blanks (RFC 9112 section 3). */
static enum http1_verdict parse_request_line(struct http1_request *request, struct view line)
{
    struct view rest, version;
    enum http1_verdict verdict;

    if (!view_split(line, ' ', &request->method, &rest))
        return HTTP1_BAD;
    if (request->method.len > METHOD_MAX || !http1_is_token(request->method))
        return HTTP1_BAD;
    if (!view_split(rest, ' ', &request->target, &version) || request->target.len == 0)
        return HTTP1_BAD;
    if (request->target.len > HTTP1_TARGET_MAX)
        return HTTP1_TARGET_TOO_LONG;
    verdict = parse_version(request, version);
    if (verdict != HTTP1_DONE)
        return verdict;
    return parse_target(request) ? HTTP1_DONE : HTTP1_BAD;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool parse_header(struct http1_header *header, struct view line)
{
    struct view raw;
    size_t front = 0, back;

    if (!view_split(line, ':', &header->name, &raw) || !http1_is_token(header->name))
        return false;
    while (front < raw.len && is_blank(raw.ptr[front]))
        front++;
    back = raw.len;
    while (back > front && is_blank(raw.ptr[back - 1]))
        back--;
    header->value = view_of(raw.ptr + front, back - front);
    header->has_odd_space = front > 1 || (front == 1 && raw.ptr[0] == '\t') || back < raw.len;
    return true;
}

/* Takes the next line off *rest. The scan has seen to it that every line ends in CRLF and holds no
 * other CR or LF. */
static struct view take_line(struct view *rest)
{
    struct view line;

    (void)view_split(*rest, '\n', &line, rest);
    return view_of(line.ptr, line.len - 1);
}

static enum http1_verdict parse_head(struct http1_request *request, struct view head)
{
    enum http1_verdict verdict = parse_request_line(request, take_line(&head));

    if (verdict != HTTP1_DONE)
        return verdict;
    request->headers_count = 0;
    while (head.len > 2) {
        if (request->headers_count == HTTP1_HEADERS_MAX)
            return HTTP1_TOO_LARGE;
        if (!parse_header(&request->headers[request->headers_count], take_line(&head)))
            return HTTP1_BAD;
        request->headers_count++;
    }
    return HTTP1_DONE;
}

enum http1_verdict http1_parse(struct http1_request *request, const char *bytes, size_t len,
                               size_t *scanned, size_t *head_bytes)
{
    size_t end = 0;
    enum http1_verdict verdict = find_end(bytes, len, scanned, &end);

    if (verdict != HTTP1_DONE)
        return verdict;
    verdict = parse_head(request, view_of(bytes, end));
    if (verdict == HTTP1_DONE)
        *head_bytes = end;
    return verdict;
}

unsigned http1_find(const struct http1_request *request, struct view name,
                    const struct http1_header **first)
{
    unsigned found = 0;
    uint32_t i;

    for (i = 0; i < request->headers_count; i++) {
        if (!view_eq_nocase(request->headers[i].name, name))
            continue;
        if (found == 0 && first != NULL)
            *first = &request->headers[i];
        found++;
    }
    return found;
}

static bool list_has(struct view list, struct view token)
{
    struct view element;
    bool is_more;

    do {
        is_more = view_split(list, ',', &element, &list);
        if (view_eq_nocase(view_trim(element), token))
            return true;
    } while (is_more);
    return false;
}

bool http1_has_token(const struct http1_request *request, struct view name, struct view token)
{
    uint32_t i;

    for (i = 0; i < request->headers_count; i++) {
        if (view_eq_nocase(request->headers[i].name, name) &&
            list_has(request->headers[i].value, token))
            return true;
    }
    return false;
}
