/* SPDX-License-Identifier: Apache-2.0 */
/* event_chain.c: a chained line ends in ,"prev":"HASH","hash":"HASH"} where the second is the
 * SHA-256, in hexadecimal digits, of all bytes of the line before ,"hash"; one under a key in
 * ,"seq":NUMBER,"prev":"MAC","mac":"MAC"} in the same way. */
#include "server/event_chain.h"

#include "base/num.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#define PREV       ",\"prev\":\""
#define HASH       ",\"hash\":\""
#define MAC        ",\"mac\":\""
#define SEQ        ",\"seq\":"
#define HEAD_BYTES (sizeof(PREV) - 1 + EVENT_HASH_TEXT + 1)
#define TAIL_BYTES (sizeof(HASH) - 1 + EVENT_HASH_TEXT + 2) /* of ,"hash" to the end */
#define STEPS_FREE 64
#define SEQ_BYTES  (sizeof(SEQ) - 1 + 20)

_Static_assert(TAIL_BYTES + HEAD_BYTES - 1 == EVENT_PLAIN_BYTES, "the brace was there before");
_Static_assert(EVENT_PLAIN_BYTES + SEQ_BYTES <= EVENT_CHAIN_BYTES, "a MAC's name is shorter");

/* --- writing --- */

static void hash_text(char out[EVENT_HASH_TEXT], struct view bytes)
{
    uint8_t digest[32];

    if (digest_sha256(digest, bytes.ptr, bytes.len) != OK)
        memset(digest, 0, sizeof(digest)); /* fits nothing: the line will be named */
    event_hex(out, digest, sizeof(digest));
}

static void mac_text(char out[EVENT_HASH_TEXT], struct event_seal *seal, struct view bytes)
{
    uint8_t mac[EVENT_KEY_BYTES];

    if (event_seal_line(seal, mac, bytes) != OK)
        memset(mac, 0, sizeof(mac));
    event_hex(out, mac, sizeof(mac));
}

void event_chain_init(struct event_chain *chain)
{
    memset(chain->last, '0', EVENT_HASH_TEXT);
    chain->last[EVENT_HASH_TEXT] = '\0';
}

void event_chain_write(struct event_chain *chain, struct wr *w, struct view line)
{
    size_t before = wr_len(w);
    struct view covered;

    if (line.len < 2) {
        w->failed = true;
        return;
    }
    wr_bytes(w, line.ptr, line.len - 2); /* without the brace and the line feed */
    if (chain->is_keyed) {
        wr_text(w, SEQ);
        wr_dec(w, chain->seq + 1);
    }
    wr_text(w, PREV);
    wr_text(w, chain->last);
    wr_u8(w, '"');
    if (w->failed)
        return;
    covered = view_of(w->start + before, wr_len(w) - before);
    if (chain->is_keyed)
        mac_text(chain->last, &chain->seal, covered);
    else
        hash_text(chain->last, covered);
    chain->seq += chain->is_keyed;
    wr_text(w, chain->is_keyed ? MAC : HASH);
    wr_text(w, chain->last);
    wr_text(w, "\"}\n");
}

/* --- reading --- */

struct links {
    bool is_keyed;
    uint64_t seq;
    const char *prev, *own;
    struct view covered;
};

static bool ends_in(struct view v, struct view end)
{
    return v.len >= end.len && memcmp(v.ptr + v.len - end.len, end.ptr, end.len) == 0;
}

/* Cuts NAME and 64 characters off the end. */
static bool take_hash(struct view *rest, struct view name, const char **hash)
{
    size_t bytes = name.len + EVENT_HASH_TEXT;

    if (rest->len < bytes || memcmp(rest->ptr + rest->len - bytes, name.ptr, name.len) != 0)
        return false;
    *hash = rest->ptr + rest->len - EVENT_HASH_TEXT;
    rest->len -= bytes;
    return true;
}

static bool take_seq(struct view *rest, uint64_t *seq)
{
    struct view name = VIEW(SEQ);
    size_t digits = 0;

    while (digits < rest->len && digits < 21 && rest->ptr[rest->len - 1 - digits] >= '0' &&
           rest->ptr[rest->len - 1 - digits] <= '9')
        digits++;
    if (!num_parse_u64(view_of(rest->ptr + rest->len - digits, digits), UINT64_MAX - 1, seq))
        return false;
    rest->len -= digits;
    return ends_in(*rest, name);
}

static bool find_links(struct links *out, struct view line)
{
    struct view rest = line;

    if (!ends_in(rest, VIEW("\"}")))
        return false;
    rest.len -= 2;
    out->is_keyed = take_hash(&rest, VIEW(MAC), &out->own);
    if (!out->is_keyed && !take_hash(&rest, VIEW(HASH), &out->own))
        return false;
    out->covered = rest;
    if (!ends_in(rest, VIEW("\"")))
        return false;
    rest.len--;
    return take_hash(&rest, VIEW(PREV), &out->prev) &&
           (!out->is_keyed || take_seq(&rest, &out->seq));
}

bool event_chain_resume(struct event_chain *chain, struct view line)
{
    struct links links = {.seq = 0};

    if (!find_links(&links, line))
        return false;
    memcpy(chain->last, links.own, EVENT_HASH_TEXT);
    chain->seq = links.seq;
    return true;
}

static enum event_link judge_plain(struct event_reader *r, const struct links *links)
{
    enum event_link link = EVENT_LINK_GOOD;
    char hash[EVENT_HASH_TEXT];

