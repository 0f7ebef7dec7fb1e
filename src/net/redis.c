/* SPDX-License-Identifier: Apache-2.0 */
/* redis.c: askers put their commands, formatted already, behind each other under a lock; the
 * thread takes all there are, sends them in one write and keeps a row of who is to be answered.
 * All wait equally long, so the first of the row is the first to be late; a late answer cannot be
 * told from a lost one, so it ends the connection. */
#include "net/redis.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "net/redis_link.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 2000
#define SLEEP_MS_MAX   60000
#define WORDS_ON_STACK 8
#define GREETINGS_MAX  3 /* AUTH, SELECT, PING */

struct redis {
    pthread_mutex_t lock;
    struct buf out; /* under the lock, down to is_started: commands, and who asks them */
    struct link asks;
    uint32_t asks_count; /* of both rows */
    bool is_up, is_closing, is_asleep;
    bool is_started; /* the owner's */
    pthread_t thread;
    int wake_fd;
    struct redis_url url; /* from here on read-only once the thread runs */
    struct tls_client *tls;
    char *username;
    struct buf password;
    uint32_t deadline_ms, turn_ms;
    void (*turn)(void *context, uint64_t now_ms);
    void (*tell)(void *context, bool is_up, const char *why);
    void *context;
    struct redis_link link; /* from here on the thread's own */
    struct redis_reader reader;
    struct link waiting;                 /* struct redis_ask, in the order of their answers */
    const char *greeting[GREETINGS_MAX]; /* what has been said to begin with */
    uint32_t greetings, greeted;
    uint64_t now_ms, try_at_ms, turn_at_ms, opened_ms, jitter;
    uint32_t backoff_ms;
    char why[256]; /* told last; "": is up, or nothing has been told */
};

/* --- asking, on any thread --- */

static int put_command(struct buf *to, const struct view *words, uint32_t count)
{
    const char *short_argv[WORDS_ON_STACK], **argv = short_argv;
    size_t short_lens[WORDS_ON_STACK], *lens = short_lens;
    char *text = NULL;
    int rc = E_NOMEM, len;

    if (count == 0 || count > REDIS_WORDS_MAX)
        return E_INVALID;
    if (count > WORDS_ON_STACK) {
        argv = calloc(count, sizeof(*argv));
        lens = calloc(count, sizeof(*lens));
        if (argv == NULL || lens == NULL)
            goto done;
    }
    for (uint32_t i = 0; i < count; i++) {
        argv[i] = words[i].len > 0 ? words[i].ptr : "";
        lens[i] = words[i].len;
    }
    len = redisFormatCommandArgv(&text, (int)count, argv, lens);
    if (len < 0)
        goto done;
    rc = buf_append(to, text, (size_t)len);
    secret_wipe(text, (size_t)len); /* AUTH goes this way too */
    redisFreeCommand(text);
done:
    if (count > WORDS_ON_STACK) {
        free(argv);
        free(lens);
    }
    return rc;
}

static int put_all(struct buf *to, const struct redis_command *commands, uint32_t count)
{
    static const struct view multi = {"MULTI", 5}, exec = {"EXEC", 4};
    int rc = count > 1 ? put_command(to, &multi, 1) : OK;

    for (uint32_t i = 0; rc == OK && i < count; i++)
        rc = put_command(to, commands[i].words, commands[i].count);
    if (rc == OK && count > 1)
        rc = put_command(to, &exec, 1);
    return rc;
}

