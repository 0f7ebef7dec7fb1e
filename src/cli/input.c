/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of stdin. libuv makes a polled descriptor non-blocking, which for a terminal or an
 * inherited pipe changes it for everybody who has it open; so that is undone at once, and a read
 * happens only when the poll has said that there is something. */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/status.h"

#define READ_BYTES ((size_t)64 * 1024)

static void on_poll(uv_poll_t *handle, int status, int events);

static void set_poll(struct input *in)
{
    bool wants = !in->is_paused && !in->saw_end;

    if (!in->is_pollable) {
        if (wants)
            loop_at_turn_end(in->loop, &in->turn);
        return;
    }
    if (wants)
        (void)uv_poll_start(&in->poll, UV_READABLE, on_poll);
    else
        (void)uv_poll_stop(&in->poll);
}

static void end(struct input *in, const char *fault)
{
    if (in->is_ended)
        return;
    in->is_ended = in->saw_end = true;
    set_poll(in);
    in->ops->on_end(in->context, fault);
}

/* Gives out whole lines, and what is left at the end of the file. */
static void give_lines(struct input *in)
{
    while (!in->is_paused && !in->is_ended) {
        size_t left = in->lines.len - in->scanned;
        uint8_t *found = left > 0 ? memchr(in->lines.data + in->scanned, '\n', left) : NULL;
        size_t from = in->at, to = in->lines.len;

        if (found == NULL) {
            in->scanned = in->lines.len;
            if (!in->saw_end || from == to)
                break;
            in->at = to;
        } else {
            to = (size_t)(found - in->lines.data);
            in->at = in->scanned = to + 1;
        }
        in->ops->on_line(in->context, view_of(in->lines.data + from, to - from));
    }
    if (in->is_paused || in->is_ended)
        return;
    buf_consume(&in->lines, in->at);
    in->scanned -= in->at;
    in->at = 0;
    if (in->saw_end)
        end(in, NULL);
}

static void read_some(struct input *in)
{
    ssize_t n;

    if (in->lines.len + READ_BYTES > INPUT_LINE_MAX || buf_reserve(&in->lines, READ_BYTES) != OK) {
        end(in, "a line of the input is too long");
        return;
    }
    n = read(STDIN_FILENO, in->lines.data + in->lines.len, READ_BYTES);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        end(in, "the input cannot be read");
        return;
    }
    in->lines.len += (size_t)n;
    in->saw_end = n == 0;
    if (in->saw_end)
        set_poll(in);
    give_lines(in);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct input *in = handle->data;

    (void)status; /* the read finds out what is wrong */
    (void)events;
    read_some(in);
}

static void on_turn(struct loop_task *task)
{
    struct input *in = LINK_ITEM(task, struct input, turn);

    if (in->is_paused || in->is_ended)
        return;
    if (!in->is_pollable && !in->saw_end)
        read_some(in);
    else
        give_lines(in);
    if (!in->is_pollable && !in->is_ended)
        set_poll(in);
}

int input_open(struct input *in, struct loop *loop, const struct input_ops *ops, void *context)
{
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    int rc;

    *in = (struct input){.loop = loop, .ops = ops, .context = context, .is_paused = true};
    buf_init(&in->lines, INPUT_LINE_MAX);
    loop_task_init(&in->turn, on_turn);
    if (flags < 0)
        return E_IO;
    rc = uv_poll_init(loop_uv(loop), &in->poll, STDIN_FILENO);
    in->is_pollable = rc == 0;
    in->poll.data = in;
    (void)fcntl(STDIN_FILENO, F_SETFL, flags);
    return rc == 0 || rc == UV_EPERM ? OK : E_IO;
}

void input_pause(struct input *in)
{
    if (in->is_ended)
        return;
    in->is_paused = true;
    set_poll(in);
}

void input_resume(struct input *in)
{
    if (!in->is_paused || in->is_ended)
        return;
    in->is_paused = false;
    set_poll(in);
    /* Lines that wait here make nothing readable. */
    loop_at_turn_end(in->loop, &in->turn);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct input *in = handle->data;

    in->ops->on_closed(in->context);
}

static void on_close_turn(struct loop_task *task)
{
    struct input *in = LINK_ITEM(task, struct input, turn);

    in->ops->on_closed(in->context);
}

void input_close(struct input *in)
{
    in->is_paused = in->is_ended = true;
    buf_clear(&in->lines);
    link_remove(&in->turn.link);
    if (in->is_pollable) {
        uv_close((uv_handle_t *)&in->poll, on_poll_closed);
        return;
    }
    loop_task_init(&in->turn, on_close_turn);
    loop_at_turn_end(in->loop, &in->turn);
}
