/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_test.c: fetches from a server on loopback that answers as it is told to: well, badly,
 * slowly, without end. TLS is tested from outside, in tests/integration/test_jwks_url.py. Made to
 * run under TSan. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/status.h"
#include "net/fetch.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: "

enum manner { SAYS, ENDLESS_BODY, ENDLESS_HEAD, SLOW_BODY, SILENT };

/* Serves one connection after the other until it is shut down. */
struct host {
    int fd;
    uint16_t port;
    pthread_t thread;
    _Atomic(enum manner) manner;
    const char *_Atomic says;
    char request[8192];
    size_t request_bytes;
    atomic_uint connections, requests;
    atomic_bool is_over;
};

struct result {
    sem_t done;
    int status;
    char code[32];
    unsigned http_status;
    char body[1024];
    size_t body_bytes;
    uint32_t fresh_s;
    bool has_freshness;
    unsigned calls;
};

struct rig {
    struct outbound *outbound;
    struct host host;
    struct result result;
    char url[128];
};

/* --- the host --- */

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool read_request(struct host *h, int fd)
{
    h->request_bytes = 0;
    while (h->request_bytes < sizeof(h->request) - 1) {
        ssize_t n =
            recv(fd, h->request + h->request_bytes, sizeof(h->request) - 1 - h->request_bytes, 0);

        if (n <= 0)
            return false;
        h->request_bytes += (size_t)n;
        h->request[h->request_bytes] = '\0';
        /* The one POST of this file ends with its body. */
        if (strstr(h->request, "\r\n\r\n") != NULL &&
            (strncmp(h->request, "POST", 4) != 0 || strstr(h->request, "token=x") != NULL))
            return true;
    }
    return false;
}

static void wait_for_end(struct host *h, int fd)
{
    char byte;

    while (!atomic_load(&h->is_over) && recv(fd, &byte, 1, 0) > 0)
        ;
}

static void answer(struct host *h, int fd)
{
    static const char line[] = "X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    char block[4096];
    const char *said;

    memset(block, 'x', sizeof(block));
    switch ((enum manner)h->manner) {
    case SAYS:
        said = h->says;
        (void)send_all(fd, said, strlen(said));
        break;
    case ENDLESS_BODY:
        (void)send_all(fd, "HTTP/1.1 200 OK\r\n\r\n", 19);
        while (send_all(fd, block, sizeof(block)))
            ;
        break;
    case ENDLESS_HEAD:
        (void)send_all(fd, "HTTP/1.1 200 OK\r\n", 17);
        while (send_all(fd, line, strlen(line)))
            ;
        break;
    case SLOW_BODY:
        (void)send_all(fd, OK_HEAD "1000\r\n\r\n", strlen(OK_HEAD "1000\r\n\r\n"));
        while (!atomic_load(&h->is_over) && send_all(fd, "x", 1))
            (void)usleep(20 * 1000);
        break;
    case SILENT:
        wait_for_end(h, fd);
        break;
    }
}

static void *serve(void *argument)
{
    struct host *h = argument;
    int fd;

    while ((fd = accept(h->fd, NULL, NULL)) >= 0) {
        if (atomic_load(&h->is_over)) {
            (void)close(fd);
            break;
        }
        atomic_fetch_add(&h->connections, 1);
        if (read_request(h, fd)) {
            atomic_fetch_add(&h->requests, 1);
            answer(h, fd);
        }
        (void)close(fd);
    }
    return NULL;
}

static void host_open(struct host *h)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(h->fd >= 0);
    assert_int_equal(bind(h->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(h->fd, 16), 0);
    assert_int_equal(getsockname(h->fd, (struct sockaddr *)&address, &len), 0);
    h->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&h->thread, NULL, serve, h), 0);
}

static void host_close(struct host *h)
{
    atomic_store(&h->is_over, true);
    (void)shutdown(h->fd, SHUT_RDWR); /* ends accept */
    (void)pthread_join(h->thread, NULL);
    (void)close(h->fd);
}

