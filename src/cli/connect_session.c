/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward connect` at work: lines of stdin go out as messages, messages come out as lines. What
 * is sent when, and when the end is reached, is decided here; what is shown, in connect_show.c. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "base/status.h"
#include "cli/cli.h"
#include "cli/connect_show.h"
#include "cli/connect_words.h"
#include "cli/input.h"
#include "client/client.h"
#include "crypto/secret.h"
#include "wire/close_code.h"

#define WELCOME_MS 10000
/* Above this, stdin waits until all of it has left. */
#define BACKLOG_BYTES ((size_t)256 * 1024)

struct session {
    const struct connect_options *options;
    struct loop *loop;
    struct client *client; /* NULL once it has ended */
    struct input input;
    uv_signal_t signals[2];
    struct timer timer; /* for the welcome, then for silence */
    struct show show;
    uint64_t received, lines;
    unsigned open_handles;
    bool is_ready;  /* lines may be sent */
    bool is_ending; /* we have seen enough: what still comes is not shown */
    bool is_input_over, was_signalled;
    int exit_code;
};

static void finish_with(struct session *s, int exit_code)
{
    s->exit_code = exit_code;
    s->is_ending = true;
    if (s->client != NULL)
        client_close(s->client, CLOSE_NORMAL, VIEW(""));
}

static void fail(struct session *s, const char *why)
{
    if (s->is_ending)
        return;
    show_info(&s->show, "%s", why);
    finish_with(s, CLI_REFUSED);
}

/* ---- out ---- */

static void send_text(struct session *s, struct view text)
{
    int rc = client_send_text(s->client, text);

    if (rc == OK || rc == E_CLOSED)
        return;
    show_info(&s->show, "line %llu was not sent: %s", (unsigned long long)s->lines,
              rc == E_INVALID ? "it is not UTF-8" : status_text(rc));
    if (!s->show.is_interactive)
        finish_with(s, CLI_REFUSED);
}

static void on_line(void *context, struct view line)
{
    struct session *s = context;

    s->lines++;
    if (s->client == NULL)
        return;
    /* At a prompt an empty line is an idle thumb; in a pipe it is a message. */
    if (line.len > 0 || !s->show.is_interactive)
        send_text(s, line);
    show_prompt(&s->show);
    if (s->client != NULL && client_backlog(s->client) > BACKLOG_BYTES)
        input_pause(&s->input);
}

static void await_silence(struct session *s)
{
    timer_start(s->loop, &s->timer, loop_now_ms(s->loop) + s->options->wait_ms);
}

static void on_input_end(void *context, const char *fault)
{
    struct session *s = context;

    s->is_input_over = true;
    if (fault != NULL)
        fail(s, fault);
    else if (s->show.is_interactive)
        finish_with(s, CLI_OK);
    else
        await_silence(s);
}

static void on_drained(void *context)
{
    struct session *s = context;

    if (s->is_ready)
        input_resume(&s->input);
}

static void on_timer(struct timer *timer)
{
    struct session *s = LINK_ITEM(timer, struct session, timer);

    if (s->client == NULL)
        return;
    if (!s->is_ready)
        fail(s, "no welcome from the server in time");
    else if (client_backlog(s->client) > 0)
        await_silence(s);
    else
        finish_with(s, CLI_OK);
}

/* Takes over what is in `text`; rc says how it came about. */
static void send_words(struct session *s, struct buf *text, int rc)
{
    if (rc == OK)
        rc = client_send_text(s->client, buf_view(text));
    if (rc != OK && rc != E_CLOSED)
        fail(s, "the login or a subscription could not be sent");
    secret_buf_clear(text);
}

static void subscribe(struct session *s, const char *channel)
{
    struct buf text = BUF_INIT(CONNECT_WORDS_MAX);
    int rc = connect_words_subscribe(&text, view_of_text(channel));

    send_words(s, &text, rc);
}

static void become_ready(struct session *s)
{
    s->is_ready = true;
    timer_stop(&s->timer);
    for (uint32_t i = 0; i < s->options->channels_count; i++)
        subscribe(s, s->options->channels[i]);
    show_prompt(&s->show);
    input_resume(&s->input);
}

static void send_token(struct session *s)
{
    struct buf text = BUF_INIT(CONNECT_WORDS_MAX);
    int rc = connect_words_auth(&text, buf_view(&s->options->token));

    send_words(s, &text, rc);
}

/* ---- in ---- */

static void on_open(void *context)
{
    struct session *s = context;

    show_connected(&s->show, s->options->url.authority);
    if (s->options->token.len == 0 || s->options->is_bearer) {
        become_ready(s);
        return;
    }
    timer_start(s->loop, &s->timer, loop_now_ms(s->loop) + WELCOME_MS);
    send_token(s);
}

static void on_message(void *context, bool is_binary, struct view message)
{
    struct session *s = context;
    uint64_t count = s->options->count;

    if (s->is_ending)
        return;
    s->received++;
    if (!show_message(&s->show, is_binary, message)) {
        fail(s, "the output cannot be written");
        return;
    }
    if (count > 0 && s->received == count) {
        finish_with(s, CLI_OK);
        return;
    }
    if (!s->is_ready && !is_binary && connect_words_are_welcome(message))
        become_ready(s);
    else if (s->is_ready && s->is_input_over)
        await_silence(s);
}

static void on_trace(void *context, const struct client_trace *trace)
{
    struct session *s = context;

    if (s->options->is_verbose)
        show_trace(&s->show, trace);
}

/* ---- the end ---- */

static void one_closed(struct session *s)
{
    s->open_handles--;
    if (s->open_handles == 0)
        loop_stop(s->loop);
}

static void on_input_closed(void *context)
{
    one_closed(context);
}

static void on_signal_closed(uv_handle_t *handle)
{
    one_closed(handle->data);
}

static bool is_clean(const struct client_ending *ending)
{
    if (ending->end != CLIENT_CLOSED)
        return false;
    return ending->code == CLOSE_NORMAL || ending->code == CLOSE_GOING_AWAY ||
           (ending->was_ours && ending->code == CLOSE_NO_STATUS);
}

static void on_ended(void *context, const struct client_ending *ending)
{
    struct session *s = context;

    s->client = NULL;
    if (!is_clean(ending))
        s->exit_code = CLI_REFUSED;
    show_ending(&s->show, ending, s->exit_code == CLI_OK);
    timer_stop(&s->timer);
    input_close(&s->input);
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&s->signals[i], on_signal_closed);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct session *s = handle->data;

    (void)number;
    if (s->client == NULL)
        return;
    if (s->was_signalled)
        client_abort(s->client, "interrupted");
    else
        client_close(s->client, CLOSE_GOING_AWAY, VIEW(""));
    s->was_signalled = true;
}

static void watch_signals(struct session *s)
{
    static const int numbers[2] = {SIGINT, SIGTERM};

    for (int i = 0; i < 2; i++) {
        (void)uv_signal_init(loop_uv(s->loop), &s->signals[i]);
        s->signals[i].data = s;
        (void)uv_signal_start(&s->signals[i], on_signal, numbers[i]);
    }
}

static const struct client_ops client_ops = {.on_open = on_open,
                                             .on_message = on_message,
                                             .on_drained = on_drained,
                                             .on_ended = on_ended,
                                             .on_trace = on_trace};
static const struct input_ops input_ops = {
    .on_line = on_line, .on_end = on_input_end, .on_closed = on_input_closed};

static int run(struct session *s, struct tls_client *tls)
{
    const struct connect_options *o = s->options;
    struct client_options options = {.url = &o->url,
                                     .tls = tls,
                                     .origin = o->origin,
                                     .protocol = o->protocol,
                                     .headers = (const char *)o->headers.data,
                                     .offers_deflate = o->offers_deflate};
    const char *fault = "";

    if (client_open(&s->client, s->loop, &options, &fault) != OK) {
        show_info(&s->show, "%s: %s", o->url.host.name, fault);
        return CLI_REFUSED;
    }
    client_watch(s->client, &client_ops, s);
    timer_init(&s->timer, on_timer);
    watch_signals(s);
    s->open_handles = 3;
    if (input_open(&s->input, s->loop, &input_ops, s) != OK) {
        show_info(&s->show, "cannot watch the input");
        s->exit_code = CLI_REFUSED;
        client_abort(s->client, "no input");
    }
    loop_run(s->loop);
    return s->exit_code;
}

/* A descriptor 0 that is not open would become somebody's socket. */
static void hold_stdin(void)
{
    if (fcntl(STDIN_FILENO, F_GETFD) < 0)
        (void)open("/dev/null", O_RDONLY);
}

int connect_run(const struct connect_options *options)
{
    struct session s = {.options = options, .exit_code = CLI_OK};
    struct tls_client *tls = NULL;
    struct error why = {0};
    int exit_code = CLI_REFUSED;

    hold_stdin();
    (void)signal(SIGPIPE, SIG_IGN);
    show_init(&s.show, buf_view(&options->token));
    if (options->url.is_tls && tls_client_new(&tls, options->cacert, &why) != OK)
        show_info(&s.show, "%s", why.text);
    else if (loop_new(&s.loop) != OK)
        show_info(&s.show, "cannot make an event loop");
    else
        exit_code = run(&s, tls);
    loop_free(s.loop);
    tls_client_free(tls);
    return exit_code;
}
