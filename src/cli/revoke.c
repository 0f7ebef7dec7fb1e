/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward revoke`: one POST /api/revoke to the running server, with the key and the address of
 * its configuration. The key comes from where the configuration says, never from the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/status.h"
#include "cli/cli.h"
#include "crypto/secret.h"
#include "net/local_dial.h"
#include "server/options.h"

#define TIMEOUT_MS        15000
#define ANSWER_BYTES_MAX  8192
#define REQUEST_BYTES_MAX 8192

struct revoke_request {
    const char *config, *field, *value;
    unsigned fields;
};

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward revoke --config FILE --user USER | --token-id ID | --role ROLE |\n"
        "                       --ip ADDRESS | --connection ID\n\n"
        "Closes the connections of a user, a token, a role or an address, or one connection, at "
        "the\n"
        "running server, and refuses what was issued to that user, token or role before now. Uses\n"
        "the first key under internal.keys that has the scope `revoke`.\n\n"
        "  -c, --config FILE    the configuration the server runs with\n"
        "  -h, --help           this text\n\n"
        "Exit code 0: done, and the answer says how many connections were closed. 1: refused, or "
        "no\n"
        "server answers. 2: not understood.\n",
        to);
}

static const struct api_key *find_key(const struct options *o)
{
    const struct api_keys *keys = &o->internal.keys;

    for (uint32_t i = 0; i < keys->count; i++) {
        if ((keys->items[i].scopes & API_SCOPE_REVOKE) != 0)
            return &keys->items[i];
    }
    return NULL;
}

static void write_request(struct wr *w, const struct revoke_request *request,
                          const struct api_key *key)
{
    char text[2048];
    struct wr body = wr_of(text, sizeof(text));

    json_out_open(&body);
    json_out_member(&body, request->field, view_of_text(request->value));
    json_out_close(&body);
    wr_text(w, "POST /api/revoke HTTP/1.1\r\nHost: localhost\r\n"
               "Content-Type: application/json\r\nAuthorization: Bearer ");
    wr_view(w, buf_view(&key->secret));
    wr_text(w, "\r\nContent-Length: ");
    wr_dec(w, wr_len(&body));
    wr_text(w, "\r\n\r\n");
    wr_bytes(w, text, wr_len(&body));
    w->failed = w->failed || body.failed;
}

static bool send_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes += put;
        len -= (size_t)put;
    }
    return true;
}

/* The whole answer until the server closes. */
static bool receive_all(int fd, struct buf *answer)
{
    uint8_t bytes[4096];

    for (;;) {
        ssize_t got = read(fd, bytes, sizeof(bytes));

        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            return true;
        if (got < 0 || buf_append(answer, bytes, (size_t)got) != OK)
            return false;
    }
}

static int show(struct view answer)
{
    struct view head = answer, body = VIEW("");
    const char *end = memmem(answer.ptr, answer.len, "\r\n\r\n", 4);
    bool is_good;

    if (end == NULL || !view_starts_with(answer, VIEW("HTTP/1.1 "))) {
        (void)fputs("gateward revoke: what answers there is not the API\n", stderr);
        return CLI_REFUSED;
    }
    head.len = (size_t)(end - answer.ptr);
    body = view_of(end + 4, answer.len - head.len - 4);
    is_good = view_starts_with(head, VIEW("HTTP/1.1 200 "));
    (void)fprintf(is_good ? stdout : stderr, VIEW_FMT, VIEW_ARG(body));
    return is_good && fflush(stdout) == 0 ? CLI_OK : CLI_REFUSED;
}

static int exchange(int fd, const struct revoke_request *request, const struct api_key *key)
{
    struct buf answer = BUF_INIT(ANSWER_BYTES_MAX);
    uint8_t bytes[REQUEST_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));
    int exit_code = CLI_REFUSED;

    write_request(&w, request, key);
    if (w.failed)
        (void)fputs("gateward revoke: the value is too long\n", stderr);
    else if (!send_all(fd, bytes, wr_len(&w)) || !receive_all(fd, &answer))
        (void)fprintf(stderr, "gateward revoke: the server did not answer: %s\n", strerror(errno));
    else
        exit_code = show(buf_view(&answer));
    secret_wipe(bytes, sizeof(bytes));
    buf_clear(&answer);
    return exit_code;
}

static int ask(const struct options *o, const struct revoke_request *request)
{
    const struct api_key *key = find_key(o);
    struct error why = {{0}, 0, 0};
    int fd, exit_code;

    if (!o->internal.is_on || key == NULL) {
        (void)fputs("gateward revoke: the configuration has no key with the scope `revoke` under "
                    "internal.keys\n",
                    stderr);
        return CLI_REFUSED;
    }
    fd = local_dial(&o->internal.address, TIMEOUT_MS, &why);
    if (fd < 0) {
        (void)fprintf(stderr, "gateward revoke: no server answers at internal.address: %s\n",
                      why.text);
        return CLI_REFUSED;
    }
    exit_code = exchange(fd, request, key);
    (void)close(fd);
    return exit_code;
}

/* -1: go on; otherwise the exit code. */
static int read_arguments(struct revoke_request *request, int argc, char **argv)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'}, {"user", required_argument, NULL, 0},
        {"token-id", required_argument, NULL, 1}, {"role", required_argument, NULL, 2},
        {"ip", required_argument, NULL, 3},       {"connection", required_argument, NULL, 4},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    static const char *const fields[] = {"user", "token_id", "role", "ip", "connection"};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        if (c == 'c') {
            request->config = optarg;
        } else if (c >= 0 && c < 5) {
            request->field = fields[c];
            request->value = optarg;
            request->fields++;
        } else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? CLI_OK : CLI_USAGE;
        }
    }
    return -1;
}

int cmd_revoke(int argc, char **argv)
{
    struct revoke_request request = {.config = NULL};
    int exit_code = read_arguments(&request, argc, argv);
    struct options *o;

    if (exit_code >= 0)
        return exit_code;
    if (request.config == NULL || request.fields != 1 || optind != argc) {
        usage(stderr);
        return CLI_USAGE;
    }
    o = cli_load(request.config);
    if (o == NULL)
        return CLI_REFUSED;
    exit_code = ask(o, &request);
    options_free(o);
    return exit_code;
}