static void wake(const struct redis *r)
{
    const uint64_t one = 1;

    /* The counter cannot overflow: it is read whenever the thread wakes. */
    if (write(r->wake_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
        return;
}

int redis_ask(struct redis *r, struct redis_ask *ask, const struct redis_command *commands,
              uint32_t count)
{
    bool must_wake = false;
    size_t before;
    int rc;

    (void)pthread_mutex_lock(&r->lock);
    before = r->out.len;
    if (r->is_closing)
        rc = E_CLOSED;
    else if (!r->is_up)
        rc = E_IO;
    else if (r->asks_count >= REDIS_ASKS_MAX)
        rc = E_FULL;
    else
        rc = put_all(&r->out, commands, count);
    if (rc == OK) {
        ask->status = OK;
        ask->asked_ms = 0;
        ask->unread = count > 1 ? count + 2 : 1;
        link_append(&r->asks, &ask->link);
        r->asks_count++;
        must_wake = r->is_asleep;
        r->is_asleep = false;
    } else {
        r->out.len = before;
        rc = rc == E_LIMIT ? E_FULL : rc;
    }
    (void)pthread_mutex_unlock(&r->lock);
    if (must_wake)
        wake(r);
    return rc;
}

bool redis_is_up(struct redis *r)
{
    bool is_up;

    (void)pthread_mutex_lock(&r->lock);
    is_up = r->is_up;
    (void)pthread_mutex_unlock(&r->lock);
    return is_up;
}

/* --- the state of the connection --- */

/* Everyone of `row` hears that there is no answer. */
static void refuse_row(struct link *row, int status)
{
    while (!link_is_alone(row)) {
        struct redis_ask *ask = LINK_ITEM(row->next, struct redis_ask, link);

        link_remove(&ask->link);
        ask->status = status;
        ask->done(ask, NULL);
    }
}

static void move_row(struct link *to, struct link *from)
{
    if (link_is_alone(from))
        return;
    to->prev->next = from->next;
    from->next->prev = to->prev;
    to->prev = from->prev;
    from->prev->next = to;
    link_init(from);
}

/* A server's own words go to a log: bytes that mean something to a terminal do not. */
static void say(struct redis *r, const char *why)
{
    char text[sizeof(r->why)];
    size_t len = strlen(why);

    if (len >= sizeof(text))
        len = sizeof(text) - 1;
    for (size_t i = 0; i < len; i++)
        text[i] = why[i];
    text[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~')
            text[i] = '?';
    if (strcmp(text, r->why) == 0)
        return;
    memcpy(r->why, text, sizeof(text));
    if (r->tell != NULL)
        r->tell(r->context, false, r->why);
}

static void go_down(struct redis *r, int status, const char *why)
{
    uint32_t wait_ms = r->backoff_ms;

    (void)pthread_mutex_lock(&r->lock);
    r->is_up = false;
    move_row(&r->waiting, &r->asks);
    r->asks_count = 0;
    r->out.len = 0;
    (void)pthread_mutex_unlock(&r->lock);
    redis_link_close(&r->link);
    redis_reader_close(&r->reader);
    r->try_at_ms = clock_mono_ms() + wait_ms + random_jitter(&r->jitter, wait_ms / 4 + 1);
    r->backoff_ms = wait_ms * 2 < BACKOFF_MAX_MS ? wait_ms * 2 : BACKOFF_MAX_MS;
    if (status != E_CLOSED)
        say(r, why);
    refuse_row(&r->waiting, status);
}

static void go_up(struct redis *r)
{
    r->backoff_ms = BACKOFF_MIN_MS;
    r->why[0] = '\0';
    (void)pthread_mutex_lock(&r->lock);
    r->is_up = !r->is_closing;
    (void)pthread_mutex_unlock(&r->lock);
    if (r->tell != NULL)
        r->tell(r->context, true, "");
}

/* --- greeting: who we are, which database, and is anyone there --- */

static int add_greeting(struct redis *r, struct buf *to, const struct view *words, uint32_t count)
{
    r->greeting[r->greetings++] = words[0].ptr;
    return put_command(to, words, count);
}

static int greet(struct redis *r)
{
    struct view password = buf_view(&r->password), words[3];
    struct buf text = BUF_INIT(64 * 1024);
    char number[16];
    int rc = OK;

    r->greetings = r->greeted = 0;
    words[0] = VIEW("AUTH");
    words[1] = view_of_text(r->username);
    words[r->username != NULL ? 2 : 1] = password;
    if (password.len > 0)
        rc = add_greeting(r, &text, words, r->username != NULL ? 3 : 2);
    (void)snprintf(number, sizeof(number), "%u", (unsigned)r->url.database);
    words[0] = VIEW("SELECT");
    words[1] = view_of_text(number);
    if (rc == OK && r->url.database != 0)
        rc = add_greeting(r, &text, words, 2);
    words[0] = VIEW("PING");
    if (rc == OK)
        rc = add_greeting(r, &text, words, 1);
    if (rc == OK)
        rc = redis_link_send(&r->link, text.data, text.len);
    secret_buf_clear(&text);
    return rc;
}

static int hear_greeting(struct redis *r, const struct redis_value *reply)
{
    if (reply->type == REDIS_ERROR) {
        (void)snprintf(r->link.fault, sizeof(r->link.fault), "the server refuses %s: " VIEW_FMT,
                       r->greeting[r->greeted], VIEW_ARG(reply->text));
        return E_DENIED;
    }
    if (++r->greeted == r->greetings)
        go_up(r);
    return OK;
}

/* --- answers --- */

static int hear(struct redis *r, const struct redis_value *reply)
{
    struct redis_ask *ask;

    if (r->greeted < r->greetings)
        return hear_greeting(r, reply);
    if (link_is_alone(&r->waiting)) {
        (void)snprintf(r->link.fault, sizeof(r->link.fault), "an answer that nobody asked for");
        return E_INVALID;
    }
    ask = LINK_ITEM(r->waiting.next, struct redis_ask, link);
    if (--ask->unread > 0)
        return OK; /* +OK and +QUEUED; a fault among them makes EXEC fail */
    link_remove(&ask->link);
    (void)pthread_mutex_lock(&r->lock);
    r->asks_count--;
    (void)pthread_mutex_unlock(&r->lock);
    ask->status = reply->type == REDIS_ERROR ? E_DENIED : OK;
    ask->done(ask, reply);
    return OK;
}

static int take(void *context, const uint8_t *bytes, size_t len)
{
    struct redis *r = context;
    struct redis_value *reply = NULL;
    int rc = redis_reader_feed(&r->reader, bytes, len);

    while (rc == OK) {
        rc = redis_reader_next(&r->reader, &reply);
        if (rc != OK || reply == NULL)
            break;
        rc = hear(r, reply);
        redis_value_free(reply);
        if (rc != OK)
            return rc;
    }
    if (rc != OK)
        (void)snprintf(r->link.fault, sizeof(r->link.fault),
                       "an answer that is no RESP, or too large");
    return rc;
}

/* --- the thread --- */

static void open_link(struct redis *r)
{
    int rc = redis_reader_open(&r->reader);

    r->greetings = r->greeted = 0;
    if (rc == OK)
        rc = redis_link_open(&r->link);
    r->opened_ms = r->now_ms = clock_mono_ms(); /* the look-up of the name may have taken long */
    if (rc != OK)
        go_down(r, E_IO, r->link.fault);
}

/* Sends what has been asked since the last turn. */
static int send_asked(struct redis *r)
{
    struct buf text = BUF_INIT(REDIS_OUT_MAX);
    struct link fresh;
    int rc = OK;

    link_init(&fresh);
    (void)pthread_mutex_lock(&r->lock);
    if (!link_is_alone(&r->asks)) {
        text = r->out;
        buf_init(&r->out, REDIS_OUT_MAX);
        move_row(&fresh, &r->asks);
    }
    (void)pthread_mutex_unlock(&r->lock);
    for (struct link *l = fresh.next; l != &fresh; l = l->next)
        LINK_ITEM(l, struct redis_ask, link)->asked_ms = r->now_ms;
    move_row(&r->waiting, &fresh);
    if (text.len > 0)
        rc = redis_link_send(&r->link, text.data, text.len);
    buf_clear(&text);
    return rc;
}

/* When the connection has waited long enough, for whatever it waits for; 0: for nothing. */
static uint64_t late_at_ms(const struct redis *r)
{
    if (r->link.state == REDIS_LINK_CLOSED)
        return 0;
    if (r->greetings == 0 || r->greeted < r->greetings)
        return r->opened_ms + r->deadline_ms;
    if (link_is_alone(&r->waiting))
        return 0;
    return LINK_ITEM(r->waiting.next, struct redis_ask, link)->asked_ms + r->deadline_ms;
}

static void work(struct redis *r, short events)
{
    uint64_t late_at;
    int rc = OK;

    if (r->link.state == REDIS_LINK_CLOSED) {
        if (r->now_ms >= r->try_at_ms)
            open_link(r);
        return;
    }
    rc = redis_link_turn(&r->link, events, take, r);
    if (rc == OK && r->link.state == REDIS_LINK_OPEN && r->greetings == 0)
        rc = greet(r);
    if (rc == OK)
        rc = send_asked(r);
    late_at = late_at_ms(r);
    if (rc != OK)
        go_down(r, E_IO, r->link.fault);
    else if (late_at != 0 && r->now_ms >= late_at && redis_link_next(&r->link) == OK)
        r->opened_ms = r->now_ms;
    else if (late_at != 0 && r->now_ms >= late_at)
        go_down(r, E_EXPIRED, "the server does not answer in time");
}

static int sleep_ms(const struct redis *r)
{
    uint64_t at = r->now_ms + SLEEP_MS_MAX, late_at = late_at_ms(r);

    if (r->link.state == REDIS_LINK_CLOSED && r->try_at_ms < at)
        at = r->try_at_ms;
    if (late_at != 0 && late_at < at)
        at = late_at;
    if (r->turn != NULL && r->turn_at_ms < at)
        at = r->turn_at_ms;
    return at > r->now_ms ? (int)(at - r->now_ms) : 0;
}

/* False: the end. What is asked between this look and the sleep wakes the thread. */
static bool may_sleep(struct redis *r, int *ms)
{
    bool is_closing;

    (void)pthread_mutex_lock(&r->lock);
    is_closing = r->is_closing;
    r->is_asleep = link_is_alone(&r->asks);
    if (!r->is_asleep)
        *ms = 0;
    (void)pthread_mutex_unlock(&r->lock);
    return !is_closing;
}

static short wait_for(struct redis *r, int ms)
{
    struct pollfd fds[2] = {{.fd = r->wake_fd, .events = POLLIN},
                            {.fd = r->link.fd, .events = redis_link_events(&r->link)}};
    uint64_t count;

    /* A closed link has fd -1, which poll passes over. */
    if (poll(fds, 2, ms) < 0)
        fds[0].revents = fds[1].revents = 0;
    if (fds[0].revents != 0 && read(r->wake_fd, &count, sizeof(count)) < 0)
        return fds[1].revents;
    return fds[1].revents;
}

static void *run(void *context)
{
    struct redis *r = context;
    short events = 0;
    int ms;

    for (;;) {
        r->now_ms = clock_mono_ms();
        work(r, events);
        if (r->turn != NULL && r->now_ms >= r->turn_at_ms) {
            r->turn_at_ms = r->now_ms + r->turn_ms;
            r->turn(r->context, r->now_ms);
        }
        ms = sleep_ms(r);
        if (!may_sleep(r, &ms))
            break;
        events = wait_for(r, ms);
    }
    go_down(r, E_CLOSED, "");
    return NULL;
}

/* --- life --- */

static int fill(struct redis *r, const struct redis_options *o, struct error *why)
{
    const char *username = o->username;
    int rc = redis_url_parse(&r->url, view_of_text(o->url), why);

    if (rc != OK)
        return rc;
    if (r->url.has_tls && (rc = tls_client_new(&r->tls, o->ca_path, why)) != OK)
        return rc;
    if (r->tls != NULL)
        tls_client_forget_alpn(r->tls);
    if (username == NULL && r->url.user[0] != '\0')
        username = r->url.user;
    if (username != NULL && (r->username = strdup(username)) == NULL)
        return E_NOMEM;
    rc = buf_append(&r->password, o->password.ptr, o->password.len);
    r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (rc == OK && r->wake_fd < 0)
        rc = E_IO;
    return rc;
}

int redis_new(struct redis **out, const struct redis_options *options, struct error *why)
{
    struct redis *r = calloc(1, sizeof(*r));
    int rc;

    if (r == NULL)
        return E_NOMEM;
    (void)pthread_mutex_init(&r->lock, NULL);
    buf_init(&r->out, REDIS_OUT_MAX);
    buf_init(&r->password, SECRET_BYTES_MAX);
    link_init(&r->asks);
    link_init(&r->waiting);
    r->wake_fd = -1;
    r->deadline_ms = options->deadline_ms > 0 ? options->deadline_ms : REDIS_DEADLINE_MS;
    r->turn_ms = options->turn_ms > 0 ? options->turn_ms : SLEEP_MS_MAX;
    r->turn = options->turn;
    r->tell = options->tell;
    r->context = options->context;
    r->backoff_ms = BACKOFF_MIN_MS;
    random_bytes(&r->jitter, sizeof(r->jitter));
    rc = fill(r, options, why);
    redis_link_init(&r->link, &r->url, r->tls);
    if (rc != OK) {
        redis_free(r);
        return rc;
    }
    *out = r;
    return OK;
}

int redis_start(struct redis *r)
{
    sigset_t all, before;
    int rc;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&r->thread, NULL, run, r);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    r->is_started = rc == 0;
    return rc == 0 ? OK : E_NOMEM;
}

void redis_stop(struct redis *r)
{
    (void)pthread_mutex_lock(&r->lock);
    r->is_closing = true;
    (void)pthread_mutex_unlock(&r->lock);
    if (!r->is_started)
        return;
    wake(r);
    (void)pthread_join(r->thread, NULL);
    r->is_started = false;
}

void redis_free(struct redis *r)
{
    if (r == NULL)
        return;
    if (r->wake_fd >= 0)
        (void)close(r->wake_fd);
    tls_client_free(r->tls);
    free(r->username);
    secret_buf_clear(&r->password);
    buf_clear(&r->out);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}
