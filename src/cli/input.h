/* SPDX-License-Identifier: Apache-2.0 */
/* input.h: the lines of stdin, from a terminal, a pipe or a file, without ever blocking the loop.
 * Loop thread only. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "base/buf.h"
#include "net/loop.h"

#define INPUT_LINE_MAX ((size_t)8 * 1024 * 1024)

struct input_ops {
    void (*on_line)(void *context, struct view line); /* without its LF; valid until it returns */
    void (*on_end)(void *context, const char *fault); /* fault NULL: end of file */
    void (*on_closed)(void *context);
};
struct input {
    struct loop *loop;
    const struct input_ops *ops;
    void *context;
    uv_poll_t poll;
    struct loop_task turn;
    struct buf lines;
    size_t at, scanned; /* first byte not given out; first byte not searched for an LF */
    bool is_pollable;   /* a regular file is not, and never makes anyone wait */
    bool is_paused, saw_end, is_ended;
};

/* Begins paused. E_IO. */
int input_open(struct input *in, struct loop *loop, const struct input_ops *ops, void *context);
void input_resume(struct input *in);
/* No line comes before the next input_resume, not even one that was read already. */
void input_pause(struct input *in);
/* on_closed follows in a later turn. */
void input_close(struct input *in);

#endif
