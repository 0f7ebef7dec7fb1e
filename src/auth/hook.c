/* SPDX-License-Identifier: Apache-2.0 */
/* hook.c: what is shown to the application, and what its answers mean. Waiting, keeping and giving
 * up: asker.c. What a yes says: hook_answer.c. A status that whoever sent the request could provoke
 * (400 for a cookie that the application cannot read) refuses that request alone; it must not open
 * the breaker for everyone. */
#include "auth/hook.h"

#include <stdlib.h>

#include "auth/asker.h"
#include "auth/hook_answer.h"
#include "base/clock.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "message/json_pointer.h"

#define SHOWN_BYTES_MAX  (8 * 1024) /* of all values */
#define ANSWER_BYTES_MAX (64 * 1024)
#define PART_HEAD        3 /* which of the headers, and the length of its value */

/* Parts one after the other: u8 index into the hook's headers, u16 length, value. */
struct hook_shown {
    uint8_t key[ANSWER_KEY_BYTES];
    size_t bytes;
    uint8_t parts[];
};
struct hook {
    struct asker *asker;
    struct hook_rules rules;
    char *headers[HOOK_HEADERS_MAX];
    unsigned headers_count;
    char *url, *ca_pem, *pointers[5];
    size_t ca_bytes;
    bool allows_loopback_http;
};

bool hook_header_ok(struct view name)
{
    static const char *const refused[] = {
        "Host",    "Connection",        "Keep-Alive",   "TE",
        "Trailer", "Transfer-Encoding", "Upgrade",      "Expect",
        "Accept",  "Accept-Encoding",   "Range",        "Forwarded",
        "Via",     "X-Real-IP",         "Max-Forwards", "HTTP2-Settings",
        NULL};
    static const char *const prefixes[] = {"Sec-",         "Content-", "Proxy-",
                                           "X-Forwarded-", "If-",      NULL};

    if (!http1_is_token(name))
        return false;
    for (unsigned i = 0; refused[i] != NULL; i++) {
        if (view_eq_nocase(name, view_of_text(refused[i])))
            return false;
    }
    for (unsigned i = 0; prefixes[i] != NULL; i++) {
        struct view prefix = view_of_text(prefixes[i]);

        if (name.len >= prefix.len && view_eq_nocase(view_of(name.ptr, prefix.len), prefix))
            return false;
    }
    return true;
}

/* --- asker_ops --- */

static unsigned read_parts(const struct hook *h, struct view shown, struct fetch_header *headers)
{
    const uint8_t *part = (const uint8_t *)shown.ptr, *end = part + shown.len;
    unsigned count = 0;

    while (part < end) {
        size_t len = (size_t)(part[1] << 8 | part[2]);

        headers[count].name = h->headers[part[0]];
        headers[count++].value = view_of(part + PART_HEAD, len);
        part += PART_HEAD + len;
    }
    return count;
}

static int send_shown(void *context, const struct asker_errand *errand)
{
    struct hook *h = context;
    struct fetch_header headers[HOOK_HEADERS_MAX];
    struct fetch_request request = {.url = h->url,
                                    .accept = "application/json",
                                    .ca_pem = view_of(h->ca_pem, h->ca_bytes),
                                    .headers = headers,
                                    .headers_count = read_parts(h, errand->shown, headers),
                                    .bytes_max = ANSWER_BYTES_MAX,
                                    .deadline_ms = errand->deadline_ms,
                                    .expects_refusals = true,
                                    .allows_loopback_http = h->allows_loopback_http};

    return fetch_start(errand->outbound, &request, errand->done, errand->ask);
}

static bool judge_answer(void *context, const struct fetch_answer *answer, struct view shown,
                         struct auth_answer *out)
{
    const struct hook *h = context;
    unsigned status = answer->http_status;

    (void)shown;
    if (answer->status == OK)
        return hook_answer_read(out, &h->rules, answer->body, clock_wall_s());
    *out = (struct auth_answer){.verdict = AUTH_FAILED, .fault = "hook_refused"};
    return status == 401 || status == 403 || status == 400 || status == 413 || status == 422 ||
           status == 431 || (status == 200 && answer->status == E_LIMIT);
}

static const struct asker_ops asker_ops = {send_shown, judge_answer, NULL};

/* --- from outside --- */

static int copy_headers(struct hook *h, const struct hook_options *options)
{
    for (unsigned i = 0; i < HOOK_HEADERS_MAX && options->headers[i] != NULL; i++) {
        if (!hook_header_ok(view_of_text(options->headers[i])))
            return E_INVALID;
        h->headers[i] = view_dup(view_of_text(options->headers[i]));
        if (h->headers[i] == NULL)
            return E_NOMEM;
        h->headers_count++;
    }
    return h->headers_count > 0 ? OK : E_INVALID;
}

static int copy_pointers(struct hook *h, const struct hook_options *options)
{
    const char *pointers[] = {options->user != NULL ? options->user : "/user",
                              options->roles_pointer, options->tenant, options->expires_in,
                              options->session};

    for (unsigned i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
        if (pointers[i] == NULL)
            continue;
        if (!json_pointer_ok(view_of_text(pointers[i])))
            return E_INVALID;
        h->pointers[i] = view_dup(view_of_text(pointers[i]));
        if (h->pointers[i] == NULL)
            return E_NOMEM;
    }
    h->rules =
        (struct hook_rules){h->pointers[0], h->pointers[1], h->pointers[2],     h->pointers[3],
                            h->pointers[4], options->roles, options->recheck_s, options->expires_s};
    return OK;
}