    if (r->chain.is_keyed)
        return EVENT_LINK_NONE; /* anybody could have made it */
    hash_text(hash, links->covered);
    if (r->has_begun && memcmp(links->prev, r->chain.last, EVENT_HASH_TEXT) != 0)
        link = EVENT_LINK_BROKEN;
    if (memcmp(hash, links->own, EVENT_HASH_TEXT) != 0)
        link = EVENT_LINK_CHANGED;
    memcpy(r->chain.last, links->own, EVENT_HASH_TEXT);
    r->has_begun = true;
    return link;
}

/* What a log_mark says; its type is the second member, behind a time of fixed length. */
static bool find_mark(struct event_mark *out, struct view line)
{
    static const struct view type = VIEW("\",\"event\":\"log_mark\","),
                             name = VIEW("\"detail\":\"");
    const size_t at = strlen("{\"time\":\"2026-11-22T14:50:05.648Z");
    const char *detail, *end;

    if (line.len < at + type.len || memcmp(line.ptr + at, type.ptr, type.len) != 0)
        return false;
    detail = memmem(line.ptr, line.len, name.ptr, name.len);
    if (detail == NULL)
        return false;
    detail += name.len;
    end = memchr(detail, '"', line.len - (size_t)(detail - line.ptr));
    return end != NULL && event_seal_mark_read(out, view_of(detail, (size_t)(end - detail)));
}

static bool is_mac_good(struct event_seal *seal, const struct links *links)
{
    char mac[EVENT_HASH_TEXT];

    mac_text(mac, seal, links->covered);
    return ct_equal(mac, links->own, EVENT_HASH_TEXT, EVENT_HASH_TEXT);
}

/* A good line; where it stands among the others. */
static enum event_link follow(struct event_reader *r, const struct links *links)
{
    uint64_t gap = links->seq - r->chain.seq - 1;
    bool is_next = memcmp(links->prev, r->chain.last, EVENT_HASH_TEXT) == 0;
    enum event_link link = EVENT_LINK_GOOD;

    if (r->has_begun && gap > r->suspects) {
        link = EVENT_LINK_MISSING;
        r->missing = gap - r->suspects;
    } else if (r->has_begun && gap == 0 && !is_next) {
        link = EVENT_LINK_BROKEN;
    }
    r->has_begun = true;
    r->suspects = 0;
    r->chain.seq = links->seq;
    memcpy(r->chain.last, links->own, EVENT_HASH_TEXT);
    return link;
}

/* What steps cost until something good is found behind them: a few are free, however often. */
static uint64_t cost_of(uint64_t steps)
{
    return steps <= STEPS_FREE ? 0 : steps;
}

static bool take_steps(struct event_reader *r, uint64_t steps)
{
    uint64_t cost = cost_of(steps);

    if (cost > EVENT_WASTE_MAX || r->wasted > EVENT_WASTE_MAX - cost)
        return false;
    r->wasted += cost;
    return true;
}

static enum event_link judge_mark(struct event_reader *r, const struct links *links,
                                  const struct event_mark *mark)
{
    struct event_seal seal = r->chain.seal;
    bool is_further =
        memcmp(seal.mark.run, mark->run, EVENT_RUN_BYTES) == 0 && seal.mark.segment < mark->segment;
    uint64_t steps = mark->segment - (is_further ? seal.mark.segment : 0);
    enum event_link link = EVENT_LINK_CHANGED;
    int rc;

    if (!take_steps(r, steps))
        return link;
    rc = event_seal_find(&seal, r->key, mark);
    if (rc == E_DENIED)
        link = EVENT_LINK_OTHER_KEY;
    if (rc == OK && is_mac_good(&seal, links)) {
        r->wasted -= cost_of(steps);
        r->chain.seal = seal;
        r->has_segment = true;
        link = follow(r, links);
    }
    event_seal_wipe(&seal);
    return link;
}

static enum event_link judge_line(struct event_reader *r, const struct links *links)
{
    struct event_seal seal = r->chain.seal;
    uint64_t gap = links->seq - r->chain.seq - 1;
    enum event_link link = EVENT_LINK_CHANGED;

    if (!r->has_segment)
        return EVENT_LINK_UNKNOWN;
    if (!take_steps(r, gap))
        return link;
    if (event_seal_skip(&seal, gap) == OK && is_mac_good(&seal, links)) {
        r->wasted -= cost_of(gap);
        r->chain.seal = seal;
        link = follow(r, links);
    }
    event_seal_wipe(&seal);
    return link;
}

static enum event_link judge_keyed(struct event_reader *r, const struct links *links,
                                   struct view line)
{
    static const struct view stop = VIEW(",\"code\":\"stop\",");
    bool has_been = r->has_begun && r->chain.is_keyed && links->seq <= r->chain.seq;
    struct event_mark mark;
    enum event_link link;
    bool is_mark;

    r->chain.is_keyed = true;
    if (r->key.len == 0)
        return EVENT_LINK_NO_KEY;
    if (has_been)
        return EVENT_LINK_MOVED;
    is_mark = find_mark(&mark, line);
    link = is_mark ? judge_mark(r, links, &mark) : judge_line(r, links);
    if (link == EVENT_LINK_GOOD || link == EVENT_LINK_MISSING || link == EVENT_LINK_BROKEN)
        r->has_ended = is_mark && memmem(line.ptr, line.len, stop.ptr, stop.len) != NULL;
    else
        r->suspects++;
    return link;
}

enum event_link event_chain_judge(struct event_reader *r, struct view line)
{
    struct links links = {.seq = 0};

    if (!find_links(&links, line))
        return EVENT_LINK_NONE;
    return links.is_keyed ? judge_keyed(r, &links, line) : judge_plain(r, &links);
}