/* --- the rig --- */

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    if (rig == NULL)
        return -1;
    host_open(&rig->host);
    (void)sem_init(&rig->result.done, 0, 0);
    (void)snprintf(rig->url, sizeof(rig->url), "http://127.0.0.1:%u/keys", rig->host.port);
    *state = rig;
    return outbound_start(&rig->outbound);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    if (rig->outbound != NULL)
        outbound_stop(rig->outbound);
    outbound_free(rig->outbound);
    host_close(&rig->host);
    (void)sem_destroy(&rig->result.done);
    free(rig);
    return 0;
}

static void take_answer(void *context, const struct fetch_answer *a)
{
    struct result *r = context;

    r->calls++;
    r->status = a->status;
    (void)snprintf(r->code, sizeof(r->code), "%s", a->code);
    r->http_status = a->http_status;
    r->body_bytes = a->body.len;
    if (a->body.len > 0 && a->body.len < sizeof(r->body))
        memcpy(r->body, a->body.ptr, a->body.len);
    r->fresh_s = a->fresh_s;
    r->has_freshness = a->has_freshness;
    (void)sem_post(&r->done);
}

static struct fetch_request request_of(const struct rig *rig)
{
    return (struct fetch_request){
        .url = rig->url, .deadline_ms = 20000, .allows_loopback_http = true};
}

static const struct result *fetch(struct rig *rig, const struct fetch_request *request)
{
    assert_int_equal(fetch_start(rig->outbound, request, take_answer, &rig->result), OK);
    (void)sem_wait(&rig->result.done);
    (void)atomic_load(&rig->host.requests); /* the request can be looked at */
    return &rig->result;
}

/* --- tests --- */

static void an_answer_comes_with_its_body_and_freshness(void **state)
{
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);
    const struct result *r;

    request.accept = "application/jwk-set+json";
    rig->host.says = "HTTP/1.1 100 Continue\r\nCache-Control: max-age=1\r\n\r\n" OK_HEAD
                     "5\r\nCache-Control: public, max-age=600\r\n\r\nhello";
    r = fetch(rig, &request);
    assert_int_equal(r->status, OK);
    assert_string_equal(r->code, "fetched");
    assert_int_equal(r->http_status, 200);
    assert_int_equal(r->body_bytes, 5);
    assert_memory_equal(r->body, "hello", 5);
    assert_true(r->has_freshness);
    assert_int_equal(r->fresh_s, 600);
    assert_int_equal(strncmp(rig->host.request, "GET /keys HTTP/1.1\r\n", 20), 0);
    assert_non_null(strstr(rig->host.request, "\r\nUser-Agent: gateward\r\n"));
    assert_non_null(strstr(rig->host.request, "\r\nAccept: application/jwk-set+json\r\n"));
    assert_null(strstr(rig->host.request, "Cookie"));
    assert_null(strstr(rig->host.request, "Encoding"));
    assert_null(strstr(rig->host.request, "Authorization"));
}

