/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: server api hub broker auth net wire policy access limit config message crypto base */
/* Lines of an event log as a stranger may have left them: read plain and under a key, none of them
 * is good, and whatever is read leaves a reader that still knows a good line. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/status.h"
#include "server/event_chain.h"
#include "server/event_log.h"
#include "server/event_syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct view key = VIEW("0123456789abcdefghijklmnopqrstuv");

static struct event_reader reader_of(struct view with)
{
    struct event_reader r = {.key = with, .wasted = EVENT_WASTE_MAX - 100};

    event_chain_init(&r.chain);
    return r;
}

/* A mark of ours, which no input can have met: its run is random. */
static size_t good_mark(char *out, size_t room, uint64_t seq)
{
    char line[EVENT_LINE_MAX], text[EVENT_MARK_MAX];
    struct event event = {.type = EVENT_LOG_MARK, .outcome = OUTCOME_OK, .code = "start"};
    struct event_chain chain = {.is_keyed = true, .seq = seq};
    struct wr w = wr_of(out, room);

    event_chain_init(&chain);
    ASSERT(event_seal_begin(&chain.seal, key) == OK && event_seal_turn(&chain.seal) == OK);
    event.detail = event_seal_mark(&chain.seal.mark, text);
    event_chain_write(&chain, &w, view_of(line, event_encode(line, sizeof(line), &event, 0)));
    ASSERT(!w.failed);
    return wr_len(&w) - 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event_reader plain = reader_of(VIEW("")), keyed = reader_of(key);
    char mark[2048], *copy = malloc(size > 0 ? size : 1);
    struct event_chain resumed = {.seq = 0};
    struct view rest, line;
    enum event_link link;

    ASSERT(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    rest = view_of(copy, size);
    while (view_split(rest, '\n', &line, &rest)) {
        link = event_chain_judge(&plain, line);
        ASSERT(link != EVENT_LINK_MISSING && link != EVENT_LINK_MOVED);
        link = event_chain_judge(&keyed, line);
        ASSERT(!keyed.has_segment && !keyed.has_ended && link != EVENT_LINK_MISSING);
        (void)event_chain_resume(&resumed, line);
        ASSERT(strlen(resumed.last) <= EVENT_HASH_TEXT);
        ASSERT(event_syslog_severity(line) >= 4 && event_syslog_severity(line) <= 6);
    }
    link = event_chain_judge(&keyed,
                             view_of(mark, good_mark(mark, sizeof(mark), keyed.has_begun ? 7 : 0)));
    ASSERT(link == EVENT_LINK_GOOD || link == EVENT_LINK_MISSING || link == EVENT_LINK_BROKEN);
    event_seal_wipe(&keyed.chain.seal);
    free(copy);
    return 0;
}
