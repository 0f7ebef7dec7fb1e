/* SPDX-License-Identifier: Apache-2.0 */
/* schema_uri.c: RFC 3986 section 5.2, without the parts that references of schemas never meet:
 * what is not a URI stays the text it is and simply names nothing. */
#include "message/schema_uri.h"

#include "base/status.h"
#include "base/wr.h"

/* Bytes of "scheme:" at the front, or 0. */
static size_t scheme_len(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        char lower = (char)(c | 0x20);

        if (c == ':')
            return i > 0 ? i + 1 : 0;
        if (!(lower >= 'a' && lower <= 'z') &&
            (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
            return 0;
    }
    return 0;
}

/* Bytes up to the path: scheme and authority. */
static size_t head_len(struct view uri)
{
    size_t at = scheme_len(uri);

    if (uri.len - at < 2 || uri.ptr[at] != '/' || uri.ptr[at + 1] != '/')
        return at;
    for (at += 2; at < uri.len && uri.ptr[at] != '/' && uri.ptr[at] != '?';)
        at++;
    return at;
}

static struct view until(struct view text, const char *stops)
{
    size_t at = 0;

    while (at < text.len && strchr(stops, text.ptr[at]) == NULL)
        at++;
    return view_of(text.ptr, at);
}

/* Section 5.2.4: appends the path without its . and .. segments. */
static void put_path(struct wr *w, struct view path)
{
    uint8_t *floor = w->ptr;
    bool is_rooted = path.len > 0 && path.ptr[0] == '/';

    if (is_rooted)
        path = view_of(path.ptr + 1, path.len - 1);
    if (is_rooted)
        wr_u8(w, '/');
    floor += is_rooted && !w->failed;
    while (!w->failed) {
        struct view segment, rest;
        bool has_more = view_split(path, '/', &segment, &rest);
        bool is_up = view_eq(segment, VIEW(".."));

        if (is_up && w->ptr > floor) {
            for (w->ptr--; w->ptr > floor && w->ptr[-1] != '/';)
                w->ptr--;
        } else if (!is_up && !view_eq(segment, VIEW("."))) {
            wr_view(w, segment);
            if (has_more)
                wr_u8(w, '/');
        }
        if (!has_more)
            return;
        path = rest;
    }
}

static void put_target(struct wr *w, struct view base, struct view ref)
{
    struct view path = until(ref, "?");
    struct view query = view_of(path.ptr + path.len, ref.len - path.len);
    size_t head = head_len(base);
    struct view base_path = until(view_of(base.ptr + head, base.len - head), "?");
    size_t folder = base_path.len;
    char joined[2048];
    struct wr j = wr_of(joined, sizeof(joined));

    wr_bytes(w, base.ptr, head);
    if (path.len == 0) {
        wr_view(w, base_path);
    } else if (path.ptr[0] == '/') {
        put_path(w, path);
    } else {
        while (folder > 0 && base_path.ptr[folder - 1] != '/')
            folder--;
        wr_bytes(&j, base_path.ptr, folder);
        wr_view(&j, path);
        if (j.failed)
            w->failed = true;
        put_path(w, view_of(joined, wr_len(&j)));
    }
    wr_view(w, query);
}

static int hex(char c)
{
    char lower = (char)(c | 0x20);

    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static int unescape(struct view *out, struct arena *arena, struct view text)
{
    char *bytes = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    if (bytes == NULL)
        return E_NOMEM;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '%') {
            int high = i + 2 < text.len ? hex(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex(text.ptr[i + 2]) : -1;

            if (low < 0)
                return E_INVALID;
            c = (char)(high << 4 | low);
            i += 2;
        }
        bytes[len++] = c;
    }
    *out = view_of(bytes, len);
    return OK;
}

int schema_uri_resolve(struct schema_uri *out, struct arena *arena, struct view base,
                       struct view reference)
{
    struct view ref, fragment;
    size_t room = base.len + reference.len + 2;
    char *bytes = arena_alloc(arena, room);
    struct wr w;

    if (bytes == NULL)
        return E_NOMEM;
    w = wr_of(bytes, room);
    (void)view_split(reference, '#', &ref, &fragment);
    if (ref.len == 0) {
        wr_view(&w, base);
    } else if (scheme_len(ref) > 0) {
        wr_view(&w, ref);
    } else if (ref.len >= 2 && ref.ptr[0] == '/' && ref.ptr[1] == '/') {
        wr_bytes(&w, base.ptr, scheme_len(base));
        wr_view(&w, ref);
    } else {
        put_target(&w, base, ref);
    }
    if (w.failed)
        return E_INVALID;
    out->uri = view_of(bytes, wr_len(&w));
    return unescape(&out->fragment, arena, fragment);
}