static void a_form_is_posted_with_basic_credentials(void **state)
{
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    request.body = VIEW("token=x");
    request.body_type = "application/x-www-form-urlencoded";
    request.user = "gate";
    request.password = "ward";
    rig->host.says = OK_HEAD "0\r\n\r\n";
    assert_int_equal(fetch(rig, &request)->status, OK);
    assert_false(rig->result.has_freshness);
    assert_int_equal(strncmp(rig->host.request, "POST /keys HTTP/1.1\r\n", 21), 0);
    assert_non_null(strstr(rig->host.request, "\r\nAuthorization: Basic Z2F0ZTp3YXJk\r\n"));
    assert_non_null(
        strstr(rig->host.request, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_non_null(strstr(rig->host.request, "\r\nContent-Length: 7\r\n"));
    assert_non_null(strstr(rig->host.request, "\r\n\r\ntoken=x"));
}

static void more_headers_are_sent_as_they_are(void **state)
{
    static const struct fetch_header headers[] = {{"Cookie", {"a=b; c=\"\xe4\"", 10}},
                                                  {"X-Device", {"one  two", 8}}};
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    request.headers = headers;
    request.headers_count = 2;
    rig->host.says = OK_HEAD "2\r\n\r\nok";
    assert_int_equal(fetch(rig, &request)->status, OK);
    assert_non_null(strstr(rig->host.request, "\r\nCookie: a=b; c=\"\xe4\"\r\n"));
    assert_non_null(strstr(rig->host.request, "\r\nX-Device: one  two\r\n"));
    assert_int_equal(strncmp(rig->host.request, "GET ", 4), 0);
}

/* Nothing that a stranger's value holds can begin a line of its own. */
static void a_header_that_could_be_two_is_refused(void **state)
{
    static const struct fetch_header headers[] = {
        {"Cookie", {"a\r\nX: y", 8}}, {"Cookie", {"a\nX: y", 7}},
        {"Cookie", {"a\rX", 3}},      {"Cookie", {"a\0b", 3}},
        {"Cookie", {"a\x7f", 2}},     {"Cookie", {"", 0}},
        {"Cookie", {"  ", 2}},        {"Coo kie", {"a", 1}},
        {"Cookie:", {"a", 1}},        {"", {"a", 1}},
        {"X\r\nY", {"a", 1}}};
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);
    struct fetch_header many[FETCH_HEADERS_MAX + 1];

    request.headers_count = 1;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        request.headers = &headers[i];
        assert_int_equal(fetch_start(rig->outbound, &request, take_answer, &rig->result),
                         E_INVALID);
    }
    for (size_t i = 0; i < FETCH_HEADERS_MAX + 1; i++)
        many[i] = (struct fetch_header){"X-A", {"a", 1}};
    request.headers = many;
    request.headers_count = FETCH_HEADERS_MAX + 1;
    assert_int_equal(fetch_start(rig->outbound, &request, take_answer, &rig->result), E_INVALID);
    assert_int_equal(atomic_load(&rig->host.requests), 0);
}

static void only_200_is_an_answer(void **state)
{
    static const struct {
        const char *says, *code;
        unsigned status;
    } rows[] = {
        {"HTTP/1.1 301 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", "redirect", 301},
        {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nok",
         "redirect", 302},
        {"HTTP/1.1 304 Not Modified\r\n\r\n", "redirect", 304},
        {"HTTP/1.1 307 Temporary\r\nLocation: file:///etc/passwd\r\n\r\n", "redirect", 307},
        {"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", "http_status", 201},
        {"HTTP/1.1 204 No Content\r\n\r\n", "http_status", 204},
        {"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nok",
         "http_status", 206},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nok", "http_status", 404},
        {"HTTP/1.1 407 Proxy\r\nContent-Length: 2\r\n\r\nok", "http_status", 407},
        {"HTTP/1.1 500 Broken\r\nContent-Length: 2\r\n\r\nok", "http_status", 500},
    };
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig->host.says = rows[i].says;
        (void)fetch(rig, &request);
        assert_int_equal(rig->result.status, E_DENIED);
        assert_string_equal(rig->result.code, rows[i].code);
        assert_int_equal(rig->result.http_status, rows[i].status);
        assert_int_equal(rig->result.body_bytes, 0);
        assert_int_equal(atomic_load(&rig->host.requests), i + 1); /* nothing was followed */
    }
}

/* Its body is read for the sake of the connection, and is nobody's; nor has it no end. */
static void a_refusal_that_is_expected_is_still_none(void **state)
{
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    request.expects_refusals = true;
    request.bytes_max = 5;
    rig->host.says = "HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\nhello";
    assert_int_equal(fetch(rig, &request)->status, E_DENIED);
    assert_int_equal(rig->result.http_status, 401);
    assert_string_equal(rig->result.code, "http_status");
    assert_int_equal(rig->result.body_bytes, 0);
    rig->host.says = "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello!\r\n";
    assert_int_equal(fetch(rig, &request)->status, E_DENIED);
    assert_int_equal(rig->result.http_status, 403);
    rig->host.says = "HTTP/1.1 500 Broken\r\nContent-Length: 5\r\n\r\nhello";
    assert_int_equal(fetch(rig, &request)->status, E_DENIED);
    assert_int_equal(rig->result.http_status, 500);
    assert_int_equal(rig->result.body_bytes, 0);
}

