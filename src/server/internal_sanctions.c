/* SPDX-License-Identifier: Apache-2.0 */
/* internal_sanctions.c: who is kept out or muted where, and which channels are closed, a page at a
 * time. */
#include <stdlib.h>

#include "base/json_out.h"
#include "limit/sanction_table.h"
#include "server/internal_call.h"

#define AROUND_BYTES  1024u
#define ROW_BYTES_MAX 4096u /* three sanctions of one row, names escaped */

struct sanctions {
    struct order order; /* first */
    size_t count, limit;
    struct sanction_row rows[API_LIST_MAX + 1];
};

static void nothing(struct worker *w, struct crew_job *work)
{
    (void)w;
    (void)work;
}

static void put_row(struct wr *w, const struct sanction_row *row, bool *is_first)
{
    static const char *const kinds[] = {
        [SANCTION_CLOSED] = "closed", [SANCTION_KICKED] = "kicked", [SANCTION_MUTED] = "muted"};

    for (unsigned kind = 0; kind < SANCTION_KINDS; kind++) {
        if (row->left_ms[kind] == 0)
            continue;
        if (!*is_first)
            wr_u8(w, ',');
        *is_first = false;
        json_out_open(w);
        json_out_member(w, "sanction", view_of_text(kinds[kind]));
        json_out_member(w, "channel", view_of(row->names, row->channel_bytes));
        if (row->user_bytes > 0)
            json_out_member(w, "user", view_of(row->names + row->channel_bytes, row->user_bytes));
        json_out_member_u64(w, "seconds", (row->left_ms[kind] + 999) / 1000);
        json_out_key(w, "by_admin");
        wr_text(w, row->by_admin[kind] ? "true" : "false");
        json_out_close(w);
    }
}

static void answer(struct order *order, struct wr *w)
{
    struct sanctions *s = (struct sanctions *)(void *)order;
    size_t shown = s->count < s->limit ? s->count : s->limit;
    char next[SANCTION_NAME_BYTES_MAX + 1];
    struct wr place = wr_of(next, sizeof(next));
    bool is_first = true;

    json_out_open(w);
    json_out_key(w, "sanctions");
    wr_u8(w, '[');
    for (size_t i = 0; i < shown; i++)
        put_row(w, &s->rows[i], &is_first);
    wr_u8(w, ']');
    json_out_key(w, "next");
    if (s->count > s->limit) {
        const struct sanction_row *row = &s->rows[shown - 1];

        wr_bytes(&place, row->names, row->channel_bytes);
        if (row->user_bytes > 0) {
            wr_u8(&place, ' ');
            wr_bytes(&place, row->names + row->channel_bytes, row->user_bytes);
        }
        json_out_string(w, view_of(next, wr_len(&place)), 0);
    } else {
        wr_text(w, "null");
    }
    json_out_close(w);
    wr_u8(w, '\n');
}

enum api_result internal_sanctions(void *internal, const struct api_sanctions_ask *ask,
                                   uint64_t number)
{
    struct internal *in = internal;
    struct sanctions *s = (struct sanctions *)(void *)internal_order_new(in, sizeof(*s), number);
    struct sanction_page page = {.channel = ask->channel,
                                 .after_channel = ask->after_channel,
                                 .after_user = ask->after_user,
                                 .now_ms = loop_now_ms(internal_worker(in)->loop),
                                 .room = (size_t)ask->limit + 1};

    if (s == NULL)
        return API_RESULT_OVERLOADED;
    s->limit = ask->limit;
    s->count = sanction_table_page(in->server->sanctions, &page, s->rows);
    s->order.answer = answer;
    s->order.answer_bytes =
        AROUND_BYTES + (s->count < s->limit ? s->count : s->limit) * ROW_BYTES_MAX;
    s->order.work.run = nothing;
    return internal_order_start(&s->order);
}