int hook_new(struct hook **out, const struct hook_options *options)
{
    struct asker_options asker = {&asker_ops, NULL, options->cache_s,
                                  options->deadline_ms > 0 ? options->deadline_ms : 1500};
    struct hook *h;
    int rc;

    rc = fetch_url_check(view_of_text(options->url), options->allows_loopback_http, NULL);
    if (rc != OK)
        return rc;
    h = calloc(1, sizeof(*h));
    if (h == NULL)
        return E_NOMEM;
    h->allows_loopback_http = options->allows_loopback_http;
    h->ca_bytes = options->ca_pem.len;
    h->ca_pem = view_dup(options->ca_pem);
    h->url = view_dup(view_of_text(options->url));
    asker.context = h;
    rc = h->url == NULL || h->ca_pem == NULL ? E_NOMEM : copy_headers(h, options);
    if (rc == OK)
        rc = copy_pointers(h, options);
    if (rc == OK)
        rc = asker_new(&h->asker, &asker);
    if (rc != OK) {
        hook_free(h);
        return rc;
    }
    *out = h;
    return OK;
}

void hook_start(struct hook *h, struct outbound *o,
                void (*tell)(void *context, bool is_up, const char *why), void *context)
{
    asker_start(h->asker, o, tell, context);
}

void hook_free(struct hook *h)
{
    if (h == NULL)
        return;
    asker_free(h->asker);
    for (unsigned i = 0; i < HOOK_HEADERS_MAX; i++)
        free(h->headers[i]);
    for (unsigned i = 0; i < sizeof(h->pointers) / sizeof(h->pointers[0]); i++)
        free(h->pointers[i]);
    free(h->url);
    free(h->ca_pem);
    free(h);
}

/* Over what is shown and whom it is shown to. */
static int make_key(const struct hook *h, struct hook_shown *shown)
{
    uint8_t both[FETCH_URL_BYTES_MAX + 1 + SHOWN_BYTES_MAX + HOOK_HEADERS_MAX * PART_HEAD];
    size_t url_bytes = strlen(h->url) + 1;
    int rc;

    memcpy(both, h->url, url_bytes);
    memcpy(both + url_bytes, shown->parts, shown->bytes);
    rc = digest_sha256(shown->key, both, url_bytes + shown->bytes);
    secret_wipe(both + url_bytes, shown->bytes);
    return rc == OK ? OK : E_NOMEM;
}

/* Which value each header has; ptr NULL: none. A header that stands twice is refused, since the
 * application may read another one than the next program behind it. */
static int collect(const struct hook *h, const struct http1_request *request,
                   struct view values[HOOK_HEADERS_MAX], size_t *bytes)
{
    const struct http1_header *header = NULL;

    for (unsigned i = 0; i < h->headers_count; i++) {
        unsigned count = http1_find(request, view_of_text(h->headers[i]), &header);

        values[i] = view_of(NULL, 0);
        if (count > 1)
            return E_LIMIT;
        if (count == 0 || header->value.len == 0)
            continue;
        if (header->value.len > SHOWN_BYTES_MAX)
            return E_LIMIT;
        values[i] = header->value;
        *bytes += PART_HEAD + header->value.len;
    }
    if (*bytes > SHOWN_BYTES_MAX)
        return E_LIMIT;
    return *bytes > 0 ? OK : E_MISSING;
}

int hook_show(const struct hook *h, struct hook_shown **out, const struct http1_request *request)
{
    struct view values[HOOK_HEADERS_MAX];
    struct hook_shown *shown;
    size_t bytes = 0;
    uint8_t *part;
    int rc;

    rc = collect(h, request, values, &bytes);
    if (rc != OK)
        return rc;
    shown = malloc(sizeof(*shown) + bytes);
    if (shown == NULL)
        return E_NOMEM;
    shown->bytes = bytes;
    part = shown->parts;
    for (unsigned i = 0; i < h->headers_count; i++) {
        if (values[i].ptr == NULL)
            continue;
        part[0] = (uint8_t)i;
        part[1] = (uint8_t)(values[i].len >> 8);
        part[2] = (uint8_t)(values[i].len & 0xff);
        memcpy(part + PART_HEAD, values[i].ptr, values[i].len);
        part += PART_HEAD + values[i].len;
    }
    rc = make_key(h, shown);
    if (rc != OK) {
        hook_shown_free(shown);
        return rc;
    }
    *out = shown;
    return OK;
}

void hook_shown_free(struct hook_shown *shown)
{
    if (shown == NULL)
        return;
    secret_wipe(shown->parts, shown->bytes);
    free(shown);
}

enum auth_verdict hook_check(struct hook *h, const struct hook_shown *shown, int64_t wall_s,
                             struct identity *who, const char **fault)
{
    const char *word = NULL;
    enum auth_verdict verdict = asker_check(h->asker, shown->key, wall_s, who, &word);

    if (fault != NULL)
        *fault = word;
    return verdict;
}

int hook_lookup(struct hook *h, struct lookup *l, const struct hook_shown *shown, bool is_fresh)
{
    struct asker_question question = {.shown = view_of(shown->parts, shown->bytes),
                                      .is_fresh = is_fresh};

    memcpy(question.key, shown->key, ANSWER_KEY_BYTES);
    return asker_lookup(h->asker, l, &question);
}