static void half_an_answer_is_none(void **state)
{
    static const char *const rows[] = {
        "",
        "HTTP/1.1 200",
        OK_HEAD "5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        OK_HEAD "-5\r\n\r\nhello",
        "hello",
        "SSH-2.0-x\r\n",
    };
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig->host.says = rows[i];
        if (fetch(rig, &request)->status == OK)
            fail_msg("taken for an answer: %s", rows[i]);
        assert_int_equal(rig->result.body_bytes, 0);
    }
}

static void a_body_is_cut_one_byte_past_the_cap(void **state)
{
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    request.bytes_max = 5;
    rig->host.says = "HTTP/1.1 200 OK\r\n\r\nhello";
    assert_int_equal(fetch(rig, &request)->status, OK);
    assert_int_equal(rig->result.body_bytes, 5);
    rig->host.says = "HTTP/1.1 200 OK\r\n\r\nhello!";
    assert_int_equal(fetch(rig, &request)->status, E_LIMIT);
    assert_string_equal(rig->result.code, "too_large");
    rig->host.says = OK_HEAD "6\r\n\r\nhello!";
    assert_int_equal(fetch(rig, &request)->status, E_LIMIT);
    assert_string_equal(rig->result.code, "too_large");
    rig->host.says =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n";
    assert_int_equal(fetch(rig, &request)->status, E_LIMIT);
    request.bytes_max = 0;
    rig->host.manner = ENDLESS_BODY;
    assert_int_equal(fetch(rig, &request)->status, E_LIMIT);
    assert_string_equal(rig->result.code, "too_large");
}

static void a_head_has_an_end(void **state)
{
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    rig->host.manner = ENDLESS_HEAD;
    assert_int_equal(fetch(rig, &request)->status, E_LIMIT);
    assert_string_equal(rig->result.code, "too_large");
}

static void the_deadline_holds_against_silence_and_drips(void **state)
{
    static const enum manner manners[] = {SILENT, SLOW_BODY};
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    request.deadline_ms = 150;
    for (size_t i = 0; i < 2; i++) {
        uint64_t started_ms = clock_mono_ms();

        rig->host.manner = manners[i];
        assert_int_equal(fetch(rig, &request)->status, E_EXPIRED);
        assert_string_equal(rig->result.code, "deadline");
        assert_true(clock_mono_ms() - started_ms >= 140);
        assert_true(clock_mono_ms() - started_ms < 5000);
    }
}

static void nothing_listens(void **state)
{
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    host_close(&rig->host);
    assert_int_equal(fetch(rig, &request)->status, E_IO);
    assert_string_equal(rig->result.code, "cannot_connect");
    atomic_store(&rig->host.is_over, false);
    host_open(&rig->host);
}

/* With a proxy in the environment every request would go to it. */
static void proxies_of_the_environment_are_ignored(void **state)
{
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    rig->host.says = OK_HEAD "2\r\n\r\nok";
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:9", 1), 0);
    assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:9", 1), 0);
    (void)fetch(rig, &request);
    (void)unsetenv("http_proxy");
    (void)unsetenv("ALL_PROXY");
    assert_int_equal(rig->result.status, OK);
}

static void an_answer_sets_no_cookie(void **state)
{
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    rig->host.says = OK_HEAD "2\r\nSet-Cookie: a=b; Path=/\r\n\r\nok";
    assert_int_equal(fetch(rig, &request)->status, OK);
    assert_int_equal(fetch(rig, &request)->status, OK);
    assert_null(strstr(rig->host.request, "Cookie"));
}

