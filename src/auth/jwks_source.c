/* SPDX-License-Identifier: Apache-2.0 */
/* jwks_source.c: one download at a time, begun by the clock or by a token with an unknown key, and
 * never sooner because of a token than the cooldown allows. A good set takes the place of the old
 * one, so that a key which its issuer has taken back is gone (C-D20). A bad answer changes nothing
 * until the old set is too old. */
#include "auth/jwks_source.h"

#include "base/random.h"
#include "base/status.h"

void jwks_source_init(struct jwks_source *s, struct key_source *keys, uint32_t algorithms,
                      const struct jwks_source_ops *ops, void *context)
{
    *s = (struct jwks_source){
        .keys = keys, .algorithms = algorithms, .ops = ops, .context = context};
    s->jitter = random_u64();
}

static void tell(struct jwks_source *s, struct jwks_news *news)
{
    news->is_change = !s->has_told || s->told != news->health;
    news->has_keys = s->has_keys;
    s->has_told = true;
    s->told = news->health;
    s->ops->tell(s->context, news);
}

/* --- when --- */

/* A tenth is taken off by chance, so that a thousand servers that started together do not ask
 * together for ever. */
static uint64_t refresh_ms(struct jwks_source *s, const struct fetch_answer *answer)
{
    uint32_t seconds = answer->has_freshness ? answer->fresh_s : JWKS_REFRESH_DEFAULT_S;

    if (seconds < JWKS_REFRESH_MIN_S * 10 / 9 + 1)
        seconds = JWKS_REFRESH_MIN_S * 10 / 9 + 1;
    if (seconds > JWKS_REFRESH_MAX_S)
        seconds = JWKS_REFRESH_MAX_S;
    return (uint64_t)seconds * 1000 - random_jitter(&s->jitter, seconds * 100);
}

static uint64_t retry_ms(struct jwks_source *s)
{
    uint32_t most = s->has_keys ? JWKS_RETRY_MAX_MS : JWKS_RETRY_MAX_KEYLESS_MS;
    uint32_t ms = s->failures < 8 ? JWKS_RETRY_MIN_MS << (s->failures - 1) : most;

    if (ms > most)
        ms = most;
    return ms - ms / 4 + random_jitter(&s->jitter, ms / 2);
}

static uint64_t due_ms(const struct jwks_source *s)
{
    uint64_t asked_ms = s->started_ms + JWKS_COOLDOWN_MS;

    return s->is_asked && s->has_keys && asked_ms < s->next_ms ? asked_ms : s->next_ms;
}

static void note_failure(struct jwks_source *s, uint64_t now_ms, const char *code, const char *text)
{
    struct jwks_news news = {.health = JWKS_FAILED, .code = code, .text = text};

    s->failures++;
    /* A download that a token asked for leaves the timetable as it is. */
    if (!s->has_keys || s->next_ms <= now_ms)
        s->next_ms = now_ms + retry_ms(s);
    tell(s, &news);
}

static void fetch(struct jwks_source *s, uint64_t now_ms)
{
    s->started_ms = now_ms;
    s->is_fetching = true;
    if (s->ops->fetch(s->context) == OK)
        return;
    s->is_fetching = false;
    note_failure(s, now_ms, "cannot_start", "");
}

/* Whatever the time asks for, and when to look again. */
static void advance(struct jwks_source *s, uint64_t now_ms)
{
    uint64_t at_ms;

    if (s->has_keys && now_ms >= s->drop_ms) {
        struct jwks_news news = {.health = JWKS_STALE, .code = "stale", .text = ""};

        key_source_replace(s->keys, NULL);
        s->has_keys = false;
        if (s->next_ms > now_ms + JWKS_RETRY_MAX_KEYLESS_MS)
            s->next_ms = now_ms + JWKS_RETRY_MAX_KEYLESS_MS;
        tell(s, &news);
    }
    if (!s->is_fetching && now_ms >= due_ms(s))
        fetch(s, now_ms);
    at_ms = s->is_fetching ? UINT64_MAX : due_ms(s); /* a download ends by its own deadline */
    if (s->has_keys && s->drop_ms < at_ms)
        at_ms = s->drop_ms;
    if (at_ms != UINT64_MAX)
        s->ops->wake(s->context, at_ms);
}

/* --- what --- */

/* A set without one key for us is a set too: the issuer has taken back all of them. */
static int read_set(struct jwks_source *s, struct view text, struct jwks_news *news,
                    struct error *why)
{
    struct key_set *set = NULL;
    int rc;

    rc = jwks_parse(&set, text, s->algorithms, why);
    if (rc == E_MISSING)
        rc = key_set_new(&set, 0);
    if (rc != OK)
        return rc;
    news->keys = key_set_count(set);
    news->ignored = key_set_ignored(set);
    key_source_replace(s->keys, set);
    return OK;
}

static void take(struct jwks_source *s, const struct fetch_answer *answer, uint64_t now_ms)
{
    struct jwks_news news = {.health = JWKS_FETCHED, .code = "fetched"};
    struct error why = {{0}, 0, 0};
    int rc;

    if (answer->status != OK) {
        note_failure(s, now_ms, answer->code, "");
        return;
    }
    rc = read_set(s, answer->body, &news, &why);
    if (rc != OK) {
        note_failure(s, now_ms, rc == E_NOMEM ? "out_of_memory" : "bad_key_set", why.text);
        return;
    }
    s->has_keys = true;
    s->failures = 0;
    s->next_ms = now_ms + refresh_ms(s, answer);
    s->drop_ms = now_ms + (uint64_t)JWKS_STALE_MAX_S * 1000;
    news.text = why.text;
    tell(s, &news);
}

void jwks_source_answer(struct jwks_source *s, const struct fetch_answer *answer, uint64_t now_ms)
{
    s->is_fetching = false;
    s->is_asked = false;
    if (answer->status == E_CLOSED) /* the server is ending */
        return;
    take(s, answer, now_ms);
    advance(s, now_ms);
}

void jwks_source_start(struct jwks_source *s, uint64_t now_ms)
{
    s->next_ms = now_ms;
    advance(s, now_ms);
}

void jwks_source_ask(struct jwks_source *s, uint64_t now_ms)
{
    s->is_asked = true;
    advance(s, now_ms);
}

void jwks_source_turn(struct jwks_source *s, uint64_t now_ms)
{
    advance(s, now_ms);
}
