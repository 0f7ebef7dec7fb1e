/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.c: a request as libcurl options, and its answer as one word. Everything that libcurl would
 * do by itself for the sake of convenience is switched off; what an answer may cost is counted
 * here, in the callbacks that take its bytes. */
#include "net/fetch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "net/outbound_private.h"
#include "net/tls_private.h"
#include "wire/http1.h"
#include "wire/http_freshness.h"

struct fetch {
    struct outbound_job job;
    struct outbound_transfer transfer;
    struct outbound *outbound;
    void (*done)(void *context, const struct fetch_answer *answer);
    void *context;
    char *url, *accept, *body_type, *user, *password, *ca_pem, *body;
    size_t ca_bytes, body_bytes;
    bool is_post, expects_refusals;
    uint32_t deadline_ms;
    struct curl_slist *headers;
    struct buf answer; /* its ceiling is the cap */
    size_t header_bytes, forgotten_bytes;
    struct http_freshness freshness;
    int stopped; /* why a callback of ours ended the transfer; OK: it did not */
};

static void wipe_text(char *text)
{
    if (text != NULL)
        secret_wipe(text, strlen(text));
    free(text);
}

static void fetch_free(struct fetch *f)
{
    if (f->transfer.easy != NULL)
        curl_easy_cleanup(f->transfer.easy);
    for (struct curl_slist *line = f->headers; line != NULL; line = line->next)
        secret_wipe(line->data, strlen(line->data));
    curl_slist_free_all(f->headers);
    secret_buf_clear(&f->answer); /* may tell who somebody is */
    if (f->body != NULL)
        secret_wipe(f->body, f->body_bytes);
    free(f->url);
    free(f->accept);
    free(f->body_type);
    free(f->ca_pem);
    free(f->body);
    wipe_text(f->user);
    wipe_text(f->password);
    free(f);
}

/* --- what arrives --- */

static long status_of(const struct fetch *f)
{
    long status = 0;

    (void)curl_easy_getinfo(f->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static bool is_expected_refusal(const struct fetch *f)
{
    return f->expects_refusals && status_of(f) >= 400 && status_of(f) < 500;
}

/* libcurl takes any other answer than the whole length as an order to stop. */
static size_t on_body(char *bytes, size_t one, size_t len, void *context)
{
    struct fetch *f = context;

    (void)one;
    if (f->stopped == OK && is_expected_refusal(f)) {
        f->forgotten_bytes += len;
        f->stopped = f->forgotten_bytes > f->answer.max ? E_LIMIT : OK;
    } else if (f->stopped == OK) {
        f->stopped = buf_append(&f->answer, bytes, len);
    }
    return f->stopped == OK ? len : 0;
}

/* One header line with its line end. The status decides as soon as the head is over: the body of a
 * redirect or an error page is not worth a byte. A head of 1xx is forgotten when the next begins.
 */
static size_t on_header(char *bytes, size_t one, size_t len, void *context)
{
    struct fetch *f = context;
    struct view line = view_of(bytes, len), name, value;

    (void)one;
    f->header_bytes += len;
    if (f->header_bytes > FETCH_HEADER_BYTES_MAX) {
        f->stopped = E_LIMIT;
        return 0;
    }
    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    if (view_starts_with(line, VIEW("HTTP/")))
        f->freshness = (struct http_freshness){0};
    else if (f->answer.len == 0 && view_split(line, ':', &name, &value)) /* no trailers */
        http_freshness_add(&f->freshness, name, view_trim(value));
    if (line.len == 0 && status_of(f) != 200 && status_of(f) >= 200 && !is_expected_refusal(f))
        f->stopped = E_DENIED;
    return f->stopped == OK ? len : 0;
}

/* --- what it comes to --- */

static void say(struct fetch_answer *answer, int status, const char *code)
{
    answer->status = status;
    answer->code = code;
}

static void judge_failure(struct fetch_answer *answer, CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        say(answer, E_EXPIRED, "deadline");
        break;
    case CURLE_FILESIZE_EXCEEDED:
        say(answer, E_LIMIT, "too_large");
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        say(answer, E_DENIED, "certificate");
        break;
    case CURLE_SSL_CONNECT_ERROR:
        say(answer, E_IO, "tls_handshake");
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
        say(answer, E_IO, "unknown_host");
        break;
    case CURLE_COULDNT_CONNECT:
        say(answer, E_IO, "cannot_connect");
        break;
    case CURLE_OUT_OF_MEMORY:
        say(answer, E_NOMEM, "out_of_memory");
        break;
    default:
        say(answer, E_IO, "connection_lost");
    }
}

static void judge(const struct fetch *f, struct fetch_answer *answer, CURLcode code)
{
    unsigned status = answer->http_status;

    if (status >= 300 && status < 400)
        say(answer, E_DENIED, "redirect");
    else if (status >= 200 && status != 200)
        say(answer, E_DENIED, "http_status");
    else if (f->stopped == E_LIMIT)
        say(answer, E_LIMIT, "too_large");
    else if (f->stopped != OK)
        say(answer, E_NOMEM, "out_of_memory");
    else if (code != CURLE_OK)
        judge_failure(answer, code);
    else if (status != 200)
        say(answer, E_DENIED, "http_status");
    else
        say(answer, OK, "fetched");
}

static void finish(struct fetch *f, struct fetch_answer *answer)
{
    if (answer->status == OK) {
        answer->body = buf_view(&f->answer);
        answer->has_freshness = http_freshness_get(&f->freshness, clock_wall_s(), &answer->fresh_s);
    }
    f->done(f->context, answer);
    fetch_free(f);
}

static void on_done(struct outbound_transfer *transfer, CURLcode code, int status)
{
    struct fetch *f = LINK_ITEM(transfer, struct fetch, transfer);
    struct fetch_answer answer = {.status = E_CLOSED, .code = "stopped"};

    if (status == OK) {
        answer.http_status = (unsigned)status_of(f);
        judge(f, &answer, code);
    }
    finish(f, &answer);
}

/* --- what is asked --- */

struct setting {
    CURLoption option;
    long value;
};

static bool set_numbers(CURL *easy, const struct setting *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (curl_easy_setopt(easy, rows[i].option, rows[i].value) != CURLE_OK)
            return false;
    }
    return true;
}

