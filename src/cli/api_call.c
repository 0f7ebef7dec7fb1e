/* SPDX-License-Identifier: Apache-2.0 */
/* api_call.c: for the commands that speak to a running server. Ids of sessions come from stdin or a
 * file, because a command line can be read by everyone on the machine. */
#include "cli/api_call.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "base/wr.h"
#include "cli/cli.h"
#include "crypto/secret.h"
#include "message/json.h"
#include "net/local_dial.h"
#include "server/options.h"

#define TIMEOUT_MS        15000
#define ANSWER_BYTES_MAX  65536
#define REQUEST_BYTES_MAX (API_CALL_BODY_MAX + SECRET_BYTES_MAX + 512)

static const struct api_key *find_key(const struct options *o, enum api_scope scope)
{
    const struct api_keys *keys = &o->internal.keys;

    for (uint32_t i = 0; i < keys->count; i++) {
        if ((keys->items[i].scopes & scope) != 0)
            return &keys->items[i];
    }
    return NULL;
}

static void write_request(struct wr *w, const struct api_call_request *request,
                          const struct api_key *key)
{
    wr_text(w, "POST ");
    wr_text(w, request->path);
    wr_text(w, " HTTP/1.1\r\nHost: localhost\r\n"
               "Content-Type: application/json\r\nAuthorization: Bearer ");
    wr_view(w, buf_view(&key->secret));
    wr_text(w, "\r\nContent-Length: ");
    wr_dec(w, request->body.len);
    wr_text(w, "\r\n\r\n");
    wr_view(w, request->body);
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
    ssize_t got;

    for (;;) {
        got = read(fd, bytes, sizeof(bytes));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || buf_append(answer, bytes, (size_t)got) != OK)
            break;
    }
    secret_wipe(bytes, sizeof(bytes));
    return got == 0;
}

/* One string out of the answer, for `$(...)` in a shell. */
static bool print_member(struct view body, const char *name)
{
    struct arena arena;
    struct json *root;
    struct view value;
    size_t error_at;
    bool is_there;

    arena_init(&arena, API_CALL_BODY_MAX, 16 * API_CALL_BODY_MAX);
    is_there = json_parse(&root, body, NULL, &arena, &error_at) == OK &&
               json_member_string(root, view_of_text(name), &value);
    if (is_there)
        (void)printf(VIEW_FMT "\n", VIEW_ARG(value));
    arena_wipe(&arena);
    arena_clear(&arena);
    return is_there;
}

static int show(const struct api_call_request *request, struct view answer)
{
    const char *command = request->command;
    struct view head = answer, body = VIEW("");
    const char *end = memmem(answer.ptr, answer.len, "\r\n\r\n", 4);
    bool is_good;

    if (end == NULL || !view_starts_with(answer, VIEW("HTTP/1.1 "))) {
        (void)fprintf(stderr, "gateward %s: what answers there is not the API\n", command);
        return CLI_REFUSED;
    }
    head.len = (size_t)(end - answer.ptr);
    body = view_of(end + 4, answer.len - head.len - 4);
    is_good = view_starts_with(head, VIEW("HTTP/1.1 200 "));
    if (is_good && request->member != NULL)
        is_good = print_member(body, request->member);
    else
        (void)fprintf(is_good ? stdout : stderr, VIEW_FMT, VIEW_ARG(body));
    return is_good && fflush(stdout) == 0 ? CLI_OK : CLI_REFUSED;
}

static int exchange(int fd, const struct api_call_request *request, const struct api_key *key)
{
    struct buf answer = BUF_INIT(ANSWER_BYTES_MAX);
    uint8_t bytes[REQUEST_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));
    int exit_code = CLI_REFUSED;

    write_request(&w, request, key);
    if (w.failed)
        (void)fprintf(stderr, "gateward %s: the values are too long\n", request->command);
    else if (!send_all(fd, bytes, wr_len(&w)) || !receive_all(fd, &answer))
        (void)fprintf(stderr, "gateward %s: the server did not answer: %s\n", request->command,
                      strerror(errno));
    else
        exit_code = show(request, buf_view(&answer));
    secret_wipe(bytes, sizeof(bytes));
    secret_buf_clear(&answer);
    return exit_code;
}

int api_call(const struct options *o, const struct api_call_request *request)
{
    const struct api_key *key = find_key(o, request->scope);
    struct error why = {{0}, 0, 0};
    int fd, exit_code;

    if (!o->internal.is_on || key == NULL) {
        (void)fprintf(stderr,
                      "gateward %s: the configuration has no key with the scope `%s` under "
                      "internal.keys\n",
                      request->command, request->scope_name);
        return CLI_REFUSED;
    }
    fd = local_dial(&o->internal.address, TIMEOUT_MS, &why);
    if (fd < 0) {
        (void)fprintf(stderr, "gateward %s: no server answers at internal.address: %s\n",
                      request->command, why.text);
        return CLI_REFUSED;
    }
    exit_code = exchange(fd, request, key);
    (void)close(fd);
    return exit_code;
}

/* One line of stdin. */
static bool read_line(struct buf *out)
{
    char line[API_CALL_SECRET_MAX + 3];
    bool is_good =
        fgets(line, sizeof(line), stdin) != NULL && buf_append(out, line, strlen(line)) == OK;

    secret_wipe(line, sizeof(line));
    return is_good;
}

static struct view trim(struct view text)
{
    while (text.len > 0 && memchr(" \t\r\n", text.ptr[text.len - 1], 4) != NULL)
        text.len--;
    while (text.len > 0 && memchr(" \t\r\n", text.ptr[0], 4) != NULL)
        text = view_of(text.ptr + 1, text.len - 1);
    return text;
}

bool api_call_read_session(const char *command, const char *path, char out[API_CALL_SECRET_MAX + 1])
{
    struct buf text = BUF_INIT(SECRET_BYTES_MAX);
    struct error why = {"no id of a session stands there", 0, 0};
    bool is_good =
        strcmp(path, "-") == 0 ? read_line(&text) : secret_load_file(&text, path, &why) == OK;
    struct view id = trim(buf_view(&text));

    if (is_good &&
        (id.len == 0 || id.len > API_CALL_SECRET_MAX || memchr(id.ptr, '\0', id.len) != NULL)) {
        error_set(&why, "no id of a session stands there");
        is_good = false;
    }
    if (is_good) {
        memcpy(out, id.ptr, id.len);
        out[id.len] = '\0';
    } else {
        (void)fprintf(stderr, "gateward %s: %s\n", command, why.text);
    }
    secret_buf_clear(&text);
    return is_good;
}
