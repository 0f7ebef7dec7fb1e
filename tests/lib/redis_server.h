/* SPDX-License-Identifier: Apache-2.0 */
/* redis_server.h: a Redis server of a test's own, on a Unix socket in a folder of its own, which
 * ends with the test. Debian's redis-tools has the server in the file redis-check-rdb, which asks
 * its argv[0] what it is. Include after cmocka.h. */
#ifndef TESTS_REDIS_SERVER_H
#define TESTS_REDIS_SERVER_H

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define REDIS_SERVER_FILE "/usr/bin/redis-check-rdb"

struct redis_server {
    char folder[32], socket[64], url[80];
    pid_t pid;
};

static inline bool redis_server_is_there(void)
{
    return access(REDIS_SERVER_FILE, X_OK) == 0;
}

/* NULL while it does not answer. */
static inline redisContext *redis_server_connect(const struct redis_server *s)
{
    redisContext *c = redisConnectUnix(s->socket);
    redisReply *reply;

    if (c == NULL || c->err != 0)
        goto done;
    reply = redisCommand(c, "PING");
    if (reply != NULL) {
        freeReplyObject(reply);
        return c;
    }
done:
    if (c != NULL)
        redisFree(c);
    return NULL;
}

/* extra: more arguments, in pairs and ended by NULL; may be NULL. */
static inline void redis_server_run(struct redis_server *s, const char *const *extra)
{
    const char *argv[40] = {
        "redis-server", "--port",     "0",      "--unixsocket", s->socket, "--dir",
        s->folder,      "--save",     "",       "--daemonize",  "no",      "--appendonly",
        "no",           "--loglevel", "warning"};
    int count = 15, tries = 0;
    redisContext *c = NULL;

    while (extra != NULL && *extra != NULL && count < 38)
        argv[count++] = *extra++;
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (freopen("/dev/null", "w", stdout) != NULL)
            (void)execv(REDIS_SERVER_FILE, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    while ((c = redis_server_connect(s)) == NULL && tries++ < 1000)
        (void)usleep(10 * 1000);
    assert_non_null(c);
    redisFree(c);
}

static inline void redis_server_open(struct redis_server *s, const char *const *extra)
{
    (void)snprintf(s->folder, sizeof(s->folder), "/tmp/gateward-redis-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    (void)snprintf(s->socket, sizeof(s->socket), "%s/s", s->folder);
    (void)snprintf(s->url, sizeof(s->url), "unix:%s", s->socket);
    redis_server_run(s, extra);
}

/* Ends it at once; what it held is gone. */
static inline void redis_server_kill(struct redis_server *s)
{
    if (s->pid <= 0)
        return;
    (void)kill(s->pid, SIGKILL);
    (void)waitpid(s->pid, NULL, 0);
    s->pid = 0;
    (void)unlink(s->socket);
}

static inline void redis_server_close(struct redis_server *s)
{
    redis_server_kill(s);
    (void)rmdir(s->folder);
}

/* One command, words as redisCommand takes them; the reply as a text in a buffer of the caller's:
 * "(nil)" for none. Returns the number in it, if it is one. */
static inline long long redis_server_do(const struct redis_server *s, char *out, size_t cap,
                                        int argc, const char *const *argv)
{
    redisContext *c = redis_server_connect(s);
    redisReply *reply;
    long long number;

    assert_non_null(c);
    reply = redisCommandArgv(c, argc, (const char **)(uintptr_t)argv, NULL);
    assert_non_null(reply);
    number = reply->integer;
    if (out != NULL)
        (void)snprintf(out, cap, "%s", reply->str != NULL ? reply->str : "(nil)");
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    redisFree(c);
    return number;
}
#define REDIS_SERVER_DO(s, ...)                                                                    \
    redis_server_do((s), NULL, 0, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),   \
                    (const char *[]){__VA_ARGS__})
#define REDIS_SERVER_GET(s, out, ...)                                                              \
    redis_server_do((s), (out), sizeof(out),                                                       \
                    (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),                 \
                    (const char *[]){__VA_ARGS__})

#endif