/* libcurl would log the keys of each connection to $SSLKEYLOGFILE; it asks us after it has said so.
 */
static CURLcode on_tls_context(CURL *easy, void *tls, void *context)
{
    (void)easy;
    (void)context;
    tls_keep_keys(tls);
    return CURLE_OK;
}

/* Everything that must hold for every fetch. A libcurl that refuses one of these fetches nothing.
 */
static bool set_rules(const struct fetch *f)
{
    static const struct setting rows[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_HTTP09_ALLOWED, 0},
        {CURLOPT_PATH_AS_IS, 1},
        {CURLOPT_NETRC, CURL_NETRC_IGNORED},
        {CURLOPT_QUICK_EXIT, 1}, /* a name server that is silent must not hold the thread */
    };
    CURL *easy = f->transfer.easy;
    bool is_https = view_starts_with(view_of_text(f->url), VIEW("https://"));

    return set_numbers(easy, rows, sizeof(rows) / sizeof(rows[0])) &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, is_https ? "https" : "http") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") ==
               CURLE_OK && /* none, whatever $https_proxy */
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls_context) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "gateward") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)f->deadline_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)f->deadline_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)f->answer.max) == CURLE_OK;
}

/* The own authorities take the place of the system's, file and folder. */
static bool set_trust(const struct fetch *f)
{
    struct curl_blob blob = {f->ca_pem, f->ca_bytes, CURL_BLOB_NOCOPY};

    return f->ca_pem == NULL ||
           (curl_easy_setopt(f->transfer.easy, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK &&
            curl_easy_setopt(f->transfer.easy, CURLOPT_CAPATH, NULL) == CURLE_OK);
}

static bool add_header(struct fetch *f, struct view name, struct view value)
{
    size_t bytes = name.len + 2 + value.len + 1;
    char *line = malloc(bytes);
    struct curl_slist *longer;

    if (line == NULL)
        return false;
    memcpy(line, name.ptr, name.len);
    memcpy(line + name.len, ": ", 2);
    memcpy(line + name.len + 2, value.ptr, value.len);
    line[bytes - 1] = '\0';
    longer = curl_slist_append(f->headers, line);
    secret_wipe(line, bytes);
    free(line);
    if (longer == NULL)
        return false;
    f->headers = longer;
    return true;
}

/* What would end the line, or the head, or mean something to libcurl. */
static bool header_ok(const struct fetch_header *header)
{
    if (!http1_is_token(view_of_text(header->name)) || header->value.len == 0)
        return false;
    for (size_t i = 0; i < header->value.len; i++) {
        unsigned char c = (unsigned char)header->value.ptr[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return view_trim(header->value).len > 0;
}

static bool set_request(struct fetch *f)
{
    CURL *easy = f->transfer.easy;

    if (curl_easy_setopt(easy, CURLOPT_URL, f->url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, f) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, f) != CURLE_OK)
        return false;
    if (f->accept != NULL && !add_header(f, VIEW("Accept"), view_of_text(f->accept)))
        return false;
    if (f->is_post && (!add_header(f, VIEW("Content-Type"), view_of_text(f->body_type)) ||
                       !add_header(f, VIEW("Expect"), VIEW("")) ||
                       curl_easy_setopt(easy, CURLOPT_POST, 1L) != CURLE_OK ||
                       curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                        (curl_off_t)f->body_bytes) != CURLE_OK ||
                       curl_easy_setopt(easy, CURLOPT_POSTFIELDS, f->body) != CURLE_OK))
        return false;
    if (f->user != NULL &&
        (curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) != CURLE_OK ||
         curl_easy_setopt(easy, CURLOPT_USERNAME, f->user) != CURLE_OK ||
         curl_easy_setopt(easy, CURLOPT_PASSWORD, f->password) != CURLE_OK))
        return false;
    return f->headers == NULL || curl_easy_setopt(easy, CURLOPT_HTTPHEADER, f->headers) == CURLE_OK;
}