static void plain_http_needs_leave_and_loopback(void **state)
{
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    request.allows_loopback_http = false;
    assert_int_equal(fetch_start(rig->outbound, &request, take_answer, &rig->result), E_INVALID);
    request.allows_loopback_http = true;
    request.url = "http://192.0.2.1/keys";
    assert_int_equal(fetch_start(rig->outbound, &request, take_answer, &rig->result), E_INVALID);
    assert_int_equal(rig->result.calls, 0);
}

static void an_unusable_authority_trusts_nobody(void **state)
{
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    request.url = "https://127.0.0.1:1/keys"; /* never gets as far as a certificate */
    request.ca_pem = VIEW("no certificate");
    assert_int_not_equal(fetch(rig, &request)->status, OK);
}

static void stopping_answers_a_fetch_under_way(void **state)
{
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);

    rig->host.manner = SILENT;
    assert_int_equal(fetch_start(rig->outbound, &request, take_answer, &rig->result), OK);
    while (atomic_load(&rig->host.requests) == 0)
        (void)usleep(1000);
    outbound_stop(rig->outbound);
    assert_int_equal(rig->result.calls, 1);
    assert_int_equal(rig->result.status, E_CLOSED);
    assert_int_equal(fetch_start(rig->outbound, &request, take_answer, &rig->result), E_CLOSED);
    outbound_free(rig->outbound);
    rig->outbound = NULL;
}

static void count_full(void *context, const struct fetch_answer *a)
{
    unsigned *counts = context; /* full, stopped, others: the outbound thread's own until it ends */

    counts[a->status == E_FULL ? 0 : a->status == E_CLOSED ? 1 : 2]++;
}

struct mark {
    struct outbound_job job;
    sem_t reached;
};

static void mark_reached(struct outbound_job *job, int status)
{
    (void)status;
    (void)sem_post(&LINK_ITEM(job, struct mark, job)->reached);
}

static void so_many_fetches_at_a_time_and_no_more(void **state)
{
    struct rig *rig = *state;
    struct fetch_request request = request_of(rig);
    struct mark mark = {.job = {.run = mark_reached}};
    unsigned counts[3] = {0};

    (void)sem_init(&mark.reached, 0, 0);
    rig->host.manner = SILENT;
    for (unsigned i = 0; i < OUTBOUND_TRANSFERS_MAX + 3; i++)
        assert_int_equal(fetch_start(rig->outbound, &request, count_full, counts), OK);
    assert_int_equal(outbound_post(rig->outbound, &mark.job), OK);
    (void)sem_wait(&mark.reached);
    outbound_stop(rig->outbound);
    assert_int_equal(counts[0], 3);
    assert_int_equal(counts[1], OUTBOUND_TRANSFERS_MAX);
    assert_int_equal(counts[2], 0);
    outbound_free(rig->outbound);
    rig->outbound = NULL;
    (void)sem_destroy(&mark.reached);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(an_answer_comes_with_its_body_and_freshness),
        RIGGED(a_form_is_posted_with_basic_credentials),
        RIGGED(more_headers_are_sent_as_they_are),
        RIGGED(a_header_that_could_be_two_is_refused),
        RIGGED(only_200_is_an_answer),
        RIGGED(a_refusal_that_is_expected_is_still_none),
        RIGGED(half_an_answer_is_none),
        RIGGED(a_body_is_cut_one_byte_past_the_cap),
        RIGGED(a_head_has_an_end),
        RIGGED(the_deadline_holds_against_silence_and_drips),
        RIGGED(nothing_listens),
        RIGGED(proxies_of_the_environment_are_ignored),
        RIGGED(an_answer_sets_no_cookie),
        RIGGED(plain_http_needs_leave_and_loopback),
        RIGGED(an_unusable_authority_trusts_nobody),
        RIGGED(stopping_answers_a_fetch_under_way),
        RIGGED(so_many_fetches_at_a_time_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
