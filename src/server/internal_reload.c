/* SPDX-License-Identifier: Apache-2.0 */
/* internal_reload.c: POST /api/reload. Reading a configuration reads files and may take its time,
 * so it has a thread of its own, which sends worker 0 a letter when it is done; the place for the
 * letter is taken before. */
#include <signal.h>

#include "base/json_out.h"
#include "base/status.h"
#include "server/internal_call.h"
#include "server/server.h"

#define BODY_BYTES 4096 /* each byte of a reason as \u00XX */

static void put_changes(struct wr *w, const struct internal_reload *r)
{
    json_out_open(w);
    json_out_member_u64(w, "changes", r->changes);
    json_out_close(w);
    wr_u8(w, '\n');
}

/* Words of the configuration, which whoever may reload it may know. */
static void put_refusal(struct wr *w, const struct internal_reload *r)
{
    const struct api_result_row *row = api_result_get(API_RESULT_RELOAD_REFUSED);

    json_out_open(w);
    json_out_key(w, "error");
    json_out_open(w);
    json_out_member(w, "code", view_of_text(row->code));
    json_out_member(w, "message", view_of_text(row->message));
    json_out_member(w, "detail", view_of_text(r->why.text));
    if (r->why.line > 0)
        json_out_member_u64(w, "line", (uint64_t)r->why.line);
    json_out_close(w);
    json_out_close(w);
    wr_u8(w, '\n');
}

static void done_letter(void *worker, void *a, void *b)
{
    struct internal *in = a;
    struct internal_reload *r = &in->reload;
    char text[BODY_BYTES];
    struct wr w = wr_of(text, sizeof(text));

    (void)worker;
    (void)b;
    if (r->is_over)
        return;
    (void)pthread_join(r->thread, NULL);
    r->is_running = false;
    if (r->rc == E_CLOSED) {
        api_finish(in->api, r->number, API_RESULT_DRAINING, VIEW(""));
    } else if (r->rc != OK) {
        put_refusal(&w, r);
        api_finish(in->api, r->number, API_RESULT_RELOAD_REFUSED,
                   view_of(text, w.failed ? 0 : wr_len(&w)));
    } else {
        put_changes(&w, r);
        api_finish(in->api, r->number, API_RESULT_OK, view_of(text, wr_len(&w)));
    }
}

static void *run(void *internal)
{
    struct internal *in = internal;
    struct internal_reload *r = &in->reload;

    r->rc = server_reload_telling(in->server, &r->changes, &r->why);
    mailbox_post_reserved(internal_worker(in)->control, (struct letter){done_letter, in, NULL});
    return NULL;
}

enum api_result internal_reload(void *internal, uint64_t number)
{
    struct internal *in = internal;
    struct internal_reload *r = &in->reload;
    struct mailbox *box = internal_worker(in)->control;
    sigset_t all, before;
    int rc;

    if (atomic_load(&in->server->drains) > 0)
        return API_RESULT_DRAINING;
    if (r->is_running)
        return API_RESULT_RELOAD_BUSY;
    if (!mailbox_reserve(box))
        return API_RESULT_OVERLOADED;
    r->number = number;
    r->is_running = true;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&r->thread, NULL, run, in);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return API_RESULT_LATER;
    r->is_running = false;
    mailbox_unreserve(box);
    return API_RESULT_OVERLOADED;
}

void internal_reload_end(struct internal *in)
{
    if (in == NULL)
        return;
    in->reload.is_over = true;
    if (in->reload.is_running)
        (void)pthread_join(in->reload.thread, NULL);
    in->reload.is_running = false;
}