static void begin(struct outbound_job *job, int status)
{
    struct fetch *f = LINK_ITEM(job, struct fetch, job);
    struct fetch_answer answer = {.status = status, .code = "stopped"};

    if (status == OK) {
        f->transfer.easy = curl_easy_init();
        f->transfer.done = on_done;
        status = E_NOMEM;
        if (f->transfer.easy != NULL && set_rules(f) && set_trust(f) && set_request(f))
            status = outbound_transfer_add(f->outbound, &f->transfer);
        if (status == OK)
            return;
        say(&answer, status, status == E_FULL ? "too_many_fetches" : "out_of_memory");
    }
    finish(f, &answer);
}

static char *dup_text(const char *text, bool *failed)
{
    char *copy = text == NULL ? NULL : strdup(text);

    *failed = *failed || (text != NULL && copy == NULL);
    return copy;
}

static char *dup_bytes(struct view bytes, bool *failed)
{
    char *copy = bytes.ptr == NULL ? NULL : view_dup(bytes);

    *failed = *failed || (bytes.ptr != NULL && copy == NULL);
    return copy;
}

static struct fetch *copy_request(const struct fetch_request *request)
{
    struct fetch *f = calloc(1, sizeof(*f));
    struct view ca = request->ca_pem.len > 0 ? request->ca_pem : view_of(NULL, 0);
    bool failed = false;

    if (f == NULL)
        return NULL;
    buf_init(&f->answer, request->bytes_max > 0 ? request->bytes_max : FETCH_BYTES_MAX);
    f->deadline_ms = request->deadline_ms > 0 ? request->deadline_ms : FETCH_DEADLINE_MS;
    f->url = dup_text(request->url, &failed);
    f->accept = dup_text(request->accept, &failed);
    f->user = dup_text(request->user, &failed);
    f->password = dup_text(request->user != NULL ? request->password : NULL, &failed);
    f->is_post = request->body.ptr != NULL;
    f->expects_refusals = request->expects_refusals;
    f->body_type = dup_text(f->is_post ? request->body_type : NULL, &failed);
    f->body = dup_bytes(request->body, &failed);
    f->body_bytes = request->body.len;
    f->ca_pem = dup_bytes(ca, &failed);
    f->ca_bytes = ca.len;
    for (unsigned i = 0; i < request->headers_count && !failed; i++)
        failed = !add_header(f, view_of_text(request->headers[i].name), request->headers[i].value);
    if (!failed)
        return f;
    fetch_free(f);
    return NULL;
}

static enum fetch_http http_of(const struct fetch_request *request)
{
    if (request->allows_plain_http)
        return FETCH_HTTP_ANYWHERE;
    return request->allows_loopback_http ? FETCH_HTTP_LOOPBACK : FETCH_HTTP_NOWHERE;
}

int fetch_start(struct outbound *o, const struct fetch_request *request,
                void (*done)(void *context, const struct fetch_answer *answer), void *context)
{
    struct fetch *f;
    int rc;

    rc = fetch_url_check(view_of_text(request->url), http_of(request), NULL);
    if (rc != OK)
        return rc;
    if (request->headers_count > FETCH_HEADERS_MAX)
        return E_INVALID;
    for (unsigned i = 0; i < request->headers_count; i++) {
        if (!header_ok(&request->headers[i]))
            return E_INVALID;
    }
    f = copy_request(request);
    if (f == NULL)
        return E_NOMEM;
    f->outbound = o;
    f->done = done;
    f->context = context;
    f->job.run = begin;
    rc = outbound_post(o, &f->job);
    if (rc != OK)
        fetch_free(f);
    return rc;
}
