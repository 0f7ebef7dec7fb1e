/* SPDX-License-Identifier: Apache-2.0 */
/* All that a person or a script sees. Bytes of the server pass through terminal_put wherever they
 * could reach a terminal, and the token passes nowhere. */
#include "cli/connect_show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/status.h"
#include "cli/terminal.h"
#include "message/json.h"
#include "wire/close_code.h"

#define TRACE_BYTES_MAX 4096

void show_init(struct show *show, struct view token)
{
    *show = (struct show){.token = token,
                          .is_interactive = isatty(STDIN_FILENO) == 1,
                          .has_tty_out = isatty(STDOUT_FILENO) == 1,
                          .has_tty_err = isatty(STDERR_FILENO) == 1};
}

/* Takes the prompt away, so that what follows stands on a line of its own. */
static void clear_prompt(struct show *show)
{
    if (show->has_prompt && show->has_tty_err)
        (void)fputs("\r\033[K", stderr);
    show->has_prompt = false;
}

void show_prompt(struct show *show)
{
    if (!show->is_interactive)
        return;
    (void)fputs("> ", stderr);
    show->has_prompt = true;
}

void show_info(struct show *show, const char *format, ...)
{
    char text[1024];
    va_list args;

    clear_prompt(show);
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)fputs("gateward connect: ", stderr);
    terminal_put_redacted(stderr, view_of_text(text), show->token);
    (void)fputc('\n', stderr);
}

void show_connected(struct show *show, const char *authority)
{
    if (show->is_interactive)
        show_info(show, "connected to %s; Ctrl-D ends", authority);
}

/* For readers that take a line for a message: a line break inside one becomes a blank, which in
 * JSON means the same. */
static void put_on_one_line(struct view message)
{
    const char *at = message.ptr;
    size_t left = message.len;

    while (left > 0) {
        size_t n = 0;

        while (n < left && at[n] != '\n' && at[n] != '\r')
            n++;
        (void)fwrite(at, 1, n, stdout);
        at += n;
        left -= n;
        if (left > 0) {
            (void)fputc(' ', stdout);
            at++;
            left--;
        }
    }
}

bool show_message(struct show *show, bool is_binary, struct view message)
{
    bool had_prompt = show->has_prompt;

    if (is_binary) {
        show_info(show, "a binary message of %zu bytes", message.len);
    } else {
        clear_prompt(show);
        if (show->has_tty_out)
            terminal_put(stdout, message);
        else
            put_on_one_line(message);
        (void)fputc('\n', stdout);
        if (fflush(stdout) != 0 || ferror(stdout) != 0)
            return false;
    }
    if (had_prompt)
        show_prompt(show);
    return true;
}

static bool is_secret_header(struct view name)
{
    return view_eq_nocase(name, VIEW("Authorization")) ||
           view_eq_nocase(name, VIEW("Proxy-Authorization")) ||
           view_eq_nocase(name, VIEW("Cookie")) || view_eq_nocase(name, VIEW("Set-Cookie"));
}

static void trace_head(const struct show *show, bool is_out, struct view head)
{
    struct view line, name, value;

    while (head.len > 0) {
        (void)view_split(head, '\n', &line, &head);
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        (void)fputs(is_out ? "> " : "< ", stderr);
        if (view_split(line, ':', &name, &value) && is_secret_header(name)) {
            terminal_put(stderr, name);
            (void)fputs(": [redacted]\n", stderr);
            continue;
        }
        terminal_put_redacted(stderr, line, show->token);
        (void)fputc('\n', stderr);
    }
}

static const char *opcode_text(enum ws_opcode opcode)
{
    switch (opcode) {
    case WS_CONTINUATION:
        return "continuation";
    case WS_TEXT:
        return "text";
    case WS_BINARY:
        return "binary";
    case WS_CLOSE:
        return "close";
    case WS_PING:
        return "ping";
    case WS_PONG:
        return "pong";
    }
    return "?";
}

void show_trace(struct show *show, const struct client_trace *trace)
{
    struct view bytes = trace->bytes, reason = {"", 0};
    uint16_t code;

    clear_prompt(show);
    if (trace->is_head) {
        trace_head(show, trace->is_out, bytes);
        return;
    }
    (void)fprintf(stderr, "%s %s %zu ", trace->is_out ? ">" : "<", opcode_text(trace->opcode),
                  bytes.len);
    if (trace->opcode == WS_CLOSE &&
        close_payload_decode((const uint8_t *)bytes.ptr, bytes.len, &code, &reason)) {
        (void)fprintf(stderr, "%u ", (unsigned)code);
        bytes = reason;
    }
    /* Redacted before it is cut: half a token is not shown either. */
    if (bytes.len <= TRACE_BYTES_MAX)
        terminal_put_redacted(stderr, bytes, show->token);
    else
        (void)fputs("(long)", stderr);
    (void)fputc('\n', stderr);
}

/* The body's {"error":{"code":...,"message":...}}, or only the status where there is no such body.
 */
static void show_refusal(struct show *show, const struct client_ending *ending)
{
    struct view code = {"", 0}, message = {"", 0};
    struct json *root = NULL;
    struct arena arena;
    size_t error_at;

    arena_init(&arena, 4096, 256 * 1024);
    if (ending->body.len > 0 && json_parse(&root, ending->body, NULL, &arena, &error_at) == OK) {
        const struct json *error = json_member(root, VIEW("error"));
        (void)json_member_string(error, VIEW("code"), &code);
        (void)json_member_string(error, VIEW("message"), &message);
    }
    if (code.len > 0)
        show_info(show, "refused: %u " VIEW_FMT ": " VIEW_FMT, ending->code, VIEW_ARG(code),
                  VIEW_ARG(message));
    else
        show_info(show, "refused: %u " VIEW_FMT "%s", ending->code, VIEW_ARG(ending->text),
                  ending->code / 100 == 3 ? " (redirects are not followed)" : "");
    arena_clear(&arena);
}

/* OpenSSL's words for a certificate whose authority is not trusted; what helps then is always the
 * same. */
static bool is_unknown_authority(struct view text)
{
    static const char *const words[] = {"local issuer", "self-signed", "self signed"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (memmem(text.ptr, text.len, words[i], strlen(words[i])) != NULL)
            return true;
    }
    return false;
}

void show_ending(struct show *show, const struct client_ending *ending, bool is_clean)
{
    switch (ending->end) {
    case CLIENT_CLOSED:
        if (ending->code == CLOSE_NO_STATUS && (!is_clean || show->is_interactive))
            show_info(show, "closed without a code");
        else if (!is_clean || show->is_interactive)
            show_info(show, "closed %u " VIEW_FMT, ending->code, VIEW_ARG(ending->text));
        return;
    case CLIENT_UNREACHED:
        show_info(show, "cannot connect: " VIEW_FMT "%s", VIEW_ARG(ending->text),
                  is_unknown_authority(ending->text)
                      ? " (if the authority is your own, name its file with --cacert)"
                      : "");
        return;
    case CLIENT_REFUSED:
        show_refusal(show, ending);
        return;
    case CLIENT_BROKEN:
        show_info(show, "the server broke the protocol: " VIEW_FMT, VIEW_ARG(ending->text));
        return;
    case CLIENT_LOST:
        show_info(show, VIEW_FMT, VIEW_ARG(ending->text));
        return;
    }
}
